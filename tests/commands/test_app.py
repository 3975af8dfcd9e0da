"""``rnnapp`` without a verb opens the dashboard; a slim installation does all without one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rnnapp
from rnnapp.__main__ import EXTRAS, VERBS, main
from rnnapp.commands import app

ROOT = Path(__file__).parents[2]
BLOCKED = ("streamlit", "mlflow", "dask", "distributed", "optuna", "starlette", "authlib")
SLIM = """
import sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocked())
from rnnapp.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines by which Streamlit was started."""
    found: list[list[str]] = []
    monkeypatch.setattr(app.os, "execv", lambda _, command: found.append(command) or 1 / 0)
    return found


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ([], []),
        (["app"], []),
        (["--port", "8600"], ["--server.port=8600"]),
        (
            ["--no-browser", "--server.address=0.0.0.0"],
            ["--server.address=0.0.0.0", "--server.headless=true"],
        ),
    ],
)
def test_no_verb_is_the_dashboard(
    started: list[list[str]], words: list[str], more: list[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        main(words)
    assert started == [
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *more],
    ]


def test_other_verbs_take_no_streamlit_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["runs", "--server.port=1"])
    assert "unrecognized arguments: --server.port=1" in capsys.readouterr().err


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"rnnapp {rnnapp.__version__}\n"


def test_a_shell_completes_verbs_and_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert all(verb in script for verb in VERBS)
    assert "--horizon" in script


def test_a_reader_that_leaves_early_gets_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in ``rnnapp --completion bash | head``."""

    def refuse(*_unused: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", refuse)
    assert main(["--completion", "bash"]) == 1


def run_slim(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command line where the packages of all extras are missing."""
    return subprocess.run(
        [sys.executable, "-c", SLIM.format(blocked=BLOCKED), *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_core_needs_no_dashboard_history_cluster_or_search(tmp_path: Path) -> None:
    rows = "\n".join(
        f"2020-{1 + day // 28:02}-{1 + day % 28:02},{100 + day % 7}" for day in range(99)
    )
    file = tmp_path / "prices.csv"
    file.write_text(f"Date,Close\n{rows}\n")
    quick = ("--epochs=1", "--window=4", "--backend=torch", "--json")
    for words in (
        ("prices", str(file), "--json"),
        ("train", str(file), *quick),
        ("forecast", str(file), *quick),
    ):
        done = run_slim(tmp_path, *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("{")
    kept = run_slim(tmp_path, "runs", "list")
    assert kept.returncode == 2
    assert "pip install 'rnnapp[runs]'" in kept.stderr
    assert "Traceback" not in kept.stderr


def test_the_lists_of_requirements_agree() -> None:
    """Everything is the core and the extras, with the same ranges."""

    def read(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    added = {line for name, lines in extras.items() if name != "onnx" for line in lines}
    assert read("requirements.txt") == read("requirements-core.txt") | added
    assert not read("requirements-core.txt") & added
    assert set(EXTRAS.values()) == set(extras)


def test_a_class_begins_from_an_address(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RNNAPP_CLASS", "")
    for words, chosen in (
        (["--class"], "1"),
        (["--class", "rows=500&window=20", "--port", "9000"], "rows=500&window=20"),
    ):
        with pytest.raises(ZeroDivisionError):
            main(words)
        assert os.environ["RNNAPP_CLASS"] == chosen
    before = len(started)
    for typo in ("windw=20", "window=many", "window=99999"):
        assert main(["--class", typo]) == 2
    assert "windw is no setting of a page" in capsys.readouterr().err
    assert len(started) == before
