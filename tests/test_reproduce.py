import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from unroll import reproduce
from unroll.errors import UserError
from unroll.reproduce import chains, read_dag

DOT = """strict digraph  {
"a.yaml:fetch";
"b.yaml:prepare";
"b.yaml:train@lstm";
"report";
"a.yaml:fetch" -> "b.yaml:prepare";
"b.yaml:prepare" -> "b.yaml:train@lstm";
"b.yaml:train@lstm" -> "report";
"a.yaml:fetch" -> "report";
}
"""
# Two sources; one prepared, featurized, trained twice and each evaluated; the other prepared and trained once.
FORK = {
    "fetch": set(),
    "prepare": {"fetch"},
    "mfcc": {"prepare"},
    "train@a": {"mfcc"},
    "train@b": {"mfcc"},
    "evaluate@a": {"train@a", "mfcc"},
    "evaluate@b": {"train@b", "mfcc"},
    "fetch@2": set(),
    "train@2": {"fetch@2"},
}


def test_the_graph_that_dvc_prints():
    assert read_dag(DOT) == {
        "a.yaml:fetch": set(),
        "b.yaml:prepare": {"a.yaml:fetch"},
        "b.yaml:train@lstm": {"b.yaml:prepare"},
        "report": {"b.yaml:train@lstm", "a.yaml:fetch"},
    }


def test_a_line_of_stages_is_one_chain():
    assert chains({"c": {"b"}, "a": set(), "b": {"a"}}, set(), set()) == [["a", "b", "c"]]


def test_the_longest_way_to_the_end_starts_first():
    assert chains(FORK, set(), set()) == [["fetch", "prepare", "mfcc"], ["fetch@2", "train@2"]]


def test_what_takes_longest_starts_first():
    seconds = {"train@2": 300.0, "train@a": 20.0, "train@b": 40.0}
    assert chains(FORK, set(), set(), seconds) == [["fetch@2", "train@2"], ["fetch", "prepare", "mfcc"]]
    known = {"fetch", "prepare", "mfcc", "fetch@2", "train@2"}
    assert chains(FORK, known, known, seconds) == [["train@b", "evaluate@b"], ["train@a", "evaluate@a"]]


def test_downloads_run_beside_the_jobs(monkeypatch):
    sources = [f"pipelines/sources/dvc.yaml:fetch@{number}" for number in range(6)]
    graph = {name: set() for name in sources} | {f"train@{number}": {name} for number, name in enumerate(sources)}
    assert chains(graph, set(), set()) == [[name] for name in sources]
    running, most = Counter(), Counter()

    def run(chain):
        kind = chain[0].partition("@")[0]
        running[kind] += 1
        most[kind] = max(most[kind], running[kind])
        time.sleep(0.05)
        running[kind] -= 1
        return True

    monkeypatch.setattr(reproduce, "_run", run)
    assert reproduce._run_all(graph, 1) == []
    assert most == {"pipelines/sources/dvc.yaml:fetch": reproduce.DOWNLOADS, "train": 1}


def test_how_long_training_takes_is_read_from_the_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {"lstm": '{"train_seconds": 12.5}', "seasonal": '{"mae": 1}', "broken": "{"}.items():
        path = tmp_path / f"reports/metrics/speech/digits_unseen/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    fold, *others = (
        f"pipelines/speech/dvc.yaml:train_digits_unseen@{name}" for name in ("lstm-theo", "seasonal", "broken", "gru")
    )
    graph = {name: set() for name in (fold, *others, "pipelines/speech/dvc.yaml:prepare_digits", "report")}
    assert reproduce.trained_before(graph) == {fold: 12.5}
    other = fold.replace("theo", "george")  # the metrics hold what both took together
    assert reproduce.trained_before(graph | {other: set()}) == {fold: 6.25, other: 6.25}


def test_nothing_starts_twice_or_before_what_it_rests_on():
    first, second = chains(FORK, set(), set())
    assert chains(FORK, set(), {*first, *second}) == []
    assert chains(FORK, set(first), {*first, *second}) == [["train@a", "evaluate@a"], ["train@b", "evaluate@b"]]
    assert chains(FORK, set(FORK), set(FORK)) == []


def test_a_stage_that_rests_on_two_joins_the_chain_of_neither_alone():
    graph = {"a": set(), "b": set(), "both": {"a", "b"}}
    assert chains(graph, set(), set()) == [["a"], ["b"]]
    assert chains(graph, {"a"}, {"a"}) == [["b", "both"]]
    assert chains(graph, {"a", "b"}, {"a", "b"}) == [["both"]]


@pytest.mark.parametrize("jobs", [1, 2, 8])
@pytest.mark.parametrize("failing", [None, "mfcc", "train@a"])
def test_all_that_can_run_runs_once_and_in_order(monkeypatch, jobs, failing):
    ran, running = [], []

    def run(chain):
        running.append(1)
        assert len(running) <= jobs
        for name in chain:
            assert FORK[name] <= set(ran)
            if name == failing:
                break
            ran.append(name)
        time.sleep(0.005)
        running.pop()
        return failing not in chain

    monkeypatch.setattr(reproduce, "_run", run)
    failed = reproduce._run_all(FORK, jobs)
    lost = {
        None: set(),
        "mfcc": {"mfcc", "train@a", "train@b", "evaluate@a", "evaluate@b"},
        "train@a": {"train@a", "evaluate@a"},
    }[failing]
    assert sorted(ran) == sorted(FORK.keys() - lost)
    assert len(failed) == (failing is not None)


class Stream:
    """Bytes that arrive in the given pieces."""

    def __init__(self, pieces: Iterable[bytes]):
        self.pieces = iter(pieces)

    def read1(self, size: int) -> bytes:
        return next(self.pieces, b"")


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\nt", b"wo\n"], ["one", "two"]),
        ([b"one\n\ntwo"], ["one", "two"]),
        ([b"one\r\ntwo\r\n"], ["one", "two"]),
        ([b"\xff\xc3\xa9\n"], ["\ufffdé"]),
        ([b"\r 10%\r 20%\r 30%", b"\r 40%\n"], [" 40%"]),
        ([b"\r 10%\r 20%", b"\r 30%\r"], [" 30%"]),
        ([b"\r 10%\r", b"\r      \r", b"done\n"], ["done"]),
        ([b"\r 10%\r 20%\r\n", b"done\n"], [" 20%", "done"]),
    ],
)
def test_the_last_state_of_a_bar_and_every_other_line(pieces, lines):
    assert list(reproduce._lines(Stream(pieces), seconds=10**9)) == lines


def test_a_bar_shows_itself_every_few_seconds(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(reproduce, "time", clock)

    def pieces():
        for i in range(6):
            yield b"\r %d" % i
            clock.now += 2

    assert list(reproduce._lines(Stream(pieces()), seconds=5)) == [" 0", " 3", " 5"]


def test_a_chain_runs_in_one_process_under_the_name_of_its_first(monkeypatch, capfd):
    program = "import sys; print('Running stage'); print('trouble', file=sys.stderr); sys.exit(len(sys.argv) - 5)"
    popen, commands = subprocess.Popen, []

    def dvc(command, **kinds):
        commands.append(command)
        return popen([sys.executable, "-c", program, *command[3:]], **kinds)

    monkeypatch.setattr(reproduce.subprocess, "Popen", dvc)
    assert not reproduce._run(["pipelines/speech/dvc.yaml:prepare", "pipelines/speech/dvc.yaml:train@lstm"])
    assert reproduce._run(["a.yaml:fetch"]) is True
    assert commands[1] == [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", "a.yaml:fetch"]
    assert sorted(capfd.readouterr().out.splitlines()) == [
        "[fetch] Running stage", "[fetch] trouble", "[prepare] Running stage", "[prepare] trouble"
    ]  # fmt: skip


def test_an_unknown_field_is_refused(root, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match=r"^FIELD=speach: no such field; there are .*speech"):
        reproduce.reproduce(1, "speach")


@pytest.fixture
def project(root, monkeypatch, tmp_path):
    """What ``reproduce`` asks of DVC and which stages it starts, instead of doing so."""
    monkeypatch.chdir(tmp_path)
    os.symlink(root / "params.yaml", tmp_path / "params.yaml")
    monkeypatch.setattr(reproduce.tracking, "Tracker", lambda *paths: None)
    asked, graphs = [], []

    def dvc(*arguments):
        asked.append(arguments)
        edges = (("fetch", "pipelines/speech/dvc.yaml:train"), ("fetch", "pipelines/music/dvc.yaml:train"))
        names = {name for edge in edges for name in edge} | {"report"}
        ends = [(after, "report") for _, after in edges]
        dot = [f'"{name}";' for name in names] + [f'"{before}" -> "{after}";' for before, after in (*edges, *ends)]
        return "\n".join(dot)

    monkeypatch.setattr(reproduce, "_dvc", dvc)
    monkeypatch.setattr(reproduce, "_run_all", lambda graph, jobs: graphs.append(graph) or [])
    return asked, graphs


def test_everything_but_the_report_side_by_side_then_the_report(project):
    asked, graphs = project
    reproduce.reproduce(2, None)
    assert graphs[0].keys() == {"fetch", "pipelines/speech/dvc.yaml:train", "pipelines/music/dvc.yaml:train"}
    assert asked == [("dag", "--dot"), ("repro", "-q")]


def test_one_field_with_all_that_it_rests_on(project):
    asked, graphs = project
    reproduce.reproduce(2, "speech")
    assert graphs[0].keys() == {"fetch", "pipelines/speech/dvc.yaml:train"}
    assert asked[-1] == ("repro", "-q", "-s", "report")


def test_what_failed_is_named_and_no_report_made(project, monkeypatch):
    monkeypatch.setattr(reproduce, "_run_all", lambda graph, jobs: ["pipelines/speech/dvc.yaml:train"])
    with pytest.raises(UserError, match=r"^failed: pipelines/speech/dvc\.yaml:train; see above\."):
        reproduce.reproduce(2, None)
    assert project[0] == [("dag", "--dot")]
