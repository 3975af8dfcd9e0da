"""What import-linter cannot say: pages are thin, and the map names every module in its words.

The doors themselves are contracts in ``pyproject.toml``, held by ``lint-imports``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "pages").glob("*.py"))
MODULES = sorted((ROOT / "rnnapp").rglob("*.py"))
MAPPED = [path for path in (*MODULES, *PAGES) if path.name != "__init__.py"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_thin(page: Path) -> None:
    """A page reads inputs, calls and shows; what is longer belongs in a room."""
    assert len(page.read_text().splitlines()) <= 60


@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_map_gives_a_modules_own_summary(path: Path) -> None:
    """The map lists each module in a line, so that a file can be guessed from the feature."""
    summary = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0]
    line = f"- `{path.relative_to(ROOT).as_posix()}`: {summary.rstrip('.')}"
    assert line in (ROOT / "docs" / "map.md").read_text().splitlines()
