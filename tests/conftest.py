"""What all tests share: fixed seeds, a home of their own, no skipped browser tests under CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
_skipped_browser: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes a person's own data folder."""
    before = os.environ.get("RNNAPP_HOME")
    home = tmp_path_factory.mktemp("home")
    kernels = ROOT / ".pytest_cache" / "numba"  # compiled once, not once a run
    kernels.mkdir(parents=True, exist_ok=True)
    (home / "numba").symlink_to(kernels, target_is_directory=True)
    os.environ["RNNAPP_HOME"] = str(home)
    os.environ["RNNAPP_FIXED_KERNELS"] = "0"  # no compiler at work beside the tests
    yield home
    if before is None:
        del os.environ["RNNAPP_HOME"]
    else:
        os.environ["RNNAPP_HOME"] = before


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Nothing drawn at random differs between two runs of the tests."""
    torch.manual_seed(0)
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        skip = pytest.mark.skip(reason="this machine shows no CUDA device")
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(skip)
    for item in items:  # scripts/test looks for them there only
        room = item.path.relative_to(ROOT / "tests").parts[0]
        if item.get_closest_marker("browser"):  # reported as R, with its first failure
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=5))
        if item.get_closest_marker("faults") and room not in ("browser", "runs"):
            raise pytest.UsageError(f"move {item.nodeid} to tests/runs or tests/browser")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and "browser" in report.keywords:
        _skipped_browser.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a browser test that was skipped is a failure.

    It would hide a page that nobody looked at.
    """
    if (
        os.environ.get("CI") == "true"
        and _skipped_browser
        and not hasattr(session.config, "workerinput")
    ):
        print("\nskipped browser tests under CI:", *_skipped_browser, sep="\n  ")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
