"""Inputs → features of each step: the part that the patterns share, and can hand on to each other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, Real
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from unroll.errors import UserError
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Positive, Recurrent

Length = TypeVar("Length", int, Tensor)


@dataclass(frozen=True, config=STRICT)
class Embedding:
    """How codes become inputs of the layers: ``features`` of a step, and the ``spread`` that they begin with.

    A small spread suits many codes, the rare ones of which would else stay noise for long; single letters want 1.
    """

    features: Count
    spread: Positive


class Encoder(nn.Module, ABC):
    """Rows of inputs → recurrent layers → ``outputs`` features of each step; a step takes ``stack`` inputs."""

    stack: int
    outputs: int

    def steps(self, length: Length) -> Length:
        """How many steps so many inputs take."""
        return -(-length // self.stack)

    def standardise(self, rows: Sequence[np.ndarray]) -> None:
        """Learns what is usual from the rows of the training table; of codes there is nothing to learn."""

    @abstractmethod
    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Real[Tensor, "B N ..."], Int[Tensor, "B"]]:
        """Rows as one batch, and the length of each; with ``rng``, varied anew to learn from."""

    @abstractmethod
    def forward(self, inputs: Real[Tensor, "B N ..."], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S H"]:
        """The features of each step; the inputs of row ``i`` are its first ``lengths[i]``."""

    def start_from(self, weights: Mapping[str, Tensor], source: str) -> None:
        """Copies the weights of another pattern's encoder, whose names in ``weights`` begin with ``encoder.``.

        Raises ``UserError`` naming ``source`` and the first weight that is missing or has another shape.
        """
        own = self.state_dict()
        other = {name.removeprefix("encoder."): each for name, each in weights.items() if name.startswith("encoder.")}
        for name in sorted(own.keys() | other.keys()):
            shapes = [tuple(each[name].shape) if name in each else "none" for each in (own, other)]
            if shapes[0] != shapes[1]:
                raise UserError(
                    f"{source} cannot start this model: its encoder's {name} is {shapes[1]}, here {shapes[0]}: "
                    "give both the same features, embedding and recurrent layers"
                )
        self.load_state_dict(other)


class CodeEncoder(Encoder):
    """Codes (B, N) → embeddings, ``stack`` codes summed a step → recurrent layers → features (B, S, H).

    Each of a step's places has a table of its own, so the sum is a linear map of the codes side by side and costs
    the layers no wider input. The last code means *unknown*: it begins as the zero vector, and it fills the last
    step of a row whose length is no multiple of ``stack``.

    Arguments:
        recurrent: the layers.
        codes: how many codes there are; the last one is the unknown.
        stack: codes a step.
        embedding: of the codes.
        masked: share of the codes that are made unknown in training (word dropout, Gal & Ghahramani 2016).
    """

    def __init__(self, recurrent: Recurrent, codes: int, stack: int, embedding: Embedding, masked: float) -> None:
        super().__init__()
        self.codes, self.stack, self.masked = codes, stack, masked
        self.embedding = nn.EmbeddingBag(stack * codes, embedding.features, mode="sum")
        self.layers = Stack(recurrent, embedding.features)
        self.outputs = self.layers.outputs
        nn.init.normal_(self.embedding.weight, std=embedding.spread)
        nn.init.zeros_(self.embedding.weight.detach()[codes - 1 :: codes])

    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Int[Tensor, "B N"], Int[Tensor, "B"]]:
        """Rows of codes as one batch, N a multiple of ``stack``, and their lengths; with ``rng``, some codes masked."""
        lengths = [len(row) for row in rows]
        codes = np.full((len(rows), self.steps(max(lengths)) * self.stack), self.codes - 1, np.int32)
        for line, row in zip(codes, rows, strict=True):
            line[: len(row)] = row
        if self.masked and rng is not None:
            codes[rng.random(codes.shape) < self.masked] = self.codes - 1
        return torch.from_numpy(codes), torch.tensor(lengths)

    def forward(self, codes: Int[Tensor, "B N"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S H"]:
        """The features of each step; the codes of row ``i`` are its first ``lengths[i]``, and unknown in its last step.

        What is beyond that step may be anything.
        """
        places = torch.arange(self.stack, device=codes.device, dtype=codes.dtype) * self.codes
        # Time-major, as the recurrences want it.
        bags = (codes.unflatten(1, (-1, self.stack)) + places).transpose(0, 1)
        embedded = self.embedding(bags.flatten(0, 1)).unflatten(0, bags.shape[:2])
        return self.layers(embedded.transpose(0, 1), self.steps(lengths))[0]
