import pytest

from unroll.metrics.error_rates import confusions, error_rates, grouped


def test_rates_by_hand():
    # one two three | one too three four: a substitution (3 characters of which 1) and an insertion (" four").
    # five six | five: a deletion (" six").
    rates = error_rates(["one two three", "five six", "seven"], ["one too three four", "five", "seven"])
    assert rates == pytest.approx(
        {
            "word_error_rate": 3 / 6,
            "character_error_rate": (1 + 5 + 4) / (13 + 8 + 5),
            "sentence_error_rate": 2 / 3,
            "substitutions": 1 / 6,
            "deletions": 1 / 6,
            "insertions": 1 / 6,
        }
    )


def test_perfect_is_zero_and_white_space_does_not_count():
    rates = error_rates(["a b", " c\td \n"], ["a  b", "c d"])
    assert set(rates.values()) == {0.0}


def test_an_empty_hypothesis_deletes_everything():
    rates = error_rates(["one two", "six"], ["", "six"])
    assert rates["word_error_rate"] == rates["deletions"] == pytest.approx(2 / 3)
    assert rates["character_error_rate"] == pytest.approx(7 / 10)
    assert rates["sentence_error_rate"] == 1 / 2


def test_words_for_an_empty_reference_are_insertions():
    rates = error_rates(["", "one two", ""], ["five six", "one two", ""])
    assert rates["word_error_rate"] == rates["insertions"] == 2 / 2
    assert rates["character_error_rate"] == pytest.approx(8 / 7)
    assert rates["sentence_error_rate"] == pytest.approx(1 / 3)


def test_references_without_any_word():
    assert error_rates(["", " "], ["one two", "six"])["word_error_rate"] == 3.0
    assert set(error_rates([""], [""]).values()) == {0.0}


def test_refuses_unequal_numbers():
    with pytest.raises(ValueError, match="1 reference and 2 hypothesis"):
        error_rates(["one"], ["one", "two"])


def test_grouped_pools_within_groups_in_their_order():
    references = ["one two", "one", "three four", "five six seven"]
    hypotheses = ["one too", "one", "three four", ""]
    assert grouped(references, hypotheses, ["theo", "anna", "anna", "theo"]) == {"anna": 0.0, "theo": 4 / 5}
    assert list(grouped(references, hypotheses, [10, 9, 10, 9])) == ["9", "10"]


def test_confusions_pair_every_word():
    counts = confusions(["one two three", "five six", "", "seven"], ["one too three four", "five", "nine", "seven"])
    assert counts == {
        ("one", "one"): 1,
        ("two", "too"): 1,
        ("three", "three"): 1,
        ("", "four"): 1,
        ("five", "five"): 1,
        ("six", ""): 1,
        ("", "nine"): 1,
        ("seven", "seven"): 1,
    }
    assert confusions(["a a"], ["a a"]) == {("a", "a"): 2}
