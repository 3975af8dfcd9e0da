"""The next days, a promise of them, a saved net on newer rows, and the ledger, in one visit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, plot, settle
from tests.support import random_walk

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]
LONG = 60_000


def test_from_the_fan_to_what_came_true(open_page: Opened, tmp_path: Path) -> None:
    """A saved net goes on in a newer file; its promise meets the rows that came after."""
    frame = random_walk(300).frame
    names = {"old": 260, "newer": 280, "later": 300}
    files = {name: tmp_path / f"{name}.csv" for name in names}
    for name, rows in names.items():
        frame.iloc[:rows].to_csv(files[name])

    page = open_page("/?data=upload&epochs=2&hidden=3&window=5&horizon=3")
    page.locator('input[type="file"]').set_input_files(files["old"])
    expect(page.get_by_role("heading", name="Next close, ")).to_be_visible(timeout=LONG)
    traces = plot(page, "outlook", "plot => plot.data.map(trace => trace.name)")
    assert {"actual", "persistence", "GRU"} <= set(traces)
    days = plot(page, "outlook", "plot => plot.data.filter(t => t.name === 'GRU')[0].x.length")
    assert days == 4, "the last close and three days"

    page.get_by_role("button", name="Save this run").click()
    page.get_by_role("button", name="Saved: open the run").click(timeout=LONG)
    page.wait_for_url("**/runs?run=*", timeout=LONG)
    settle(page)
    page.locator('.st-key-newer_file input[type="file"]').set_input_files(files["newer"])
    plot(page, "newer", "plot => plot.data.length", 60)
    page.get_by_role("button", name="Record in the ledger").last.click()
    expect(page.get_by_text("Recorded in the ledger")).to_be_visible(timeout=LONG)

    page.get_by_role("button", name="All runs").click()
    page.get_by_role("tab", name="Ledger").click()
    expect(page.get_by_role("heading", name="none of its days has come yet")).to_be_visible(
        timeout=LONG
    )
    page.locator('.st-key-ledger_file input[type="file"]').set_input_files(files["later"])
    came = page.get_by_role("heading", name="after the fact (outlooks: 1, days: 3)")
    expect(came).to_be_visible(timeout=LONG)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    assert no_traceback(page)
