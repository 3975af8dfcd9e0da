"""A volatility target in the browser: the chart, its words while a thumb moves, and the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, settle
from tests.browser.test_drag import THUMB, WATCH, at_rest, wait_for_curves

pytestmark = pytest.mark.browser


def test_a_moving_thumb_speaks_of_volatility_and_rests_beside_har(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/compare?target=volatility&rows=600&window=5&epochs=10&seeds=1&cells=gru")
    at_rest(page, "live-compare")
    answer = page.locator(".st-key-compare_headline h3")
    assert "misses tomorrow's volatility by 0." in answer.inner_text()
    assert "HAR" in answer.inner_text()
    page.evaluate(WATCH, "live-compare")
    x, y = page.evaluate(THUMB, "window")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    wait_for_curves(page, 1)
    moving = page.get_by_test_id("live-compare").locator(".headline")
    expect(moving).to_contain_text("log units; persistence")
    page.mouse.up()
    at_rest(page, "live-compare", "target=volatility")
    chart = page.get_by_test_id("live-compare")
    for name in ("HAR", "HAR, negative returns", "EWMA (0.94)"):
        expect(chart.get_by_role("button", name=name, exact=True)).to_be_visible()
    settle(page)
    assert "target=volatility" in page.url
    assert no_traceback(page)
