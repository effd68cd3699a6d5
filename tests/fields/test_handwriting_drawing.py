import numpy as np
import pytest

from unroll.fields.handwriting import drawing

BAR = np.zeros((28, 28), np.uint8)
BAR[4:24, 12:16] = 255
RING = np.zeros((28, 28), np.uint8)
RING[4:24, 5:23] = 255
RING[8:20, 9:19] = 0
BLANK = np.zeros((28, 28), np.uint8)


def drawn(seed: int, *glyphs: np.ndarray, height: int = 28) -> np.ndarray:
    return drawing.draw(np.random.default_rng(seed), glyphs, height)


def pieces(line: np.ndarray) -> int:
    """How many pieces of ink a line has between blank columns."""
    return int((np.diff((line >= 110).any(1).astype(int), prepend=0) == 1).sum())


@pytest.mark.parametrize("height", [16, 28, 64])
def test_a_line_has_the_height_that_is_asked_for(height):
    line = drawn(0, BAR, RING, BAR, height=height)
    assert line.dtype == np.uint8
    assert line.shape[1] == height
    assert line.flags.c_contiguous


def test_ink_is_high_and_within_the_picture():
    for seed in range(50):
        line = drawn(seed, RING, BAR, RING)
        ink = line >= 110
        assert ink.any(1).sum() > 20
        assert 0.05 < ink.mean() < 0.6
        assert not ink[[0, -1]].any()
        assert not ink[:, [0, -1]].any()


def test_no_glyph_is_lost():
    found = [pieces(drawn(seed, *[BAR] * 8)) for seed in range(60)]
    assert max(found) == 8
    assert np.mean([count == 8 for count in found]) > 0.3  # others have bars that touch
    assert min(found) < 8


def test_a_line_grows_by_its_glyphs():
    lengths = [len(drawn(5, *[RING] * count)) for count in (1, 2, 4, 8)]
    assert lengths == sorted(lengths)
    assert lengths[3] > 3 * lengths[1] / 2


def test_the_same_seed_gives_the_same_line():
    np.testing.assert_array_equal(drawn(7, RING, BAR), drawn(7, RING, BAR))
    assert drawn(7, RING, BAR).tobytes() != drawn(8, RING, BAR).tobytes()


def test_glyphs_stand_apart_as_the_hand_says():
    rng = np.random.default_rng(0)
    steady = drawing.Hand(slant=0.0, stretch=1.0, weight=0.0, gap=4.0, climb=0.0, unsteady=0.0)
    line = drawing._written(rng, steady, [BAR, BAR])
    assert np.flatnonzero((line > drawing.INK).any(0)).tolist() == [20, 21, 22, 23, 28, 29, 30, 31]
    np.testing.assert_array_equal(line[12:32, 20:24], BAR[4:24, 12:16])


def test_a_slanted_glyph_leans_to_the_right():
    upright = drawing.Hand(slant=0.0, stretch=1.0, weight=0.0, gap=4.0, climb=0.0, unsteady=0.0)
    rng = np.random.default_rng(0)
    leaning = drawing._leaning(rng, upright._replace(slant=0.3), BAR, 0.0) > drawing.INK
    top, bottom = (np.flatnonzero(leaning[row]).mean() for row in (13, 30))
    assert top - bottom == pytest.approx(0.3 * 17, abs=0.5)


def test_a_line_climbs():
    climbing = drawing.Hand(slant=0.0, stretch=1.0, weight=0.0, gap=4.0, climb=0.05, unsteady=0.0)
    line = drawing._written(np.random.default_rng(0), climbing, [BAR] * 6) > drawing.INK
    tops = [np.flatnonzero(line[:, column])[0] for column in np.flatnonzero(line.any(0))]
    assert tops[-1] < tops[0]


@pytest.mark.parametrize(("weight", "columns"), [(0.0, 4), (0.9, 6), (-0.9, 2)])
def test_a_pen_has_a_weight(weight, columns):
    heavy = drawing._weighed(BAR, weight)
    assert ((heavy >= 128).any(0)).sum() == columns


def test_a_glyph_without_ink_leaves_room():
    assert pieces(drawn(1, BAR, BLANK, BAR)) == 2
