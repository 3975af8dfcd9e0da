"""Compare with and without the stronger rivals: the whole command, and the nets' part on the page.

``python benchmarks/run.py --parts rivals``. With and without them are taken in turn; on the page
every comparison has a row of its own more, so that neither nets nor rivals were computed before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from page_reaction import WATCH, browsing

__all__ = ["measure_rivals"]

_ROOT = Path(__file__).parents[1]
_COMMAND = ("-m", "rnnapp", "compare", "--bundled", "sp500")
_RESTING = ".st-key-compare_resting"
_NAMED = """() => document.querySelector('[data-testid="stMain"]').innerText
    .includes('Gradient boosting')"""
_FIRST_ROWS = 4_900
_MOVES = 5


def measure_rivals(repeats: int = 3) -> dict[str, list[dict[str, Any]]]:
    """Seconds of each command, and of each comparison in the browser, without and with rivals."""
    commands, pages = [], []
    for _ in range(repeats):
        commands += [_time_command(rivals=rivals) for rivals in (False, True)]
    with browsing() as (browser, address, _server):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        _time_page(page, address, _FIRST_ROWS - 1, rivals=True)  # wakes everything up
        for repeat in range(repeats):
            for rivals in (False, True):
                rows = _FIRST_ROWS + 2 * repeat + rivals
                pages.append(_time_page(page, address, rows, rivals=rivals))
    return {"commands": commands, "pages": pages}


def _time_command(*, rivals: bool) -> dict[str, Any]:
    command = [sys.executable, *_COMMAND, *(["--rivals"] if rivals else [])]
    before, begin = os.times(), time.perf_counter()
    subprocess.run(command, cwd=_ROOT, check=True, capture_output=True)
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    row = {"rivals": rivals, "wall": time.perf_counter() - begin, "processor": spent}
    print(f"command: {row}, load {os.getloadavg()[0]:.1f}", flush=True)
    return row


def _time_page(page: Any, address: str, rows: int, *, rivals: bool) -> dict[str, Any]:
    """Seconds from the visit to the nets' result and to the rivals in it; moves meanwhile."""
    address = f"{address}/compare?rows={rows}{'&rivals=on' if rivals else ''}"
    begin = time.perf_counter()
    page.goto(address)
    page.locator(_RESTING).wait_for(timeout=120_000)
    row: dict[str, Any] = {"rivals": rivals, "nets": time.perf_counter() - begin}
    if rivals:
        page.wait_for_function(_NAMED, timeout=120_000)
        row["all"] = time.perf_counter() - begin
    page.goto(f"{address}&seeds=1")
    page.locator(_RESTING).wait_for(timeout=120_000)
    row["moves"] = [_time_move(page) for _ in range(_MOVES)]
    print(f"page: {row}, load {os.getloadavg()[0]:.1f}", flush=True)
    return row


def _time_move(page: Any) -> float:
    """Seconds from a key press on the window slider to the newest curve.

    Where rivals are on, those of the place before are still being fitted.
    """
    page.wait_for_timeout(1_000)
    page.get_by_role("slider", name="Window length").focus()
    page.evaluate(WATCH, "compare")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => window.reaction", timeout=20_000)
    return float(page.evaluate("window.reaction")) / 1000
