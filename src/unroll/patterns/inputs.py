"""What a pattern reads, codes, frames or words, as the featurized table says that it learns from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Discriminator, Tag

from unroll import params
from unroll.errors import UserError
from unroll.examples import matrices, vectors
from unroll.params import Recurrent
from unroll.patterns.encoder import CodeEncoder, Embedding, Encoder
from unroll.patterns.vision import FrameEncoder, Vision
from unroll.patterns.words import WordEmbedding, WordEncoder


def _which(value: Any) -> str:
    """So that a mistake in one of them is not explained as one in the others, too."""
    keys = value if isinstance(value, Mapping) else getattr(value, "__dict__", ())
    return "vision" if "channels" in keys else "words" if "letters" in keys else "codes"


# How the inputs of a task become those of the layers: the codes of one, the frames of another.
Reading = Annotated[
    Annotated[Embedding, Tag("codes")] | Annotated[Vision, Tag("vision")] | Annotated[WordEmbedding, Tag("words")],
    Discriminator(_which),
]
# Which of them what is read wants, and what that is in params.yaml.
_WANTED = {
    "codes": (Embedding, "an embedding of features and spread"),
    "frames": (Vision, "the settings of a vision, as channels"),
    "words": (WordEmbedding, "an embedding of features, spread and letters"),
}


@dataclass(frozen=True)
class Inputs:
    """The featurizer and its settings; of frames also the ``shape`` [C, H, W] of one, and how many are a second.

    ``frames_per_second`` is 0 where time has no unit. ``vocabulary``: of a text, what its codes stand for, as
    ``unroll.features.tokens`` writes it down; of words, what ``unroll.features.words`` does.
    """

    featurizer: str
    feature_settings: dict[str, Any]
    shape: list[int] | None = None
    frames_per_second: float = 0.0
    vocabulary: dict[str, Any] | None = None

    @classmethod
    def of(cls, table: pa.Table) -> "Inputs":
        """As the metadata of a featurized table have them."""
        return cls.made({key.decode(): value.decode() for key, value in table.schema.metadata.items()})

    @classmethod
    def made(cls, known: Mapping[str, str]) -> "Inputs":
        """As a featurizer's own words about what it made have them."""
        new = cls(known["featurizer"], json.loads(known["settings"]))
        if "shape" in known:
            return replace(new, shape=json.loads(known["shape"]), frames_per_second=float(known["frames_per_second"]))
        if "vocabularies" in known:
            return replace(new, vocabulary=json.loads(known["vocabularies"])["text"])
        return new

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> "Inputs":
        """What :meth:`plain` wrote down."""
        return cls(**plain)

    def plain(self) -> dict[str, Any]:
        """Lists, numbers and strings alone, as ``torch.save`` likes them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @cached_property
    def features(self) -> Any:
        """The featurizer's settings, checked."""
        kind = import_module(f"unroll.features.{self.featurizer}").Settings
        return params.check(kind, self.feature_settings, self.featurizer)

    @property
    def codes(self) -> int:
        """How many codes there are, the unknown included; of a text it is the one that language models begin with."""
        return len(self.vocabulary["symbols"]) + 1 if self.vocabulary else self.features.codes

    def encoder(
        self,
        recurrent: Recurrent,
        reading: Embedding | Vision | WordEmbedding,
        masked: float = 0.0,
        stack: int | None = None,
    ) -> Encoder:
        """A new encoder of them, which makes a step of ``stack`` inputs (none: as ``reading`` says, or else one).

        Raises ``UserError`` where ``reading`` is of another kind or does not fit.
        """
        kind = "frames" if self.shape else "words" if self.featurizer == "words" else "codes"
        wanted, said = _WANTED[kind]
        if not isinstance(reading, wanted):
            raise UserError(f"{self.featurizer} makes {kind}: their models want {said}")
        if kind == "codes":
            return CodeEncoder(recurrent, self.codes, stack or 1, reading, masked)
        if kind == "words":
            if stack not in (None, 1):
                raise UserError(f"stack: {stack} words are no step, but one is: set it to 1")
            letters = len(self.vocabulary["letters"]) + 2  # of which one is none, and one the unknown
            return WordEncoder(recurrent, self.codes, letters, reading, masked)
        if stack not in (None, reading.steps):
            raise UserError(f"stack: {stack} inputs are a step of the task, but {reading.steps} of this model's vision")
        if masked:
            raise UserError("masked: frames are hidden by the vision of a model: set it to 0")
        return FrameEncoder(recurrent, self.shape, reading)

    def start(self, encoder: Encoder, checkpoint: Mapping[str, Any], source: str) -> None:
        """Copies the encoder of another pattern's ``checkpoint``, the model that is called ``source``.

        A language model is one, but for its heads. Raises ``UserError`` naming the model and what differs, unless it
        reads the same in the same way.
        """
        weights = checkpoint["weights"]
        if checkpoint.get("pattern") == "language_model":
            if checkpoint["model"]["ngrams"]:
                raise UserError(f"{source} cannot start this model, which reads no n-grams: set its ngrams to null")
            other = Inputs.made(checkpoint["codes"]["made"])
            weights = {f"encoder.{name}": each for name, each in weights.items() if not name.startswith("heads.")}
        else:
            other = Inputs.restored(checkpoint.get("inputs", {"featurizer": "text", "feature_settings": {}}))
        if (other.featurizer, other.feature_settings) != (self.featurizer, self.feature_settings):
            raise UserError(
                f"{source} cannot start this model: it reads {other.featurizer} with {other.feature_settings},"
                f" not {self.featurizer} with {self.feature_settings}"
            )
        if other.vocabulary != self.vocabulary:
            raise UserError(
                f"{source} cannot start this model: its {self.featurizer} have another vocabulary: make the features of"
                " both from the same training texts"
            )
        encoder.start_from(weights, source)


def rows_of(table: pa.Table) -> list[np.ndarray]:
    """The codes (N,), words (N, D) or frames (T, D) of each row of a featurized table, as views of the mapped file."""
    return arrays(table["frames" if "frames" in table.column_names else "codes"])


def arrays(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The arrays of a column of vectors (N,) or of matrices (N, D), as views of the mapped file."""
    return matrices(column) if pa.types.is_fixed_size_list(column.type.value_type) else vectors(column)
