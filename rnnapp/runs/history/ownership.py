"""The process that looks after a run holds a lock for as long as it lives, however it dies."""

from __future__ import annotations

import hashlib
import os
import platform
import time
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from rnnapp.home import private_folder
from rnnapp.runs.history.records import Run

__all__ = ["NEXT_START", "Owner"]

NEXT_START = "next start"
"""Owner of a run that the next start goes on with."""

_CLAIM_WAIT = 30.0  # seconds that another start may take
_SILENCE = 120.0  # seconds after which an owner in another place counts as dead


class Owner:
    """This process as the owner of runs, for as long as it lives.

    The operating system releases the lock when the process dies, a kill included, so the next start
    can distinguish a run that still runs elsewhere from one that was left behind.

    Attributes:
        id: its name in the run history.
    """

    def __init__(self) -> None:
        self._folder = private_folder("runs", "owners")
        self.id = f"{self._place()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lock = self._make_lock(self.id)
        self._lock.acquire(timeout=5)

    def owns(self, run: Run) -> bool:
        """Whether the run is ours."""
        return run.owner == self.id

    def is_alive(self, run: Run) -> bool:
        """Whether a run's owner lives: its process here, or a recent sign of life elsewhere.

        Elsewhere is another machine, or another home of the app on this one: its locks are there.
        """
        if not run.owner.startswith(f"{self._place()}-"):
            return time.time() - run.beat < _SILENCE
        lock = self._make_lock(run.owner)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        self._path_of(run.owner).unlink(missing_ok=True)
        return False

    def claim_lock(self) -> FileLock:
        """Held while runs that were drained are taken over: of two starts, one gets them."""
        return FileLock(self._folder / "claim.lock", timeout=_CLAIM_WAIT)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()
        self._path_of(self.id).unlink(missing_ok=True)

    def _place(self) -> str:
        """This machine and this home of the app, in which owners find each other's locks."""
        folder = hashlib.sha256(str(self._folder.resolve()).encode()).hexdigest()
        return f"{platform.node()}-{folder[:8]}"

    def _path_of(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"

    def _make_lock(self, owner: str) -> FileLock:
        return FileLock(self._path_of(owner), is_singleton=False, thread_local=False)
