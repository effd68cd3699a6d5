import numpy as np
import pytest

from unroll.baselines.weight_matrix import Baseline, Settings
from unroll.errors import UserError
from unroll.features.kmers import Kmers
from unroll.patterns import classifier

TASK = classifier.Settings(pooling=["final"], masked=0.0, balance=True)
SETTINGS = Settings("weight_matrix", motif="start", pseudocount=1.0)
DNA = Kmers("dna", 1)
STARTS = ["AATG", "CATG", "GATG", "TATG"]
DECOYS = ["CCCC", "GGGG", "AAAA", "TTTT"]
ROWS = [(text, "start") for text in STARTS] + [(text, "decoy") for text in DECOYS]


def test_the_motif_is_told_apart(sequences):
    baseline = Baseline.for_examples(sequences(ROWS, DNA), TASK, SETTINGS, 0)
    found = baseline.predict(baseline.examples(sequences([("GATG", "?"), ("GTGA", "?"), ("NATG", "?")], DNA)))
    assert [each.label for each in found] == ["start", "decoy", "start"]
    assert list(found[0].probabilities) == ["decoy", "start"]
    assert found[0].probabilities["start"] == pytest.approx(found[2].probabilities["start"])


def test_the_matrix_holds_log_odds_in_bits(sequences):
    baseline = Baseline.for_examples(sequences(ROWS, DNA), TASK, SETTINGS, 0)
    # Four bases and a pseudocount for each; the decoys are of all bases alike.
    none, all_four = np.log2(1 / 8 / 0.25), np.log2(5 / 8 / 0.25)
    expected = [[0, 0, 0, 0, 0], [all_four, none, none, none, 0], [none, none, none, all_four, 0]]
    np.testing.assert_allclose(baseline.matrix[:3], expected, atol=1e-12)
    assert baseline.parameters == 4 * 4 + 2


def test_longer_kmers_count_by_their_first_letter(sequences):
    one, three = (Baseline.for_examples(sequences(ROWS, Kmers("dna", k)), TASK, SETTINGS, 0) for k in (1, 3))
    np.testing.assert_allclose(three.matrix[:2], one.matrix[:2], atol=0.5)
    codes = [example.inputs for example in three.examples(sequences(ROWS, Kmers("dna", 3)))]
    assert three.probabilities(codes)[:4, 1] == pytest.approx(three.probabilities(codes)[0, 1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("ACGT", "other"), ("ACGT", "decoy")], r"start: should be one of two labels; there are \['decoy', 'other'\]"),
        ([("ACGT", "start"), ("ACGTA", "decoy")], "of one length; here are 4 and 5"),
    ],
)
def test_what_does_not_fit_is_refused(sequences, rows, message):
    with pytest.raises(UserError, match=message):
        Baseline.for_examples(sequences(sorted(rows), DNA), TASK, SETTINGS, 0)
