"""The vanilla recurrent network."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import linear

from unroll.layers.contract import Hidden, Layer, last
from unroll.layers.initialise import initialise


class Rnn(Layer[Hidden]):
    """The network of Elman 1990, "Finding structure in time": ``h' = tanh(W x + U h + b)``.

    The weights are those of ``torch.nn.RNN``, in ``kernel``, started by :func:`initialise`.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.kernel = nn.RNN(inputs, hidden)
        initialise(self.kernel)

    def step(self, x: Float[Tensor, "B D"], state: Hidden) -> tuple[Float[Tensor, "B H"], Hidden]:
        k = self.kernel
        h = torch.tanh(linear(x, k.weight_ih_l0, k.bias_ih_l0) + linear(state.h, k.weight_hh_l0, k.bias_hh_l0))
        return h, Hidden(h)

    def init_state(self, batch: int) -> Hidden:
        return Hidden(self.kernel.weight_hh_l0.new_zeros(batch, self.outputs))

    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: Hidden
    ) -> tuple[Float[Tensor, "B T H"], Hidden]:
        y = self.kernel(x.transpose(0, 1), state.h[None])[0].transpose(0, 1)
        return y, Hidden(last(y, lengths, state.h))
