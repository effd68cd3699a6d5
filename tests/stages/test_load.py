import json
import pickle
from types import SimpleNamespace

import pytest
import torch

from unroll.errors import UserError
from unroll.features.distortion import Distortion
from unroll.params import Recurrent
from unroll.patterns.inputs import Inputs
from unroll.patterns.transcriber import Beam, Settings, Transcriber, TranscriberModel
from unroll.stages import load
from unroll.stages.paths import Task

FEATURES = {"sample_rate": 8000, "n_fft": 400, "hop": 200, "mels": 128, "coefficients": 13, "top_db": 80.0}
STILL = Distortion(warp=0, tempo=0, tilt=0, noise=0, noise_db=0, masks=0, mask_frames=0)
DIGITS = Task("speech", "digits")


def transcriber() -> Transcriber:
    settings = Settings("words", 2, STILL, Beam(width=1, order=0, weight=0.0, bonus=0.0))
    model = TranscriberModel(Recurrent("gru", 4, 1, True, 0.0), 1, 0.1, "recording", None)
    return Transcriber(settings, model, Inputs("mfcc", FEATURES), ["one", "two"])


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Writes the folder of a trained model of speech/digits, with its validation scores, into an empty project."""
    monkeypatch.chdir(tmp_path)

    def write(model: str, scores: dict[str, float], fold: str | None = None):
        folder = DIGITS.model(model, fold)
        folder.mkdir(parents=True)
        torch.save(transcriber().checkpoint(), folder / "model.pt")
        (folder / "training.json").write_text(json.dumps({"scores": scores}))
        return folder

    return write


def test_a_model_is_loaded_ready_to_predict(trained):
    folder = trained("gru", {"word_error_rate": 0.1})
    pattern, record = load.load(folder)
    assert isinstance(pattern, Transcriber)
    assert not pattern.training
    assert record == {"scores": {"word_error_rate": 0.1}}


def test_a_missing_model_is_refused_by_name(trained):
    with pytest.raises(UserError, match=r"^models/speech/digits/lstm/model\.pt is missing: train it with `make repro`"):
        load.load(DIGITS.model("lstm"))


class Attack:
    """What would run a program when unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


def older() -> dict:
    """The checkpoint of a version in which a model had no such key."""
    whole = transcriber().checkpoint()
    return whole | {"model": {key: value for key, value in whole["model"].items() if key != "normalise"}}


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "spoil",
    [
        half,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
        lambda path: path.write_bytes(pickle.dumps(Attack(), protocol=2)),
        lambda path: torch.save(Attack(), path),
        lambda path: torch.save(transcriber().checkpoint() | {"pattern": "no_such_pattern"}, path),
        lambda path: torch.save({"pattern": "transcriber"}, path),
        lambda path: torch.save(transcriber().checkpoint() | {"weights": {}}, path),
        lambda path: torch.save(older(), path),
    ],
    ids=["half", "empty", "pointer", "pickle", "attack", "pattern", "keys", "weights", "older"],
)
def test_what_is_not_a_whole_model_is_refused_by_name(trained, capfd, spoil):
    folder = trained("gru", {"word_error_rate": 0.1})
    spoil(folder / "model.pt")
    with pytest.raises(UserError) as caught:
        load.load(folder)
    assert str(caught.value) == (
        "models/speech/digits/gru/model.pt is not a whole model of this version:"
        " delete models/speech/digits/gru, run `dvc repro`"
    )
    assert capfd.readouterr().out == ""


def test_what_is_wrong_with_an_older_model_is_kept_as_the_cause(trained):
    folder = trained("gru", {"word_error_rate": 0.1})
    torch.save(older(), folder / "model.pt")
    with pytest.raises(UserError) as caught:
        load.load(folder)
    assert str(caught.value.__cause__) == "checkpoint: model.normalise: this key is missing"


@pytest.mark.parametrize("use", [load.load, lambda folder: load.best(DIGITS, block("gru"))])
def test_a_broken_record_is_refused_by_name(trained, use):
    folder = trained("gru", {"word_error_rate": 0.1})
    (folder / "training.json").write_text('{"scores": ')
    with pytest.raises(UserError, match=r"^models/speech/digits/gru/training\.json is not whole .*: delete .*gru, run"):
        use(folder)


def block(*models, **folds):
    """A task's block of params.yaml, as far as it is looked at."""
    return SimpleNamespace(models=dict.fromkeys(models), **folds)


def test_the_best_goes_by_validation_scores_and_their_order(trained):
    trained("gru", {"word_error_rate": 0.2, "loss": 0.1})
    trained("lstm", {"word_error_rate": 0.1, "loss": 0.9})
    trained("rnn", {"word_error_rate": 0.1, "loss": 0.8})
    trained("removed", {"word_error_rate": 0.0, "loss": 0.0})
    known = block("gru", "lstm", "rnn", "zebra")
    assert load.best(DIGITS, known) == ("rnn", DIGITS.model("rnn"))
    assert load.best(DIGITS, known, "gru") == ("gru", DIGITS.model("gru"))


def test_folds_count_by_their_mean_and_the_first_is_taken(trained):
    trained("lstm", {"word_error_rate": 0.3}, "theo")
    trained("lstm", {"word_error_rate": 0.1}, "lucas")
    trained("gru", {"word_error_rate": 0.25}, "theo")
    trained("gru", {"word_error_rate": 0.25}, "lucas")
    trained("rnn", {"word_error_rate": 0.0}, "theo")
    known = block("gru", "lstm", "rnn", folds=["theo", "lucas"])
    assert load.best(DIGITS, known) == ("lstm", DIGITS.model("lstm", "theo"))


def test_no_model_says_how_to_train_one(trained):
    with pytest.raises(UserError, match=r"^speech/digits has no trained model yet: run `FIELD=speech make repro`$"):
        load.best(DIGITS, block("lstm"))


@pytest.mark.parametrize("name", ["lstn", "../digits/lstm", "."])
def test_only_models_of_the_task_can_be_named(trained, name):
    trained("lstm", {"word_error_rate": 0.3})
    with pytest.raises(UserError, match=r"has no model .*; it has lstm$"):
        load.best(DIGITS, block("lstm"), name)
