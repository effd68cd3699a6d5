import io

import numpy as np
import pytest
from PIL import Image

from unroll.reports import drawings
from unroll.reports.drawings import Cell
from unroll.reports.style import COLOURS

DASH, BAR = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.5, 1.0], [0.5, 3.0]])
PICTURE = np.zeros((4, 4), np.uint8)


def draw_all(to) -> None:
    drawings.grid(to[0], [Cell("4 → 9", False, PICTURE), Cell("4 → 4", True, [DASH, BAR])])
    cells = [Cell("a (50%)", False, [DASH]), Cell("b (90%)", True, [DASH, BAR])]
    drawings.unfolding(to[1], [DASH, BAR], cells, {"a": np.array([0.5, 0.1]), "b": np.array([0.5, 0.9])}, [1])


def test_the_same_input_gives_the_same_bytes(tmp_path):
    first, second = [io.BytesIO(), io.BytesIO()], [tmp_path / "0.png", tmp_path / "1.png"]
    draw_all(first)
    draw_all(second)
    assert [picture.getvalue() for picture in first] == [path.read_bytes() for path in second]
    for path in second:
        with Image.open(path) as image:
            assert image.size[0] == round(5.6 * 140)


def test_a_grid_has_rows_of_eight_and_its_last_one_may_be_shorter(drawn):
    drawings.grid(io.BytesIO(), [Cell(str(number), number != 3, PICTURE) for number in range(11)])
    (axes,) = drawn[0].axes
    assert [text.get_text() for text in axes.texts] == [*map(str, range(11))]
    assert [text.get_color() == COLOURS[1] for text in axes.texts[:5]] == [False, False, False, True, False]
    boxes = [image.get_extent() for image in axes.images]
    assert [int(left) for left, *_ in boxes] == [*range(8), 0, 1, 2]
    assert boxes[8][3] > boxes[7][2]  # the second row begins below the first
    assert axes.get_ylim()[0] > boxes[-1][2]


def test_ink_is_dark(drawn):
    picture = PICTURE.copy()
    picture[1, 2] = 255
    drawings.grid(io.BytesIO(), [Cell("", True, picture)])
    (image,) = drawn[0].axes[0].images
    shades = image.cmap(image.norm(image.get_array()))[..., 0]
    assert (shades[1, 2], shades[0, 0]) == (0, 1)


def test_strokes_have_their_own_colours_and_begin_with_a_dot(drawn):
    drawings.grid(io.BytesIO(), [Cell("", True, [DASH, BAR])])
    lines = drawn[0].axes[0].lines
    assert [line.get_color() for line in lines] == [COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[1]]
    for line, dot in (lines[:2], lines[2:]):
        np.testing.assert_array_equal(line.get_xydata()[:1], dot.get_xydata())


@pytest.mark.parametrize("strokes", [[DASH, BAR], [np.array([[5.0, 5.0]])]])
def test_strokes_keep_their_shape_and_stay_in_their_own_square(drawn, strokes):
    drawings.grid(io.BytesIO(), [Cell("", True, PICTURE), Cell("", True, strokes)])
    axes = drawn[0].axes[0]
    shown = [line.get_xydata() for line in axes.lines[::2]]
    points = np.concatenate(shown)
    _, right, bottom, top = axes.images[0].get_extent()
    assert right < points[:, 0].min() <= points[:, 0].max() < 2
    assert top < points[:, 1].min() <= points[:, 1].max() < bottom
    assert axes.yaxis_inverted()
    if len(strokes) == 2:
        (dash, bar), (width, height) = shown, (np.ptp(shown[0][:, 0]), np.ptp(shown[1][:, 1]))
        assert dash[0, 1] < bar[0, 1] < bar[1, 1]
        assert height == pytest.approx(2 * width)


def test_what_unfolds_stays_in_the_place_that_it_has_in_the_whole(drawn):
    draw_all([io.BytesIO(), io.BytesIO()])
    above, below = drawn[1].axes
    assert [text.get_text() for text in above.texts] == ["a (50%)", "b (90%)"]
    whole, begun = above.lines[0].get_xydata(), above.lines[2].get_xydata()
    np.testing.assert_array_equal(whole, begun)
    again = above.lines[6].get_xydata()
    np.testing.assert_allclose(again, begun + np.array([1, 0]))
    assert [line.get_label() for line in below.lines[:2]] == ["a", "b"]
    np.testing.assert_array_equal(below.lines[1].get_xydata(), [[1, 0.5], [2, 0.9]])
    assert list(below.lines[2].get_xdata()) == [1, 1]
