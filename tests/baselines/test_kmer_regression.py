import numpy as np
import pytest

from unroll.baselines.kmer_regression import Baseline, Settings
from unroll.features.kmers import Kmers
from unroll.patterns import classifier

SETTINGS = Settings("kmer_regression", penalty=0.1)
PLAIN = classifier.Settings(pooling=["final"], masked=0.0, balance=False)
RICH = [("MKKKLKEKKMK", "charged"), ("KKEKRKKLKKR", "charged"), ("LLVILALLVV", "greasy"), ("VVLALLIILLV", "greasy")]


def test_composition_tells_the_label(sequences):
    table = sequences(RICH, Kmers("protein", 1))
    baseline = Baseline.for_examples(table, PLAIN, SETTINGS, 0)
    found = baseline.predict(baseline.examples(sequences([("KEKKKK", "?"), ("LVLX", "?")], Kmers("protein", 1))))
    assert [each.label for each in found] == ["charged", "greasy"]
    assert list(found[0].probabilities) == ["charged", "greasy"]
    assert sum(found[0].probabilities.values()) == pytest.approx(1)


def test_k_is_that_of_the_features(sequences):
    order = [("ACACACAC", "forth"), ("CACACAGA", "forth"), ("AACCAACC", "pairs"), ("CCAACCAA", "pairs")]
    baseline = Baseline.for_examples(sequences(order, Kmers("dna", 2)), PLAIN, SETTINGS, 0)
    found = baseline.predict(baseline.examples(sequences([("ACACAC", "?"), ("AACC", "?")], Kmers("dna", 2))))
    assert [each.label for each in found] == ["forth", "pairs"]
    assert baseline.parameters == 16 + 1


def test_frequencies_count_not_lengths(sequences):
    baseline = Baseline.for_examples(sequences(RICH, Kmers("protein", 1)), PLAIN, SETTINGS, 0)
    codes = baseline.examples(sequences([("KL", "?"), ("KL" * 50, "?")], Kmers("protein", 1)))
    short, long = baseline.probabilities([example.inputs for example in codes])
    np.testing.assert_allclose(short, long)


def test_unknown_letters_count_nothing(sequences):
    baseline = Baseline.for_examples(sequences(RICH, Kmers("protein", 1)), PLAIN, SETTINGS, 0)
    codes = baseline.examples(sequences([("KL", "?"), ("XKXXLX", "?"), ("XXX", "?")], Kmers("protein", 1)))
    plain, mixed, nothing = baseline.probabilities([example.inputs for example in codes])
    np.testing.assert_allclose(plain, mixed)
    assert np.isfinite(nothing).all()


def test_a_rare_label_weighs_more_where_the_classifier_balances(sequences):
    rows = [("AAC", "often")] * 30 + [("ACC", "often")] * 10 + [("ACC", "rare")] * 6
    table = sequences(rows, Kmers("dna", 1))
    plain, balanced = (
        Baseline.for_examples(table, classifier.Settings(pooling=["final"], masked=0.0, balance=balance), SETTINGS, 0)
        for balance in (False, True)
    )
    rare = [each.predict(each.examples(table))[-1].probabilities["rare"] for each in (plain, balanced)]
    assert rare[0] < 0.5 < rare[1]
