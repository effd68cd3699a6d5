import numpy as np
import pytest

from unroll.baselines.seasonal_naive import Baseline, Settings
from unroll.errors import UserError

NAN = float("nan")


def forecast(series, task, y, origins, season, horizon=1):
    baseline = Baseline(task, Settings("seasonal_naive", season))
    (found,) = baseline.predict(baseline.examples(series({"a": y}, origins, horizon)))
    return found.quantiles


def test_the_median_is_the_last_season(series, task):
    y = np.arange(20.0) % 4
    found = forecast(series, task, y, [12, 14], season=4, horizon=6)
    np.testing.assert_array_equal(found[..., 2], [[0, 1, 2, 3, 0, 1], [2, 3, 0, 1, 2, 3]])
    assert found == pytest.approx(np.repeat(found[..., 2:3], 5, axis=2))  # no errors, no spread


def test_a_missing_value_is_that_of_the_season_before(series, task):
    y = np.array([1.0, 2, 3, NAN, 5, 6, 7, 8])
    assert forecast(series, task, y, [5], season=2, horizon=2)[0, :, 2].tolist() == [2, 5]


def test_the_spread_is_that_of_the_errors_before_the_first_fork(series, task):
    y = np.array([0.0, 1, 1, 4, 6, 100, -100])  # changes 1 0 3 2 before step 5
    found = forecast(series, task, y, [5], season=1)
    np.testing.assert_allclose(found[0, 0], 6 + np.array([0.3, 0.75, 1.5, 2.25, 2.7]) - 1.5)


def test_further_seasons_spread_wider(series, task):
    y = np.cumsum(np.random.default_rng(0).normal(size=500))
    found = forecast(series, task, y, [480], season=2, horizon=8)[0]
    width = found[:, 4] - found[:, 0]
    assert width[0] == width[1] < width[2] == width[3] < width[6]


def test_too_short_a_past_is_refused(series, task):
    with pytest.raises(UserError, match=r"series a has 4 steps .* needs 5: lower its season"):
        forecast(series, task, np.arange(9.0), [4], season=4)
