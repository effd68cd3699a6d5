"""Recovered strokes: of drawn lines whose order and direction a reader would not doubt."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from unroll.sources.tracing import trace


def drawn(*lines: list[tuple[float, float]], side: int = 28, width: int = 3) -> np.ndarray:
    """A picture of lines through points by a round pen, drawn large and made smaller, so that edges are soft."""
    image = Image.new("L", (8 * side, 8 * side))
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line([(8 * x, 8 * y) for x, y in line], 255, 8 * width, joint="curve")
        for x, y in line:
            pen.circle((8 * x, 8 * y), 4 * width, 255)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def circle(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 60)
    return list(zip(x + radius * np.cos(angles), y + radius * np.sin(angles), strict=True))


def test_no_ink_has_no_strokes():
    assert trace(np.zeros((28, 28), np.uint8)) == []


def test_a_dot_is_a_stroke_of_one_point():
    picture = np.zeros((28, 28), np.uint8)
    picture[10:12, 20:22] = 255
    (dot,) = trace(picture)
    np.testing.assert_allclose(dot.mean(0), [21, 11], atol=0.6)


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ([(14, 4), (14, 24)], (14, 4)),
        ([(4, 14), (24, 14)], (4, 14)),
        ([(22, 4), (6, 24)], (22, 4)),  # a slash is written downwards
        ([(6, 16), (24, 12)], (6, 16)),  # a rising dash to the right
    ],
)
def test_a_line_runs_down_or_to_the_right_along_its_middle(line, start):
    (stroke,) = trace(drawn(line))
    np.testing.assert_allclose(stroke[0], start, atol=1.5)
    (x, y), (to_x, to_y) = line
    off = np.abs((stroke - [x, y]) @ [to_y - y, x - to_x]) / np.hypot(to_x - x, to_y - y)
    assert off.max() < 1
    assert np.hypot(*np.diff(stroke, axis=0).T).max() < 1.01 * np.sqrt(0.5)


def test_lines_that_cross_go_on_straight():
    strokes = trace(drawn([(5, 5), (23, 23)], [(23, 5), (5, 23)]))
    assert len(strokes) == 2
    np.testing.assert_allclose([strokes[0][0], strokes[0][-1]], [(5, 5), (23, 23)], atol=2)
    np.testing.assert_allclose([strokes[1][0], strokes[1][-1]], [(23, 5), (5, 23)], atol=2)


def test_a_circle_begins_at_its_top_and_goes_to_the_left():
    (ring,) = trace(drawn(circle(14, 14, 9)))
    np.testing.assert_array_equal(ring[0], ring[-1])
    np.testing.assert_allclose(ring[0, 1], ring[:, 1].min())
    quarters = ring[[len(ring) // 4, len(ring) // 2, 3 * len(ring) // 4]]
    np.testing.assert_allclose(quarters, [(5, 14), (14, 23), (23, 14)], atol=4)


def test_an_eight_is_written_without_lifting_the_pen():
    angles = np.linspace(0, 2 * np.pi, 60)
    line = np.stack([14 + 7 * np.sin(2 * angles), 14 - 10 * np.cos(angles)], 1)
    (eight,) = trace(drawn(line.tolist()))
    np.testing.assert_array_equal(eight[0], eight[-1])
    along = np.linspace(0, len(eight) - 1, 9).astype(int)
    assert [bool(x > 14) for x in eight[along[1::2], 0]] == [False, True, False, True]
    assert np.ptp(eight[:, 1]) == pytest.approx(20, abs=2)


def test_of_two_strokes_the_left_one_comes_first():
    left, right = trace(drawn([(6, 6), (6, 24)], [(20, 3), (20, 24)]))
    assert (left[:, 0].max() < 8, right[:, 0].min() > 18) == (True, True)


def test_every_stroke_of_a_letter_is_there():
    strokes = trace(drawn([(6, 4), (6, 24)], [(6, 4), (20, 4)], [(6, 14), (18, 14)]))  # F
    ends = sorted(tuple(np.round(stroke[-1])) for stroke in strokes)
    assert len(strokes) == 2
    assert [end[0] > 15 for end in ends].count(True) >= 1
    every = np.concatenate(strokes)
    for place in [(6, 23), (19, 4), (17, 14)]:
        assert np.hypot(*(every - place).T).min() < 2.5


def test_a_speck_much_finer_than_the_pen_is_none_of_its_strokes():
    picture = drawn([(5, 5), (5, 23)], width=4).copy()
    picture[20, 20] = 130
    assert len(trace(picture)) == 1
    picture[19:23, 19:23] = 255
    assert len(trace(picture)) == 2


def test_thick_corners_leave_no_hairs():
    assert len(trace(drawn([(6, 6), (22, 6), (22, 22)], width=5))) == 1


def test_a_blot_is_a_stroke_though_all_its_branches_are_short():
    middle = np.array([14, 14])
    arms = [middle + 3 * np.array([np.cos(turn), np.sin(turn)]) for turn in (0.5, 2.6, 4.7)]
    for width in range(8, 15):
        assert len(trace(drawn(*([tuple(middle), tuple(arm)] for arm in arms), width=width))) == 1


def test_the_size_of_a_picture_does_not_matter():
    small, large = trace(drawn([(5, 5), (23, 23)])), trace(drawn([(20, 20), (92, 92)], side=112, width=12))
    np.testing.assert_allclose(4 * small[0][[0, -1]], large[0][[0, -1]], atol=6)


def test_noise_is_traced_in_full_and_alike_each_time():
    rng = np.random.default_rng(0)
    for _ in range(20):
        noise = np.where(rng.random((20, 20)) < 0.3, 255, 0).astype(np.uint8)
        first, second = trace(noise), trace(noise)
        assert len(first) == len(second) > 0
        assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
        points = np.concatenate(first)
        assert np.isfinite(points).all()
        assert ((points >= -0.5) & (points <= 20.5)).all()
