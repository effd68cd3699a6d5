import gzip
import json
import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from unroll import examples
from unroll.errors import UserError
from unroll.features import pixels
from unroll.features.pixels import Pixels
from unroll.fields import handwriting
from unroll.fields.handwriting import digit_lines, pictures
from unroll.fields.handwriting.digit_lines import DigitLines, Lines
from unroll.metrics.error_rates import confusions
from unroll.params import Recurrent, Train
from unroll.patterns import transcriber
from unroll.patterns.transcriber import Beam, Transcriber, TranscriberModel, Transcript, Word
from unroll.patterns.vision import Vision

VISION = Vision(channels=[2, 2], features=4, steps=4, shift=0, mirror=False)
READING = transcriber.Settings("characters", 4, None, Beam(width=1, order=0, weight=0.0, bonus=0.0))
MODEL = TranscriberModel(Recurrent("gru", 4, 1, True, 0.0), 1, 0.1, None, VISION)
PLAIN = Pixels(size=0, background=False, difference=False, reduce=1)


@pytest.fixture
def settings(tmp_path) -> DigitLines:
    """Those of a task whose archive holds a few digits of each split: an upright bar is a 1, a ring is a 0."""
    bar, ring = np.zeros((2, 28, 28), np.float32)
    bar[4:24, 12:16] = ring[4:24, 5:23] = 0.996
    ring[8:20, 9:19] = 0
    split = (np.stack([bar, ring] * 3).reshape(6, 784), np.array([1, 0] * 3))
    archive = tmp_path / "mnist" / digit_lines.ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.write_bytes(gzip.compress(pickle.dumps((split, split, split))))
    return DigitLines(
        transcriber=READING,
        train=Train(100, 0.0, 1.0, 1, 1),
        models={"gru": MODEL},
        source=str(tmp_path / "mnist"),
        lines=Lines(train=12, valid=3, test=5, shortest=2, longest=4),
        height=20,
        pixels=PLAIN,
        baselines={},
    )


def prepared(settings: DigitLines, seed: int = 1) -> dict[str, list]:
    return {split: list(rows) for split, _, rows in handwriting.prepare("digit_lines", settings, seed)}


def read(written: str, text: str, confidence: float = 0.5, columns: int = 60) -> dict:
    """A predicted row; each symbol has ten columns."""
    symbols = [Word(symbol, 10.0 * i, 10.0 * i + 4, confidence) for i, symbol in enumerate(text)]
    example = transcriber.Example(written, np.zeros((columns, 20), np.uint8), written)
    prediction = Transcript(text, [], confidence, symbols)
    return {"id": written, "text": written, "fold": None, "example": example, "prediction": prediction}


ROWS = [
    read("123", "123", 0.6),
    read("1234", "1334", 0.9),
    read("55555", "5555", 0.8),
    read("123 5678", "123 56789", 0.4),
]


def test_lines_are_drawn_from_the_digits_of_their_split(settings):
    found = prepared(settings)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 12, "valid": 3, "test": 5}
    assert [row["id"] for row in found["valid"]] == ["valid-0", "valid-1", "valid-2"]
    rows = [row for own in found.values() for row in own]
    assert {len(row["text"]) for row in rows} == {2, 3, 4}
    assert {digit for row in rows for digit in row["text"]} == {"0", "1"}
    for row in rows:
        assert row["frames"].dtype == np.uint8
        assert row["frames"].shape[1] == 20
        # A ring is broader than a bar, so ink tells what was drawn.
        assert (row["frames"] >= 110).any(1).sum() >= 2 * len(row["text"])


def test_lines_are_frozen_by_the_seed(settings):
    first, again, other = (prepared(settings, seed) for seed in (1, 1, 2))
    for split in first:
        pairs = zip(first[split], again[split], strict=True)
        assert all(one["frames"].tobytes() == two["frames"].tobytes() for one, two in pairs)
    assert [row["text"] for row in first["train"]] != [row["text"] for row in other["train"]]
    assert first["train"][0]["frames"].tobytes() != first["test"][0]["frames"].tobytes()


def test_more_training_lines_change_no_test_line(settings):
    more = replace(settings, lines=replace(settings.lines, train=20))
    (few, many) = (prepared(own)["test"] for own in (settings, more))
    assert [row["frames"].tobytes() for row in few] == [row["frames"].tobytes() for row in many]


def test_the_table_says_what_a_step_is(settings, tmp_path):
    for split, schema, rows in handwriting.prepare("digit_lines", settings, 1):
        examples.write(tmp_path / f"{split}.arrow", schema, rows)
    table = examples.read(tmp_path / "test.arrow")
    assert json.loads(table.schema.metadata[b"shape"]) == [1, 20, 1]
    assert float(table.schema.metadata[b"frames_per_second"]) == 0
    assert table.schema.field("frames").type == examples.matrix_type(20, pa.uint8())


def test_lengths_the_wrong_way_round_are_refused(settings):
    odd = replace(settings, lines=replace(settings.lines, shortest=5))
    with pytest.raises(UserError, match=r"handwriting\.digit_lines\.lines: shortest should be at most longest"):
        prepared(odd)


def test_a_source_of_neither_kind_is_refused(settings, tmp_path):
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match=r"digit_lines\.source: .*bare has neither mnist\.pkl\.gz nor pictures"):
        prepared(replace(settings, source=str(tmp_path / "bare")))


def test_measures_literally():
    assert handwriting.measure("digit_lines", ROWS, 0.5, {}, None) == {
        "character_error_rate": 0.15,
        "line_error_rate": 0.75,
        "substitutions": 0.05,
        "deletions": 0.05,
        "insertions": 0.05,
        "character_error_rate_3_to_4_characters": pytest.approx(1 / 7, abs=1e-6),
        "character_error_rate_5_to_8_characters": pytest.approx(2 / 13, abs=1e-6),
        "predict_seconds_per_line": 0.125,
    }


def test_lengths_fall_into_ranges_in_order():
    rows = [read("1" * length, "1" * length) for length in (1, 2, 3, 4, 5, 8, 9, 16, 17, 40)]
    assert list(digit_lines._by_length(rows)) == ["1", "2", "3–4", "5–8", "9–16", "17–32", "33–64"]


def test_a_blank_between_words_is_a_character():
    assert handwriting.measure("digit_lines", [read("a b", "ab")], 0.1, {}, None)["deletions"] == 0.333333


def test_lines_for_people():
    assert handwriting.as_lines("digit_lines", ROWS[1:2]) == [
        {"id": "1234", "written": "1234", "read": "1334", "confidence": 0.9}
    ]


def test_glyphs_are_right_where_they_are_aligned():
    found = pictures.glyphs("1234", read("1234", "1934x")["prediction"].symbols, columns=1)
    assert [glyph.text for glyph in found] == ["1", "9", "3", "4", "x"]
    assert [glyph.right for glyph in found] == [True, False, True, True, False]
    assert [glyph.column for glyph in found] == [2, 12, 22, 32, 42]
    halved = pictures.glyphs("1234", read("1234", "12")["prediction"].symbols, columns=2)
    assert [glyph.column for glyph in halved] == [4, 24]


def test_confusions_count_what_was_passed_over(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(pictures.figures, "heatmap", lambda to, counts, rows, *_: seen.append((counts, rows)))
    (exhibit,) = pictures.confusions(confusions(["1 2", "1"], ["1 1", ""]), tmp_path)
    ((counts, names),) = seen
    assert names == ["1", "2", "–"]
    assert counts.tolist() == [[1, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert exhibit.image == "confusions.png"
    monkeypatch.setattr(pictures, "MOST_SYMBOLS", 1)
    assert pictures.confusions(confusions(["1 2"], ["1 1"]), tmp_path) == []


def test_telling_lines_are_the_surest_wrong_and_the_least_sure_right():
    rows = [*ROWS, read("7", "7", 0.2), read("8", "9", 0.99, columns=1000)]
    assert [row["text"] for row in pictures.telling(rows)] == ["1234", "55555", "123 5678", "7", "123"]


def featurized(settings: DigitLines, folder: Path) -> pa.Table:
    """The training table as the models read it."""
    _, schema, rows = next(iter(handwriting.prepare("digit_lines", settings, 1)))
    examples.write(folder / "train.arrow", schema, rows)
    examples.write(folder / "features.arrow", *pixels.featurize(examples.read(folder / "train.arrow"), settings.pixels))
    return examples.read(folder / "features.arrow")


def test_exhibits_name_the_files_that_are_written(settings, tmp_path):
    torch.manual_seed(0)
    table = featurized(settings, tmp_path)
    pattern = Transcriber.for_examples(table, READING, MODEL).eval()
    wanted = pattern.examples(table)
    found = pattern.predict(pattern.batch(wanted))
    rows = [
        {"id": f"book/{one.id}", "text": one.text, "fold": None, "example": one, "prediction": predicted}
        for one, predicted in islice(zip(wanted, found, strict=True), 6)
    ]
    (tmp_path / "figures").mkdir()
    shown = handwriting.exhibits("digit_lines", rows, {None: pattern}, tmp_path / "figures")
    named = [exhibit.image for exhibit in shown if exhibit.image]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == set(named)
    cards = [exhibit for exhibit in shown if exhibit.section == "Examples"]
    assert {card.image for card in cards} == {f"book-{card.title.removeprefix('book/')}.png" for card in cards}
    assert all(card.lines[0] == ("written", rows[0]["text"]) for card in cards if card.title == rows[0]["id"])


def test_features_are_shown_by_the_line_they_were_made_of(settings, tmp_path, monkeypatch):
    pattern = Transcriber.for_examples(featurized(settings, tmp_path), READING, MODEL).eval()
    pattern.shape = [20, 1, 1]
    exhibit = pictures.line(ROWS[1], pattern, tmp_path)
    assert exhibit.image is None
    assert exhibit.lines == [("written", "1234"), ("read", "1334 (90%)")]
    assert exhibit.verdict is False

    drawn = []
    monkeypatch.setattr(pictures.reading, "reading", lambda *drawing: drawn.append(drawing))
    line = np.zeros((180, 28), np.uint8)
    exhibit = pictures.line(ROWS[1] | {"frames": line}, pattern, tmp_path)
    ((to, shown, found, probabilities, step, _),) = drawn
    assert to == tmp_path / exhibit.image
    assert shown is line
    assert [glyph.column for glyph in found] == [6, 36, 66, 96]  # three columns for each of those that were read
    assert (len(probabilities), step) == (15, 12)
    assert exhibit.caption == (
        "Under the line what is read: green is right, orange wrong, and the paler the less sure. The percentage is the"
        " mean probability of the symbols read, taken word by word. It is not calibrated: lines read wrongly are often"
        " as sure. The curves have one value for every 12 columns of pixels."
    )
