from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from unroll.errors import UserError
from unroll.features.pixels import Pixels
from unroll.fields.handwriting import own
from unroll.patterns.transcriber import Transcript, Word

WORDS = ["αβγ", "δεζη", "θικ", "λμν", "ξοπ", "ρστ", "υφχ", "ψω α", "βγδ", "εζη", "θι", "κλμν"]


def write(folder: Path, name: str, text: str, size: int = 40) -> None:
    """The picture of a text with the text beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    font = ImageFont.load_default(size)
    picture = Image.new("L", (2 * size + 2 * len(text) * size, 2 * size), 240)
    ImageDraw.Draw(picture).text((size, size // 2), text, fill=10, font=font)
    picture.save(folder / f"{name}.png")
    (folder / f"{name}.gt.txt").write_text(f"{text}\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A dozen lines in another alphabet, of different sizes."""
    for number, text in enumerate(WORDS):
        write(tmp_path / "lines", f"{number:02}", text, size=20 + 5 * number)
    return tmp_path / "lines"


def test_lines_are_drawn_into_three_splits(folder):
    found = own.lines(folder, seed=1)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 10, "valid": 1, "test": 1}
    assert sorted(line.text for rows in found.values() for line in rows) == sorted(WORDS)
    assert found == own.lines(folder, seed=1)
    assert any(found["test"] != own.lines(folder, seed=seed)["test"] for seed in range(2, 6))


def test_copies_of_a_picture_lie_on_one_side(folder):
    for number in range(12):
        copy = (folder / f"{number:02}.png").read_bytes()
        (folder / f"copy-{number:02}.png").write_bytes(copy)
        (folder / f"copy-{number:02}.gt.txt").write_text(WORDS[number])
    found = own.lines(folder, seed=1)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 20, "valid": 2, "test": 2}
    for rows in found.values():
        names = {line.name for line in rows}
        assert {f"copy-{name}" for name in names if "copy" not in name} == {name for name in names if "copy" in name}


def test_folders_name_the_splits(tmp_path):
    for split, text in {"train": "ab", "valid": "bc", "test": "ca"}.items():
        write(tmp_path / split, "1", text)
    found = own.lines(tmp_path, seed=1)
    assert {split: [(line.name, line.text) for line in rows] for split, rows in found.items()} == {
        "train": [("1", "ab")],
        "valid": [("1", "bc")],
        "test": [("1", "ca")],
    }


def test_splits_are_named_in_full_or_not_at_all(tmp_path):
    write(tmp_path / "train", "1", "ab")
    write(tmp_path / "test", "1", "ab")
    with pytest.raises(UserError, match="beside train a folder valid is missing"):
        own.lines(tmp_path, seed=1)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_lines_are_refused(tmp_path, count):
    for number in range(count):
        write(tmp_path, str(number), "a" * (number + 1))
    with pytest.raises(UserError, match="no line for the split"):
        own.lines(tmp_path, seed=1)


def test_rows_have_one_height_whatever_that_of_the_pictures(folder):
    rows = list(own.rows(own.lines(folder, seed=1)["train"], height=24))
    assert {row["frames"].shape[1] for row in rows} == {24}
    for row in rows:
        assert row["frames"].dtype == np.uint8
        assert row["frames"].max() > 200
        assert 0.5 < len(row["frames"]) / 24 / len(row["text"]) < 2


def test_a_picture_without_ink_is_no_example(tmp_path):
    write(tmp_path, "1", "a")
    Image.new("L", (50, 50), 200).save(tmp_path / "1.png")
    line = own.line_folder.read(tmp_path)
    with pytest.raises(UserError, match=r"1\.png is of one colour"):
        list(own.rows(line, height=28))


class Fixed:
    """A transcriber that keeps what it is given to read."""

    featurizer = "pixels"
    features = Pixels(size=0, background=False, difference=False, reduce=1)

    def __init__(self, height: int) -> None:
        self.shape, self.given = [1, height, 1], []

    def read(self, rows: list[np.ndarray]) -> list[Transcript]:
        self.given += rows
        return [Transcript("7", [], 0.5, [Word("7", 0.0, 1.0, 0.5)])] * len(rows)


@pytest.mark.parametrize("height", [20, 28])
def test_a_line_is_read_as_high_as_the_network_learned_it(folder, height):
    pattern = Fixed(height)
    assert own.read(pattern, folder / "03.png").text == "7"
    (row,) = pattern.given
    np.testing.assert_array_equal(row, own.picture(folder / "03.png", height))
    assert row.shape[1] == height


def test_nothing_is_read_where_nothing_is_written(tmp_path):
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    pattern = Fixed(28)
    found = own.read(pattern, tmp_path / "blank.png")
    assert (found.text, found.confidence, pattern.given) == ("", 0.0, [])
