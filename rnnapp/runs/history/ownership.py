"""The process that looks after a run holds a lock for as long as it lives, however it dies."""

from __future__ import annotations

import os
import platform
import time
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from rnnapp.home import private_folder
from rnnapp.runs.history.records import Run

__all__ = ["Owner"]

_SILENCE = 120.0  # seconds after which an owner on another machine counts as dead


class Owner:
    """This process as the owner of runs, for as long as it lives.

    The operating system releases the lock when the process dies, a kill included, so the next start
    can distinguish a run that still runs elsewhere from one that was left behind.

    Attributes:
        id: its name in the run history.
    """

    def __init__(self) -> None:
        self.id = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._folder = private_folder("runs", "owners")
        self._lock = self._make_lock(self.id)
        self._lock.acquire(timeout=5)

    def owns(self, run: Run) -> bool:
        """Whether the run is ours."""
        return run.owner == self.id

    def is_alive(self, run: Run) -> bool:
        """Whether a run's owner lives: its process here, or a recent sign of life elsewhere."""
        if not run.owner.startswith(f"{platform.node()}-"):
            return time.time() - run.beat < _SILENCE
        lock = self._make_lock(run.owner)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        self._path_of(run.owner).unlink(missing_ok=True)
        return False

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()
        self._path_of(self.id).unlink(missing_ok=True)

    def _path_of(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"

    def _make_lock(self, owner: str) -> FileLock:
        return FileLock(self._path_of(owner), is_singleton=False, thread_local=False)
