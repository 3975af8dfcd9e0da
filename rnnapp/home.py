"""The app's own folder, private to its user: what it fetched, compiled and recorded."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import stat
import tempfile
from pathlib import Path

from rnnapp.errors import HomeError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["home", "make_private", "private_folder", "replace_private", "writable"]

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_REMEDY = N_("Name a folder of your own in RNNAPP_HOME.")
logger = logging.getLogger(__name__)


def home() -> Path:
    """The folder that ``RNNAPP_HOME`` names, else one among the user's own data; created on demand.

    Where it cannot be written to (a read-only machine, a container without a home), a private
    temporary folder stands in, and a warning is logged.

    Raises:
        HomeError: the folder cannot be written to, and the temporary one belongs to somebody else.
    """
    chosen = os.environ.get("RNNAPP_HOME")
    if chosen:
        folder = Path(chosen)
    else:
        import platformdirs

        folder = platformdirs.user_data_path("rnnapp", appauthor=False)
    if writable(folder):
        if not chosen:
            _close_to_others(folder)
        return folder
    return _temporary_home(Path(tempfile.gettempdir()))


def private_folder(*names: str) -> Path:
    """A folder below :func:`home`, each level of it closed to others; created on demand.

    What libraries write into it is private whatever rights the files themselves have.

    Raises:
        OSError: it cannot be created.
        HomeError: as :func:`home`.
    """
    folder = home()
    for name in names:
        folder = folder / name
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        _close_to_others(folder)
    return folder


def make_private(file: Path) -> Path:
    """Create a file for its owner alone, or take the others' rights to it away; returns it.

    What a library writes into an existing file (a database, its journals) stays as private.
    """
    with contextlib.suppress(OSError):  # somebody else's file, or a disk without rights
        file.touch(_FILE_MODE)
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            file.chmod(_FILE_MODE)
    return file


def replace_private(file: Path, text: str) -> None:
    """Write a file for its owner alone, whole: whoever reads it finds the former or the new text.

    Raises:
        OSError: it cannot be written.
    """
    part = make_private(file.with_name(f"{secrets.token_hex(4)}.part"))
    part.write_text(text, "utf-8")
    part.replace(file)


def writable(folder: Path) -> bool:
    """Whether a file can be written there; a missing folder is created, closed to others."""
    try:
        _make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)


def _close_to_others(folder: Path) -> None:
    """Take others' rights away from a folder that an earlier version left open."""
    with contextlib.suppress(OSError):
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(_FOLDER_MODE)


def _temporary_home(parent: Path) -> Path:
    """A folder of the user's own among the temporary files.

    Everybody may write there, so a folder of this name is used only if it is ours, is no link, and
    is closed to others.
    """
    folder = parent / _user_folder_name()
    with contextlib.suppress(OSError):
        folder.mkdir(_FOLDER_MODE)
    if not _is_private(folder) or not writable(folder):
        raise HomeError(
            _(
                "There is no folder to save in: the app's own cannot be written to, and "
                "the temporary folder {name} is missing, or open to others."
            ).format(name=folder.name),
            remedy=_(_REMEDY),
        )
    _warn_once(folder.name)
    return folder


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "getuid"):  # Windows: the temporary folder is the user's own
        return True
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077


@functools.cache
def _warn_once(name: str) -> None:
    logger.warning(
        "The app's folder cannot be written to; the temporary folder %s is used. %s",
        name,
        _(_REMEDY),
    )


def _user_folder_name() -> str:
    if hasattr(os, "getuid"):
        return f"rnnapp-{os.getuid()}"
    return f"rnnapp-{os.environ.get('USERNAME', 'me')}"
