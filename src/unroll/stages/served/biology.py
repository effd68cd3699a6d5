"""The registered models of biology, as MLflow runs them: sequences in, what was learned of them out.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

from importlib import import_module

import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.features import kmers
from unroll.patterns.classifier import Classifier


class Sequence(BaseModel):
    """A row of the input: DNA, RNA or a protein."""

    sequence: str


class Found(BaseModel):
    """A row of the output: the label of the sequence, or those of its steps joined by commas, and the mean confidence.

    A tagger of DNA labels every third base (``unroll.sources.genomes.LABELS``), one of proteins every residue.
    """

    label: str
    confidence: float


class Served(PythonModel):
    """Reads sequences one by one, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.pattern = import_module(f"unroll.patterns.{checkpoint['pattern']}").Pattern.restored(checkpoint)

    def predict(self, context: PythonModelContext, model_input: list[Sequence]) -> list[Found]:
        """Labels each sequence. From these types MLflow infers the model's signature."""
        return [self._found(self._written(row.sequence)) for row in model_input]

    def _written(self, sequence: str) -> str:
        """In the letters that the model was trained on."""
        sequence = sequence.upper()
        return sequence.replace("U", "T") if self.pattern.features.alphabet == "dna" else sequence

    def _found(self, sequence: str) -> Found:
        if isinstance(self.pattern, Classifier):
            (known,) = self.pattern.classify([kmers.encode(sequence, self.pattern.features)])
            return Found(label=known.label, confidence=known.probabilities[known.label])
        tagged = self.pattern.tag(sequence)
        labels = ",".join(self.pattern.labels[label] for label in tagged.labels)
        return Found(label=labels, confidence=float(tagged.probabilities.max(1).mean()))


set_model(Served())
