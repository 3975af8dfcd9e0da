"""The documentation builds without a warning, and the README stays short and has its pictures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PICTURE = re.compile(r"docs/pictures/([\w-]+)\.webp")


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """A dead link or a name that the reference does not find is an error."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2000:]
    assert "WindowConfig" in (tmp_path / "reference" / "index.html").read_text()


def test_the_readme_is_short_and_its_pictures_are_there_and_small() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    names = set(_PICTURE.findall(text))
    assert {"drag", "forecast-light", "forecast-dark", "learn-light", "runs-dark"} <= names
    for name in names:
        size = (ROOT / "docs" / "pictures" / f"{name}.webp").stat().st_size
        assert size < {True: 1_500_000, False: 120_000}[name == "drag"], name


def test_the_script_makes_every_picture() -> None:
    """A page that joins the navigation gets its picture."""
    source = (ROOT / "scripts" / "pictures.py").read_text()
    for page in (ROOT / "pages").glob("*.py"):
        assert f'"{page.stem}": "/' in source
