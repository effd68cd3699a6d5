"""Pairs of texts: the messages of gettext catalogues (.po, .mo), and parallel files.

Of a catalogue, what is translated is read; entries that are fuzzy or obsolete are not. An entry with plural forms is
two pairs: the singular with the first form, the plural with the last.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from unroll.errors import UserError
from unroll.sources import fasta

if TYPE_CHECKING:
    from babel.messages import Catalog

CATALOGUES = {".po", ".mo"}
SPLITS = ("train", "valid", "test")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A line of a catalogue that is no comment: an optional keyword and a string in quotes with the escapes of C.
_LINE = re.compile(r'(?:msg(?:id|id_plural|ctxt|str|str\[\d\])\s*)?"(?:[^"\\]|\\[ntr"\\])*"')


class Message(NamedTuple):
    """A text and its translation, the package that it is of, and the split that its files state ("" for none)."""

    source: str
    target: str
    package: str
    split: str = ""


def read(path: Path) -> list[Message]:
    """The different pairs of each package of ``path``, in their order.

    ``path``: a table ``source<TAB>target`` (.tsv), a catalogue, a folder of parallel files ``train.<language>`` (two,
    the source's first in the alphabet; ``valid.*`` and ``test.*`` too, or neither), or a folder with catalogues of one
    language anywhere below it, those of a package in a folder of its own or below it. Of a catalogue that lies there
    in both forms, the .po is read. ``UserError`` names the file and the line at fault.
    """
    if path.suffix in CATALOGUES:
        return _different(read_catalogue(path))
    if path.suffix == ".tsv":
        return _different(_read_table(path))
    if not path.is_dir():
        what = "is neither a .tsv, .po or .mo file nor a folder" if path.exists() else "is missing"
        raise UserError(f"{path} {what}: name a .tsv, .po or .mo file, or a folder of catalogues or parallel files")
    return _different(_read_parallel(path) if _sides(path, "train") else _read_folder(path))


def read_catalogue(path: Path) -> Iterator[Message]:
    """The translated messages of a .po or .mo file."""
    return _messages(_catalogue(path), path.stem)


def _messages(catalogue: "Catalog", package: str) -> Iterator[Message]:
    for entry in catalogue:
        if not entry.id or entry.fuzzy:
            continue
        if isinstance(entry.id, str):
            pairs = [(entry.id, entry.string)]
        else:
            forms = [form for form in entry.string if form] or [""]
            pairs = [(entry.id[0], forms[0]), (entry.id[1], forms[-1])]
        yield from (Message(source, target, package) for source, target in pairs if source and target)


def _catalogue(path: Path) -> "Catalog":
    from babel.messages import mofile, pofile

    try:
        if path.suffix == ".mo":
            with path.open("rb") as file:
                return mofile.read_mo(file)
        return pofile.read_po(_lines(path), abort_invalid=True)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not in the encoding that its header states ({error}): save it as UTF-8") from None
    except pofile.PoFileError as error:
        raise UserError(f"{path}, line {error.lineno + 1}: {str(error).rpartition(' on ')[0]}") from None
    except (OSError, ValueError, LookupError, AttributeError, struct.error) as error:
        raise UserError(f"{path} cannot be read as a gettext catalogue ({error}): check it with msgfmt") from None


def _lines(path: Path) -> list[bytes]:
    """The lines of a .po, those of obsolete entries blank; refuses what babel would misread in silence."""
    # Some catalogues have more plural forms than they state, Django's among them; no language has more than six.
    content = re.sub(rb"nplurals=\d+", b"nplurals=6", path.read_bytes().removeprefix(_BYTE_ORDER_MARK))
    lines = [line.strip() for line in content.split(b"\n")]
    lines = [b"" if line.startswith(b"#~") else line for line in lines]
    for number, line in enumerate(lines, 1):
        if line and not line.startswith(b"#") and not _LINE.fullmatch(line.decode("latin-1")):
            shown = line.decode("utf-8", "replace")[:60]
            raise UserError(f"{path}, line {number}: {shown!r} is no keyword with a string, or has an escape unknown")
    return lines


def _read_folder(folder: Path) -> Iterator[Message]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in CATALOGUES)
    found = [path for path in found if path.suffix == ".po" or path.with_suffix(".po") not in found]
    if not found:
        raise UserError(f"{folder} has neither catalogues (.po, .mo) nor parallel files (train.en, train.fr)")
    catalogues = list(map(_catalogue, found))
    languages = sorted({own.locale.language for own in catalogues if own.locale})
    if len(languages) > 1:
        raise UserError(f"{folder} has catalogues of {', '.join(languages)}: name a folder of one language")
    for path, catalogue in zip(found, catalogues, strict=True):
        package = path.stem if path.parent == folder else path.relative_to(folder).parts[0]
        yield from _messages(catalogue, package)


def _read_table(path: Path) -> Iterator[Message]:
    for number, line in enumerate(fasta.text(path).split("\n"), 1):
        if not line.strip():
            continue
        source, tab, target = line.partition("\t")
        if not tab or "\t" in target or not source.strip() or not target.strip():
            raise UserError(f"{path}, line {number}: write a source and a target with one tab between them")
        yield Message(source, target, path.stem)


def _read_parallel(folder: Path) -> Iterator[Message]:
    stated = [split for split in SPLITS if _sides(folder, split)]
    if len(stated) == 2:
        raise UserError(f"{folder} has files of {' and '.join(stated)}: name the third split too, or train alone")
    languages = [path.suffix for path in _sides(folder, "train")]
    for split in stated:
        paths = _sides(folder, split)
        if [path.suffix for path in paths] != languages or len(paths) != 2:
            names = ", ".join(path.name for path in paths)
            raise UserError(f"{folder}: {split} should be two files, of the languages of train, not {names}")
        source, target = (fasta.text(path).rstrip("\n").split("\n") for path in paths)
        if len(source) != len(target):
            counts = " and ".join(f"{path.name} {len(own)}" for path, own in zip(paths, (source, target), strict=True))
            raise UserError(f"{folder}: a line should be the translation of the same line, but {counts} lines")
        for one, other in zip(source, target, strict=True):
            if one.strip() and other.strip():
                yield Message(one, other, folder.name, split if len(stated) > 1 else "")


def _sides(folder: Path, split: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{split}.*") if path.is_file())


def _different(messages: Iterator[Message]) -> list[Message]:
    return list(dict.fromkeys(messages))
