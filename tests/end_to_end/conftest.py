"""What the end-to-end tests share: a copy of the project with one field alone, so small that all of it runs soon."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

COPIED = ("src", "data/fsdd", "dvc.yaml", "pipelines/sources", ".dvcignore")
RUN = {"seed", "budget", "threads", "fabric"}  # the settings of params.yaml that are no field
BUDGET = 0.003  # of the training steps


class Project:
    """A copy of the project, in which stages and commands run as they do for its users."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *command: str, status: int = 0, given: str | None = None) -> str:
        """What a command printed, standard error last; its exit status must be ``status``.

        ``given`` is what it finds on standard input.
        """
        environment = os.environ | {
            "PYTHONPATH": str(self.path / "src"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what Python caches beside the code must make nothing stale
        words = [sys.executable, "-m", *command]
        done = subprocess.run(
            words, cwd=self.path, env=environment, capture_output=True, input=given, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *command: str) -> str:
        """The one line that a command says before it ends with status 2."""
        (line,) = self.run(*command, status=2).splitlines()
        assert line.startswith("error: ")
        return line

    def stages_run(self, *options: str) -> set[str]:
        """The names of the stages that ``dvc repro`` ran."""
        said = self.run("dvc", "repro", *options)
        return {line.split("'")[1].split(":")[-1] for line in said.splitlines() if line.startswith("Running stage '")}

    @property
    def params(self) -> dict:
        """What params.yaml says."""
        return read(self.path / "params.yaml")

    @contextmanager
    def changed(self, changes: dict[str, object]) -> Iterator[None]:
        """Other values in params.yaml for a while, by their paths, such as ``speech.digits.source``."""
        path = self.path / "params.yaml"
        text = path.read_text()
        settings = yaml.safe_load(text)
        for place, value in changes.items():
            block = settings
            *keys, last = place.split(".")
            for key in keys:
                block = block[key]
            block[last] = value
        write(path, settings)
        yield
        path.write_text(text)

    def metrics(self, task: str, name: str) -> dict[str, float]:
        """What a model or a baseline of a task, such as ``speech/digits``, reached."""
        return json.loads((self.path / f"reports/metrics/{task}/{name}.json").read_text())

    def predictions(self, task: str, model: str) -> list[str]:
        """The lines of what a model predicted."""
        return (self.path / f"reports/figures/{task}/{model}/predictions.csv").read_text().splitlines()


@pytest.fixture(scope="session")
def project_of(root, raw, tmp_path_factory) -> Callable[..., Project]:
    """Makes a project of one field, reproduced once with two processes side by side.

    It is given the field's ``sources``, each fetched, or a folder ``of`` one's own; ``shrink`` makes the field's block
    of params.yaml, in place, as small as still runs every stage. The folders in ``prepared`` are examples of the tasks
    of their names, and no stage prepares these. A task that is ``left_out`` has no stages at all.
    """

    def made(
        field: str,
        sources: Sequence[str],
        shrink: Callable[[dict], None],
        of: Callable[[str], Path] = raw,
        prepared: Path | None = None,
        left_out: str = "",
    ) -> Project:
        copy = tmp_path_factory.mktemp(field)
        for name in COPIED:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (root / name).is_dir() else shutil.copy)(root / name, copy / name)
        for lock in copy.rglob("dvc.lock"):
            lock.unlink()
        pipeline, features = (read(root / f"pipelines/{name}/dvc.yaml") for name in (field, "features"))
        write(copy / f"pipelines/{field}/dvc.yaml", tasks(pipeline, left_out))
        write(copy / "pipelines/features/dvc.yaml", featurizers(features, field, left_out))
        catalogue = read(root / "data/catalogue.yaml")["sources"]
        write(copy / "data/catalogue.yaml", {"sources": {name: catalogue[name] for name in sources}})
        settings = {key: each for key, each in read(root / "params.yaml").items() if key in {field} | RUN}
        shrink(settings[field])
        write(copy / "params.yaml", settings | {"budget": BUDGET})
        project = Project(copy)
        project.run("dvc", "init", "--no-scm", "-q", "-f")
        done = [f"pipelines/sources/dvc.yaml:fetch@{name}" for name in sources]
        for name in sources:
            shutil.copytree(of(name), copy / "data/raw" / name)
        for folder in prepared.iterdir() if prepared else ():
            shutil.copytree(folder, copy / "data/examples" / field / folder.name)
            done.append(f"pipelines/{field}/dvc.yaml:prepare_{folder.name}")
        project.run("dvc", "commit", "-q", "-f", *done)
        project.run("unroll.reproduce", "--jobs", "2")
        return project

    return made


def tasks(pipeline: dict, left_out: str) -> dict:
    """The pipeline of a field, without the stages of the task that is left out, if one is."""
    parts = pipeline["stages"].items()
    stages = {name: stage for name, stage in parts if not left_out or name.partition("_")[2] != left_out}
    return pipeline | {"stages": stages}


def featurizers(pipeline: dict, field: str, left_out: str) -> dict:
    """The pipeline of the featurizers, with the instances of one field's tasks alone."""
    stages = {}
    for name, stage in pipeline["stages"].items():
        items = {key: item for key, item in stage["foreach"].items() if item["field"] == field}
        if own := {key: item for key, item in items.items() if item["task"] != left_out}:
            stages[name] = stage | {"foreach": own}
    return {"stages": stages}


def read(path: Path) -> dict:
    """The values of a YAML file."""
    return yaml.safe_load(path.read_text())


def write(path: Path, values: dict) -> None:
    """Values as a YAML file, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(values, sort_keys=False))
