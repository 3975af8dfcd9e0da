"""Rivals equal direct calls of their libraries, with parameters from the training rows alone."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pytest
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel, ThetaModelResults
from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

from rnnapp.configs import SimulatedConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation import rivals
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
BELOW_ZERO = PriceTable("rates", PRICES.frame - PRICES.frame.mean())
_SHAKEN = np.random.default_rng(5).normal(0.0, 0.05, (len(PRICES.frame), 1))
REVERTING = PriceTable("noise", PRICES.frame * np.exp(_SHAKEN))
"""Each day's noise is gone on the next day, so that smoothing is far below 1."""


def split_of(horizon: int = 1, prices: PriceTable = PRICES) -> PriceSplit:
    return make_split(prices, WindowConfig(window=5, horizon=horizon))


def origins(split: PriceSplit, made: Forecast) -> list[int]:
    """The row of the last close known, for each test day."""
    row = {date: i for i, date in enumerate(split.prices.dates)}
    return [row[date] - split.config.horizon for date in made.select_part("test").dates]


def series_of(split: PriceSplit) -> npt.NDArray[np.float64]:
    """What rivals are fitted to: logarithms, or the values themselves where some are below 0."""
    if split.prices.is_positive:
        return np.log(split.prices.close)
    return split.prices.close


def assert_test_days(
    split: PriceSplit, made: Forecast, expected: list[float], *, rtol: float
) -> None:
    """Every forecast of the test part is as expected, in the units of ``series_of``."""
    points = np.exp(expected) if split.prices.is_positive else np.array(expected)
    predicted = made.select_part("test").predicted
    assert len(predicted) > 50
    np.testing.assert_allclose(predicted, points, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("horizon", [1, 3, 20])
@pytest.mark.parametrize("prices", [PRICES, REVERTING, BELOW_ZERO], ids=["ar2", "noise", "rates"])
def test_arima_equals_statsmodels_from_every_origin(horizon: int, prices: PriceTable) -> None:
    split = split_of(horizon, prices)
    made, detail = arima_rival(split)
    series = series_of(split)
    p, q = int(detail[6]), int(detail[10])  # "ARIMA(p,1,q)"
    changes = np.diff(series)
    fitted = ARIMA(changes[: split.train_rows - 1], order=(p, 0, q), trend="c").fit()
    expected = [
        series[row] + fitted.apply(changes[:row]).forecast(horizon).sum()
        for row in origins(split, made)
    ]
    assert_test_days(split, made, expected, rtol=1e-9)


@pytest.mark.parametrize("horizon", [1, 3, 20])
@pytest.mark.parametrize("prices", [PRICES, REVERTING, BELOW_ZERO], ids=["ar2", "noise", "rates"])
@pytest.mark.parametrize("most_rows", [5_000, 90])
def test_ets_equals_statsmodels_from_every_origin(
    horizon: int, prices: PriceTable, most_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "MOST_ROWS", most_rows)
    split = split_of(horizon, prices)
    made, detail = ets_rival(split)
    forms = {"none": {}, "additive": {"trend": "add"}}
    forms["damped"] = {"trend": "add", "damped_trend": True}
    form = next(forms[name] for name in forms if f"trend {name}" in detail)
    series = series_of(split)
    start = max(split.train_rows - most_rows, 0)
    fitted = ETSModel(series[start : split.train_rows], error="add", **form).fit(disp=False)
    expected = []
    for row in origins(split, made):
        seen = ETSModel(series[start : row + 1], error="add", **form)
        expected.append(np.asarray(seen.smooth(fitted.params).forecast(horizon))[-1])
    assert_test_days(split, made, expected, rtol=1e-7)


@pytest.mark.parametrize("horizon", [1, 3, 20])
@pytest.mark.parametrize("prices", [PRICES, REVERTING, BELOW_ZERO], ids=["ar2", "noise", "rates"])
@pytest.mark.parametrize("most_rows", [5_000, 90])
def test_theta_equals_statsmodels_from_every_origin(
    horizon: int, prices: PriceTable, most_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own result with the parameters of the training rows, on all days known."""
    monkeypatch.setattr(rivals, "MOST_ROWS", most_rows)
    split = split_of(horizon, prices)
    made, _ = theta_rival(split)
    series = series_of(split)
    start = max(split.train_rows - most_rows, 0)
    fitted = ThetaModel(series[start : split.train_rows], period=1, deseasonalize=False).fit()
    drift, alpha = fitted.params["b0"], fitted.params["alpha"]
    expected = []
    for row in origins(split, made):
        seen = series[start : row + 1]
        smoothing = ExponentialSmoothing(
            seen, initial_level=seen[0], initialization_method="known"
        ).smooth([alpha])
        model = ThetaModel(seen, period=1, deseasonalize=False)
        one_step = smoothing.forecast(1)
        result = ThetaModelResults(drift, alpha, None, one_step, np.empty(0), False, model)
        expected.append(result.forecast(horizon).iloc[-1])
    assert_test_days(split, made, expected, rtol=1e-9)


def test_theta_at_the_end_of_training_is_what_statsmodels_fits_itself() -> None:
    split = split_of(3)
    made, _ = theta_rival(split)
    known = series_of(split)[: split.train_rows]
    fitted = ThetaModel(known, period=1, deseasonalize=False).fit()
    place = origins(split, made).index(split.train_rows - 1)
    expected = np.exp(fitted.forecast(3).iloc[-1])
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
    split = split_of(prices=BELOW_ZERO)
    fitted = list(fit_rivals(split))
    assert tuple(rival.name for rival in fitted) == RIVALS
    for rival in fitted:
        assert np.isfinite(rival.forecast.predicted).all()
        assert rival.seconds > 0
        assert rival.detail
