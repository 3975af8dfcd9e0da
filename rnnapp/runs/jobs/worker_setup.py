"""What a worker process does before its first job: imports, compiled code and its priority."""

from __future__ import annotations

import functools
import importlib
import os
import threading
from collections.abc import Sequence

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

__all__ = ["WorkerSetup"]


class WorkerSetup(WorkerPlugin):  # type: ignore[misc]
    """Prepares each worker, also one that joins later or is started again.

    Args:
        preload: modules to import, as ``module``, or ``module:function`` to call a function of it.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._preload = tuple(preload)

    def setup(self, worker: Worker) -> None:
        """Called by dask in the worker process; the imports go on in the background."""
        _lower_priority()
        threading.Thread(target=_import_modules, args=(self._preload,), daemon=True).start()


def _import_modules(preload: Sequence[str]) -> None:
    for entry in preload:
        name, _, function = entry.partition(":")
        module = importlib.import_module(name)
        if function:
            getattr(module, function)()


@functools.cache
def _lower_priority() -> None:
    """Let the pages of a person's own machine go first; once in each worker process."""
    if hasattr(os, "nice"):
        os.nice(int(os.environ.get("RNNAPP_NICE", "0")))
