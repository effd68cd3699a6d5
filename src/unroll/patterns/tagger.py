"""Codes, frames or words → labels for each step: encoder, and a distribution per step or a conditional random field.

A step may have several labels, one of each *kind*, as a word is a noun, begins a phrase and names a town; and the whole
row may have one, too, as a command has an intent.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int, Real
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from unroll import params
from unroll.decoding.crf import IGNORED
from unroll.errors import UserError
from unroll.features import kmers
from unroll.params import STRICT, Count, Model, Share, Whole
from unroll.patterns.chain import Chain
from unroll.patterns.inputs import Inputs, Reading, arrays, rows_of
from unroll.patterns.pooling import Pooling

STEPS_AT_ONCE = 32_768  # of windows read side by side in a long sequence, which bounds its memory
Labels = Sequence[str] | Mapping[str, Sequence[str]]  # their names, or those of each kind
NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The tagger of a task.

    ``stack``: codes or frames a step; ``window``: how many are read at once; ``margin``: how many at either end of a
    window are read and not judged; ``masked``: share of the codes or words that are hidden in training;
    ``both_strands``: learn from the other strand of DNA too; ``crf``: labels depend on each other, as in
    ``unroll.decoding.crf``.
    """

    stack: Count
    window: Count
    margin: Whole
    masked: Share
    both_strands: bool
    crf: bool

    def __post_init__(self) -> None:
        if self.window % self.stack or self.margin % self.stack:
            raise ValueError("window and margin should be multiples of stack")
        if self.window <= 2 * self.margin:
            raise ValueError("window should be longer than two margins")


@dataclass(frozen=True, config=STRICT)
class TaggerModel(Model):
    """A variant of a tagger's task.

    ``embedding``: what the layers read of a step, be it codes, frames or words; ``start``: the model whose encoder it
    starts from, as ``video/actions/gru``, or nothing.
    """

    embedding: Reading
    start: str


class Example(NamedTuple):
    """A window of a row: views of the mapped table from its input ``start`` on.

    ``inputs`` are codes (N,), frames or words (N, D), and ``labels`` theirs, (N,) or, one of each kind, (N, K).

    ``core`` is the first of its own steps that is judged and the first that no longer is; the cores of a row's windows
    tile it. ``label`` is that of the whole row, "" if there is none.
    """

    id: str
    start: int
    inputs: np.ndarray
    labels: np.ndarray
    core: tuple[int, int]
    label: str = ""


class Batch(NamedTuple):
    """Padded windows: N = S times ``stack`` inputs; ``labels`` are -1 on padding, where unknown or not judged.

    ``whole``: the label of each row, -1 where unknown.
    """

    ids: list[str]
    inputs: Real[Tensor, "B N ..."]
    lengths: Int[Tensor, "B"]
    labels: Int[Tensor, "B S ..."]
    whole: Int[Tensor, "B"]
    cores: list[tuple[int, int]]


class Scores(NamedTuple):
    """Any number for each label at each step, those of all kinds side by side, and for each label of the whole row."""

    steps: Float[Tensor, "B S V"]
    whole: Float[Tensor, "B C"]


class Tagged(NamedTuple):
    """The judged steps of an example: float32 ``probabilities`` (S, V) and int16 ``labels``, (S,) or (S, K).

    V are the labels of all kinds. ``whole``: float32 (C,), the probability of each label of the row, if rows have any.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    whole: np.ndarray = NOTHING


class Tagger(nn.Module):
    """``stack`` codes or frames, or a word, a step → encoder → a score for each label, by step or as a linear chain.

    A step's label is that of its first input. The number of a label is its place in ``labels``, or in those of its
    kind; names that differ in their sign only, as ``+1`` and ``-1``, are each other's on the other strand. The label
    of the whole row, one of ``classes``, is read off the largest features (Zhang & Wang 2016, "A joint model of intent
    determination and slot filling for spoken language understanding", section 3).
    """

    def __init__(
        self, settings: Settings, model: TaggerModel, inputs: Inputs, labels: Labels, classes: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.settings, self.model, self.inputs, self.classes = settings, model, inputs, list(classes)
        several = isinstance(labels, Mapping)
        self.labels = {kind: list(names) for kind, names in labels.items()} if several else list(labels)
        kinds = list(self.labels.values()) if several else [self.labels]
        self.kinds = (len(kinds),) if several else ()  # the shape of a step's labels
        self.sizes = [len(names) for names in kinds]
        self.featurizer, self.features, self.shape = inputs.featurizer, inputs.features, inputs.shape
        self.encoder = inputs.encoder(model.recurrent, model.embedding, settings.masked, settings.stack)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.encoder.outputs, sum(self.sizes))
        self.chains = nn.ModuleList(Chain(names, settings.crf) for names in kinds)
        if self.classes:
            self.pooling = Pooling(["max"], self.encoder.outputs, model.recurrent.bidirectional)
            self.whole = nn.Linear(self.pooling.outputs, len(self.classes))
            self.chains.append(Chain(self.classes, linked=False))  # of a single step
        self._index = {label: number for number, label in enumerate(self.classes)}
        self._mirror = _mirror(self.labels) if settings.both_strands else None

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TaggerModel) -> "Tagger":
        """A new one for the features and the labels that the training ``table`` names in its metadata.

        The labels of whole rows are those in its column ``label``, if it has one.
        """
        inputs = Inputs.of(table)
        letters = "frames" if inputs.shape else getattr(inputs.features, "alphabet", inputs.featurizer)
        if settings.both_strands and letters != "dna":
            raise UserError(f"tagger.both_strands: a sequence of {letters} has one strand: set it to false")
        classes = sorted({*_whole(table)} - {""})
        new = cls(settings, model, inputs, json.loads(table.schema.metadata[b"labels"]), classes)
        new.encoder.standardise(rows_of(table))
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table, cut into overlapping windows; nothing is copied."""
        rows = zip(table["id"].to_pylist(), rows_of(table), arrays(table["labels"]), _whole(table), strict=True)
        return [window for row in rows for window in self.windows(*row)]

    def windows(self, name: str, inputs: np.ndarray, labels: np.ndarray, label: str = "") -> list[Example]:
        """A row of codes (N,), frames or words (N, D) and labels in windows of equal length, whose cores tile it."""
        stack, found = self.settings.stack, []
        window, margin = self.settings.window // stack, self.settings.margin // stack
        for start, stop, core in _cut(self.encoder.steps(len(inputs)), window, margin):
            own = slice(start * stack, stop * stack)
            found.append(Example(name, own.start, inputs[own], labels[own], core, label))
        return found

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example: its inputs over ``stack``."""
        return self.encoder.steps(len(example.inputs))

    def truth(self, example: Example) -> np.ndarray:
        """(S,) or (S, K): the true labels of the judged steps, -1 where there is none."""
        return example.labels[:: self.settings.stack][slice(*example.core)]

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, to learn from: see :meth:`_varied`."""
        seen = [self._judged(example) if rng is None else self._varied(example, rng) for example in examples]
        inputs, lengths = self.encoder.padded([inputs for inputs, _ in seen], rng)
        labels = np.full((len(seen), self.encoder.steps(int(lengths.max())), *self.kinds), IGNORED, np.int64)
        for line, (_, known) in zip(labels, seen, strict=True):
            line[: len(known)] = known
        names, cores = [example.id for example in examples], [example.core for example in examples]
        whole = torch.tensor([self._index.get(example.label, IGNORED) for example in examples])
        return Batch(names, inputs, lengths, torch.from_numpy(labels), whole, cores)

    def forward(self, inputs: Real[Tensor, "B N ..."], lengths: Int[Tensor, "B"]) -> Scores:
        """The score of each label at each step, and of each label of the rows."""
        features = self.encoder(inputs, lengths)
        steps = self.output(self.dropout(features)).float()
        if not self.classes:
            return Scores(steps, steps.new_empty(len(steps), 0))
        pooled = self.pooling(features, self.encoder.steps(lengths))
        return Scores(steps, self.whole(self.dropout(pooled)).float())

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the labelled steps of -log P(label), in nats; that of each kind, and of the rows, is added up."""
        parts = self._compared(self(batch.inputs, batch.lengths), batch)
        return sum(
            chain.loss(scores, labels, lengths) / (labels != IGNORED).sum().clamp(min=1)
            for chain, scores, labels, lengths in parts
        )

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Tagged]:
        """The labels of each window's judged steps: with a conditional random field those of the best sequence."""
        scores, steps = self(batch.inputs, batch.lengths), self.encoder.steps(batch.lengths)
        kinds = list(zip(self.chains, scores.steps.split(self.sizes, 2), strict=False))  # but not of the rows
        probabilities = torch.cat([chain.probabilities(own, steps) for chain, own in kinds], 2).cpu().numpy()
        labels = torch.stack([chain.best(own, steps) for chain, own in kinds], 2).cpu().numpy().astype(np.int16)
        labels = labels.reshape(*labels.shape[:2], *self.kinds)
        whole = scores.whole.softmax(1).cpu().numpy()
        cores = [slice(*core) for core in batch.cores]
        return [Tagged(probabilities[row, own], labels[row, own], whole[row]) for row, own in enumerate(cores)]

    def tag(self, sequence: str) -> Tagged:
        """The label of every step of a sequence of letters."""
        return self.tag_steps(kmers.encode(sequence, self.features))

    def tag_steps(self, row: np.ndarray) -> Tagged:
        """The labels of every step of codes (N,), frames or words (N, D), any N."""
        return self.tag_rows([row])[0]

    def tag_rows(self, rows: Sequence[np.ndarray]) -> list[Tagged]:
        """Those of each of some rows, by windows; those of like length are read side by side, in bounded memory."""
        order = np.argsort([len(row) for row in rows], kind="stable")
        unknown = np.broadcast_to(np.int16(IGNORED), (len(rows[order[-1]]), *self.kinds))
        windows = [self.windows("", rows[number], unknown[: len(rows[number])]) for number in order]
        every = [window for own in windows for window in own]
        ends = np.cumsum([self.encoder.steps(len(rows[number])) for number in order])
        # Made first: what stays, allocated between what goes, would keep the memory of every batch from being reused.
        probabilities = np.empty((ends[-1], sum(self.sizes)), np.float32)
        labels = np.empty((ends[-1], *self.kinds), np.int16)
        whole = np.empty((len(every), len(self.classes)), np.float32)
        few, done = max(1, STEPS_AT_ONCE // self.steps(every[-1])), 0
        for first in range(0, len(every), few):
            for number, part in enumerate(self.predict(self.batch(every[first : first + few])), first):
                own = slice(done, done + len(part.labels))
                probabilities[own], labels[own], whole[number] = part
                done = own.stop
        cuts = np.cumsum([len(own) for own in windows])[:-1]
        means = [own.mean(0) for own in np.split(whole, cuts)]
        found = list(map(Tagged, np.split(probabilities, ends[:-1]), np.split(labels, ends[:-1]), means))
        return [found[place] for place in np.argsort(order)]

    def named(self, labels: np.ndarray) -> dict[str, list[str]]:
        """The names of labels (S, K), kind by kind."""
        kinds = zip(self.labels.items(), labels.T, strict=True)
        return {kind: [names[label] for label in own] for (kind, names), own in kinds}

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The share of the labelled steps whose label is wrong, and the mean loss of these steps.

        Of several kinds and of rows the share is averaged, and the loss added up.
        """
        sums = np.zeros((3, len(self.chains)))
        for batch in batches:
            parts = self._compared(self(batch.inputs, batch.lengths), batch)
            for number, (chain, scores, labels, lengths) in enumerate(parts):
                known = labels != IGNORED
                wrong = (known & (chain.best(scores, lengths) != labels)).sum()
                sums[:, number] += wrong.item(), chain.loss(scores, labels, lengths).item(), known.sum().item()
        wrong, losses, counts = sums
        counts = np.maximum(1, counts)
        return {"error_rate": float((wrong / counts).mean()), "loss": float((losses / counts).sum())}

    def start_from(self, checkpoint: Mapping[str, Any]) -> None:
        """Copies the encoder of another pattern's checkpoint, the one of ``start``.

        Raises ``UserError`` naming ``start`` and what differs where it does not fit.
        """
        self.inputs.start(self.encoder, checkpoint, self.model.start)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "tagger",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "inputs": self.inputs.plain(),
            "labels": self.labels,
            "classes": self.classes,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Tagger":
        """The tagger whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TaggerModel, checkpoint["model"], "checkpoint: model")
        inputs = Inputs.restored(checkpoint["inputs"])
        restored = cls(settings, model, inputs, checkpoint["labels"], checkpoint["classes"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _judged(self, example: Example) -> tuple[np.ndarray, np.ndarray]:
        """An example's inputs, and its steps' labels, ignored outside the core."""
        labels = np.full((self.steps(example), *self.kinds), IGNORED, np.int16)
        labels[slice(*example.core)] = self.truth(example)
        return example.inputs, labels

    def _varied(self, example: Example, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and steps' labels to learn from: the whole window, from a random input of the first ``stack`` on.

        If the settings say so, half the time it is the other strand.
        """
        stack, inputs, labels = self.settings.stack, example.inputs, example.labels
        if self._mirror is not None and rng.random() < 0.5:
            inputs, labels = kmers.reverse_complement(inputs, self.features.k), self._mirror[labels[::-1]]
        phase = rng.integers(min(stack, len(inputs)))
        return inputs[phase:], labels[phase::stack]

    def _compared(self, scores: Scores, batch: Batch) -> list[tuple[Chain, Tensor, Tensor, Tensor]]:
        """Of each kind the scores (B, S, V), labels (B, S) and lengths (B,); likewise of the rows, a single step."""
        steps = self.encoder.steps(batch.lengths)
        scored = [*scores.steps.split(self.sizes, 2)]
        labels = [*batch.labels.reshape(*batch.labels.shape[:2], -1).unbind(2)]
        lengths = [steps] * len(labels)
        if self.classes:
            scored.append(scores.whole[:, None])
            labels.append(batch.whole[:, None])
            lengths.append(torch.ones_like(steps))
        return list(zip(self.chains, scored, labels, lengths, strict=True))


Pattern = Tagger


def joined(parts: Sequence[Tagged]) -> Tagged:
    """The predictions of a row's windows, in their order, as one; what they say of the whole row is averaged."""
    probabilities, labels, whole = zip(*parts, strict=True)
    return Tagged(np.concatenate(probabilities), np.concatenate(labels), np.mean(whole, 0))


def _whole(table: pa.Table) -> list[str]:
    """The label of each row; "" where there is none."""
    return table["label"].to_pylist() if "label" in table.column_names else [""] * len(table)


def _cut(steps: int, window: int, margin: int) -> list[tuple[int, int, tuple[int, int]]]:
    """Start, stop and core (from the start) of the windows of a row, in steps.

    There are as few as overlaps of two margins allow; all have the same length and lie evenly, and each core ends in
    the middle of an overlap.
    """
    count = max(1, -(-(steps - 2 * margin) // (window - 2 * margin)))
    starts = [i * max(0, steps - window) // max(1, count - 1) for i in range(count)]
    stops = [min(start + window, steps) for start in starts]
    bounds = [0, *((left + right) // 2 for left, right in zip(stops, starts[1:], strict=False)), steps]
    return [
        (start, stop, (first - start, last - start))
        for start, stop, (first, last) in zip(starts, stops, pairwise(bounds), strict=True)
    ]


def _mirror(labels: Sequence[str]) -> np.ndarray:
    """int8 (V + 1,): for each label, and last for -1, its number on the other strand."""
    signs = str.maketrans("+-", "-+")
    numbers = {label: number for number, label in enumerate(labels)}
    pairs = [numbers.get(label[:1].translate(signs) + label[1:]) for label in labels]
    if None in pairs:
        lonely = labels[pairs.index(None)]
        raise UserError(f"tagger.both_strands: the label {lonely} has no other with the opposite sign: set it to false")
    return np.array([*pairs, IGNORED], np.int8)
