"""Two app processes share a scheduler and one tracking server: what one begins, the other has."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, find_port, no_traceback, plot, settle
from tests.browser.conftest import _wait as wait_for_server

pytestmark = [pytest.mark.browser, pytest.mark.faults]
LONG = 90_000
LIVE = "plot => plot.data[0].x && plot.data[0].x.length"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL that runs for these tests; of a SQLite file where there is none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or shutil.which("runuser") is None or os.getuid() != 0:
        yield f"sqlite:///{tmp_path_factory.mktemp('tracking') / 'mlflow.db'}"
        return
    # PostgreSQL refuses to be run by root, and its user has no way into root's folders.
    folder = Path(tempfile.mkdtemp(prefix="rnnapp-postgres-"))
    shutil.chown(folder, "postgres")
    port = find_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    control = [str(programs[-1] / "pg_ctl"), "-D", str(folder / "data"), "-w", "-s"]
    try:
        as_postgres(str(programs[-1] / "initdb"), "-D", str(folder / "data"), "-A", "trust")
        as_postgres(*control, "-o", options, "-l", str(folder / "log"), "start")
        yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        as_postgres(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What app processes need to know of a running scheduler, a worker and a tracking server."""
    folder = tmp_path_factory.mktemp("house")
    tracking, jobs = find_port(), find_port()
    scheduler = f"tcp://127.0.0.1:{jobs}"
    quiet = "--no-dashboard"
    with contextlib.ExitStack() as stack:
        server = ["mlflow", "server", "--host", "127.0.0.1", f"--port={tracking}", "--workers=1"]
        server += ["--backend-store-uri", database]
        server += ["--artifacts-destination", str(folder / "artifacts")]
        started = stack.enter_context(running(*server, log=folder / "mlflow.log"))
        host = ["--host", "127.0.0.1", "--port", str(jobs)]
        module = "distributed.cli.dask_scheduler"
        stack.enter_context(running(module, *host, quiet, log=folder / "scheduler.log"))
        module = "distributed.cli.dask_worker"
        slim = ["--nthreads", "1", "--nworkers", "1", "--local-directory", str(folder)]
        stack.enter_context(running(module, scheduler, *slim, quiet, log=folder / "worker.log"))
        address = f"http://127.0.0.1:{tracking}"
        wait_for_server(f"{address}/health", started, folder / "mlflow.log", 90)
        yield {
            "RNNAPP_SCHEDULER": scheduler,
            "MLFLOW_TRACKING_URI": address,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "RNNAPP_COOKIE_SECRET": "the same for both",
        }


def test_a_run_begun_on_one_app_is_watched_on_the_other_and_survives_its_death(
    chromium: Browser, house: dict[str, str], tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        first, one = stack.enter_context(app_process(house, tmp_path))
        second, _ = stack.enter_context(app_process(house, tmp_path))
        page = stack.enter_context(closing_page(chromium))
        page.goto(f"{first}/?backend=torch&epochs=1000&hidden=12&seed=7")
        page.get_by_role("button", name="Train the GRU").click(timeout=LONG)
        expect(page.get_by_text("the Runs page has it")).to_be_visible(timeout=LONG)

        other = stack.enter_context(closing_page(chromium))
        other.goto(f"{second}/runs")
        settle(other)
        box = other.get_by_role("combobox", name="Chosen runs")
        box.click(timeout=LONG)
        box.fill("GRU on S&P 500")
        other.get_by_role("option", name="GRU on S&P 500").first.click()
        other.keyboard.press("Escape")
        other.get_by_role("button", name="Open run").click()
        seen = plot(other, "run_live", LIVE, 90)
        more = f"plot => plot.data[0].x && plot.data[0].x.length > {seen} && plot.data[0].x.length"
        seen = plot(other, "run_live", more, 90)

        one.send_signal(signal.SIGKILL)
        resume = other.get_by_role("button", name="Resume")
        expect(resume).to_be_visible(timeout=LONG)
        expect(other.get_by_text("The app ended while it ran")).to_be_visible(timeout=LONG)
        resume.click()
        expect(other.get_by_role("button", name="Stop")).to_be_visible(timeout=LONG)
        plot(other, "run_live", f"plot => plot.data[0].x && plot.data[0].x.length > {seen}", 90)
        other.get_by_role("button", name="Stop").click()
        expect(resume).to_be_visible(timeout=LONG)
        assert no_traceback(other)


def as_postgres(*command: str) -> None:
    subprocess.run(
        ["runuser", "-u", "postgres", "--", *command],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def running(
    module: str, *options: str, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module's own process, for as long as the block lasts."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def app_process(
    house: Mapping[str, str], home: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A dashboard in this home; its address and process."""
    kernels = Path(os.environ["RNNAPP_HOME"]) / "numba"
    if not (home / "numba").exists() and kernels.is_dir():
        (home / "numba").symlink_to(kernels)
    port = find_port()
    address = f"http://localhost:{port}"
    options = ["run", "app.py", "--server.headless=true", f"--server.port={port}"]
    log = home / f"server-{port}.log"
    environment = {**house, "RNNAPP_HOME": str(home)}
    with running("streamlit", *options, log=log, **environment) as process:
        wait_for_server(f"{address}/_stcore/health", process, log, 90)
        yield address, process


@contextlib.contextmanager
def closing_page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()
