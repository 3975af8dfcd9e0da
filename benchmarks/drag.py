"""A slider dragged for five seconds: curves a second, and milliseconds from the thumb to its curve.

Browser and server run on the same two cores. The clock runs inside the page: each value that the
thumb takes is noted when the slider has it, each curve when it is drawn; a curve's delay is the
time since the thumb took the value that the curve is for.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import time
from typing import Any
from urllib.parse import parse_qs

import psutil
from page_reaction import browsing, settle

__all__ = ["drag_all", "drag_once"]

_SECONDS = 5.0
_FIRST, _LAST = 10, 60  # days of the window: there and back
_PAGES = {"Forecast": ("/", "live-forecast"), "Compare, three nets": ("/compare", "live-compare")}
_WATCH = """([testid, name]) => {
    const chart = document.querySelector(`[data-testid="${testid}"]`);
    const input = document.querySelector(`.st-key-${name} input[type="range"]`);
    const seen = (window.seenDrag = { curves: [], values: [] });
    const mark = () => seen.curves.push([performance.now(),
        chart.dataset.curve, chart.dataset.settings, chart.dataset.epochs]);
    window.watchedDrag?.disconnect();
    window.watchedDrag = new MutationObserver(mark);
    window.watchedDrag.observe(chart, { attributes: true, attributeFilter: ["data-frames"] });
    let last = null;
    const look = () => {
        const value = Number(input.value);
        if (value !== last) seen.values.push([performance.now(), value]);
        last = value;
        if (window.seenDrag === seen) requestAnimationFrame(look);
    };
    look();
}"""
_THUMB = """name => {
    const slider = document.querySelector(`.st-key-${name} [data-testid="stSlider"]`);
    const value = slider.querySelector('[data-testid="stSliderThumbValue"]');
    const thumb = value.parentElement.getBoundingClientRect();
    const input = slider.querySelector('input[type="range"]');
    const track = (input.closest('[role="group"]') ?? slider).getBoundingClientRect();
    const values = Number(input.max) - Number(input.min);
    return [thumb.x + thumb.width / 2, thumb.y + thumb.height / 2, (track.width - 12) / values];
}"""


def drag_all(rounds: int = 2) -> list[dict[str, Any]]:
    """Figures of each page, by mouse and by touch.

    The best of some rounds, for a busy machine disturbs all of them.
    """
    with contextlib.suppress(AttributeError):  # not on every system
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with browsing() as (browser, address, server):
        rows = []
        for touch in (False, True):
            for what, (path, testid) in _PAGES.items():
                context = browser.new_context(
                    viewport={"width": 1280, "height": 900}, has_touch=touch
                )
                page = context.new_page()
                _open_page(page, address + path, testid)
                measured = [
                    drag_once(page, testid, touch=touch, server=server.pid)
                    for _ in range(rounds + 1)
                ]
                best = max(measured[1:], key=lambda row: row["curves a second"])
                grown = measured[-1]["server MiB"] - measured[0]["server MiB"]
                row = {"what": what, "by": "touch" if touch else "mouse", **best}
                row |= {"server grew, MiB": grown, "load": os.getloadavg()[0]}
                print(row, flush=True)
                rows.append(row)
                context.close()
        return rows


def drag_once(
    page: Any, testid: str, *, touch: bool, server: int, name: str = "window"
) -> dict[str, float]:
    """One drag there and back."""
    settle(page)
    page.evaluate(_WATCH, [testid, name])
    x, y, step = page.evaluate(_THUMB, name)
    before = _processor_seconds(server)
    reach = (_LAST - _FIRST) * step
    hand = page.context.new_cdp_session(page) if touch else None
    _drag(page, x, y, reach, hand)
    spent = [now - then for now, then in zip(_processor_seconds(server), before, strict=True)]
    seen = page.evaluate("window.seenDrag")
    _release(page, hand)
    page.wait_for_function(
        f"""() => document.querySelector('[data-testid="{testid}"]').dataset.done === "true" """,
        timeout=60_000,
    )
    return _figures(seen, spent) | {
        "server MiB": psutil.Process(server).memory_info().rss / 2**20,
        "page MiB": _heap(page),
    }


def _figures(seen: dict[str, Any], spent: list[float]) -> dict[str, float]:
    curves = {
        mark: (when, settings, epochs) for when, mark, settings, epochs in reversed(seen["curves"])
    }
    delays = []
    for when, settings, _ in curves.values():
        value = int(parse_qs(settings).get("window", ["10"])[0])
        taken = [at for at, thumb in seen["values"] if thumb == value and at <= when]
        if taken:
            delays.append(when - taken[-1])
    frames = max(1, len(seen["curves"]))
    return {
        "curves a second": len(curves) / _SECONDS,
        "delay, ms": statistics.median(delays) if delays else float("nan"),
        "epochs": statistics.median(int(row[3]) for row in seen["curves"]) if seen["curves"] else 0,
        "server ms a frame": 1e3 * spent[0] / frames,
        "browser ms a frame": 1e3 * spent[1] / frames,
    }


def _drag(page: Any, x: float, y: float, reach: float, hand: Any) -> None:
    """Move the thumb there and back in five seconds, some sixty times a second, and hold it."""
    if hand is None:
        page.mouse.move(x, y)
        page.mouse.down()
    else:
        hand.send(
            "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
        )
    started = time.monotonic()
    while (share := (time.monotonic() - started) / _SECONDS) < 1:
        at = x + reach * min(2 * share, 2 - 2 * share)
        if hand is None:
            page.mouse.move(at, y)
        else:
            hand.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove", "touchPoints": [{"x": at, "y": y}]},
            )
        time.sleep(0.012)


def _release(page: Any, hand: Any) -> None:
    if hand is not None:
        hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    else:
        page.mouse.up()


def _open_page(page: Any, address: str, testid: str) -> None:
    for _ in range(20):  # until the kernels are loaded the page asks before it trains
        page.goto(address)
        with contextlib.suppress(Exception):
            page.wait_for_function(
                f"""() => document.querySelector('[data-testid="{testid}"]')?.dataset.epochs > 0""",
                timeout=20_000,
            )
            return


def _processor_seconds(server: int) -> list[float]:
    """Of the server, and of the browser with all its processes."""
    own = psutil.Process()
    browsers = [one for one in own.children(recursive=True) if "chrom" in one.name().lower()]
    return [_seconds_of([psutil.Process(server)]), _seconds_of(browsers)]


def _seconds_of(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _heap(page: Any) -> float:
    """MiB of the page's JavaScript after a collection."""
    gc.collect()
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return float(used)


if __name__ == "__main__":
    drag_all()
