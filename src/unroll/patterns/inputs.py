"""What a pattern reads, codes or frames, as the featurized table says that it learns from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


def _which(value: Any) -> str:
    """So that a mistake in one of them is not explained as one in the other, too."""
    return "vision" if isinstance(value, Vision) or (isinstance(value, Mapping) and "channels" in value) else "codes"


# How the inputs of a task become those of the layers: the codes of one, the frames of another.
Reading = Annotated[Annotated[Embedding, Tag("codes")] | Annotated[Vision, Tag("vision")], Discriminator(_which)]


@dataclass(frozen=True)
class Inputs:
    """The featurizer and its settings; of frames also the ``shape`` [C, H, W] of one, and how many are a second.

    ``frames_per_second`` is 0 where time has no unit.
    """

    featurizer: str
    feature_settings: dict[str, Any]
    shape: list[int] | None = None
    frames_per_second: float = 0.0

    @classmethod
    def of(cls, table: pa.Table) -> "Inputs":
        """As the metadata of a featurized table have them."""
        known = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        made = known["featurizer"], json.loads(known["settings"])
        if "shape" not in known:
            return cls(*made)
        return cls(*made, json.loads(known["shape"]), float(known["frames_per_second"]))

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

    def encoder(
        self, recurrent: Recurrent, reading: Embedding | Vision, masked: float = 0, stack: int | None = None
    ) -> Encoder:
        """A new encoder of them, which makes a step of ``stack`` inputs (none: as ``reading`` says, or else one).

        Raises ``UserError`` where ``reading`` is of the other kind or does not fit.
        """
        if self.shape is None:
            if isinstance(reading, Vision):
                raise UserError(f"{self.featurizer} makes codes: their models want an embedding of features and spread")
            return CodeEncoder(recurrent, self.features.codes, stack or 1, reading, masked)
        if isinstance(reading, Embedding):
            raise UserError(f"{self.featurizer} makes frames: their models want the settings of a vision, as channels")
        if stack not in (None, reading.steps):
            raise UserError(f"stack: {stack} inputs are a step of the task, but {reading.steps} of this model's vision")
        if masked:
            raise UserError("masked: frames are hidden by the vision of a model: set it to 0")
        return FrameEncoder(recurrent, self.shape, reading)

    def start(self, encoder: Encoder, checkpoint: Mapping[str, Any], source: str) -> None:
        """Copies the encoder of another pattern's ``checkpoint``, the model that is called ``source``.

        Raises ``UserError`` naming that and what differs, unless it reads the same in the same way.
        """
        plain = checkpoint.get("inputs", {})
        other = plain.get("featurizer", "text"), plain.get("feature_settings", {})
        if other != (self.featurizer, self.feature_settings):
            raise UserError(
                f"{source} cannot start this model: it reads {other[0]} with {other[1]},"
                f" not {self.featurizer} with {self.feature_settings}"
            )
        encoder.start_from(checkpoint["weights"], source)


def rows_of(table: pa.Table) -> list[np.ndarray]:
    """The codes (N,) or frames (T, D) of each row of a featurized table, as views of the mapped file."""
    return matrices(table["frames"]) if "frames" in table.column_names else vectors(table["codes"])
