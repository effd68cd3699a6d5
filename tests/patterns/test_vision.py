from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from unroll.errors import UserError
from unroll.params import Recurrent
from unroll.patterns.vision import FrameEncoder, Vision

PLAIN = Vision(channels=[], features=0, steps=1, shift=0, mirror=False)
SEEING = replace(PLAIN, channels=[3, 4], features=5)
NONE = Recurrent("lstm", 4, layers=0, bidirectional=False, dropout=0.0)
CLIPS, LINES, WATCH = (2, 6, 5), (1, 7, 1), (3, 1, 1)  # shapes of frames
KINDS = [
    (CLIPS, SEEING),
    (CLIPS, replace(SEEING, steps=3)),
    (CLIPS, replace(SEEING, features=0)),
    (CLIPS, PLAIN),
    (LINES, SEEING),
    (LINES, replace(SEEING, steps=2)),
    (LINES, replace(SEEING, steps=4, features=0)),
    (LINES, replace(PLAIN, steps=3)),
    (WATCH, replace(PLAIN, steps=2, features=5)),
    (WATCH, replace(SEEING, steps=2)),
]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def encoder(shape=CLIPS, vision: Vision = SEEING, recurrent: Recurrent = NONE) -> FrameEncoder:
    return FrameEncoder(recurrent, shape, vision)


def rows(shape, lengths=(9, 4, 1, 6), dtype=np.uint8, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (length, int(np.prod(shape)))).astype(dtype) for length in lengths]


@pytest.mark.parametrize(("shape", "vision"), KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_company_and_padding_change_nothing(dtype, shape, vision):
    made = encoder(shape, vision, Recurrent("gru", 3, 1, True, 0.0))
    made.standardise(rows(shape, dtype=dtype))
    made.train()
    made(*made.padded(rows(shape, dtype=dtype, seed=1)))  # batch normalisation knows other statistics
    made.eval()
    inputs, lengths = made.padded(rows(shape, dtype=dtype))
    together = made(inputs, lengths)
    assert lengths.tolist() == [9, 4, 1, 6]
    assert inputs.numpy().dtype == dtype
    assert together.shape == (4, -(-9 // vision.steps), made.outputs)
    for found, row in zip(together, rows(shape, dtype=dtype), strict=True):
        (alone,) = made(*made.padded([row]))
        assert len(alone) == made.steps(len(row))
        assert_close(found[: len(alone)], alone)
        assert not found[len(alone) :].any()
    padding = torch.arange(inputs.shape[1]) >= lengths[:, None]
    assert_close(made(inputs.masked_fill(padding[..., None], 200), lengths), together, rtol=0, atol=0)


def test_no_convolutions_read_the_numbers_as_they_are_side_by_side():
    made = encoder((2, 1, 1), replace(PLAIN, steps=2))
    made.standardise([np.array([[1, 10], [3, 30]], np.float32), np.array([[5, 20]], np.float32)])
    assert made.mean.tolist() == pytest.approx([3, 20])
    assert made.deviation.tolist() == pytest.approx([np.sqrt(8 / 3) + 1e-3, np.sqrt(200 / 3) + 1e-3])
    found = made(*made.padded([np.array([[3, 20], [3, 30], [5, 20]], np.float32)]))
    assert_close(found, torch.tensor([[[0, 0, 0, 1.224], [1.224, 0, 0, 0]]]), atol=1e-3, rtol=0)


def test_pixels_go_from_0_to_1_and_a_channel_has_one_mean():
    made = encoder((2, 1, 2), PLAIN)
    made.standardise([np.array([[0, 255, 51, 51]], np.uint8)])
    assert made.mean.tolist() == pytest.approx([0.5, 0.2])
    assert made.deviation.tolist() == pytest.approx([0.501, 0.001], abs=1e-5)
    found = made(*made.padded([np.array([[0, 255, 51, 51]], np.uint8)]))
    assert_close(found, torch.tensor([[[-0.998, 0.998, 0, 0]]]), atol=1e-3, rtol=0)


def test_a_picture_is_seen_alone_and_a_line_as_a_whole():
    """A change in the frame 4 of 8 changes the features of that picture, and those of a line all around it."""
    for shape, changed in ((CLIPS, [4]), (LINES, [2, 3, 4, 5, 6])):
        made = encoder(shape, SEEING).eval()
        (before,) = rows(shape, [8])
        after = before.copy()
        after[4] = 255 - after[4]
        left, right = (made(*made.padded([row]))[0] for row in (before, after))
        assert (left != right).any(1).nonzero()[:, 0].tolist() == changed


def test_many_pictures_are_seen_a_few_at_a_time_in_use(monkeypatch):
    made = encoder().eval()
    whole = made(*made.padded(rows(CLIPS)))
    monkeypatch.setattr("unroll.patterns.vision.AT_ONCE", 3)
    assert_close(made(*made.padded(rows(CLIPS))), whole)


def test_only_what_is_learned_from_is_varied():
    made = encoder(vision=replace(SEEING, shift=2, mirror=True))
    before = rows(CLIPS)
    padded, _ = made.padded(before)
    for line, row in zip(padded, before, strict=True):
        assert np.array_equal(line[: len(row)], row)
    first, again, other = (made.padded(before, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert all(np.array_equal(one, two) for one, two in zip(before, rows(CLIPS), strict=True))


def test_a_mirrored_clip_has_left_for_right():
    made = encoder((1, 2, 3), replace(PLAIN, mirror=True))
    row = np.array([[1, 2, 3, 4, 5, 6], [7, 8, 9, 0, 1, 2]], np.uint8)
    seen = {str(made.padded([row], np.random.default_rng(seed))[0].tolist()) for seed in range(20)}
    assert seen == {str([row.tolist()]), "[[[3, 2, 1, 6, 5, 4], [9, 8, 7, 2, 1, 0]]]"}


def test_a_moved_picture_continues_its_edge():
    made = encoder((1, 2, 3), replace(PLAIN, shift=1))
    picture = [[1, 2, 3], [4, 5, 6]]
    down = {-1: [picture[0], picture[0]], 0: picture, 1: [picture[1], picture[1]]}
    across = {-1: [0, 0, 1], 0: [0, 1, 2], 1: [1, 2, 2]}
    expected = {
        str([[line[at] for line in lines for at in places]]) for lines in down.values() for places in across.values()
    }
    row = np.array(picture, np.uint8).reshape(1, 6)
    seen = {str(made.padded([row], np.random.default_rng(seed))[0][0].tolist()) for seed in range(200)}
    assert seen == expected


@pytest.mark.parametrize(
    ("shape", "change", "message"),
    [
        (LINES, {"mirror": True}, "vision.mirror: frames of 7 × 1 pixels have no left and right"),
        (WATCH, {"shift": 1}, "vision.shift: frames of 1 × 1 pixels cannot be moved"),
        (LINES, {"steps": 3}, "vision.steps: 2 convolutions along a line can join 1, 2, 4 ... up to 4 frames"),
        (LINES, {"steps": 8}, "vision.steps: 2 convolutions .* not 8"),
    ],
)
def test_what_cannot_be_done_to_frames_is_refused(shape, change, message):
    with pytest.raises(UserError, match=message):
        encoder(shape, replace(SEEING, **change))


def test_gradients_reach_every_weight():
    for shape, vision in KINDS:
        made = encoder(shape, vision, Recurrent("gru", 3, 1, True, 0.0))
        made(*made.padded(rows(shape))).sum().backward()
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in made.parameters())
