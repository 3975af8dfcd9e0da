"""Money on paper is counted as a plain loop counts it."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.errors import ConfigError
from rnnapp.evaluation.strategy import long_or_flat
from tests.evaluation.series import hand_made


def made(seed: int = 0, horizon: int = 1):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 120)))
    anchor, actual = close[:-horizon], close[horizon:]
    return hand_made(
        anchor + rng.normal(0, 1, len(actual)), actual, anchor, train=20, horizon=horizon
    )


@pytest.mark.parametrize("horizon", [1, 4])
def test_value_equals_a_plain_loop(horizon):
    forecast, cost = made(horizon=horizon), 0.002
    test = forecast.select_part("test")
    value, hold, held, trades = 1.0, 1 - cost, False, 0
    for i in range(0, len(test), horizon):
        want = test.predicted[i] > test.anchor[i]
        if want != held:
            value, held, trades = value * (1 - cost), want, trades + 1
        if held:
            value *= test.actual[i] / test.anchor[i]
        hold *= test.actual[i] / test.anchor[i]
    followed = long_or_flat(forecast, cost)
    assert followed.value[-1] == pytest.approx(value)
    assert followed.hold[-1] == pytest.approx(hold)
    assert followed.trades == trades


def test_holding_over_adjoining_periods_is_the_ratio_of_closes():
    forecast = made(horizon=4)
    test = forecast.select_part("test")
    last = (len(test) - 1) // 4 * 4
    assert long_or_flat(forecast, 0.0).hold_gain == pytest.approx(
        test.actual[last] / test.anchor[0] - 1
    )


def test_persistence_never_enters():
    forecast = made()
    flat = hand_made(forecast.anchor, forecast.actual, forecast.anchor, train=20)
    followed = long_or_flat(flat)
    assert (followed.total_gain, followed.trades, followed.max_drawdown) == (0.0, 0, 0.0)
    assert "no advice" in followed.describe_result()


def test_costs_only_ever_cost():
    assert long_or_flat(made(), 0.01).total_gain < long_or_flat(made(), 0.0).total_gain


def test_the_drawdown_is_the_deepest_fall_from_a_high():
    actual = np.array([110.0, 55.0, 66.0])
    anchor = np.array([100.0, 110.0, 55.0])
    assert long_or_flat(hand_made(actual, actual, anchor), 0.0).hold_drawdown == pytest.approx(0.5)


@pytest.mark.parametrize("cost", [-0.1, 0.5, float("nan")])
def test_a_cost_out_of_range_is_refused(cost):
    with pytest.raises(ConfigError, match=r"from 0 to 0\.1"):
        long_or_flat(made(), cost)


def test_what_is_no_price_cannot_be_held():
    """A spread or a rate may be negative: a gain as a share of it means nothing."""
    actual = np.array([1.0, -0.5, 0.2, 0.1])
    with pytest.raises(ConfigError, match="Use a series of prices"):
        long_or_flat(hand_made(actual, actual, np.ones(4)))
