"""What a net or a rule forecasts for each day, in index points."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.quantities import CLOSE, Quantity
from rnnapp.data.simulated import SimulatedPrices
from rnnapp.data.spacing import DAILY, Spacing
from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.training.loop import TrainedModel

__all__ = [
    "Forecast",
    "Part",
    "assemble_forecast",
    "best_points",
    "forecast",
    "has_best",
    "seal_test",
]

Points = npt.NDArray[np.float64]
Part = Literal["train", "valid", "test"]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecasts of the close ``horizon`` days ahead, one row a forecast day, in date order.

    Forecasts of a volatility are in percent a year in place of index points.

    Attributes:
        name: the net or rule that forecasts.
        dates: (N,) datetime64[ns], the day that was forecast.
        actual: (N,) the close on that day, index points.
        predicted: (N,) the forecast, index points.
        anchor: (N,) the last close known when forecasting: persistence, index points.
        part: (N,) ``train``, ``valid`` or ``test``.
        boundary: the first test day.
        horizon: H, days ahead.
        lower, upper: (N,) the interval's ends, index points, or None.
        spacing: the rhythm of the rows: days, weeks, months.
        best: (N,) the best possible forecast, index points, where the true process is known.
        quantity: what is forecast: closes or volatility.
    """

    name: str
    dates: npt.NDArray[np.datetime64]
    actual: Points
    predicted: Points
    anchor: Points
    part: npt.NDArray[np.str_]
    boundary: np.datetime64
    horizon: int = 1
    lower: Points | None = None
    upper: Points | None = None
    spacing: Spacing = DAILY
    best: Points | None = None
    quantity: Quantity = CLOSE

    def __len__(self) -> int:
        return len(self.dates)

    def select_part(self, part: Part) -> Forecast:
        """The rows of one part."""
        return self.select_rows(self.part == part)

    def select_rows(self, rows: npt.NDArray[np.bool_]) -> Forecast:
        """Some rows.

        Args:
            rows: (N,) which to take.
        """
        columns = ("dates", "actual", "predicted", "anchor", "part", "lower", "upper", "best")
        given = {name: getattr(self, name) for name in columns}
        chosen = {name: values[rows] for name, values in given.items() if values is not None}
        return dataclasses.replace(self, **chosen)

    def to_error_scale(self) -> Forecast:
        """The same forecast on the scale on which errors are measured: logs of a volatility."""
        if not self.quantity.is_volatility:
            return self
        columns = ("actual", "predicted", "anchor", "lower", "upper")
        given = {name: getattr(self, name) for name in columns}
        scaled: dict[str, Any] = {
            name: self.quantity.to_error_scale(values)
            for name, values in given.items()
            if values is not None
        }
        return dataclasses.replace(self, **scaled)

    def to_frame(self) -> pd.DataFrame:
        """One row a day, NaN in ``lower`` and ``upper`` where there is no interval.

        The best possible forecast is a column where it is known.
        """
        columns = {
            "date": self.dates,
            "actual": self.actual,
            "predicted": self.predicted,
            "persistence": self.anchor,
            "part": self.part,
            "lower": _or_missing(self.lower),
            "upper": _or_missing(self.upper),
        }
        if self.best is not None:
            columns["best"] = self.best
        return pd.DataFrame(columns)


def forecast(trained: TrainedModel, split: PriceSplit, name: str | None = None) -> Forecast:
    """Forecast every window of a split with a trained net, for the horizon's last day.

    Args:
        trained: the net.
        split: windows of the shape it was trained on.
        name: what to call it; the net's own name without one.

    Raises:
        TrainingError: the windows have another shape than the net was made for.
    """

    def predict_last(part: PriceSequences) -> Points:
        return split.to_points(trained.predict(part), part.anchor)[:, -1]  # (N, H) -> (N,)

    return assemble_forecast(name or trained.model.name, split, predict_last)


def seal_test(forecast: Forecast) -> Forecast:
    """The same forecast with its test part sealed: the validation part stands in its place.

    What is computed from it (:func:`rnnapp.evaluation.metrics.evaluate`, tables, charts) is then
    of the validation days alone, in the same types; no test day is in it.

    Raises:
        ConfigError: there is no validation part.
    """
    valid = forecast.part == "valid"
    if not valid.any():
        raise ConfigError(
            _(
                "The test part can be sealed only where a validation part stands in for it. "
                "Hold out a share of the training windows."
            )
        )
    seen = forecast.select_rows(forecast.part != "test")
    part = np.where(seen.part == "valid", "test", seen.part)
    return dataclasses.replace(seen, part=part, boundary=forecast.dates[valid][0])


def assemble_forecast(
    name: str, split: PriceSplit, predict: Callable[[PriceSequences], Points]
) -> Forecast:
    """A forecast of all parts of a split, from a rule for one part.

    Args:
        name: the net or rule that forecasts.
        split: the windows.
        predict: a part's windows -> (N,) closes of the horizon's last day, index points.
    """
    named = (("train", split.train), ("valid", split.valid), ("test", split.test))
    parts = [(label, part) for label, part in named if part is not None]
    return Forecast(
        name=name,
        dates=np.concatenate([part.dates[:, -1] for _unused, part in parts]),
        actual=np.concatenate([part.actual[:, -1] for _unused, part in parts]),
        predicted=np.concatenate(
            [np.asarray(predict(part), np.float64) for _unused, part in parts]
        ),
        anchor=np.concatenate([part.anchor for _unused, part in parts]),
        part=np.concatenate([np.full(len(part), label) for label, part in parts]),
        boundary=split.boundary,
        horizon=split.config.horizon,
        spacing=split.prices.spacing,
        best=_best_points(split, [part for _unused, part in parts]),
        quantity=split.quantity,
    )


def has_best(split: PriceSplit) -> bool:
    """Whether the best possible forecast is known: of closes of a simulated series."""
    return isinstance(split.prices, SimulatedPrices) and not split.quantity.is_volatility


def best_points(split: PriceSplit, part: PriceSequences) -> Points:
    """(N,) best possible forecasts of a part's windows, index points.

    Args:
        split: windows over simulated prices.
        part: N of them.
    """
    assert isinstance(split.prices, SimulatedPrices)
    last_rows = part.starts + part.steps - 1
    best: Points = split.prices.expected[last_rows, split.config.horizon - 1]
    return best


def _best_points(split: PriceSplit, parts: Sequence[PriceSequences]) -> Points | None:
    """The best possible forecasts of all parts, None where the true process is not known."""
    if not has_best(split):
        return None
    return np.concatenate([best_points(split, part) for part in parts])


def _or_missing(values: Points | None) -> Points | float:
    if values is None:
        return math.nan
    return values
