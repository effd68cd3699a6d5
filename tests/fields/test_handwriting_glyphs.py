"""Single glyphs: pictures and ink to examples, and how what is read of them is measured and shown."""

import gzip
import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unroll import examples
from unroll.errors import UserError
from unroll.fields import handwriting
from unroll.fields.handwriting import digits_by_row, folders, glyphs, strokes
from unroll.fields.handwriting.digit_lines import ARCHIVE
from unroll.patterns.classifier import Class

COUNTS = {"train": 30, "valid": 5, "test": 7}


def picture(height: int = 60, width: int = 40) -> np.ndarray:
    """A dark bar that leans to nobody's side, on light paper."""
    paper = np.full((height, width), 255, np.uint8)
    paper[10:-10, width // 2 - 4 : width // 2 + 4] = 0
    return paper


@pytest.fixture
def mnist(tmp_path) -> str:
    """A data set as MNIST's: bars of other places and lengths, labelled 0 to 9 by turns."""
    splits = []
    for count in COUNTS.values():
        images = np.zeros((count, 28, 28), np.float32)
        for number, image in enumerate(images):
            image[4 : 12 + number % 10, 10 + number % 7 : 13 + number % 7] = 255 / 256
        splits.append((images.reshape(count, -1), np.arange(count) % 10))
    (tmp_path / ARCHIVE).parent.mkdir(parents=True)
    (tmp_path / ARCHIVE).write_bytes(gzip.compress(pickle.dumps(tuple(splits), protocol=2)))
    return str(tmp_path)


@pytest.fixture
def own(tmp_path) -> Path:
    """A folder of five pictures each of two letters, none twice."""
    for letter, shade in (("ä", 0), ("b", 40)):
        (tmp_path / "own" / letter).mkdir(parents=True)
        for number in range(5):
            made = picture(60 + number)
            made[made == 0] = shade
            Image.fromarray(made).save(tmp_path / "own" / letter / f"{number}.png")
    return tmp_path / "own"


def digits(source, size: int = 28, step: str = "row") -> SimpleNamespace:
    return SimpleNamespace(source=str(source), size=size, step=step)


def pens(source, **traced: int) -> SimpleNamespace:
    return SimpleNamespace(source=str(source), spacing=0.1, traced=SimpleNamespace(**{**COUNTS, **traced}))


def prepared(task: str, settings: SimpleNamespace, folder: Path) -> dict:
    """The tables of the splits, as the stage writes them."""
    tables = {}
    for split, schema, rows in handwriting.prepare(task, settings, 1):
        examples.write(folder / f"{split}.arrow", schema, rows)
        tables[split] = examples.read(folder / f"{split}.arrow")
    return tables


def test_a_picture_is_read_row_by_row(mnist, tmp_path):
    tables = prepared("digits_by_row", digits(mnist), tmp_path)
    assert {split: table.num_rows for split, table in tables.items()} == COUNTS
    train = tables["train"]
    assert train["id"].to_pylist()[:2] == ["train-0", "train-1"]
    assert train["label"].to_pylist()[8:12] == ["8", "9", "0", "1"]
    metadata = train.schema.metadata
    assert (json.loads(metadata[b"shape"]), metadata[b"frames_per_second"]) == ([1, 1, 28], b"0")
    rows = examples.matrices(train["frames"])
    assert {(row.shape, row.dtype.name) for row in rows} == {((28, 28), "uint8")}
    assert rows[1][4].tolist() == [0] * 11 + [255] * 3 + [0] * 14


def test_a_picture_is_read_pixel_by_pixel_at_half_its_size(mnist, tmp_path):
    tables = prepared("digits_by_pixel", digits(mnist, 14, "pixel"), tmp_path)
    assert json.loads(tables["test"].schema.metadata[b"shape"]) == [1, 1, 1]
    row = examples.matrices(tables["test"]["frames"])[0]
    assert (row.shape, row.dtype) == ((196, 1), np.uint8)
    assert row[2 * 14 : 3 * 14, 0].tolist() == [0] * 5 + [255, 128] + [0] * 7


def test_pictures_of_ones_own_look_like_those_of_mnist(own, tmp_path):
    tables = prepared("digits_by_row", digits(own), tmp_path)
    assert {split: table.num_rows for split, table in tables.items()} == {"train": 6, "valid": 2, "test": 2}
    assert set(tables["test"]["label"].to_pylist()) == {"ä", "b"}
    names = [name for table in tables.values() for name in table["id"].to_pylist()]
    assert sorted(names) == sorted(f"{letter}/{number}.png" for letter in "äb" for number in range(5))
    for frames in examples.matrices(tables["train"]["frames"]):
        rows, columns = np.flatnonzero((frames > 128).any(1)), np.flatnonzero((frames > 128).any(0))
        assert (rows[0], rows[-1]) == (4, 23)
        assert columns.mean() == pytest.approx(13.5, abs=0.5)


@pytest.mark.parametrize("scale", [1, 5])
def test_a_glyph_fits_a_square_of_twenty_with_its_centre_of_mass_in_the_middle(scale):
    heavy = np.zeros((30, 60), np.uint8)
    heavy[5:25, 10:50] = 40  # fainter than ink
    heavy[10:20, 10:50] = 255
    heavy[10:20, 10:20] = 160  # the left is lighter
    found = glyphs.centred(np.kron(heavy, np.ones((scale, scale), np.uint8)))
    inside = found > 100
    assert found.shape == (28, 28)
    assert (inside.any(0).sum(), inside.any(1).sum()) == (20, 5)
    middle = found.sum(0) @ (np.arange(28) + 0.5) / found.sum()
    assert middle == pytest.approx(14, abs=0.6)


def test_a_glyph_stays_within_its_picture_however_lopsided():
    flag = np.zeros((40, 40), np.uint8)
    flag[:4, :] = 255
    flag[:, 36:] = 255
    found = glyphs.centred(flag) > 100
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    assert (found.shape, len(rows), len(columns)) == ((28, 28), 20, 20)
    assert (rows[0], columns[-1]) == (8, 19)  # as far down and to the left as it goes


def test_copies_of_a_file_are_on_one_side(own):
    for number in range(20):
        (own / "b" / f"copy-{number}.png").write_bytes((own / "b/0.png").read_bytes())
    sides = folders.read(own, {".png"}, 1)
    assert sum(map(len, sides.values())) == 30
    copies = {"b/0.png", *(f"b/copy-{number}.png" for number in range(20))}
    assert len([split for split, files in sides.items() if copies & {file.id for file in files}]) == 1


def test_what_is_hidden_is_no_example(own):
    (own / "b/._0.png").write_bytes(b"of another system")
    (own / ".ipynb_checkpoints").mkdir()
    sides = folders.read(own, {".png"}, 1)
    names = [file.id for files in sides.values() for file in files]
    assert sorted(names) == [f"{letter}/{number}.png" for letter in "bä" for number in range(5)]


def test_splits_that_are_named_are_kept(own):
    for split in ("train", "valid", "test"):
        for letter in "äb":
            (own / split / letter).mkdir(parents=True)
            (own / split / letter / "x.PNG").write_bytes((own / letter / "1.png").read_bytes())
    sides = folders.read(own, {".png"}, 1)
    assert {split: [file.id for file in files] for split, files in sides.items()} == {
        split: [f"{split}/b/x.PNG", f"{split}/ä/x.PNG"] for split in ("train", "valid", "test")
    }


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda own: (own / "train").mkdir(), "beside train a folder valid is missing"),
        (lambda own: (own / "c").mkdir(), r"c has no file \*\.png: add some"),
        (lambda own: [path.unlink() for path in sorted((own / "b").iterdir())[2:]], "b has 2 different files, too few"),
        (lambda own: (own / "ä").rename(own.parent / "gone"), "two labels or more, found 1"),
        (lambda own: own.rename(own.parent / "gone"), "own is no folder"),
    ],
)
def test_folders_that_teach_nothing_are_refused(own, spoil, said):
    spoil(own)
    with pytest.raises(UserError, match=said):
        folders.read(own, {".png"}, 1)


def test_strokes_are_recovered_from_digits_drawn_at_random(mnist, tmp_path):
    tables = prepared("strokes", pens(mnist, train=4, test=7), tmp_path)
    assert {split: table.num_rows for split, table in tables.items()} == {"train": 4, "valid": 5, "test": 7}
    assert json.loads(tables["train"].schema.metadata[b"shape"]) == [4, 1, 1]
    numbers = [int(name.removeprefix("train-")) for name in tables["train"]["id"].to_pylist()]
    assert numbers == sorted(set(numbers)) != [0, 1, 2, 3]
    assert tables["train"]["label"].to_pylist() == [str(number % 10) for number in numbers]
    for steps in examples.matrices(tables["test"]["frames"]):
        assert steps.dtype == np.float32
        np.testing.assert_allclose(steps.sum(0)[:2], [0, 1], atol=0.2)  # a bar from its top to its bottom
        assert steps[:, 2].tolist() == [1] * len(steps)
        assert steps[:, 3].tolist() == [0] * (len(steps) - 1) + [1]


def test_the_same_seed_gives_the_same_bytes(mnist, tmp_path):
    for name in ("one", "other"):
        prepared("strokes", pens(mnist), tmp_path / name)
    for split in COUNTS:
        assert (tmp_path / f"one/{split}.arrow").read_bytes() == (tmp_path / f"other/{split}.arrow").read_bytes()


def test_more_digits_than_there_are_are_refused(mnist, tmp_path):
    with pytest.raises(UserError, match=r"strokes\.traced\.valid: .* has 5 digits"):
        prepared("strokes", pens(mnist, valid=6), tmp_path)


def written(folder: Path, label: str | None, number: int) -> None:
    content = {"strokes": [[[0, 0], [0, 10 + number]], [[-5, 5], [5, 5]]]} | ({"label": label} if label else {})
    (folder / f"{number}.json").write_text(json.dumps(content))


def test_ink_of_ones_own_is_read_as_it_was_recorded(tmp_path):
    for label, said in (("t", "t"), ("x", None)):
        (tmp_path / "ink" / label).mkdir(parents=True)
        for number in range(3):
            written(tmp_path / "ink" / label, said, number)
    tables = prepared("strokes", pens(tmp_path / "ink"), tmp_path)
    assert {split: sorted(table["label"].to_pylist()) for split, table in tables.items()} == {
        split: ["t", "x"] for split in COUNTS
    }
    steps = examples.matrices(tables["test"]["frames"])[0]
    assert (len(steps), steps[9].tolist()) == (10 + 1 + len(steps) - 11, pytest.approx([0, 0.1, 1, 1], abs=1e-6))
    assert steps[10, 2:].tolist() == [0, 0]


def test_ink_in_the_folder_of_another_label_is_refused(tmp_path):
    for label, said in (("t", "t"), ("x", "y")):
        (tmp_path / "ink" / label).mkdir(parents=True)
        for number in range(3):
            written(tmp_path / "ink" / label, said, number)
    with pytest.raises(
        UserError, match="says that it is 'y', but lies in the folder x: move it to y, or mend its label"
    ):
        prepared("strokes", pens(tmp_path / "ink"), tmp_path)


def row(name: str, label: str, found: dict[str, float], inputs: np.ndarray) -> dict:
    prediction = Class(max(found, key=found.get), found)
    example = SimpleNamespace(inputs=inputs)
    return {"id": name, "label": label, "fold": None, "example": example, "prediction": prediction}


DOWN = np.array([[0, 0.25, 1, 0]] * 3 + [[0, 0.25, 1, 1]], np.float32)
CROSS = np.concatenate([DOWN, [[-0.5, -0.5, 0, 0]], [[0.5, 0, 1, 0], [0.5, 0, 1, 1]]]).astype(np.float32)
ROWS = [
    row("a/1", "1", {"1": 0.9, "+": 0.1}, DOWN),
    row("a/2", "1", {"1": 0.2, "+": 0.8}, DOWN),
    row("a/3", "+", {"1": 0.4, "+": 0.6}, CROSS),
    row("a/4", "+", {"1": 0.1, "+": 0.9}, CROSS),
]


@pytest.mark.parametrize(
    ("task", "unit"), [("digits_by_row", "image"), ("digits_by_pixel", "image"), ("strokes", "glyph")]
)
def test_labels_are_measured(task, unit):
    found = handwriting.measure(task, ROWS, 2.0, {}, None)
    assert next(iter(found)) == "accuracy"
    assert found == {
        "accuracy": 0.75,
        "error_rate": 0.25,
        "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-6),
        f"predict_seconds_per_{unit}": 0.5,
    }


def test_predictions_are_lines():
    assert handwriting.as_lines("strokes", ROWS)[1] == {
        "id": "a/2",
        "label": "1",
        "predicted": "+",
        "probability": 0.8,
    }


def test_the_hardest_pictures_are_shown(tmp_path):
    square = [{**row, "example": SimpleNamespace(inputs=np.zeros((196, 1), np.uint8))} for row in ROWS]
    cells = [digits_by_row._cell(row) for row in square]
    assert [(cell.title, cell.right, cell.drawing.shape) for cell in cells[:2]] == [
        ("1 → 1", True, (14, 14)),
        ("1 → +", False, (14, 14)),
    ]
    shown = handwriting.exhibits("digits_by_pixel", square, {}, tmp_path)
    assert [exhibit.image for exhibit in shown] == ["confusions.png", "hardest.png"]
    assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)


class Guesser:
    """Says + from the first pen lift on."""

    def classify(self, rows: list[np.ndarray]) -> list[Class]:
        sure = [0.9 if (row[:, 2] == 0).any() else 0.2 for row in rows]
        return [Class("+" if each > 0.5 else "1", {"1": 1 - each, "+": each}) for each in sure]


def test_strokes_are_shown_as_they_unfold(tmp_path):
    shown = handwriting.exhibits("strokes", ROWS, {None: Guesser()}, tmp_path)
    assert [exhibit.title for exhibit in shown] == [
        "What was taken for what",
        "The hardest of all",
        "How early it knows",
        "a/2",
        "a/3",
        "a/1",
    ]
    assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)
    assert shown[3].lines == [("written", "1"), ("read", "+ (80%)")]
    assert [exhibit.verdict for exhibit in shown[3:]] == [False, True, True]


def test_it_knows_a_stroke_after_a_beginning_of_it(tmp_path, monkeypatch):
    from unroll.fields.handwriting import unfolding

    panels, drawn = [], []
    monkeypatch.setattr(unfolding.figures, "lines", lambda to, found, label: panels.extend(found))
    monkeypatch.setattr(unfolding.drawings, "unfolding", lambda *arguments: drawn.append(arguments))
    unfolding.early(ROWS, Guesser(), tmp_path)
    (line,) = panels[0].lines
    assert (line.x[0], line.x[-1]) == (10, 100)
    np.testing.assert_allclose(line.y, [0.5] * 6 + [1.0] * 4)
    unfolding.example(ROWS[2], Guesser(), tmp_path)
    ((to, whole, cells, probabilities, lifts),) = drawn
    assert (to.name, len(whole), lifts) == ("a-3.png", 2, [4])
    assert [cell.title for cell in cells] == ["1 (80%)", "1 (80%)", "+ (90%)", "+ (90%)", "+ (90%)"]
    assert [cell.right for cell in cells] == [False, False, True, True, True]
    np.testing.assert_allclose(probabilities["+"], [0.2] * 4 + [0.9] * 3)


def test_how_early_is_asked_of_glyphs_from_the_whole_test(tmp_path):
    from unroll.fields.handwriting import unfolding

    asked = []

    class Asked(Guesser):
        def classify(self, rows: list[np.ndarray]) -> list[Class]:
            asked.append([int(row[0, 0]) for row in rows])
            return super().classify(rows)

    rows = [row(str(i), "1", {"1": 1.0}, np.array([[i, 0, 1, 1]], np.float32)) for i in range(601)]
    shown = unfolding.early(rows, Asked(), tmp_path)
    assert asked == [list(range(0, 601, 3))] * 10
    assert shown.caption == "The accuracy when the pen stops early, over 201 glyphs."


def test_many_labels_have_no_table_of_confusions(tmp_path):
    many = [{**ROWS[0], "label": str(number)} for number in range(50)]
    shown = strokes.exhibits(many, Guesser(), tmp_path)
    assert "What was taken for what" not in [exhibit.title for exhibit in shown]
