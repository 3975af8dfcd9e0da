"""The rhythm of a series decides what its next row is called."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnapp.data.spacing import SPACINGS, measure_spacing


def _days(freq: str, rows: int = 60) -> np.ndarray:
    return pd.date_range("2015-01-05", periods=rows, freq=freq).to_numpy()


@pytest.mark.parametrize(
    ("freq", "name"),
    [
        ("B", "daily"),
        ("D", "7-day"),
        ("W-SUN", "weekly"),
        ("W-FRI", "weekly"),
        ("MS", "monthly"),
        ("ME", "monthly"),
        ("BME", "monthly"),
        ("QE", "quarterly"),
        ("YE", "yearly"),
        ("17D", "irregular"),
    ],
)
def test_a_rhythm_is_recognised_by_its_gaps(freq, name):
    assert measure_spacing(_days(freq)).name == name


def test_holidays_and_holes_do_not_change_a_rhythm():
    rng = np.random.default_rng(0)
    for freq, name in (("B", "daily"), ("D", "7-day"), ("W-FRI", "weekly"), ("MS", "monthly")):
        days = _days(freq, 300)
        some = np.sort(rng.choice(len(days), size=285, replace=False))
        assert measure_spacing(days[some]).name == name
        assert measure_spacing(np.concatenate([days[:100], days[200:]])).name == name


def test_two_rows_count_as_days():
    assert measure_spacing(_days("W-FRI", 2)).name == "daily"


def test_only_days_have_weekdays():
    assert [s.name for s in SPACINGS if s.has_weekdays] == ["daily", "7-day"]
    assert {s.next_close for s in SPACINGS} >= {"tomorrow's close", "next week's close"}
