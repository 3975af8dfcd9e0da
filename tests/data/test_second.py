"""A second series joined by date: nothing that was not known at the close of the day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.configs import SecondConfig, SecondDay
from rnnapp.data.prices import PriceTable
from rnnapp.data.second import (
    SecondSeries,
    closes_no_later,
    join_as_before,
    join_second,
    load_second,
)
from rnnapp.errors import ConfigError

DAYS = pd.bdate_range("2020-01-01", periods=40)


def series(days: pd.DatetimeIndex, name: str, start: float = 100.0) -> PriceTable:
    close = start + np.arange(float(len(days)))
    return PriceTable(name, pd.DataFrame({"Close": close}, index=days))


@settings(deadline=None, max_examples=40)
@given(
    kept=st.lists(st.booleans(), min_size=40, max_size=40),
    day=st.sampled_from(["same", "before"]),
    row=st.integers(1, 39),
)
def test_a_day_sees_no_value_of_a_later_day(kept: list[bool], day: SecondDay, row: int) -> None:
    prices = series(DAYS, "prices")
    kept[0] = True
    other = series(DAYS[np.array(kept)], "other", 5)
    joined, name = join_second(prices, SecondSeries(other, "other"), day)
    limit = DAYS[row]
    shaken = other.frame.copy()
    first_unknown = {"same": shaken.index > limit, "before": shaken.index >= limit}[day]
    shaken.loc[first_unknown, "Close"] *= 7
    again, _ = join_second(prices, SecondSeries(PriceTable("other", shaken), "other"), day)
    seen = joined.frame[name].to_numpy()[: row + 1]
    np.testing.assert_array_equal(seen, again.frame[name].to_numpy()[: row + 1])


def test_the_same_day_is_taken_only_where_it_closes_no_later() -> None:
    """Seoul closes before New York, in summer and winter; what is not known is not trusted."""
    assert closes_no_later("^KS11", "S&P 500")
    assert not closes_no_later("^GSPC", "KOSPI")
    assert closes_no_later("nasdaq", "S&P 500")
    assert not closes_no_later("^VIX", "S&P 500")
    assert not closes_no_later("KRW=X", "KOSPI")
    assert closes_no_later("^GDAXI", "^GSPC")
    assert not closes_no_later("mine", "S&P 500")
    us = series(DAYS, "S&P 500")
    for label, expected in (("nasdaq", 105.0), ("mine", 104.0)):
        joined, name = join_second(us, SecondSeries(series(DAYS, label), label))
        assert joined.frame[name].iloc[5] == expected
        assert "same day" in str(joined.repairs[0])


def test_days_that_do_not_match_are_reported() -> None:
    prices = series(DAYS, "S&P 500")
    days = DAYS[5:30].delete([3, 4]).append(pd.DatetimeIndex(["2020-01-18"]))
    other = series(days.sort_values(), "KOSPI")
    joined, _ = join_second(prices, SecondSeries(other, "^KS11"))
    said = " ".join(str(note) for note in joined.repairs)
    assert "2 of 40 days have no row of their own in ^KS11" in said
    assert "1 rows of ^KS11 fall on no day" in said
    assert "begins on 2020-01-08; the 5 days" in said
    assert "ends on 2020-02-11" in said
    assert joined.frame["^KS11"].isna().sum() == 5


def test_a_rare_series_has_to_be_dated_by_its_publication() -> None:
    months = series(pd.date_range("2019-06-01", periods=12, freq="MS"), "inflation")
    joined, _ = join_second(series(DAYS, "prices"), SecondSeries(months, "inflation"))
    assert any("days of publication" in str(note) for note in joined.repairs)


def test_a_series_is_opened_by_its_name_or_its_file(tmp_path: Path) -> None:
    prices = series(DAYS, "S&P 500")
    file = tmp_path / "fear.csv"
    file.write_text(series(DAYS, "x", 20).frame.to_csv(index_label="Date"))
    found = load_second(SecondConfig(second=str(file)), prices)
    joined, name = join_second(prices, found, "same")
    assert (name, joined.frame["fear"].iloc[3]) == ("fear", 23.0)
    assert load_second(SecondConfig(second="nasdaq"), prices).table.name == "NASDAQ"
    with pytest.raises(ConfigError, match=r"no file absent\.csv"):
        load_second(SecondConfig(second="absent.csv"), prices)
    later = SecondSeries(series(DAYS + pd.Timedelta(days=900), "later"), "later")
    with pytest.raises(ConfigError, match="Use a series of the same years"):
        join_second(prices, later)


@pytest.mark.parametrize("day", ["same", "before"])
def test_newer_rows_are_joined_by_the_rule_of_the_recorded_ones(day: SecondDay) -> None:
    """Which of the two a person chose is not asked again: the recorded values say it."""
    recorded, _ = join_second(
        series(DAYS[:30], "prices"), SecondSeries(series(DAYS[:30], "other"), "other"), day
    )
    newer, name = join_as_before(series(DAYS, "prices"), series(DAYS, "x"), "other", recorded)
    shift = {"same": 0, "before": 1}[day]
    assert (name, newer.frame[name].iloc[35]) == ("other", 135.0 - shift)
