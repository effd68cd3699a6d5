import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.baselines.pixel_regression import Baseline, Settings
from unroll.features import pixels
from unroll.features.pixels import Pixels
from unroll.patterns import classifier

TASK = classifier.Settings(pooling=["final"], masked=0.0, balance=False)
AS_THEY_ARE = Pixels(size=0, background=False, difference=False, reduce=1)


@pytest.fixture
def clips(tmp_path):
    """Makes a featurized table of (steps (T, D), label)."""

    def made(rows: list[tuple[np.ndarray, str]], dtype=np.uint8) -> pa.Table:
        features = np.shape(rows[0][0])[1]
        kind = examples.matrix_type(features, pa.from_numpy_dtype(dtype))
        schema = pa.schema(
            [("id", pa.string()), ("label", pa.string()), ("frames", kind)],
            {"shape": json.dumps([1, 1, features]), "frames_per_second": "0"},
        )
        found = [
            {"id": str(number), "label": label, "frames": np.array(steps, dtype)}
            for number, (steps, label) in enumerate(rows)
        ]
        examples.write(tmp_path / "plain.arrow", schema, found)
        table = examples.read(tmp_path / "plain.arrow")
        examples.write(tmp_path / "clips.arrow", *pixels.featurize(table, AS_THEY_ARE))
        return examples.read(tmp_path / "clips.arrow")

    return made


def fitted(table: pa.Table, pool: str, task: classifier.Settings = TASK) -> Baseline:
    return Baseline.for_examples(table, task, Settings("pixel_regression", pool=pool, penalty=0.1), 0)


UP, DOWN = [[0], [0], [90], [200], [200]], [[200], [200], [90], [0], [0]]  # in the middle they are the same
BOTH = [(UP, "up"), (DOWN, "down")] * 4


def test_all_steps_tell_what_goes_up_from_what_goes_down(clips):
    baseline = fitted(clips(BOTH), "all")
    found = baseline.predict(baseline.examples(clips([(DOWN, "?"), (UP, "?")])))
    assert [own.label for own in found] == ["down", "up"]
    assert list(found[0].probabilities) == ["down", "up"]
    assert sum(found[0].probabilities.values()) == pytest.approx(1)
    assert baseline.parameters == 5 + 1


@pytest.mark.parametrize("pool", ["mean", "single"])
def test_neither_the_mean_nor_a_single_step_tells_the_order(clips, pool):
    baseline = fitted(clips(BOTH), pool)
    for own in baseline.predict(baseline.examples(clips([(DOWN, "?"), (UP, "?")]))):
        assert own.probabilities["up"] == pytest.approx(0.5, abs=1e-6)


def test_the_mean_comes_with_the_deviation(clips):
    table = clips([([[100], [100]], "still"), ([[0], [200]], "moves")] * 3)
    baseline = fitted(table, "mean")
    assert [own.label for own in baseline.predict(baseline.examples(table))] == ["still", "moves"] * 3
    assert baseline.parameters == 2 + 1


def test_the_single_step_is_the_middle_one(clips):
    table = clips([([[9], [0], [9]], "dark"), ([[9], [200], [9]], "light")] * 3)
    baseline = fitted(table, "single")
    assert [own.label for own in baseline.predict(baseline.examples(table))] == ["dark", "light"] * 3
    assert baseline.parameters == 1 + 1


def test_shorter_rows_are_followed_by_zeros_and_longer_ones_are_cut(clips):
    baseline = fitted(clips(BOTH), "all")
    rows = [np.array(row, np.uint8) for row in (DOWN, DOWN[:3], [*DOWN, [200], [200]])]
    whole, short, long = baseline.probabilities(rows)
    np.testing.assert_allclose(whole, short)
    np.testing.assert_allclose(whole, long)


def test_sensors_are_scaled_number_by_number(clips):
    rng = np.random.default_rng(0)
    loud, quiet = 1e4 * rng.normal(size=(40, 3)), np.repeat([0.0, 0.01], 20)
    rows = [(np.stack([loud[i], np.full(3, quiet[i])], 1), "low" if quiet[i] == 0 else "high") for i in range(40)]
    table = clips(rows, np.float32)
    baseline = fitted(table, "mean")
    assert [own.label for own in baseline.predict(baseline.examples(table))] == [label for _, label in rows]


def test_a_rare_label_weighs_more_where_the_classifier_balances(clips):
    table = clips([([[10]], "often")] * 30 + [([[20]], "often")] * 10 + [([[20]], "rare")] * 6)
    balanced = classifier.Settings(pooling=["final"], masked=0.0, balance=True)
    found = [fitted(table, "all", task) for task in (TASK, balanced)]
    rare = [own.predict(own.examples(table))[-1].probabilities["rare"] for own in found]
    assert rare[0] < 0.5 < rare[1]
