"""Every key of the session's state that is not a setting's name: one meaning each.

A setting's name (:mod:`rnnapp.configs`) is its control's key on every page that has the control.
The keys below are those of a page's own controls, and those that no control has (with a leading
underscore). A key that is in the address as well keeps its name: addresses are saved by people.
"""

from __future__ import annotations

__all__ = ["RECIPE_RESULTS", "RESULTS", "SAVED_RUNS", "collected_key", "task_key"]

RESULTS = "_results"
"""Results of this session by their settings (:mod:`rnnapp.ui.results`)."""
RECIPE_RESULTS = "_recipe_results"
"""What this session's runs of recipes gave, by recipe."""
SAVED_RUNS = "_saved_runs"
"""Ids of saved runs by what was computed (:func:`rnnapp.ui.results.result_key`)."""


def task_key(place: str) -> str:
    """Key of the long job that this session began at a place (:mod:`rnnapp.ui.tasks`)."""
    return f"_task_{place}"


def collected_key(place: str) -> str:
    """Key of the token of the job that this session collected last at a place."""
    return f"_collected_{place}"
