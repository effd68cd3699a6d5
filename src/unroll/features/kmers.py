"""Biological sequences as overlapping k-mers: the ``k`` letters from each place on, as one number.

A k-mer's code is its letters read as the digits of a number, A first: with ``k`` = 2, ``AA`` is 0, ``AC`` 1 and
``TT`` 15. The last ``k - 1`` letters of a sequence begin no k-mer; they, and every k-mer with a letter outside the
alphabet, have the code ``unknown``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.examples import vectors
from unroll.params import STRICT, Count

ALPHABETS = {"dna": "ACGT", "protein": "ACDEFGHIKLMNPQRSTVWY"}


@dataclass(frozen=True, config=STRICT)
class Kmers:
    """Settings: the ``alphabet``, and ``k``, how many letters a code stands for."""

    alphabet: Literal["dna", "protein"]
    k: Count

    def __post_init__(self) -> None:
        if self.unknown > np.iinfo(np.int16).max:
            raise ValueError("k should be at most 7 for dna and 3 for protein")

    @property
    def unknown(self) -> int:
        """The code of what is no k-mer of the alphabet; the others are smaller."""
        return len(ALPHABETS[self.alphabet]) ** self.k

    @property
    def codes(self) -> int:
        """How many codes there are, ``unknown`` included."""
        return self.unknown + 1


Settings = Kmers


def encode(sequence: str, settings: Kmers) -> np.ndarray:
    """int16 (N,): the code of the k-mer at each of the N letters of a sequence in upper case."""
    letters = _digits(settings.alphabet)[np.frombuffer(sequence.encode("ascii", "replace"), np.uint8)]
    codes = np.full(len(letters), settings.unknown, np.int16)
    whole = len(letters) - settings.k + 1
    if whole <= 0:
        return codes
    size = len(ALPHABETS[settings.alphabet])
    number, strange = np.zeros(whole, np.int16), np.zeros(whole, bool)
    for place in range(settings.k):
        here = letters[place : place + whole]
        number = number * np.int16(size) + here
        strange |= here == size
    codes[:whole] = np.where(strange, codes[:whole], number)
    return codes


@cache
def complement(k: int) -> np.ndarray:
    """int16 (4**k + 1,), read-only: for the code of each k-mer of DNA that of its reverse complement."""
    left, other = np.arange(4**k), np.zeros(4**k, np.int64)
    for _ in range(k):
        left, digit = np.divmod(left, 4)
        other = 4 * other + (3 - digit)
    table = np.append(other, 4**k).astype(np.int16)
    table.setflags(write=False)
    return table


def reverse_complement(codes: np.ndarray, k: int) -> np.ndarray:
    """int16 (N,): the codes of the other strand of DNA, read in its own direction.

    They are those of the reverse complement of the N letters alone: a k-mer that reaches beyond them is unknown.
    """
    whole = max(0, len(codes) - k + 1)
    other = np.full(len(codes), 4**k, np.int16)
    other[:whole] = complement(k)[codes[:whole][::-1]]
    return other


def featurize(table: pa.Table, settings: Kmers) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with the ``codes`` (large_list<int16>) of the column ``sequence``.

    The schema's metadata, with what they were, hold the featurizer's name and settings.
    """
    made = {"featurizer": "kmers", "settings": json.dumps(asdict(settings), sort_keys=True)}
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()} | made
    schema = pa.schema([*table.schema, ("codes", pa.large_list(pa.int16()))], metadata)
    return schema, _rows(table, settings)


def _rows(table: pa.Table, settings: Kmers) -> Iterator[Mapping[str, Any]]:
    long = [field.name for field in table.schema if pa.types.is_large_list(field.type)]
    columns = [vectors(table[name]) for name in long]
    for number, row in enumerate(table.drop_columns(long).to_pylist()):
        views = {name: column[number] for name, column in zip(long, columns, strict=True)}
        yield {**row, **views, "codes": encode(row["sequence"], settings)}


@cache
def _digits(alphabet: str) -> np.ndarray:
    """int16 (256,): the digit of each letter, by its ASCII code; the alphabet's size for what is none."""
    letters = ALPHABETS[alphabet]
    digits = np.full(256, len(letters), np.int16)
    digits[np.frombuffer(letters.encode(), np.uint8)] = np.arange(len(letters))
    return digits
