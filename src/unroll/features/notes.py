"""Voices as codes: in each sixteenth, each voice rests, begins a note, or holds the one it began.

A pitch p has two codes: ``1 + 2 (p - lowest)`` where a note begins and ``2 + 2 (p - lowest)`` where it is held. Code 0
is a rest. The codes of a step stand side by side in the order of the voices.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int16, Int32
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.examples import vectors
from unroll.params import STRICT
from unroll.sources.clock import CLOCKS, with_end

Pitch = Annotated[int, Field(ge=1, le=127)]


@dataclass(frozen=True, config=STRICT)
class Notes:
    """Settings: the ``lowest`` and the ``highest`` MIDI pitch that have codes."""

    lowest: Pitch
    highest: Pitch

    def __post_init__(self) -> None:
        if self.highest < self.lowest:
            raise ValueError(f"highest should be at least lowest, {self.lowest}")

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return 1 + 2 * (self.highest - self.lowest + 1)


Settings = Notes


def encode(voices: Int16[np.ndarray, "T K"], settings: Notes) -> Int32[np.ndarray, "T*K"]:
    """The codes of voices: +p where a note of the pitch p begins, -p where it is held, 0 for a rest.

    Raises :class:`UserError` naming a pitch without a code.
    """
    flat = voices.ravel().astype(np.int32)
    pitch = np.abs(flat)
    strange = (flat != 0) & ((pitch < settings.lowest) | (pitch > settings.highest))
    if strange.any():
        raise UserError(
            f"pitch {pitch[strange][0]} lies outside {settings.lowest} to {settings.highest}: widen notes.lowest and"
            " notes.highest in params.yaml, or transpose by less"
        )
    return np.where(flat == 0, 0, 1 + 2 * (pitch - settings.lowest) + (flat < 0)).astype(np.int32)


def decode(codes: Int32[np.ndarray, "T*K"], streams: int, settings: Notes) -> Int16[np.ndarray, "T K"]:
    """The voices that codes stand for. What is held after a rest or another pitch begins there."""
    steps = np.asarray(codes).reshape(-1, streams)
    pitch = np.where(steps == 0, 0, settings.lowest + (steps - 1) // 2)
    before = np.vstack([np.zeros((1, streams), pitch.dtype), pitch[:-1]])
    held = (steps > 0) & (steps % 2 == 0) & (pitch == before)
    return np.where(held, -pitch, pitch).astype(np.int16)


def featurize(table: pa.Table, settings: Notes) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with the ``codes`` (large_list<int32>) of the column ``voices``.

    The column ``clock`` gets one value more, what it shows at the end. The metadata hold the featurizer's name and
    settings, how many ``codes`` there are, how many ``streams`` of them (the voices), and how many values a clock has.
    """
    before = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    made = {
        "featurizer": "notes",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "codes": str(settings.codes),
        "streams": before["streams"],
        "clocks": str(CLOCKS),
    }
    schema = pa.schema([*table.schema, ("codes", pa.large_list(pa.int32()))], before | made)
    return schema, _rows(table, settings, int(before["streams"]))


def _rows(table: pa.Table, settings: Notes, streams: int) -> Iterator[Mapping[str, Any]]:
    long = [field.name for field in table.schema if pa.types.is_large_list(field.type)]
    columns = [vectors(table[name]) for name in long]
    for number, row in enumerate(table.drop_columns(long).to_pylist()):
        views = {name: column[number] for name, column in zip(long, columns, strict=True)}
        try:
            codes = encode(views["voices"].reshape(-1, streams), settings)
        except UserError as error:
            raise UserError(f"{row['id']}: {error}") from None
        yield {**row, **views, "codes": codes, "clock": with_end(views["clock"])}
