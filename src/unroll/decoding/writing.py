"""What every way of writing shares: a model asked for the next code, again and again.

A model writes through a :data:`Step`, a function of the last code of each row and the :data:`State` that the codes
before it left; so each code costs one step of the network, whatever stands before it. The other modules only differ in
which code they choose: :mod:`~unroll.decoding.greedy`, :mod:`~unroll.decoding.sampling`, :mod:`~unroll.decoding.beam`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

NEVER = -torch.inf

State = Any
"""A nest of tuples and NamedTuples of tensors whose first dimension is the row, of ints and of None."""

Step = Callable[[Int[Tensor, "N"], State], tuple[Float[Tensor, "N V"], State]]
"""The last code of each row and the state → the score of each next code, an unnormalised log-probability, and the
new state. The ``V`` codes include the end where there is one."""

Allowed = Callable[[int], Bool[Tensor, "V"] | None]
"""Which codes may be written at the position 0, 1, ...; None: all of them."""

Choose = Callable[[Float[Tensor, "N V"]], Int[Tensor, "N"]]
"""The log-probabilities of the next codes, -inf where one is forbidden → the one that each row writes."""


class Written(NamedTuple):
    """What a model wrote in one row.

    ``codes``: without start and end; ``log_prob``: natural logarithm, by the model's own distribution, that of the end
    included where it wrote one; ``ended``: whether it did, or was cut off.
    """

    codes: list[int]
    log_prob: float
    ended: bool


@torch.inference_mode()
def write(
    step: Step,
    state: State,
    start: Int[Tensor, "B"],
    end: int,
    longest: int | Int[Tensor, "B"],
    choose: Choose,
    allowed: Allowed | None = None,
) -> list[Written]:
    """Writes each row code by code, from ``start``, until it chooses ``end`` or has written ``longest`` codes.

    An end counts as a code written; ``end`` -1 never comes. ``step`` and ``choose`` are always called for all rows:
    those that are done read ``start`` again, and what they write is dropped. Raises ValueError where nothing is
    allowed.
    """
    most = limits(longest, start)
    code, going = start, most > 0
    codes, told = [], []
    for position in range(max(most.tolist(), default=0)):
        scores, state = step(code, state)
        log_probs = scores.log_softmax(1)
        code = choose(permitted(log_probs, allowed, position))
        codes.append(code)
        told.append(log_probs.gather(1, code[:, None]))
        going = going & (code != end) & (most > position + 1)
        if not going.any():
            break
        code = code.where(going, start)
    if not codes:
        return [Written([], 0.0, False) for _ in start]
    rows = zip(torch.stack(codes, 1).tolist(), torch.cat(told, 1).tolist(), most.tolist(), strict=True)
    return [_cut(row[:length], log_probs[:length], end) for row, log_probs, length in rows]


def limits(longest: int | Int[Tensor, "B"], start: Int[Tensor, "B"]) -> Int[Tensor, "B"]:
    """The most codes of each row, from one number for all or one for each."""
    return torch.full_like(start, longest) if isinstance(longest, int) else longest.to(start.device)


def permitted(scores: Float[Tensor, "N V"], allowed: Allowed | None, position: int) -> Float[Tensor, "N V"]:
    """The scores with -inf for codes that are forbidden at ``position``; ValueError where all are."""
    codes = allowed(position) if allowed else None
    if codes is None:
        return scores
    if not codes.any():
        raise ValueError(f"no code is allowed at position {position}")
    return scores.masked_fill(~codes, NEVER)


def select(state: State, rows: Int[Tensor, "M"]) -> State:
    """The state of the given rows, in their order; a row may be given several times or not at all.

    Raises TypeError when there is something in the nest that cannot be a part of a state.
    """
    if isinstance(state, Tensor):
        return state.index_select(0, rows)
    if isinstance(state, tuple):
        parts = [select(part, rows) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    if state is None or isinstance(state, int):
        return state
    raise TypeError(f"a state is made of tuples, tensors, ints and None, not of {type(state).__name__}")


def _cut(codes: list[int], log_probs: list[float], end: int) -> Written:
    """What was written up to the end, if there is one."""
    if end not in codes:
        return Written(codes, sum(log_probs), False)
    stop = codes.index(end)
    return Written(codes[:stop], sum(log_probs[: stop + 1]), True)
