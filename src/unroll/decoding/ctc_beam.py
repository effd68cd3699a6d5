"""Prefix beam search for CTC, with a language model: whole batches at once, a loop over time alone.

Graves (2012), "Supervised Sequence Labelling with Recurrent Neural Networks", section 7.5; the language model as
in Hannun et al. (2014), arXiv:1408.2873, but over symbols. A beam holds the ``W`` best strings (*prefixes*) of
each row, each with the summed probability of all its paths, kept apart by whether they end in a blank. One frame
turns a prefix into ``V`` candidates: number 0 is the prefix as it was, the others add a symbol. Where a candidate
equals a prefix that is in the beam already, the two become one. With a beam that holds every prefix, scores are
exact.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unroll.decoding.ngram import NGram

BLANK = 0
NEVER = float("-inf")


class Hypothesis(NamedTuple):
    """A string and its score: log p(string | input) + weight · log p_LM(string) + bonus · number of symbols."""

    symbols: tuple[int, ...]
    score: float


class _Beam(NamedTuple):
    """The best prefixes of every row. Places without a prefix have probability zero."""

    blank: Float[Tensor, "B W"]  # log probability of the paths that end in a blank
    symbol: Float[Tensor, "B W"]  # and of those that end in the prefix's last symbol
    gain: Float[Tensor, "B W"]  # what language model and bonus add to the score
    last: Int[Tensor, "B W"]  # the last symbol; 0 for the empty prefix
    state: Int[Tensor, "B W"]  # of the language model
    name: Int[Tensor, "B W"]  # a 64-bit hash of the prefix
    parent: Int[Tensor, "B W"]  # and of the prefix without its last symbol

    @property
    def total(self) -> Float[Tensor, "B W"]:
        return torch.logaddexp(self.blank, self.symbol)


class _Step(NamedTuple):
    """Where the prefixes after a frame come from: the place in the beam before it and the symbol added, or 0."""

    origin: Int[Tensor, "B W"]
    added: Int[Tensor, "B W"]


class _Fusion(NamedTuple):
    """What adding a symbol, and the end, is worth beside the network's own opinion (shallow fusion)."""

    model: NGram
    weight: float
    bonus: float

    def symbols(self, state: Int[Tensor, "B W"]) -> Float[Tensor, "B W V"]:
        return self.weight * self.model.log_prob[state][:, :, :-1] + self.bonus

    def end(self, state: Int[Tensor, "B W"]) -> Float[Tensor, "B W"]:
        return self.weight * self.model.log_prob[state, -1]


def beam_search(
    log_probs: Float[Tensor, "B T V"],
    lengths: Int[Tensor, "B"],
    width: int,
    language_model: NGram | None = None,
    weight: float = 0.0,
    bonus: float = 0.0,
) -> list[list[Hypothesis]]:
    """The up to ``width`` most probable strings of each row, best first.

    ``language_model`` numbers symbols as ``log_probs`` does (number 0, the blank, is never asked for); ``weight``
    scales its log probabilities, those of the end included, and ``bonus`` is added for each symbol, against the
    model's liking for short strings. Frames from ``lengths`` on are padding. Raises ValueError when the language
    model has another number of symbols.
    """
    model = language_model or _indifferent(log_probs)
    if model.size != log_probs.shape[2]:
        raise ValueError(f"the language model knows {model.size} symbols, the network {log_probs.shape[2]}")
    fusion = _Fusion(model.to(log_probs.device), weight, bonus)
    beam = _empty(log_probs, width, model.start)
    steps = []
    for frame in _certain_after(log_probs, lengths).unbind(1):
        beam, step = _advance(beam, frame, fusion)
        steps.append(step)
    scores, order = (beam.total + beam.gain + fusion.end(beam.state)).sort(dim=1, descending=True)
    return _hypotheses(_traced(steps, order), scores)


def _indifferent(like: Float[Tensor, "B T V"]) -> NGram:
    """No language model: one state, in which everything is worth nothing."""
    symbols = like.shape[2]
    return NGram(torch.zeros(1, symbols, dtype=torch.int32), torch.zeros(1, symbols + 1), start=0)


def _empty(like: Float[Tensor, "B T V"], width: int, state: int) -> _Beam:
    """Every row's beam before the first frame: the empty prefix, which ends in a blank."""
    none = like.new_full((like.shape[0], width), NEVER)
    blank = none.clone()
    blank[:, 0] = 0.0
    zeros = torch.zeros_like(none, dtype=torch.long)
    return _Beam(
        blank=blank,
        symbol=none,
        gain=torch.zeros_like(none),
        last=zeros,
        state=zeros + state,
        name=zeros + 1,
        parent=zeros,
    )


def _certain_after(log_probs: Float[Tensor, "B T V"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B T V"]:
    """The frames up to the longest row's end, with blanks of probability one for padding: they change nothing."""
    steps = int(lengths.max())
    blank = log_probs.new_full((log_probs.shape[2],), NEVER)
    blank[BLANK] = 0.0
    inside = torch.arange(steps, device=log_probs.device) < lengths.to(log_probs.device)[:, None]
    return torch.where(inside[:, :, None], log_probs[:, :steps], blank)


def _advance(beam: _Beam, frame: Float[Tensor, "B V"], fusion: _Fusion) -> tuple[_Beam, _Step]:
    """The beam after one more frame: the best of all prefixes as they were and with one more symbol."""
    same, longer = _extended(beam, frame)
    gain = beam.gain[:, :, None] + fusion.symbols(beam.state)
    scores = longer + gain
    scores[:, :, BLANK] = same.total + beam.gain
    chosen = scores.flatten(1).topk(beam.last.shape[1], dim=1).indices
    step = _Step(origin=chosen // frame.shape[1], added=chosen % frame.shape[1])
    longer, gain = longer.flatten(1).gather(1, chosen), gain.flatten(1).gather(1, chosen)
    return _followed(same, step, longer, gain, fusion.model), step


def _extended(beam: _Beam, frame: Float[Tensor, "B V"]) -> tuple[_Beam, Float[Tensor, "B W V"]]:
    """The beam's prefixes after the frame, and the log probabilities of those that it makes longer by a symbol.

    What makes one prefix of the beam into another one counts for the latter. Column 0 is not used.
    """
    again = frame.gather(1, beam.last)
    longer = beam.total[:, :, None] + frame[:, None]
    # The last symbol once more is a new symbol only after a blank.
    longer.scatter_(2, beam.last[:, :, None], (beam.blank + again)[:, :, None])
    symbol = beam.symbol + again
    row, before, after = _already_there(beam).nonzero(as_tuple=True)
    added = beam.last[row, after]
    symbol[row, after] = torch.logaddexp(symbol[row, after], longer[row, before, added])
    longer[row, before, added] = NEVER
    return beam._replace(blank=beam.total + frame[:, BLANK, None], symbol=symbol), longer


def _already_there(beam: _Beam) -> Bool[Tensor, "B W W"]:
    """Whether the second prefix is the first one with one more symbol."""
    alive = beam.total > NEVER
    child = beam.name[:, :, None] == beam.parent[:, None]
    return child & alive[:, :, None] & alive[:, None]


def _followed(
    same: _Beam, step: _Step, longer: Float[Tensor, "B W"], gain: Float[Tensor, "B W"], model: NGram
) -> _Beam:
    """The next beam: prefixes as they were where nothing was added, one symbol longer elsewhere."""
    old = _Beam(*(part.gather(1, step.origin) for part in same))
    stays = step.added == BLANK
    return _Beam(
        blank=old.blank.masked_fill(~stays, NEVER),
        symbol=torch.where(stays, old.symbol, longer),
        gain=torch.where(stays, old.gain, gain),
        last=torch.where(stays, old.last, step.added),
        state=torch.where(stays, old.state, model.next_state[old.state, step.added]),
        name=torch.where(stays, old.name, _hashed(old.name, step.added)),
        parent=torch.where(stays, old.parent, old.name),
    )


def _hashed(name: Int[Tensor, "B W"], symbol: Int[Tensor, "B W"]) -> Int[Tensor, "B W"]:
    """The hash of a prefix with one more symbol: multiply and fold, as in SplitMix64 (Steele et al. 2014)."""
    mixed = (name + symbol) * -0x61C8864680B583EB
    return (mixed ^ (mixed >> 29)) * -0x40A7B892E31B1A47


def _traced(steps: list[_Step], place: Int[Tensor, "B W"]) -> Int[Tensor, "T B W"]:
    """What each frame added to the prefixes at ``place`` after the last, found from back to front."""
    added = []
    for step in reversed(steps):
        added.append(step.added.gather(1, place))
        place = step.origin.gather(1, place)
    return torch.stack(added[::-1]) if added else place.new_zeros((0, *place.shape))


def _hypotheses(added: Int[Tensor, "T B W"], scores: Float[Tensor, "B W"]) -> list[list[Hypothesis]]:
    symbols = added.permute(1, 2, 0).cpu().numpy()
    return [
        [
            Hypothesis(tuple(path[path != BLANK].tolist()), score)
            for path, score in zip(paths, row, strict=True)
            if score > NEVER
        ]
        for paths, row in zip(symbols, scores.tolist(), strict=True)
    ]
