"""Rivals of a volatility: HAR by hand, GARCH as the package arch itself forecasts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.volatility import daily_volatility, log_returns, yearly_factor
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.baselines import make_baselines
from rnnapp.evaluation.compare import compare_nets
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.metrics import evaluate, evaluation_headline, qlike_losses
from rnnapp.evaluation.rivals import VOLATILITY_RIVALS, fit_rivals, rival_names
from rnnapp.evaluation.volatility import (
    GARCH,
    GJR,
    HAR,
    HAR_NEGATIVE,
    ewma_forecast,
    garch_rival,
    garch_variances,
    har_forecast,
    har_negative_forecast,
    last_rows,
)

GARCH_PRICES = simulate_prices(SimulatedConfig("garch", 700))


def split_of(horizon: int = 1, target: str = "volatility") -> PriceSplit:
    config = WindowConfig(window=5, horizon=horizon, target=target)  # type: ignore[arg-type]
    return make_split(GARCH_PRICES, config)


def test_har_is_least_squares_on_means_over_a_day_a_week_and_a_month() -> None:
    split = split_of(horizon=2)
    logs = np.log(daily_volatility(split.prices))
    falls = np.minimum(log_returns(split.prices), 0)

    def regressors(row: int, negative: bool) -> list[float]:
        found = [1.0]
        for values in (logs, falls)[: 1 + negative]:
            found += [values[max(row - days + 1, 0) : row + 1].mean() for days in (1, 5, 22)]
        return found

    for make, negative in ((har_forecast, False), (har_negative_forecast, True)):
        rows = last_rows(split.train)
        known = np.array([regressors(row, negative) for row in rows])
        weights = np.linalg.lstsq(known, logs[rows + 2], rcond=None)[0]
        made = make(split).select_part("test")
        for place in (0, 50, -1):
            row = int(last_rows(split.test)[place])
            expected = np.exp(np.array(regressors(row, negative)) @ weights)
            expected *= yearly_factor(split.prices)
            assert made.predicted[place] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("asymmetric", "horizon"), [(False, 1), (True, 3)])
def test_garch_s_figures_are_the_package_s_own(asymmetric: bool, horizon: int) -> None:
    """Parameters of the training rows, the state of every later day, by arch itself."""
    from arch import arch_model

    split = split_of(horizon)
    found, persistence = garch_variances(split, asymmetric=asymmetric)
    returns = 100 * np.diff(np.log(split.prices.close))
    model = arch_model(returns[: split.train_rows - 1], o=int(asymmetric), rescale=False)
    fitted = model.fit(disp="off")
    names = ["alpha[1]", "beta[1]"]
    total = float(fitted.params[names].sum())
    if asymmetric:
        total += fitted.params["gamma[1]"] / 2
    assert persistence == pytest.approx(total, rel=1e-6)
    for row in last_rows(split.test)[[0, 7, -1]]:
        # the backcast, with which a recursion begins, is that of the rows it is given
        seen = arch_model(returns, o=int(asymmetric), rescale=False).fix(fitted.params)
        ahead = seen.forecast(horizon=horizon, start=row - 1, reindex=False).variance.to_numpy()[0]
        np.testing.assert_allclose(found[row], ahead, rtol=1e-6)


def test_the_level_of_garch_is_set_where_training_errors_of_the_logarithm_vanish() -> None:
    split = split_of()
    made, detail = garch_rival(split)
    train = made.select_part("train")
    assert np.log(train.predicted / train.actual).mean() == pytest.approx(0, abs=1e-9)
    assert detail.startswith("GARCH(1,1) of close-to-close returns")
    ewma = ewma_forecast(split).select_part("train")
    assert np.log(ewma.predicted / ewma.actual).mean() == pytest.approx(0, abs=1e-9)


def test_rivals_know_nothing_of_the_days_they_forecast() -> None:
    split = split_of()
    frame = GARCH_PRICES.frame.copy()
    cut = split.train_rows + 40
    frame.iloc[cut:] *= np.linspace(1.1, 2.0, len(frame) - cut)[:, None]
    changed = make_split(dataclasses.replace(GARCH_PRICES, frame=frame), split.config)
    before = [*make_baselines(split), *(rival.forecast for rival in fit_rivals(split))]
    after = [*make_baselines(changed), *(rival.forecast for rival in fit_rivals(changed))]
    for one, other in zip(before, after, strict=True):
        known = one.dates < split.prices.dates[cut]
        np.testing.assert_allclose(one.predicted[known], other.predicted[known], rtol=1e-7)


def made_up(predicted: list[float], actual: list[float], anchor: list[float]) -> Forecast:
    days = np.arange("2020-01-01", len(actual), dtype="datetime64[D]").astype("datetime64[ns]")
    from rnnapp.data.quantities import VOLATILITY

    part = np.array(["train"] * 2 + ["test"] * (len(actual) - 2))
    arrays = (np.array(values, np.float64) for values in (actual, predicted, anchor))
    return Forecast("net", days, *arrays, part, days[2], quantity=VOLATILITY)


def test_qlike_is_patton_s_with_the_level_of_the_training_rows() -> None:
    made = made_up([10, 10, 10, 20], [10, 20, 20, 20], [10, 10, 20, 20])
    level = (1 + 4) / 2
    ratio = np.array([4, 1]) / level
    np.testing.assert_allclose(qlike_losses(made), ratio - np.log(ratio) - 1)


def test_errors_are_of_the_logarithm_and_words_are_of_volatility() -> None:
    made = made_up([10, 10, 10, 20, 15], [10, 20, 20, 20, 30], [10, 10, 20, 20, 15])
    judged = evaluate(made)
    errors = np.log([10 / 20, 1, 15 / 30])
    assert judged.rmse == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert np.isfinite(judged.qlike)
    words = evaluation_headline(judged, "GRU")
    assert "tomorrow's volatility" in words
    assert "log units" in words
    assert "yesterday's volatility" in words
    assert "point" not in words
    assert "close" not in words


def test_the_table_of_a_volatility_has_its_rivals_and_says_how_the_net_stands_beside_har() -> None:
    split = split_of()
    results = list(compare_nets(split, [ModelConfig()], TrainConfig(epochs=5), seeds=2))
    rivals = list(fit_rivals(split, (GARCH, GJR)))
    found = judge_results(split, results, rivals=rivals)
    names = {row.name for row in found.rows}
    assert {"Persistence", "EWMA (0.94)", HAR, HAR_NEGATIVE, GARCH, GJR, "GRU"} <= names
    assert rival_names(split) == VOLATILITY_RIVALS
    assert HAR in found.verdict
    assert "log units" in found.verdict
    rows = {row.name: row.as_dict() for row in found.rows}
    assert rows[HAR]["qlike"] > 0
    assert rows["Persistence"]["verdict"] == "The yardstick: yesterday's volatility."


def test_nothing_is_said_to_be_the_best_possible_forecast_of_a_simulated_volatility() -> None:
    split = split_of()
    assert all(made.best is None for made in make_baselines(split))
    assert "Best possible" not in {made.name for made in make_baselines(split)}
