"""Forty people press Train at once: threads of the server, what it refuses, and another's wait.

Each training takes a second or two in a thread of the server; they come two at a time on two cores.
Meanwhile one more person moves the window slider of a net that trains in a moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from load import Session
from page_reaction import ADDRESS, serve

__all__ = ["press_together"]

_SIZE = "split=200&window=5&epochs=80&batch=20&layers=2&hidden=8&rows=431"
_LONG = f"{_SIZE}&backend=torch"
_PAUSE = 0.3  # seconds between two moves of the other person
_WAYS = {"forty people": True, "one person, forty pages": False}


def press_together(presses: int = 40, moves: int = 20) -> list[dict[str, Any]]:
    """Threads, refusals and waits, for so many people and for one person with as many pages."""
    return [_serve_and_press(way, apart, presses, moves) for way, apart in _WAYS.items()]


def _serve_and_press(way: str, apart: bool, presses: int, moves: int) -> dict[str, Any]:
    os.environ["RNNAPP_PEOPLE"] = "each"
    os.environ["RNNAPP_LIMITS"] = f"sessions={presses + 5}"
    with tempfile.TemporaryFile() as log:
        address, server = serve(log)
        try:
            row = asyncio.run(_measure(address, server, presses, moves, apart=apart))
        finally:
            server.terminate()
            server.wait(40)
    print({"way": way} | row, flush=True)
    return {"way": way} | row


async def _measure(
    address: str, server: subprocess.Popen[bytes], presses: int, moves: int, *, apart: bool
) -> dict[str, Any]:
    cookies = [_take_cookie(address) for _ in range(presses + 1)]
    other = Session(f"{ADDRESS.partition('?')[2]}&seed=1000", 0, cookies[-1])
    await other.open(address)
    people = [
        Session(f"{_LONG}&seed={2000 + number}", number, cookies[number * apart])
        for number in range(presses)
    ]
    for start in range(0, presses, 5):
        await asyncio.gather(*(one.open(address) for one in people[start : start + 5]))
    alone = [await other.move(move) for move in range(1, moves + 1)]
    threads: list[int] = [_count_threads(server)]
    pressing = asyncio.gather(*(one.press() for one in people))
    waits = []
    for move in range(1, moves + 1):
        waits.append(await other.move(100 + move))
        threads.append(_count_threads(server))
        await asyncio.sleep(_PAUSE)
    await pressing
    refused = Counter(one.refusals[-1] for one in people if one.refusals)
    in_line = sum("in line" in one.progress for one in people)
    for one in (*people, other):
        await one.close()
    return {
        "presses": presses,
        "threads before": threads[0],
        "threads most": max(threads),
        "in line": in_line,
        "refused": dict(refused),
        "errors": other.errors + sum(one.errors for one in people),
        "another's wait alone, p50 and worst": _summarize(alone),
        "another's wait meanwhile, p50 and worst": _summarize(waits),
    }


def _take_cookie(address: str) -> str:
    """What a new browser is given."""
    request = urllib.request.Request(address, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]


def _count_threads(server: subprocess.Popen[bytes]) -> int:
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


def _summarize(waits: list[float]) -> tuple[float, float]:
    return round(float(np.median(waits)), 3), round(max(waits), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=40)
    parser.add_argument("--moves", type=int, default=20)
    chosen = parser.parse_args()
    press_together(chosen.presses, chosen.moves)
