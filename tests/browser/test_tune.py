"""A search as a person runs it: ranges, start, watch, stop, continue, look, use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, plot, settle

pytestmark = [pytest.mark.browser, pytest.mark.faults]
Opened = Callable[..., Page]
LONG = 120_000


def test_search_watch_stop_continue_and_use(open_page: Opened) -> None:
    page = open_page("/tune?rows=1000/tune?rows=1500/tune?rows=400&epochs=4epochs=60epochs=20")
    expect(page.get_by_role("heading", name="Which settings of a GRU miss least")).to_be_visible(
        timeout=LONG
    )
    page.get_by_role("button", name="Start the search").click()
    page.wait_for_function("() => location.search.includes('search=')", timeout=LONG)
    expect(page.get_by_role("heading", name="The best of")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible(timeout=LONG)
    page.reload()
    settle(page, 90)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="20 more")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("40 of 40 trials")).to_be_visible(timeout=LONG)

    page.get_by_role("button", name="Refresh").click()
    assert plot(page, "search_history", "plot => plot.data[0].x.length") >= 2
    for picture, key in (
        ("Parallel coordinates", "parallel"),
        ("Slices", "slices"),
        ("Importances", "importances"),
    ):
        page.get_by_role("radio", name=picture).click()
        assert plot(page, f"search_{key}", "plot => plot.data.length", 90) >= 1

    page.get_by_role("button", name="Use these settings").click()
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible(
        timeout=LONG
    )
    assert no_traceback(page)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_ranges_without_sideways_scrolling(open_page: Opened, dark: bool) -> None:
    page = open_page("/tune?rows=400", width=390, height=844, dark=dark)
    expect(page.get_by_role("button", name="Start the search")).to_be_visible(timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert no_traceback(page)
