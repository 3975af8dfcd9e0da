"""A slider's thumb while it moves, and the strip.

Curves follow it, and at rest they are those of a direct visit.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import no_traceback, settle

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]
THUMB = """name => {
    const slider = document.querySelector(`.st-key-${name} [data-testid="stSlider"]`);
    slider.scrollIntoView({ block: "center" });
    const value = slider.querySelector('[data-testid="stSliderThumbValue"]');
    const thumb = value.parentElement.getBoundingClientRect();
    return [thumb.x + thumb.width / 2, thumb.y + thumb.height / 2];
}"""
WATCH = """testid => {
    const chart = document.querySelector(`[data-testid="${testid}"]`);
    window.seenCurves = [];
    const look = () => window.seenCurves.push({ ...chart.dataset });
    new MutationObserver(look).observe(
        chart, { attributes: true, attributeFilter: ["data-frames"] });
}"""


def chart_state(page: Page, testid: str = "live-forecast") -> dict[str, str]:
    """What the chart's element says of itself."""
    state: dict[str, str] = page.get_by_test_id(testid).evaluate("chart => ({ ...chart.dataset })")
    return state


def at_rest(page: Page, testid: str = "live-forecast", settings: str = "") -> dict[str, str]:
    """The chart's state once its training is complete."""
    page.wait_for_function(
        """([testid, settings]) => { const { done, epochs, settings: shown } =
            document.querySelector(`[data-testid="${testid}"]`)?.dataset ?? {};
            return done === "true" && epochs > 0 && shown.includes(settings)
                && !document.documentElement.classList.contains("rnnapp-moving"); }""",
        arg=[testid, settings],
        timeout=60_000,
    )
    return chart_state(page, testid)


def wait_for_curves(page: Page, count: int) -> None:
    """Wait until so many different curves were drawn."""
    page.wait_for_function(
        "count => new Set(window.seenCurves.map(one => one.curve)).size >= count",
        arg=count,
        timeout=60_000,
    )


def touch(hand: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """A finger on the screen."""
    hand.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
    )


@pytest.mark.parametrize(
    ("path", "testid"), [("/", "live-forecast"), ("/compare?seeds=1", "live-compare")]
)
def test_curves_follow_the_thumb_and_rest_as_on_a_direct_visit(
    open_page: Opened, path: str, testid: str
) -> None:
    page = open_page(path)
    at_rest(page, testid)
    page.evaluate(WATCH, testid)
    answer = page.locator(f".st-key-{testid.removeprefix('live-')}_headline h3")
    heading = answer.inner_text()
    x, y = page.evaluate(THUMB, "window")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + 2 * step, y)
        wait_for_curves(page, step)
    moving = chart_state(page, testid)
    assert "window=" in moving["settings"]
    line = page.get_by_test_id(testid).locator(".headline")
    expect(line).to_be_visible()
    assert line.inner_text() != heading
    assert all(0 <= int(one["epochs"]) <= 30 for one in page.evaluate("window.seenCurves"))
    page.mouse.up()
    rested = at_rest(page, testid, "window=")
    assert rested["epochs"] == "30"
    settle(page)
    assert no_traceback(page)
    other = open_page(page.evaluate("location.pathname + location.search"))
    direct = at_rest(other, testid)
    assert (direct["settings"], direct["curve"]) == (rested["settings"], rested["curve"])


def test_a_finger_drags_too(open_page: Opened) -> None:
    page = open_page("/", touch=True)
    at_rest(page)
    page.evaluate(WATCH, "live-forecast")
    x, y = page.evaluate(THUMB, "window")
    hand = page.context.new_cdp_session(page)
    touch(hand, "touchStart", (x, y))
    for step in range(1, 6):
        touch(hand, "touchMove", (x + 3 * step, y))
        wait_for_curves(page, step)
    touch(hand, "touchEnd")
    assert at_rest(page, settings="window=")["epochs"] == "30"


def test_a_held_arrow_key_drags_and_its_release_is_the_release(open_page: Opened) -> None:
    page = open_page("/")
    at_rest(page)
    page.evaluate(WATCH, "live-forecast")
    slider = page.get_by_role("slider", name="Window length")
    slider.focus()
    for press in range(8):  # the first is a press, the others are its repetitions
        page.keyboard.down("ArrowRight")
        if press > 1:
            wait_for_curves(page, press - 1)
    expect(slider).to_have_value("18")
    page.keyboard.up("ArrowRight")
    at_rest(page, settings="window=18")
    page.wait_for_function("() => location.search.includes('window=18')")


def test_a_thumb_put_back_shows_the_resting_picture_again(open_page: Opened) -> None:
    page = open_page("/")
    before = at_rest(page)
    page.evaluate(WATCH, "live-forecast")
    x, y = page.evaluate(THUMB, "window")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    wait_for_curves(page, 1)
    page.mouse.move(x, y, steps=4)
    page.mouse.up()
    after = at_rest(page)
    assert (after["curve"], after["settings"]) == (before["curve"], before["settings"])


def test_where_the_slider_has_another_inside_the_page_redraws_on_release(
    open_page: Opened,
) -> None:
    """A later Streamlit may build its slider otherwise: no frames then, and nothing breaks."""
    page = open_page("/")
    at_rest(page)
    page.evaluate(WATCH, "live-forecast")
    page.evaluate(
        """() => { const slider = '.st-key-window [data-testid="stSlider"]';
            document.querySelector(slider).dataset.testid = "stOther"; }"""
    )
    slider = page.get_by_role("slider", name="Window length")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert at_rest(page, settings="window=11")["epochs"] == "30"
    assert all(one["done"] == "true" for one in page.evaluate("window.seenCurves"))


def test_the_strip_chooses_the_days(open_page: Opened) -> None:
    page = open_page("/")
    opened = at_rest(page)["view"]
    strip = page.get_by_test_id("live-forecast").locator(".strip canvas")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.3, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y, steps=6)
    page.mouse.up()
    chosen = chart_state(page)["view"]
    assert chosen != opened
    assert chosen < "2012"
    page.mouse.dblclick(x + 200, y)
    assert chart_state(page)["view"] == "1999-01-04/2018-12-31"
    page.get_by_test_id("live-forecast").get_by_role("button", name="120 days").click()
    assert chart_state(page)["view"] == opened


def test_zoom_outlives_a_new_setting_and_the_legend_toggles(open_page: Opened) -> None:
    page = open_page("/")
    at_rest(page)
    chart = page.get_by_test_id("live-forecast")
    chart.get_by_role("button", name="1Y").click()
    view = chart_state(page)["view"]
    page.get_by_role("slider", name="Window length").focus()
    page.keyboard.press("ArrowRight")
    assert at_rest(page, settings="window=11")["view"] == view
    entry = chart.get_by_role("button", name="persistence")
    expect(entry).to_have_attribute("aria-pressed", "true")
    entry.click()
    expect(chart.get_by_role("button", name="persistence")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_hover_names_all_curves_of_a_day(open_page: Opened) -> None:
    page = open_page("/")
    at_rest(page)
    plot = page.get_by_test_id("live-forecast").locator(".plot canvas")
    plot.hover()
    tip = page.get_by_test_id("live-forecast").locator(".tip")
    for word in ("actual", "GRU", "persistence", "2018"):
        expect(tip).to_contain_text(word)


@pytest.mark.parametrize("dark", [False, True])
def test_the_strip_works_by_touch_on_a_phone(open_page: Opened, dark: bool) -> None:
    page = open_page("/", width=390, height=844, dark=dark, touch=True)
    opened = at_rest(page)["view"]
    strip = page.get_by_test_id("live-forecast").locator(".strip canvas")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    hand = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] * 0.4, box["y"] + 20
    touch(hand, "touchStart", (x, y))
    for step in range(1, 6):
        touch(hand, "touchMove", (x + 12 * step, y))
    touch(hand, "touchEnd")
    assert chart_state(page)["view"] != opened
    wide = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
