"""The last layer of a forecaster: ``P`` numbers for each of ``H`` steps of ``N`` forecasts stand for a distribution."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import stdtrit
from torch import Tensor, nn
from torch.distributions import StudentT
from torch.nn.functional import softplus

NARROWEST = 1e-3  # scale of a Student's t, in deviations of the series


class QuantileHead(nn.Module):
    """A number for each of the quantile ``levels``, fitted by their pinball losses (Koenker & Bassett 1978)."""

    def __init__(self, levels: Sequence[float]) -> None:
        super().__init__()
        self.outputs = len(levels)
        self.register_buffer("levels", torch.tensor(levels), persistent=False)

    def losses(self, raw: Float[Tensor, "N H P"], targets: Float[Tensor, "N H"]) -> Float[Tensor, "N H"]:
        """The pinball losses, summed over the levels."""
        error = targets[..., None] - raw
        return torch.maximum(self.levels * error, (self.levels - 1) * error).sum(-1)

    def quantiles(self, raw: Float[Tensor, "N H P"]) -> Float[np.ndarray, "N H Q"]:
        """The numbers in order: sorting crossed quantiles only brings them nearer (Chernozhukov et al. 2010)."""
        return np.sort(raw.double().cpu().numpy(), axis=-1)


class StudentHead(nn.Module):
    """Location, scale and degrees of freedom (more than 2) of a Student's t, fitted by its likelihood.

    As in Salinas et al. 2020, "DeepAR", section 3.1, with heavier tails than a Gaussian has.
    """

    outputs = 3

    def __init__(self, levels: Sequence[float]) -> None:
        super().__init__()
        self.levels = np.array(levels)

    def losses(self, raw: Float[Tensor, "N H P"], targets: Float[Tensor, "N H"]) -> Float[Tensor, "N H"]:
        """Negative log-likelihoods, in nats."""
        location, scale, freedom = _student(raw)
        return -StudentT(freedom, location, scale, validate_args=False).log_prob(targets)

    def quantiles(self, raw: Float[Tensor, "N H P"]) -> Float[np.ndarray, "N H Q"]:
        """The distribution's quantiles at the levels."""
        location, scale, freedom = (part.cpu().numpy()[..., None] for part in _student(raw.double()))
        return location + scale * stdtrit(freedom, self.levels)


def _student(raw: Float[Tensor, "N H P"]) -> tuple[Float[Tensor, "N H"], ...]:
    location, scale, freedom = raw.unbind(-1)
    return location, NARROWEST + softplus(scale), 2 + softplus(freedom)


HEADS = {"quantile": QuantileHead, "student_t": StudentHead}
