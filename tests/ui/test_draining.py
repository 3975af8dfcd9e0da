"""What a load balancer reads, and what a signal to stop does first."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from rnnapp.ui.draining import drain_on_signal, health_routes, set_ready
from rnnapp.ui.hosts import HostGuard, HostRule
from tests.ui.requests import send_request


@pytest.fixture(autouse=True)
def no_other_loop() -> Iterator[None]:
    """Playwright leaves a loop under way in a worker's thread once a browser test has run there."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture(autouse=True)
def ready() -> Iterator[None]:
    set_ready(False)
    yield
    set_ready(False)


def read_status(path: str) -> int:
    app = HostGuard(Starlette(routes=health_routes()), HostRule(("localhost",)))
    return send_request(app, path, {"host": "10.0.0.7"}).status


def test_readiness_is_not_health() -> None:
    """A server that warms up, or drains, lives: it is not to be killed, only to be left alone."""
    assert (read_status("/healthz"), read_status("/readyz")) == (200, 503)
    set_ready(True)
    assert (read_status("/healthz"), read_status("/readyz")) == (200, 200)


def test_a_signal_drains_first_and_a_second_one_stops_at_once() -> None:
    heard: list[str] = []
    let_go = threading.Event()
    former = signal.signal(signal.SIGTERM, lambda *_unused: heard.append("stop"))

    def drain() -> None:
        heard.append(f"drain {read_status('/readyz')}")
        let_go.wait(20)
        raise RuntimeError("whatever happens, the server stops")

    async def serve() -> None:
        set_ready(True)
        with drain_on_signal(drain):
            signal.raise_signal(signal.SIGTERM)
            while not heard:
                await asyncio.sleep(0.001)
            assert heard == ["drain 503"]
            signal.raise_signal(signal.SIGTERM)
            assert heard == ["drain 503", "stop"]
            let_go.set()
            while len(heard) < 3:
                await asyncio.sleep(0.001)

    try:
        asyncio.run(asyncio.wait_for(serve(), 30))
        assert heard == ["drain 503", "stop", "stop"]
    finally:
        signal.signal(signal.SIGTERM, former)


def test_without_the_main_thread_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def serve() -> None:
        with drain_on_signal(lambda: None):
            assert signal.getsignal(signal.SIGTERM) is before

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join()
