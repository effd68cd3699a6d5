"""The one contract of every recurrent layer, and what padding means under it."""

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Hidden(NamedTuple):
    """The state of a layer whose output is all it remembers."""

    h: Float[Tensor, "B H"]


State = TypeVar("State", bound=tuple)


class Layer(nn.Module, ABC, Generic[State]):
    """A recurrent layer that reads forward in time, over whole sequences, chunks of them or single steps.

    The steps of row ``i`` of a batch are its first ``lengths[i]``; the rest is padding, and it may hold anything.
    Padding changes no output, no state and no gradient; the output there is zero. The returned state is each
    row's state after its own last step, so a row of length 0 keeps the state that it came with. Feeding a
    sequence in chunks, or step by step, and passing the state along gives what the whole sequence gives.

    Outputs lie time-major in memory (a transposed view), which is how the recurrences want their inputs.

    Arguments:
        inputs: features of a step of the input, ``D``.
        hidden: features of the state and of a step of the output, ``H``.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.outputs = hidden

    def forward(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"], state: State | None = None
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """The outputs of every step, and the state after each row's last step.

        Arguments:
            x: a padded batch of sequences.
            lengths: how many steps of each row are real, 0 to T.
            state: what to go on from; ``None`` is ``init_state``.
        """
        state = self.init_state(len(x)) if state is None else state
        padding = find_padding(lengths, x.shape[1])
        if not padding.any():
            return self._scan(x, None, state)
        padding = padding[..., None]
        y, state = self._scan(x.masked_fill(padding, 0), lengths, state)
        return y.masked_fill(padding, 0), state

    @abstractmethod
    def step(self, x: Float[Tensor, "B D"], state: State) -> tuple[Float[Tensor, "B H"], State]:
        """One step of every row: its output and the state after it."""

    @abstractmethod
    def init_state(self, batch: int) -> State:
        """The state before the first step of ``batch`` sequences."""

    @abstractmethod
    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: State
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """What ``forward`` does, told by ``None`` that nothing is padding, or else given zeros there.

        Outputs of padded steps may be anything finite.
        """


def find_padding(lengths: Int[Tensor, "B"], steps: int) -> Bool[Tensor, "B T"]:
    """True on the padded steps of a batch of rows padded to ``steps``."""
    return torch.arange(steps, device=lengths.device) >= lengths[:, None]


def last(
    y: Float[Tensor, "B T H"], lengths: Int[Tensor, "B"] | None, before: Float[Tensor, "B H"]
) -> Float[Tensor, "B H"]:
    """Each row of ``y`` at its last real step (``None``: at the last of all); ``before`` where a row has none."""
    if lengths is None:
        return y[:, -1]
    rows = torch.arange(len(y), device=y.device)
    return torch.where(lengths[:, None] > 0, y[rows, (lengths - 1).clamp(min=0)], before)
