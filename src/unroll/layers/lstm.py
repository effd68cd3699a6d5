"""Long short-term memory."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import linear

from unroll.layers.contract import Layer, find_padding, last
from unroll.layers.initialise import initialise

SATURATED = 1e4
"""A gate's input at which its sigmoid is exactly 0 or 1, in half precision too."""


class LstmState(NamedTuple):
    """The state of an LSTM: its output and its memory cell."""

    h: Float[Tensor, "B H"]
    c: Float[Tensor, "B H"]


class Lstm(Layer[LstmState]):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with the forget gate of Gers et al. 2000::

        i  = sigmoid(W_i x + U_i h + b_i)               input
        f  = sigmoid(W_f x + U_f h + b_f)               forget
        g  = tanh(W_g x + U_g h + b_g)                  candidate
        o  = sigmoid(W_o x + U_o h + b_o)               output
        c' = f * c + i * g
        h' = o * tanh(c')

    The weights are those of ``torch.nn.LSTM``, in ``kernel``, started by :func:`initialise`; the forget gate's bias
    starts at 1, so that a young network remembers (Jozefowicz, Zaremba and Sutskever 2015, "An empirical exploration
    of recurrent network architectures").
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.kernel = nn.LSTM(inputs, hidden)
        initialise(self.kernel)
        nn.init.ones_(self.kernel.bias_ih_l0.detach().chunk(4)[1])

    def step(self, x: Float[Tensor, "B D"], state: LstmState) -> tuple[Float[Tensor, "B H"], LstmState]:
        k = self.kernel
        gates = linear(x, k.weight_ih_l0, k.bias_ih_l0) + linear(state.h, k.weight_hh_l0, k.bias_hh_l0)
        i, f, g, o = gates.chunk(4, dim=1)
        c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, LstmState(h, c)

    def init_state(self, batch: int) -> LstmState:
        zeros = self.kernel.weight_hh_l0.new_zeros(batch, self.outputs)
        return LstmState(zeros, zeros)

    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: LstmState
    ) -> tuple[Float[Tensor, "B T H"], LstmState]:
        k = self.kernel
        weights = (k.weight_ih_l0, k.weight_hh_l0, k.bias_ih_l0, k.bias_hh_l0)
        if lengths is not None:
            x, weights = self._carrying(x, lengths, weights)
        # nn.LSTM.forward without its check of the input's width.
        before = (state.h[None], state.c[None])
        y, _, c = torch.lstm(x.transpose(0, 1), before, weights, True, 1, 0.0, self.training, False, False)
        y = y.transpose(0, 1)
        return y, LstmState(last(y, lengths, state.h), c[0])

    def _carrying(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"], weights: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "B T D+1"], tuple[Tensor, ...]]:
        """The input and weights with one more feature that keeps the cell as it is through padding.

        The kernel gives the outputs of all steps, but the cell of the last one only. So the cell has to survive
        the padding: a feature that is 1 there shuts the input gate and opens the forget gate, both exactly.
        """
        gates = x.new_tensor([-SATURATED, SATURATED, 0, 0]).repeat_interleave(self.outputs)
        padding = find_padding(lengths, x.shape[1])[..., None].to(x.dtype)
        return torch.cat((x, padding), dim=2), (torch.cat((weights[0], gates[:, None]), dim=1), *weights[1:])
