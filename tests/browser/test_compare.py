"""The Compare page as a person uses it.

Three nets, the verdict, the table, the legend, the address, stop.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]
VERDICT = re.compile(
    r"is the best of 3 nets: it misses tomorrow's close by [\d.,]+ ± [\d.,]+ points"
)


def compared(page: Page, label: str = "Compare 3 nets over 2 seeds") -> Page:
    tab, button = page.get_by_role("tab", name="Files"), page.get_by_role("button", name=label)
    expect(tab.or_(button)).to_be_visible()
    if button.is_visible():  # else it was quick enough to be done at once
        button.click()
    page.get_by_role("tab", name="Files").wait_for(timeout=90_000)
    settle(page)
    return page


def test_three_architectures_are_compared_and_told(open_page: Opened) -> None:
    """The answer at the top, every curve over the actual, and the table with its verdicts."""
    page = compared(open_page("/compare?rows=500&epochs=3&seeds=2"))
    heading = page.get_by_role("heading", name=VERDICT)
    expect(heading).to_be_visible()
    assert re.search(r"(no better|is better) than persistence \([\d.,]+\)", heading.inner_text())
    chart = page.get_by_test_id("live-compare")
    for name in ("actual", "RNN", "LSTM", "GRU", "persistence", "Linear autoregression"):
        expect(chart.get_by_role("button", name=name, exact=True)).to_be_visible()
    words = chart.locator(".plot canvas").get_attribute("aria-label") or ""
    assert "The test part begins on" in words
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    assert no_traceback(page)


def test_the_downloaded_table_tells_the_same(open_page: Opened) -> None:
    page = compared(open_page("/compare?rows=500&epochs=3&seeds=2"))
    page.get_by_role("tab", name="Files").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Table (CSV)").click()
    with open(waiting.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    best = next(row["name"] for row in rows if row["kind"] == "net")
    expect(page.get_by_role("heading", name=f"{best} is the best of 3 nets")).to_be_visible()


def test_a_click_in_the_legend_hides_a_curve(open_page: Opened) -> None:
    page = compared(
        open_page("/compare?rows=400&epochs=2&seeds=1&cells=rnn,gru"), "Compare 2 nets over 1 seed"
    )
    entry = page.get_by_test_id("live-compare").get_by_role("button", name="RNN", exact=True)
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")


def test_a_copied_address_reopens_the_same_choices(open_page: Opened) -> None:
    page = open_page("/compare?rows=400&epochs=300&backend=torch")
    page.get_by_role("button", name="BiLSTM", exact=True).click()
    settle(page)
    expect(page.get_by_role("button", name="Compare 4 nets over 5 seeds")).to_be_visible()
    address = page.url
    assert "cells=rnn%2Clstm%2Cgru%2Cbilstm" in address
    again = open_page(address[address.index("/compare") :])
    expect(again.get_by_role("button", name="Compare 4 nets over 5 seeds")).to_be_visible()


def test_stop_keeps_what_is_done(open_page: Opened) -> None:
    page = open_page("/compare?rows=600&epochs=60&seeds=20&cells=rnn,lstm&backend=torch")
    page.get_by_role("button", name="Compare 2 nets over 20 seeds").click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 40 trainings"))).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Stop").dispatch_event("click")
    expect(page.get_by_text(re.compile(r"Stopped after \d+ of 40 trainings"))).to_be_visible(
        timeout=60_000
    )
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible()
    assert no_traceback(page)


def test_a_phone_shows_one_column_and_a_tall_chart(open_page: Opened) -> None:
    page = compared(
        open_page(
            "/compare?rows=400&epochs=2&seeds=2", width=390, height=844, dark=True, touch=True
        )
    )
    box = page.get_by_test_id("live-compare").locator(".plot").bounding_box()
    assert box is not None
    assert box["height"] >= 300
    assert box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_simulated_series_shows_its_best_possible_forecast(open_page: Opened) -> None:
    """A fourth source: the bound is a curve and a row, and the answer names the share reached."""
    series = "data=simulated&simulated=echo&lag=2&strength=0.7&simulated_rows=400"
    page = compared(
        open_page(f"/compare?{series}&epochs=3&seeds=1&cells=rnn&window=4"),
        "Compare 1 net over 1 seed",
    )
    expect(
        page.get_by_role("heading", name=re.compile("the best possible forecast"))
    ).to_be_visible()
    chart = page.get_by_test_id("live-compare")
    expect(chart.get_by_role("button", name="Best possible", exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Lag")).to_be_visible()
    assert no_traceback(page)


def test_stronger_rivals_join_the_table_when_they_are_ready(open_page: Opened) -> None:
    """The nets stand there first; a switch adds ARIMA and the others, and the address keeps it."""
    page = compared(
        open_page("/compare?rows=300&epochs=2&seeds=1&cells=rnn&rivals=on"),
        "Compare 1 net over 1 seed",
    )
    chart = page.get_by_test_id("live-compare")
    for name in ("ARIMA", "ETS", "Theta", "Gradient boosting"):
        entry = chart.get_by_role("button", name=name, exact=True)
        expect(entry).to_be_visible(timeout=60_000)
    page.get_by_role("tab", name="Checks").click()
    expect(page.get_by_text("Hewamalage, Ackermann and Bergmeir")).to_be_visible()
    page.get_by_role("tab", name="By period").click()
    expect(page.get_by_text("A day is stormy where")).to_be_visible()
    assert "rivals=on" in page.url
    assert no_traceback(page)
