"""Series that are no share prices, on every tab: below zero, around zero, tiny moves, weeks."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parents[2] / "pages"
ROWS = 220
FORECAST_TABS = (
    "Next days",
    "Intervals",
    "Loss",
    "Residuals",
    "Changes",
    "Shift",
    "Which days",
    "Table",
    "Code",
    "Settings and files",
)
COMPARE_TABS = (
    "Table",
    "Residuals",
    "Changes",
    "Loss",
    "Inputs",
    "Memory",
    "By period",
    "Checks",
    "Next days",
    "Intervals",
    "Walk-forward",
    "Strategy",
    "Code",
    "Files",
)
ANATOMY_TABS = ("Gates", "Shapes", "Parameters", "Gradient flow", "Diagram", "Code")


def make_series(kind: str) -> bytes:
    """A CSV file of one date and one close."""
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2019-09-02", periods=ROWS)
    walk = np.cumsum(rng.normal(0, 1, ROWS))
    if kind == "oil":  # as WTI in April 2020
        close = np.round(40 + walk, 2)
        close[176:184] = [24.2, 21.3, 20.1, 19.9, 18.27, -37.63, 10.01, 13.78]
    elif kind == "rates":
        close = np.round(0.04 * walk, 2)
    elif kind == "currency":  # USD/HKD moves within half a per cent
        close = np.round(7.80 + 0.0005 * walk, 4)
    else:
        close = np.round(3000 + 20 * walk, 1)
        days = pd.date_range("2015-01-02", periods=ROWS, freq="W-FRI")
    frame = pd.DataFrame({"Close": close}, index=days.rename("Date"))
    return frame.to_csv().encode()


def opened(page: str, kind: str, **query: str) -> AppTest:
    """A page with an uploaded series; two epochs, so that it trains at once."""
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    settings = {"data": "upload", "epochs": "2", "window": "5", "hidden": "3"}
    for name, value in (settings | query).items():
        app.query_params[name] = value
    app.run()
    upload = app.get("file_uploader")[0].upload  # type: ignore[attr-defined]
    upload(f"{kind}.csv", make_series(kind), "text/csv").run()
    for key in ("train", "compare_start"):
        if any(button.key == key for button in app.button):
            app.button(key=key).click().run()
    end = time.monotonic() + 60
    while page != "anatomy" and not app.tabs and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    return app


def words_of(app: AppTest) -> str:
    """All words of a page."""
    kinds = ("markdown", "caption", "info", "warning", "error", "metric")
    words = []
    for kind in kinds:
        for element in getattr(app, kind):
            words += [str(element.value), str(getattr(element, "label", ""))]
            words.append(str(getattr(element, "delta", "")))
    return "\n".join(words)


@pytest.mark.parametrize("kind", ["oil", "rates", "currency", "weeks"])
@pytest.mark.parametrize(
    ("page", "tabs", "key"),
    [
        ("forecast", FORECAST_TABS, "details"),
        ("compare", COMPARE_TABS, "view"),
        ("anatomy", ANATOMY_TABS, "view"),
    ],
)
def test_every_tab_opens_for_every_series(
    page: str, tabs: tuple[str, ...], key: str, kind: str
) -> None:
    """The Strategy tab ended in a traceback for closes of zero or below."""
    app = opened(page, kind, valid="0.15", seeds="1", cells="rnn")
    for tab in tabs:
        app.session_state[key] = tab
        app.run()
        assert not app.exception, tab
        assert not app.error, tab
        if tab == "Strategy" and kind in ("oil", "rates"):
            assert any("not positive" in info.value for info in app.info)


@pytest.mark.parametrize("page", ["forecast", "compare"])
def test_small_prices_are_shown_to_the_digit_that_matters(page: str) -> None:
    """USD/HKD: "misses by 0.0 points, better than yesterday's close (0.0)"."""
    words = words_of(opened(page, "currency", seeds="2", cells="rnn"))
    assert re.search(r"by 0\.00\d+", words), words
    assert not re.search(r"(?<![\d.])-?0(\.0+)?(?= points|\)| ±)", words), words


@pytest.mark.parametrize("page", ["forecast", "compare"])
def test_rows_that_are_weeks_are_called_weeks(page: str) -> None:
    app = opened(page, "weeks", seeds="1", cells="rnn", valid="0.15")
    words = words_of(app)
    assert "next week's close" in words
    for tab in {"forecast": FORECAST_TABS, "compare": COMPARE_TABS}[page]:
        app.session_state[{"forecast": "details", "compare": "view"}[page]] = tab
        app.run()
        words += words_of(app)
    for table in app.dataframe:
        words += table.value.to_string()
    of_days = r".*(?:tomorrow|yesterday|Same weekday|\btest days|\bdays? (?:ahead|earlier)).*"
    found = [line for line in re.findall(of_days, words) if "tomorrow = today" not in line]
    assert not found
