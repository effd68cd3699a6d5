"""How a language model of music writes: the one way for what is measured, what is shown and what a user gets.

A model is a trained pattern or a baseline. Tunes are written letter by letter, chorales voice by voice in each
sixteenth, from the soprano down.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unroll import params
from unroll.decoding.beam import Beam, beam_search
from unroll.decoding.sampling import Sampling, sample
from unroll.decoding.writing import State, select
from unroll.errors import UserError
from unroll.features import notes
from unroll.features.notes import Notes
from unroll.features.tokens import Vocabulary
from unroll.fields.music.voice_leading import parallels
from unroll.patterns.language_model import Codes
from unroll.sources import abc, abc_bars
from unroll.sources.clock import with_end

TEMPERATURE = 0.8
DRAWN = 16  # tunes at a time
ROUNDS = 8  # of drawing, until a tune is right and ends on the tonic
CHORALES = 64  # drawn, of which the best is taken
WIDTH = 32  # hypotheses while a melody is harmonised
LETTERS = 40  # in a bar, at the most
_BAR_LINE = re.compile(r":*\|[|:\]]*")
_FINAL = re.compile(r"\s*\|[|\]]*\s*$")


class Model(Protocol):
    """What can write: see ``unroll.patterns.language_model``."""

    codes: Codes
    start: int
    end: int

    def begin(self, rows: int, clocks: Int[Tensor, "T"] | None = None) -> State: ...

    def step(self, codes: Int[Tensor, "N"], state: State) -> tuple[Float[Tensor, "N V"], State]: ...


class Tune(NamedTuple):
    """A tune as ABC text, and whether it ended by itself."""

    text: str
    ended: bool


def at(temperature: float) -> Sampling:
    """Drawing from the model's whole distribution at a temperature."""
    return Sampling(temperature=temperature, top_k=0, top_p=1.0, repetition=1.0)


def seeded(seed: int) -> torch.Generator:
    """The random numbers of a seed."""
    return torch.Generator().manual_seed(seed)


def notes_of(model: Model) -> Notes:
    """The pitches that a model of voices knows."""
    return params.check(Notes, json.loads(model.codes.made["settings"]), "notes")


def letters_of(model: Model) -> Vocabulary:
    """The letters that a model of text knows."""
    return Vocabulary.of(json.loads(model.codes.made["vocabularies"])["text"])


def tunes(
    model: Model, count: int, longest: int, sampling: Sampling, random: torch.Generator, opening: str = ""
) -> list[Tune]:
    """So many tunes that go on from the ``opening``, by at most ``longest`` letters each."""
    letters = letters_of(model)
    known = torch.ones(letters.size + 1, dtype=torch.bool)
    known[0] = False  # what stands for a letter that was never seen
    state, start = _begun(model, letters.encode(opening).tolist(), None, count)
    written = sample(model.step, state, start, model.end, longest, sampling, random, lambda _: known)
    return [Tune(opening + letters.decode(one.codes), one.ended) for one in written]


def tune(model: Model, opening: str, bars: int, sampling: Sampling, random: torch.Generator) -> str:
    """ABC text that goes on from the ``opening`` by so many bars.

    Tunes are drawn, and those that are long enough cut where need be, until in one all inner bars are as long as its
    metre says and it ends on the tonic. If none does, the one is taken with most such bars, rather one that ends there,
    or by itself. Raises :class:`UserError` where none becomes long enough.
    """
    opening = _FINAL.sub("| ", opening)  # the space keeps a model from writing the final bar line to its end
    begun = length(opening)
    fitting: list[Tune] = []
    reached: Counter[int] = Counter()
    for _ in range(ROUNDS):
        drawn = tunes(model, DRAWN, LETTERS * (bars + 4), sampling, random, opening)
        fitting += [cut for one in drawn if (cut := _cut(one, begun + bars))]
        reached.update(round(length(one.text) - begun) for one in drawn)
        if any(_quality(one) >= (1, True) for one in fitting):
            break
    if fitting:
        return max(fitting, key=_quality).text
    usual = ", ".join(str(count) for count, _ in reached.most_common(3))
    raise UserError(
        f"none of {ROUNDS * DRAWN} tunes drawn came to {bars} bars (most often they came to {usual}): ask for fewer, or"
        " for another metre"
    )


def chorales(
    model: Model,
    clock: np.ndarray,
    count: int,
    sampling: Sampling,
    random: torch.Generator,
    opening: np.ndarray | None = None,
) -> list[tuple[np.ndarray, float]]:
    """So many pieces, int16 (T, K), as long as the ``clock`` (T,), each with the log probability that it ends there.

    ``opening``, int16 (S, K), are their first sixteenths.
    """
    streams, settings = model.codes.streams, notes_of(model)
    begun = notes.encode(opening, settings).tolist() if opening is not None else []
    music = torch.ones(model.codes.size + 1, dtype=torch.bool)
    music[model.end] = False
    told: list[Tensor] = []

    def step(codes: Int[Tensor, "N"], state: State) -> tuple[Float[Tensor, "N V"], State]:
        scores, state = model.step(codes, state)
        told[:] = [scores.log_softmax(1)[:, model.end]]
        return scores, state

    # After the last sixteenth one more code is drawn, whatever it is, to hear how probable the end would have been.
    state, start = _begun(model, begun, torch.from_numpy(with_end(clock)), count)
    longest = len(clock) * streams - len(begun)
    written = sample(
        step, state, start, -1, longest + 1, sampling, random, lambda place: music if place < longest else None
    )
    return [
        (notes.decode(np.array(begun + one.codes[:-1], np.int32), streams, settings), end)
        for one, end in zip(written, told[0].tolist(), strict=True)
    ]


def chorale(
    model: Model,
    clock: np.ndarray,
    tonic: int,
    sampling: Sampling,
    random: torch.Generator,
    opening: np.ndarray | None = None,
) -> np.ndarray:
    """A piece, int16 (T, K), the best of those drawn.

    That is one with the tonic in the bass at the end, of these one with the fewest parallels, and of these the
    likeliest to end where it does. ``tonic`` is a pitch class, C being 0.
    """

    def quality(one: tuple[np.ndarray, float]) -> tuple[bool, float, float]:
        voices, end = one
        return abs(int(voices[-1, -1])) % 12 == tonic, -parallels([voices]), end

    voices, _ = max(chorales(model, clock, CHORALES, sampling, random, opening), key=quality)
    return voices


def harmonised(model: Model, soprano: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """int16 (T, K): the most probable voices found by beam search below a ``soprano`` (T,), which stays as it is."""
    streams, settings = model.codes.streams, notes_of(model)
    size = model.codes.size + 1
    music = torch.arange(size) != model.end
    given = torch.arange(size) == torch.from_numpy(notes.encode(soprano[:, None], settings))[:, None]
    state, start = _begun(model, [], torch.tensor(clock), 1)
    ((best,),) = beam_search(
        model.step,
        state,
        start,
        -1,
        len(soprano) * streams,
        Beam(width=WIDTH, length_penalty=0.0),
        allowed=lambda place: music if place % streams else given[place // streams],
    )
    return notes.decode(np.array(best.codes, np.int32), streams, settings)


@torch.no_grad()
def _begun(model: Model, codes: Sequence[int], clock: Tensor | None, rows: int) -> tuple[State, Int[Tensor, "N"]]:
    """The state of so many rows that began with ``codes``, and the last code, which is still to be read."""
    state, last = model.begin(1, clock), torch.tensor([model.start])
    for code in codes:
        _, state = model.step(last, state)
        last = torch.tensor([code])
    same = torch.zeros(rows, dtype=torch.long)
    return select(state, same), last[same]


def length(text: str) -> Fraction:
    """How long a tune is, in bars of its metre; without a metre every bar counts as one."""
    return sum((bar.length / bar.metre if bar.metre else Fraction(1) for bar in abc_bars.bars(text)), Fraction(0))


def _cut(one: Tune, wanted: Fraction) -> Tune | None:
    """A tune that is ``wanted`` bars long and less than one more, and ends with a bar line; None if it is too short."""
    whole = length(one.text)
    if whole < wanted:
        return None
    if one.ended and whole < wanted + 1:
        return Tune(one.text.rstrip() + ("\n" if _FINAL.search(one.text) else "|]\n"), True)
    for line in _BAR_LINE.finditer(one.text):
        if length(one.text[: line.start()]) >= wanted:
            return Tune(one.text[: line.start()].rstrip() + (":|" if line[0][0] == ":" else "|]") + "\n", False)
    return None


def _quality(one: Tune) -> tuple[Fraction, bool, bool]:
    """The share of inner bars that are right; whether it ends on the tonic; whether it ends by itself."""
    right, bars = abc_bars.inner_bars(one.text)
    return Fraction(right, bars) if bars else Fraction(0), _ends_on_tonic(one.text), one.ended


def _ends_on_tonic(text: str) -> bool:
    """Whether the last note of a tune is the one that its last key is named after."""
    tonics, heights = re.findall(r"K:([A-G])", text), abc.heights(text)
    return bool(tonics and heights) and heights[-1] % 7 == "CDEFGAB".index(tonics[-1])
