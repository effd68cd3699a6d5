"""Metrics and lines of sentences about clips, on sentences written out."""

import pytest

from unroll.fields import video
from unroll.patterns.translator import Translation


def told(written: str) -> dict:
    return {
        "id": "test-1",
        "actions": ["walk", "kick"],
        "times": [1, 2],
        "references": ["a person walks, then kicks twice", "after strolling, somebody throws a kick twice"],
        "prediction": Translation(written, -1.0, [(written, -1.0)], [], None),
    }


@pytest.mark.parametrize(
    ("written", "order", "times"),
    [
        ("a person walks, then kicks twice", 1.0, 1.0),
        ("first someone strolls and finally throws a kick twice", 1.0, 1.0),  # in other words
        ("a person walks, then kicks", 1.0, 0.0),
        ("a person kicks twice, then walks", 0.0, 0.0),
        ("a person walks, then kicks twice, then jumps", 0.0, 0.0),
        ("a person walks", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_the_order_is_told_in_any_words(written, order, times):
    found = video.measure("captions", [told(written)], 0.5, {}, None)
    assert (found["order_exact_match"], found["times_exact_match"]) == (order, times)
    assert next(iter(found)) == "bleu"
    assert found["predict_seconds_per_clip"] == 0.5


def test_bleu_is_against_all_wordings():
    scores = [video.measure("captions", [told(text)], 1.0, {}, None)["bleu"] for text in told("")["references"]]
    assert scores == pytest.approx([100, 100])


def test_sentences_are_listed_beside_one_of_their_wordings():
    assert video.as_lines("captions", [told("a person walks")]) == [
        {
            "id": "test-1",
            "actions": "walk → kick",
            "reference": "a person walks, then kicks twice",
            "written": "a person walks",
            "in_order": False,
        }
    ]
