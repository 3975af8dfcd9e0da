"""The public names: sorted, importable, and what the README's ten lines need."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import rnnapp

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "rnnapp").rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py", "dashboard.py")  # programs, not modules
)


def test_all_is_sorted_and_true() -> None:
    names = rnnapp.__all__
    assert names == sorted(names, key=lambda name: (name.lower() == name, name))
    assert all(getattr(rnnapp, name) is not None for name in names)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_offers(module: str) -> None:
    loaded = importlib.import_module(module)
    assert loaded.__doc__
    assert all(hasattr(loaded, name) for name in loaded.__all__)


def test_the_examples_in_docstrings_run() -> None:
    for name in ("rnnapp", "rnnapp.configs", "rnnapp.models.recurrent"):
        result = doctest.testmod(importlib.import_module(name))
        assert result.attempted > 0
        assert result.failed == 0


def test_importing_the_package_is_cheap() -> None:
    """A command that only reads a file must not pay for torch, nor anyone for the page."""
    code = (
        "import sys, rnnapp; rnnapp.read_prices; "
        "print(sorted({'torch', 'streamlit', 'mlflow', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
