import numpy as np
import pytest

from unroll.metrics import genes
from unroll.metrics.genes import Counts
from unroll.sources.genomes import Gene

TRUTH = [Gene(0, 30, 1), Gene(40, 70, -1)]


def test_counts_literally():
    found = [Gene(6, 30, 1), Gene(40, 70, -1), Gene(75, 90, 1)]
    assert genes.compare(TRUTH, found, [], 100) == Counts(60, 69, 54, 2, 3, 2, 1)


def test_an_end_belongs_to_a_strand():
    assert genes.compare([Gene(0, 30, 1)], [Gene(0, 30, -1)], [], 30) == Counts(30, 30, 0, 1, 1, 0, 0)


def test_what_is_not_scored_counts_neither_way():
    found = [*TRUTH, Gene(80, 100, 1)]  # the last one predicted where a pseudogene lies
    assert genes.compare(TRUTH, found, [(95, 100), (0, 10)], 100) == Counts(50, 65, 50, 2, 3, 2, 2)
    assert genes.compare(TRUTH, found, [(80, 100), (0, 10)], 100) == Counts(50, 50, 50, 2, 2, 2, 2)


def test_genes_of_both_strands_may_lie_on_a_base():
    strands = genes.coding([Gene(0, 2, 1), Gene(1, 3, -1)], 4)
    assert strands.tolist() == [[True, True, False, False], [False, True, True, False]]


def test_scores_of_several_blocks_are_those_of_all_their_counts():
    found = genes.scores([Counts(60, 69, 54, 2, 3, 2, 1), Counts(40, 31, 26, 2, 1, 1, 1)])
    assert found == {
        "strand_base_f1": pytest.approx(0.8),
        "gene_3_prime_recall": 0.75,
        "gene_3_prime_precision": 0.75,
        "exact_match_recall": 0.5,
        "exact_match_precision": 0.5,
    }
    assert next(iter(found)) == "strand_base_f1"


def test_nothing_found_scores_nothing():
    counts = genes.compare(TRUTH, [], [], 100)
    assert genes.scores([counts])["strand_base_f1"] == 0
    assert genes.f1(0, 0, 0) == 0
    assert genes.count_bases(np.ones((2, 3), bool), np.zeros((2, 3), bool), np.array([True, False, True])) == (4, 0, 0)
