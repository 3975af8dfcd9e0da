"""From a slider's move to the new curve, in a real browser on a local server.

The clock runs inside the page: from the key press to the first frame in which the chart's data are
others.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["ADDRESS", "WATCH", "browsing", "measure", "measure_languages", "serve", "settle"]

_ROOT = Path(__file__).parents[1]
# the stock setting, on the bundled index
_SIZE = "split=200&window=5&epochs=301&batch=20&layers=2&hidden=8"
ADDRESS = f"/?{_SIZE}&rows=431"
"""Of the Forecast page at that setting."""
_EACH = 3  # moves of a table, which is a day longer each time
_PLACES = {
    "Forecast, one net": (f"/?{_SIZE}", "forecast"),
    "Compare, three nets": (f"/compare?{_SIZE}&seeds=1", "compare"),
}
WATCH = """key => {
    const sign = () => { const chart = document.querySelector(`[data-testid="live-${key}"]`);
        return chart && chart.dataset.epochs > 0 ? chart.dataset.curve : null; };
    let shown = sign();
    const mine = window.watching = (window.watching || 0) + 1;
    window.reaction = null;
    document.addEventListener('keydown', () => {
        const start = performance.now();
        const look = () => {
            if (window.watching !== mine) return;
            const now = sign();
            if (now !== null && now !== shown) {
                shown = now;
                requestAnimationFrame(() => {
                    if (window.watching === mine) window.reaction = performance.now() - start; }); }
            if (performance.now() - start < 15000) setTimeout(look, 8); };
        look(); }, {once: true, capture: true});
}"""
"""Run in the page with a chart's key.

``window.reaction`` becomes the milliseconds from the next key press to its newest curve.
"""


def measure(moves: int = 15) -> list[dict[str, Any]]:
    """Median milliseconds of each page's reaction.

    A page that does not retrain by itself is left out.
    """
    with browsing() as (browser, address, _):
        rows = []
        for what, (path, key) in _PLACES.items():
            times = _moves(
                browser.new_page(viewport={"width": 1280, "height": 900}),
                address + path,
                key,
                moves,
            )
            print(f"{what}: {[round(t) for t in times]} ms", flush=True)
            if times:
                rows.append(
                    {"what": what, "milliseconds": statistics.median(times), "worst": max(times)}
                )
        return rows


def measure_languages(reruns: int = 60) -> dict[str, float]:
    """Median processor milliseconds of a run of the Forecast page, without a browser.

    The pages of English and of Korean run in turn, in one process.
    """
    sys.path.insert(0, str(_ROOT))
    from streamlit.testing.v1 import AppTest

    from rnnapp.language import in_language
    from rnnapp.training.kernels import compilation

    compilation.warm_up().join()
    pages = {}
    for code in ("en", "ko"):
        pages[code] = AppTest.from_file(str(_ROOT / "rnnapp" / "ui" / "dashboard.py"))
        pages[code].query_params["lang"] = code
    times: dict[str, list[float]] = {code: [] for code in pages}
    for rerun in range(reruns + 1):  # the first trains
        for code, page in pages.items():
            with in_language(code):  # AppTest words the options again where it reads them
                begin = time.process_time()
                page.run(timeout=120)
                spent = 1000 * (time.process_time() - begin)
            if page.exception or not page.metric:
                print([one.value for one in [*page.main.markdown, *page.exception, *page.info]])
                raise RuntimeError(f"the page in {code} shows no result")
            if rerun:
                times[code].append(spent)
    return {code: statistics.median(each) for code, each in times.items()}


@contextmanager
def browsing(*program: str) -> Iterator[tuple[Any, str, subprocess.Popen[bytes]]]:
    """A browser, the address of a server of its own, and that server.

    ``program`` starts it where it is not the app itself.
    """
    from playwright.sync_api import sync_playwright

    named = (
        os.environ.get("RNNAPP_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("google-chrome")
    )
    with tempfile.TemporaryFile() as log, sync_playwright() as playwright:
        address, server = serve(log, *program)
        browser = playwright.chromium.launch(
            executable_path=named, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser, address, server
        finally:
            browser.close()
            server.terminate()
            server.wait(20)


def _moves(page: Any, address: str, key: str, count: int) -> list[float]:
    """Times of so many moves from the stock setting's window of 5 days on, a few for each table.

    Nothing was computed before.
    """
    from playwright.sync_api import Error

    times: list[float] = []
    for more in range(-(-count // _EACH)):
        _open(page, f"{address}&rows={431 + more}", key)
        slider = page.get_by_role("slider", name="Window length")
        for move in range(_EACH + 1):  # the first wakes everything up
            settle(page)
            slider.focus()
            page.evaluate(WATCH, key)
            page.keyboard.press("ArrowRight")
            try:
                page.wait_for_function("() => window.reaction", timeout=20_000)
            except Error:
                return []
            if move:
                times.append(float(page.evaluate("window.reaction")))
    return times


def _open(page: Any, address: str, key: str) -> None:
    from playwright.sync_api import Error

    chart = page.locator(f'[data-testid="live-{key}"]:not([data-epochs="0"])')
    for _ in range(20):  # until the kernels are loaded the page asks before it trains
        page.goto(address)
        with suppress(Error):
            chart.wait_for(timeout=10_000)
            return


def settle(page: Any) -> None:
    """Wait until the page has nothing left to do."""
    page.wait_for_function(
        """() => { const app = document.querySelector('[data-testid="stApp"]');
            return app?.getAttribute('data-test-script-state') === 'notRunning'; }"""
    )
    page.wait_for_timeout(300)


def serve(log: Any, *program: str) -> tuple[str, subprocess.Popen[bytes]]:
    """A server of its own on a free port, its kernels loaded.

    ``program`` starts it with a port and its own arguments.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
    ]
    if program:
        command = [sys.executable, program[0], str(port), *program[1:]]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT)
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
                return f"http://localhost:{port}", process
        except OSError:
            time.sleep(0.2)
    process.terminate()
    raise RuntimeError("the server did not answer in a minute")


if __name__ == "__main__":
    print(measure_languages())
    measure()
