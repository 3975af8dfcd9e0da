"""What is forecast, closes or volatility: its words, its unit and how errors of it are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rnnapp.configs import Target
from rnnapp.data.spacing import Spacing
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["CLOSE", "MEAN_VOLATILITY", "VOLATILITY", "Quantity", "quantity_of"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """What is forecast.

    Attributes:
        key: names it in code and in JSON.
    """

    key: Literal["close", "volatility", "mean-volatility"]

    @property
    def axis(self) -> str:
        """Of a chart: "close, index points"."""
        return _(_AXES[self.key])

    @property
    def unit(self) -> str:
        """Of its values, in words: "index points"."""
        return _(_UNITS[self.is_volatility])

    @property
    def short_unit(self) -> str:
        """Of its values, in a sentence: "points"."""
        return _(_SHORT_UNITS[self.is_volatility])

    @property
    def error_unit(self) -> str:
        """Of its errors, in a sentence: "points"."""
        return _(_ERROR_UNITS[self.is_volatility])

    @property
    def noun(self) -> str:
        """In a sentence: "close"."""
        return _(_NOUNS[self.is_volatility])

    @property
    def known(self) -> str:
        """What persistence repeats: "the last close known"."""
        return _(_KNOWN[self.key])

    @property
    def is_volatility(self) -> bool:
        """Whether it is a volatility: errors are of its logarithm."""
        return self.key != "close"

    def to_error_scale(self, values: Values) -> Values:
        """Values on the scale on which errors are differences: logarithms of a volatility."""
        if not self.is_volatility:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(values))

    def from_error_scale(self, values: Values) -> Values:
        """The way back from :meth:`to_error_scale`."""
        if not self.is_volatility:
            return values
        return np.asarray(np.exp(values))

    def describe_target(self, spacing: Spacing, horizon: int) -> str:
        """What is forecast: ``"tomorrow's close"``, ``"the volatility 5 days ahead"``."""
        if horizon == 1:
            if self.is_volatility:
                return _(_NEXT_VOLATILITY[spacing.name])
            return spacing.next_close
        return _(_AHEAD[self.key]).format(horizon=horizon, units=spacing.units)

    def describe_rival(self, spacing: Spacing, horizon: int) -> str:
        """What persistence says, seen from the day that is forecast: ``"yesterday's close"``."""
        if horizon > 1 and self.key == "mean-volatility":
            return _(_LAST_MEAN).format(horizon=horizon, units=spacing.units)
        if horizon > 1 or spacing.name == "irregular":
            return self.known
        if spacing.has_weekdays:
            return _(_YESTERDAY[self.is_volatility])
        return _(_BEFORE[self.is_volatility]).format(unit=spacing.unit)


_NEXT_VOLATILITY = {
    "daily": N_("tomorrow's volatility"),
    "7-day": N_("tomorrow's volatility"),
    "weekly": N_("next week's volatility"),
    "monthly": N_("next month's volatility"),
    "quarterly": N_("next quarter's volatility"),
    "yearly": N_("next year's volatility"),
    "irregular": N_("the next row's volatility"),
}
_AHEAD = {
    "close": N_("the close {horizon} {units} ahead"),
    "volatility": N_("the volatility {horizon} {units} ahead"),
    "mean-volatility": N_("the mean volatility of the next {horizon} {units}"),
}
_LAST_MEAN = N_("the mean volatility of the last {horizon} {units} known")
_YESTERDAY = {False: N_("yesterday's close"), True: N_("yesterday's volatility")}
_BEFORE = {
    False: N_("the close of the {unit} before"),
    True: N_("the volatility of the {unit} before"),
}

_AXES = {
    "close": N_("close, index points"),
    "volatility": N_("volatility, % a year"),
    "mean-volatility": N_("mean volatility, % a year"),
}
_KNOWN = {
    "close": N_("the last close known"),
    "volatility": N_("the last volatility known"),
    "mean-volatility": N_("the last mean volatility known"),
}
_UNITS = {False: N_("index points"), True: N_("% a year")}
_SHORT_UNITS = {False: N_("points"), True: N_("percent a year")}
_ERROR_UNITS = {False: N_("points"), True: N_("log units")}
_NOUNS = {False: N_("close"), True: N_("volatility")}

CLOSE = Quantity("close")
VOLATILITY = Quantity("volatility")
MEAN_VOLATILITY = Quantity("mean-volatility")


def quantity_of(target: Target) -> Quantity:
    """What a target setting forecasts."""
    return {"volatility": VOLATILITY, "mean-volatility": MEAN_VOLATILITY}.get(target, CLOSE)
