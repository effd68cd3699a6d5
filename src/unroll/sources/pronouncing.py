"""Pronouncing dictionaries in the form of CMUdict (Carnegie Mellon University, 1993-2015).

A line is a word and its phones in ARPAbet, vowels with their stress (0 none, 1 primary, 2 secondary). Further
pronunciations of a word are lines of their own, ``word(2)``. What follows ``#`` and lines that begin with ``;;;`` are
comments.
"""

import re
from pathlib import Path

from unroll.errors import UserError
from unroll.sources import fasta

_VARIANT = re.compile(r"\(\d+\)$")
_PHONE = re.compile(r"[A-Z]{1,3}[0-2]?")


def read(path: Path) -> dict[str, list[str]]:
    """The pronunciations of each word, in lower case, in the order of the file; phones are separated by blanks."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(fasta.text(path).split("\n"), 1):
        entry = [] if line.startswith(";;;") else line.partition(" #")[0].split()
        if not entry:
            continue
        word, *phones = entry
        strange = [phone for phone in phones if not _PHONE.fullmatch(phone)]
        if strange or not phones:
            what = f"{strange[0]!r} is no phone" if strange else f"{word!r} has no phones"
            raise UserError(f"{path}, line {number}: {what}: write a word and its phones, such as `copy K AA1 P IY0`")
        variants = found.setdefault(_VARIANT.sub("", word).lower(), [])
        if (spoken := " ".join(phones)) not in variants:
            variants.append(spoken)
    if not found:
        raise UserError(f"{path} has no words: write lines such as `copy K AA1 P IY0`")
    return found
