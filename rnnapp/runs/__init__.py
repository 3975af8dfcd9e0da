"""Runs that survive: a job queue, a run history, a search.

    >>> from rnnapp.runs import record_run
    >>> run_id = record_run(trained, split)           # doctest: +SKIP

``history`` saves runs in MLflow, ``jobs`` runs work on dask workers, ``manager`` brings both
together, ``search`` looks for settings with Optuna. Names are imported at their first use,
since MLflow and dask take their time. ``keep`` is the former name of ``record_run``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnapp.runs.history.records import Run
    from rnnapp.runs.history.store import RunStore
    from rnnapp.runs.jobs.queue import JobQueue
    from rnnapp.runs.manager import LiveRun, RunManager
    from rnnapp.runs.record import record_run
    from rnnapp.runs.record import record_run as keep
    from rnnapp.runs.search.search import Search

__all__ = [
    "JobQueue",
    "LiveRun",
    "Run",
    "RunManager",
    "RunStore",
    "Search",
    "keep",
    "record_run",
]

_MODULES = {
    "JobQueue": "jobs.queue",
    "LiveRun": "manager",
    "Run": "history.records",
    "RunManager": "manager",
    "RunStore": "history.store",
    "Search": "search.search",
    "record_run": "record",
}
_FORMER_NAMES = {"keep": "record_run"}


def __getattr__(name: str) -> Any:
    current = _FORMER_NAMES.get(name, name)
    if current not in _MODULES:
        raise AttributeError(f"module 'rnnapp.runs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rnnapp.runs.{_MODULES[current]}"), current)
