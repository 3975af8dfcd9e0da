"""The days after the last row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnapp.data.calendars import exchange_code, future_days
from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import bundled


def table(dates, name: str = "my file") -> PriceTable:
    index = pd.DatetimeIndex(dates, name="Date")
    return PriceTable(name, pd.DataFrame({"Close": np.arange(1.0, len(index) + 1)}, index=index))


def days_after(dates, count: int = 3, name: str = "my file") -> list[str]:
    made = future_days(table(dates, name), count)
    return [str(day) for day in np.datetime_as_string(made.dates, unit="D")]


def test_new_year_s_day_is_no_trading_day():
    """The bundled S&P 500 ends on Monday 2018-12-31."""
    made = future_days(bundled("sp500"), 3)
    assert list(np.datetime_as_string(made.dates, unit="D")) == [
        "2019-01-02",
        "2019-01-03",
        "2019-01-04",
    ]
    assert made.exchange == "XNYS"
    assert "holidays left out" in made.source


def test_seoul_rests_at_seollal():
    """Lunar New Year 2024: Friday 9 to Monday 12 February."""
    weekdays = pd.bdate_range("2023-10-10", "2024-02-08")
    holidays = ["2023-12-25", "2023-12-29", "2024-01-01"]
    open_days = weekdays.difference(pd.DatetimeIndex(holidays))
    assert days_after(open_days, 2, "^KS11") == ["2024-02-13", "2024-02-14"]
    assert days_after(open_days, 2, "KOSPI") == ["2024-02-13", "2024-02-14"]
    assert days_after(open_days, 2, "005930.KS") == ["2024-02-13", "2024-02-14"]


def test_rows_that_do_not_follow_the_exchange_s_calendar_keep_their_own():
    """A file called KOSPI may be simulated: its weekdays, holidays among them, go on."""
    assert days_after(pd.bdate_range("2017-01-02", "2018-02-14"), 2, "KOSPI") == [
        "2018-02-15",
        "2018-02-16",
    ]


def test_a_series_of_seven_days_a_week_goes_on_on_saturday():
    assert days_after(pd.date_range("2024-01-01", "2024-03-01"), 2) == ["2024-03-02", "2024-03-03"]


def test_a_market_open_from_sunday_to_thursday_goes_on_on_sunday():
    days = pd.date_range("2023-01-01", "2024-02-29")
    days = days[~days.day_of_week.isin([4, 5])]
    assert days_after(days, 2) == ["2024-03-03", "2024-03-04"]


@pytest.mark.parametrize(
    ("frequency", "days"),
    [
        ("ME", ["2024-03-31", "2024-04-30"]),
        ("BME", ["2024-03-29", "2024-04-30"]),
        ("MS", ["2024-03-01", "2024-04-01"]),
        ("7D", ["2024-03-04", "2024-03-11"]),
    ],
)
def test_weeks_and_months_go_on_as_they_lie(frequency, days):
    dates = pd.date_range(end="2024-02-29", periods=60, freq=frequency)
    if frequency == "7D":
        dates = pd.date_range(end="2024-02-26", periods=60, freq=frequency)
    assert days_after(dates, 2) == days


def test_quarters_end_with_their_months():
    dates = pd.date_range("2010-03-31", "2023-12-31", freq="QE")
    assert days_after(dates, 2) == ["2024-03-31", "2024-06-30"]


def test_an_unknown_name_has_no_exchange():
    assert exchange_code("my prices") == ""
    assert exchange_code(" ^gspc ") == "XNYS"
    assert exchange_code("7203.T") == "XTKS"
    assert exchange_code("sp500") == exchange_code("S&P 500") == "XNYS"
    assert exchange_code("nikkei_225") == "XTKS"
    assert exchange_code("&") == ""


def test_a_year_far_ahead_of_every_calendar_still_has_days():
    dates = pd.bdate_range("2090-01-02", periods=200)
    assert len(days_after(dates, 5, "^GSPC")) == 5
