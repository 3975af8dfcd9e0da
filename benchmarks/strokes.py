"""From a stroke's end to the answer on screen.

Digits drawn by real hands, replayed with the mouse in a real browser.
"""

from __future__ import annotations

import os
import statistics
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from page_reaction import browsing, settle

from rnnapp.data.drawings import Drawing, read_drawings

__all__ = ["draw"]

_HEADLINE = '[data-testid="stMain"] h3'
_WATCH = """headline => {
    const told = () => document.querySelector(headline).innerText;
    const before = told();
    window.answered = null;
    window.addEventListener('mouseup', () => {
        const start = performance.now();
        const look = () => {
            if (told() !== before) requestAnimationFrame(() => {
                window.answered = performance.now() - start; });
            else requestAnimationFrame(look); };
        look(); }, {once: true, capture: true});
}"""


def draw(every: int = 25) -> dict[str, Any] | None:
    """Milliseconds from the last stroke's end to another headline.

    None where the drawings are not at hand.
    """
    root = os.environ.get("RNNAPP_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data"
    file = Path(root) / "drawn_digits.json"
    if not file.exists():
        return None
    drawings = read_drawings(file)[2::every]
    with browsing() as (browser, address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/digits")
        found = [_one(page, drawing) for drawing in [drawings[0], *drawings]][
            1:
        ]  # the first wakes everything up
    times = [wait for wait, _ in found if wait is not None]
    right = sum(right for _, right in found)
    print(
        f"strokes: {[round(time) for time in times]} ms, {right} of {len(found)} read right",
        flush=True,
    )
    return {
        "median": statistics.median(times),
        "worst": max(times),
        "right": right,
        "drawn": len(found),
    }


def _one(page: Any, drawing: Drawing) -> tuple[float | None, bool]:
    """Draw it on a fresh canvas: the wait for its answer, and whether that was right."""
    from playwright.sync_api import Error

    canvas = page.locator("canvas.upper-canvas").last
    canvas.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    settle(page)
    lines = _on(canvas.bounding_box(), drawing)
    for number, line in enumerate(lines):
        page.mouse.move(*line[0])
        page.mouse.down()
        for point in line[1:]:
            page.mouse.move(*point)
        if number == len(lines) - 1:
            page.evaluate(_WATCH, _HEADLINE)
        page.mouse.up()
        page.wait_for_timeout(400)  # a hand takes as long to the next stroke
    with suppress(Error):
        page.wait_for_function("() => window.answered", timeout=4000)
    settle(page)
    wait, told = page.evaluate("() => window.answered"), page.locator(_HEADLINE).first.inner_text()
    page.get_by_test_id("stBaseButton-secondary").filter(has_text="Clear").click()
    page.get_by_role("heading", name="Draw a digit").wait_for()
    return wait, f" {drawing.label}," in told


def _on(box: dict[str, float], drawing: Drawing) -> list[list[tuple[float, float]]]:
    """Its strokes in page pixels, in the middle of the canvas."""
    points = np.concatenate([np.asarray(stroke, float) for stroke in drawing.strokes])
    low, high = points.min(0), points.max(0)
    zoom = 0.7 * box["width"] / max(float((high - low).max()), 1e-9)
    centre = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    lines = [
        centre + zoom * (np.asarray(stroke, float) - (low + high) / 2) for stroke in drawing.strokes
    ]
    return [[(float(x), float(y)) for x, y in line] for line in lines]


if __name__ == "__main__":
    print(draw())
