"""Reading the output of a network trained with connectionist temporal classification (CTC).

Such a network gives, for each frame, a distribution over ``V`` symbols of which number 0 is the *blank*. A path of
one symbol per frame means the string that is left when repeats are merged and then blanks removed; the
probability of a string is the sum over its paths (Graves et al. 2006, "Connectionist temporal classification").
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchaudio.functional import forced_align, merge_tokens

from unroll.decoding.ctc_beam import BLANK, Hypothesis, beam_search

__all__ = ["BLANK", "Hypothesis", "Span", "align", "beam_search", "greedy"]


class Span(NamedTuple):
    """The frames ``start ... stop - 1`` of one symbol, and its mean probability over them."""

    start: int
    stop: int
    confidence: float


def greedy(log_probs: Float[Tensor, "B T V"], lengths: Int[Tensor, "B"]) -> list[list[int]]:
    """The string of each row's most probable path: best path decoding (Graves et al. 2006, section 3.2).

    Frames from ``lengths`` on are padding.
    """
    best = log_probs.argmax(-1)
    fresh = best.diff(dim=1, prepend=best.new_full((len(best), 1), BLANK)) != 0
    inside = torch.arange(best.shape[1], device=best.device) < lengths.to(best.device)[:, None]
    keep = fresh & inside & (best != BLANK)
    return [row[kept].tolist() for row, kept in zip(best, keep, strict=True)]


def align(log_probs: Float[Tensor, "T V"], symbols: Sequence[int]) -> list[Span]:
    """Where each of ``symbols`` lies on the most probable path that means them: Viterbi forced alignment.

    Spans are in order and disjoint; frames between them are blank. A trained network often spikes, so a span
    tells well where a symbol is and less well how long it lasts. Raises ValueError when the frames are too few:
    each symbol needs one, and one more where it repeats its neighbour.
    """
    if not symbols:
        return []
    targets = torch.as_tensor(symbols, device=log_probs.device)
    needed = len(symbols) + int((targets.diff() == 0).sum())
    if needed > len(log_probs):
        raise ValueError(f"{len(symbols)} symbols need at least {needed} frames, there are {len(log_probs)}")
    paths, scores = forced_align(log_probs[None], targets[None], blank=BLANK)
    return [Span(s.start, s.end, s.score) for s in merge_tokens(paths[0], scores[0].exp(), blank=BLANK)]
