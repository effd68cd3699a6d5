"""Greedy writing: always the most probable code."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unroll.decoding.writing import Allowed, State, Step, Written, write


def greedy(
    step: Step,
    state: State,
    start: Int[Tensor, "B"],
    end: int,
    longest: int | Int[Tensor, "B"],
    allowed: Allowed | None = None,
) -> list[Written]:
    """Writes each row by the most probable code that is allowed, of two alike the one with the smaller number.

    At most ``longest`` codes, an ``end`` among them; see :func:`~unroll.decoding.writing.write`.
    """
    return write(step, state, start, end, longest, _best, allowed)


def _best(log_probs: Float[Tensor, "N V"]) -> Int[Tensor, "N"]:
    return torch.argmax(log_probs, dim=1)
