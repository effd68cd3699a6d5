"""Writing at random, as the model's distribution has it or a sharpened one."""

from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from unroll.decoding.writing import NEVER, Allowed, State, Step, Written, write
from unroll.params import STRICT, Finite, Positive, Whole


@dataclass(frozen=True, config=STRICT)
class Sampling:
    """How a model's distribution is changed before a code is drawn, in this order.

    ``repetition``: the codes that a row has written already lose probability, p to the power of ``repetition`` (1:
    none do; Keskar et al. 2019, "CTRL", section 4.1); ``temperature``: p to the power of 1 / ``temperature``;
    ``top_k``: only the most probable ones (0: all); ``top_p``: of these the fewest that together have at least that
    probability, the nucleus of Holtzman et al. 2020, "The curious case of neural text degeneration" (1: all).
    """

    temperature: Positive
    top_k: Whole
    top_p: Annotated[Finite, Field(gt=0, le=1)]
    repetition: Annotated[Finite, Field(ge=1)]


def sample(
    step: Step,
    state: State,
    start: Int[Tensor, "B"],
    end: int,
    longest: int | Int[Tensor, "B"],
    settings: Sampling,
    generator: torch.Generator,
    allowed: Allowed | None = None,
) -> list[Written]:
    """Writes each row by codes drawn from the adjusted distribution over those that are allowed.

    At most ``longest`` codes, an ``end`` among them; see :func:`~unroll.decoding.writing.write`. Each position takes
    one number of the generator a row, in order, so what a row draws does not depend on what the others wrote.
    """
    return write(step, state, start, end, longest, _Draw(settings, generator), allowed)


def adjusted(
    scores: Float[Tensor, "N V"], settings: Sampling, written: Bool[Tensor, "N V"] | None = None
) -> Float[Tensor, "N V"]:
    """The scores of the distribution that ``settings`` make of the one with these scores; -inf for what is cut off.

    ``written``: the codes that each row has written.
    """
    if written is not None:
        # Powers of probabilities, not quotients of scores, which an added constant would change.
        scores = scores.log_softmax(1)
        scores = scores.where(~written, scores * settings.repetition)
    if settings.temperature != 1:
        # The best score becomes 0 first, so that the smallest temperature cannot make all of them -inf.
        scores = (scores - scores.amax(1, keepdim=True)) / settings.temperature
    if settings.top_k or settings.top_p < 1:
        scores = _cut(scores, settings.top_k or scores.shape[1], settings.top_p)
    return scores


class _Draw:
    """Draws a code for each row, and remembers what a row wrote where that counts."""

    def __init__(self, settings: Sampling, generator: torch.Generator) -> None:
        self.settings, self.generator = settings, generator
        self.written: Bool[Tensor, "N V"] | None = None

    def __call__(self, log_probs: Float[Tensor, "N V"]) -> Int[Tensor, "N"]:
        if self.written is None and self.settings.repetition > 1:
            self.written = torch.zeros_like(log_probs, dtype=torch.bool)
        codes = _drawn(adjusted(log_probs, self.settings, self.written), self.generator)
        if self.written is not None:
            self.written.scatter_(1, codes, True)
        return codes[:, 0]


def _cut(scores: Float[Tensor, "N V"], top_k: int, top_p: float) -> Float[Tensor, "N V"]:
    best, codes = scores.topk(min(top_k, scores.shape[1]), dim=1)
    if top_p < 1:
        probabilities = best.softmax(1)
        before = probabilities.cumsum(1) - probabilities  # of all that are more probable; 0 for the first, which stays
        best = best.masked_fill(before >= top_p, NEVER)
    return torch.full_like(scores, NEVER).scatter_(1, codes, best)


def _drawn(scores: Float[Tensor, "N V"], generator: torch.Generator) -> Int[Tensor, "N 1"]:
    """A code of each row, where its distribution function passes a uniform number."""
    reached = scores.softmax(1, dtype=torch.float64).cumsum(1)
    uniform = torch.rand((len(scores), 1), generator=generator, dtype=torch.float64, device=generator.device)
    return torch.searchsorted(reached, uniform.to(scores.device) * reached[:, -1:], right=True)
