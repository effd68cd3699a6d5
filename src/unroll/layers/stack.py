"""Recurrent layers on top of each other, in one direction or in both."""

from typing import NoReturn

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unroll.layers.contract import Layer, find_padding
from unroll.layers.dropout import LockedDropout
from unroll.layers.gru import Gru
from unroll.layers.lstm import Lstm
from unroll.layers.mingru import MinGruBlock
from unroll.layers.reverse import reverse
from unroll.layers.rnn import Rnn
from unroll.params import Recurrent

LAYERS = {"rnn": Rnn, "lstm": Lstm, "gru": Gru, "mingru": MinGruBlock}


class Bidirectional(nn.Module):
    """One layer that reads forward in time and one that reads backward, their outputs side by side.

    An output depends on the steps after it, so there is no state to go on from: the contract's ``step``,
    ``init_state`` and a state passed to ``forward`` are refused, and the state returned is empty.
    """

    def __init__(self, ahead: Layer, back: Layer) -> None:
        super().__init__()
        self.ahead = ahead
        self.back = back
        self.outputs = ahead.outputs + back.outputs

    def forward(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"], state: tuple[()] | None = None
    ) -> tuple[Float[Tensor, "B T H"], tuple[()]]:
        """The outputs of every step: first the features read forward, then those read backward."""
        if state is not None:
            _refuse()
        ahead, _ = self.ahead(x, lengths)
        back, _ = self.back(reverse(x, lengths), lengths)
        return torch.cat((ahead, reverse(back, lengths)), dim=2), ()

    def step(self, x: Float[Tensor, "B D"], state: tuple[()]) -> NoReturn:
        _refuse()

    def init_state(self, batch: int) -> NoReturn:
        _refuse()


class Stack(nn.Module):
    """Levels of recurrent layers with dropout between them, under the contract of ``unroll.layers.contract``.

    Without levels it is the identity, which shows what the recurrence is worth.

    Its state is the tuple of its levels' states; if it is bidirectional it has none, see :class:`Bidirectional`.

    Arguments:
        params: which layer, how wide, how many, in one direction or both, and how much dropout.
        inputs: features of a step of the input, ``D``.
        locked: share of the features of each level's input that are dropped at all steps of a row alike.
    """

    def __init__(self, params: Recurrent, inputs: int, locked: float = 0.0) -> None:
        super().__init__()
        layer = LAYERS[params.layer]
        self.levels = nn.ModuleList()
        self.dropout = nn.Dropout(params.dropout)
        self.locked = LockedDropout(locked)
        self.outputs = inputs
        for _ in range(params.layers):
            sizes = (self.outputs, params.hidden)
            level = Bidirectional(layer(*sizes), layer(*sizes)) if params.bidirectional else layer(*sizes)
            self.levels.append(level)
            self.outputs = level.outputs

    def forward(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"], state: tuple | None = None
    ) -> tuple[Float[Tensor, "B T H"], tuple]:
        """The outputs of the last level at every step, and every level's state after each row's last step."""
        if not self.levels:
            return x.masked_fill(find_padding(lengths, x.shape[1])[..., None], 0), ()
        after = []
        before = [None] * len(self.levels) if state is None else state
        for depth, (level, level_state) in enumerate(zip(self.levels, before, strict=True)):
            x = self.dropout(x) if depth else x
            x, level_state = level(self.locked(x), lengths, level_state)
            after.append(level_state)
        return x, tuple(after)

    def step(self, x: Float[Tensor, "B D"], state: tuple) -> tuple[Float[Tensor, "B H"], tuple]:
        """One step of every row through all levels: its output and the state after it."""
        after = []
        for depth, (level, level_state) in enumerate(zip(self.levels, state, strict=True)):
            x = self.dropout(x) if depth else x
            x, level_state = level.step(x, level_state)
            after.append(level_state)
        return x, tuple(after)

    def init_state(self, batch: int) -> tuple:
        """Every level's state before the first step of ``batch`` sequences."""
        return tuple(level.init_state(batch) for level in self.levels)


def _refuse() -> NoReturn:
    raise ValueError("a bidirectional layer has no state to stream from: give it whole sequences, or use one direction")
