import numpy as np
import pytest
from scipy.stats import t

from unroll.baselines.garch import Baseline, Fitted, Settings, _filtered

OMEGA, ALPHA, BETA, FREEDOM = 0.1, 0.15, 0.8, 6.0


def simulated(steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A path (T,) and the variance of its changes (T + 1,) at each step."""
    z = np.random.default_rng(seed).standard_t(FREEDOM, size=steps) * np.sqrt((FREEDOM - 2) / FREEDOM)
    variance, changes = np.full(steps + 1, OMEGA / (1 - ALPHA - BETA)), np.zeros(steps)
    for i in range(1, steps):
        changes[i] = np.sqrt(variance[i]) * z[i]
        variance[i + 1] = OMEGA + ALPHA * changes[i] ** 2 + BETA * variance[i]
    return np.cumsum(changes), variance


def test_the_filter_follows_the_recursion():
    y, variance = simulated(200, 0)
    own = Fitted(0.0, OMEGA, ALPHA, BETA, FREEDOM, OMEGA / (1 - ALPHA - BETA))
    np.testing.assert_allclose(_filtered(y, own), variance)


def test_a_missing_change_counts_as_usual():
    own = Fitted(0.0, OMEGA, ALPHA, BETA, FREEDOM, 2.0)
    assert _filtered(np.array([1.0, np.nan, 3.0]), own) == pytest.approx([2, 2, 2, 2])


def test_the_parameters_are_found(series, task):
    y, _ = simulated(6000, 1)
    baseline = Baseline.for_examples(series({"a": y}, []), task, Settings("garch", 10), 0)
    found = baseline.fitted["a"]
    assert found.alpha == pytest.approx(ALPHA, abs=0.04)
    assert found.beta == pytest.approx(BETA, abs=0.06)
    assert found.freedom == pytest.approx(FREEDOM, abs=1.5)
    assert baseline.parameters == 5


def test_one_step_ahead_is_exact(series, task):
    own = Fitted(0.5, OMEGA, ALPHA, BETA, FREEDOM, 2.0)
    baseline = Baseline(task, Settings("garch", 20_000), {"a": own}, 0)
    (example,) = baseline.examples(series({"a": [7.0, 7.5, 9.0]}, [2], difference=True))
    spread = np.sqrt(OMEGA + ALPHA * 0 + BETA * 2.0)  # the change was just the mean
    expected = 7.5 + 0.5 + spread * np.sqrt((FREEDOM - 2) / FREEDOM) * t.ppf(task.levels, FREEDOM)
    np.testing.assert_allclose(baseline.quantiles(example)[0, 0], expected, rtol=1e-3)


def test_further_ahead_the_variances_add_up(series, task):
    still = Fitted(0.0, 1.0, 0.0, 0.0, 100.0, 1.0)  # nearly a Gaussian random walk
    baseline = Baseline(task, Settings("garch", 20_000), {"a": still}, 0)
    (example,) = baseline.examples(series({"a": np.zeros(12)}, [3], horizon=9, difference=True))
    width = baseline.quantiles(example)[0, :, 4]
    np.testing.assert_allclose(width, 1.2816 * np.sqrt(np.arange(1, 10)), rtol=0.03)


def test_a_wild_past_widens_the_forecast(series, task):
    own = Fitted(0.0, OMEGA, ALPHA, BETA, FREEDOM, 2.0)
    baseline = Baseline(task, Settings("garch", 1000), {"a": own}, 0)
    widths = []
    for last in (0.0, 10.0):
        (example,) = baseline.examples(series({"a": [0.0, 0.0, last, 0.0]}, [3], difference=True))
        found = baseline.quantiles(example)[0, 0]
        widths.append(found[4] - found[0])
    assert widths[1] > 2 * widths[0]
