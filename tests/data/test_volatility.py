"""Daily volatility: the formulas, the columns that a file has, and no look ahead."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.volatility import (
    daily_volatility,
    describe_estimator,
    mean_ahead,
    mean_known,
    require_positive,
    yearly_factor,
)
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from tests.support import random_walk

TABLE = random_walk(300)


def table_of(**columns: list[float]) -> PriceTable:
    rows = len(columns["Close"])
    index = pd.bdate_range("2020-01-01", periods=rows, name="Date")
    return PriceTable("made up", pd.DataFrame(columns, index=index, dtype=np.float64))


def test_the_range_formula_is_garman_and_klass_s() -> None:
    frame = TABLE.frame
    reach = np.log(frame["High"] / frame["Low"])
    body = np.log(frame["Close"] / frame["Open"])
    expected = np.sqrt(0.5 * reach**2 - (2 * math.log(2) - 1) * body**2)
    found = daily_volatility(TABLE)
    moved = expected.to_numpy() > 0.3 * found.mean()
    np.testing.assert_allclose(found[moved], expected.to_numpy()[moved])
    assert "Garman" in describe_estimator(TABLE)


def test_without_an_open_it_is_parkinson_s_and_of_closes_alone_the_absolute_return() -> None:
    ranged = table_of(High=[11.0, 12.0], Low=[10.0, 10.5], Close=[10.5, 11.0])
    expected = math.log(1.1) / math.sqrt(4 * math.log(2))
    assert daily_volatility(ranged)[0] == pytest.approx(expected)
    assert "Parkinson" in describe_estimator(ranged)
    plain = table_of(Close=[10.0, 10.5, 10.0])
    np.testing.assert_allclose(daily_volatility(plain)[1:], np.abs(np.diff(np.log(plain.close))))


def test_a_day_that_did_not_move_is_very_calm_and_not_minus_infinity() -> None:
    still = table_of(Close=[10.0, 10.5, 10.5, 10.4])
    found = daily_volatility(still)
    assert np.isfinite(np.log(found)).all()
    average = math.sqrt(np.square(np.log([1.05])).sum() / 3)
    assert found[2] == pytest.approx(0.1 * average)


def test_no_row_depends_on_a_later_one() -> None:
    frame = TABLE.frame.copy()
    frame.iloc[200:] *= 1.7
    frame.iloc[220:, frame.columns.get_loc("High")] *= 1.2
    changed = daily_volatility(PriceTable("changed", frame))
    np.testing.assert_array_equal(changed[:200], daily_volatility(TABLE)[:200])


def test_a_year_has_the_rows_that_the_file_keeps() -> None:
    assert yearly_factor(TABLE) == pytest.approx(100 * math.sqrt(252))
    weekly = PriceTable(
        "weeks", TABLE.frame.set_index(pd.date_range("2001", periods=300, freq="W"))
    )
    assert yearly_factor(weekly) == pytest.approx(100 * math.sqrt(52))


def test_means_are_of_variances_and_know_only_what_they_say() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(mean_known(values, 2), np.sqrt([1, 2.5, 6.5, 12.5]))
    np.testing.assert_allclose(mean_ahead(values[None]), np.sqrt([[1, 2.5, 14 / 3, 7.5]]))


def test_a_price_of_zero_is_refused_with_its_day() -> None:
    with pytest.raises(ConfigError, match=r"2020-01-02.*above zero"):
        require_positive(table_of(Close=[1.0, -0.5, 1.0]))


@pytest.mark.parametrize("target", ["volatility", "mean-volatility"])
@pytest.mark.parametrize("scaling", ["train", "all"])
def test_windows_of_a_volatility_hold_percent_a_year_and_come_back(
    target: str, scaling: str
) -> None:
    config = WindowConfig(window=5, horizon=3, target=target, scaling=scaling)  # type: ignore[arg-type]
    split = make_split(TABLE, config)
    assert split.columns == ("Log volatility", "Return")
    yearly = yearly_factor(TABLE) * daily_volatility(TABLE)
    ends = split.test.starts + 5 - 1
    ahead = yearly[ends[:, None] + np.arange(1, 4)]
    known = yearly
    if target == "mean-volatility":
        ahead = mean_ahead(ahead)
        known = mean_known(yearly, 3)
    np.testing.assert_allclose(split.test.actual, ahead)
    np.testing.assert_allclose(split.test.anchor, known[ends])
    np.testing.assert_allclose(split.series, known)
    back = split.to_points(split.test.targets, split.test.anchor)
    np.testing.assert_allclose(back, ahead, rtol=1e-5)


def test_the_scalers_of_a_volatility_see_training_rows_only() -> None:
    frame = TABLE.frame.copy()
    config = WindowConfig(window=5, target="volatility", split=100)
    split = make_split(TABLE, config)
    first = split.train_rows
    frame.iloc[first:] *= np.linspace(1.5, 3, len(frame) - first)[:, None]
    after = make_split(PriceTable("changed", frame), config)
    np.testing.assert_array_equal(split.train.inputs, after.train.inputs)
    np.testing.assert_array_equal(split.train.targets, after.train.targets)
    assert abs(float(split.train.targets.mean())) < 1e-5


def test_named_columns_join_the_volatility_and_the_return_as_changes() -> None:
    config = WindowConfig(window=5, target="volatility", features=("Close", "Volume"))
    split = make_split(TABLE, config)
    assert split.columns == ("Log volatility", "Return", "Volume")


def test_volatility_can_be_what_a_net_sees_of_a_close_and_levels_what_it_sees_of_volatility() -> (
    None
):
    seen = make_split(TABLE, WindowConfig(inputs="volatility"))
    assert seen.columns == ("Log volatility", "Return")
    assert seen.quantity.key == "close"
    levels = make_split(
        random_walk(300, columns=("Close",)),
        WindowConfig(window=1, target="volatility", inputs="level"),
    )
    assert np.isfinite(levels.train.anchor).all()
    assert levels.train.starts[0] == 1  # the first row has no return
