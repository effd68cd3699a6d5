"""The registered models of video, as MLflow runs them: clips or readings of sensors in, what is done in them out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name. A
model over the features of a network that learned elsewhere wants the file of its weights where it lay in training.
"""

from importlib import import_module

import numpy as np
import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.fields.video import recognising


class Clip(BaseModel):
    """A row of the input: steps in their order, as many a second as the model learned from.

    A step is a square grey picture, its pixels (0 to 255) row by row, or the readings of the sensors.
    """

    steps: list[list[float]]


class Found(BaseModel):
    """A row of the output: the action, or actions in their order, or a sentence; and how sure that is (0 to 1)."""

    label: str
    confidence: float


class Served(PythonModel):
    """Reads clips one by one, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.pattern = import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint)
        inputs = recognising.inputs_of(self.pattern)
        self.sensors = inputs.featurizer == "pixels" and inputs.shape[1:] == [1, 1]

    def predict(self, context: PythonModelContext, model_input: list[Clip]) -> list[Found]:
        """What is done in each clip. From these types MLflow infers the model's signature."""
        return [self._found(np.array(row.steps, np.float32)) for row in model_input]

    def _found(self, steps: np.ndarray) -> Found:
        read = steps if self.sensors else steps.clip(0, 255).astype(np.uint8)
        label, confidence, _ = recognising.whole(self.pattern, read)
        return Found(label=label, confidence=confidence)


set_model(Served())
