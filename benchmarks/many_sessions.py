"""Ten browser sessions drag the window slider at once: how long each waits for its curve, and what the server's memory does.

All browsers run on the server's machine and draw by software, so most of a wait is theirs; the server's own processor seconds
are told beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from page_reaction import ADDRESS, WATCH, browsing, settle

__all__ = ["drag"]

_MOVES = 6  # of each session, a tenth of a second apart
_WARM = 1  # rounds that only wake everything up


def drag(sessions: int = 10, rounds: int = 6) -> dict[str, Any]:
    """Waits in milliseconds from a session's last move to its new curve, errors seen, and the server's memory in MB."""
    with browsing() as (browser, address, server):
        pages = [browser.new_context(viewport={"width": 1000, "height": 700}).new_page() for _ in range(sessions)]
        for page in pages:
            page.goto(address + ADDRESS)
        for page in pages:
            page.locator(".st-key-chart_forecast .js-plotly-plot").wait_for(timeout=120_000)
            settle(page)
        waits, spent, memory, errors = [], [], [_memory(server)], 0
        for number in range(_WARM + rounds):
            before = _processor(server)
            found, lost = _round(pages, "ArrowRight" if number % 2 == 0 else "ArrowLeft")
            errors += lost
            if number >= _WARM:
                waits += found
                spent.append(_processor(server) - before)
            memory.append(_memory(server))
            print(f"round {number}: waits {sorted(map(round, found))} ms, {lost} lost, memory {memory[-1]:.0f} MB", flush=True)
        errors += sum(page.get_by_test_id("stException").count() + page.get_by_test_id("stAlert").count() for page in pages)
        return {
            "sessions": sessions, "median": statistics.median(waits), "worst": max(waits), "errors": errors,
            "server_seconds": statistics.median(spent), "memory_before": memory[0], "memory_after": memory[-1],
        }  # fmt: skip


def _round(pages: list[Any], key: str) -> tuple[list[float], int]:
    """Every session drags; each one's wait from its last move on, and how many do not show what all of them asked for."""
    from playwright.sync_api import Error

    for page in pages:
        page.get_by_role("slider", name="Window length").focus()
    for move in range(_MOVES):
        for page in pages:
            if move == _MOVES - 1:
                page.evaluate(WATCH, "forecast")
            page.keyboard.press(key)
        time.sleep(0.1)
    for page in pages:
        with suppress(Error):  # one that never shows it is counted below
            page.wait_for_function("() => window.reaction", timeout=30_000, polling=100)
    for page in pages:
        settle(page)
    shown = [page.evaluate(_SHOWN) for page in pages]
    lost = sum(one != max(shown, key=shown.count) for one in shown)
    return [float(wait) for page in pages if (wait := page.evaluate("window.reaction"))], lost


_SHOWN = """() => {
    const plot = document.querySelector('.st-key-chart_forecast .js-plotly-plot');
    const sum = plot.data.map(d => Array.from(d.y._inputArray || d.y).reduce((a, v) => a + (Number.isFinite(v) ? v : 0), 0));
    return JSON.stringify([document.querySelector('input[type=range]').value, sum]);
}"""  # every session has the same settings, so all show the same


def _memory(server: subprocess.Popen[bytes]) -> float:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _processor(server: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(drag())
