"""Read the bytes of a file: regular files only, up to a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rnnapp.errors import DataError
from rnnapp.language import gettext as _

__all__ = ["check_size", "read_regular_file"]

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe is not waited for


def read_regular_file(
    path: str | Path,
    *,
    limit: int,
    takes: str,
    name: str = "",
    kind: type[DataError] = DataError,
) -> bytes:
    """The content of a regular file; a pipe, a device or a folder is never read.

    Args:
        path: where it lies.
        limit: the most bytes it may have.
        takes: what is expected, for the remedy ("a CSV file of prices").
        name: what to call it in an error; its own name by default.
        kind: the error to raise.

    Raises:
        DataError: no such file, no permission, not a regular file, or larger than the limit.
    """
    name = name or Path(path).name or str(path)
    remedy = _("Use {takes}.").format(takes=takes)
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _("its name is not valid")
        raise kind(
            _("{name} cannot be opened ({reason}).").format(name=name, reason=reason), remedy=remedy
        ) from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        if stat.S_ISDIR(about.st_mode):
            raise kind(
                _("{name} cannot be opened (it is a folder).").format(name=name), remedy=remedy
            )
        raise kind(
            _("{name} is not a regular file but a pipe or a device.").format(name=name),
            remedy=remedy,
        )
    content = b""
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size <= limit:
            content = file.read(limit + 1)  # bounded, for a file that grows while it is read
    check_size(max(about.st_size, len(content)), name, limit, kind)
    return content


def check_size(size: int, name: str, limit: int, kind: type[DataError] = DataError) -> None:
    """Refuse more bytes than the limit.

    Raises:
        DataError: or the given kind of it.
    """
    if size > limit:
        raise kind(
            _("{name} has {size:.1f} MB; at most {limit:.0f} MB are read.").format(
                name=name, size=size / 1e6, limit=limit / 1e6
            ),
            remedy=_("Use a smaller file, or a shorter period."),
        )
