"""Which days moved a forecast."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.day_contributions import explain_forecast
from rnnapp.evaluation.forecast import forecast
from rnnapp.training.loop import train

from .series import ar2_prices

TRAIN = TrainConfig(epochs=2, backend="torch", device="cpu")


def trained_on(target: str, **model):
    split = make_split(ar2_prices(1), WindowConfig(window=7, horizon=2, target=target))
    return train(split, ModelConfig(hidden=4, **model), TRAIN), split


def in_points(target, made):
    """The forecast out of its terms."""
    if target == "difference":
        return made.anchor + made.total
    if target == "level":
        return made.total
    return made.anchor * np.exp(made.total)


@pytest.mark.parametrize("target", ["difference", "level", "log-return"])
@pytest.mark.parametrize(
    "model",
    [dict(cell="rnn"), dict(cell="lstm", bidirectional=True), dict(cell="gru", layers=2)],
    ids=lambda model: model["cell"],
)
def test_the_days_sum_to_the_forecast(target, model):
    """The terms are the answer's own summands, so nothing is left over."""
    trained, split = trained_on(target, **model)
    test = forecast(trained, split).select_part("test")
    for window in (0, 11, -1):
        made = explain_forecast(trained, split, window=window)
        assert made.method == "exact"
        assert made.total == pytest.approx(made.start + made.values.sum())
        whole = in_points(target, made)
        assert whole == pytest.approx(test.predicted[window], rel=1e-5)
        assert made.predicted == pytest.approx(whole, rel=1e-9)
        assert made.forecast_date == test.dates[window]


def test_a_day_s_term_is_the_last_to_change_when_that_day_changes():
    """A one-way net has not read later days: changing the last day moves the last term alone."""
    trained, split = trained_on("difference", cell="gru")
    before = explain_forecast(trained, split)
    rows = split.test.rows.copy()
    rows[split.test.starts[-1] + split.steps - 1] += 1.0
    object.__setattr__(split.test, "rows", rows)
    after = explain_forecast(trained, split)
    np.testing.assert_allclose(after.values[:-1], before.values[:-1], atol=1e-12)
    assert after.values[-1] != pytest.approx(before.values[-1])


def test_a_sigmoid_head_is_taken_apart_before_the_sigmoid():
    trained, split = trained_on("level", cell="rnn", squash=True)
    made = explain_forecast(trained, split)
    assert made.unit == "score"
    scaled = 1 / (1 + np.exp(-made.total))
    points = split.to_points(np.array([[scaled, scaled]]), np.array([made.anchor]))[0, -1]
    assert points == pytest.approx(made.predicted)


def test_a_last_step_readout_gets_the_gradient_s_share_and_says_so():
    trained, split = trained_on("difference", cell="lstm", readout="last")
    made = explain_forecast(trained, split)
    assert (made.method, made.unit) == ("gradient", "share of the gradient")
    assert made.values.sum() == pytest.approx(1)
    assert (made.values >= 0).all()
    assert np.isnan(made.total)


def test_the_days_are_the_window_s_and_end_with_the_last_close_known():
    trained, split = trained_on("difference", cell="gru")
    made = explain_forecast(trained, split, part="train", window=3)
    assert len(made.dates) == 7
    assert made.dates[-1] == split.train.anchor_dates[3]
    assert made.anchor == split.train.anchor[3]


@pytest.mark.parametrize(("part", "window"), [("valid", 0), ("test", 10_000), ("test", -10_000)])
def test_a_window_that_is_not_there_is_named(part, window):
    trained, split = trained_on("difference", cell="gru")
    with pytest.raises(ConfigError, match=f"The {part} part has .* none of number"):
        explain_forecast(trained, split, part=part, window=window)
