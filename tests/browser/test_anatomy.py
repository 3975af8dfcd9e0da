"""The Anatomy page in a real browser.

Each tab for each cell, stepping, pointing at the diagram, phone width.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser

TABS = {
    "Gates": ".js-plotly-plot .heatmaplayer image",
    "Shapes": '[data-testid="stDataFrame"] canvas',
    "Parameters": '[data-testid="stMetricValue"]',
    "Gradient flow": ".js-plotly-plot .scatterlayer path.js-line",
    "Diagram": "svg .part.lit",
}


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_each_tab_draws_for_each_cell(open_page: Callable[..., Page], cell: str) -> None:
    page = open_page(f"/anatomy?cell={cell}&rows=500")
    for name, mark in TABS.items():
        page.get_by_role("tab", name=name, exact=True).click()
        expect(page.locator(mark).first).to_be_visible()
        settle(page)
        assert no_traceback(page), name


def test_stepping_through_time_fills_the_equations(open_page: Callable[..., Page]) -> None:
    """And quickly: what is measured here includes the browser.

    Half a second is the aim on a machine with nothing else to do.
    """
    page = open_page("/anatomy?cell=lstm&rows=500&view=Gates")
    equations = page.locator(".katex-mathml").first
    expect(equations).to_be_attached()
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    before, started = equations.text_content(), time.monotonic()
    slider.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.katex-mathml').textContent !== before", arg=before
    )
    assert time.monotonic() - started < 5
    expect(page.get_by_text("step 2, ")).to_be_visible()


def test_pointing_at_a_part_lights_it(open_page: Callable[..., Page]) -> None:
    page = open_page("/anatomy?cell=lstm&rows=500&view=Diagram")
    box = page.locator('svg .part[data-part^="Forget gate"] .box').first
    opacity = "node => getComputedStyle(node).fillOpacity"
    resting = box.evaluate(opacity)
    box.hover(force=True)  # its label lies on it and is as good
    page.wait_for_timeout(400)
    assert float(box.evaluate(opacity)) > float(resting)
    page.get_by_text("4 cell state", exact=True).click()
    expect(page.locator('svg .part.lit[data-part^="Cell state"]')).to_be_visible()


def test_nothing_spills_over_on_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page("/anatomy?cell=gru&rows=500", width=390, dark=True)
    for name, mark in TABS.items():
        page.get_by_role("tab", name=name, exact=True).click()
        expect(page.locator(mark).first).to_be_visible()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert no_traceback(page), name


def test_a_stock_recipe_opens_on_the_forecast_page(open_page: Callable[..., Page]) -> None:
    page = open_page("/recipes")
    page.locator(".st-key-open_stock-rnn button").first.click()
    page.wait_for_function(
        "() => !location.pathname.includes('recipes') && location.search.includes('window=5')"
    )
    settle(page)
    for part in ("window=5", "split=200", "cell=rnn", "squash=true", "scaling=all", "rows=431"):
        assert part in page.evaluate("location.search")
    assert no_traceback(page)
