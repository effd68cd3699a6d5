import numpy as np
import pytest

from unroll.baselines.rolling_zscore import Baseline, Settings
from unroll.errors import UserError
from unroll.params import check

NAN = float("nan")


def forecast(series, task, y, origins, window=3, horizon=1):
    baseline = Baseline(task, Settings("rolling_zscore", window))
    (found,) = baseline.predict(baseline.examples(series({"a": y}, origins, horizon)))
    return found.quantiles


def test_mean_and_deviation_of_the_latest_values(series, task):
    found = forecast(series, task, [100.0, 1, 2, 3, 7, 0], [4], horizon=2)
    np.testing.assert_allclose(found[0, 0], 2 + np.array([-1.2815516, -0.6744898, 0, 0.6744898, 1.2815516]))
    np.testing.assert_array_equal(found[0, 0], found[0, 1])


def test_one_that_stands_still_keeps_a_little_width(series, task):
    found = forecast(series, task, [0.0, 10, 5, 5, 5, 5], [5])[0, 0]
    assert found[2] == 5
    assert 0 < found[4] - found[0] < 0.05


def test_a_gap_is_bridged(series, task):
    found = forecast(series, task, [1.0, 2, 3, NAN, NAN, NAN, NAN, 9], [7])
    assert found[0, 0, 2] == 2.5  # of the last window that held two values


def test_a_window_of_one_is_refused():
    with pytest.raises(UserError, match="window should be at least 2"):
        check(Settings, {"method": "rolling_zscore", "window": 1}, "params.yaml")
