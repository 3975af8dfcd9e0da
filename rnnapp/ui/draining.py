"""Health and readiness for a load balancer, and a SIGTERM that drains the server before it stops.

On the first SIGTERM (or Ctrl-C) readiness says no and trainings save their state, while pages are
still answered; then the server stops. A second one stops it at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

__all__ = ["HEALTH", "READY", "drain_on_signal", "health_routes", "set_ready"]

HEALTH = "/healthz"
"""Says yes for as long as the server answers."""
READY = "/readyz"
"""Says yes once the first page is warm, until the server is asked to stop."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_Handler: TypeAlias = Callable[[int, FrameType | None], object]
_ready = threading.Event()
logger = logging.getLogger(__name__)


def health_routes() -> list[Route]:
    """The two addresses that a load balancer reads."""
    return [
        Route(HEALTH, _answer_health, methods=["GET"]),
        Route(READY, _answer_ready, methods=["GET"]),
    ]


def set_ready(ready: bool) -> None:
    """Say whether the server takes visitors."""
    if ready:
        _ready.set()
    else:
        _ready.clear()


@contextmanager
def drain_on_signal(drain: Callable[[], None]) -> Iterator[None]:
    """Drain before the server hears of a signal to stop, for as long as the block lasts.

    Args:
        drain: brings what runs to rest; called in a thread of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal comes here
        return
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    begun = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        stop = former[signal.Signals(number)]
        if not callable(stop):
            return
        if begun.is_set():
            stop(number, frame)
            return
        begun.set()
        set_ready(False)
        arguments = (drain, lambda: loop.call_soon_threadsafe(stop, number, None))
        threading.Thread(target=_drain_and_stop, args=arguments, name="drain").start()

    handled = [number for number, handler in former.items() if callable(handler)]
    for number in handled:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, former[number])


def _drain_and_stop(drain: Callable[[], None], stop: Callable[[], object]) -> None:
    """Drain, give a load balancer its time to notice, then stop."""
    began = time.monotonic()
    try:
        drain()
    except Exception:
        logger.exception("What runs could not be brought to rest")
    rest = float(os.environ.get("RNNAPP_DRAIN_SECONDS") or 0) - (time.monotonic() - began)
    time.sleep(max(0.0, rest))
    stop()


async def _answer_health(_unused: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def _answer_ready(_unused: Request) -> PlainTextResponse:
    if _ready.is_set():
        return PlainTextResponse("ready")
    return PlainTextResponse("not ready", 503)
