"""The registered models of handwriting, as MLflow runs them: pictures of lines or single glyphs in, text out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.fields.handwriting import own, pen
from unroll.patterns.transcriber import Transcriber


class Written(BaseModel):
    """A row of the input.

    Of a line ``image``, the path of its picture; of a glyph its ``steps`` as the examples of the task have them: rows
    of pixels or single ones, 0 for paper to 255 for ink, or the movements of a pen.
    """

    image: str = ""
    steps: list[list[float]] = []


class Read(BaseModel):
    """A row of the output: the text of a line or the label of a glyph, and how sure that is."""

    text: str
    confidence: float


class Served(PythonModel):
    """Reads lines or glyphs one by one, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.pattern = import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint)

    def predict(self, context: PythonModelContext, model_input: list[Written]) -> list[Read]:
        """Reads each row. From these types MLflow infers the model's signature."""
        return [self._read(row) for row in model_input]

    def _read(self, row: Written) -> Read:
        if isinstance(self.pattern, Transcriber):
            found = own.read(self.pattern, Path(row.image))
            return Read(text=found.text, confidence=found.confidence)
        dtype = np.float32 if self.pattern.shape == pen.SHAPE else np.uint8
        (known,) = self.pattern.classify([np.array(row.steps, dtype)])
        return Read(text=known.label, confidence=known.probabilities[known.label])


set_model(Served())
