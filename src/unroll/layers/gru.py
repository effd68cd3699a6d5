"""The gated recurrent unit."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import linear

from unroll.layers.contract import Hidden, Layer, last
from unroll.layers.initialise import initialise


class Gru(Layer[Hidden]):
    """The gated recurrent unit of Cho et al. 2014, "Learning phrase representations using RNN encoder–decoder".

    As in cuDNN and torch, the reset gate acts after the recurrent product, so that all three are one::

        r  = sigmoid(W_r x + U_r h + b_r)               reset
        z  = sigmoid(W_z x + U_z h + b_z)               update
        n  = tanh(W_n x + b_n + r * (U_n h + c_n))      candidate
        h' = (1 - z) * n + z * h

    The weights are those of ``torch.nn.GRU``, in ``kernel``, started by :func:`initialise`.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.kernel = nn.GRU(inputs, hidden)
        initialise(self.kernel)

    def step(self, x: Float[Tensor, "B D"], state: Hidden) -> tuple[Float[Tensor, "B H"], Hidden]:
        k = self.kernel
        gates = (2 * self.outputs, self.outputs)
        x_rz, x_n = linear(x, k.weight_ih_l0, k.bias_ih_l0).split(gates, dim=1)
        h_rz, h_n = linear(state.h, k.weight_hh_l0, k.bias_hh_l0).split(gates, dim=1)
        r, z = torch.sigmoid(x_rz + h_rz).chunk(2, dim=1)
        n = torch.tanh(x_n + r * h_n)
        h = torch.lerp(n, state.h, z)
        return h, Hidden(h)

    def init_state(self, batch: int) -> Hidden:
        return Hidden(self.kernel.weight_hh_l0.new_zeros(batch, self.outputs))

    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: Hidden
    ) -> tuple[Float[Tensor, "B T H"], Hidden]:
        y = self.kernel(x.transpose(0, 1), state.h[None])[0].transpose(0, 1)
        return y, Hidden(last(y, lengths, state.h))
