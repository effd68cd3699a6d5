import math

import numpy as np
import pytest

from unroll.fields.music import measures_chorales, measures_tunes
from unroll.patterns.language_model import Example, Reading
from unroll.sources.clock import clock_of

HEAD = "M:2/4\nL:1/8\nK:G\n"
TUNES = [f"{HEAD}GABc | d2B2 | c2A2 | G4 |]\n", f"{HEAD}GABc | d2B2 | c3 | G4 |]\n"]
CHORD = np.array([[72, 67, 64, 48]] + [[-72, -67, -64, -48]] * 3, np.int16)


def rows_of(table, model, names):
    found = model.examples(table)
    columns = table.select(names).to_pylist()
    return [
        {**row, "fold": None, "example": example, "prediction": prediction}
        for row, example, prediction in zip(columns, found, model.predict(found), strict=True)
    ]


def test_bits_count_the_end_as_a_character():
    nats = np.full((4, 1), math.log(2) * 3, np.float32)
    sure = np.zeros((2, 1), np.float32)
    rows = [{"prediction": Reading(nats, nats[:-1])}, {"prediction": Reading(sure, sure[:-1])}]
    assert measures_tunes.bits(rows) == pytest.approx(4 * 3 / 6)


def test_inner_bars_are_right_or_wrong():
    assert measures_tunes.right_bars(TUNES[:1]) == 1
    assert measures_tunes.right_bars(TUNES) == 3 / 4  # d2B2 and c2A2; d2B2, but not c3
    assert measures_tunes.right_bars(["no music"]) == 0


def test_shuffling_keeps_the_head_and_all_letters():
    first = measures_tunes.shuffled(TUNES[0])
    assert first == measures_tunes.shuffled(TUNES[0]) != TUNES[0]
    assert first.startswith(HEAD)
    assert sorted(first) == sorted(TUNES[0])


def test_new_is_neither_known_nor_written_twice():
    assert measures_tunes.new(["a", "b", "b", "c", "d"], ["c", "e"]) == 2 / 5


@pytest.mark.parametrize(
    ("text", "expected"), [("xxabcdxx", 4), ("abc", 3), ("zzz", 0), ("", 0), ("cde", 2), ("efabc", 3), ("dab", 2)]
)
def test_the_longest_overlap_lies_within_one_known_text(text, expected):
    assert measures_tunes.longest_overlaps([text], ["abcd", "ef", "da", "b", "ab"]) == [expected]


def test_longest_overlaps_agree_with_a_search():
    rng = np.random.default_rng(0)
    texts, known = (["".join(rng.choice(list("ab\n"), length)) for length in rng.integers(0, 60, 12)] for _ in range(2))
    expected = [
        max(
            (
                stop - start
                for start in range(len(text))
                for stop in range(start + 1, len(text) + 1)
                if any(text[start:stop] in other for other in known)
            ),
            default=0,
        )
        for text in texts
    ]
    assert measures_tunes.longest_overlaps(texts, known) == expected


def test_tunes_are_measured(letters, monkeypatch):
    monkeypatch.setattr(measures_tunes, "TUNES", 5)
    table, model = letters(TUNES)
    rows = rows_of(table, model, ["id", "collection", "length", "text"])
    found = measures_tunes.measure(rows, 0.5, {None: model}, table)
    assert list(found) == [
        "bits_per_character",
        "bits_per_character_other",
        "bits_per_character_own",
        "bars_right",
        "bars_right_real",
        "bars_right_shuffled",
        "longest_overlap",
        "new_share",
        "predict_seconds_per_character",
    ]
    assert found == measures_tunes.measure(rows, 0.5, {None: model}, table)
    assert min(found["bits_per_character_other"], found["bits_per_character_own"]) < found["bits_per_character"]
    assert found["bars_right_real"] == 0.75
    assert found["longest_overlap"] > 20
    letters_read = sum(len(text) + 1 for text in TUNES)
    assert found["predict_seconds_per_character"] == pytest.approx(0.5 / letters_read, abs=1e-9)
    lines = measures_tunes.as_lines(rows)
    assert [(line["id"], line["length"]) for line in lines] == [("own/0", len(TUNES[0])), ("own/1", len(TUNES[1]))]
    assert lines[0]["bits_per_character"] == pytest.approx(found["bits_per_character_other"], abs=1e-4)


def test_chorales_are_measured(choir, monkeypatch):
    monkeypatch.setattr(measures_chorales, "PIECES", 2)
    low = np.concatenate([CHORD, CHORD - np.sign(CHORD) * np.array([0, 0, 0, 12], np.int16)])
    table, model = choir([(np.concatenate([CHORD, CHORD]), clock_of("4/4", 8)), (low, clock_of("4/4", 8))])
    rows = rows_of(table, model, ["id", "title"])
    found = measures_chorales.measure(rows, 0.8, {None: model})
    assert list(found)[:3] == ["nats_per_step", "nats_per_step_with_end", "nats_per_note"]
    assert list(found)[-1] == "predict_seconds_per_step"
    nats = sum(float(row["prediction"].nats[:-1].sum()) for row in rows)
    assert found["nats_per_step"] == pytest.approx(nats / 16, abs=1e-6)
    assert found["nats_per_note"] == pytest.approx(nats / 16, abs=1e-6)  # 4 chords of 4 notes
    assert found["out_of_range_share_bach"] == pytest.approx(4 / 64)  # the bass on C2
    assert found["crossed_share_bach"] == found["parallels_share_bach"] == 0
    assert 0 <= found["parallels_share"] <= 1
    assert found["predict_seconds_per_step"] == 0.05
    assert 0 <= found["out_of_range_share"] <= 1


def test_accuracy_is_told_by_voice_and_where_notes_begin(choir):
    table, model = choir([(CHORD, clock_of("4/4", 4))])
    (example,) = model.examples(table)
    best = example.codes.copy()
    best[0, :2] += 1  # wrong where soprano and alto begin
    best[1, 3] = 0  # and where the bass is held
    row = {"id": "a", "title": "A", "example": Example("a", example.codes, example.clock)}
    rows = [row | {"prediction": Reading(np.ones((5, 4), np.float32), best)}]
    found = measures_chorales.measure(rows, 1.0, {None: model})
    accuracies = [found[f"{voice}_accuracy"] for voice in ("soprano", "alto", "tenor", "bass")]
    assert accuracies == [0.75, 0.75, 1, 0.75]
    assert found["onset_accuracy"] == 0.5
    assert found["nats_per_step"] == 4
    assert found["nats_per_step_with_end"] == 4
    assert measures_chorales.as_lines(rows) == [
        {"id": "a", "title": "A", "sixteenths": 4, "nats_per_step": 4.0, "accuracy": 0.8125}
    ]
