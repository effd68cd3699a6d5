"""Frames → features: pictures through convolutions, numbers of sensors as they are, and recurrent layers."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, Real
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from unroll.errors import UserError
from unroll.layers.convolution import Convolutions, kept, spread
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Recurrent, Whole
from unroll.patterns.encoder import Encoder

AT_ONCE = 256  # pictures looked at together in use, so that memory is bounded and the caches serve


@dataclass(frozen=True, config=STRICT)
class Vision:
    """How frames become inputs of the layers.

    ``channels``: of the 3 × 3 convolutions, each of which halves the picture (none: a frame's numbers are read as they
    are); ``features``: what a linear layer then makes of a step (0: there is none), normalised and cut off below zero
    as they are; ``steps``: frames joined in one step; ``shift``: pixels that a picture is moved in training, at most;
    ``mirror``: half of the examples are mirrored left to right in training.
    """

    channels: list[Count]
    features: Whole
    steps: Count
    shift: Whole
    mirror: bool


class FrameEncoder(Encoder):
    """Frames (B, T, D) of a ``shape`` [C, H, W] → convolutions → linear layer → recurrent layers → features (B, S, H).

    A frame of several columns is a picture, seen alone. A frame of one column is part of a line, which is one picture,
    H by T: the convolutions go along it, and the first of them join the frames of a step, by halving. Before all else
    each channel is brought to mean 0 and deviation 1 of the training table.

    Arguments:
        recurrent: the layers.
        shape: channels, height and width of a frame, D = C * H * W.
        vision: what comes before the layers.
    """

    def __init__(self, recurrent: Recurrent, shape: Sequence[int], vision: Vision) -> None:
        super().__init__()
        _check(shape, vision)
        self.shape, self.vision, self.stack = tuple(shape), vision, vision.steps
        channels, height, width = shape
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.line = width == 1
        self.convolutions, seen = None, channels * height * width * vision.steps
        if vision.channels and self.line:
            self.convolutions = Convolutions(channels, height, vision.channels, vision.steps.bit_length() - 1)
            seen = self.convolutions.outputs
        elif vision.channels:
            self.convolutions = Convolutions(channels, width, vision.channels, len(vision.channels))
            seen = self.convolutions.outputs * -(-height // 2 ** len(vision.channels)) * vision.steps
        self.features = None
        if vision.features:
            # Not normalised, it slows learning down by half.
            scale = nn.BatchNorm1d(vision.features)
            self.features, seen = nn.Sequential(nn.Linear(seen, vision.features), scale, nn.ReLU()), vision.features
        self.layers = Stack(recurrent, seen)
        self.outputs = self.layers.outputs

    def standardise(self, rows: Sequence[np.ndarray]) -> None:
        """Learns the mean and the deviation of each channel from the rows (T, D) of the training table."""
        count, total, squares = 0, np.zeros(self.shape[0]), np.zeros(self.shape[0])
        for row in rows:
            values = row.reshape(len(row), self.shape[0], -1).astype(np.float32) * _unit(row.dtype)
            count += len(row) * values.shape[2]
            total += values.sum((0, 2), dtype=np.float64)
            squares += np.square(values).sum((0, 2), dtype=np.float64)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0)) + 1e-3
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.copy_(torch.from_numpy(deviation))

    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Real[Tensor, "B T D"], Int[Tensor, "B"]]:
        """Rows of frames as one batch of their own dtype, T a multiple of ``steps``, and their lengths.

        With ``rng``, each is moved and mirrored as ``vision`` says.
        """
        lengths = [len(row) for row in rows]
        frames = np.zeros((len(rows), self.steps(max(lengths)) * self.stack, rows[0].shape[1]), rows[0].dtype)
        for line, row in zip(frames, rows, strict=True):
            line[: len(row)] = row if rng is None else self._varied(row, rng)
        return torch.from_numpy(frames), torch.tensor(lengths)

    def forward(self, frames: Real[Tensor, "B T D"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S H"]:
        """The features of each step; the frames of row ``i`` are its first ``lengths[i]``."""
        real = self._standardised(kept(frames, lengths))
        if self.convolutions is not None and not self.line:
            real = self._pictures(real)
        steps = spread(real, lengths, frames.shape[1])
        if self.convolutions is not None and self.line:
            # (B, C, T, H): the steps of the line are the rows of the picture.
            steps = self.convolutions(steps.unflatten(2, self.shape[:2]).transpose(1, 2), lengths)
        else:
            steps = steps.unflatten(1, (-1, self.stack)).flatten(2)
        lengths = self.steps(lengths)
        if self.features is not None:
            steps = spread(self.features(kept(steps, lengths)), lengths, steps.shape[1])
        return self.layers(steps, lengths)[0]

    def _standardised(self, frames: Real[Tensor, "R D"]) -> Float[Tensor, "R D"]:
        pixels = self.shape[1] * self.shape[2]
        scale = (_unit(frames.dtype) / self.deviation).repeat_interleave(pixels)
        return frames * scale - (self.mean / self.deviation).repeat_interleave(pixels)

    def _pictures(self, frames: Float[Tensor, "R D"]) -> Float[Tensor, "R F"]:
        """The features of each frame, seen alone."""
        parts = [frames] if self.training else frames.split(AT_ONCE)
        return torch.cat([self.convolutions(part.unflatten(1, self.shape)).flatten(1) for part in parts])

    def _varied(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A row to learn from; what moves into a picture continues its edge."""
        pictures = row.reshape(len(row), *self.shape)
        if self.vision.mirror and rng.random() < 0.5:
            pictures = pictures[..., ::-1]
        for axis in (2, 3) if self.vision.shift else ():
            last = pictures.shape[axis] - 1
            moved = np.arange(last + 1) + rng.integers(-self.vision.shift, self.vision.shift, endpoint=True)
            pictures = pictures.take(moved.clip(0, last), axis)
        return pictures.reshape(row.shape)


def _unit(dtype: np.dtype | torch.dtype) -> float:
    """What a one stands for: pixels, which are bytes, go from 0 to 1."""
    return 1 / 255 if dtype.itemsize == 1 else 1.0


def _check(shape: Sequence[int], vision: Vision) -> None:
    """Refuses what cannot be done to frames of such a shape."""
    kind = f"frames of {shape[1]} × {shape[2]} pixels"
    if vision.mirror and shape[2] == 1:
        raise UserError(f"vision.mirror: {kind} have no left and right: set it to false")
    if vision.shift and shape[1] == shape[2] == 1:
        raise UserError(f"vision.shift: {kind} cannot be moved: set it to 0")
    if vision.channels and shape[2] == 1 and vision.steps not in [2**n for n in range(len(vision.channels) + 1)]:
        raise UserError(
            f"vision.steps: {len(vision.channels)} convolutions along a line can join 1, 2, 4 ... up to"
            f" {2 ** len(vision.channels)} frames, by halving, not {vision.steps}"
        )
