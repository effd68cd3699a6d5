import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from unroll import params
from unroll.errors import UserError
from unroll.params import Recurrent, Run

LSTM = ("speech", "digits", "models", "lstm")
STRINGS = ("speech", "digits", "strings")


@pytest.fixture
def changed(root, tmp_path):
    """Loads the project's own params.yaml after one value of it was changed, or deleted with ``...``."""
    settings = yaml.safe_load((root / "params.yaml").read_text())

    def load(path, value):
        block = settings
        for key in path[:-1]:
            block = block[key]
        block.pop(path[-1]) if value is ... else block.update({path[-1]: value})
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
        return params.load(tmp_path / "params.yaml")

    return load


def refused(load, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        load(*arguments)
    return str(caught.value)


def test_the_projects_own_loads(root):
    """And becomes just what it says."""
    run, fields = params.load(root / "params.yaml")
    loaded = asdict(run) | {name: asdict(block) for name, block in fields.items()}
    plain = json.loads(json.dumps(loaded))  # a range is a tuple here and a list there
    assert plain == yaml.safe_load((root / "params.yaml").read_text())
    assert isinstance(run, Run)
    assert isinstance(fields["speech"].digits.models["lstm"].recurrent, Recurrent)


def test_one_field_alone_is_checked_where_only_that_is_asked_for(changed, tmp_path):
    refused(changed, (*STRINGS, "test"), -1)
    run, fields = params.load(tmp_path / "params.yaml", "music")
    assert (run.seed, list(fields)) == (1, ["music"])
    assert params.load(tmp_path / "params.yaml", "cooking")[1] == {}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("speech", "digit"), {}, "speech.digit: unknown key"),
        ((*LSTM, "recurrent", "depth"), 3, "speech.digits.models.lstm.recurrent.depth: unknown key"),
        (("fabric", "nodes"), 1, "fabric.nodes: unknown key"),
        (("seed",), ..., "seed: this key is missing"),
        ((*STRINGS, "test"), ..., "speech.digits.strings.test: this key is missing"),
        (("seed",), -1, "seed: should be greater than or equal to 0, not -1"),
        (("threads",), 0, "threads: should be greater than 0, not 0"),
        (("threads",), True, "threads: should be a valid integer, not True"),
        (("threads",), 1.5, "threads: should be a valid integer, not 1.5"),
        ((*STRINGS, "longest"), "7", "speech.digits.strings.longest: should be a valid integer, not '7'"),
        ((*STRINGS, "longest"), None, "speech.digits.strings.longest: should be a valid integer, not None"),
        ((*STRINGS, "train"), [1], "speech.digits.strings.train: should be a valid integer, not [1]"),
        (("budget",), 0, "budget: should be greater than 0, not 0"),
        (("budget",), "1.0", "budget: should be a valid number, not '1.0'"),
        (("budget",), True, "budget: should be a valid number, not True"),
        (("budget",), math.nan, "budget: should be a finite number, not nan"),
        (("budget",), math.inf, "budget: should be a finite number, not inf"),
        (("fabric", "precision"), "32", "fabric.precision: should be '32-true', 'bf16-mixed' or '16-mixed', not '32'"),
        ((*LSTM, "recurrent", "hidden"), -5,
         "speech.digits.models.lstm.recurrent.hidden: should be greater than 0, not -5"),
        ((*LSTM, "recurrent", "dropout"), 1,
         "speech.digits.models.lstm.recurrent.dropout: should be less than 1, not 1"),
        ((*LSTM, "recurrent", "bidirectional"), 1,
         "speech.digits.models.lstm.recurrent.bidirectional: should be a valid boolean, not 1"),
        ((*LSTM, "recurrent", "layer"), "lstmm",
         "speech.digits.models.lstm.recurrent.layer: should be 'rnn', 'lstm', 'gru' or 'mingru', not 'lstmm'"),
        ((*LSTM, "learning_rate"), -0.1, "speech.digits.models.lstm.learning_rate: should be greater than 0, not -0.1"),
        (("speech", "digits", "transcriber", "beam", "bonus"), math.nan,
         "speech.digits.transcriber.beam.bonus: should be a finite number, not nan"),
        (("speech", "digits_unseen", "folds"), ["theo"],
         "speech.digits_unseen.folds: List should have at least 2 items after validation, not 1, not ['theo']"),
        (("speech", "digits", "models"), {},
         "speech.digits.models: Dictionary should have at least 1 item after validation, not 0, not {}"),
        (("speech", "commands", "spoken", "speed"), [210, 130],
         "speech.commands.spoken.speed: should be two numbers, the smaller first, not [210, 130]"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_its_path(changed, path, value, said):
    assert refused(changed, path, value) == f"params.yaml: {said}"


def test_an_unknown_block_is_refused_with_those_that_are_known(changed):
    said = refused(changed, ("colour",), "red")
    assert said.startswith("params.yaml: colour: unknown key; settings are budget, fabric, seed, threads; fields are ")
    assert "speech" in said


def test_a_name_that_would_leave_its_folder_is_refused(changed, root):
    models = yaml.safe_load((root / "params.yaml").read_text())["speech"]["digits"]["models"]
    said = refused(changed, LSTM[:-1], {"../lstm": models["lstm"]})
    assert said.startswith("params.yaml: speech.digits.models.../lstm")
    assert "should match pattern" in said


def test_more_cepstra_than_bands_are_refused(changed):
    said = refused(changed, ("speech", "digits", "mfcc", "mels"), 12)
    assert said.startswith("params.yaml: speech.digits.mfcc: coefficients should be no more than mels")


def test_every_fault_of_a_block_is_named_in_a_line_of_its_own(changed):
    said = refused(changed, STRINGS, {"train": 0, "valid": 1, "test": "x", "longer": 2})
    assert said.splitlines() == [
        "params.yaml: speech.digits.strings.train: should be greater than 0, not 0",
        "params.yaml: speech.digits.strings.test: should be a valid integer, not 'x'",
        "params.yaml: speech.digits.strings.longest: this key is missing",
        "params.yaml: speech.digits.strings.longer: unknown key",
    ]


def test_a_whole_number_serves_where_a_real_one_is_asked_for(changed):
    run, _ = changed(("budget",), 2)
    assert run.budget == 2.0


@pytest.mark.parametrize(("text", "number"), [("1e-3", 0.001), ("5E+1", 50.0), ("2e2", 200.0), ("0.25", 0.25)])
def test_scientific_notation_is_a_number(root, tmp_path, text, number):
    settings = (root / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(settings.replace("budget: 1.0", f"budget: {text}"))
    assert params.load(tmp_path / "params.yaml")[0].budget == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"seed: [1", r"cannot be read as YAML: while parsing a flow sequence .* line 1, column 7"),
        (b"seed: \xff", r"cannot be read as YAML: 'utf-8' codec can't decode byte 0xff"),
        (b"- seed", "expected `key: value` lines, found list"),
        (b"", "expected `key: value` lines, found NoneType"),
        (b"seed: !!python/object/apply:os.getcwd []", "cannot be read as YAML: could not determine a constructor"),
    ],
)
def test_what_is_not_a_file_of_settings_is_refused(tmp_path, text, said):
    (tmp_path / "params.yaml").write_bytes(text)
    with pytest.raises(UserError, match=said) as caught:
        params.load(tmp_path / "params.yaml")
    assert "params.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_to_run():
    with pytest.raises(UserError, match=r"^absent/params\.yaml is missing: run from the root of the project$"):
        params.load(Path("absent/params.yaml"))


def test_check_names_the_place_it_is_given():
    recurrent = {"layer": "gru", "hidden": 8, "layers": 1, "bidirectional": False, "dropout": 0}
    assert params.check(Recurrent, recurrent, "checkpoint") == Recurrent("gru", 8, 1, False, 0.0)
    said = refused(params.check, Recurrent, recurrent | {"layers": -1}, "checkpoint")
    assert said == "checkpoint: layers: should be greater than or equal to 0, not -1"
    assert refused(params.check, Recurrent, [1], "checkpoint").startswith("checkpoint: should be")
