"""Dropout for recurrent layers: what is dropped stays dropped from the first step of a row to the last."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional


class LockedDropout(nn.Module):
    """Dropout of the same features at every step of a row, in training; each row has its own.

    It is for what goes into layers and comes out of them, as in Gal & Ghahramani 2016, "A theoretically grounded
    application of dropout in recurrent neural networks".

    Arguments:
        share: of the features that are zero; the others grow to make up for it.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        if not (self.training and self.share):
            return x
        return x * functional.dropout(x.new_ones(len(x), 1, x.shape[2]), self.share)


def with_weights_dropped(layers: nn.Module, share: float, *inputs: Any) -> Any:
    """What ``layers`` make of inputs; in training with a ``share`` of the entries of their recurrent matrices zero.

    These are the same at every step of all rows, and the others grow to make up for them: the DropConnect of Merity,
    Keskar & Socher 2018, "Regularizing and optimizing LSTM language models", section 2. The weights themselves stay as
    they are. A linear recurrence has no such matrix.
    """
    if not (layers.training and share):
        return layers(*inputs)
    matrices = {name: weight for name, weight in layers.named_parameters() if name.endswith("weight_hh_l0")}
    dropped = {name: functional.dropout(weight, share) for name, weight in matrices.items()}
    return functional_call(layers, dropped, inputs)
