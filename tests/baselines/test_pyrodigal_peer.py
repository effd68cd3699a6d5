import sys

import numpy as np
import pyarrow as pa
import pytest

from unroll.baselines.pyrodigal_peer import Baseline, Settings
from unroll.errors import UserError
from unroll.sources.genomes import reverse_complement

SETTINGS = Settings("pyrodigal_peer")
# A gene as Escherichia coli would write it: a Shine-Dalgarno sequence and codons that it uses often.
CODONS = ["CTG", "GCG", "AAA", "GAA", "GAT", "ATT", "GTT", "GGC", "ACC", "CAG", "CGT", "AAC", "TTC", "CCG", "TAC"]


def gene(codons: int, seed: int) -> str:
    return "ATG" + "".join(np.random.default_rng(seed).choice(CODONS, codons)) + "TAA"


def genome(seed: int) -> tuple[str, list[tuple[int, int, int]]]:
    """Bases with genes of both strands, and where these are."""
    text, places = "", []
    for number in range(110):
        body = "TTTAAGGAGGTAATAT" + gene(300, 100 * seed + number) + "TTAACTAATTAGCTAATT"
        stop = len(body) - 18
        forward = number % 2 == 0
        low, high = (16, stop) if forward else (18, len(body) - 16)
        places.append((len(text) + low, len(text) + high, 1 if forward else -1))
        text += body if forward else reverse_complement(body)
    return text, places


def table(rows: list[tuple[str, str, str]]) -> pa.Table:
    ids, species, sequences = zip(*rows, strict=True)
    return pa.table({"id": list(ids), "species": list(species), "sequence": list(sequences)})


def predicted(rows: list[tuple[str, str, str]]):
    baseline = Baseline.for_examples(table(rows), None, SETTINGS, 0)
    return baseline.predict(baseline.examples(table(rows)))


def test_it_finds_the_genes_of_both_strands():
    pytest.importorskip("pyrodigal")
    text, places = genome(1)
    half = places[54][0] - 40
    first, second = predicted([("1", "a", text[:half]), ("2", "a", text[half:])])
    found = [(each.start, each.stop, each.strand) for each in first]
    found += [(each.start + half, each.stop + half, each.strand) for each in second]
    ends = {(strand, stop if strand > 0 else start) for start, stop, strand in found}
    true = {(strand, stop if strand > 0 else start) for start, stop, strand in places}
    assert len(ends & true) >= 0.9 * len(true)
    assert len(set(found) & set(places)) >= 0.8 * len(places)
    assert all(each.score > 0 for each in first)


def test_a_short_sequence_needs_no_training():
    pytest.importorskip("pyrodigal")
    text = "TTTAAGGAGGTAATAT" + gene(200, 5) + "TTAACTAATTAG"
    (found,) = predicted([("1", "a", text)])
    assert [(each.start, each.stop, each.strand) for each in found] == [(16, 16 + 606, 1)]


def test_a_row_may_hold_no_genes():
    pytest.importorskip("pyrodigal")
    assert predicted([("1", "a", "TTAACTAATTAG" * 20)]) == [[]]


def test_without_pyrodigal_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrodigal", None)
    with pytest.raises(UserError, match=r"pyrodigal is not installed: run `pip install -e \.\[peers\]`"):
        Baseline.for_examples(table([("1", "a", "ACGT")]), None, SETTINGS, 0)
