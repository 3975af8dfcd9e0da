"""What following a forecast would have done on paper, beside doing nothing.

An exercise in reading forecasts, not advice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import pick_plural
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["Strategy", "long_or_flat"]

Values = npt.NDArray[np.float64]

_ONE_TRADE = N_(
    "On paper, following {name} gained {gain} with {count} trade at {cost}; buying once and "
    "holding gained {hold_gain}. This is no advice."
)
_MANY_TRADES = N_(
    "On paper, following {name} gained {gain} with {count} trades at {cost} each; buying once and "
    "holding gained {hold_gain}. This is no advice."
)


@dataclass(frozen=True, eq=False)
class Strategy:
    """Long where the forecast is up, out of the market where it is not.

    Attributes:
        name: the net or rule that forecasts.
        dates: (M,) days on which a holding period ended.
        value, hold: (M,) what 1 has become, following the forecast and just holding.
        long: (M,) whether the period was held.
        trades: times a position was opened or closed.
        cost: share of the position that each trade costs.
        days: days in a period, the horizon.
    """

    name: str
    dates: npt.NDArray[np.datetime64]
    value: Values
    hold: Values
    long: npt.NDArray[np.bool_]
    trades: int
    cost: float
    days: int

    @property
    def total_gain(self) -> float:
        """What following the forecast gained, as a share of the start."""
        return _gain(self.value)

    @property
    def hold_gain(self) -> float:
        """What holding gained."""
        return _gain(self.hold)

    @property
    def max_drawdown(self) -> float:
        """The deepest fall from a high, as a share of that high."""
        return _deepest_fall(self.value)

    @property
    def hold_drawdown(self) -> float:
        """The same for holding."""
        return _deepest_fall(self.hold)

    def describe_result(self) -> str:
        """What came of it, in a sentence."""
        return pick_plural(self.trades, _(_ONE_TRADE), _(_MANY_TRADES), **self._values())

    def _values(self) -> dict[str, str]:
        return {
            "name": shown_name(self.name),
            "gain": f"{self.total_gain:+.1%}",
            "cost": f"{self.cost:.2%}",
            "hold_gain": f"{self.hold_gain:+.1%}",
        }


def long_or_flat(forecast: Forecast, cost: float = 0.001) -> Strategy:
    """Follow the sign of a forecast over its test part.

    Each period lasts the horizon, so that periods do not overlap; a trade is paid when a position
    opens or closes, holding pays once. A forecast of no move, or none at all, stays out.

    Args:
        forecast: in index points.
        cost: share of the position that each trade costs, 0 to 0.1.

    Raises:
        ConfigError: a cost outside 0 to 0.1, a forecast of volatility, or closes that are not all
            positive: what is not a price cannot be held.
    """
    if not 0 <= cost <= 0.1:
        raise ConfigError(
            _("The cost of a trade is {cost:g}; it takes a share from 0 to 0.1.").format(cost=cost)
        )
    if forecast.quantity.is_volatility:
        raise ConfigError(_("A volatility cannot be bought or held. Use a target of closes."))
    test = forecast.select_part("test")
    if not (test.actual > 0).all() or not (test.anchor > 0).all():
        raise ConfigError(
            _(
                "A gain is a share of a price, and some closes here are not positive. "
                "Use a series of prices."
            )
        )
    rows = slice(None, None, forecast.horizon)
    actual = test.actual[rows]
    anchor = test.anchor[rows]
    predicted = test.predicted[rows]
    long = predicted > anchor
    before = np.concatenate([[False], long[:-1]])
    traded = long != before
    growth = np.where(long, actual / anchor, 1.0) * np.where(traded, 1 - cost, 1.0)
    hold: Values = np.cumprod(actual / anchor, dtype=np.float64) * (1 - cost)
    value: Values = np.cumprod(growth, dtype=np.float64)
    return Strategy(
        forecast.name,
        test.dates[rows],
        value,
        hold,
        long,
        int(traded.sum()),
        cost,
        forecast.horizon,
    )


def _gain(value: Values) -> float:
    if not len(value):
        return math.nan
    return float(value[-1] - 1)


def _deepest_fall(value: Values) -> float:
    if not len(value):
        return math.nan
    with_start = np.concatenate([[1.0], value])
    return float(np.max(1 - with_start / np.maximum.accumulate(with_start)))
