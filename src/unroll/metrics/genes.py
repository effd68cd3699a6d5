"""How well predicted genes fit the annotated ones: by bases, by their ends and by both ends.

A gene's 3' end, its stop codon, is sure once the reading frame is known; its start is the hard part, which is why
gene finders are compared by 3' ends (Hyatt et al. 2010, BMC Bioinformatics 11:119) and exact matches apart.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from unroll.sources.genomes import Gene


class Counts(NamedTuple):
    """Pairs of (base, strand) and genes: those annotated, those predicted, and those that both hold."""

    bases: int
    bases_found: int
    bases_right: int
    genes: int
    genes_found: int
    ends_right: int
    exact: int


def compare(truth: Sequence[Gene], found: Sequence[Gene], unscored: Sequence[tuple[int, int]], length: int) -> Counts:
    """Counts over a sequence of ``length`` bases, those of the stretches ``unscored`` passed over.

    A predicted gene that lies in them with half its bases or more is passed over too.
    """
    scored = np.ones(length, bool)
    for start, stop in unscored:
        scored[start:stop] = False
    found = [gene for gene in found if scored[gene.start : gene.stop].mean() > 0.5]
    ends, own_ends = ({end(gene) for gene in each} for each in (truth, found))
    whole, own_whole = ({(gene.start, gene.stop, gene.strand) for gene in each} for each in (truth, found))
    bases = count_bases(coding(truth, length), coding(found, length), scored)
    return Counts(*bases, len(ends), len(own_ends), len(ends & own_ends), len(whole & own_whole))


def end(gene: Gene) -> tuple[int, int]:
    """A gene's strand and where on it the stop codon ends."""
    return gene.strand, gene.stop if gene.strand > 0 else gene.start


def coding(genes: Iterable[Gene], length: int) -> Bool[np.ndarray, "2 T"]:
    """Whether each base is part of a gene of the forward strand, and of the reverse strand."""
    strands = np.zeros((2, length), bool)
    for gene in genes:
        strands[int(gene.strand < 0), gene.start : gene.stop] = True
    return strands


def count_bases(
    truth: Bool[np.ndarray, "2 T"], found: Bool[np.ndarray, "2 T"], scored: Bool[np.ndarray, "T"]
) -> tuple[int, int, int]:
    """Pairs of (base, strand) that are coding in truth, as found and in both."""
    return tuple(int((each & scored).sum()) for each in (truth, found, truth & found))


def f1(truth: int, found: int, right: int) -> float:
    """The harmonic mean of recall and precision; 0 where nothing is right."""
    return 2 * right / max(1, truth + found)


def scores(parts: Sequence[Counts]) -> dict[str, float]:
    """Metrics of all parts together, by name, ``strand_base_f1`` first."""
    total = Counts(*map(sum, zip(*parts, strict=True)))
    return {
        "strand_base_f1": f1(total.bases, total.bases_found, total.bases_right),
        "gene_3_prime_recall": total.ends_right / max(1, total.genes),
        "gene_3_prime_precision": total.ends_right / max(1, total.genes_found),
        "exact_match_recall": total.exact / max(1, total.genes),
        "exact_match_precision": total.exact / max(1, total.genes_found),
    }
