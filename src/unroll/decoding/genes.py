"""Probabilities of coding frames along a genome → genes: the best compatible set of open reading frames.

Every open reading frame of both strands is scored by what the model says of its steps, from its best start codon on,
and the set of frames with the highest sum is found by dynamic programming (weighted interval scheduling, Kleinberg &
Tardos 2005, "Algorithm Design", sec. 6.1), as Prodigal does with other scores (Hyatt et al. 2010, BMC Bioinformatics
11:119).
"""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int64

from unroll.sources.genomes import START_CODONS, STOP_CODONS, Gene, reverse_complement

STEP = 3  # bases; the label of a step is that of its first base
LEAST = 0.01  # of a probability, so that no single step decides
# How likely each start codon is, by its share in E. coli, rounded. Neighbouring steps repeat each other's evidence,
# so a codon's share weighs as much as twenty steps: 3 to 20 found more exact starts of validation genes than 1 did.
START_SCORES = 20 * np.log((0.90, 0.08, 0.02))
SHORTEST = 90  # bases of a gene, as in Prodigal
OVERLAP = 60  # bases that two neighbours may share


class Frames(NamedTuple):
    """Open reading frames of one strand with their best starts, in the coordinates of that strand."""

    starts: Int64[np.ndarray, "N"]
    stops: Int64[np.ndarray, "N"]
    scores: Float[np.ndarray, "N"]


def find_genes(probabilities: Float[np.ndarray, "S 7"], sequence: str) -> list[Gene]:
    """The genes of a sequence by position, from the probabilities of the labels at each of its S steps.

    The labels are ``unroll.sources.genomes.LABELS``; step ``s`` begins at base 3 ``s``. A gene runs from a start codon
    to a stop codon, or off an end of the sequence. Its score sums over its steps the logarithm of how many times
    likelier its label is there than no gene, and the score of its start codon.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), LEAST))
    ratios = logs[:, 1:] - logs[:, :1]
    sums = np.concatenate([np.zeros((1, 6)), np.cumsum(ratios, 0)])
    found = []
    for strand, bases in ((1, sequence), (-1, reverse_complement(sequence))):
        frames = [_frames(_codons(bases, frame), _scores(sums, len(bases), frame, strand), frame) for frame in range(3)]
        starts, stops, scores = (np.concatenate(column) for column in zip(*frames, strict=True))
        good = (scores > 0) & (stops - starts >= SHORTEST)
        for start, stop, score in zip(starts[good].tolist(), stops[good].tolist(), scores[good].tolist(), strict=True):
            low, high = (start, stop) if strand > 0 else (len(bases) - stop, len(bases) - start)
            found.append(Gene(low, high, strand, score=score))
    return _compatible(sorted(found, key=lambda gene: gene.stop))


def _codons(bases: str, frame: int) -> Int[np.ndarray, "C"]:
    """What each codon of a frame can be: 0 nothing, -1 a stop, else 1 + its place in ``START_CODONS``."""
    letters = np.frombuffer(bases.encode(), np.uint8)[frame:]
    codes = letters[: len(letters) // 3 * 3].reshape(-1, 3).astype(np.int64) @ (1, 256, 65536)
    kinds = np.zeros(len(codes), np.int64)
    for codons, first, step in ((STOP_CODONS, -1, 0), (START_CODONS, 1, 1)):
        for number, codon in enumerate(codons):
            kinds[codes == int.from_bytes(codon.encode(), "little")] = first + step * number
    return kinds


def _scores(sums: np.ndarray, length: int, frame: int, strand: int) -> Float[np.ndarray, "P"]:
    """The running score of a frame at each of its codons' first bases, and at the end of the last codon.

    All steps of a frame carry one label, so that the score of a stretch is a difference of two running sums.
    """
    places = np.arange(frame, length + 1, 3)
    if strand > 0:
        return sums[-(-places // STEP), -frame % 3]
    first = (length - 1 - frame) % 3  # the place in its codon, from 0, of the base of every step
    return -sums[-(-(length - places) // STEP), 3 + first]


def _frames(kinds: np.ndarray, scores: np.ndarray, frame: int) -> Frames:
    """The open reading frames of a frame, each from its best start; the first and last may be cut off by the ends."""
    (stops,) = np.nonzero(kinds < 0)
    ends = np.append(stops + 1, len(kinds))  # the codon after each open reading frame
    (starts,) = np.nonzero(kinds > 0)
    bonus = START_SCORES[kinds[starts] - 1]
    if len(kinds) and kinds[0] == 0:  # it may have begun before the sequence does, at no known codon
        starts, bonus = np.insert(starts, 0, 0), np.insert(bonus, 0, START_SCORES.min())
    owner = np.searchsorted(ends, starts, "right")
    values = scores[ends[owner]] - scores[starts] + bonus
    order = np.lexsort((-values, owner))
    best = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
    return Frames(frame + 3 * starts[best], frame + 3 * ends[owner[best]], values[best])


def _compatible(genes: list[Gene]) -> list[Gene]:
    """The genes (ordered by stop) with the highest sum of scores of which no two share more than ``OVERLAP`` bases."""
    stops = [gene.stop for gene in genes]
    best, before = [0.0], []  # best[i]: the highest sum among the first i genes
    for number, gene in enumerate(genes):
        before.append(bisect_right(stops, gene.start + OVERLAP, hi=number))
        best.append(max(best[-1], best[before[-1]] + gene.score))
    chosen, number = [], len(genes)
    while number:
        if best[number] == best[number - 1]:
            number -= 1
        else:
            chosen.append(genes[number - 1])
            number = before[number - 1]
    return sorted(chosen)
