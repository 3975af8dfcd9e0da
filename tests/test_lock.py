"""The lock has every requirement at a version of its range, with hashes, and all it needs."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)[^\n]*\\\n((?:    --hash=[^\n]+\n?)+)", re.MULTILINE
)


def read_pins(text: str) -> dict[str, list[Version]]:
    """Versions by name; a package with markers may have several."""
    pins: dict[str, list[Version]] = {}
    for name, version, _hashes in PINNED.findall(text):
        pins.setdefault(canonicalize_name(name), []).append(Version(version))
    return pins


def read_requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def find_missing(requirements: list[Requirement], text: str) -> list[str]:
    """Requirements that a lock does not have at a version of their range."""
    pins = read_pins(text)
    missing = []
    for each in requirements:
        versions = pins.get(canonicalize_name(each.name), [])
        if not versions or not all(each.specifier.contains(version) for version in versions):
            missing.append(str(each))
    return missing


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-core.txt"])
def test_the_lock_has_every_requirement_in_its_range(name: str) -> None:
    assert find_missing(read_requirements(name), LOCK) == []


def test_a_requirement_that_is_absent_or_out_of_range_or_without_hash_is_found() -> None:
    wanted = [Requirement("httpx>=0.28,<1"), Requirement("Authlib>=1.6,<2")]
    whole = "authlib==1.9.0 \\\n    --hash=sha256:aa\nhttpx==0.28.1 \\\n    --hash=sha256:bb\n"
    assert find_missing(wanted, whole) == []
    assert find_missing(wanted, whole.replace("httpx==0.28.1", "httpcore==1.0")) == [str(wanted[0])]
    assert find_missing(wanted, whole.replace("1.9.0", "2.0.0")) == [str(wanted[1])]
    assert find_missing(wanted, whole.replace("    --hash=sha256:bb\n", "")) == [str(wanted[0])]


def test_the_lock_has_what_its_packages_need() -> None:
    """As the packages say that are installed here at the version of the lock."""
    pins = read_pins(LOCK)
    missing = set()
    for name, versions in pins.items():
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        if Version(installed.version) not in versions:
            continue
        for line in installed.requires or ():
            needed = Requirement(line)
            applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(needed.name) not in pins:
                missing.add(f"{name} needs {needed}")
    assert missing == set()


def test_the_extras_are_requirements_too() -> None:
    """A plain installation has everything but ``onnx``, so an extra needs no range of its own."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {str(each) for each in read_requirements("requirements.txt")}
    for name, lines in extras["optional-dependencies"].items():
        if name != "onnx":
            assert {str(Requirement(line)) for line in lines} <= known, name
