"""Rivals equal direct calls of their libraries, with parameters from the training rows alone."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from rnnapp.configs import SimulatedConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.rivals import (
    RIVALS,
    arima_rival,
    boosting_rival,
    ets_rival,
    fit_rivals,
    theta_rival,
)

pytestmark = pytest.mark.filterwarnings("ignore")
PRICES = simulate_prices(SimulatedConfig("ar2", 260, strength=0.5))


def split_of(horizon: int = 1, prices: PriceTable = PRICES) -> PriceSplit:
    return make_split(prices, WindowConfig(window=5, horizon=horizon))


def origins(split: PriceSplit, made: Forecast) -> list[int]:
    """The row of the last close known, for each test day."""
    row = {date: i for i, date in enumerate(split.prices.dates)}
    return [row[date] - split.config.horizon for date in made.select_part("test").dates]


@pytest.mark.parametrize("horizon", [1, 3])
def test_arima_equals_statsmodels_from_every_origin(horizon: int) -> None:
    from statsmodels.tsa.arima.model import ARIMA

    split = split_of(horizon)
    made, detail = arima_rival(split)
    logs = np.log(split.prices.close)
    p, q = int(detail[6]), int(detail[10])  # "ARIMA(p,1,q)"
    fitted = ARIMA(np.diff(logs)[: split.train_rows - 1], order=(p, 0, q), trend="c").fit()
    rows = origins(split, made)
    for place in (0, 7, len(rows) - 1):
        seen = np.diff(logs)[: rows[place]]
        ahead = fitted.apply(seen).forecast(horizon).sum()
        expected = np.exp(logs[rows[place]] + ahead)
        assert made.select_part("test").predicted[place] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("horizon", [1, 3])
def test_ets_equals_statsmodels_from_every_origin(horizon: int) -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    split = split_of(horizon)
    made, detail = ets_rival(split)
    form = {"none": {}, "additive": {"trend": "add"}}
    form["damped"] = {"trend": "add", "damped_trend": True}
    chosen = next(name for name in form if f"trend {name}" in detail)
    logs = np.log(split.prices.close)
    fitted = ETSModel(logs[: split.train_rows], error="add", **form[chosen]).fit(disp=False)
    rows = origins(split, made)
    for place in (0, 7, len(rows) - 1):
        seen = ETSModel(logs[: rows[place] + 1], error="add", **form[chosen])
        ahead = seen.smooth(fitted.params).forecast(horizon)
        expected = np.exp(np.asarray(ahead)[-1])
        assert made.select_part("test").predicted[place] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("horizon", [1, 3])
def test_theta_equals_statsmodels_at_the_end_of_training(horizon: int) -> None:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    split = split_of(horizon)
    made, _ = theta_rival(split)
    rows = np.array(origins(split, made))
    logs = np.log(split.prices.close)
    fitted = ThetaModel(logs[: split.train_rows], period=1, deseasonalize=False).fit()
    place = int(np.flatnonzero(rows == split.train_rows - 1)[0])
    expected = np.exp(fitted.forecast(horizon).iloc[-1])
    assert made.select_part("test").predicted[place] == pytest.approx(expected, rel=1e-9)


def test_boosting_equals_scikit_learn_on_the_nets_windows() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    split = split_of()
    made, _ = boosting_rival(split)
    windows = split.train.inputs.reshape(len(split.train), -1)
    model = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=0
    ).fit(windows, split.train.targets[:, 0])
    scaled = model.predict(split.test.inputs.reshape(len(split.test), -1))
    expected = split.to_points(scaled[:, None], split.test.anchor)[:, 0]
    np.testing.assert_allclose(made.select_part("test").predicted, expected, rtol=1e-6)


def test_no_rival_knows_a_later_close() -> None:
    """The last closes are changed; no forecast made before them moves."""
    frame = PRICES.frame.copy()
    frame.iloc[-20:] *= 1.5
    whole = split_of(prices=PriceTable("before", PRICES.frame))
    changed = split_of(prices=PriceTable("after", frame))
    with warnings.catch_warnings():
        for one, other in zip(fit_rivals(whole), fit_rivals(changed), strict=True):
            same = one.forecast.dates < frame.index[-19].to_datetime64()
            assert same.sum() > 100
            before, after = one.forecast.predicted[same], other.forecast.predicted[same]
            np.testing.assert_allclose(before, after, rtol=1e-9, err_msg=one.name)


def test_prices_below_zero_have_rivals_too() -> None:
    frame = PRICES.frame - PRICES.frame.mean()
    split = split_of(prices=dataclasses.replace(PriceTable("rates", frame)))
    fitted = list(fit_rivals(split))
    assert tuple(rival.name for rival in fitted) == RIVALS
    for rival in fitted:
        assert np.isfinite(rival.forecast.predicted).all()
        assert rival.seconds > 0
        assert rival.detail
