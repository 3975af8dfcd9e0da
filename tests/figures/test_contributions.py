"""Which days moved a forecast, drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.spacing import SPACINGS
from rnnapp.data.windows import make_split
from rnnapp.evaluation.day_contributions import explain_forecast
from rnnapp.figures.contributions import contributions_figure, contributions_text
from rnnapp.figures.style import line_of
from rnnapp.training.loop import train
from tests.support import random_walk


def explained(**model):
    split = make_split(random_walk(200), WindowConfig(window=6))
    config = ModelConfig(hidden=2, **model)
    trained = train(split, config, TrainConfig(epochs=1, backend="torch", device="cpu"))
    return explain_forecast(trained, split), line_of(config)


@pytest.mark.parametrize("dark", [False, True])
def test_each_net_has_its_bars_in_its_colour_on_the_same_days(dark):
    made = [explained(cell=cell) for cell in ("rnn", "lstm", "gru")]
    lines = {one.name: line for one, line in made}
    figure = contributions_figure([one for one, _ in made], lines, dark=dark)
    assert [bar.name for bar in figure.data] == ["RNN", "LSTM", "GRU"]
    assert figure.data[1].marker.color == lines["LSTM"].color
    assert all(len(bar.x) == 6 for bar in figure.data)
    np.testing.assert_array_equal(figure.data[2].y, made[2][0].values)
    assert "index points" in figure.layout.yaxis.title.text


def test_the_gradient_s_share_is_called_that():
    """It is no contribution: it says how the answer would react, not what a day gave."""
    made, line = explained(cell="lstm", readout="last")
    figure = contributions_figure([made], {made.name: line})
    assert figure.layout.yaxis.title.text == "share of the gradient"
    assert "share of the gradient" in contributions_text(made)


def test_the_text_names_the_day_that_moved_it_most():
    made, _ = explained(cell="gru")
    top = np.datetime_as_string(made.dates[np.abs(made.values).argmax()], unit="D")
    assert f"; {top} moved it most" in contributions_text(made)


def test_rows_that_are_weeks_are_called_weeks():
    made, line = explained(cell="gru")
    weekly = next(spacing for spacing in SPACINGS if spacing.name == "weekly")
    weeks = dataclasses.replace(made, spacing=weekly)
    assert "Its weeks sum to the forecast" in contributions_text(weeks)
    figure = contributions_figure([weeks], {made.name: line})
    assert figure.layout.xaxis.title.text == "week of the window"
