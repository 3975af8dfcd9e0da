"""Made-up price tables and forecasts of known kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.prices import PriceTable
from rnnapp.evaluation.forecast import Forecast

__all__ = ["ar2_prices", "hand_made", "walk_prices"]


def walk_prices(seed: int, rows: int = 400) -> PriceTable:
    """Log-returns without structure: nothing to learn."""
    return _table(np.random.default_rng(seed).normal(0, 0.01, rows))


def ar2_prices(seed: int, rows: int = 400) -> PriceTable:
    """Log-returns that follow r_t = 0.6 r_(t-1) - 0.3 r_(t-2) + e_t."""
    noise = np.random.default_rng(seed).normal(0, 0.01, rows + 50)
    returns = np.zeros(rows + 50)
    for t in range(2, rows + 50):
        returns[t] = 0.6 * returns[t - 1] - 0.3 * returns[t - 2] + noise[t]
    return _table(returns[50:])


def hand_made(
    predicted: npt.ArrayLike,
    actual: npt.ArrayLike,
    anchor: npt.ArrayLike,
    *,
    train: int = 0,
    valid: int = 0,
    horizon: int = 1,
) -> Forecast:
    """A forecast of consecutive days.

    The first ``train`` rows train, the next ``valid`` validate, the rest test.
    """
    count = len(np.asarray(actual))
    dates = pd.bdate_range("2020-01-01", periods=count).to_numpy("datetime64[ns]")
    part = np.array(["train"] * train + ["valid"] * valid + ["test"] * (count - train - valid))
    values = [np.asarray(v, np.float64) for v in (actual, predicted, anchor)]
    return Forecast("made", dates, *values, part, dates[min(train + valid, count - 1)], horizon)


def _table(returns: npt.NDArray[np.float64]) -> PriceTable:
    index = pd.bdate_range("2015-01-01", periods=len(returns), name="Date")
    return PriceTable(
        "made up", pd.DataFrame({"Close": 1000 * np.exp(np.cumsum(returns))}, index=index)
    )
