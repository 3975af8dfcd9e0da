"""Photograph every page of the running app, light and dark, and film a drag.

Start it with ``scripts/pictures``; names of pages after it make these alone.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
SIZE = {"width": 1280, "height": 860}
WIDTH = 760  # pixels of a picture
QUALITY = 72
PAGES = {
    "forecast": "/?rows=2000",
    "learn": "/learn?lesson=1&guess=2&done=1",
    "compare": "/compare?rows=600&cells=rnn,lstm,gru&seeds=2&epochs=20",
    "digits": "/digits",
    "anatomy": "/anatomy?cell=lstm&rows=500&view=Gates&weights=trained",
    "tune": "/tune",
    "runs": "/runs",
    "recipes": "/recipes",
    "glossary": "/glossary",
}
CLASS = "rows=600&window=10&epochs=20&hidden=8"
CLASSMATES = {
    "Anna": "cell=gru",
    "Ben": "cell=lstm",
    "Chloe": "cell=rnn",
    "Dmitri": "cell=gru&layers=2",
    "Emre": "cell=lstm&target=log-return",
    "Farah": "cell=gru&target=log-return",
}
"""What each person of the class on the board changed."""
_RESTING = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app && app.getAttribute('data-test-script-state') === 'notRunning'
        && document.querySelector('[data-testid="stMain"] [data-testid="stMarkdown"]')
        && !document.querySelector('[data-testid="stSkeleton"]');
}"""
_ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main(names: list[str]) -> None:
    """Make the pictures of these pages, all of them and the film where none is named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with run_app() as address, sync_playwright() as playwright:
        named = os.environ.get("RNNAPP_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=named, args=list(_ARGS))
        for scheme in ("light", "dark"):
            for name in names or PAGES:
                if name in PAGES:
                    photograph_page(browser, address + PAGES[name], name, scheme)
        if not names or "drag" in names:
            film_drag(browser, address + PAGES["forecast"])
        if not names or "board" in names:
            photograph_board(browser)
        browser.close()


@contextmanager
def run_app(**environment: str) -> Iterator[str]:
    """The dashboard on a free port, with a folder of its own that is warm; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    with tempfile.TemporaryDirectory() as fresh:
        home = os.environ.get("RNNAPP_HOME", fresh)
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=ROOT,
            env=os.environ | {"RNNAPP_HOME": home} | environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            address = f"http://localhost:{port}"
            wait_for_server(f"{address}/_stcore/health")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def wait_for_server(address: str) -> None:
    """Wait until the server answers.

    Raises:
        TimeoutError: it did not within two minutes.
    """
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError("The app did not start.")


def open_resting(browser: Browser, address: str, scheme: Any) -> Page:
    """A page that has come to rest."""
    page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_function(_RESTING)
    page.wait_for_timeout(1500)
    return page


def photograph_page(browser: Browser, address: str, name: str, scheme: str) -> None:
    """One page in one theme."""
    page = open_resting(browser, address, scheme)
    for button in ("compare_start", "example", "keep"):
        found = page.locator(f".st-key-{button} button").first
        if found.count() and found.is_visible():
            found.click()
            page.wait_for_timeout(2500)
            page.wait_for_function(_RESTING)
            page.wait_for_timeout(1500)
    save_picture(page, name, scheme)
    page.context.close()


def photograph_board(browser: Browser) -> None:
    """The board of a class on a server of its own, where each person has saved a run."""
    with (
        tempfile.TemporaryDirectory() as home,
        run_app(RNNAPP_HOME=home, RNNAPP_CLASS=CLASS) as address,
    ):
        pages = [
            join_board(browser, address, name, changed) for name, changed in CLASSMATES.items()
        ]
        page = pages[-1]  # who came last sees everybody
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.reload()
            page.wait_for_function(_RESTING)
            page.wait_for_timeout(1500)
            save_picture(page, "board", scheme)
        for page in pages:
            page.context.close()


def join_board(browser: Browser, address: str, name: str, changed: str) -> Page:
    """The board as somebody sees it who has saved a run and chosen a name there."""
    page = open_resting(browser, f"{address}/?{CLASS}&{changed}", "light")
    page.get_by_role("button", name="Save this run").click()
    page.get_by_role("button", name="Saved: open the run").wait_for()
    page.goto(f"{address}/runs?view=Board")
    page.get_by_role("textbox", name="Your name on the board").fill(name)
    page.get_by_role("button", name="Use this name").click()
    page.wait_for_timeout(1500)
    page.wait_for_function(_RESTING)
    return page


def save_picture(page: Page, name: str, scheme: str) -> None:
    """What a page shows at its top, small, among the pictures."""
    page.mouse.move(0, 0)  # no help of a button is open, and the page stands at its top again
    page.get_by_test_id("stMain").evaluate("each => each.scrollTo(0, 0)")
    page.wait_for_timeout(1000)
    page.wait_for_function(_RESTING)
    take_frame(page).save(FOLDER / f"{name}-{scheme}.webp", quality=QUALITY, method=6)


def film_drag(browser: Browser, address: str) -> None:
    """A thumb that is dragged to and fro, as a moving picture."""
    page = open_resting(browser, address, "light")
    value = page.locator('.st-key-window [data-testid="stSliderThumbValue"]')
    box = value.locator("..").bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    frames = []
    for step in (*range(0, 110, 11), *range(110, 0, -11)):
        page.mouse.move(x + step, y)
        page.wait_for_timeout(250)
        frames.append(take_frame(page, width=640))
    page.mouse.up()
    frames[0].save(
        FOLDER / "drag.webp",
        save_all=True,
        append_images=frames[1:],
        duration=180,
        loop=0,
        quality=50,
        method=4,
    )
    page.context.close()


def take_frame(page: Page, width: int = WIDTH) -> Image.Image:
    """What is on screen, made small."""
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    height = round(whole.height * width / whole.width)
    return whole.resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(sys.argv[1:])
