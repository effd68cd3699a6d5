import json
import math

import pytest

from unroll.errors import UserError
from unroll.reports import results
from unroll.reports.results import Row


def row(model: str, **metrics: float) -> Row:
    return Row("speech", "digits", model, metrics)


@pytest.mark.parametrize(
    "name",
    ["word_error_rate", "word_error_rate_theo", "mean_absolute_error", "loss", "train_seconds", "nats_per_step",
     "bits_per_character", "bits_ratio_to_ngram", "insertions"],
)  # fmt: skip
def test_less_of_a_fault_or_a_cost_is_better(name):
    assert results.lower_is_better(name)


@pytest.mark.parametrize("name", ["accuracy", "bleu", "macro_f1", "crps_skill_over_historical", "q3", "bars_right"])
def test_more_of_all_else_is_better(name):
    assert not results.lower_is_better(name)


def test_ordered_by_the_headline_then_the_name_and_without_a_number_last():
    losses = {"e": math.nan, "d": 2.0, "c": 0.5, "b": 0.5, "a": math.inf}
    rows = [row(model, loss=loss) for model, loss in losses.items()]
    assert [r.model for r in results.ordered(rows)] == ["b", "c", "d", "a", "e"]
    assert [r.model for r in results.ordered([row("a", bleu=1.0), row("b", bleu=3.0)])] == ["b", "a"]


def test_best_goes_by_the_first_metric():
    assert results.best([row("a", accuracy=0.9, loss=9.0), row("b", accuracy=0.8, loss=1.0)]).model == "a"


def test_what_a_row_tells():
    one = row("a", loss=1.0, accuracy=0.5, parameters=9, train_seconds=2.0, predict_seconds_per_line=0.1, baseline=True)
    assert (one.headline, one.value, one.scores) == ("loss", 1.0, ["loss", "accuracy"])
    assert (one.speed, one.baseline) == (("line", 0.1), True)
    assert (row("a", loss=1.0).speed, row("a", loss=1.0).baseline) == (None, False)


def test_read_gives_the_best_first_and_nothing_for_no_folder(tmp_path):
    (tmp_path / "gru.json").write_text('{"loss": 2.0, "parameters": 10}')
    (tmp_path / "lstm.json").write_text('{"loss": 1.0}')
    assert results.read(tmp_path, "speech", "digits") == [row("lstm", loss=1.0), row("gru", loss=2.0, parameters=10)]
    assert results.read(tmp_path / "absent", "speech", "digits") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"loss": 1', "is not whole"),
        ("{}", "holds no metrics"),
        ("[1]", "holds no metrics"),
        ('{"loss": "low"}', "loss: expected a number, not 'low'"),
        ('{"loss": 1, "by_length": {"1": 2}}', "by_length: expected a number"),
    ],
)
def test_read_refuses_what_is_not_a_flat_table_of_numbers(tmp_path, text, said):
    (tmp_path / "lstm.json").write_text(text)
    with pytest.raises(UserError, match=r"lstm\.json.*" + said):
        results.read(tmp_path, "speech", "digits")


def test_read_refuses_two_headlines_in_one_task(tmp_path):
    for model, metric in {"gru": "loss", "lstm": "loss", "rnn": "accuracy"}.items():
        (tmp_path / f"{model}.json").write_text(json.dumps({metric: 1.0}))
    with pytest.raises(UserError, match=r"rnn\.json begins with accuracy"):
        results.read(tmp_path, "speech", "digits")
