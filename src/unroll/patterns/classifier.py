"""A sequence of codes → one label: encoder, pooling over time, a distribution over the labels."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.errors import UserError
from unroll.examples import vectors
from unroll.features.kmers import Kmers
from unroll.params import STRICT, Model, Share
from unroll.patterns.encoder import Embedding, Encoder
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

    ``embedding``: what the layers read of a step; ``start``: the model whose encoder this one starts from, as
    ``biology/secondary_structure/lstm``, or nothing; ``frozen``: keep that encoder as it is and learn what follows it,
    which takes a third of the time.
    """

    embedding: Embedding
    start: str
    frozen: bool

    def __post_init__(self) -> None:
        if self.frozen and not self.start:
            raise ValueError("frozen wants a start: an encoder that learned nothing should learn")


class Example(NamedTuple):
    """A row: ``codes`` is an int16 (N,) view of the mapped table."""

    id: str
    codes: np.ndarray
    label: str


class Batch(NamedTuple):
    """Padded examples; a label unknown to the model is -1."""

    ids: list[str]
    codes: Int[Tensor, "B S"]
    lengths: Int[Tensor, "B"]
    labels: Int[Tensor, "B"]


class Class(NamedTuple):
    """The most probable label, and the probability of each by name."""

    label: str
    probabilities: dict[str, float]


class Classifier(nn.Module):
    """Codes, one a step → encoder → pooling → a score for each label."""

    def __init__(self, settings: Settings, model: ClassifierModel, features: Kmers, labels: Sequence[str]) -> None:
        super().__init__()
        self.settings, self.model, self.features, self.labels = settings, model, features, list(labels)
        self.encoder = Encoder(model.recurrent, features.codes, 1, model.embedding)
        self.encoder.requires_grad_(not model.frozen)
        self.pooling = Pooling(settings.pooling, self.encoder.outputs, model.recurrent.bidirectional)
        self.scale = nn.LayerNorm(self.pooling.outputs)  # means are small, and maxima are not
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.pooling.outputs, len(labels))
        self.register_buffer("weights", torch.ones(len(labels)))
        self._index = {label: number for number, label in enumerate(self.labels)}

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: ClassifierModel) -> "Classifier":
        """A new one with the labels of the training ``table`` and their weights."""
        metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        features = params.check(Kmers, json.loads(metadata["settings"]), metadata["featurizer"])
        labels, counts = np.unique(table["label"].to_pylist(), return_counts=True)
        if len(labels) < 2:
            raise UserError(f"all training examples have the label {labels[0]}: a classifier needs at least two")
        new = cls(settings, model, features, labels.tolist())
        if settings.balance:
            weights = counts**-0.5
            new.weights.copy_(torch.from_numpy(weights * counts.sum() / (weights * counts).sum()))  # 1 on the average
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table."""
        rows = (table["id"].to_pylist(), vectors(table["codes"]), table["label"].to_pylist())
        return [Example(*row) for row in zip(*rows, strict=True)]

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example: its codes."""
        return len(example.codes)

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, some of their codes hidden."""
        codes, lengths = self.encoder.padded([example.codes for example in examples], self.settings.masked, rng)
        labels = torch.tensor([self._index.get(example.label, UNKNOWN) for example in examples])
        return Batch([example.id for example in examples], codes, lengths, labels)

    def train(self, mode: bool = True) -> "Classifier":
        """As ``nn.Module.train``, but an encoder that is frozen always reads as it does in use, without dropout."""
        super().train(mode)
        if self.model.frozen:
            self.encoder.eval()
        return self

    def forward(self, codes: Int[Tensor, "B S"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B V"]:
        """The score of each label, any number."""
        return self.output(self.dropout(self.scale(self.pooling(self.encoder(codes, lengths), lengths))))

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the examples of -log P(label), in nats, times the label's weight."""
        return self._losses(batch, self(batch.codes, batch.lengths)).mean()

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Class]:
        """The label of each row."""
        probabilities = self(batch.codes, batch.lengths).float().softmax(1)
        found = zip(probabilities.argmax(1).tolist(), probabilities.tolist(), strict=True)
        return [Class(self.labels[best], dict(zip(self.labels, row, strict=True))) for best, row in found]

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The share of the examples whose label is wrong, and the mean loss."""
        wrong, losses = [], []
        for batch in batches:
            scores = self(batch.codes, batch.lengths)
            wrong += (scores.argmax(1) != batch.labels).tolist()
            losses += self._losses(batch, scores).tolist()
        return {"error_rate": float(np.mean(wrong)), "loss": float(np.mean(losses))}

    def start_from(self, checkpoint: Mapping[str, Any]) -> None:
        """Copies the encoder of another pattern's checkpoint, the one of ``start``.

        Raises ``UserError`` naming ``start`` and what differs where it does not fit.
        """
        if checkpoint["feature_settings"] != asdict(self.features):
            other = checkpoint["feature_settings"]
            raise UserError(
                f"{self.model.start} cannot start this model: it reads {other}, not {asdict(self.features)}"
            )
        self.encoder.start_from(checkpoint["weights"], self.model.start)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "classifier",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "featurizer": "kmers",
            "feature_settings": asdict(self.features),
            "labels": self.labels,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Classifier":
        """The classifier whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(ClassifierModel, checkpoint["model"], "checkpoint: model")
        features = params.check(Kmers, checkpoint["feature_settings"], "checkpoint: features")
        restored = cls(settings, model, features, checkpoint["labels"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _losses(self, batch: Batch, scores: Float[Tensor, "B V"]) -> Float[Tensor, "B"]:
        return functional.cross_entropy(scores, batch.labels, self.weights, ignore_index=UNKNOWN, reduction="none")


Pattern = Classifier
