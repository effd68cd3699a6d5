"""Beam search: the most probable sequences of codes, for all sentences of a batch at once.

The *beam* holds the ``W`` best open hypotheses of each of ``B`` sentences. A step makes candidates of each, one code
longer. Ends among the ``W`` best candidates of a sentence finish hypotheses; its ``W`` best other ones stay open.
Hypotheses of different lengths are compared by their log-probability over the length penalty of Wu et al. 2016,
"Google's neural machine translation system", section 7: ((5 + n) / 6) ** alpha for ``n`` codes, the end included.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from pydantic.dataclasses import dataclass
from torch import Tensor

from unroll.decoding.writing import NEVER, Allowed, State, Step, Written, limits, permitted, select
from unroll.params import STRICT, Count, NotNegative


@dataclass(frozen=True, config=STRICT)
class Beam:
    """``width``: open hypotheses of a sentence; ``length_penalty``: the exponent alpha, 0 for none."""

    width: Count
    length_penalty: NotNegative

    def penalty(self, length: int | Tensor) -> float | Tensor:
        """What the log-probability of ``length`` codes, the end included, is divided by."""
        return ((5 + length) / 6) ** self.length_penalty


class _Hypotheses(NamedTuple):
    """``M`` hypotheses of each sentence that are one code longer than those of the beam before."""

    log_prob: Float[Tensor, "B M"]  # -inf where there is none
    origin: Int[Tensor, "B M"]  # the place in the beam before
    code: Int[Tensor, "B M"]

    def best(self, count: int) -> "_Hypotheses":
        """The ``count`` most probable ones of each sentence, in order."""
        chosen = self.log_prob.topk(count, dim=1).indices
        return _Hypotheses(*(part.gather(1, chosen) for part in self))

    def without(self, which: Bool[Tensor, "B M"]) -> "_Hypotheses":
        """Only those that ``which`` does not name."""
        return self._replace(log_prob=self.log_prob.masked_fill(which, NEVER))


class _Finished(NamedTuple):
    """The ``K`` best hypotheses of each sentence that have ended, in order."""

    score: Float[Tensor, "B K"]  # -inf where there is none
    log_prob: Float[Tensor, "B K"]  # -inf where there is none
    length: Int[Tensor, "B K"]  # without the end
    place: Int[Tensor, "B K"]  # in the beam of hypotheses of that length

    def joined(self, ended: _Hypotheses, length: int, penalty: float) -> "_Finished":
        """The best of these and of those that end after ``length`` codes."""
        new = (ended.log_prob / penalty, ended.log_prob, torch.full_like(ended.origin, length), ended.origin)
        both = [torch.cat(parts, dim=1) for parts in zip(self, new, strict=True)]
        chosen = both[0].topk(self.score.shape[1], dim=1).indices
        return _Finished(*(part.gather(1, chosen) for part in both))


@torch.inference_mode()
def beam_search(
    step: Step,
    state: State,
    start: Int[Tensor, "B"],
    end: int,
    longest: int | Int[Tensor, "B"],
    settings: Beam,
    n_best: int = 1,
    allowed: Allowed | None = None,
) -> list[list[Written]]:
    """Up to ``n_best`` sequences for each sentence, best first; the best of all if the beam is wide enough.

    A sequence has at most ``longest`` codes, an ``end`` among them (-1: there is none); those cut off there come after
    all that ended. A sentence is done when none of its open hypotheses can beat the last of its ``n_best`` finished
    ones any more, however it goes on. ``step`` is always called with ``B * width`` rows, those of a sentence side by
    side; ``state`` has ``B`` rows. Raises ValueError where nothing is allowed.
    """
    width, most = settings.width, limits(longest, start)[:, None]
    begin = start[:, None].expand(-1, width)
    rows = torch.arange(begin.numel(), device=start.device).view_as(begin)  # of each sentence, in `step` and `state`
    state, code = select(state, (rows // width).flatten()), begin
    empty = torch.zeros_like(rows, dtype=torch.float64).masked_fill(rows % width > 0, NEVER)  # one for each sentence
    cut, log_prob = empty.masked_fill(most > 0, NEVER), empty.masked_fill(most == 0, NEVER)
    finished, beams = _none(empty, n_best), []
    last_penalty = settings.penalty(most.double())
    while (log_prob > NEVER).any():
        length = len(beams)
        scores, state = step(code.flatten(), state)
        longer = _longer(log_prob, permitted(scores.log_softmax(1), allowed, length))
        best, beam = longer.best(width), longer.without(longer.code == end).best(width)
        finished = finished.joined(best.without(best.code != end), length, settings.penalty(length + 1))
        beams.append(beam)
        full = most == length + 1
        cut = beam.log_prob.where(full, cut)
        # A log-probability only falls from here, and nothing is divided by more than at the last length.
        hopeless = beam.log_prob[:, :1] / last_penalty <= finished.score[:, -1:]
        log_prob = beam.log_prob.masked_fill(full | hopeless, NEVER)
        code = beam.code.where(log_prob > NEVER, begin)  # any code that `step` can read where nothing is open
        state = select(state, (rows[:, :1] + beam.origin).flatten())
    return _written(beams, finished, cut, most)


def _none(like: Float[Tensor, "B W"], count: int) -> _Finished:
    never = like.new_full((len(like), count), NEVER)
    zeros = torch.zeros_like(never, dtype=torch.int64)
    return _Finished(never, never, zeros, zeros)


def _longer(log_prob: Float[Tensor, "B W"], codes: Float[Tensor, "B*W V"]) -> _Hypotheses:
    """What each hypothesis becomes by its best codes: a whole beam, and one more because one of them may be the end."""
    width = log_prob.shape[1]
    told, code = codes.topk(min(width + 1, codes.shape[1]), dim=1)
    longer = (log_prob.flatten()[:, None] + told).view(len(log_prob), -1)
    place = torch.arange(width, device=code.device).repeat_interleave(code.shape[1])
    return _Hypotheses(longer, place.expand_as(longer), code.view_as(longer))


def _written(
    beams: list[_Hypotheses], finished: _Finished, cut: Float[Tensor, "B W"], most: Int[Tensor, "B 1"]
) -> list[list[Written]]:
    """The finished hypotheses and, where they are too few, those cut off, followed back through the beams."""
    count = finished.score.shape[1]
    lengths = torch.cat((finished.length, most.expand_as(cut)), dim=1)
    place = torch.cat((finished.place, torch.arange(cut.shape[1], device=cut.device).expand_as(cut)), dim=1)
    codes = []
    for length in range(len(beams), 0, -1):
        origin, code = (part.gather(1, place) for part in beams[length - 1][1:])
        codes.append(code)
        place = origin.where(lengths >= length, place)  # a shorter one waits where it left the beam
    log_probs = torch.cat((finished.log_prob, cut), dim=1).tolist()
    paths = torch.stack(codes[::-1], dim=2) if codes else place.new_zeros((*place.shape, 0))
    return [
        [
            Written(path[:length], log_prob, number < count)
            for number, (path, log_prob, length) in enumerate(zip(*sentence, strict=True))
            if log_prob > NEVER
        ][:count]
        for sentence in zip(paths.tolist(), log_probs, lengths.tolist(), strict=True)
    ]
