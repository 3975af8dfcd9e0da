"""The wheel, installed into an empty environment, opens the dashboard with one word."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import rnnapp
from tests.browser.conftest import _wait as wait_for_server
from tests.browser.conftest import find_port, no_traceback, settle

pytestmark = [pytest.mark.faults, pytest.mark.browser]

ROOT = Path(__file__).parents[2]
BESIDE = ("app.py", "setup.py", "pyproject.toml", "README.md", "LICENSE", "requirements.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git has, built from a copy."""
    copy = tmp_path_factory.mktemp("source")
    for name in tracked("rnnapp", "pages", ".streamlit", *BESIDE):
        place = copy / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", str(copy), "--no-deps", "-q", "-w", str(out)]
    subprocess.run([*command, "--no-build-isolation"], check=True)
    (made,) = out.glob("*.whl")
    return made


def tracked(*places: str) -> list[str]:
    """Files that git has at these places."""
    done = subprocess.run(
        ["git", "ls-files", "--", *places], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone; its dependencies are those of the tests.

    Returns:
        The folder of its programs.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name == "posix")
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    programs = Path(sysconfig.get_path("scripts", "venv", scheme))
    command = [sys.executable, "-m", "pip", f"--python={programs / 'python'}", "install", "-q"]
    subprocess.run([*command, "--no-deps", str(wheel)], check=True)
    return programs


def test_the_wheel_has_all_that_git_has(wheel: Path) -> None:
    """A file that is forgotten shows only where there is no checkout."""
    names = set(zipfile.ZipFile(wheel).namelist())
    package = set(tracked("rnnapp"))
    served = {f"rnnapp/served/{name}" for name in tracked("app.py", "pages", ".streamlit")}
    assert package <= names, package - names
    assert served <= names, served - names


def test_the_command_is_the_package_in_this_environment(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "rnnapp", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"rnnapp {rnnapp.__version__}\n"
    code = "import rnnapp; print(rnnapp.__file__)"
    found = subprocess.run(
        [installed / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(installed.parent)


@pytest.fixture
def server(installed: Path, own_home: Path, tmp_path: Path) -> Iterator[str]:
    """The installed dashboard; its address."""
    port = find_port()
    log = tmp_path / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [installed / "rnnapp", "--no-browser", "--port", str(port)],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ,
        )
        try:
            wait_for_server(f"http://localhost:{port}/_stcore/health", process, log, 240)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def test_the_page_opens_with_a_forecast(chromium: Browser, server: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(f"{server}/?rows=500")
    settle(page, 60)
    # A fresh machine compiles its kernels first; then the page trains by itself.
    expect(page.locator('[data-testid="stMetric"]').first).to_be_visible(timeout=150_000)
    assert no_traceback(page)
    thumb = page.locator('[data-testid="stSliderThumbValue"]').first
    assert thumb.evaluate("each => getComputedStyle(each).color") == "rgb(15, 108, 189)"
    page.goto(f"{server}/learn")
    settle(page)
    assert no_traceback(page)
    page.context.close()
