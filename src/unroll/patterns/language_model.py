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
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Model, Whole
from unroll.patterns.encoder import Embedding


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The language model of a task. ``window``: of a longer example, training reads so many steps, begun anywhere."""

    window: Count


@dataclass(frozen=True, config=STRICT)
class LanguageModelModel(Model):
    """A variant of a language model's task.

    ``embedding``: what the layers read of a step; ``history``: how many steps back they read, 1 for the last one only:
    a short convolution, such as linear recurrences want (Gu & Dao 2023, "Mamba", section 3.4); ``head``: features
    between the layers and the scores, into which the streams already known of the same step are mixed; 0 for none,
    where there is but one stream.
    """

    embedding: Embedding
    history: Count
    head: Whole


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
    """A row: T steps of K codes each, and what a clock shows at each step and at the end (nothing without a clock)."""

    id: str
    codes: np.ndarray  # int32 (T, K), a view of the mapped table
    clock: np.ndarray  # int32 (T + 1,) or (0,)


class Batch(NamedTuple):
    """Padded examples, each one step longer than it is: the end, in the first stream.

    ``before`` is what the layers read at each step, the codes of the steps before it, the latest first; before the
    first step there are only starts.
    """

    ids: list[str]
    before: Int[Tensor, "B T P"]
    codes: Int[Tensor, "B T K"]
    clock: Int[Tensor, "B T"]
    lengths: Int[Tensor, "B"]


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
        read = model.history * codes.streams
        self.embedding = nn.EmbeddingBag(read * (codes.size + 1) + codes.clocks, model.embedding.features, mode="sum")
        nn.init.normal_(self.embedding.weight, std=model.embedding.spread)
        self.layers = Stack(model.recurrent, model.embedding.features)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        sizes = ((self.layers.outputs, model.head, stream, codes.size) for stream in range(codes.streams))
        self.heads = nn.ModuleList(Head(*size) for size in sizes)
        offsets = torch.arange(read + bool(codes.clocks)) * (codes.size + 1)
        self.register_buffer("offsets", offsets, persistent=False)

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: LanguageModelModel) -> "LanguageModel":
        """A new one for the codes of the training ``table``."""
        return cls(settings, model, Codes.of(table))

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a table."""
        return examples_of(table)

    def steps(self, example: Example) -> int:
        """How many steps are read of an example, the end included: in training no more than the window."""
        steps = len(example.codes) + 1
        return min(steps, self.settings.window) if self.training else steps

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Padded examples. With ``rng``, a stretch of ``window`` steps of those that are longer."""
        parts = [self._part(example, rng) for example in examples]
        lengths = torch.tensor([len(codes) for _, codes, _ in parts])
        size = (len(parts), int(lengths.max()))
        before = np.zeros((*size, self.model.history * self.codes.streams), np.int32)
        codes, clock = np.zeros((*size, self.codes.streams), np.int32), np.zeros(size, np.int32)
        for row, part in enumerate(parts):
            for padded, values in zip((before, codes, clock), part, strict=True):
                padded[row, : len(values)] = values
        ids = [example.id for example in examples]
        return Batch(ids, *map(torch.from_numpy, (before, codes, clock)), lengths)

    def forward(self, batch: Batch) -> list[Float[Tensor, "N _"]]:
        """The scores of each stream's codes at the N steps, row after row without padding."""
        hidden, _ = self.layers(self._embedded(batch.before, batch.clock), batch.lengths)
        real = self._real(batch)
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
        before = torch.full((rows, self.model.history * self.codes.streams), self.start)
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
            read = torch.cat((before, state.clocks[:, place, None]), 1) if self.codes.clocks else before
            # For a single step this is faster than the bag.
            embedded = functional.embedding(read + self.offsets, self.embedding.weight).sum(1)
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

    def _part(self, example: Example, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is read, what should be written, and the clock, of an example or of a stretch of it."""
        back, steps = self.model.history, len(example.codes) + 1
        codes = np.pad(example.codes, ((back, 1), (0, 0)), constant_values=self.end)
        codes[-1, 1:] = 0
        clock = example.clock if self.codes.clocks else np.zeros(steps, np.int32)
        first = 0
        if rng is not None and steps > self.settings.window:
            first, steps = rng.integers(steps - self.settings.window + 1), self.settings.window
        before = [codes[first + lag : first + lag + steps] for lag in reversed(range(back))]
        return np.hstack(before), codes[first + back : first + back + steps], clock[first : first + steps]

    def _embedded(self, before: Int[Tensor, "B T P"], clock: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """What the layers read, time-major in memory as they want it."""
        bags = torch.cat((before, clock[..., None]), 2) if self.codes.clocks else before
        bags = (bags + self.offsets).transpose(0, 1)
        return self.embedding(bags.flatten(0, 1)).unflatten(0, bags.shape[:2]).transpose(0, 1)

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


def examples_of(table: pa.Table) -> list[Example]:
    """The rows of a table, as the language model and its baselines read them."""
    streams = int(table.schema.metadata[b"streams"])
    codes = [row.reshape(-1, streams) for row in vectors(table["codes"])]
    clock = vectors(table["clock"]) if int(table.schema.metadata[b"clocks"]) else [np.zeros(0, np.int32)] * len(codes)
    return [Example(*row) for row in zip(table["id"].to_pylist(), codes, clock, strict=True)]


Pattern = LanguageModel
