"""Seconds of workers that each person has used today (UTC), in a file that outlives the server."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from filelock import FileLock, Timeout

from rnnapp.errors import HomeError
from rnnapp.home import private_folder, replace_private

__all__ = ["DayUsage"]

_FILE = "usage.json"
_WAIT = 2.0  # seconds that another process may hold the file


class _Record(TypedDict):
    day: str
    seconds: dict[str, float]


class DayUsage:
    """What each person's jobs have taken since midnight, UTC.

    All processes of a server with the same folder count together. Where the file cannot be used,
    each counts for itself.

    Args:
        file: where it is saved; a file of the app's own folder by default.
        clock: seconds since 1970.
    """

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._record: _Record = {"day": "", "seconds": {}}
        self._modified = 0
        self._threads = threading.Lock()

    def add(self, person: str, seconds: float) -> None:
        """Count the seconds of a job that has ended."""
        with self._threads, contextlib.ExitStack() as held:
            with contextlib.suppress(OSError, HomeError, Timeout):
                held.enter_context(self._lock())
                self._read()
            today = self._today()
            today[person] = today.get(person, 0.0) + seconds
            with contextlib.suppress(OSError, HomeError):
                self._write()

    def seconds_of(self, person: str) -> float:
        """What a person's ended jobs have taken today."""
        with self._threads:
            with contextlib.suppress(OSError, HomeError):
                self._read()
            return self._today().get(person, 0.0)

    def _today(self) -> dict[str, float]:
        day = dt.datetime.fromtimestamp(self._clock(), dt.UTC).date().isoformat()
        if self._record["day"] != day:
            self._record = {"day": day, "seconds": {}}
        return self._record["seconds"]

    def _path(self) -> Path:
        if self._file is None:
            self._file = private_folder("people") / _FILE
        return self._file

    def _lock(self) -> FileLock:
        return FileLock(f"{self._path()}.lock", timeout=_WAIT, is_singleton=False)

    def _read(self) -> None:
        """Read the file where another process has changed it."""
        file = self._path()
        if not file.exists():
            return
        modified = file.stat().st_mtime_ns
        if modified == self._modified:
            return
        with contextlib.suppress(ValueError, TypeError, KeyError):  # cut short by a full disk
            found = json.loads(file.read_text())
            seconds = {str(person): float(used) for person, used in found["seconds"].items()}
            self._record = {"day": str(found["day"]), "seconds": seconds}
            self._modified = modified

    def _write(self) -> None:
        file = self._path()
        replace_private(file, json.dumps(self._record))
        self._modified = file.stat().st_mtime_ns
