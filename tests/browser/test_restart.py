"""A server that is stopped and started again: its run goes on, and its page comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ROOT, find_port, settle

pytestmark = [pytest.mark.browser, pytest.mark.faults]
LONG = 90_000
BANNER = """() => getComputedStyle(document.querySelector('[data-testid=stApp]'), '::before')"""


def start_server(port: int, home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.headless=true", f"--server.port={port}"]
    environment = os.environ | {"RNNAPP_HOME": str(home), "RNNAPP_WORKERS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    limit = time.monotonic() + 120
    while read_status(port) != 200:
        assert process.poll() is None, "the server has ended"
        assert time.monotonic() < limit, "the server is not ready"
        time.sleep(0.2)
    return process


def read_status(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_run_and_its_page_outlive_a_restart(
    chromium: Browser, tmp_path: Path, own_home: Path
) -> None:
    (tmp_path / "numba").symlink_to((own_home / "numba").resolve(), target_is_directory=True)
    port = find_port()
    server = start_server(port, tmp_path)
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.set_default_timeout(LONG)
        page.goto(f"http://localhost:{port}/?backend=torch&epochs=1000&hidden=12&seed=7")
        settle(page, 90)
        page.get_by_role("button", name="Train the GRU").click()
        expect(page.get_by_text("the Runs page has it")).to_be_visible(timeout=LONG)
        expect(page.get_by_text(" of 1000 · ").first).to_be_visible(timeout=LONG)
        server.send_signal(signal.SIGTERM)
        server.wait(40)
        page.wait_for_function(f"({BANNER})().visibility === 'visible'")
        assert "This page comes back by itself" in page.evaluate(f"({BANNER})().content")
        assert page.get_by_role("dialog").filter(visible=True).count() == 0
        server = start_server(port, tmp_path)
        page.wait_for_function(f"({BANNER})().content === 'none'")
        settle(page, 90)
        heading = page.get_by_role("heading", name="1 under way")
        limit = time.monotonic() + 90
        while not heading.count():
            assert time.monotonic() < limit, "the run does not go on"
            page.goto(f"http://localhost:{port}/runs")
            settle(page, 90)
    finally:
        context.close()
        server.kill()
        server.wait(20)
