"""Where things lie, relative to the root of the project. Only the stages and the command line know this."""

import os
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError

PARAMS = Path("params.yaml")
CODE = Path("src/unroll")
CATALOGUE = Path("data/catalogue.yaml")
RAW = Path("data/raw")
MODELS = Path("models")
METRICS = Path("reports/metrics")
FIGURES = Path("reports/figures")
REPORTS = Path("reports")
DATABASE = Path("mlflow.db")
ARTIFACTS = Path("mlartifacts")
SPLITS = ("train", "valid", "test")


def enter_project() -> None:
    """Makes the root of the project the working directory: the nearest above, else the one this code lies in.

    Paths that the user gave must be made absolute before.
    """
    here = Path.cwd()
    for root in (here, *here.parents, Path(__file__).resolve().parents[3]):
        if (root / PARAMS).is_file() and (root / "pipelines").is_dir():
            os.chdir(root)
            return
    raise UserError(f"no project here: run inside a clone of it, where {PARAMS} lies")


class Task(NamedTuple):
    """A task by its field and name, written ``speech/digits``."""

    field: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Task":
        """The task that ``text`` names."""
        field, _, name = text.partition("/")
        if not field.isidentifier() or not name.isidentifier():
            raise UserError(f"{text!r} is not a task: a task is written field/task, such as speech/digits")
        return cls(field, name)

    def __str__(self) -> str:
        return f"{self.field}/{self.name}"

    @property
    def examples(self) -> Path:
        """Folder of the examples, a table a split."""
        return Path("data/examples", self.field, self.name)

    @property
    def features(self) -> Path:
        """Folder of the featurized examples, a table a split."""
        return Path("data/features", self.field, self.name)

    def model(self, model: str, fold: str | None = None) -> Path:
        """Folder of a trained model (``model.pt``, ``history.csv``, ``training.json``), or of one of its folds."""
        return Path(MODELS, self.field, self.name, model, fold or "")

    def metrics(self, model: str) -> Path:
        """The metrics of a model."""
        return Path(METRICS, self.field, self.name, f"{model}.json")

    def figures(self, model: str) -> Path:
        """Folder of what a model is shown by: ``exhibits.json`` and its figures, and ``predictions.csv``."""
        return Path(FIGURES, self.field, self.name, model)
