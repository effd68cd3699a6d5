import io

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from PIL import Image

from unroll.reports import motion

NAMES = ["walk", "kick", "spin"]
# A bright square that falls, before grey noise.
FRAMES = np.random.default_rng(0).integers(90, 130, (24, 48, 48)).astype(np.uint8)
for step, picture in enumerate(FRAMES):
    picture[step : step + 10, 10:20] = 255


def looped(frames: np.ndarray, frames_per_second: float) -> Image.Image:
    to = io.BytesIO()
    motion.loop(to, frames, frames_per_second)
    return Image.open(to)


def shown(gif: Image.Image) -> np.ndarray:
    frames = []
    for number in range(gif.n_frames):
        gif.seek(number)
        frames.append(np.asarray(gif.convert("L")))
    return np.stack(frames)


def seconds(gif: Image.Image) -> float:
    total = 0
    for number in range(gif.n_frames):
        gif.seek(number)
        total += gif.info["duration"]
    return total / 1000


def test_a_loop_shows_every_frame_without_end():
    gif = looped(FRAMES, 12.0)
    assert (gif.format, gif.size, gif.n_frames, gif.info["loop"]) == ("GIF", (48, 48), 24, 0)
    assert np.abs(shown(gif).astype(int) - FRAMES).max() <= 255 / 31 / 2 + 1


@pytest.mark.parametrize(("rate", "frames"), [(12.0, 24), (25.0, 24), (50.0, 24), (60.0, 12), (120.0, 8)])
def test_a_loop_keeps_time(rate, frames):
    gif = looped(FRAMES, rate)
    assert gif.n_frames == frames
    assert seconds(gif) == pytest.approx(24 / rate, abs=0.011)


def test_large_pictures_are_made_smaller_and_one_frame_is_enough():
    gif = looped(np.zeros((1, 400, 200), np.uint8), 12.0)
    assert (gif.size, gif.n_frames) == ((48, 96), 1)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    tracks = {"true": np.repeat([0, 1], 12), "found": np.repeat([0, 2], 12)}
    for name in ("a", "b"):
        motion.loop(tmp_path / f"{name}.gif", FRAMES, 12.0)
        motion.strip(tmp_path / f"{name}.strip.png", FRAMES, 12.0, tracks, NAMES)
        motion.attention(tmp_path / f"{name}.words.png", FRAMES, 12.0, ["kicks", "twice"], np.eye(2, 24))
    for kind in (".gif", ".strip.png", ".words.png"):
        assert (tmp_path / f"a{kind}").read_bytes() == (tmp_path / f"b{kind}").read_bytes()


def test_a_strip_has_frames_above_a_bar_per_track(drawn):
    tracks = {"true": np.repeat([0, 1], 12), "found": np.repeat([0, 2, 1], [11, 1, 12])}
    motion.strip(io.BytesIO(), FRAMES, 12.0, tracks, NAMES)
    (figure,) = drawn
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["true", "found"]
    assert axes.get_xlim() == (0, 2)
    assert len(axes.images) == 12
    assert axes.images[5].get_array().tobytes() == FRAMES[11].tobytes()  # the middle one of its twelfth
    assert [text.get_text() for text in axes.texts] == ["walk", "kick", "walk", "kick"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["spin"]  # too short for its name
    starts = [bar.get_paths()[0].vertices[:, 0].min() for bar in axes.collections if isinstance(bar, PolyCollection)]
    assert starts == pytest.approx([0, 1, 0, 11 / 12, 1])


def test_a_strip_of_more_labels_than_colours_is_grey_in_the_end(drawn):
    many = [f"action {number}" for number in range(9)]
    motion.strip(io.BytesIO(), FRAMES[:9], 9.0, {"true": np.arange(9)}, many)
    colours = [tuple(bar.get_facecolor()[0]) for bar in drawn[0].axes[0].collections]
    assert len(set(colours)) == 8
    assert colours[7] == colours[8]


def test_a_strip_of_few_frames_shows_them_all(drawn):
    motion.strip(io.BytesIO(), FRAMES[:3], 12.0, {"true": np.zeros(3, np.int8)}, NAMES)
    assert len(drawn[0].axes[0].images) == 3


def test_attention_has_a_row_for_each_word(drawn):
    weights = np.array([[0.9, 0.1, 0.0], [0.0, 0.2, 0.8]])
    motion.attention(io.BytesIO(), FRAMES, 12.0, ["walks", "kicks"], weights)
    (axes,) = drawn[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["walks", "kicks"]
    assert (axes.images[-1].get_array() == weights).all()
    assert axes.images[-1].get_extent() == [0, 2, pytest.approx(0.38), 0]
