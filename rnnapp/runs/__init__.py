"""Runs that survive: a job engine, a run history, a search.

    >>> from rnnapp.runs import keep
    >>> run_id = keep(trained, split)           # doctest: +SKIP

``store`` keeps runs in MLflow, ``engine`` runs jobs on dask workers, ``desk`` brings both together, ``search`` looks for
settings with Optuna. Names are imported when first asked for: MLflow and dask take their time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnapp.runs.history.records import Run
    from rnnapp.runs.history.store import Store
    from rnnapp.runs.jobs.queue import Engine
    from rnnapp.runs.manager import Desk, Live
    from rnnapp.runs.record import keep
    from rnnapp.runs.search.search import Search

__all__ = ["Desk", "Engine", "Live", "Run", "Search", "Store", "keep"]

_HOMES = {
    "manager": ("Desk", "Live"),
    "jobs.queue": ("Engine",),
    "record": ("keep",),
    "history.records": ("Run",),
    "search.search": ("Search",),
    "history.store": ("Store",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"rnnapp.runs.{home}"), name)
    raise AttributeError(f"module 'rnnapp.runs' has no attribute {name!r}")
