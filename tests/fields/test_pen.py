import numpy as np
import pytest

from unroll.fields.handwriting import pen

LINE = np.array([[10.0, 0], [10, 20]])
DASH = np.array([[0.0, 10], [20, 10]])


def test_movements_are_in_heights_of_the_writing():
    found = pen.steps([LINE, DASH], spacing=0.25)
    assert found.dtype == np.float32
    down, jump, across = found[:4], found[4], found[5:]
    np.testing.assert_allclose(down, [[0, 0.25, 1, 0]] * 3 + [[0, 0.25, 1, 1]])
    np.testing.assert_allclose(jump, [-0.5, -0.5, 0, 0])
    np.testing.assert_allclose(across, [[0.25, 0, 1, 0]] * 3 + [[0.25, 0, 1, 1]])


def test_neither_size_nor_place_nor_speed_of_the_writing_matters():
    slow = np.stack([np.full(30, 10.0), 20 * np.linspace(0, 1, 30) ** 2], 1)
    found = pen.steps([LINE, DASH], 0.1)
    np.testing.assert_allclose(pen.steps([slow, DASH], 0.1), found, atol=1e-6)
    np.testing.assert_allclose(pen.steps([7 * LINE + 3, 7 * DASH + 3], 0.1), found, atol=1e-6)


def test_points_that_repeat_are_no_steps():
    twice = np.repeat(LINE, 2, 0)
    np.testing.assert_allclose(pen.steps([twice], 0.5), pen.steps([LINE], 0.5))


def test_a_dot_is_a_step_that_leads_nowhere():
    np.testing.assert_allclose(pen.steps([np.array([[5.0, 5.0]])], 0.1), [[0, 0, 1, 1]])
    two = pen.steps([LINE, np.array([[10.0, 30.0], [10.0, 30.0]])], 1.0)
    np.testing.assert_allclose(two, [[0, 2 / 3, 1, 1], [0, 1 / 3, 0, 0], [0, 0, 1, 1]], atol=1e-6)


def test_a_dash_has_few_steps():
    assert len(pen.steps([DASH], spacing=0.1)) == 40
    assert len(pen.steps([DASH, DASH + np.array([0, 10])], spacing=0.1)) == 20 + 1 + 20


def test_strokes_come_back():
    strokes = [LINE / 20, DASH / 20, np.array([[0.5, 0.8]])]
    found = pen.strokes(pen.steps(strokes, 0.05))
    assert len(found) == 3
    origin = strokes[0][0]
    for own, back in zip(strokes, found, strict=True):
        np.testing.assert_allclose(back[[0, -1]] + origin, own[[0, -1]], atol=1e-5)


def test_a_beginning_has_the_strokes_begun():
    found = pen.steps([LINE, DASH], spacing=0.25)
    assert [len(stroke) for stroke in pen.strokes(found[:2])] == [3]
    assert [len(stroke) for stroke in pen.strokes(found[:5])] == [5, 1]
    assert [len(stroke) for stroke in pen.strokes(found[:6])] == [5, 2]


def test_nothing_cannot_be_read():
    with pytest.raises(ValueError, match="no strokes"):
        pen.steps([], 0.1)
