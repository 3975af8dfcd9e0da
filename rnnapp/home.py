"""The folder in which this program keeps what it fetched and learned."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

__all__ = ["home", "writable"]


def home() -> Path:
    """The folder ``RNNAPP_HOME`` names, else one among the person's own data; made on demand.

    Where it cannot be written to (a read-only machine, a container without a home), a temporary folder stands in.
    """
    chosen = os.environ.get("RNNAPP_HOME")
    for folder in (
        Path(chosen) if chosen else _platform_folder(),
        Path(tempfile.gettempdir()) / f"rnnapp-{_user()}",
    ):
        if writable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="rnnapp-"))


def _platform_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "rnnapp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "rnnapp"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "rnnapp"


def writable(folder: Path) -> bool:
    """Whether a file can be written there; the folder is made where it is not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "me")
