import numpy as np
import pytest
from scipy import stats

from unroll.metrics import forecasts

NAN = float("nan")
TRUTH = np.array([[1.0, 2.0], [NAN, 4.0]])
MEDIAN = np.array([[2.0, 2.0], [9.0, 1.0]])
LEVELS = [0.1, 0.5, 0.9]
QUANTILES = np.stack([MEDIAN - 1, MEDIAN, MEDIAN + 1], -1)


def test_point_errors_by_hand():
    assert forecasts.mean_absolute_error(TRUTH, MEDIAN) == pytest.approx((1 + 0 + 3) / 3)
    assert forecasts.root_mean_squared_error(TRUTH, MEDIAN) == pytest.approx(np.sqrt(10 / 3))
    scaled = forecasts.mean_absolute_scaled_error(TRUTH, MEDIAN, np.array([2.0, 6.0]))
    assert scaled == pytest.approx((1 / 2 + 0 + 3 / 6) / 3)


def test_pinball_losses_by_hand():
    losses = forecasts.pinball(TRUTH, QUANTILES, LEVELS)
    assert losses[0, 0].tolist() == pytest.approx([0, 0.5, 0.1 * 2])
    assert losses[0, 1].tolist() == pytest.approx([0.1, 0, 0.1])
    assert np.isnan(losses[1, 0]).all()
    assert losses[1, 1].tolist() == pytest.approx([0.1 * 4, 0.5 * 3, 0.9 * 2])


def test_distribution_scores_by_hand():
    total = 0.5 + 0.2 + 0.1 + 0.1 + 0.4 + 1.5 + 1.8
    assert forecasts.crps(TRUTH, QUANTILES, LEVELS) == pytest.approx(2 * total / 9)
    assert forecasts.weighted_quantile_loss(TRUTH, QUANTILES, LEVELS) == pytest.approx(2 * total / 3 / (1 + 2 + 4))


def test_coverage_by_hand():
    assert forecasts.coverage(TRUTH, QUANTILES, LEVELS, 0.8) == pytest.approx(2 / 3)
    assert forecasts.coverage(TRUTH, QUANTILES - 1, LEVELS, 0.8) == pytest.approx(2 / 3)
    assert forecasts.coverage(TRUTH, QUANTILES - 1.1, LEVELS, 0.8) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=r"the level 0.25 is not among \[0.1, 0.5, 0.9\]"):
        forecasts.coverage(TRUTH, QUANTILES, LEVELS, 0.5)


def test_crps_approaches_that_of_the_normal_distribution():
    """Closed form: Gneiting & Raftery 2007, equation 21."""
    y, levels = np.linspace(-2, 2, 9)[:, None], (np.arange(2000) + 0.5) / 2000
    quantiles = np.broadcast_to(stats.norm.ppf(levels), (9, 1, 2000))
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    assert forecasts.crps(y, quantiles, levels) == pytest.approx(exact.mean(), rel=1e-3)


def test_true_quantiles_score_best_and_cover_what_they_should():
    rng = np.random.default_rng(0)
    truth, levels = rng.normal(3, 2, (5000, 2)), [0.1, 0.25, 0.5, 0.75, 0.9]
    quantiles = np.broadcast_to(stats.norm.ppf(levels, 3, 2), (5000, 2, 5))
    best = forecasts.crps(truth, quantiles, levels)
    for wrong in (quantiles + 0.3, quantiles - 0.3, 3 + 1.3 * (quantiles - 3), 3 + 0.7 * (quantiles - 3)):
        assert forecasts.crps(truth, wrong, levels) > best
    assert forecasts.coverage(truth, quantiles, levels, 0.8) == pytest.approx(0.8, abs=0.02)
    assert forecasts.coverage(truth, quantiles, levels, 0.5) == pytest.approx(0.5, abs=0.02)


def test_without_any_truth_there_is_no_score():
    nothing = np.full((2, 2), NAN)
    assert np.isnan(forecasts.mean_absolute_error(nothing, MEDIAN))
    assert np.isnan(forecasts.root_mean_squared_error(nothing, MEDIAN))
    assert np.isnan(forecasts.weighted_quantile_loss(nothing, QUANTILES, LEVELS))
    assert np.isnan(forecasts.coverage(nothing, QUANTILES, LEVELS, 0.8))
    assert np.isnan(forecasts.weighted_quantile_loss(np.zeros((2, 2)), QUANTILES, LEVELS))
