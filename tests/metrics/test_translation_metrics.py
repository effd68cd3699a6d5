import math

import pytest

from unroll.metrics.translation import (
    bleu,
    bleu_by_words,
    chrf,
    exact_match,
    nearest,
    placeholder_fidelity,
    signatures,
    spoken_error_rates,
)

SENTENCE = "the page was copied to the new site"


def test_bleu_by_hand():
    """Papineni et al. (2002), sections 2.1 and 2.2: the geometric mean of n-gram precisions, times brevity."""
    assert bleu([SENTENCE], [[SENTENCE]]) == pytest.approx(100)
    # 7 of 8 words, 5 of 7 pairs, 3 of 6 triples, 2 of 5 quadruples are in the reference.
    changed = "the page was moved to the new site"
    expected = 100 * math.prod((7 / 8, 5 / 7, 3 / 6, 1 / 5)) ** 0.25
    assert bleu([changed], [[SENTENCE]]) == pytest.approx(expected)
    short = "the page was copied"
    assert bleu([short], [[SENTENCE]]) == pytest.approx(100 * math.exp(1 - 8 / 4))


def test_every_reference_counts():
    other = "somebody copied it to that place over there"
    assert bleu([SENTENCE, other], [[SENTENCE], ["no", other]]) == pytest.approx(100)
    assert chrf([SENTENCE, other], [[SENTENCE], ["no", other]]) == pytest.approx(100)
    assert bleu([SENTENCE, other], [[SENTENCE], ["no"]]) < 70


def test_chrf_is_of_letters():
    assert chrf(["copier"], [["copies"]]) > 40
    assert chrf(["xyz"], [["abc"]]) == 0


def test_signatures_say_how_it_was_counted():
    said = signatures([["a b c d"], ["a", "b"]])
    assert said.startswith("BLEU nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert ", chrF nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|version:" in said
    assert signatures([["a"]]).startswith("BLEU nrefs:1|")


def test_bleu_by_the_words_of_the_source():
    words = [1, 5, 6, 11, 20]
    hypotheses = [SENTENCE, "wrong", SENTENCE, SENTENCE, "no"]
    scores = bleu_by_words(words, hypotheses, [[SENTENCE]] * 5)
    assert list(scores) == ["1_5_words", "6_10_words", "11_20_words"]
    assert scores["6_10_words"] == pytest.approx(100)
    assert scores["1_5_words"] == bleu([SENTENCE, "wrong"], [[SENTENCE]] * 2)
    assert scores["11_20_words"] == bleu([SENTENCE, "no"], [[SENTENCE]] * 2)
    assert list(bleu_by_words([21, 400], [SENTENCE] * 2, [[SENTENCE]] * 2)) == ["over_20_words"]


def test_exact_matches():
    assert exact_match(["a", "b", "c"], [["a"], ["a", "b"], ["d"]]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ([["%s"], ["{a}", "{b}"], []], 1),
        ([["%s"], ["{b}", "{a}"], ["%d"]], 1),
        ([["%s", "%s"], ["{a}", "{b}"], []], 1 / 2),
        ([["%d"], ["{a}"], []], 0),
    ],
)
def test_placeholders_must_be_kept_and_not_invented(found, share):
    assert placeholder_fidelity([["%s"], ["{a}", "{b}"], []], found) == share


def test_without_any_placeholder_nothing_is_lost():
    assert placeholder_fidelity([[], []], [["%s"], []]) == 1


def test_pronunciations_are_judged_by_the_nearest_reference():
    references = [["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"], ["K AE1 T"], ["D AO1 G"]]
    hypotheses = ["T AH0 M AA1 T OW2", "K AE2 T", "D AA1 G Z"]
    assert spoken_error_rates(hypotheses, references) == {
        "word_error_rate": pytest.approx(2 / 3),
        "phone_error_rate": pytest.approx(3 / 12),
        "word_error_rate_without_stress": pytest.approx(1 / 3),
    }
    assert nearest("T AH0 M AA1", references[0]) == "T AH0 M AA1 T OW2"
    assert nearest("", ["B", "A"]) == "B"


def test_an_empty_hypothesis_misses_every_phone():
    assert spoken_error_rates([""], [["K AE1 T"]])["phone_error_rate"] == 1
