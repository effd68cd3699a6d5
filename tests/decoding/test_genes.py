from itertools import pairwise

import numpy as np
import pytest

from unroll.decoding.genes import find_genes
from unroll.sources.genomes import LABELS, START_CODONS, STOP_CODONS, Gene, reverse_complement

CODONS = ("GCA", "AAA", "CTG", "GAC")  # none of them, nor their other frames, starts or stops a gene here
BODY = "".join(CODONS) * 10  # 120 bases
GENE = f"ATG{BODY}TAA"
FILL = "CCC" * 20


def probabilities(length: int, genes: list[Gene], sure: float = 0.9) -> np.ndarray:
    """(S, 7): what a model says that knows the genes, and is ``sure`` of every step."""
    labels = np.zeros(length, np.int64)
    for gene in genes:
        places = np.arange(gene.stop - gene.start) % 3
        labels[gene.start : gene.stop] = 1 + places if gene.strand > 0 else 4 + places[::-1]
    others = (1 - sure) / (len(LABELS) - 1)
    return np.where(np.eye(len(LABELS), dtype=bool)[labels[::3]], sure, others)


def places(genes: list[Gene]) -> list[tuple[int, int, int]]:
    return [(gene.start, gene.stop, gene.strand) for gene in genes]


@pytest.mark.parametrize("frame", range(3))
@pytest.mark.parametrize("strand", [1, -1])
@pytest.mark.parametrize("tail", range(3))
def test_finds_a_gene_in_every_frame_of_both_strands(frame, strand, tail):
    gene = GENE if strand > 0 else reverse_complement(GENE)
    sequence = "C" * frame + FILL + gene + FILL + "C" * tail
    start = frame + len(FILL)
    truth = Gene(start, start + len(GENE), strand)
    assert places(find_genes(probabilities(len(sequence), [truth]), sequence)) == [tuple(truth[:3])]


def test_finds_none_where_none_is_likely():
    sequence = FILL + GENE + FILL
    assert find_genes(probabilities(len(sequence), []), sequence) == []


def test_what_a_model_takes_for_coding_is_no_gene_without_a_stop_before_it():
    sequence = "TAA" + FILL + BODY + "TAG" + FILL  # open between the two stops, but no codon to start with
    assert find_genes(probabilities(len(sequence), [Gene(63, 186, 1)]), sequence) == []


def test_the_start_is_where_coding_begins():
    inner = "ATG" + BODY
    sequence = f"TAA{FILL}ATG{FILL}{inner}{inner}TAA{FILL}"  # four starts in one open reading frame
    for first in (63, 126, 249):
        truth = Gene(first, 375, 1)
        assert places(find_genes(probabilities(len(sequence), [truth]), sequence)) == [(first, 375, 1)]


def test_a_common_start_codon_beats_a_rare_one_near_by():
    sequence = f"TAA{FILL}TTGGCAATG{BODY}TAA{FILL}"
    assert places(find_genes(probabilities(len(sequence), [Gene(63, 195, 1)]), sequence)) == [(69, 195, 1)]


def test_genes_run_off_both_ends():
    sequence = f"GC{BODY}TAA{FILL}ATG{BODY}A"
    truth = [Gene(2, 125, 1), Gene(185, 308, 1)]
    assert places(find_genes(probabilities(len(sequence), truth), sequence)) == [(2, 125, 1), (185, 308, 1)]


def test_neighbours_may_share_four_bases():
    sequence = f"{FILL}ATG{BODY}GCATGAGC{BODY}TAA{FILL}"  # TGA ends the first where ATG begins the second
    truth = [Gene(60, 189, 1), Gene(185, 314, 1)]
    assert places(find_genes(probabilities(len(sequence), truth), sequence)) == [(60, 189, 1), (185, 314, 1)]


def test_of_two_genes_in_one_place_the_likelier_remains():
    sequence = f"{FILL}{GENE}{FILL}"
    truth = Gene(60, 186, 1)
    told = probabilities(len(sequence), [truth], 0.6)
    told[20:62, 4:] += 0.05  # something of the other strand, less
    found = find_genes(told / told.sum(1, keepdims=True), sequence)
    assert places(found) == [(60, 186, 1)]


def test_whatever_the_model_says_they_are_open_reading_frames_side_by_side():
    rng = np.random.default_rng(3)
    sequence = "".join(rng.choice(list("ACGT"), 30_001))
    found = find_genes(rng.dirichlet(np.full(7, 0.3), 10_001), sequence)
    assert len(found) > 50
    for gene in found:
        bases = sequence[gene.start : gene.stop]
        bases = bases if gene.strand > 0 else reverse_complement(bases)
        codons = [bases[i : i + 3] for i in range(0, len(bases), 3)]
        assert len(bases) >= 90
        assert len(bases) % 3 == 0
        assert codons[0] in START_CODONS or min(gene.start, 30_001 - gene.stop) < 3
        assert not set(codons[:-1]) & set(STOP_CODONS)
    assert all(right.start >= left.stop - 60 for left, right in pairwise(found))


@pytest.mark.parametrize("length", range(8))
def test_a_sequence_too_short_for_a_gene_has_none(length):
    told = np.full((-(-length // 3), 7), 1 / 7)
    assert find_genes(told, "ATGAAATAA"[:length]) == []


def test_unknown_bases_are_no_codons():
    sequence = f"{FILL}NNN{BODY}TAA{FILL}"
    assert find_genes(probabilities(len(sequence), []), sequence) == []


def test_a_score_sums_over_the_steps():
    sequence = f"{FILL}{GENE}{FILL}"
    (gene,) = find_genes(probabilities(len(sequence), [Gene(60, 186, 1)]), sequence)
    ratio = np.log(0.9 / (0.1 / 6))
    assert gene.score == pytest.approx(42 * ratio + 20 * np.log(0.9))
