"""A sequence of codes or frames → one label: encoder, pooling over time, a distribution over the labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int, Real
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.errors import UserError
from unroll.params import STRICT, Model, Share
from unroll.patterns.inputs import Inputs, Reading, rows_of
from unroll.patterns.pooling import Kind, Pooling

UNKNOWN = -1  # the number of a label that does not occur in the training table


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The classifier of a task.

    ``pooling``: summaries of the steps, used side by side, see ``unroll.patterns.pooling``; ``masked``: share of the
    codes that are hidden in training; ``balance``: an example weighs by the inverse square root of its label's
    frequency, so that rare labels are learned too.
    """

    pooling: Annotated[list[Kind], Field(min_length=1)]
    masked: Share
    balance: bool


@dataclass(frozen=True, config=STRICT)
class ClassifierModel(Model):
    """A variant of a classifier's task.

    ``embedding``: what the layers read of a step, of codes or of frames; ``start``: the model whose encoder this one
    starts from, as ``biology/secondary_structure/lstm``, or nothing; ``frozen``: keep that encoder as it is and learn
    what follows it, which takes a third of the time; a share: for so much of the steps, so that what follows does not
    spoil it as long as it knows nothing (the gradual unfreezing of Howard & Ruder 2018, "Universal language model
    fine-tuning for text classification", section 3.3, but all layers at once).
    """

    embedding: Reading
    start: str
    frozen: bool | Share

    def __post_init__(self) -> None:
        if self.frozen and not self.start:
            raise ValueError("frozen wants a start: an encoder that learned nothing should learn")


class Example(NamedTuple):
    """A row: ``inputs`` is a view of the mapped table, int16 codes (N,) or frames (N, D)."""

    id: str
    inputs: np.ndarray
    label: str


class Batch(NamedTuple):
    """Padded examples; a label unknown to the model is -1."""

    ids: list[str]
    inputs: Real[Tensor, "B S ..."]
    lengths: Int[Tensor, "B"]
    labels: Int[Tensor, "B"]


class Class(NamedTuple):
    """The most probable label, and the probability of each by name."""

    label: str
    probabilities: dict[str, float]


class Classifier(nn.Module):
    """Codes, one a step, or frames → encoder → pooling → a score for each label."""

    def __init__(self, settings: Settings, model: ClassifierModel, inputs: Inputs, labels: Sequence[str]) -> None:
        super().__init__()
        self.settings, self.model, self.inputs, self.labels = settings, model, inputs, list(labels)
        self.featurizer, self.features, self.shape = inputs.featurizer, inputs.features, inputs.shape
        self.encoder = inputs.encoder(model.recurrent, model.embedding, settings.masked)
        self.encoder.requires_grad_(model.frozen is not True)
        self.frozen = bool(model.frozen)
        self.pooling = Pooling(settings.pooling, self.encoder.outputs, model.recurrent.bidirectional)
        self.scale = nn.LayerNorm(self.pooling.outputs)  # means are small, and maxima are not
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.pooling.outputs, len(labels))
        self.register_buffer("weights", torch.ones(len(labels)))
        self._index = {label: number for number, label in enumerate(self.labels)}

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: ClassifierModel) -> "Classifier":
        """A new one with the labels of the training ``table`` and their weights."""
        labels, counts = np.unique(table["label"].to_pylist(), return_counts=True)
        if len(labels) < 2:
            raise UserError(f"all training examples have the label {labels[0]}: a classifier needs at least two")
        new = cls(settings, model, Inputs.of(table), labels.tolist())
        new.encoder.standardise(rows_of(table))
        if settings.balance:
            weights = counts**-0.5
            new.weights.copy_(torch.from_numpy(weights * counts.sum() / (weights * counts).sum()))  # 1 on the average
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table."""
        rows = (table["id"].to_pylist(), rows_of(table), table["label"].to_pylist())
        return [Example(*row) for row in zip(*rows, strict=True)]

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example."""
        return self.encoder.steps(len(example.inputs))

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, some of their codes hidden, or their frames varied."""
        inputs, lengths = self.encoder.padded([example.inputs for example in examples], rng)
        labels = torch.tensor([self._index.get(example.label, UNKNOWN) for example in examples])
        return Batch([example.id for example in examples], inputs, lengths, labels)

    def train(self, mode: bool = True) -> "Classifier":
        """As ``nn.Module.train``, but an encoder that is frozen reads as it does in use, without dropout."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def advance(self, share: float) -> None:
        """Freezes the encoder or not, when this ``share`` of the training is over.

        Raises ``UserError`` where it would thaw in several processes, which agree at first on what learns.
        """
        if 0 < self.model.frozen < 1 and torch.distributed.is_initialized():
            raise UserError("frozen: in several processes for all of the steps or none: set it to true or false")
        self.frozen = share < self.model.frozen  # to which True is 1
        self.encoder.requires_grad_(not self.frozen)
        self.train(self.training)

    def forward(self, inputs: Real[Tensor, "B S ..."], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """The score of each label, any number."""
        pooled = self.pooling(self.encoder(inputs, lengths), self.encoder.steps(lengths))
        return self.output(self.dropout(self.scale(pooled)))

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the examples of -log P(label), in nats, times the label's weight."""
        return self._losses(batch, self(batch.inputs, batch.lengths)).mean()

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Class]:
        """The label of each row."""
        probabilities = self(batch.inputs, batch.lengths).float().softmax(1)
        found = zip(probabilities.argmax(1).tolist(), probabilities.tolist(), strict=True)
        return [Class(self.labels[best], dict(zip(self.labels, row, strict=True))) for best, row in found]

    def classify(self, rows: Sequence[np.ndarray]) -> list[Class]:
        """The label of each row of codes (N,) or frames (N, D), read one by one."""
        return [self.predict(self.batch([Example("", row, "")]))[0] for row in rows]

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The share of the examples whose label is wrong, and the mean loss."""
        wrong, losses = [], []
        for batch in batches:
            scores = self(batch.inputs, batch.lengths)
            wrong += (scores.argmax(1) != batch.labels).tolist()
            losses += self._losses(batch, scores).tolist()
        return {"error_rate": float(np.mean(wrong)), "loss": float(np.mean(losses))}

    def start_from(self, checkpoint: Mapping[str, Any]) -> None:
        """Copies the encoder of another pattern's checkpoint, the one of ``start``.

        Raises ``UserError`` naming ``start`` and what differs where it does not fit.
        """
        self.inputs.start(self.encoder, checkpoint, self.model.start)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "classifier",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "inputs": self.inputs.plain(),
            "labels": self.labels,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Classifier":
        """The classifier whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(ClassifierModel, checkpoint["model"], "checkpoint: model")
        restored = cls(settings, model, Inputs.restored(checkpoint["inputs"]), checkpoint["labels"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _losses(self, batch: Batch, scores: Float[Tensor, "B V"]) -> Float[Tensor, "B"]:
        return functional.cross_entropy(scores, batch.labels, self.weights, ignore_index=UNKNOWN, reduction="none")


Pattern = Classifier
