"""The Forecast page as a person uses it: a file, a slider, a training, the chart, the address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import no_traceback, plot, settle
from tests.support import random_walk

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]


def chart_words(page: Page) -> str:
    """What the live chart says of itself to those who cannot see it."""
    words = page.get_by_test_id("live-forecast").locator(".plot canvas").get_attribute("aria-label")
    return words or ""


def test_a_forecast_stands_there_within_two_clicks(open_page: Opened) -> None:
    page = open_page("/")
    button = page.get_by_role("button", name="Train the")
    heading = page.get_by_role("heading", name="misses tomorrow's close by")
    expect(button.or_(heading).first).to_be_visible()
    if (
        not heading.is_visible()
    ):  # the kernel is still being compiled: the page waits for it, or for a click
        with suppress(Error):
            button.click(timeout=5_000)
    expect(heading).to_be_visible(timeout=60_000)
    expect(page.get_by_text("persistence", exact=False).first).to_be_visible()
    assert "The test part begins on" in chart_words(page)
    assert no_traceback(page)


def test_upload_slide_train_watch_and_reload(open_page: Opened, tmp_path: Path) -> None:
    """The whole way; torch and many epochs, so that there is time to watch."""
    file = tmp_path / "walk.csv"
    random_walk(400).frame.to_csv(file)
    page = open_page("/?data=upload&backend=torch&epochs=1000")
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_text("walk: 400 days")).to_be_visible()
    slider = page.get_by_role("slider", name="Window length")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("13")
    page.wait_for_function("() => location.search.includes('window=13')")
    settle(page)

    page.get_by_role("button", name="Train the GRU").click()
    for more in (4, 8):  # it grows while it trains
        plot(page, "run_live", f"plot => plot.data[0].x && plot.data[0].x.length >= {more}", 90)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_text("stopped by hand")).to_be_visible()
    assert "The test part begins on" in chart_words(page)

    address = page.evaluate("location.href")
    assert "window=13" in address
    assert "epochs=1000" in address
    page.goto(address)
    settle(page)
    expect(page.get_by_role("slider", name="Window length")).to_have_value("13")
    expect(page.get_by_text("walk: 400 days")).to_be_visible()
    expect(page.get_by_text("stopped by hand")).to_be_visible(
        timeout=30_000
    )  # what was trained is still there
    assert no_traceback(page)


def test_seconds_of_training_are_watched_in_place(open_page: Opened) -> None:
    page = open_page("/?rows=600&backend=torch&epochs=100")
    page.get_by_role("button", name="Train the GRU").click()
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible(
        timeout=60_000
    )
    expect(page.get_by_text("100 epochs in")).to_be_visible()
    assert no_traceback(page)


def test_a_file_that_is_no_price_table_is_told(open_page: Opened, tmp_path: Path) -> None:
    file = tmp_path / "noise.csv"
    file.write_bytes(bytes(range(256)) * 40)
    page = open_page("/?data=upload")
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_test_id("stAlert").first).to_be_visible()
    assert no_traceback(page)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_one_column_without_sideways_scrolling(open_page: Opened, dark: bool) -> None:
    page = open_page("/?rows=600", width=390, height=844, dark=dark)
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible(
        timeout=60_000
    )
    wide = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
    box = page.get_by_test_id("live-forecast").locator(".plot").bounding_box()
    assert box is not None
    assert box["height"] >= 300
