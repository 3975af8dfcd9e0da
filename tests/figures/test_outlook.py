"""The fan past the last row."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.evaluation.outlook import outlook
from rnnapp.figures.outlook import (
    coverage_figure,
    outlook_figure,
    outlooks_figure,
    price_band_figure,
)
from rnnapp.figures.style import BASELINE, line_of
from tests.support import random_walk

PRICES = random_walk(300)
WINDOW = WindowConfig(window=4, horizon=3)


@pytest.fixture(scope="module")
def made():
    nets = [ModelConfig(cell=cell, hidden=2) for cell in ("rnn", "gru")]
    return [outlook(PRICES, WINDOW, net, TrainConfig(epochs=2), seeds=1) for net in nets]


@pytest.mark.parametrize("dark", [False, True])
def test_the_chart_goes_on_after_the_last_row_with_both_fans(made, dark):
    """The fan opens from the end of the actual curve, in the net's colour beside the grey one."""
    line = line_of(ModelConfig(cell="gru"))
    figure = outlook_figure(PRICES, made[1], line, dark=dark)
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert set(named) == {"actual", "persistence", "GRU", "by volatility"}
    assert len(named["actual"].x) == 60
    assert named["GRU"].x[0] == named["actual"].x[-1]
    assert named["GRU"].y[0] == PRICES.close[-1]
    np.testing.assert_array_equal(named["GRU"].y[1:], made[1].predicted)
    assert named["GRU"].line.color == line.color
    assert named["persistence"].line.color == BASELINE
    edges = [trace for trace in figure.data if trace.hoverinfo == "skip"]
    np.testing.assert_array_equal(edges[-2].y[1:], made[1].upper)
    np.testing.assert_array_equal(edges[-1].y[1:], made[1].lower)


def test_the_band_of_a_volatility_is_the_fan_s_second_interval(made):
    """Two dotted edges from the last close; under a volatility's own fan, a chart of prices."""
    figure = outlook_figure(PRICES, made[0], line_of(ModelConfig()))
    upper, lower = (trace for trace in figure.data if trace.name == "by volatility")
    band = made[0].prices_band
    np.testing.assert_array_equal(upper.y[1:], band.upper)
    np.testing.assert_array_equal(lower.y[1:], band.lower)
    assert upper.y[0] == PRICES.close[-1]
    window = WindowConfig(window=4, horizon=3, target="volatility")
    one = outlook(PRICES, window, ModelConfig(hidden=2), TrainConfig(epochs=1), seeds=1)
    fan = outlook_figure(PRICES, one, line_of(ModelConfig()))
    assert "by volatility" not in {trace.name for trace in fan.data}
    assert fan.layout.yaxis.title.text == "volatility, % a year"
    known = next(trace for trace in fan.data if trace.name == "actual")
    assert known.y[-1] == one.last_close
    prices = price_band_figure(PRICES, one)
    assert prices.layout.yaxis.title.text == "close, index points"
    assert {trace.name for trace in prices.data} == {"actual", "by volatility"}


def test_without_an_interval_no_fan_is_drawn():
    short = PRICES.tail(40)
    window = WindowConfig(window=4, horizon=3, split=0.9)
    none = outlook(short, window, ModelConfig(hidden=2), TrainConfig(epochs=1), seeds=1)
    figure = outlook_figure(short, none, line_of(ModelConfig()))
    assert not [trace for trace in figure.data if trace.hoverinfo == "skip"]
    assert "GRU" in [trace.name for trace in figure.data]


def test_all_nets_stand_on_one_chart_with_their_average(made):
    lines = {one.name: line_of(ModelConfig(cell=one.name.lower())) for one in made}
    figure = outlooks_figure(PRICES, made, lines)
    average = next(trace for trace in figure.data if trace.name == "average of the nets")
    np.testing.assert_allclose(average.y[1:], (made[0].predicted + made[1].predicted) / 2)


def test_coverage_by_month_stands_beside_its_nominal_level(made):
    figure = coverage_figure(made[0], line_of(ModelConfig(cell="rnn")))
    assert [trace.name for trace in figure.data] == ["split-conformal", "adaptive"]
    assert figure.layout.shapes[0].y0 == pytest.approx(80)
