"""The registered model of a translator, as MLflow runs it: texts in, translations out, or words and their phones.

MLflow copies this file beside the checkpoint and executes the copy, so it imports the package by its full name.
"""

import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from pydantic import BaseModel

from unroll.fields.translation import own
from unroll.patterns.translator import Translator


class Text(BaseModel):
    """A row of the input: a string of an interface, or a word in lower case."""

    text: str


class Translated(BaseModel):
    """A row of the output: the translation, or phones with blanks between, and the logarithm of its probability."""

    text: str
    log_prob: float


class Served(PythonModel):
    """Translates texts one by one, as the command does, so that a result never depends on its neighbours."""

    def load_context(self, context: PythonModelContext) -> None:
        """Restores the pattern from its checkpoint."""
        checkpoint = torch.load(context.artifacts["checkpoint"], map_location="cpu", weights_only=True)
        self.translator = Translator.restored(checkpoint)
        # Letters are read and words, which are phones, written: what else would need both is not learned.
        self.spells = (self.translator.source.units, self.translator.target.units) == ("characters", "words")

    def predict(self, context: PythonModelContext, model_input: list[Text]) -> list[Translated]:
        """Translates each text, or pronounces each word; one of blanks alone stays.

        From these types MLflow infers the model's signature.
        """
        return [self._translated(row.text) for row in model_input]

    def _translated(self, text: str) -> Translated:
        if not text.strip():
            return Translated(text=text, log_prob=0.0)
        if self.spells:
            ((found, log_prob),) = own.pronounce(self.translator, text)
        else:
            (((found, log_prob),),) = own.translate(self.translator, [text])
        return Translated(text=found, log_prob=log_prob)


set_model(Served())
