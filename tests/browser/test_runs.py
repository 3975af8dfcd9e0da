"""A long run as a person lives with it.

Start, reload, watch, stop, resume, compare, delete and undo.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_traceback, plot, settle
from tests.support import shared_data

pytestmark = [pytest.mark.browser, pytest.mark.faults]
Opened = Callable[..., Page]
LONG = 90_000
LIVE = "plot => plot.data[0].x && plot.data[0].x.length"


def choose(page: Page, *names: str) -> None:
    """Name runs in the box under the table (a table's own ticks are drawn on a canvas)."""
    box = page.get_by_role("combobox", name="Chosen runs")
    for name in names:
        box.click()
        box.fill(name)  # of a long list only the first options are drawn
        page.get_by_role("option", name=name).first.click()
        expect(
            page.get_by_test_id("stMain").locator("[data-testid=stMultiSelect]")
        ).to_contain_text(name)
    page.keyboard.press("Escape")


def test_a_long_run_outlives_its_page(open_page: Opened) -> None:
    page = open_page("/?backend=torch&epochs=1000&hidden=32&seed=7")
    page.get_by_role("button", name="Train the GRU").click()
    expect(page.get_by_text("the Runs page has it")).to_be_visible(timeout=LONG)
    page.goto(page.url.split("?")[0] + "runs")
    settle(page)
    expect(page.get_by_role("heading", name="under way")).to_be_visible(timeout=LONG)
    choose(page, "GRU on S&P 500")
    page.get_by_role("button", name="Open run").click()
    page.wait_for_function("() => location.search.includes('run=')")
    address = page.url

    seen = plot(page, "run_live", LIVE, 90)
    page.reload()
    settle(page)
    plot(page, "run_live", f"plot => plot.data[0].x && plot.data[0].x.length > {seen}", 90)
    other = open_page("/" + address.split("/", 3)[3])
    plot(other, "run_live", f"plot => plot.data[0].x && plot.data[0].x.length > {seen}", 90)

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=LONG)
    assert page.get_by_text("stopped by hand").count() or page.get_by_text("stopped").count()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=LONG)
    more = plot(
        page,
        "run_live",
        f"plot => plot.data[0].x && plot.data[0].x.length > {seen} && plot.data[0].x.length",
        90,
    )
    plot(page, "run_live", f"plot => plot.data[0].x && plot.data[0].x.length > {more}", 90)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=LONG)
    assert no_traceback(page)
    assert no_traceback(other)


def save_run(open_page: Opened, query: str) -> Page:
    """Train in place and save the run."""
    page = open_page(f"/?rows=500&{query}")
    page.get_by_role("button", name="Save this run").click(timeout=LONG)
    page.get_by_role("button", name="Saved: open the run").click(timeout=LONG)
    page.wait_for_url("**/runs?run=*", timeout=LONG)
    expect(page.get_by_test_id("live-forecast")).to_be_visible(timeout=LONG)
    return page


def test_save_compare_pin_delete_and_undo(open_page: Opened, tmp_path: Path) -> None:
    save_run(open_page, "epochs=4&cell=lstm&hidden=5")
    save_run(open_page, "epochs=6&cell=rnn&hidden=5")
    page = open_page("/runs")
    choose(page, "LSTM on S&P 500", "RNN on S&P 500")
    page.get_by_role("button", name="Compare runs").click()
    expect(page.get_by_text("What differs")).to_be_visible(timeout=LONG)
    names = plot(page, "compared_losses", "plot => plot.data.map(trace => trace.name)")
    assert sorted(names) == ["LSTM on S&P 500", "RNN on S&P 500"]
    assert plot(page, "compared_forecasts", "plot => plot.data.map(trace => trace.name)")[:2] == [
        "persistence",
        "actual",
    ]
    table = page.get_by_test_id("stTable").first.inner_text()
    assert "Cell" in table
    assert "Epochs" in table
    assert "Hidden size" not in table

    page.get_by_role("button", name="All runs").click()
    settle(page)
    choose(page, "LSTM on S&P 500")
    page.get_by_role("button", name="Open run").click()
    expect(page.get_by_role("heading", name="misses tomorrow's close by")).to_be_visible(
        timeout=LONG
    )
    page.get_by_role("button", name="Pin as baseline").click()
    expect(page.get_by_role("button", name="Unpin")).to_be_visible(timeout=LONG)
    page.get_by_text("Name, note, facts and files of this run").click()
    page.get_by_role("textbox", name="Name").fill("the five-unit one")
    page.get_by_role("textbox", name="Note").fill("seen on a Monday")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("the five-unit one · finished")).to_be_visible(timeout=LONG)
    settle(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Everything (ZIP)").click()
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as archive:
        assert {"run.json", "losses.csv", "forecast.csv", "model/weights.safetensors"} <= set(
            archive.namelist()
        )
        assert b"seen on a Monday" in archive.read("run.json")

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted: the five-unit one.")).to_be_visible(timeout=LONG)
    box = page.get_by_role("combobox", name="Chosen runs")
    box.click()
    expect(page.get_by_role("option", name="the five-unit one")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    settle(page)
    choose(page, "the five-unit one")
    page.get_by_role("button", name="Open run").click()
    page.get_by_role("button", name="Open its settings").click()
    page.wait_for_function("() => location.search.includes('hidden=5')")
    expect(page.get_by_role("slider", name="Hidden size")).to_have_value("5")
    assert no_traceback(page)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_runs_without_sideways_scrolling(open_page: Opened, dark: bool) -> None:
    page = open_page("/runs", width=390, height=844, dark=dark)
    expect(page.get_by_role("heading").first).to_be_visible(timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert no_traceback(page)


def test_an_unknown_run_is_a_sentence(open_page: Opened) -> None:
    page = open_page("/runs?run=00000000000000000000000000000000")
    expect(page.get_by_text("has no such run")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="All runs").click()
    expect(page.get_by_role("heading", name="run")).to_be_visible(timeout=LONG)
    assert no_traceback(page)


def test_a_long_comparison_is_made_of_runs_and_found_again_after_a_reload(
    open_page: Opened,
) -> None:
    page = open_page("/compare?rows=600&cells=rnn,gru&seeds=2&backend=torch&epochs=400")
    page.get_by_role("button", name="Compare 2 nets over 2 seeds").click()
    expect(page.get_by_text("each training is a run of its own")).to_be_visible(timeout=LONG)
    page.reload()
    expect(page.get_by_text("each training is a run of its own")).to_be_visible(timeout=LONG)
    page.get_by_role("tab", name="Files").wait_for(timeout=2 * LONG)
    expect(page.get_by_role("heading", name="is the best of 2 nets")).to_be_visible(timeout=LONG)
    assert no_traceback(page)
    other = open_page("/runs")
    choose(other, "RNN on S&P 500, seed 0", "GRU on S&P 500, seed 1")
    other.get_by_role("button", name="Compare runs").click()
    assert len(plot(other, "compared_losses", "plot => plot.data.map(trace => trace.name)")) == 2
    assert no_traceback(other)


def test_a_long_walk_goes_through_the_engine(open_page: Opened) -> None:
    page = open_page(
        "/compare?rows=600&cells=gru&seeds=1&backend=torch&epochs=600&view=Walk-forward&folds=3"
    )
    start = page.get_by_role("button", name="Compare 1 net over 1 seed")
    walk = page.get_by_role("button", name="Walk forward over 3 folds")
    expect(start.or_(walk)).to_be_visible(timeout=LONG)  # a fast machine compares by itself
    if start.is_visible():
        start.click()
    walk.click(timeout=LONG)
    expect(page.get_by_text("of 3 trainings")).to_be_visible(timeout=LONG)
    names = plot(
        page,
        "compare_walk",
        "plot => plot.data.find(t => t.name === 'GRU' && t.x.length === 3)"
        " && plot.data.map(t => t.name)",
        90,
    )
    assert names == ["Persistence", "GRU"]
    assert no_traceback(page)


def test_a_long_digit_training_is_found_again_after_a_reload_and_reads_when_stopped(
    open_page: Opened,
) -> None:
    shared_data("MNIST")
    page = open_page("/digits")
    page.locator("iframe").first.or_(page.locator("canvas").first).first.wait_for(timeout=LONG)
    settle(page)
    page.get_by_role("button", name="Train the BiLSTM").click()
    expect(page.get_by_text("so it is a run of its own")).to_be_visible(timeout=LONG)
    plot(page, "run_live", LIVE, 90)
    page.reload()
    expect(page.get_by_text("so it is a run of its own")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Draw: it reads now")).to_be_visible(timeout=LONG)
    assert no_traceback(page)
