"""The registered model of a transcriber, as MLflow runs it: paths of recordings in, text and confidence out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

from pathlib import Path

import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.patterns.transcriber import Transcriber, transcript_of
from unroll.sources import audio


class Recording(BaseModel):
    """A row of the input: ``audio`` is the path of a recording."""

    audio: str


class Heard(BaseModel):
    """A row of the output: what was said, and the mean confidence in its words."""

    text: str
    confidence: float


class Served(PythonModel):
    """Transcribes recordings one by one, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.transcriber = Transcriber.restored(checkpoint)

    def predict(self, context: PythonModelContext, model_input: list[Recording]) -> list[Heard]:
        """Transcribes each recording. From these types MLflow infers the model's signature."""
        return [self._heard(Path(recording.audio)) for recording in model_input]

    def _heard(self, path: Path) -> Heard:
        blocks = audio.read_blocks(path, self.transcriber.features.sample_rate)
        transcript = transcript_of(list(self.transcriber.listen(blocks)))
        return Heard(text=transcript.text, confidence=transcript.confidence)


set_model(Served())
