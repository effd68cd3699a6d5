"""A folder of one's own recordings, in the manifest form of NVIDIA NeMo.

The folder holds ``manifest.jsonl``, a JSON object per line::

    {"audio_filepath": "clips/0001.wav", "text": "turn on the light", "split": "train", "speaker": "anna"}

``audio_filepath`` (relative to the folder, or absolute) and ``text`` are needed; ``split`` (train, valid or test)
and ``speaker`` are optional; other keys, such as ``duration``, are passed over.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from unroll.errors import UserError
from unroll.files import written_whole

MANIFEST = "manifest.jsonl"
Split = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Utterance:
    """A recording, what is said in it, the split it is kept for and who says it (None where not stated)."""

    path: Path
    text: str
    split: Split | None = None
    speaker: str | None = None


def read(folder: Path) -> list[Utterance]:
    """The utterances of a folder in the order of its manifest; raises ``UserError`` naming the file and line."""
    manifest = folder / MANIFEST
    try:
        lines = manifest.read_text(encoding="utf-8-sig").split("\n")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{manifest} is missing: a folder of recordings needs this list of them") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{manifest} is not text in UTF-8 ({error}): save it as UTF-8") from None
    utterances = [
        _utterance(line, folder, f"{manifest}, line {number}") for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not utterances:
        raise UserError(f"{manifest} lists no recording: write a line for each")
    return utterances


def write(folder: Path, utterances: Iterable[Utterance]) -> None:
    """Writes the manifest of a folder; the same utterances give the same bytes.

    Paths inside the folder are written relative to it, so that the folder can be moved.
    """
    with written_whole(folder / MANIFEST) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as out:
        for utterance in utterances:
            out.write(json.dumps(_record(utterance, folder), sort_keys=True, ensure_ascii=False) + "\n")


def _utterance(line: str, folder: Path, where: str) -> Utterance:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UserError(f"{where}: not JSON ({error}): write one object per line") from None
    if not isinstance(record, dict):
        raise UserError(f"{where}: not a JSON object: write {{...}} with audio_filepath and text")
    path = folder / _string(record, "audio_filepath", where)
    text = _string(record, "text", where)
    split = record.get("split")
    if split not in (None, *get_args(Split)):
        raise UserError(f"{where}: split {split!r} is unknown: write one of {', '.join(get_args(Split))}, or no split")
    if record.get("offset"):
        raise UserError(f"{where}: offset is not supported: cut the recording into a file per utterance")
    if not path.is_file():
        raise UserError(f"{where}: there is no file {path}: paths are relative to {folder}")
    speaker = record.get("speaker")
    return Utterance(path, text, split, None if speaker is None else str(speaker))


def _string(record: Mapping[str, Any], key: str, where: str) -> str:
    if key not in record:
        raise UserError(f"{where}: {key} is missing: every line needs it")
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {key} is {value!r}: write a text that is not empty")
    return value.strip()


def _record(utterance: Utterance, folder: Path) -> dict[str, str]:
    inside = utterance.path.is_relative_to(folder)
    path = utterance.path.relative_to(folder) if inside else utterance.path.absolute()
    record = {"audio_filepath": path.as_posix(), "text": utterance.text}
    optional = {"split": utterance.split, "speaker": utterance.speaker}
    return record | {key: value for key, value in optional.items() if value is not None}
