"""The house's doors: a room imports only from rooms to its right, and Streamlit stays in the front rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rnnapp"
ROOMS = (
    "commands",
    "ui",
    "export",
    "figures",
    "runs",
    "recipes",
    "pretrained",
    "evaluation",
    "training",
    "models",
    "data",
    "home",
    "configs",
    "errors",
)
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Modules a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "rnnapp" and len(parts) > 1 and parts[1] in ROOMS else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_rooms_to_its_right(path: Path) -> None:
    own = room_of("rnnapp." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    if own is None:
        return
    wrong = {
        m
        for m in imported(path)
        if (room := room_of(m)) is not None and ROOMS.index(room) < ROOMS.index(own)
    }
    assert not wrong, f"{path.name} is in {own} and may not import {wrong}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_front_rooms_know_streamlit(path: Path) -> None:
    if path.is_relative_to(PACKAGE / "ui"):
        return
    assert not {
        m for m in imported(path) if m.split(".")[0] in ("streamlit", "streamlit_drawable_canvas")
    }


def test_pages_are_thin() -> None:
    """A page reads inputs, calls and shows; what is longer belongs into a room."""
    for page in (PACKAGE.parent / "pages").glob("*.py"):
        assert len(page.read_text().splitlines()) <= 60, page.name


def test_the_map_names_every_module() -> None:
    """The README lists each module in a line, so that a file can be guessed from the feature."""
    readme = (PACKAGE.parent / "README.md").read_text()
    pages = sorted((PACKAGE.parent / "pages").glob("*.py"))
    places = [path.relative_to(PACKAGE.parent).as_posix() for path in (*FILES, *pages)]
    missing = [place for place in places if "__init__" not in place and f"`{place}`" not in readme]
    assert not missing
