import numpy as np
import pytest

from unroll.baselines.lightgbm_lags import Baseline, Settings, _inputs

SETTINGS = Settings("lightgbm_lags", recent=2, stride=3, trees=60, leaves=8, learning_rate=0.2)


def daily(steps: int, seed: int = 0) -> np.ndarray:
    """A wave with a period of 24 and a little noise."""
    noise = np.random.default_rng(seed).normal(0, 0.1, steps)
    return 50 + 10 * np.sin(np.arange(steps) / 24 * 2 * np.pi) + noise


def test_it_learns_the_day(series, task):
    train = series({"a": daily(24 * 20), "b": 1000 * daily(24 * 20, 1)}, [], horizon=24)
    baseline = Baseline.for_examples(train, task, SETTINGS, 0)
    y = daily(24 * 24, 2)
    (example,) = baseline.examples(series({"new": y}, [24 * 22, 24 * 23], horizon=24))
    found = baseline.quantiles(example)
    assert np.abs(found[..., 2] - y[-48:].reshape(2, 24)).mean() < 0.5
    assert baseline.parameters <= 5 * 60 * 8


def test_a_row_holds_the_latest_values_then_what_is_known(series, task):
    y = np.arange(10.0)
    (example,) = Baseline(task, SETTINGS, []).examples(series({"a": y}, [1, 5], horizon=2, lags=(2,)))
    rows = _inputs(example, 2)
    assert rows.shape == (4, 2 + 3 + 1 + 1)  # two values, hour as sine and cosine, a lag, the distance, a static
    standard = (y - y.mean()) / y.std()
    np.testing.assert_allclose(rows[0, :2], [np.nan, standard[0]], rtol=1e-6)
    np.testing.assert_allclose(rows[2:, :2], [standard[3:5]] * 2, rtol=1e-6)
    np.testing.assert_allclose(rows[2:, 4], standard[3:5], rtol=1e-6)  # two steps before steps 5 and 6
    assert rows[:, 5].tolist() == [0, 1, 0, 1]
    assert rows[:, 6].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("difference", [False, True])
def test_the_forecast_is_in_the_unit_of_the_series(series, task, difference):
    y = 1e6 + np.arange(200.0)
    train = series({"a": y}, [], horizon=2, difference=difference)
    baseline = Baseline.for_examples(train, task, SETTINGS, 0)
    (example,) = baseline.examples(series({"a": y}, [150], horizon=2, difference=difference))
    assert baseline.quantiles(example)[0, :, 2] == pytest.approx([1e6 + 150, 1e6 + 151], abs=3)
