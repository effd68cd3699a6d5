import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.baselines.glyph_regression import Baseline, Settings, cut
from unroll.errors import UserError

SETTINGS = Settings("glyph_regression", glyphs=100, penalty=1.0)
GLYPHS = {  # by column, from left to right
    "I": ["xxxxxxxx", "xxxxxxxx"],
    "T": ["xx......", "xx......", "xxxxxxxx", "xxxxxxxx", "xx......", "xx......"],
    "U": ["xxxxxxxx", "xxxxxxxx", "......xx", "......xx", "xxxxxxxx", "xxxxxxxx"],
}


def line(text: str, gap: int = 2, ink: int = 255) -> np.ndarray:
    """uint8 (T, 12): the letters with blank columns around."""
    columns = ["........"] * 2
    for letter in text:
        columns += GLYPHS[letter] + ["........"] * gap if letter != " " else ["........"] * 4
    dots = [[0, 0, *(ink * (dot == "x") for dot in column), 0, 0] for column in columns]
    return np.array(dots, np.uint8)


def table(texts: list[str], lines: list[np.ndarray], tmp_path) -> pa.Table:
    schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("frames", examples.matrix_type(12, pa.uint8()))])
    rows = [{"id": str(i), "text": text, "frames": own} for i, (text, own) in enumerate(zip(texts, lines, strict=True))]
    examples.write(tmp_path / "lines.arrow", schema, rows)
    return examples.read(tmp_path / "lines.arrow")


@pytest.fixture
def baseline(tmp_path) -> Baseline:
    """One that learned three letters."""
    texts = ["TUI", "IT", "UUT", "I TU"]
    return Baseline.for_examples(table(texts, [line(text) for text in texts], tmp_path), None, SETTINGS, 0)


def test_pieces_lie_between_blank_columns():
    pieces = cut(line("TI"))
    assert [(piece.start, piece.stop) for piece in pieces] == [(2, 8), (10, 12)]
    for piece in pieces:
        assert piece.picture.shape == (784,)
        assert piece.picture.max() == 1


def test_a_piece_keeps_its_proportions():
    (piece,) = cut(line("I"))
    ink = piece.picture.reshape(28, 28) > 0.5
    assert np.flatnonzero(ink.any(1))[[0, -1]].tolist() == [0, 27]
    assert ink.any(0).sum() == 7  # 2 of 8 pixels, at 28


def test_pale_columns_and_specks_are_blank():
    noisy = line("I", gap=6)
    noisy[6, 5] = 255
    noisy[9:, 3] = 100
    assert [(piece.start, piece.stop) for piece in cut(noisy)] == [(2, 4)]


def test_letters_are_read_with_their_places(baseline, tmp_path):
    wanted = table(["UIT", ""], [line("UIT", ink=200), line("")], tmp_path)
    found, nothing = baseline.predict(baseline.examples(wanted))
    assert found.text == "UIT"
    assert [(each.text, each.start, each.stop) for each in found.symbols] == [("U", 2, 8), ("I", 10, 12), ("T", 14, 20)]
    assert 0.5 < found.confidence <= 1
    assert (nothing.text, nothing.symbols, nothing.confidence) == ("", [], 0.0)


def test_what_touches_is_one_piece(baseline, tmp_path):
    (found,) = baseline.predict(baseline.examples(table(["UT"], [line("UT", gap=0)], tmp_path)))
    assert len(found.text) == 1


def test_lines_of_other_pieces_than_letters_teach_nothing(tmp_path):
    texts, lines = ["TI", "IT", "UU"], [line("TI"), line("IT"), line("UU", gap=0)]
    baseline = Baseline.for_examples(table(texts, lines, tmp_path), None, SETTINGS, 0)
    assert baseline.model.classes_.tolist() == ["I", "T"]
    assert baseline.parameters == 784 + 1


def test_only_so_many_glyphs_teach(tmp_path):
    texts = ["TI", "UU"]
    few = Settings("glyph_regression", glyphs=2, penalty=1.0)
    baseline = Baseline.for_examples(table(texts, [line(text) for text in texts], tmp_path), None, few, 0)
    assert baseline.model.classes_.tolist() == ["I", "T"]


@pytest.mark.parametrize(("texts", "gap"), [(["TU"], 0), (["TT"], 2)])
def test_without_two_glyphs_there_is_nothing_to_tell(tmp_path, texts, gap):
    lines = [line(text, gap) for text in texts]
    with pytest.raises(UserError, match="no two glyphs stand apart"):
        Baseline.for_examples(table(texts, lines, tmp_path), None, SETTINGS, 0)
