"""Frames of sound → features: normalised as a recording or as the corpus is, joined to steps, recurrent layers."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unroll.features.distortion import Distortion, distort
from unroll.layers.contract import find_padding
from unroll.layers.stack import Stack
from unroll.params import Recurrent
from unroll.patterns.encoder import Encoder

PRIOR = 10  # frames of the corpus that each recording's statistics start from (MAP, Gauvain & Lee 1994)
Normalise = Literal["recording", "corpus"]


class SoundEncoder(Encoder):
    """Frames (B, T, D) → normalised → ``stack`` of them joined in a step → recurrent layers → features (B, S, H).

    Arguments:
        recurrent: the layers.
        features: settings of the featurizer that made the frames, with ``features`` of each and their ``basis``.
        stack: frames a step.
        normalise: by the mean and deviation of each recording or those of the corpus.
        distortion: of what is learned from.
    """

    def __init__(
        self, recurrent: Recurrent, features: Any, stack: int, normalise: Normalise, distortion: Distortion
    ) -> None:
        super().__init__()
        self.sound, self.stack, self.normalise, self.distortion = features, stack, normalise, distortion
        self.register_buffer("mean", torch.zeros(features.features))
        self.register_buffer("deviation", torch.ones(features.features))
        self.layers = Stack(recurrent, features.features * stack)
        self.outputs = self.layers.outputs

    def standardise(self, rows: Sequence[np.ndarray]) -> None:
        """Learns the mean and the deviation of each feature over all frames, one recording in memory at a time."""
        count = sum(len(frames) for frames in rows)
        mean = sum(frames.sum(0, dtype=np.float64) for frames in rows) / count
        variance = sum(np.square(frames - mean).sum(0) for frames in rows) / count
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.copy_(torch.from_numpy(np.sqrt(variance) + 1e-3))

    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Float[Tensor, "B T D"], Int[Tensor, "B"]]:
        """Rows of frames as one batch, and their lengths; with ``rng``, each distorted anew."""
        if rng is not None:
            basis = self.sound.basis
            inverse = np.linalg.pinv(basis)
            rows = [distort(row, basis, inverse, self.distortion, rng) for row in rows]
        frames = nn.utils.rnn.pad_sequence([torch.from_numpy(np.array(row)) for row in rows], batch_first=True)
        return frames, torch.tensor([len(row) for row in rows])

    def forward(self, frames: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S H"]:
        """The features of each step; the frames of row ``i`` are its first ``lengths[i]``."""
        real = ~find_padding(lengths, frames.shape[1])[..., None]
        # A last step that is not full is filled with zeros, the mean.
        padded = functional.pad(
            self._normalised(frames, lengths, real) * real, (0, 0, 0, -frames.shape[1] % self.stack)
        )
        joined = padded.reshape(len(frames), -1, self.stack * frames.shape[2])
        return self.layers(joined, self.steps(lengths))[0]

    def _normalised(self, frames: Tensor, lengths: Tensor, real: Tensor) -> Tensor:
        if self.normalise == "corpus":
            return (frames - self.mean) / self.deviation
        count = lengths[:, None, None] + PRIOR
        mean = ((frames * real).sum(1, keepdim=True) + PRIOR * self.mean) / count
        squares = ((frames - mean).square() * real).sum(1, keepdim=True) + PRIOR * self.deviation.square()
        return (frames - mean) / (squares / count).sqrt()
