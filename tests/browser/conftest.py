"""A real server and a real Chromium for the browser tests."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from rnnapp.data.ink import draw_strokes

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=20_000)  # machines are noisy; a page that never comes still fails

ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SEVEN = (((0.1, 0.05), (0.9, 0.0), (0.45, 1.0)), ((0.3, 0.5), (0.85, 0.47)))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The Chromium that RNNAPP_CHROMIUM names, else the one on PATH, else Playwright's own.

    Its camera sees a 7 on a sheet of paper.
    """
    video = tmp_path_factory.mktemp("camera") / "seven.mjpeg"
    video.write_bytes(film_seven())
    args = (*ARGS, *CAMERA, f"--use-file-for-fake-video-capture={video}")
    named = (
        os.environ.get("RNNAPP_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("google-chrome")
    )
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=named, args=args)
        except Error as error:
            pytest.skip(f"no Chromium could be started: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


def film_seven() -> bytes:
    """Some frames of motion JPEG."""
    ink = draw_strokes(SEVEN, side=480, brush=24, fill=0.5)[..., 3] / 255
    grey = np.full((480, 640), 215.0)
    grey[:, 80:560] -= 170 * ink
    frame = io.BytesIO()
    Image.fromarray(np.uint8(grey)).convert("RGB").save(frame, "JPEG", quality=90)
    return frame.getvalue() * 30


@pytest.fixture(scope="session")
def server(own_home: Path) -> Iterator[str]:
    """The dashboard on a free port; its address."""
    with run_server(own_home) as address:
        yield address


def find_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def run_server(
    folder: Path,
    *options: str,
    port: int = 0,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """A dashboard of its own, as long as it is needed; its address.

    Args:
        folder: where its log is written.
        options: of Streamlit.
        port: a free one by default.
        environment: beside this process's own.
    """
    port = port or find_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
        *options,
    ]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            _wait(f"http://localhost:{port}/_stcore/health", process, log)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def browsers(chromium: Browser) -> Iterator[Mapping[bool, BrowserContext]]:
    """A browser without and one with touch, in which Streamlit's scripts are read but once."""
    contexts = {
        touch: chromium.new_context(has_touch=touch, accept_downloads=True)
        for touch in (False, True)
    }
    yield contexts
    for context in contexts.values():
        context.close()


@pytest.fixture
def open_page(
    browsers: Mapping[bool, BrowserContext], server: str
) -> Iterator[Callable[..., Page]]:
    """Open a path of the dashboard in a fresh session.

    ``open_page("/compare?cell=gru", width=390, dark=True)``.
    """
    pages = []

    def opened(
        path: str = "/",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        touch: bool = False,
    ) -> Page:
        page = browsers[touch].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_default_timeout(20_000)
        page.goto(server + path)
        settle(page)
        return page

    yield opened
    for page in pages:
        if not page.is_closed():
            page.evaluate("localStorage.clear()")
            page.close()
    for context in browsers.values():
        context.clear_cookies()


def settle(page: Page, seconds: float = 30) -> None:
    """Wait until the page has told something and its script runs no more.

    An app that has not begun does not run either.
    """
    page.wait_for_selector('[data-testid="stApp"]', timeout=seconds * 1000)
    page.wait_for_function(
        """() => { const app = document.querySelector('[data-testid="stApp"]');
                   const told = ['stMarkdown', 'stAlert'].map(id =>
                       `[data-testid="stMain"] [data-testid="${id}"]`).join(', ');
                   return app && app.getAttribute('data-test-script-state') === 'notRunning'
                       && document.querySelector(told); }""",
        timeout=seconds * 1000,
    )


def plot(page: Page, key: str, ask: str, seconds: float = 30) -> Any:
    """Ask a drawn chart something, in JavaScript.

    Waits until the answer is neither false, null nor zero.
    """
    script = """([key, ask]) => {
        const plot = document.querySelector(`.st-key-chart_${key} .js-plotly-plot`);
                                  return plot && plot.data && eval(ask)(plot); }"""
    return page.wait_for_function(script, arg=[key, ask], timeout=seconds * 1000).json_value()


def no_traceback(page: Page) -> bool:
    """Whether the page shows no exception."""
    return page.locator('[data-testid="stException"]').count() == 0 and not re.search(
        r"Traceback", page.inner_text("body")
    )


def _wait(address: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not answer in {seconds:.0f} s: {log.read_text()[-2000:]}")
