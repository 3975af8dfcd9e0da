"""The verdict is calm on a random walk and awake where there is structure."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.evaluation.baselines import PERSISTENCE, make_baselines
from rnnapp.evaluation.compare import SeedResult, compare_nets, make_candidates
from rnnapp.evaluation.judge import TIE, doubt_rows, judge_results, median_forecast
from rnnapp.evaluation.metrics import evaluation_headline
from rnnapp.training.loop import train
from tests.evaluation.series import ar2_prices, hand_made, walk_prices
from tests.support import random_walk

NETS = [ModelConfig(cell=cell) for cell in ("rnn", "lstm", "gru")]
RUNS = 20


def verdict_of(prices) -> str:
    split = make_split(prices, WindowConfig())
    return judge_results(split, list(compare_nets(split, NETS, seeds=1))).verdict


def test_better_is_taken_back_from_a_row_in_doubt() -> None:
    """Its own verdict and the headline follow; the numbers stay."""
    rng = np.random.default_rng(3)
    split = make_split(random_walk(400), WindowConfig(window=6, split=200))
    rules = make_baselines(split)
    truth = dataclasses.replace(
        rules[0],
        name="GRU",
        predicted=rules[0].actual + rng.normal(0, 0.1, len(rules[0].actual)),
    )
    (candidate,) = make_candidates([ModelConfig()], split.config)
    trained = train(split, ModelConfig(hidden=2), TrainConfig(epochs=1))
    comparison = judge_results(split, [SeedResult(candidate, 0, trained, truth)], baselines=rules)
    assert comparison.net_rows[0].beats_persistence
    doubted = doubt_rows(comparison, {"GRU"})
    assert not doubted.net_rows[0].beats_persistence
    assert doubted.net_rows[0].mean == comparison.net_rows[0].mean
    assert doubted.net_rows[0].verdict != comparison.net_rows[0].verdict
    assert doubted.verdict != comparison.verdict
    assert doubt_rows(comparison, set()).verdict == comparison.verdict


def test_on_random_walks_the_verdict_is_no_better_than_persistence():
    """There is nothing to learn; saying otherwise is the mistake this page exists to avoid."""
    verdicts = [verdict_of(walk_prices(seed)) for seed in range(RUNS)]
    assert sum("no better than persistence" in verdict for verdict in verdicts) >= 0.9 * RUNS


def test_on_structure_the_verdict_is_better_than_persistence():
    """An AR(2) in the returns can be learnt; a verdict that never says yes would be worthless."""
    verdicts = [verdict_of(ar2_prices(seed, 1000)) for seed in range(RUNS)]
    assert sum("is better than persistence" in verdict for verdict in verdicts) >= 0.9 * RUNS


@pytest.fixture(scope="module")
def compared():
    split = make_split(random_walk(200), WindowConfig(window=5))
    nets = [ModelConfig(cell="rnn", hidden=3), ModelConfig(hidden=3)]
    results = list(compare_nets(split, nets, TrainConfig(epochs=3), seeds=3))
    results.sort(key=lambda result: (result.seed, result.candidate.name == "GRU"))  # RNN first
    return split, results, judge_results(split, results)


def test_every_net_and_baseline_has_a_row_ranked_by_error(compared):
    _, _, comparison = compared
    assert {row.name for row in comparison.net_rows} == {"RNN", "GRU"}
    assert len(comparison.rows) == 7
    errors = [row.mean["rmse"] for row in comparison.rows]
    assert errors == sorted(errors)
    assert [row.rank for row in comparison.rows] == list(range(1, 8))
    assert comparison.best == comparison.net_rows[0].name


def test_means_and_spreads_are_over_seeds(compared):
    _, results, comparison = compared
    tests = [r.forecast.select_part("test") for r in results if r.candidate.name == "GRU"]
    each = [math.sqrt(np.mean((t.predicted - t.actual) ** 2)) for t in tests]
    row = comparison.find_row("GRU")
    assert row.mean["rmse"] == pytest.approx(np.mean(each))
    assert row.sd["rmse"] == pytest.approx(np.std(each, ddof=1))
    assert row.as_dict()["seeds"] == 3
    np.testing.assert_allclose(
        row.forecast.select_part("test").predicted, np.median([t.predicted for t in tests], axis=0)
    )


def test_parameters_are_counted(compared):
    _, results, comparison = compared
    net = results[0].trained.net()
    assert comparison.find_row("RNN").parameters == sum(p.numel() for p in net.parameters())


def test_a_row_is_plain_json(compared):
    _, _, comparison = compared
    text = json.dumps([row.as_dict() for row in comparison.rows], allow_nan=False)
    rows = {row["name"]: row for row in json.loads(text)}
    assert rows[PERSISTENCE]["skill"] == 0
    assert rows[PERSISTENCE]["best_lag"] == 1
    assert rows[PERSISTENCE]["directional_accuracy"] is None
    assert not rows[PERSISTENCE]["beats_persistence"]
    assert set(rows["GRU"]) == set(rows["Drift"])


def test_it_can_be_judged_at_any_moment(compared):
    """The page fills as each training ends, from no run at all."""
    split, results, _ = compared
    assert judge_results(split, []).best is None
    assert "No net is trained yet" in judge_results(split, []).verdict
    one = judge_results(split, results[:1])
    assert one.best == "RNN"
    assert math.isnan(one.find_row("RNN").sd["rmse"])
    assert "one seed" in one.verdict


def test_one_seed_makes_no_claim_about_architectures(compared):
    split, results, _ = compared
    assert judge_results(split, results[:2]).verdict.endswith(
        "One seed says nothing about architectures."
    )


def test_persistence_as_a_net_beats_nothing(compared):
    split, results, comparison = compared
    base = comparison.find_row(PERSISTENCE).forecast
    copy = SeedResult(results[0].candidate, 0, results[0].trained, base)
    row = judge_results(split, [copy]).net_rows[0]
    assert (row.mean["skill"], row.evaluation.best_lag, row.beats_persistence) == (0.0, 1, False)
    assert (
        row.verdict == "RNN is no better than persistence: the difference is within chance at 10%."
    )
    assert row.in_confidence_set == comparison.find_row(PERSISTENCE).in_confidence_set


def test_a_broken_run_is_counted_not_hidden(compared):
    split, results, _ = compared
    broken = SeedResult(
        results[0].candidate, 99, results[0].trained, None, "The loss is no longer a number."
    )
    told = judge_results(split, [*results, broken])
    assert told.find_row("RNN").failed == 1
    assert told.find_row("RNN").as_dict()["seeds"] == 3
    assert "1 run failed." in told.verdict


def test_tables_come_out_as_frames(compared):
    _, _, comparison = compared
    frame, days = comparison.to_frame(), comparison.forecast_frame()
    assert list(frame.name) == [row.name for row in comparison.rows]
    assert list(days.columns[:2]) == ["date", "actual"]
    np.testing.assert_array_equal(days[PERSISTENCE].to_numpy()[1:], days.actual.to_numpy()[:-1])


def test_the_median_is_taken_day_by_day_with_its_spread():
    actual = np.arange(6.0)
    told = median_forecast([hand_made(actual + k, actual, actual) for k in (0, 5, 1)])
    np.testing.assert_array_equal(told.predicted, actual + 1)
    np.testing.assert_array_equal(told.lower, actual)
    np.testing.assert_array_equal(told.upper, actual + 5)


def test_a_lead_within_the_seeds_spread_is_told_as_such(compared):
    """0.2 points between nets that vary by 5 from seed to seed is no difference."""
    _, _, comparison = compared
    best, second = comparison.net_rows
    lead = second.mean["rmse"] - best.mean["rmse"]
    spread = math.hypot(best.sd["rmse"], second.sd["rmse"])
    said = TIE * best.mean["rmse"] <= lead < spread
    assert ("within the spread of the seeds" in comparison.verdict) == said


def scaled(results, factor):
    """The same forecasts of the same series in another unit."""
    columns = ("actual", "predicted", "anchor")
    return [
        dataclasses.replace(
            result,
            forecast=dataclasses.replace(
                result.forecast,
                **{name: factor * getattr(result.forecast, name) for name in columns},
            ),
        )
        for result in results
    ]


def test_the_verdict_does_not_hang_on_the_unit_of_the_prices(compared):
    """USD/HKD near 7.8 must not read "misses by 0.0 points, as much as every other"."""
    split, results, comparison = compared
    baselines = [
        dataclasses.replace(
            b, actual=b.actual / 1e4, predicted=b.predicted / 1e4, anchor=b.anchor / 1e4
        )
        for b in make_baselines(split)
    ]
    small = judge_results(split, scaled(results, 1e-4), baselines=baselines)
    numbers = re.compile(r"\d[\d,.]*(?= points|\)| ±| less)|± [\d.,]+")
    assert numbers.sub("#", small.verdict) == numbers.sub("#", comparison.verdict)
    assert "0.0 points" not in small.verdict
    assert f"{small.find_row(small.best).mean['rmse']:.4g}"[:6] in small.verdict


def test_a_verdict_agrees_with_the_p_value_of_its_own_row(compared):
    """Better or worse is said only where the two-sided p of the table is below 10%."""
    for row in compared[2].rows:
        if "at 10%" in row.verdict and "chance" not in row.verdict:
            assert row.as_dict()["dm_p"] < 0.10


def test_weekly_rows_say_week_and_have_no_weekday_rival():
    index = pd.date_range("2015-01-02", periods=160, freq="7D", name="Date")
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, 160)))
    table = PriceTable("weekly", pd.DataFrame({"Close": close}, index=index))
    split = make_split(table, WindowConfig(window=5))
    results = list(compare_nets(split, [ModelConfig(hidden=2)], TrainConfig(epochs=2), seeds=1))
    comparison = judge_results(split, results)
    assert "Same weekday" not in {row.name for row in comparison.rows}
    assert "misses next week's close by" in comparison.verdict
    assert (
        comparison.find_row(PERSISTENCE).verdict == "The yardstick: the next week = the last one."
    )
    headline = evaluation_headline(comparison.net_rows[0].evaluation, "GRU")
    assert headline.startswith("GRU misses next week's close by ")
    assert "the close of the week before (" in headline
    assert "day" not in comparison.find_row(PERSISTENCE).evaluation.verdict
