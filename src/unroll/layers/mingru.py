"""The minimal gated recurrent unit: a recurrence that is linear in its state."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu

from unroll.layers.contract import Hidden, Layer, last
from unroll.layers.recurrence import linear_recurrence


class MinGru(Layer[Hidden]):
    """The minGRU of Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.1::

        z  = sigmoid(W_z x + b_z)                       update
        n  = W_n x + b_n                                candidate
        h' = (1 - z) * h + z * n

    Gate and candidate do not depend on the state, so all steps share one matrix product.
    Weights start uniform with the variance of Glorot and Bengio 2010; biases are zero.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.project = nn.Linear(inputs, 2 * hidden)
        for gate in self.project.weight.split(hidden):
            nn.init.xavier_uniform_(gate)
        nn.init.zeros_(self.project.bias)

    def step(self, x: Float[Tensor, "B D"], state: Hidden) -> tuple[Float[Tensor, "B H"], Hidden]:
        z, n = self.project(x).chunk(2, dim=1)
        h = torch.lerp(state.h, n, torch.sigmoid(z))
        return h, Hidden(h)

    def init_state(self, batch: int) -> Hidden:
        return Hidden(self.project.weight.new_zeros(batch, self.outputs))

    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: Hidden
    ) -> tuple[Float[Tensor, "B T H"], Hidden]:
        z, n = self.project(x.transpose(0, 1)).chunk(2, dim=2)
        z = torch.sigmoid(z)
        y = linear_recurrence(1 - z, z * n, state.h).transpose(0, 1)
        return y, Hidden(last(y, lengths, state.h))


class MinGruBlock(MinGru):
    """A minGRU whose output is normalised and gated: ``y = RMSNorm(h) * GELU(W_y x + b_y)``.

    A minGRU is linear in its candidates, so levels of it need a nonlinearity to be worth stacking. This is the
    gated branch of De et al. 2024, "Griffin" (arXiv 2402.19427), section 2.3, without its convolution and its last
    projection. Zeros stay zeros, so padding needs no mask of its own.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.norm = nn.RMSNorm(hidden)
        self.gate = nn.Linear(inputs, hidden)
        nn.init.xavier_uniform_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def step(self, x: Float[Tensor, "B D"], state: Hidden) -> tuple[Float[Tensor, "B H"], Hidden]:
        h, state = super().step(x, state)
        return self.norm(h) * gelu(self.gate(x)), state

    def _scan(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"] | None, state: Hidden
    ) -> tuple[Float[Tensor, "B T H"], Hidden]:
        h, state = super()._scan(x, lengths, state)
        return self.norm(h) * gelu(self.gate(x)), state
