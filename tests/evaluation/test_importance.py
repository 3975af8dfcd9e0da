"""Which inputs mattered, and how far back a net remembers an echo."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnnapp.configs import ModelConfig, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.evaluation.compare import make_candidates
from rnnapp.evaluation.echo import echo_skill, median_points
from rnnapp.evaluation.importance import importance_sentence, permutation_importance
from rnnapp.figures.inputs import echo_figure, importance_figure
from rnnapp.figures.style import LineStyle
from rnnapp.training.loop import train
from tests.support import random_walk


def test_the_column_that_knows_tomorrow_matters_and_noise_does_not() -> None:
    """The volume announces the next day's change; the open is noise."""
    rng = np.random.default_rng(0)
    changes = rng.normal(0, 0.01, 601)
    close = 1000 * np.exp(np.cumsum(changes[:-1]))
    volume = np.exp(np.cumsum(30 * changes[1:]))  # its log-change is tomorrow's, scaled
    noise = np.exp(rng.normal(0, 0.01, 600))
    days = pd.bdate_range("2015-01-01", periods=600, name="Date")
    frame = pd.DataFrame({"Open": noise, "Close": close, "Volume": 1e6 * volume}, index=days)
    split = make_split(PriceTable("announced", frame), WindowConfig(window=3, target="log-return"))
    quick = [TrainConfig(epochs=12, lr=0.02, seed=seed) for seed in (0, 1)]
    models = [train(split, ModelConfig(hidden=4), settings) for settings in quick]
    found = {one.column: one for one in permutation_importance(models, split)}
    assert found["Volume"].matters
    assert not found["Open"].matters
    assert found["Volume"].mean > 0.2
    assert "used Volume" in importance_sentence("GRU", list(found.values()))
    figure = importance_figure({"GRU": list(found.values())}, {"GRU": LineStyle("#00936B")})
    assert len(figure.data[0].x) == 3


def test_features_are_shuffled_by_their_names_one_of_two_values_as_one() -> None:
    split = make_split(random_walk(300), WindowConfig(window=3, features=("rsi", "weekday")))
    assert split.columns == ("rsi", "weekday", "weekday")
    model = train(split, ModelConfig(hidden=2), TrainConfig(epochs=1))
    found = permutation_importance([model], split, repeats=2)
    assert {one.column for one in found} == {"rsi", "weekday"}


def test_none_of_them_is_an_answer() -> None:
    split = make_split(random_walk(300), WindowConfig(window=3))
    model = train(split, ModelConfig(hidden=2), TrainConfig(epochs=1))
    found = permutation_importance([model], split, repeats=3)
    assert not any(one.matters and one.mean > 0.05 for one in found)
    assert "none of its inputs" in importance_sentence("GRU", [])


def test_an_echo_of_two_days_is_remembered_and_one_beyond_a_nets_reach_costs() -> None:
    models = [ModelConfig(cell="rnn", hidden=6, readout="last")]
    candidates = make_candidates(models, WindowConfig(), TrainConfig(epochs=25, lr=0.01))
    series = SimulatedConfig("echo", 800, strength=0.8)
    points = list(echo_skill(series, candidates, lags=(2, 40)))
    by_lag = median_points(points)["RNN"]
    assert by_lag[2] > 0.7
    assert by_lag[2] > by_lag[40] + 0.2
    assert all(point.best_skill > 0.3 for point in points)
    prices = simulate_prices(SimulatedConfig("echo", 800, strength=0.8, lag=40))
    assert len(prices) == 800
    figure = echo_figure(points, {"RNN": LineStyle("#2F86C6")})
    assert list(figure.data[0].x) == [2, 40]
