"""A feature is switched on in the browser, and is found where inputs are shuffled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser


def test_a_feature_that_is_switched_on_stands_among_the_inputs(
    open_page: Callable[..., Page],
) -> None:
    """From the list of features to the address and the bars of permutation importance."""
    page = open_page("/compare?rows=400&epochs=2&seeds=1&cells=rnn&second=nasdaq&view=Inputs")
    settle(page)
    page.get_by_text("More on the window").click()
    page.get_by_role("combobox", name="Features").fill("rsi")
    page.get_by_role("option", name="rsi: relative strength (RSI) of 14 rows").click()
    page.keyboard.press("Escape")  # an open list hides the page from those who ask by role
    settle(page)
    bars = page.get_by_role("tabpanel", name="Inputs")
    for name in ("rsi", "nasdaq", "Close"):
        expect(bars.locator(".ytick text", has_text=name).first).to_be_visible(timeout=30_000)
    assert "features=prices%2Cnasdaq%2Crsi" in page.url
    assert no_traceback(page)
