"""FASTA files (Pearson & Lipman 1988), whatever their letters mean."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from Bio.SeqIO.FastaIO import SimpleFastaParser

from unroll.errors import UserError


class Record(NamedTuple):
    """A sequence as it is written: its ``id``, what else its title says, and its letters."""

    id: str
    about: str
    letters: str


def read(path: Path) -> Iterator[Record]:
    """The records of a file, each with an id of its own and some letters; ``UserError`` names the one that has not."""
    content = text(path).lstrip()
    if not content.startswith(">"):
        raise UserError(f"{path} is not FASTA: its first line should begin with >")
    known = set()
    for number, (title, letters) in enumerate(SimpleFastaParser(io.StringIO(content)), 1):
        name, _, about = title.strip().partition(" ")
        if not name:
            raise UserError(f"{path}, record {number} has no name: write one behind its >")
        if name in known:
            raise UserError(f"{path}, record {name}: there is another of this name: rename one")
        if not letters:
            raise UserError(f"{path}, record {name} is empty: complete it or take it out")
        known.add(name)
        yield Record(name, about.strip(), letters)


def text(path: Path) -> str:
    """The text of a file, its line ends those of Unix."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder: name a file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not text: unpack it if it is compressed") from None
