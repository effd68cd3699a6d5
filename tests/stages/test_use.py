import json
import os
from types import SimpleNamespace

import pytest
import torch

from unroll.errors import UserError
from unroll.patterns.language_model import LanguageModel
from unroll.patterns.transcriber import Transcriber
from unroll.patterns.translator import Translator
from unroll.stages import use


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """A project in which nothing was trained."""
    os.symlink(root / "params.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loaded(monkeypatch):
    """The folders that were loaded from; the best is that of ``lstm``."""
    folders = []
    pattern = Transcriber.__new__(Transcriber)
    monkeypatch.setattr(use.load, "load", lambda folder: folders.append(str(folder)) or (pattern, {}))
    monkeypatch.setattr(use.load, "best", lambda task, block, model: ("", task.model(model or "lstm")))
    return SimpleNamespace(folders=folders, pattern=pattern)


def test_the_best_model_unless_one_is_named(project, loaded):
    assert use.trained("speech/digits", "", Transcriber) is loaded.pattern
    assert use.trained("speech/digits", "gru", Transcriber) is loaded.pattern
    assert loaded.folders == ["models/speech/digits/lstm", "models/speech/digits/gru"]


def test_as_many_threads_as_a_stage_has(project, loaded):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    use.trained("speech/digits", "", Transcriber)
    threads = torch.get_num_threads()
    torch.set_num_threads(before)
    assert threads == 1


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("digits", "'digits' is not a task: a task is written field/task, such as speech/digits"),
        ("speech/../models", "'speech/../models' is not a task"),
        ("speech/letters", "params.yaml has no task speech/letters; its tasks are speech/digits, speech/digits_unseen"),
        ("music/digits", "params.yaml has no task music/digits; its tasks are speech/digits"),
        ("speech/digits", "speech/digits has no trained model yet"),
    ],
)
def test_a_task_that_cannot_be_used_is_refused(project, task, said):
    with pytest.raises(UserError) as caught:
        use.trained(task, "", Transcriber)
    assert str(caught.value).startswith(said)


def test_a_pattern_that_does_not_transcribe_is_refused(project, monkeypatch):
    monkeypatch.setattr(use.load, "load", lambda folder: (torch.nn.Linear(1, 1), {}))
    monkeypatch.setattr(use.load, "best", lambda task, block, model: (model, task.model(model)))
    with pytest.raises(UserError, match=r"^speech/digits has a linear, not a transcriber: `unroll tasks` says"):
        use.trained("speech/digits", "lstm", Transcriber)


def test_a_pattern_is_named_in_words(project, monkeypatch):
    monkeypatch.setattr(use.load, "load", lambda folder: (LanguageModel.__new__(LanguageModel), {}))
    monkeypatch.setattr(use.load, "best", lambda task, block, model: (model, task.model(model)))
    with pytest.raises(UserError, match=r"^music/tunes has a language model, not a translator: `unroll tasks` says"):
        use.trained("music/tunes", "", Translator)


def test_tasks_with_what_the_best_of_each_reached(project):
    folder = project / "reports/metrics/speech/digits"
    folder.mkdir(parents=True)
    record = project / "models/speech/digits/lstm/training.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"scores": {"word_error_rate": 0.05}}')
    for model, rate in {"lstm": 0.041, "gru": 0.02, "always_nine": 0.001}.items():
        metrics = {"word_error_rate": rate} | ({"baseline": True} if model == "always_nine" else {})
        (folder / f"{model}.json").write_text(json.dumps(metrics))
    tasks = {name: (about, reached) for name, about, reached in use.tasks()}
    about, reached = tasks["speech/digits"]
    assert about.startswith("Strings of one to seven digits")
    assert reached == "lstm: Word error rate 4.1 %"
    assert tasks["speech/commands"][1] == "not trained yet"
