"""The days after the last row: honest fans, no leak, the right dates."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.outlook import (
    make_full_split,
    outlook,
    outlook_from_models,
)
from rnnapp.evaluation.walkforward import walk_forward
from rnnapp.training.loop import train as train_net
from tests.evaluation.series import ar2_prices, walk_prices

WINDOW = WindowConfig(window=5, horizon=5)
GRU = ModelConfig(hidden=4)
QUICK = TrainConfig(epochs=8)


def make(prices, window=WINDOW, model=GRU, train=QUICK, **options):
    return outlook(prices, window, model, train, **{"seeds": 1, **options})


def true_coverage(made, step: int, deviation: float = 0.01) -> float:
    """Chance that the close of a random walk in logarithms lies in the fan of that step."""
    ends = np.log(np.array([made.lower[step - 1], made.upper[step - 1]]) / made.last_close)
    low, high = stats.norm.cdf(ends / (deviation * np.sqrt(step)))
    return float(high - low)


def test_on_random_walks_the_fan_covers_what_it_says():
    """A small version of the benchmark: 80% at steps 1 and 5, exactly computed for each walk."""
    fans = [make(walk_prices(seed, 600)) for seed in range(40)]
    for step in (1, 5):
        assert np.mean([true_coverage(made, step) for made in fans]) == pytest.approx(0.8, abs=0.03)


def test_on_structure_the_net_s_fan_is_narrower_than_persistence_s_at_equal_coverage():
    """An AR(2) in the returns can be learnt: the net knows more, so its fan promises more."""
    made = [
        make(ar2_prices(seed, 1500), WindowConfig(window=5), GRU, TrainConfig(epochs=30))
        for seed in range(4)
    ]
    net = np.mean([one.upper[0] - one.lower[0] for one in made])
    rival = np.mean([one.persistence_upper[0] - one.persistence_lower[0] for one in made])
    assert net < 0.95 * rival
    assert np.mean([one.coverage[0] for one in made]) == pytest.approx(0.8, abs=0.05)
    assert np.mean([one.rival.coverage[0] for one in made]) == pytest.approx(0.8, abs=0.05)
    assert sum(one.evaluation.relation == "better" for one in made) >= 3


def test_rows_after_the_last_one_change_nothing():
    """An outlook is made from the rows up to its day; what came later is not in it."""
    prices = walk_prices(3, 420)
    later = prices.frame.copy()
    later.iloc[400:] *= 3
    cut = [PriceTable("made up", frame.iloc[:400]) for frame in (prices.frame, later)]
    first, second = (make(one) for one in cut)
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())
    assert first.made_from == prices.dates[399]


def test_the_days_that_give_the_widths_trained_nothing():
    """Changing a test day's close changes the judged net's widths, but not its weights."""
    split = make_split(walk_prices(4, 400), WINDOW)
    trained = train_net(split, GRU, QUICK)
    frame = split.prices.frame.copy()
    frame.iloc[-60:-50] *= 1.1
    changed = make_split(PriceTable("made up", frame), WINDOW)
    again = train_net(changed, GRU, QUICK)
    for name, weight in trained.weights.items():
        assert (again.weights[name] == weight).all(), name
    before = outlook_from_models(split, [trained])
    after = outlook_from_models(changed, [again])
    assert (after.upper - after.lower)[0] > (before.upper - before.lower)[0]


def test_the_judged_weights_give_the_forecast_that_was_judged():
    """With ``retrain=False`` the outlook one row earlier is the last test forecast itself."""
    prices = walk_prices(5, 300)
    window = WindowConfig(window=5, split=200)
    made = make(PriceTable("made up", prices.frame.iloc[:-1]), window, retrain=False)
    split = make_split(prices, window)
    trained = train_net(split, GRU, QUICK)
    judged = forecast(trained, split).select_part("test")
    assert made.predicted[0] == pytest.approx(judged.predicted[-1], rel=1e-5)
    assert made.evaluation.n == evaluate(judged).n - 1
    assert not made.retrained
    assert "judged weights" in " ".join(made.notes)


def test_retraining_uses_the_rows_up_to_the_last():
    split = make_full_split(walk_prices(6, 300), WINDOW)
    assert split.train.dates[-1, -1] == split.prices.dates[-1]
    assert len(split.train) == 300 - 1 - 5 - 5 + 1  # without the change of day 1, T and H
    assert (np.diff(split.train.starts) == 1).all()
    assert split.train_rows == 300


def test_early_stopping_s_epoch_is_taken_over():
    """Retraining must not stop by looking at rows that it trains on."""
    window = dataclasses.replace(WINDOW, valid=0.2)
    made = make(walk_prices(7, 300), window, train=TrainConfig(epochs=40, patience=2))
    assert made.retrained


def test_intervals_widen_with_the_step_and_hold_the_forecast():
    made = make(walk_prices(8, 500), seeds=2)
    widths = made.upper - made.lower
    assert (np.diff(widths) >= 0).all()
    assert ((made.lower < made.predicted) & (made.predicted < made.upper)).all()
    assert (np.diff(made.persistence_upper - made.persistence_lower) >= 0).all()
    assert (made.persistence == made.last_close).all()
    assert (made.spread >= 0).all()
    assert ((made.coverage > 0.6) & (made.coverage <= 1)).all()
    assert np.isfinite(made.net.winkler).all()
    assert np.isfinite(made.net_adaptive.winkler).all()
    assert made.net.months["coverage"].between(0, 1).all()


def test_too_few_days_give_no_fan_but_a_sentence():
    """A wrong fan is worse than none."""
    made = make(walk_prices(9, 60), dataclasses.replace(WINDOW, split=0.85), level=0.95)
    assert np.isnan(made.lower).all()
    assert np.isfinite(made.predicted).all()
    assert "too few for an interval of 95%" in " ".join(made.notes)
    assert "too few for an interval of 95%" in made.headline()
    assert made.list_days()[0]["lower"] is None
    assert json.dumps(made.list_days(), allow_nan=False)


def test_the_headline_answers_first():
    """Date, close, chance and rival in one breath, with the verdict of the test days."""
    made = make(bundled("sp500").tail(500), WindowConfig(window=5), train=TrainConfig(epochs=3))
    said = made.headline()
    assert said.startswith("Next close, Wed 2 Jan 2019: 2,5")
    assert "four times in five between" in said
    assert "'Tomorrow = today' says 2,507" in said
    assert made.verdict.startswith("On 149 test days GRU missed by ")


def test_a_series_below_zero_has_a_fan_too():
    """Spreads and rates: widths in points, since a share of a price means nothing."""
    frame = pd.DataFrame(
        {"Close": np.cumsum(np.random.default_rng(0).normal(0, 1, 300))},
        index=pd.bdate_range("2020-01-01", periods=300, name="Date"),
    )
    window = WindowConfig(window=5, horizon=2, inputs="level")
    made = make(PriceTable("spread", frame), window)
    assert np.isfinite(made.upper).all()
    assert (made.upper - made.lower)[0] == pytest.approx(2 * 1.28, rel=0.3)


@pytest.mark.parametrize("options", [{"level": 1.0}, {"level": 0.0}, {"seeds": 0}])
def test_what_cannot_be_asked_for_is_refused(options):
    with pytest.raises(ConfigError):
        make(walk_prices(1, 100), **options)


@pytest.mark.parametrize("window", [WindowConfig(window=5), WindowConfig(window=4, target="level")])
def test_outlooks_err_as_the_walk_forward_of_the_same_settings(window):
    """Forecasting each day from the rows before it is what the walk-forward does."""
    prices = walk_prices(14, 260)

    def fit(split):
        return forecast(train_net(split, GRU, QUICK), split)

    folds = list(walk_forward(prices, window, fit, folds=4, step=1))
    for fold in folds:
        test = fold.forecast.select_part("test")
        known = int(np.searchsorted(prices.dates, test.dates[0]))
        made = make(PriceTable("made up", prices.frame.iloc[:known]), window)
        assert made.predicted[0] == pytest.approx(test.predicted[0], rel=1e-6)
