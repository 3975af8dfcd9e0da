"""Every page with a volatility target: what it says, in which unit, and what it refuses."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.runs.history.store import RunStore
from tests.pages.support import open_page, read_headline, read_words

QUICK = {
    "target": "volatility",
    "rows": "520",
    "epochs": "2",
    "hidden": "3",
    "window": "5",
    "horizon": "2",
}
_WRONG = (" points", "Close, index", "closes by", "yesterday's close", "Tomorrow = today")


def finished(page: AppTest, key: str) -> AppTest:
    """Press the button where the page does not train at once, and wait for the end."""
    if any(button.key == key for button in page.button):
        page.button(key=key).click().run()
    end = time.monotonic() + 60
    while not page.tabs and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    return page


def everything(page: AppTest) -> str:
    """All words outside the sidebar's helps: headlines, captions, metrics."""
    metrics = " ".join(f"{one.label} {one.value} {one.delta}" for one in page.metric)
    return " ".join([read_words(page, ("markdown", "caption", "subheader", "info")), metrics])


def test_the_forecast_page_speaks_of_volatility_in_every_tab_and_saves_the_run() -> None:
    page = finished(open_page("forecast", QUICK), "train")
    assert not page.exception
    assert "misses the volatility 2 days ahead by 0." in read_headline(page)
    assert "log units on average" in read_headline(page)
    assert page.subheader[0].value.startswith("Volatility, Wed 2 Jan 2019: ")
    assert [one.label for one in page.metric][:3] == ["RMSE, log units", "MAE, log units", "QLIKE"]
    assert "By the volatility that GRU forecasts, the next close lies between 2," in everything(
        page
    )
    assert "The ledger compares forecast closes" in everything(page)
    for tab in ("Intervals", "Residuals", "Changes", "Shift", "Which days", "Code"):
        words = everything(page)
        assert not [wrong for wrong in _WRONG if wrong in words], tab
        page.session_state["details"] = tab
        page.run()
        assert not page.exception, tab
    assert "cannot be written as code" in everything(page)
    page.button(key="keep").click().run()
    run = next(iter(RunStore().list_runs()))
    assert run.settings.window is not None
    assert run.settings.window.target == "volatility"
    shown = open_page("runs", {"run": run.id})
    assert not shown.exception
    assert "misses the volatility 2 days ahead" in everything(shown)


@pytest.fixture(scope="module")
def compared() -> AppTest:
    query = QUICK | {"cells": "gru", "seeds": "1", "rivals": "on", "valid": "0.2"}
    return finished(open_page("compare", query), "compare_start")


def test_the_compare_page_has_har_and_says_how_the_net_stands_beside_it(compared: AppTest) -> None:
    page = compared
    assert not page.exception
    assert "HAR" in read_headline(page)
    assert "log units" in read_headline(page)
    assert {"HAR", "EWMA (0.94)", "Persistence"} <= set(page.dataframe[0].value["Forecast"])
    assert "QLIKE" in page.dataframe[0].value
    for view in ("Residuals", "Next days", "Intervals", "By period", "Checks", "Inputs"):
        page.session_state["view"] = view
        page.run()
        assert not page.exception, view
        words = everything(page)
        assert not [wrong for wrong in _WRONG if wrong in words], view
    page.session_state["view"] = "Strategy"
    page.run()
    assert any("cannot be bought or held" in info.value for info in page.info)


def test_stronger_rivals_join_the_table_and_each_counts_as_a_look(compared: AppTest) -> None:
    page = compared
    page.session_state["view"] = "Table"
    page.run()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if "GARCH(1,1)" in set(page.dataframe[0].value["Forecast"]):
            break
        time.sleep(0.2)
        page.run()
    assert {"GARCH(1,1)", "GJR-GARCH"} <= set(page.dataframe[0].value["Forecast"])
    assert "Seen under 4 settings" in everything(page), "one net and three rivals"


def test_a_search_asks_for_the_volatility_and_leaves_the_target_alone() -> None:
    page = open_page("tune", {"target": "volatility", "rows": "500"}, seconds=90)
    assert not page.exception
    assert "miss the volatility of" in read_headline(page)
    assert "target" not in page.multiselect(key="searched").options
    assert "Target" not in page.multiselect(key="searched").options
