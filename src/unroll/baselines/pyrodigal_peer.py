"""Prodigal (Hyatt et al. 2010) through pyrodigal: the gene finder of daily use, as a peer of the tagger's genes."""

from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.params import STRICT
from unroll.patterns import tagger
from unroll.sources.genomes import Gene

PATTERN = "tagger"
LEAST = 100_000  # bases that it wants to learn a species from; with fewer it takes the nearest of those it knows


@dataclass(frozen=True, config=STRICT)
class Settings:
    """Nothing to choose: it is run as it comes."""

    method: Literal["pyrodigal_peer"]


class Example(NamedTuple):
    """A row of the table: a stretch of the genome of a ``species``."""

    id: str
    species: str
    sequence: str


class Baseline:
    """Learns each species from the very sequences it is to annotate, without their genes, as its authors intend."""

    parameters = 0

    @classmethod
    def for_examples(cls, table: pa.Table, task: tagger.Settings, settings: Settings, seed: int) -> "Baseline":
        """Nothing is learned from the training ``table``; ``UserError`` where pyrodigal is not installed."""
        _pyrodigal()
        return cls()

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows, whole."""
        columns = (table[name].to_pylist() for name in Example._fields)
        return [Example(*row) for row in zip(*columns, strict=True)]

    def predict(self, examples: Sequence[Example]) -> list[list[Gene]]:
        """The genes of each row, counted from its first base; one that runs off an end begins or stops there."""
        species = defaultdict(list)
        for example in examples:
            species[example.species].append(example.sequence)
        finders = {name: _finder(sequences) for name, sequences in species.items()}
        found = [finders[example.species].find_genes(example.sequence) for example in examples]
        return [[Gene(gene.begin - 1, gene.end, gene.strand, score=gene.score) for gene in genes] for genes in found]


def _finder(sequences: Sequence[str]) -> Any:
    """A gene finder for the species of the sequences."""
    pyrodigal = _pyrodigal()
    if sum(map(len, sequences)) < LEAST:
        return pyrodigal.GeneFinder(meta=True)
    finder = pyrodigal.GeneFinder()
    finder.train(*sequences)
    return finder


def _pyrodigal() -> ModuleType:
    """The module, which nothing but this peer needs."""
    try:
        return import_module("pyrodigal")
    except ImportError:
        raise UserError("pyrodigal is not installed: run `pip install -e .[peers]`, or leave this peer out") from None
