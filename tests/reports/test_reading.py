import io

import numpy as np
import pytest
from matplotlib.colors import to_hex

from unroll.reports import reading
from unroll.reports.reading import RIGHT, WRONG, Glyph

LINE = np.zeros((80, 28), np.uint8)
LINE[10:14, 4:24] = LINE[50:70, 12:16] = 255
GLYPHS = [Glyph("1", 12.0, 0.9, right=True), Glyph(" ", 30.0, 0.5, right=True), Glyph("7", 60.0, 0.4, right=False)]
SYMBOLS = ["1", "7", " "]


def spikes(steps: int = 20) -> np.ndarray:
    """Probabilities (steps, 4) of the blank, then of each symbol."""
    probabilities = np.zeros((steps, 4), np.float32)
    probabilities[3, 1] = probabilities[15, 2] = 0.9
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(1)
    return probabilities


def test_each_glyph_read_stands_below_its_place(drawn):
    reading.reading(io.BytesIO(), LINE, GLYPHS, spikes(), 4.0, SYMBOLS)
    above, _ = drawn[0].axes
    assert [text.get_text() for text in above.texts] == ["1", "␣", "7"]
    assert [text.get_position()[0] for text in above.texts] == [12, 30, 60]
    assert [to_hex(text.get_color()) for text in above.texts] == [RIGHT.lower(), RIGHT.lower(), WRONG.lower()]
    assert above.texts[0].get_alpha() == pytest.approx(0.94)


def test_the_line_stands_upright_above_its_probabilities(drawn):
    reading.reading(io.BytesIO(), LINE, GLYPHS, spikes(), 4.0, SYMBOLS)
    above, below = drawn[0].axes
    (image,) = above.images
    assert image.get_array().shape == (28, 80)
    assert image.get_extent() == [0, 80, 28, 0]
    assert above.get_ylim()[0] > above.get_ylim()[1] == 0
    assert above.get_xlim() == below.get_xlim() == (0, 84)
    peaks = {text.get_text(): text.get_position()[0] for text in below.texts}
    assert peaks == {"1": 14.0, "7": 62.0}
    assert below.get_xlabel().startswith("column of pixels")


def test_the_axis_of_the_probabilities_ends_where_the_line_does(drawn):
    reading.reading(io.BytesIO(), LINE[:70], GLYPHS, spikes(18), 4.0, SYMBOLS)
    _, below = drawn[0].axes
    assert below.get_xlim() == (0, 84)
    assert below.spines.bottom.get_bounds() == (0, 70)
    assert below.get_xticks().tolist() == [0, 10, 20, 30, 40, 50, 60, 70]


@pytest.mark.parametrize("columns", [1, 80, 900])
def test_a_line_of_any_length_has_its_shape(drawn, columns):
    line = np.zeros((columns, 28), np.uint8)
    reading.reading(io.BytesIO(), line, [], spikes(), 4.0, SYMBOLS)
    above, _ = drawn[0].axes
    box = above.get_window_extent()
    pixel = box.width / max(columns, 84), box.height / (28 * 1.45)
    assert pixel[0] / pixel[1] == pytest.approx(1, abs=0.12) or columns == 900


def test_the_same_input_gives_the_same_bytes(tmp_path):
    first = io.BytesIO()
    reading.reading(first, LINE, GLYPHS, spikes(), 4.0, SYMBOLS)
    reading.reading(tmp_path / "again.png", LINE, GLYPHS, spikes(), 4.0, SYMBOLS)
    assert first.getvalue() == (tmp_path / "again.png").read_bytes()
