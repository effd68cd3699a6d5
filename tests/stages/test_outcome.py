import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from unroll.errors import UserError
from unroll.stages import outcome

TABLE = pa.table(
    {
        "id": ["a", "b"],
        "species": ["owl", "wren"],
        "genes": pa.array([[1, 2], []], pa.list_(pa.int8())),
        "codes": pa.array([[1, 2, 3], [4]], pa.large_list(pa.int16())),
    }
)


def examples(*ids):
    return [SimpleNamespace(id=one) for one in ids]


def test_a_row_is_what_its_example_came_from_with_its_prediction():
    wanted = examples("b", "a", "b")  # the windows of one row, in any order
    found = outcome.rows(TABLE, wanted, ["x", "y", "z"], "theo")
    assert found == [
        {"id": "b", "species": "wren", "genes": [], "fold": "theo", "example": wanted[0], "prediction": "x"},
        {"id": "a", "species": "owl", "genes": [1, 2], "fold": "theo", "example": wanted[1], "prediction": "y"},
        {"id": "b", "species": "wren", "genes": [], "fold": "theo", "example": wanted[2], "prediction": "z"},
    ]


def test_what_was_not_predicted_is_refused_by_name():
    with pytest.raises(UserError, match=r"^the test examples b are too short to be predicted: leave them out"):
        outcome.rows(TABLE, examples("a"), ["x"])


def test_a_prediction_for_each_example():
    with pytest.raises(ValueError, match="shorter"):
        outcome.rows(TABLE, examples("a", "b"), ["x"])


def test_metrics_keep_their_order(tmp_path):
    path = tmp_path / "reports/metrics/lstm.json"
    outcome.write_metrics(path, {"q3": 0.5, "accuracy": 1.0, "baseline": True})
    assert list(json.loads(path.read_text()).items()) == [("q3", 0.5), ("accuracy", 1.0), ("baseline", True)]
    with pytest.raises(TypeError):
        outcome.write_metrics(path, {"q3": np.float32(1)})
    assert json.loads(path.read_text())["q3"] == 0.5  # what was there stays whole


def test_lines_are_read_back_by_any_reader(tmp_path):
    lines = [{"id": "a", "said": 'turn "left", now'}, {"id": "b", "said": "zwölf\nzwei"}]
    path = tmp_path / "predictions.csv"
    outcome.write_lines(path, lines)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == lines
    assert b"\r" not in path.read_bytes()
