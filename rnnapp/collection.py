"""No garbage collection while what is made stays, as imports and loaded kernels do."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["pause_collection"]

_lock = threading.Lock()
_pauses = 0


@contextmanager
def pause_collection() -> Iterator[None]:
    """Collect no garbage inside the block, nor look later through what was made in it.

    Importing torch, numba and pandas makes a million objects that stay; looking through them again
    and again is a sixth of the time that it takes. Blocks may overlap, in threads too.
    """
    global _pauses
    with _lock:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses:
                gc.freeze()
                gc.enable()
