"""Experiment tracking with MLflow: a run per trained model, found again by what it was trained from.

A run carries its :func:`key` as the tag ``dvc.key``. Training the same once more replaces the run; anything new in
parameters, code or data adds one. No identifier of MLflow's is ever kept outside its database, so the results of a
stage may come from DVC's cache while the database is new, or the other way round.
"""

import hashlib
import json
import logging
import math
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from filelock import FileLock

from unroll.errors import UserError
from unroll.files import sha256

CHAMPION = "champion"
SCORE = "validation"  # the tag of a registered version that holds its score
# What a registered model depends on, beside this package, which is installed from the project.
REQUIREMENTS = ("numpy", "pandas", "scipy", "soundfile", "soxr", "torch", "torchaudio")
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
# Limits of MLflow's: entities in one call, and characters in a digest.
METRICS_PER_CALL = 1000
PARAMETERS_PER_CALL = 100
DIGEST_CHARACTERS = 36

Row = Mapping[str, float]


class Training(NamedTuple):
    """What is known of a training before it begins.

    ``task`` as in ``speech/digits``, ``model`` as in ``lstm``, ``stage`` by its name in DVC, ``key`` from
    :func:`key`; ``parameters`` may be nested; ``digest`` is that of the data set, in hexadecimal.
    """

    task: str
    model: str
    stage: str
    key: str
    parameters: Mapping[str, Any]
    digest: str


def key(stage: str, parameters: Mapping[str, Any], files: Iterable[Path]) -> str:
    """The SHA-256 of a stage's name, its parameters and the names and contents of ``files`` (folders: all within)."""
    contents = sorted((file.as_posix(), sha256(file)) for path in files for file in _walk(path))
    return hashlib.sha256(json.dumps([stage, parameters, contents], sort_keys=True).encode()).hexdigest()


class Tracker:
    """The runs and registered models in an MLflow database, which is made on first use.

    Any number of processes may use the same database. A lock file beside it lets them in one at a time: MLflow
    fails where two make its tables or one registered model at once, and no election may miss a new version.
    """

    def __init__(self, database: Path, artifacts: Path):
        self._artifacts = artifacts.resolve()
        self._lock = FileLock(f"{database}.lock")
        self._mlflow = _mlflow()
        with self._lock:
            self._client = _client(self._mlflow, database)

    @contextmanager
    def run(self, training: Training) -> Iterator[Callable[[Row], None]]:
        """A new run in the place of those with the same key; yields what logs a row of the learning curves.

        A row has a ``step``. The run ends as FINISHED, as FAILED on an error, as KILLED when the user interrupts.
        """
        with self._lock:
            run = self._begin(training)

        def log(row: Row) -> None:
            with self._lock:
                self._log_curves(run, [row])

        try:
            yield log
        except BaseException as error:
            self._end(run, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        self._end(run, "FINISHED")

    def evaluated(
        self,
        training: Training,
        history: Iterable[Row],
        metrics: Mapping[str, float],
        figures: Path,
        checkpoint: Path,
        served: Path,
        score: float,
    ) -> None:
        """Adds to the run of ``training`` what its evaluation found, and registers the model.

        ``figures`` is a folder, ``checkpoint`` a ``model.pt``, ``served`` the file of code
        that MLflow is to run it with, ``score`` the best on the validation split: the
        version of the registered model with the smallest one becomes the champion. Where the run is missing,
        it is made again, with its curves from ``history``. To call it twice is the same as to call it once.
        """
        with self._lock:
            run = self._find(training)
            if run is None:
                run = self._begin(training)
                self._log_curves(run, history)
                self._end(run, "FINISHED")
            self._log(run, [(f"test/{name}", value, 0) for name, value in metrics.items()])
            self._client.log_artifacts(run, str(figures), "figures")
            if not self._client.search_model_versions(f"run_id = '{run}'"):
                self._register(run, training, checkpoint, served, score)
            self._elect(_registered(training.task))

    def _find(self, training: Training) -> str | None:
        """The run that finished with this key."""
        finished = (run for run in self._with_key(training) if run.info.status == "FINISHED")
        return next((run.info.run_id for run in finished), None)

    def _with_key(self, training: Training) -> list[Any]:
        experiment = self._experiment(training.task)
        return self._client.search_runs([experiment], f"tags.`dvc.key` = '{training.key}'")

    def _experiment(self, task: str) -> str:
        """The identifier of a task's experiment: made where there is none, brought back where it was deleted."""
        found = self._client.get_experiment_by_name(task)
        if found is None:
            return self._client.create_experiment(task, (self._artifacts / task).as_uri())
        if found.lifecycle_stage != "active":
            self._client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _begin(self, training: Training) -> str:
        for old in self._with_key(training):
            self._delete(old)
        entities = self._mlflow.entities
        tags = {"dvc.key": training.key, "dvc.stage": training.stage, **_provenance()}
        run = self._client.create_run(self._experiment(training.task), tags=tags, run_name=training.model).info.run_id
        parameters = [entities.Param(name, str(value)) for name, value in _flat(training.parameters)]
        for some in _parts(parameters, PARAMETERS_PER_CALL):
            self._client.log_batch(run, params=some)
        data = entities.Dataset(training.task, training.digest[:DIGEST_CHARACTERS], "local", "{}")
        context = entities.InputTag("mlflow.data.context", "training")
        self._client.log_inputs(run, [entities.DatasetInput(data, [context])])
        return run

    def _delete(self, run: Any) -> None:
        for registered in self._client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            self._client.delete_model_version(registered.name, registered.version)
            self._elect(registered.name)
        for output in run.outputs.model_outputs:
            self._client.delete_logged_model(output.model_id)
        self._client.delete_run(run.info.run_id)

    def _end(self, run: str, status: str) -> None:
        with self._lock:
            self._client.set_terminated(run, status)

    def _log_curves(self, run: str, rows: Iterable[Row]) -> None:
        self._log(run, [(_curve(name), row[name], int(row["step"])) for row in rows for name in row if name != "step"])

    def _log(self, run: str, points: Iterable[tuple[str, float, int]]) -> None:
        now = int(1000 * time.time())
        metrics = [self._mlflow.entities.Metric(name, float(value), now, step) for name, value, step in points]
        for some in _parts(metrics, METRICS_PER_CALL):
            self._client.log_batch(run, metrics=some)

    def _register(self, run: str, training: Training, checkpoint: Path, served: Path, score: float) -> None:
        """Stores the model as a pyfunc and makes it a version of the task's registered model.

        Through the client: the fluent ``log_model`` would set MLflow's global state and print on every call.
        """
        logged = self._client.create_logged_model(
            self._experiment(training.task), name=training.model, source_run_id=run
        )
        identity = {"run_id": run, "model_id": logged.model_id, "model_uuid": logged.model_id}
        with tempfile.TemporaryDirectory() as folder:
            self._mlflow.pyfunc.save_model(
                Path(folder, "model"),
                python_model=served,
                artifacts={"checkpoint": str(checkpoint)},
                pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
                mlflow_model=self._mlflow.models.Model(artifact_path=logged.artifact_location, **identity),
            )
            self._client.log_model_artifacts(logged.model_id, str(Path(folder, "model")))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(run, [self._mlflow.entities.LoggedModelOutput(logged.model_id, step=0)])
        name = _registered(training.task)
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        self._client.create_model_version(
            name, logged.artifact_location, run, tags={SCORE: str(score)}, model_id=logged.model_id
        )

    def _elect(self, name: str) -> None:
        """Gives the alias to the version with the smallest score, the oldest of equal ones; NaN is no score."""
        versions = self._client.search_model_versions(f"name = '{name}'")
        scores = [(float(each.tags.get(SCORE, "nan")), int(each.version)) for each in versions]
        scores = [pair for pair in scores if not math.isnan(pair[0])]
        if scores:
            self._client.set_registered_model_alias(name, CHAMPION, str(min(scores)[1]))


def _mlflow() -> ModuleType:
    """MLflow without telemetry and chatter; imported here, since that takes longer than most commands."""
    for variable, value in QUIET.items():
        os.environ.setdefault(variable, value)
    import mlflow.pyfunc

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow


def _client(mlflow: ModuleType, database: Path) -> Any:
    """A client of the database, with its tables made; refuses one whose tables are of another version."""
    try:
        return mlflow.MlflowClient(f"sqlite:///{database.resolve()}")
    except mlflow.MlflowException as error:
        if "out-of-date database schema" not in error.message:
            raise
        raise UserError(
            f"{database} was made by another version of MLflow: run `mlflow db upgrade sqlite:///{database}`"
        ) from None


def _walk(path: Path) -> Iterator[Path]:
    """The files in a folder, or the file itself; not what Python caches there, which differs between runs."""
    files = path.rglob("*") if path.is_dir() else [path]
    return (file for file in files if not file.is_dir() and "__pycache__" not in file.parts)


def _provenance() -> dict[str, str]:
    """The tags for the git commit and, under ``dvc exp run``, the name of the experiment."""
    tags = {"dvc.exp": os.environ.get("DVC_EXP_NAME", "")}
    if shutil.which("git"):
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        tags["mlflow.source.git.commit"] = head.stdout.strip() if head.returncode == 0 else ""
    return {name: value for name, value in tags.items() if value}


def _flat(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested parameters as pairs such as ``("recurrent.hidden", 128)``."""
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _curve(name: str) -> str:
    """The metric of a column of the history: MLflow draws those with the same part before the slash together."""
    return {"seconds": "train/seconds", "train_loss": "train/loss"}.get(name, f"valid/{name}")


def _registered(task: str) -> str:
    """The name of a task's registered model, which may have no slash."""
    return task.replace("/", "-")


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
