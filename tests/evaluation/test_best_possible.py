"""The best possible forecast of a simulated series stands beside every other as its bound."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from rnnapp.configs import SimulatedConfig, WindowConfig
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.baselines import (
    BEST,
    PERSISTENCE,
    best_possible_forecast,
    make_baselines,
    persistence_forecast,
)
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.metrics import evaluate, evaluation_headline
from rnnapp.evaluation.walkforward import fold_splits
from rnnapp.figures.tables import markdown_table
from rnnapp.runs.history.artifacts import prices_from_bytes, prices_to_bytes
from rnnapp.runs.search.trial import rows_before_test
from tests.support import random_walk


def echo_split(horizon: int = 1, rows: int = 0) -> PriceSplit:
    prices = simulate_prices(SimulatedConfig("echo", 600, strength=0.6, lag=3))
    return make_split(prices, WindowConfig(window=5, horizon=horizon, rows=rows))


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("rows", [0, 300])
def test_it_is_the_mean_of_the_true_process_given_the_windows_last_day(
    horizon: int, rows: int
) -> None:
    split = echo_split(horizon, rows)
    assert isinstance(split.prices, SimulatedPrices)
    made = best_possible_forecast(split)
    row = {date: i for i, date in enumerate(split.prices.dates)}
    known = [row[date] - horizon for date in made.dates]
    np.testing.assert_array_equal(made.predicted, split.prices.expected[known, horizon - 1])


def test_the_share_of_the_reachable_gain_runs_from_persistence_to_the_best_possible() -> None:
    split = echo_split()
    best = best_possible_forecast(split)
    last = persistence_forecast(split)
    middle = dataclasses.replace(best, predicted=(best.predicted + last.predicted) / 2)
    assert evaluate(last).reached == 0
    assert evaluate(best).reached == 1
    assert 0.5 < evaluate(middle).reached < 1  # half the way is three quarters of the square
    assert "reaches 100% of the gain" in evaluation_headline(evaluate(best), "It")


def test_of_a_random_walk_there_is_no_share_and_the_headline_says_why() -> None:
    walk = make_split(simulate_prices(SimulatedConfig("random-walk", 400)), WindowConfig())
    judged = evaluate(persistence_forecast(walk))
    assert math.isnan(judged.reached)
    assert "no net can" in evaluation_headline(judged, "GRU")
    real = evaluate(persistence_forecast(make_split(random_walk(), WindowConfig())))
    assert math.isnan(real.best_rmse)
    assert "possible" not in evaluation_headline(real, "GRU")


def test_the_table_has_its_row_and_its_column_only_where_it_is_known() -> None:
    comparison = judge_results(echo_split(), [])
    bound = comparison.find_row(BEST)
    assert bound.kind == "best"
    assert bound.rank == 1
    assert bound.as_dict()["reached"] == 1
    assert comparison.find_row(PERSISTENCE).as_dict()["reached"] == 0
    assert "Reached, %" in markdown_table(comparison)
    real = judge_results(make_split(random_walk(), WindowConfig()), [])
    assert BEST not in [row.name for row in real.rows]
    assert "Reached" not in markdown_table(real)


def test_folds_and_searches_hold_the_expectations_of_their_own_rows() -> None:
    split = echo_split()
    for fold in fold_splits(split.prices, split.config, folds=2, step=30):
        assert isinstance(fold.prices, SimulatedPrices)
        assert len(fold.prices.expected) == len(fold.prices)
    seen = rows_before_test(split.prices, split.config)
    assert isinstance(seen, SimulatedPrices)
    assert len(seen.expected) == len(seen)


def test_a_saved_series_opens_with_its_best_possible_forecast() -> None:
    prices = echo_split(rows=200).prices
    opened = prices_from_bytes(prices_to_bytes(prices))
    assert isinstance(opened, SimulatedPrices)
    assert opened.fingerprint == prices.fingerprint
    assert np.array_equal(opened.expected, prices.expected)
    plain = prices_from_bytes(prices_to_bytes(random_walk()))
    assert not isinstance(plain, SimulatedPrices)


@pytest.mark.parametrize("process", ["echo", "ar2", "regimes", "seasons", "sine"])
def test_the_judge_says_better_of_the_best_possible_forecast(process: str) -> None:
    """Where there is something to know, knowing it is better than persistence."""
    said = 0
    for number in range(8):
        config = SimulatedConfig(process, 1200, strength=0.5, simulation_seed=number)  # type: ignore[arg-type]
        split = make_split(simulate_prices(config), WindowConfig())
        rules = [persistence_forecast(split), best_possible_forecast(split)]
        said += judge_results(split, [], baselines=rules).find_row(BEST).beats_persistence
    assert said >= 7


@pytest.mark.parametrize("process", ["random-walk", "garch", "stochastic-volatility"])
def test_the_judge_sees_nothing_where_there_is_nothing(process: str) -> None:
    """The drift, the linear model and the averages are no better than a martingale's last close."""
    wrong = 0
    for number in range(8):
        config = SimulatedConfig(process, 1200, strength=0.5, simulation_seed=number)  # type: ignore[arg-type]
        split = make_split(simulate_prices(config), WindowConfig())
        rules = make_baselines(split)
        wrong += any(
            row.beats_persistence for row in judge_results(split, [], baselines=rules).rows
        )
    assert wrong <= 1
