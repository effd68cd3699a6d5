"""Genomes cut into blocks between genes, which splits are made of: no region lies on two sides."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from unroll.errors import UserError
from unroll.fields.biology.splits import Name
from unroll.sources.genomes import Gene, Genome

TEST, VALID = 1 / 6, 1 / 12  # of the blocks


class Block(NamedTuple):
    """Bases ``start`` up to ``stop`` of a genome, which cut no gene."""

    genome: Genome
    start: int
    stop: int

    @property
    def id(self) -> str:
        """Its place in the notation of biologists: counted from 1, the last base included."""
        return f"{self.genome.id}:{self.start + 1}-{self.stop}"

    @property
    def sequence(self) -> str:
        """Its bases."""
        return self.genome.sequence[self.start : self.stop]

    @property
    def genes(self) -> list[Gene]:
        """The genes in it, or those of their parts that are, in the coordinates of the genome."""
        return [gene for gene in self.genome.genes if any(self.holds(*stretch) for stretch in gene.stretches)]

    def holds(self, start: int, stop: int) -> bool:
        """Whether a stretch of the genome lies in it."""
        return self.start <= start and stop <= self.stop


def cut(genome: Genome, size: int) -> list[Block]:
    """The genome in blocks of about ``size`` bases, cut midway between genes."""
    length = len(genome.sequence)
    inside = np.zeros(length + 1, bool)
    for gene in genome.genes:
        for start, stop in gene.stretches:
            inside[start + 1 : stop] = True
    free = np.flatnonzero(~inside)
    gaps = np.split(free, np.flatnonzero(np.diff(free) > 1) + 1)
    middles = np.array([0, *(gap[len(gap) // 2] for gap in gaps[1:-1]), length])
    wanted = np.linspace(0, length, 1 + max(1, round(length / size)))
    edges = np.unique(middles[np.abs(middles[:, None] - wanted).argmin(0)]).tolist()
    return [Block(genome, start, stop) for start, stop in pairwise(edges)]


def split(genomes: list[Genome], size: int, seed: int) -> dict[Name, list[Block]]:
    """All blocks of the genomes, drawn by ``seed``: a sixth for test, a twelfth for valid, at least one each."""
    blocks = [block for genome in genomes for block in cut(genome, size)]
    test, valid = max(1, round(TEST * len(blocks))), max(1, round(VALID * len(blocks)))
    if len(blocks) <= test + valid:
        raise UserError(f"{genomes[0].id}: {len(blocks)} blocks of {size} bases are too few: make them smaller")
    order = np.random.default_rng(seed).permutation(len(blocks))
    sides = {"test": order[:test], "valid": order[test : test + valid], "train": order[test + valid :]}
    return {side: [blocks[i] for i in sorted(sides[side])] for side in ("train", "valid", "test")}
