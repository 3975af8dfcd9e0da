"""Ten browser sessions drag the window slider at once: waits for the curve, and server memory.

All browsers run on the server's machine and draw by software, so most of a wait is theirs; the
server's own processor seconds are reported beside it.
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
_SEEDS = {
    "alike": 0,
    "apart": 1,
}  # what a session's number adds to its seed: a class at one setting, or each at its own


def drag(sessions: int = 10, rounds: int = 6) -> list[dict[str, Any]]:
    """Waits (ms) from a session's last move to its new curve, errors, and the server's memory (MB).

    Every drag counts, the first of ten new browsers on a new server too.
    """
    return [_drag(seeds, sessions, rounds) for seeds in _SEEDS]


def _drag(seeds: str, sessions: int, rounds: int) -> dict[str, Any]:
    with browsing() as (browser, address, server):
        pages = [
            browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
            for _ in range(sessions)
        ]
        for number, page in enumerate(pages):
            page.goto(f"{address}{ADDRESS}&seed={number * _SEEDS[seeds]}")
        for page in pages:
            page.locator('[data-testid="live-forecast"]:not([data-epochs="0"])').wait_for(
                timeout=120_000
            )
            settle(page)
        waits, spent, memory, errors = [], [], [_memory(server)], 0
        for number in range(rounds):
            before = _processor(server)
            found, lost = _round(
                pages, "ArrowRight" if number % 2 == 0 else "ArrowLeft", apart=bool(_SEEDS[seeds])
            )
            errors += lost
            waits.append(found)
            spent.append(_processor(server) - before)
            memory.append(_memory(server))
            print(
                f"{seeds}, drag {number}: waits {sorted(map(round, found))} ms, "
                f"server {spent[-1]:.1f} s, {lost} lost",
                flush=True,
            )
        errors += sum(
            page.get_by_test_id("stException").count() + page.get_by_test_id("stAlert").count()
            for page in pages
        )
        every = [wait for found in waits for wait in found]
        return {
            "seeds": seeds,
            "sessions": sessions,
            "median": statistics.median(every),
            "worst": max(every),
            "first": max(waits[0]),
            "errors": errors,
            "server_seconds": statistics.median(spent),
            "memory_before": memory[0],
            "memory_after": memory[-1],
        }


def _round(pages: list[Any], key: str, *, apart: bool) -> tuple[list[float], int]:
    """Every session drags; waits from last move to last curve, and how many show another setting.

    With seeds of their own the sessions share the window only.
    """
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
    for _ in range(2):  # a page may stand still for a moment between two curves
        for page in pages:
            settle(page)
    shown = [page.evaluate(_SHOWN) for page in pages]
    if apart:
        assert len({curve for _, curve in shown}) == len(pages), (
            "nets of different seeds forecast alike"
        )
        shown = [[window] for window, _ in shown]
    waits = [float(wait) for page in pages if (wait := page.evaluate("window.reaction"))]
    return waits, len(pages) - len(waits) + sum(one != max(shown, key=shown.count) for one in shown)


_SHOWN = """() => {
    const chart = document.querySelector('[data-testid="live-forecast"]');
    return [document.querySelector('input[type=range]').value, chart.dataset.curve];
}"""


def _memory(server: subprocess.Popen[bytes]) -> float:
    return (
        int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        / 2**20
    )


def _processor(server: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(drag())
