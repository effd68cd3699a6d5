"""A prefix → a distribution over what comes next: recurrent layers over codes, in one or several streams."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float, Int
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.errors import UserError
from unroll.examples import vectors
from unroll.layers.contract import find_padding
from unroll.layers.dropout import LockedDropout, with_weights_dropped
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Model, Share, Whole
from unroll.patterns.encoder import Embedding
from unroll.patterns.ngrams import NGrams, PastNGrams


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The language model of a task.

    ``window``: of a longer example, training reads so many steps, begun anywhere. With ``carry`` it reads all of it, a
    window in each batch: the layers go on from their state after the last one, and nothing is learned through that, the
    truncated backpropagation through time of Williams & Peng 1990.
    """

    window: Count
    carry: bool


@dataclass(frozen=True, config=STRICT)
class LanguageModelModel(Model):
    """A variant of a language model's task.

    ``embedding``: what the layers read of a step; ``history``: how many steps back they read, 1 for the last one only:
    a short convolution, such as linear recurrences want (Gu & Dao 2023, "Mamba", section 3.4); ``ngrams``: of the last
    codes of a single stream, whose embeddings they read beside those of the codes, or none; ``head``: features between
    the layers and the scores, into which the streams already known of the same step are mixed; 0 for none, where there
    is but one stream; ``tied``: the scores of codes use their embeddings (Press & Wolf 2017);
    ``locked_dropout``: share of the features of each layer's input and of the last one's output that are dropped at all
    steps of a row alike; ``weight_drop``: share of the layers' recurrent weights that are dropped: both in training,
    in every batch others, see ``unroll.layers.dropout``.
    """

    embedding: Embedding
    history: Count
    ngrams: NGrams | None
    head: Whole
    tied: bool
    locked_dropout: Share
    weight_drop: Share

    def __post_init__(self) -> None:
        if self.weight_drop and self.recurrent.layer == "mingru":
            raise ValueError("weight_drop should be 0: a mingru has no recurrent weights")


class Codes(NamedTuple):
    """What is written: ``size`` codes V, ``streams`` K of them a step, and ``clocks`` values that a clock may show.

    ``made`` are the featurizer's own words about them, by which its codes are read back.
    """

    size: int
    streams: int
    clocks: int
    made: dict[str, str]

    @classmethod
    def of(cls, table: pa.Table) -> "Codes":
        """As the metadata of a table of features have it."""
        made = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        return cls(int(made.pop("codes")), int(made.pop("streams")), int(made.pop("clocks")), made)


class Example(NamedTuple):
    """A row: T steps of K codes each, and what a clock shows at each step and at the end (nothing without a clock).

    ``part`` says which of the T + 1 steps are read, the last of which is the end.
    """

    id: str
    codes: np.ndarray  # int32 (T, K), a view of the mapped table
    clock: np.ndarray  # int32 (T + 1,) or (0,)
    part: slice = slice(None)

    @property
    def steps(self) -> range:
        """The steps that are read."""
        return range(len(self.codes) + 1)[self.part]


class Batch(NamedTuple):
    """Padded examples, each one step longer than it is: the end, in the first stream.

    ``before`` is what the layers read at each step, the codes of the steps before it, the latest first; before the
    first step there are only starts. ``begins`` tells the rows that are read from there on.
    """

    ids: list[str]
    before: Int[Tensor, "B T P"]
    codes: Int[Tensor, "B T K"]
    clock: Int[Tensor, "B T"]
    lengths: Int[Tensor, "B"]
    begins: Bool[Tensor, "B"]


class Reading(NamedTuple):
    """How an example surprised the model.

    ``nats``: float32 (T + 1, K), -log P of each code given all before it, the streams of a step in their order; the
    last row is the end, in the first stream. ``best``: int32 (T, K), the most probable code at each place.
    """

    nats: np.ndarray
    best: np.ndarray


class Writing(NamedTuple):
    """Between two codes of N rows: the layers' state and last output, what was written last, and the time."""

    layers: tuple
    hidden: Float[Tensor, "N H"]
    before: Int[Tensor, "N P"]  # the codes of the last steps, the latest step first
    known: tuple[Tensor, ...]  # Int (N,), one for each stream already written of the step under way
    clocks: Int[Tensor, "N T"]
    place: int  # steps begun


class Head(nn.Module):
    """The layers' output, and the streams already known of the step → scores (.., V + 1) of the codes of a stream."""

    def __init__(self, inputs: int, features: int, stream: int, codes: int) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, features) if features else nn.Identity()
        self.mix = nn.ModuleList(nn.Embedding(codes + 1, features) for _ in range(stream))
        for table in self.mix:
            nn.init.normal_(table.weight, std=features**-0.5)
        self.output = nn.Linear(features or inputs, codes + (not stream))  # only the first stream can end

    def forward(self, hidden: Float[Tensor, "*N H"], known: Sequence[Int[Tensor, "*N"]]) -> Float[Tensor, "*N V"]:
        """The scores, any number, given the codes of the streams before this one."""
        mixed = self.project(hidden)
        for table, codes in zip(self.mix, known, strict=True):
            mixed = mixed + table(codes)
        return self.output(mixed if isinstance(self.project, nn.Identity) else mixed.relu())


class LanguageModel(nn.Module):
    """The codes of the last steps → embeddings, summed → layers → scores of each stream's next code.

    The streams of a step are told apart by the chain rule: the first is given the past, each next one also the codes
    of its own step that are already known, so the recurrence runs once a step and not once a code. With one stream
    this is the recurrent language model of Mikolov et al. 2010. Code V is the start of a row and its end.
    """

    def __init__(self, settings: Settings, model: LanguageModelModel, codes: Codes) -> None:
        super().__init__()
        if model.recurrent.bidirectional:
            raise UserError("a language model reads forward only: set recurrent.bidirectional to false")
        if not model.head and codes.streams > 1:
            raise UserError("a language model of several streams mixes them in its head: set head above 0")
        self.settings, self.model, self.codes = settings, model, codes
        self.start = self.end = codes.size
        if model.ngrams and codes.streams > 1:
            raise UserError("a language model of several streams reads no n-grams: set ngrams to null")
        read = model.history * codes.streams
        self.embedding = nn.EmbeddingBag(read * (codes.size + 1) + codes.clocks, model.embedding.features, mode="sum")
        nn.init.normal_(self.embedding.weight, std=model.embedding.spread)
        self.ngrams = PastNGrams(model.ngrams, codes.size + 1, model.embedding.features) if model.ngrams else None
        self.back = max(model.history, model.ngrams.longest if model.ngrams else 0)  # steps
        self.layers = Stack(model.recurrent, model.embedding.features, model.locked_dropout)
        self.locked = LockedDropout(model.locked_dropout)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        sizes = ((self.layers.outputs, model.head, stream, codes.size) for stream in range(codes.streams))
        self.heads = nn.ModuleList(Head(*size) for size in sizes)
        if model.tied:
            self._tie(self.heads[0].output)
        offsets = torch.arange(read + bool(codes.clocks)) * (codes.size + 1)
        self.register_buffer("offsets", offsets, persistent=False)
        self.carries = settings.carry
        self._carried: tuple = ()  # the layers' state after the last batch of training

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: LanguageModelModel) -> "LanguageModel":
        """A new one for the codes of the training ``table``."""
        return cls(settings, model, Codes.of(table))

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a table."""
        return examples_of(table)

    def steps(self, example: Example) -> int:
        """How many steps are read of an example: in training no more than the window, if that may begin anywhere."""
        steps = len(example.steps)
        return min(steps, self.settings.window) if self.training and not self.carries else steps

    def windows(self, example: Example) -> list[Example]:
        """An example as training reads it if it carries its state on: one part after the other."""
        starts = range(0, len(example.codes) + 1, self.settings.window)
        return [example._replace(part=slice(start, start + self.settings.window)) for start in starts]

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Padded examples. With ``rng``, a part of ``window`` steps of those that are longer."""
        examples = [self._drawn(example, rng) for example in examples]
        parts = [self._part(example) for example in examples]
        lengths = torch.tensor([len(codes) for _, codes, _ in parts])
        size = (len(parts), int(lengths.max()))
        before = np.zeros((*size, self.back * self.codes.streams), np.int32)
        codes, clock = np.zeros((*size, self.codes.streams), np.int32), np.zeros(size, np.int32)
        for row, part in enumerate(parts):
            for padded, values in zip((before, codes, clock), part, strict=True):
                padded[row, : len(values)] = values
        ids = [example.id for example in examples]
        begins = torch.tensor([not example.steps.start for example in examples])
        return Batch(ids, *map(torch.from_numpy, (before, codes, clock)), lengths, begins)

    def forward(self, batch: Batch) -> list[Float[Tensor, "N _"]]:
        """The scores of each stream's codes at the N steps, row after row without padding."""
        hidden, real = self.locked(self._read(batch)), self._real(batch)
        hidden, known = self.dropout(hidden[real]), batch.codes[real].unbind(1)
        return [head(hidden, known[:stream]) for stream, head in enumerate(self.heads)]

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the steps of the nats of a step, all its streams together."""
        return self._nats(batch, self(batch)).sum(1).mean()

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Reading]:
        """How each row was read."""
        scores = self(batch)
        # The end is no code: it can not be what should have been written.
        best = torch.stack([each[:, : self.end].argmax(1) for each in scores], 1).int()
        lengths = batch.lengths.tolist()
        rows = zip(self._nats(batch, scores).split(lengths), best.split(lengths), strict=True)
        return [Reading(nats.cpu().numpy(), codes[:-1].cpu().numpy()) for nats, codes in rows]

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Nats a step, all streams together, the end included."""
        nats = steps = 0.0
        for batch in batches:
            found = self._nats(batch, self(batch))
            nats += found.double().sum().item()
            steps += len(found)
        return {"nats_per_step": nats / steps}

    def begin(self, rows: int, clocks: Int[Tensor, "T"] | None = None) -> Writing:
        """Before anything is written, of ``rows`` rows; ``clocks`` is what the clock will show, step by step."""
        shown = torch.zeros(0, dtype=torch.int) if clocks is None else clocks.int()
        before = torch.full((rows, self.back * self.codes.streams), self.start)
        hidden = torch.zeros(rows, self.layers.outputs)
        known = before[:, 1 : self.codes.streams].unbind(1)
        return Writing(self.layers.init_state(rows), hidden, before, known, shown.expand(rows, -1), 0)

    def step(self, codes: Int[Tensor, "N"], state: Writing) -> tuple[Float[Tensor, "N V"], Writing]:
        """The scores of the next code of each row after its last one: at first the start, then what was written.

        The last of the scores is that of the end, which only the first stream of a step can have. The layers take one
        step when the codes of a step are complete, so ``K`` codes cost one. Raises IndexError where the clock ends.
        """
        known = (*state.known, codes)
        layers, hidden, before, place = state.layers, state.hidden, state.before, state.place
        if len(known) == self.codes.streams:
            before = torch.cat((torch.stack(known, 1), before[:, : -len(known)]), 1)
            # For a single step this is faster than the bag.
            read = self._bags(before, state.clocks[:, place] if self.codes.clocks else None)
            embedded = functional.embedding(read, self.embedding.weight).sum(1)
            embedded = embedded + self.ngrams(before) if self.ngrams else embedded
            hidden, layers = self.layers.step(embedded, layers)
            known, place = (), place + 1
        scores = self.heads[len(known)](hidden, known)
        if known:
            scores = functional.pad(scores, (0, 1), value=-math.inf)
        return scores, Writing(layers, hidden, before, known, state.clocks, place)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "language_model",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "codes": self.codes._asdict(),
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "LanguageModel":
        """The language model whose :meth:`checkpoint` it was, ready to read and to write."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(LanguageModelModel, checkpoint["model"], "checkpoint: model")
        restored = cls(settings, model, Codes(**checkpoint["codes"]))
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _tie(self, output: nn.Linear) -> None:
        """Makes the embeddings the weights of the scores."""
        if output.weight.shape != self.embedding.weight.shape:
            raise UserError(
                "tied: the scores share the embeddings of a single stream without a clock, where history is 1 and head,"
                f" or without one recurrent.hidden, is embedding.features: {output.in_features} features are scored,"
                f" and {self.embedding.embedding_dim} embedded"
            )
        output.weight = self.embedding.weight

    def _drawn(self, example: Example, rng: np.random.Generator | None) -> Example:
        """The example, or a part of ``window`` steps of a longer one, begun anywhere."""
        spare = len(example.steps) - self.settings.window
        if rng is None or spare <= 0:
            return example
        first = rng.integers(spare + 1)
        return example._replace(part=slice(first, first + self.settings.window))

    def _part(self, example: Example) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is read, what should be written, and the clock, at the steps of an example that are read."""
        back, end, steps = self.back, len(example.codes), example.steps
        outside = max(0, back - steps.start), max(0, steps.stop - end)  # starts before the codes, and the end after
        codes = example.codes[max(0, steps.start - back) : steps.stop]
        codes = np.pad(codes, (outside, (0, 0)), constant_values=self.end)
        if steps.stop > end:
            codes[-1, 1:] = 0
        before = [codes[lag : lag + len(steps)] for lag in reversed(range(back))]
        clock = example.clock[example.part] if self.codes.clocks else np.zeros(len(steps), np.int32)
        return np.hstack(before), codes[back:], clock

    def _read(self, batch: Batch) -> Float[Tensor, "B T H"]:
        """What the layers make of the codes; in training they may go on from the last batch."""
        carries = self.training and self.carries
        state = _resumed(self._carried, batch.begins) if carries and not batch.begins.all() else None
        inputs = self._embedded(batch.before, batch.clock), batch.lengths, state
        hidden, state = with_weights_dropped(self.layers, self.model.weight_drop, *inputs)
        if carries:
            self._carried = state
        return hidden

    def _embedded(self, before: Int[Tensor, "B T P"], clock: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """What the layers read, time-major in memory as they want it."""
        before, clock = before.transpose(0, 1), clock.transpose(0, 1)
        bags = self._bags(before, clock)
        embedded = self.embedding(bags.flatten(0, 1)).unflatten(0, bags.shape[:2])
        embedded = embedded + self.ngrams(before) if self.ngrams else embedded
        return embedded.transpose(0, 1)

    def _bags(self, before: Int[Tensor, "*N P"], clock: Int[Tensor, "*N"] | None) -> Int[Tensor, "*N R"]:
        """The rows of the embedding that are read of each step."""
        read = before[..., : self.model.history * self.codes.streams]
        return (torch.cat((read, clock[..., None]), -1) if self.codes.clocks else read) + self.offsets

    def _nats(self, batch: Batch, scores: Sequence[Float[Tensor, "N _"]]) -> Float[Tensor, "N K"]:
        """-log P of each code of the N steps; at an end 0 in all streams but the first, which stands for them."""
        codes = batch.codes[self._real(batch)].long()
        nats = [
            functional.cross_entropy(each.float(), own, reduction="none")
            for each, own in zip(scores, codes.unbind(1), strict=True)
        ]
        ended = codes[:, 0] == self.end
        return torch.stack([nats[0], *(each.masked_fill(ended, 0) for each in nats[1:])], 1)

    def _real(self, batch: Batch) -> Bool[Tensor, "B T"]:
        """Where the steps are no padding."""
        return ~find_padding(batch.lengths, batch.codes.shape[1])


def _resumed(state: tuple, begins: Bool[Tensor, "B"]) -> tuple:
    """A state to go on from, through which nothing is learned; in the rows that begin, the one at first."""
    at_first = begins[:, None]  # when all is zero
    return tuple(level._make(part.detach().masked_fill(at_first, 0) for part in level) for level in state)


def examples_of(table: pa.Table) -> list[Example]:
    """The rows of a table, as the language model and its baselines read them."""
    streams = int(table.schema.metadata[b"streams"])
    codes = [row.reshape(-1, streams) for row in vectors(table["codes"])]
    clock = vectors(table["clock"]) if int(table.schema.metadata[b"clocks"]) else [np.zeros(0, np.int32)] * len(codes)
    return [Example(*row) for row in zip(table["id"].to_pylist(), codes, clock, strict=True)]


Pattern = LanguageModel
