"""Learning, seen: past epochs at rest and during a training, and the shift revealed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]

# Watches the epoch shown and whether the training is over, until it is.
WATCH = """() => {
    window.states = [];
    const look = setInterval(() => {
        const chart = document.querySelector('[data-testid="live-forecast"]')?.dataset;
        if (!chart?.done) return;
        window.states.push([Number(chart.epochs), chart.done]);
    }, 20);
}"""
AT_REST = '[data-testid="live-forecast"][data-done="true"]:not([data-epochs="0"])'


def chart_of(page: Page) -> Locator:
    return page.get_by_test_id("live-forecast")


def at_rest(page: Page) -> None:
    expect(page.locator(AT_REST)).to_be_visible(timeout=60_000)


def test_the_slider_goes_through_the_epochs_of_a_training(open_page: Opened) -> None:
    """Curve and figures follow, by hand and played."""
    page = open_page("/?epochs=20")
    at_rest(page)
    chart = chart_of(page)
    last = chart.get_attribute("data-curve")
    slider = chart.get_by_role("slider", name="Epoch")
    slider.press("Home")
    expect(chart).to_have_attribute("data-epochs", "1")
    expect(chart.get_by_text(re.compile(r"Epoch 1 of 20: loss [\d.]+, RMSE"))).to_be_visible()
    first = chart.get_attribute("data-curve")
    assert first != last
    slider.press("ArrowRight")
    expect(chart).to_have_attribute("data-epochs", "2")
    assert chart.get_attribute("data-curve") not in (first, last)
    slider.press("End")
    expect(chart).to_have_attribute("data-epochs", "20")
    assert chart.get_attribute("data-curve") == last
    seen: list[str] = []
    chart.get_by_role("button", name="Play the training").click()
    expect(chart).not_to_have_attribute("data-epochs", "20")
    while chart.get_attribute("data-epochs") != "20":
        seen.append(chart.get_attribute("data-epochs") or "")
        page.wait_for_timeout(60)
    assert len(set(seen)) >= 5
    assert sorted(map(int, seen)) == [int(one) for one in seen], "in order"
    assert chart.get_attribute("data-curve") == last
    expect(page.get_by_text(re.compile(r"seen under \d+ settings"))).to_have_count(0)
    assert no_traceback(page)


def test_past_epochs_count_as_looks_at_the_test_part(open_page: Opened) -> None:
    page = open_page("/?epochs=20")
    at_rest(page)
    chart_of(page).get_by_role("slider", name="Epoch").press("Home")
    expect(chart_of(page)).to_have_attribute("data-epochs", "1")
    window = page.get_by_role("slider", name="Window length")
    window.press("ArrowRight")
    settle(page)
    expect(page.get_by_text(re.compile(r"[Ss]een under 1\d settings"))).to_be_visible()


def test_the_epochs_so_far_can_be_gone_through_during_a_training(open_page: Opened) -> None:
    page = _open_slow_training(open_page)
    page.get_by_role("button", name="Train the").click()
    page.evaluate(WATCH)
    chart = chart_of(page)
    page.wait_for_function("() => window.states.some(([shown, done]) => shown > 3)")
    chart.get_by_role("slider", name="Epoch").press("Home")
    expect(chart).to_have_attribute("data-epochs", "1")  # once its curve has come from the server
    page.get_by_role("button", name="Stop").click()
    at_rest(page)
    during = [shown for shown, done in page.evaluate("window.states") if done == "false"]
    since_home = during[during.index(1, during.index(max(during))) :]
    assert len(since_home) >= 3, "the training is over too soon to be watched"
    assert set(since_home) == {1}, "the training goes on beside it"
    assert no_traceback(page)


def _open_slow_training(open_page: Opened) -> Page:
    """A page that offers a training of one to three seconds, by the server's own estimate.

    What the server expects to take less than half a second it trains at once, without a button:
    the first number of epochs with a button takes up to a second, and three times as many are
    still no run of the queue.
    """
    for epochs in (25, 50, 100, 200, 400, 800, 1600):
        page = open_page(f"/?rows=620&backend=torch&epochs={epochs}")
        button = page.get_by_role("button", name="Train the")
        expect(button.or_(page.locator(AT_REST))).to_be_visible()
        if button.is_visible():
            return open_page(f"/?rows=620&backend=torch&epochs={3 * epochs}")
    raise AssertionError("no number of epochs takes half a second")


def test_the_shift_is_revealed_step_by_step(open_page: Opened) -> None:
    page = open_page("/?epochs=20")
    at_rest(page)
    page.get_by_role("tab", name="Shift").click()
    caption = page.get_by_text(re.compile(r"Moved \d days earlier: changes correlate")).last
    expect(caption).to_contain_text("Moved 0 days earlier")
    page.get_by_role("slider", name="Move the forecast by").press("ArrowRight")
    expect(caption).to_contain_text("Moved 1 days earlier")
    expect(caption).to_contain_text("Persistence moved as far")
    page.get_by_role("button", name="Show me").click()
    expect(caption).to_contain_text("Moved 1 days earlier")
    settle(page)
    assert no_traceback(page)
