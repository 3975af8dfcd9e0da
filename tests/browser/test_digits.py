"""The Digits page as a person uses it: real hands' strokes, answers, undo, labels, a training."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from rnnapp.data.drawings import Drawing, read_drawings
from tests.browser.conftest import no_traceback, settle
from tests.support import shared_data

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]
Points = list[tuple[float, float]]
SEVEN = Drawing(
    7, (((0.2, 0.1), (0.5, 0.1), (0.8, 0.1), (0.6, 0.5), (0.5, 0.95)), ((0.3, 0.5), (0.75, 0.5)))
)

# Half a second after the Stop button is there it is clicked, in the browser itself: a fast machine
# would be done before a test on a busy one has seen it.
STOP_SOON = """() => {
    const find = () => [...document.querySelectorAll("button")].find(
        (button) => button.innerText.trim().endsWith("Stop"));
    new MutationObserver((_, observer) => {
        if (!find()) return;
        observer.disconnect();
        setTimeout(() => find()?.click(), 500);
    }).observe(document.body, { childList: true, subtree: true });
}"""


def on_canvas(page: Page, drawing: Drawing, fill: float = 0.7) -> list[Points]:
    """The drawing's strokes in page pixels, in the middle of the canvas."""
    box = page.locator("canvas.upper-canvas").last.bounding_box()
    assert box is not None
    lines = [np.asarray(stroke, float) for stroke in drawing.strokes]
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    zoom = fill * box["width"] / max(float((high - low).max()), 1e-9)
    centre = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    return [
        [(float(x), float(y)) for x, y in centre + zoom * (line - (low + high) / 2)]
        for line in lines
    ]


def by_mouse(page: Page, drawing: Drawing, fill: float = 0.7) -> None:
    for line in on_canvas(page, drawing, fill):
        page.mouse.move(*line[0])
        page.mouse.down()
        for point in line[1:] or line:
            page.mouse.move(*point)
        page.mouse.up()


def by_finger(page: Page, drawing: Drawing) -> None:
    finger = page.context.new_cdp_session(page)
    for line in on_canvas(page, drawing):
        for i, (x, y) in enumerate(line):
            finger.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove" if i else "touchStart", "touchPoints": [{"x": x, "y": y}]},
            )
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def press(page: Page, words: str) -> None:
    """A button of the page; the canvas has a toolbar of its own with the same words."""
    found = page.get_by_test_id("stBaseButton-secondary").filter(has_text=words)
    expect(found).to_have_count(1)
    found.click()


def headline(page: Page) -> Locator:
    return page.locator('[data-testid="stMain"] h3').first


def expect_answer(page: Page, label: int) -> None:
    """The answer after the last stroke.

    The strokes before it may have been read as something else.
    """
    expect(headline(page)).to_have_text(re.compile(rf"This is an? {label}\b"))


def clear(page: Page) -> None:
    """Clear and wait for the fresh canvas: a stroke on the old one would be lost."""
    page.locator("canvas.upper-canvas").evaluate("canvas => canvas.classList.add('old')")
    press(page, "Clear")
    expect(headline(page)).to_contain_text("Draw a digit")
    expect(page.locator("canvas.upper-canvas.old")).to_have_count(0)
    expect(page.locator("canvas.upper-canvas")).to_have_count(1)
    at_canvas(page)


def at_canvas(page: Page) -> Page:
    """Wait until the canvas takes strokes.

    It is given its pen a moment after it is shown, and the pointer tells.
    """
    page.wait_for_selector("canvas.upper-canvas")
    settle(page)
    canvas = page.locator("canvas.upper-canvas").last
    for _ in range(100):
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.move(box["x"] + 9, box["y"] + 9)
        if canvas.evaluate("canvas => getComputedStyle(canvas).cursor") == "crosshair":
            return page
        page.wait_for_timeout(50)
    raise AssertionError("the canvas never took a pen")


def test_five_hands_five_digits(open_page: Opened) -> None:
    """Drawings of real hands, with the mouse; all ten classes and hands are read without a page in
    ``tests/commands/test_digits.py``."""
    drawings = read_drawings(shared_data("drawn_digits.json"))
    page = at_canvas(open_page("/digits"))
    for label in (0, 2, 4, 7, 9):
        by_mouse(page, next(d for d in drawings[label * 50 + 2 :] if d.label == label))
        expect_answer(page, label)
        clear(page)
    assert no_traceback(page)


def test_a_finger_draws_and_does_not_scroll(open_page: Opened) -> None:
    """On a phone the page under the canvas must stay where it is, or no stroke would get far."""
    page = at_canvas(open_page("/digits", width=390, height=844, touch=True))
    place = page.locator("canvas.upper-canvas").last.bounding_box()
    by_finger(page, SEVEN)
    expect_answer(page, 7)
    assert page.locator("canvas.upper-canvas").last.bounding_box() == place
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_undo_takes_the_last_stroke_back(open_page: Opened) -> None:
    page = at_canvas(open_page("/digits"))
    one = Drawing(1, (((0.5, 0.0), (0.5, 0.5), (0.5, 1.0)),))
    by_mouse(page, one)
    expect_answer(page, 1)
    by_mouse(page, Drawing(0, (((0.0, 0.0), (1.0, 0.3), (0.2, 0.9)),)))
    expect(headline(page)).not_to_contain_text("This is a 1")
    press(page, "Undo")
    expect_answer(page, 1)
    settle(page)
    press(page, "Undo")
    expect(headline(page)).to_contain_text("Draw a digit")


def test_a_dot_is_told_as_a_dot(open_page: Opened) -> None:
    page = at_canvas(open_page("/digits"))
    by_mouse(page, Drawing(0, (((0.5, 0.5), (0.502, 0.502)),)), fill=0.01)
    expect(headline(page)).to_contain_text("dot")


def test_labels_are_kept_shown_and_downloaded(open_page: Opened, tmp_path: Path) -> None:
    """What is downloaded is what `digits eval --strokes` reads."""
    page = at_canvas(open_page("/digits"))
    by_mouse(page, SEVEN)
    expect_answer(page, 7)
    page.get_by_role("radio", name="7", exact=True).or_(
        page.get_by_role("button", name="7", exact=True)
    ).first.click()
    expect(page.get_by_text("1 of 1 read right")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download (JSON)").click()
    file = tmp_path / "drawings.json"
    download.value.save_as(file)
    (back,) = read_drawings(file)
    assert (back.label, len(back.strokes)) == (7, 2)
    assert json.loads(file.read_text())[0]["source"] == "drawn here"


def test_a_photo_by_the_camera_is_read_as_an_upload_is(open_page: Opened) -> None:
    """The camera of a phone; its picture takes the same path as a file."""
    page = open_page("/digits", width=390, height=844, touch=True)
    page.get_by_text("Camera", exact=True).click()
    settle(page)
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    page.get_by_test_id("stCameraInputButton").click()
    expect_answer(page, 7)
    settle(page)
    assert no_traceback(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_train_watch_stop_and_draw_against_it(open_page: Opened) -> None:
    """What was learned up to the stop reads the next drawing."""
    page = at_canvas(open_page("/digits"))
    page.get_by_text("scikit-learn's", exact=True).click()
    settle(page)
    for slider, end in (("Epochs", "End"), ("Batch size", "Home")):  # long enough to be stopped
        page.get_by_role("slider", name=slider).press(end)
        settle(page)
    page.evaluate(STOP_SOON)
    page.get_by_role("button", name="Train the BiLSTM").click()
    done = page.get_by_text("Draw: it reads now", exact=False)
    expect(done).to_be_visible(timeout=30_000)
    epochs = re.search(r"after (\d+|one) epoch", done.inner_text())
    assert epochs is not None
    assert epochs[1] != "30", "stopped before its end"
    settle(page)
    by_mouse(page, SEVEN)
    expect(headline(page)).to_contain_text("This is")
    assert no_traceback(page)
