"""Rivals worth beating: ARIMA, ETS, Theta and gradient boosting, on the same days as the nets.

A volatility has GARCH and GJR in place of the first three (:mod:`volatility`). Parameters come
from the training rows; states are updated with each day's close, so that every forecast knows what
the net's window knows. Prices above zero are forecast by their logarithms.

Sources: ARIMA and ETS: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, chapters
8 and 9; Theta: Assimakopoulos and Nikolopoulos (2000), Int. J. Forecasting 16, 521-530.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.forecast import Forecast, assemble_forecast
from rnnapp.evaluation.volatility import GARCH, GJR, garch_rival, gjr_rival
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["RIVALS", "Rival", "arima_rival", "boosting_rival", "ets_rival", "fit_rivals"]
__all__ += ["VOLATILITY_RIVALS", "rival_names", "theta_rival"]

Values = npt.NDArray[np.float64]

RIVALS = ("ARIMA", "ETS", "Theta", "Gradient boosting")
"""Names of all rivals of closes, in the order in which they are fitted."""
VOLATILITY_RIVALS = (GARCH, GJR, "Gradient boosting")
"""The same of a volatility."""
ARIMA_ORDERS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2))
"""Orders (p, q) of daily changes with drift; the one of least AIC is taken."""
ETS_TRENDS = ("none", "additive", "damped")
MOST_ROWS = 5_000
"""Latest training rows that parameters are estimated from."""
_ORDER = N_("ARIMA({p},1,{q}) with drift, the least AIC of {count}")
_TREND = N_("additive errors, trend {trend}, the least AIC of {count}")
_THETA = N_("drift {drift:.3g} a row, smoothing {alpha:.3f}")
_TREES = N_("{count} trees on the nets' own windows")


@dataclass(frozen=True, eq=False)
class Rival:
    """A fitted rival.

    Attributes:
        forecast: of all parts, index points.
        seconds: what fitting and forecasting took.
        detail: which form of it was chosen, in words.
    """

    forecast: Forecast
    seconds: float
    detail: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.forecast.name


def rival_names(split: PriceSplit) -> tuple[str, ...]:
    """Names of the rivals of a split's target, in the order in which they are fitted."""
    if split.quantity.is_volatility:
        return VOLATILITY_RIVALS
    return RIVALS


def fit_rivals(split: PriceSplit, names: Sequence[str] | None = None) -> Iterator[Rival]:
    """Fit each rival in turn; they take some seconds on thousands of rows.

    BLAS gets one thread meanwhile: the matrices are small, and where other work holds the cores,
    several threads spin for each other.

    Args:
        split: the days and windows of the nets.
        names: of those to fit; all of :func:`rival_names` where None.
    """
    from threadpoolctl import threadpool_limits

    if names is None:
        names = rival_names(split)
    for name in names:
        started = time.perf_counter()
        with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
            warnings.simplefilter("ignore")  # of optimisers that stop near the optimum
            forecast, detail = _FITS[name](split)
        yield Rival(forecast, time.perf_counter() - started, detail)


def arima_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """ARIMA(p,1,q) with drift by least AIC; the Kalman filter carries its state on."""
    from statsmodels.tsa.arima.model import ARIMA  # seconds that only a rival needs

    series = _fitted_series(split)
    changes = np.diff(series)
    known = changes[_first_row(split) : split.train_rows - 1]
    fits = {(p, q): ARIMA(known, order=(p, 0, q), trend="c").fit() for p, q in ARIMA_ORDERS}
    p, q = min(fits, key=lambda order: float(fits[order].aic))
    followed = fits[p, q].apply(changes)
    ahead = _sum_ahead(followed, split.config.horizon)  # (R - 1,)
    predicted = series + np.concatenate([[0.0], ahead])
    detail = _(_ORDER).format(p=p, q=q, count=len(fits))
    return _to_forecast("ARIMA", split, predicted), detail


def _sum_ahead(followed: object, horizon: int) -> Values:
    """(N,) expected sum of the next H changes after each one, from the filtered states."""
    filtered = followed.filter_results  # type: ignore[attr-defined]
    state = np.array(filtered.filtered_state)  # (K, N)
    transition = np.array(filtered.transition[:, :, 0])
    design = np.array(filtered.design[0, :, 0])
    drift = float(filtered.obs_intercept[0, 0])
    total = np.zeros(state.shape[1])
    for _unused in range(horizon):
        state = transition @ state
        total += drift + design @ state
    return total


def ets_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """Exponential smoothing with additive errors; none, additive or damped trend by least AIC."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    series = _fitted_series(split)
    start = _first_row(split)
    known = series[start : split.train_rows]
    forms: dict[str, dict[str, str | bool | None]] = {
        "none": {"trend": None},
        "additive": {"trend": "add"},
        "damped": {"trend": "add", "damped_trend": True},
    }
    fits = {
        trend: ETSModel(known, error="add", **form).fit(disp=False) for trend, form in forms.items()
    }
    trend = min(fits, key=lambda name: float(fits[name].aic))
    followed = ETSModel(series[start:], error="add", **forms[trend]).smooth(fits[trend].params)
    predicted = np.array(followed.level, np.float64)
    if trend != "none":
        damping = float(getattr(fits[trend], "damping_trend", None) or 1.0)
        steps = sum(damping**step for step in range(1, split.config.horizon + 1))
        predicted = predicted + steps * np.array(followed.slope, np.float64)
    predicted = np.concatenate([series[:start], predicted])
    detail = _(_TREND).format(trend=trend, count=len(fits))
    return _to_forecast("ETS", split, predicted), detail


def theta_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """The Theta method without seasons: half of the linear trend on top of smoothing."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    series = _fitted_series(split)
    start = _first_row(split)
    last = split.train_rows
    fitted = ThetaModel(series[start:last], period=1, deseasonalize=False).fit()
    drift, alpha = float(fitted.params["b0"]), float(fitted.params["alpha"])
    # Smoothed level after each row; after the training rows it is the library's own.
    level = series.copy()
    for row in range(start + 1, len(series)):
        level[row] = alpha * series[row] + (1 - alpha) * level[row - 1]
        if row == last - 1:
            level[row] = float(fitted.forecast_components(1)["ses"].iloc[0])
    seen = np.maximum(np.arange(len(series)) - start + 1, 1)
    reach = split.config.horizon - 1 + (1 - (1 - alpha) ** seen) / max(alpha, 1e-12)
    detail = _(_THETA).format(drift=drift, alpha=alpha)
    return _to_forecast("Theta", split, level + drift * reach / 2), detail


def boosting_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """Gradient-boosted trees on the flattened windows, for the horizon's last day."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=0
    )
    target = split.train.targets[:, -1].astype(np.float64)
    # One thread: several of OpenMP's spin for each other on a busy machine.
    with threadpool_limits(limits=1, user_api="openmp"):
        model.fit(_flatten_windows(split.train), target)

    def predict_part(part: PriceSequences) -> Values:
        if not len(part):
            return np.empty(0)
        scaled = np.zeros((len(part), split.outputs))
        scaled[:, -1] = model.predict(_flatten_windows(part))
        return split.to_points(scaled, part.anchor)[:, -1]

    detail = _(_TREES).format(count=model.n_iter_)
    return assemble_forecast("Gradient boosting", split, predict_part), detail


def _fitted_series(split: PriceSplit) -> Values:
    """(R,) closes, as logarithms where they are above zero."""
    if split.prices.is_positive:
        return np.log(split.prices.close)
    return split.prices.close


def _first_row(split: PriceSplit) -> int:
    """The first row that parameters are estimated from."""
    return max(split.train_rows - MOST_ROWS, 0)


def _to_forecast(name: str, split: PriceSplit, predicted: Values) -> Forecast:
    """A forecast from (R,) values of the series H rows after each row."""
    back: Callable[[Values], Values] = np.asarray
    if split.prices.is_positive:
        back = np.exp

    def predict_part(part: PriceSequences) -> Values:
        return back(predicted[part.starts + part.steps - 1])

    return assemble_forecast(name, split, predict_part)


def _flatten_windows(part: PriceSequences) -> Values:
    """(N, T, F) -> (N, T*F)."""
    return part.inputs.reshape(len(part), -1).astype(np.float64)


_FITS: dict[str, Callable[[PriceSplit], tuple[Forecast, str]]] = {
    "ARIMA": arima_rival,
    "ETS": ets_rival,
    "Theta": theta_rival,
    "Gradient boosting": boosting_rival,
    GARCH: garch_rival,
    GJR: gjr_rival,
}
