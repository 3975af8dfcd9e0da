"""Read the bytes of a file: regular files only, up to a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rnnapp.errors import DataError

__all__ = ["read_regular_file"]

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe is not waited for


def read_regular_file(path: str | Path, *, limit: int, takes: str) -> bytes:
    """The content of a regular file; a pipe, a device or a folder is never read.

    Args:
        path: where it lies.
        limit: the most bytes it may have.
        takes: what is expected, for the remedy ("a CSV file of prices").

    Raises:
        DataError: no such file, no permission, not a regular file, or larger than the limit.
    """
    name = Path(path).name or str(path)
    remedy = f"Use {takes}."
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise DataError(f"{name} cannot be opened ({reason}).", remedy=remedy) from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        kind = _kind_of(about.st_mode)
        raise DataError(f"{name} is not a regular file but {kind}.", remedy=remedy)
    content = b""
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size <= limit:
            content = file.read(limit + 1)  # bounded, for a file that grows while it is read
    size = max(about.st_size, len(content))
    if size > limit:
        raise DataError(
            f"{name} has {size / 1e6:.1f} MB; the limit is {limit / 1e6:.0f} MB.",
            remedy="Use a smaller file.",
        )
    return content


def _kind_of(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a device"
