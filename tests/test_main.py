"""The command line's front: verbs, and what it costs to list them."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from rnnapp.__main__ import VERBS

ROOT = Path(__file__).parents[1]
HEAVY = {
    "arch",
    "distributed",
    "mlflow",
    "numba",
    "numpy",
    "optuna",
    "pandas",
    "plotly",
    "scipy",
    "sklearn",
    "statsmodels",
    "streamlit",
    "torch",
    "yfinance",
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_verbs_says_what_the_verb_says(verb: str) -> None:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    importlib.import_module(f"rnnapp.commands.{verb}").register(subparsers)
    (listed,) = subparsers._choices_actions
    assert (listed.dest, listed.help) == (verb, VERBS[verb])


def test_every_verb_is_listed() -> None:
    helpers = {"__init__", "arguments"}
    found = {path.stem for path in (ROOT / "rnnapp" / "commands").glob("*.py")} - helpers
    assert found == set(VERBS)


def loaded(*arguments: str) -> set[str]:
    """Heavy packages that a command line has imported at its end."""
    code = (
        "import sys; from rnnapp.__main__ import main\n"
        f"try: main({list(arguments)!r})\n"
        "except SystemExit: pass\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return HEAVY & set(done.stdout.rpartition("LOADED")[2].split())


def test_help_imports_nothing_heavy() -> None:
    assert loaded("--help") == set()


def test_reading_a_price_file_needs_pandas_alone(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("Date,Close\n2020-01-01,1\n2020-01-02,2\n")
    assert loaded("prices", str(file)) <= {"numpy", "pandas"}


def test_training_needs_no_statistics_and_no_history(tmp_path: Path) -> None:
    """Each of these takes a second or more."""
    rows = "\n".join(
        f"2020-{1 + day // 28:02}-{1 + day % 28:02},{100 + day % 7}" for day in range(99)
    )
    file = tmp_path / "prices.csv"
    file.write_text(f"Date,Close\n{rows}\n")
    assert loaded("train", str(file), "--epochs=1", "--json") <= {
        "numba",
        "numpy",
        "pandas",
        "torch",
        "scipy",
    }
