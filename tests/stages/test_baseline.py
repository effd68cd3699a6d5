import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pyarrow as pa
import pytest
from pydantic.dataclasses import dataclass

from unroll import examples
from unroll.stages import baseline

PARAMS = """
seed: 7
budget: 1.0
threads: 1
fabric: {accelerator: cpu, devices: 1, num_nodes: 1, precision: 32-true}
birds:
  songs:
    tagger: {stack: 3}
    baselines:
      silence: {method: commonest, doubt: 0.25}
  calls:
    tagger: {stack: 3}
"""
SCHEMA = pa.schema([("id", pa.string()), ("label", pa.string())])


@dataclass
class Settings:
    method: str
    doubt: float


@dataclass
class Songs:
    tagger: dict[str, int]
    baselines: dict[str, Settings]


@dataclass
class Calls:
    tagger: dict[str, int]


@dataclass
class Params:
    songs: Songs
    calls: Calls


class Commonest:
    """Says of everything what the last training row was; notes what it was fitted with."""

    parameters = 1
    fitted = None

    @classmethod
    def for_examples(cls, table, task, settings, seed):
        cls.fitted = (table["label"].to_pylist(), task, settings, seed)
        return cls()

    def examples(self, table):
        return [SimpleNamespace(id=name) for name in reversed(table["id"].to_pylist())]

    def predict(self, wanted):
        return [self.fitted[0][-1]] * len(wanted)


def measure(task, rows, seconds, models, train):
    right = [row["label"] == row["prediction"] for row in rows]
    return {f"{task}_accuracy": sum(right) / len(right), "predict_seconds_per_song": seconds / len(rows)}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the stage in a project whose field ``birds`` has the task ``songs``, with the method ``commonest``."""

    def module(name, **contents):
        made = ModuleType(name)
        made.__spec__ = ModuleSpec(name, None)
        vars(made).update(contents)
        monkeypatch.setitem(sys.modules, name, made)

    module("unroll.fields.birds", Params=Params, measure=measure)
    module("unroll.baselines.commonest", Baseline=Commonest, PATTERN="tagger")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    for split, labels in {"train": ["owl", "wren"], "test": ["wren", "owl", "wren", "wren"]}.items():
        rows = [{"id": f"{split}{number}", "label": label} for number, label in enumerate(labels)]
        examples.write(tmp_path / f"data/features/birds/songs/{split}.arrow", SCHEMA, rows)

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["baseline", *words])
        baseline.main()

    return command


def test_it_is_fitted_to_train_and_measured_on_test_as_a_row_of_the_table(run, tmp_path):
    run("commonest", "birds/songs", "silence")
    assert Commonest.fitted == (["owl", "wren"], {"stack": 3}, Settings("commonest", 0.25), 7)
    found = json.loads((tmp_path / "reports/metrics/birds/songs/silence.json").read_text())
    assert list(found) == [
        "songs_accuracy",
        "predict_seconds_per_song",
        "parameters",
        "train_seconds",
        "baseline",
    ]
    assert found["songs_accuracy"] == 0.75
    assert (found["parameters"], found["baseline"]) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("commonest", "birds/songs", "noise"),
            "params.yaml: birds/songs has no baseline noise by the method commonest",
        ),
        (("rarest", "birds/songs", "silence"), "params.yaml: birds/songs has no baseline silence by the method rarest"),
        (
            ("commonest", "birds/calls", "silence"),
            "params.yaml: birds/calls has no baseline silence by the method commonest",
        ),
        (
            ("commonest", "birds/nests", "silence"),
            "params.yaml has no task birds/nests; its tasks are birds/songs, birds/calls",
        ),
    ],
)
def test_what_params_yaml_does_not_say_is_refused(run, tmp_path, capsys, words, said):
    with pytest.raises(SystemExit, match="2"):
        run(*words)
    assert capsys.readouterr().err == f"error: {said}\n"
    assert not (tmp_path / "reports").exists()
