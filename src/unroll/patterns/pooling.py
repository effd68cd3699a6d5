"""Many steps → one vector, whatever the number of steps."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unroll.layers.contract import find_padding

Kind = Literal["final", "mean", "max", "attention"]


class Pooling(nn.Module):
    """The summaries of a sequence's features that ``kinds`` names, side by side; padding counts for none of them.

    ``final``: what each direction has read when it is done: the last step, for features read backward the first;
    ``mean`` and ``max``: over the steps, of each feature; ``attention``: the mean weighted by how much each step
    resembles a learned vector (Yang et al. 2016, "Hierarchical attention networks for document classification",
    equations 5 to 7).

    Arguments:
        kinds: the summaries.
        inputs: features of a step, ``D``.
        bidirectional: whether the second half of the features was read backward.
    """

    def __init__(self, kinds: Sequence[Kind], inputs: int, bidirectional: bool) -> None:
        super().__init__()
        self.kinds, self.bidirectional = tuple(kinds), bidirectional
        self.outputs = len(kinds) * inputs
        if "attention" in kinds:
            self.resemblance = nn.Sequential(nn.Linear(inputs, inputs), nn.Tanh(), nn.Linear(inputs, 1, bias=False))

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B P"]:
        """The summaries of each row's first ``lengths[i]`` steps, at least one."""
        padding = find_padding(lengths, x.shape[1])[..., None]
        return torch.cat([self._pooled(kind, x, lengths, padding) for kind in self.kinds], dim=1)

    def _pooled(
        self, kind: Kind, x: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"], padding: Bool[Tensor, "B T 1"]
    ) -> Float[Tensor, "B D"]:
        match kind:
            case "final":
                last = x[torch.arange(len(x), device=x.device), lengths - 1]
                half = x.shape[2] // 2
                return torch.cat((last[:, :half], x[:, 0, half:]), dim=1) if self.bidirectional else last
            case "mean":
                return x.masked_fill(padding, 0).sum(1) / lengths[:, None]
            case "max":
                return x.masked_fill(padding, -torch.inf).amax(1)
            case "attention":
                weights = self.resemblance(x).masked_fill(padding, -torch.inf).softmax(1)
                return (weights * x.masked_fill(padding, 0)).sum(1)
