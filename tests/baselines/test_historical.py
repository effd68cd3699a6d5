import numpy as np
import pytest

from unroll.baselines.historical import Baseline, Settings
from unroll.errors import UserError

Y = np.array([0.0, 1, 3, 4, 8, 9, 12, 50, 60])


def forecast(series, task, y, origins, window, horizon=1):
    baseline = Baseline(task, Settings("historical", window))
    found = baseline.predict(baseline.examples(series({"a": y}, origins, horizon)))
    return np.concatenate([each.quantiles for each in found])


def test_the_quantiles_are_those_of_the_latest_changes(series, task):
    found = forecast(series, task, Y, [6, 7], window=3, horizon=2)
    levels = task.levels
    np.testing.assert_allclose(found[0, 0], 9 + np.quantile([1, 4, 1], levels))
    np.testing.assert_allclose(found[0, 1], 9 + np.quantile([3, 5, 5], levels))
    np.testing.assert_allclose(found[1, 0], 12 + np.quantile([4, 1, 3], levels))
    np.testing.assert_allclose(found[1, 1], 12 + np.quantile([5, 5, 4], levels))


def test_a_long_window_covers_as_often_as_it_says(series, task):
    y = np.cumsum(np.random.default_rng(0).standard_t(4, size=4000))
    found = forecast(series, task, y, list(range(1000, 3999)), window=500)[:, 0]
    truth = y[1000:3999]
    inside = (found[:, 0] < truth) & (truth < found[:, 4])
    assert 0.78 < inside.mean() < 0.82


def test_too_short_a_past_is_refused(series, task):
    y = np.concatenate([[np.nan, np.nan], Y])
    with pytest.raises(UserError, match=r"series a has 5 values .* window 5 needs 6: lower its window"):
        forecast(series, task, y, [7], window=5)
    assert np.isfinite(forecast(series, task, y, [8], window=5)).all()
