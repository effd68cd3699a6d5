"""Runs, curves, metrics and registered models in MLflow, asked for again through MLflow itself."""

import io
import math
import multiprocessing
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from mlflow import MlflowClient

from unroll.errors import UserError
from unroll.features.distortion import Distortion
from unroll.params import Recurrent
from unroll.patterns.inputs import Inputs
from unroll.patterns.transcriber import Beam, Settings, Transcriber, TranscriberModel
from unroll.training.tracking import Tracker, Training, key

SERVED = Path(__file__).parents[2] / "src/unroll/stages/served/speech.py"
TRAINING = Training(
    task="speech/digits",
    model="lstm",
    stage="pipelines/speech/dvc.yaml:train@lstm",
    key="k1",
    parameters={"seed": 1, "model": {"recurrent": {"hidden": 128, "bidirectional": True}}},
    digest="d" * 64,
)
ROWS = [
    {"step": 10, "seconds": 1.5, "train_loss": 2.0, "word_error_rate": 0.75},
    {"step": 20, "seconds": 3.0, "train_loss": 1.0, "word_error_rate": 0.25},
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing but its tables, which take seconds to make."""
    folder = tmp_path_factory.mktemp("empty")
    with redirect_stderr(io.StringIO()) as printed:
        Tracker(folder / "mlflow.db", folder / "artifacts")
    assert printed.getvalue() == ""
    return folder / "mlflow.db"


@pytest.fixture
def folder(tmp_path: Path, empty: Path) -> Path:
    """A project's folder, with a space in its name, a checkpoint, and a figure."""
    folder = tmp_path / "my project"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures/curves.png").write_bytes(b"a picture")
    (folder / "model.pt").write_bytes(b"a checkpoint")
    shutil.copy(empty, folder / "mlflow.db")
    return folder


@pytest.fixture
def tracker(folder: Path) -> Tracker:
    return Tracker(folder / "mlflow.db", folder / "artifacts")


@pytest.fixture
def client(folder: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def train(tracker: Tracker, training: Training = TRAINING) -> None:
    with tracker.run(training) as log:
        for row in ROWS:
            log(row)


def train_interrupted(tracker: Tracker) -> None:
    with tracker.run(TRAINING) as log:
        log(ROWS[0])
        raise KeyboardInterrupt


def evaluate(tracker: Tracker, folder: Path, training: Training = TRAINING, score: float = 0.25) -> None:
    metrics = {"word_error_rate": 0.3, "predict_seconds": 0.01}
    tracker.evaluated(training, ROWS, metrics, folder / "figures", folder / "model.pt", SERVED, score)


def runs(client: MlflowClient) -> list:
    experiment = client.get_experiment_by_name("speech/digits")
    return client.search_runs([experiment.experiment_id])


def curve(client: MlflowClient, run, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]


def champion(client: MlflowClient) -> int:
    return int(client.get_model_version_by_alias("speech-digits", "champion").version)


def test_a_run_shows_what_was_trained(tracker: Tracker, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "puffy-daks")
    train(tracker)
    [run] = runs(client)
    assert run.info.run_name == "lstm"
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "seed": "1",
        "model.recurrent.hidden": "128",
        "model.recurrent.bidirectional": "True",
    }
    assert run.data.tags["dvc.key"] == "k1"
    assert run.data.tags["dvc.stage"] == "pipelines/speech/dvc.yaml:train@lstm"
    assert run.data.tags["dvc.exp"] == "puffy-daks"
    [data] = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("speech/digits", "d" * 36)
    assert curve(client, run, "train/loss") == [(10, 2.0), (20, 1.0)]
    assert curve(client, run, "train/seconds") == [(10, 1.5), (20, 3.0)]
    assert curve(client, run, "valid/word_error_rate") == [(10, 0.75), (20, 0.25)]


def test_curves_are_there_while_training_goes_on(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run(TRAINING) as log:
        log(ROWS[0])
        [run] = runs(client)
        assert run.info.status == "RUNNING"
        assert run.data.metrics == {"train/loss": 2.0, "train/seconds": 1.5, "valid/word_error_rate": 0.75}


def test_a_run_names_the_commit(
    tracker: Tracker, client: MlflowClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    train(tracker, TRAINING._replace(key="outside of any repository"))
    git("init", "--quiet")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "--message=first")
    train(tracker)
    inside, outside = runs(client)
    assert inside.data.tags["mlflow.source.git.commit"] == git("rev-parse", "HEAD")
    assert "mlflow.source.git.commit" not in outside.data.tags


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_the_same_key_replaces_and_another_adds(tracker: Tracker, client: MlflowClient) -> None:
    train(tracker)
    [first] = runs(client)
    train(tracker)
    [second] = runs(client)
    assert second.info.run_id != first.info.run_id
    train(tracker, TRAINING._replace(key="k2"))
    assert sorted(run.data.tags["dvc.key"] for run in runs(client)) == ["k1", "k2"]


@pytest.mark.parametrize(("error", "status"), [(UserError("NaN"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_a_run_that_did_not_end_says_so(
    tracker: Tracker, client: MlflowClient, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), tracker.run(TRAINING):
        raise error
    [run] = runs(client)
    assert run.info.status == status


def test_an_evaluation_completes_the_run(tracker: Tracker, client: MlflowClient, folder: Path) -> None:
    train(tracker)
    [before] = runs(client)
    for _ in range(2):
        evaluate(tracker, folder)
    [run] = runs(client)
    assert run.info.run_id == before.info.run_id
    assert run.data.metrics["test/word_error_rate"] == 0.3
    assert curve(client, run, "valid/word_error_rate") == [(10, 0.75), (20, 0.25)]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "figures")] == ["figures/curves.png"]
    [version] = client.search_model_versions("name = 'speech-digits'")
    assert version.run_id == run.info.run_id
    assert version.tags == {"validation": "0.25"}
    assert {path.name for path in folder.iterdir()} == {
        "figures", "model.pt", "mlflow.db", "mlflow.db.lock", "artifacts"
    }  # fmt: skip


def test_a_missing_run_is_made_again(tracker: Tracker, client: MlflowClient, folder: Path) -> None:
    evaluate(tracker, folder)
    [run] = runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.tags["dvc.key"] == "k1"
    assert run.data.params["model.recurrent.hidden"] == "128"
    assert curve(client, run, "valid/word_error_rate") == [(10, 0.75), (20, 0.25)]


def test_an_interrupted_run_is_not_taken_for_the_trained_one(
    tracker: Tracker, client: MlflowClient, folder: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_interrupted(tracker)
    evaluate(tracker, folder)
    [run] = runs(client)
    assert run.info.status == "FINISHED"
    assert curve(client, run, "train/loss") == [(10, 2.0), (20, 1.0)]


def test_more_than_mlflow_takes_at_once(tracker: Tracker, client: MlflowClient, folder: Path) -> None:
    history = [{"step": step, "train_loss": 1 / step} for step in range(1, 1102)]
    training = TRAINING._replace(parameters={f"p{number}": number for number in range(130)})
    tracker.evaluated(training, history, {}, folder / "figures", folder / "model.pt", SERVED, 0.5)
    [run] = runs(client)
    assert len(curve(client, run, "train/loss")) == 1101
    assert len(run.data.params) == 130


def test_a_value_that_is_not_a_number_is_kept(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run(TRAINING) as log:
        log({"step": 1, "loss": math.nan, "word_error_rate": 0.5})
    [run] = runs(client)
    [(step, value)] = curve(client, run, "valid/loss")
    assert step == 1
    assert math.isnan(value)


def test_the_best_validation_score_is_champion(tracker: Tracker, client: MlflowClient, folder: Path) -> None:
    elected = []
    for number, score in enumerate([0.5, 0.2, 0.3, 0.2, math.nan]):
        evaluate(tracker, folder, TRAINING._replace(key=f"k{number}"), score)
        elected.append(champion(client))
    assert elected == [1, 2, 2, 2, 2]
    train(tracker, TRAINING._replace(key="k1"))
    assert champion(client) == 4
    assert sorted(int(each.version) for each in client.search_model_versions()) == [1, 3, 4, 5]


def test_a_model_without_a_score_is_no_champion(tracker: Tracker, client: MlflowClient, folder: Path) -> None:
    evaluate(tracker, folder, score=math.nan)
    assert client.get_registered_model("speech-digits").aliases == {}


def test_the_champion_transcribes_files(
    tracker: Tracker, client: MlflowClient, folder: Path, restored_uri: None
) -> None:
    torch.save(always_says("three").checkpoint(), folder / "model.pt")
    evaluate(tracker, folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    served = mlflow.pyfunc.load_model("models:/speech-digits@champion")
    time = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 440 * time)
    soundfile.write(folder / "tone.wav", np.stack([tone, tone], axis=1), 44100)
    [first, second] = served.predict(pd.DataFrame({"audio": [str(folder / "tone.wav")] * 2}))
    assert first.text == "three"
    assert first.confidence == pytest.approx(1, abs=0.01)
    assert served.predict([{"audio": str(folder / "tone.wav")}]) == [second]
    with pytest.raises(UserError, match=r"missing\.wav"):
        served.predict([{"audio": str(folder / "missing.wav")}])


@pytest.fixture
def restored_uri() -> Iterator[None]:
    """Leaves MLflow's global setting as it was."""
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


def always_says(word: str) -> Transcriber:
    """A transcriber that hears nothing but one word."""
    distortion = Distortion(**dict.fromkeys(Distortion.__dataclass_fields__, 0))
    settings = Settings("words", 3, distortion, Beam(1, 0, 0, 0))
    model = TranscriberModel(Recurrent("gru", 4, 1, False, 0), 1, 0.1, "recording", None)
    mfcc = {"sample_rate": 8000, "n_fft": 256, "hop": 80, "mels": 20, "coefficients": 13, "top_db": 80}
    transcriber = Transcriber(settings, model, Inputs("mfcc", mfcc), ["one", "two", "three"])
    with torch.no_grad():
        transcriber.output.bias[1 + transcriber.symbols.index(word)] = 20
    return transcriber


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_processes_that_start_at_once(tmp_path: Path) -> None:
    """The tables are made once, no write is lost, and the best of all is champion."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "model.pt").write_bytes(b"a checkpoint")
    context = multiprocessing.get_context("fork")  # others would import MLflow once more in every process
    together = context.Barrier(4)
    workers = [context.Process(target=work, args=(tmp_path, number, together)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    found = runs(client)
    assert sorted(run.data.tags["dvc.key"] for run in found) == ["0", "1", "2", "3"]
    assert {run.data.metrics["valid/loss"] for run in found} == {39.0}
    assert len(client.search_model_versions("name = 'speech-digits'")) == 4
    assert client.get_model_version_by_alias("speech-digits", "champion").tags == {"validation": "0.0"}


def work(folder: Path, number: int, together) -> None:
    training = TRAINING._replace(key=str(number))
    together.wait()
    tracker = Tracker(folder / "mlflow.db", folder / "artifacts")
    with tracker.run(training) as log:
        for step in range(40):
            log({"step": step, "loss": step})
    evaluate(tracker, folder, training, score=float(number))


def test_nothing_is_printed(tracker: Tracker, folder: Path, capfd: pytest.CaptureFixture) -> None:
    for name in ("k1", "k2"):
        train(tracker, TRAINING._replace(key=name))
        evaluate(tracker, folder, TRAINING._replace(key=name))
    assert capfd.readouterr() == ("", "")


def test_a_deleted_experiment_comes_back(tracker: Tracker, client: MlflowClient) -> None:
    train(tracker)
    client.delete_experiment(client.get_experiment_by_name("speech/digits").experiment_id)
    train(tracker, TRAINING._replace(key="k2"))
    assert client.get_experiment_by_name("speech/digits").lifecycle_stage == "active"
    assert "k2" in [run.data.tags["dvc.key"] for run in runs(client)]


def test_a_database_of_another_version_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    database.close()
    with pytest.raises(UserError, match=r"mlflow\.db was made by another version of MLflow: run `mlflow db upgrade"):
        Tracker(folder / "mlflow.db", folder / "artifacts")


def test_the_key_is_of_all_that_a_model_is_trained_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("code/inner").mkdir(parents=True)
    Path("code/inner/a.py").write_text("a")
    Path("data").write_text("d")
    files = [Path("code"), Path("data")]
    first = key("train", {"b": 1, "a": {"c": 2}}, files)
    assert first == key("train", {"a": {"c": 2}, "b": 1}, files[::-1])
    others = {key("other", {"b": 1, "a": {"c": 2}}, files), key("train", {"b": 2, "a": {"c": 2}}, files)}
    Path("code/inner/__pycache__").mkdir()
    Path("code/inner/__pycache__/a.pyc").write_text("differs between runs")
    assert key("train", {"b": 1, "a": {"c": 2}}, files) == first
    Path("code/inner/a.py").write_text("b")
    others.add(key("train", {"b": 1, "a": {"c": 2}}, files))
    Path("code/inner/a.py").rename("code/inner/b.py")
    others.add(key("train", {"b": 1, "a": {"c": 2}}, files))
    assert len(others - {first}) == 4
