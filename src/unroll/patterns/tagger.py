"""Codes or frames → a label for each step: encoder, and a distribution per step or a conditional random field."""

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
from torch.nn import functional

from unroll import params
from unroll.decoding import crf
from unroll.decoding.crf import IGNORED
from unroll.errors import UserError
from unroll.examples import vectors
from unroll.features import kmers
from unroll.params import STRICT, Count, Model, Share, Whole
from unroll.patterns.inputs import Inputs, Reading, rows_of

STEPS_AT_ONCE = 32_768  # of windows read side by side in a long sequence, which bounds its memory


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The tagger of a task.

    ``stack``: codes or frames a step; ``window``: how many are read at once; ``margin``: how many at either end of a
    window are read and not judged; ``masked``: share of the codes that are hidden in training; ``both_strands``: learn
    from the other strand of DNA too; ``crf``: labels depend on each other, as in ``unroll.decoding.crf``.
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

    ``embedding``: what the layers read of a step, of codes or of frames; ``start``: the model whose encoder this one
    starts from, as ``video/actions/gru``, or nothing.
    """

    embedding: Reading
    start: str


class Example(NamedTuple):
    """A window of a row: views of the mapped table from its input ``start`` on.

    ``inputs`` are codes (N,) or frames (N, D), and ``labels`` (N,) theirs.

    ``core`` is the first of its own steps that is judged and the first that no longer is; the cores of a row's windows
    tile it.
    """

    id: str
    start: int
    inputs: np.ndarray
    labels: np.ndarray
    core: tuple[int, int]


class Batch(NamedTuple):
    """Padded windows: N = S times ``stack`` inputs; ``labels`` are -1 on padding, where unknown or not judged."""

    ids: list[str]
    inputs: Real[Tensor, "B N ..."]
    lengths: Int[Tensor, "B"]
    labels: Int[Tensor, "B S"]
    cores: list[tuple[int, int]]


class Tagged(NamedTuple):
    """The judged steps of an example: float32 ``probabilities`` (S, V) and int8 ``labels`` (S,)."""

    probabilities: np.ndarray
    labels: np.ndarray


class Tagger(nn.Module):
    """``stack`` codes or frames a step → encoder → a score for each label, normalised by step or as a linear chain.

    A step's label is that of its first input. The number of a label is its place in ``labels``; names that differ in
    their sign only, as ``+1`` and ``-1``, are each other's on the other strand.
    """

    def __init__(self, settings: Settings, model: TaggerModel, inputs: Inputs, labels: Sequence[str]) -> None:
        super().__init__()
        self.settings, self.model, self.inputs, self.labels = settings, model, inputs, list(labels)
        self.featurizer, self.features, self.shape = inputs.featurizer, inputs.features, inputs.shape
        self.encoder = inputs.encoder(model.recurrent, model.embedding, settings.masked, settings.stack)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.encoder.outputs, len(labels))
        self.transitions = nn.Parameter(torch.zeros(len(labels), len(labels))) if settings.crf else None
        self._mirror = _mirror(self.labels) if settings.both_strands else None

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TaggerModel) -> "Tagger":
        """A new one for the features and the labels that the training ``table`` names in its metadata."""
        inputs = Inputs.of(table)
        letters = "frames" if inputs.shape else inputs.features.alphabet
        if settings.both_strands and letters != "dna":
            raise UserError(f"tagger.both_strands: a sequence of {letters} has one strand: set it to false")
        new = cls(settings, model, inputs, json.loads(table.schema.metadata[b"labels"]))
        new.encoder.standardise(rows_of(table))
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table, cut into overlapping windows; nothing is copied."""
        rows = zip(table["id"].to_pylist(), rows_of(table), vectors(table["labels"]), strict=True)
        return [window for row in rows for window in self.windows(*row)]

    def windows(self, name: str, inputs: np.ndarray, labels: np.ndarray) -> list[Example]:
        """A row of codes (N,) or frames (N, D) and labels (N,) in windows of equal length, whose cores tile it."""
        stack, found = self.settings.stack, []
        window, margin = self.settings.window // stack, self.settings.margin // stack
        for start, stop, core in _cut(self.encoder.steps(len(inputs)), window, margin):
            own = slice(start * stack, stop * stack)
            found.append(Example(name, own.start, inputs[own], labels[own], core))
        return found

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example: its inputs over ``stack``."""
        return self.encoder.steps(len(example.inputs))

    def truth(self, example: Example) -> np.ndarray:
        """int8 (S,): the true labels of the judged steps, -1 where there is none."""
        return example.labels[:: self.settings.stack][slice(*example.core)]

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, to learn from: see :meth:`_varied`."""
        seen = [self._judged(example) if rng is None else self._varied(example, rng) for example in examples]
        inputs, lengths = self.encoder.padded([inputs for inputs, _ in seen], rng)
        labels = np.full((len(seen), self.encoder.steps(int(lengths.max()))), IGNORED, np.int64)
        for line, (_, known) in zip(labels, seen, strict=True):
            line[: len(known)] = known
        names = [example.id for example in examples]
        return Batch(names, inputs, lengths, torch.from_numpy(labels), [example.core for example in examples])

    def forward(self, inputs: Real[Tensor, "B N ..."], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S V"]:
        """The score of each label at each step, any number."""
        return self.output(self.dropout(self.encoder(inputs, lengths))).float()

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the labelled steps of -log P(label), in nats."""
        known = (batch.labels != IGNORED).sum().clamp(min=1)
        return self._loss(batch, self(batch.inputs, batch.lengths)) / known

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Tagged]:
        """The labels of each window's judged steps: with a conditional random field those of the best sequence."""
        scores, steps = self(batch.inputs, batch.lengths), self.encoder.steps(batch.lengths)
        if self.transitions is None:
            probabilities = scores.softmax(2)
        else:
            probabilities = crf.marginals(scores, self.transitions, steps)
        columns = (probabilities.cpu().numpy(), self._labels(scores, batch).cpu().numpy().astype(np.int8))
        return [Tagged(*(each[row, slice(*core)] for each in columns)) for row, core in enumerate(batch.cores)]

    def tag(self, sequence: str) -> Tagged:
        """The label of every step of a sequence of letters."""
        return self.tag_steps(kmers.encode(sequence, self.features))

    def tag_steps(self, row: np.ndarray) -> Tagged:
        """The label of every step of codes (N,) or frames (N, D), any N, by windows; so that memory is bounded."""
        windows = self.windows("", row, np.broadcast_to(np.int8(IGNORED), len(row)))
        steps = self.encoder.steps(len(row))
        # Made first: what stays, allocated between what goes, would keep the memory of every batch from being reused.
        probabilities, labels = np.empty((steps, len(self.labels)), np.float32), np.empty(steps, np.int8)
        few, done = max(1, STEPS_AT_ONCE // self.steps(windows[0])), 0
        for first in range(0, len(windows), few):
            for part in self.predict(self.batch(windows[first : first + few])):
                own = slice(done, done + len(part.labels))
                probabilities[own], labels[own] = part
                done = own.stop
        return Tagged(probabilities, labels)

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The share of the labelled steps whose label is wrong, and the mean loss of these steps."""
        wrong, loss, count = 0, 0.0, 0
        for batch in batches:
            scores, known = self(batch.inputs, batch.lengths), batch.labels != IGNORED
            wrong += int((known & (self._labels(scores, batch) != batch.labels)).sum())
            loss += self._loss(batch, scores).item()
            count += int(known.sum())
        return {"error_rate": wrong / max(1, count), "loss": loss / max(1, count)}

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
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Tagger":
        """The tagger whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TaggerModel, checkpoint["model"], "checkpoint: model")
        restored = cls(settings, model, Inputs.restored(checkpoint["inputs"]), checkpoint["labels"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _judged(self, example: Example) -> tuple[np.ndarray, np.ndarray]:
        """An example's inputs, and its steps' labels, ignored outside the core."""
        labels = np.full(self.steps(example), IGNORED, np.int8)
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

    def _loss(self, batch: Batch, scores: Float[Tensor, "B S V"]) -> Tensor:
        """-log P of the labels of all labelled steps."""
        if self.transitions is not None:
            steps = self.encoder.steps(batch.lengths)
            return crf.negative_log_likelihood(scores, self.transitions, batch.labels, steps).sum()
        flat, labels = scores.flatten(0, 1), batch.labels.flatten()
        return functional.cross_entropy(flat, labels, ignore_index=IGNORED, reduction="sum")

    def _labels(self, scores: Float[Tensor, "B S V"], batch: Batch) -> Int[Tensor, "B S"]:
        if self.transitions is None:
            return scores.argmax(2)
        return crf.viterbi(scores, self.transitions, self.encoder.steps(batch.lengths))


Pattern = Tagger


def joined(parts: Sequence[Tagged]) -> Tagged:
    """The predictions of a row's windows, in their order, as one."""
    return Tagged(*map(np.concatenate, zip(*parts, strict=True)))


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
