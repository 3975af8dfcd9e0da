"""The tests of difference equal independent computations, and are calm where nothing is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from rnnapp.evaluation.significance import confidence_set, diebold_mariano, superior_ability


def errors(seed: int, count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    smooth = np.convolve(
        rng.normal(size=count + 4), np.ones(5) / 5, mode="valid"
    )  # overlapping, as horizons are
    return smooth, 1.1 * smooth + rng.normal(0, 0.3, count)


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_diebold_mariano_equals_a_regression_on_a_constant(horizon):
    """statsmodels' HAC standard error with a flat kernel, then the published factor."""
    first, second = errors(horizon)
    d = first**2 - second**2
    n = len(d)
    fit = sm.OLS(d, np.ones(n)).fit(
        cov_type="HAC", cov_kwds={"maxlags": horizon - 1, "kernel": "uniform"}
    )
    factor = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    outcome = diebold_mariano(first, second, horizon)
    assert outcome.statistic == pytest.approx(fit.tvalues[0] * factor, rel=1e-9)
    assert outcome.p == pytest.approx(2 * stats.t.sf(abs(fit.tvalues[0] * factor), n - 1), rel=1e-9)


def test_diebold_mariano_one_day_ahead_is_a_t_test():
    """With no overlap the corrected statistic is Student's t of the loss differences."""
    first, second = errors(7)
    expected = stats.ttest_1samp(first**2 - second**2, 0)
    outcome = diebold_mariano(first, second)
    assert outcome == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_swapping_the_forecasts_turns_the_sign():
    first, second = errors(3)
    assert diebold_mariano(first, second, 3).statistic == pytest.approx(
        -diebold_mariano(second, first, 3).statistic
    )


def test_equal_errors_cannot_be_told_apart():
    first, _ = errors(0)
    assert diebold_mariano(first, -first) == (0.0, 1.0)


def test_a_nan_gives_no_p_value():
    first, second = errors(0)
    first[3] = np.nan
    assert math.isnan(diebold_mariano(first, second).p)


def test_diebold_mariano_keeps_its_level_under_no_difference():
    """At 10% about a tenth of equal pairs may be called different, no more."""
    rng = np.random.default_rng(0)
    found = sum(diebold_mariano(*rng.normal(size=(2, 100))).p < 0.10 for _ in range(600))
    assert found <= 0.10 * 600 + 3 * math.sqrt(600 * 0.1 * 0.9)


def test_the_confidence_set_keeps_the_best_and_drops_the_bad():
    rng = np.random.default_rng(0)
    good = rng.normal(size=200)
    kept = confidence_set(
        {"good": good, "as good": good + rng.normal(0, 0.01, 200), "bad": 5 * rng.normal(size=200)}
    )
    assert kept.members == {"good", "as good"}
    assert kept.p["bad"] <= 0.10


def test_the_confidence_set_is_the_same_for_the_same_seed():
    rng = np.random.default_rng(1)
    many = {name: rng.normal(size=100) for name in "abcd"}
    assert confidence_set(many, seed=4) == confidence_set(many, seed=4)


def test_twins_share_one_fate_and_a_nan_is_no_member():
    """Equal losses have no variance of their difference; a broken forecast must not slip in."""
    rng = np.random.default_rng(2)
    one, broken = rng.normal(size=60), np.full(60, np.nan)
    kept = confidence_set(
        {"one": one, "twin": -one, "other": rng.normal(size=60), "broken": broken}
    )
    assert kept.p["one"] == kept.p["twin"]
    assert "broken" not in kept.members
    assert math.isnan(kept.p["broken"])


@pytest.mark.parametrize("days", [1, 2, 3, 5])
def test_a_handful_of_days_still_has_an_outcome(days):
    rng = np.random.default_rng(days)
    kept = confidence_set({"a": rng.normal(size=days), "b": rng.normal(size=days)})
    assert kept.members


def test_looking_at_many_lucky_forecasts_finds_none_better():
    """Twenty forecasts that differ from the benchmark by luck alone.

    The best of them must not count, nine times in ten.
    """
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        base = rng.normal(size=120)
        found += (
            superior_ability({str(i): rng.normal(size=120) for i in range(20)}, base, draws=300)
            < 0.10
        )
    assert found <= 0.10 * 40 + 3 * math.sqrt(40 * 0.1 * 0.9)


def test_a_better_forecast_is_found_among_bad_ones():
    rng = np.random.default_rng(0)
    base = rng.normal(size=150)
    assert (
        superior_ability({"better": 0.7 * base, "bad": 3 * base, "broken": base * np.nan}, base)
        < 0.05
    )


def test_a_copy_of_the_benchmark_is_not_better():
    base = np.random.default_rng(0).normal(size=50)
    assert superior_ability({"copy": base}, base) == 1.0


def test_the_one_sided_values_add_up():
    first, second = errors(1)
    outcome = diebold_mariano(first, second)
    assert outcome.statistic < 0
    assert outcome.p_better == outcome.p / 2
    assert outcome.p_better + outcome.p_worse == pytest.approx(1)
