"""The registered models of music, as MLflow runs them: what is asked for in, music out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

from typing import Annotated

import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel, Field

from unroll.fields.music import composing, writing
from unroll.fields.music.composing import Wish
from unroll.patterns.language_model import LanguageModel


class Asked(BaseModel):
    """A row of the input, within the bounds of ``unroll compose``."""

    bars: Annotated[int, Field(ge=1, le=128)]
    seed: int
    key: str = ""
    metre: str = ""
    temperature: Annotated[float, Field(ge=0.1, le=2)] = writing.TEMPERATURE


class Music(BaseModel):
    """A row of the output: a tune as ABC text, or four voices.

    A voice has a number for each sixteenth: +p where a note of the MIDI pitch p begins, -p where it is held, 0 for a
    rest.
    """

    abc: str
    voices: list[list[int]]


class Served(PythonModel):
    """Writes pieces one by one, so that one never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.pattern = LanguageModel.restored(checkpoint)

    def predict(self, context: PythonModelContext, model_input: list[Asked]) -> list[Music]:
        """Writes what each row asks for. From these types MLflow infers the model's signature."""
        return [self._written(row) for row in model_input]

    def _written(self, row: Asked) -> Music:
        wish = Wish(row.key, row.metre, row.bars, writing.at(row.temperature), row.seed)
        if self.pattern.codes.streams == 1:
            return Music(abc=composing.tune(self.pattern, wish), voices=[])
        return Music(abc="", voices=composing.chorale(self.pattern, wish).voices.T.tolist())


set_model(Served())
