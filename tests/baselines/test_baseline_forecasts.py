"""What holds for every baseline of the forecaster."""

import numpy as np
import pytest

from unroll.baselines import garch, historical, lightgbm_lags, rolling_zscore, seasonal_naive
from unroll.baselines.forecasts import last_observed
from unroll.patterns.stretches import examples_of

CHOSEN = {
    seasonal_naive: {"season": 24},
    historical: {"window": 50},
    rolling_zscore: {"window": 10},
    garch: {"paths": 100},
    lightgbm_lags: {"recent": 3, "stride": 2, "trees": 5, "leaves": 4, "learning_rate": 0.1},
}
FORKS = [120, 150]
each_method = pytest.mark.parametrize("method", CHOSEN, ids=lambda method: method.__name__.rpartition(".")[2])
NAN = float("nan")


def settings(method):
    return method.Settings(method=method.__name__.rpartition(".")[2], **CHOSEN[method])


def walk(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100 + np.cumsum(rng.normal(size=160)) + 5 * np.sin(np.arange(160) / 24 * 2 * np.pi)


def fitted(method, series, task, y=None):
    train = series({"a": walk()[:110], "b": walk(1)[:110]}, [], horizon=4, difference=True)
    baseline = method.Baseline.for_examples(train, task, settings(method), 3)
    test = series({"a": walk() if y is None else y}, FORKS, horizon=4, difference=True)
    return baseline, baseline.examples(test), examples_of(test, task.segment)


@each_method
def test_a_forecast_for_each_fork_step_and_level(method, series, task):
    baseline, examples, _ = fitted(method, series, task)
    (forecast,) = baseline.predict(examples)
    assert forecast.quantiles.shape == (2, 4, 5)
    assert np.isfinite(forecast.quantiles).all()
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()


@each_method
def test_the_examples_are_those_of_the_forecaster(method, series, task):
    _, examples, own = fitted(method, series, task)
    assert [example.id for example in examples] == [example.id for example in own] == ["a"]
    assert examples[0].forks.tolist() == own[0].forks.tolist() == FORKS


@each_method
def test_the_same_input_gives_the_same_forecast(method, series, task):
    twice = [baseline.predict(examples)[0] for baseline, examples, _ in (fitted(method, series, task),) * 2]
    again, examples, _ = fitted(method, series, task)
    np.testing.assert_array_equal(twice[0].quantiles, twice[1].quantiles)
    np.testing.assert_array_equal(twice[0].quantiles, again.predict(examples)[0].quantiles)


@each_method
def test_nothing_from_the_last_fork_on_is_read(method, series, task):
    baseline, (example,), _ = fitted(method, series, task)
    at = example.forks[-1]
    later = example.y.copy()
    later[at:] += 1000
    values = example.values.copy()
    values[at:] += 1000
    changed = example._replace(y=later, values=values)
    np.testing.assert_array_equal(baseline.quantiles(changed), baseline.quantiles(example))


@each_method
def test_missing_values_are_borne(method, series, task):
    y = walk()
    y[[3, 70, 119, 130]] = NAN
    baseline, examples, _ = fitted(method, series, task, y)
    assert np.isfinite(baseline.predict(examples)[0].quantiles).all()


def test_the_last_observed_value():
    found = last_observed(np.array([NAN, 1, NAN, NAN, 4]))
    np.testing.assert_array_equal(found, [NAN, 1, 1, 1, 4])
