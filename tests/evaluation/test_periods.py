"""Errors by part of the test, known pitfalls, and the tests that a nested rival needs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnapp.configs import SimulatedConfig, WindowConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import best_possible_forecast, drift_forecast
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.periods import errors_by_period
from rnnapp.evaluation.pitfalls import check_pitfalls
from rnnapp.evaluation.significance import clark_west, detectable_skill, diebold_mariano
from tests.support import random_walk


def test_parts_hold_every_test_day_and_equal_naive_sums() -> None:
    made = drift_forecast(make_split(random_walk(500), WindowConfig()))
    test = made.select_part("test")
    parts = {part.period: part for part in errors_by_period(made)}
    assert parts["calm"].days + parts["stormy"].days == len(test)
    years = [part for name, part in parts.items() if name.isdigit()]
    assert sum(part.days for part in years) == len(test)
    squares = sum(part.days * part.rmse**2 for part in years)
    assert math.sqrt(squares / len(test)) == pytest.approx(evaluate(made).rmse)
    bias = sum(part.days * part.bias for part in years) / len(test)
    assert bias == pytest.approx(evaluate(made).bias)


def test_stormy_days_of_a_garch_series_are_missed_by_more() -> None:
    prices = simulate_prices(SimulatedConfig("garch", 1500, strength=0.9))
    made = drift_forecast(make_split(prices, WindowConfig()))
    calm, stormy = errors_by_period(made)[:2]
    assert stormy.persistence_rmse > 1.1 * calm.persistence_rmse


def test_clark_west_equals_its_formula_and_finds_what_diebold_mariano_cannot() -> None:
    """A forecast that knows a little and pays for it with noise of its own."""
    rng = np.random.default_rng(0)
    known, noise, rest = 0.25 * rng.normal(size=(3, 2000)) * np.array([[1.0], [1.0], [4.0]])
    actual = known + rest
    own = known + noise - actual
    gain = actual**2 - own**2 + (known + noise) ** 2
    statistic = gain.mean() / math.sqrt(gain.var() / len(gain))
    p = clark_west(own, -actual)
    assert p == pytest.approx(0.5 * math.erfc(statistic / math.sqrt(2)))
    assert p < 0.01
    assert diebold_mariano(own, -actual).p_better > 0.1
    assert clark_west(-actual, -actual) == 1.0


def test_the_detectable_skill_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    days, found = 400, 0
    scale, skills = 0.94, []
    for _ in range(400):
        base = rng.normal(size=days)
        own = scale * (0.9 * base + math.sqrt(1 - 0.81) * rng.normal(size=days))
        skills.append(detectable_skill(own, base))
        found += diebold_mariano(own, base).p < 0.10
    power = found / 400
    assert np.mean(skills) == pytest.approx(0.06, abs=0.02)  # about what is there
    assert 0.6 < power < 0.95


def test_rmsse_is_scaled_on_training_rows_and_bias_keeps_its_sign() -> None:
    split = make_split(random_walk(300), WindowConfig())
    made = drift_forecast(split)
    judged = evaluate(made)
    train = made.select_part("train")
    naive = math.sqrt(np.mean((train.actual - train.anchor) ** 2))
    assert judged.rmsse == pytest.approx(judged.rmse / naive)
    test = made.select_part("test")
    assert judged.bias == pytest.approx(np.mean(test.predicted - test.actual))


def test_every_pitfall_is_answered_with_a_reason() -> None:
    leaky = make_split(random_walk(200), WindowConfig(scaling="all"))
    checks = {check.pitfall: check for check in check_pitfalls(judge_results(leaky, []), leaky)}
    assert len(checks) == 14
    assert all(check.why.endswith(".") for check in checks.values())
    assert checks["Training knows the test days"].checked == "no"
    assert checks["Too few test days"].checked == "no"
    assert checks["Overlapping forecasts taken as separate"].checked == "not applicable"
    split = make_split(random_walk(600), WindowConfig(horizon=2))
    checks = {check.pitfall: check for check in check_pitfalls(judge_results(split, []), split)}
    assert checks["Training knows the test days"].checked == "yes"
    assert checks["Overlapping forecasts taken as separate"].checked == "yes"


def test_the_best_possible_forecast_has_no_bias_worth_naming() -> None:
    split = make_split(simulate_prices(SimulatedConfig("ar2", 3000)), WindowConfig())
    judged = evaluate(best_possible_forecast(split))
    assert abs(judged.bias) < 0.1 * judged.rmse
