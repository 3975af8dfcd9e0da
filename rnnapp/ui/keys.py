"""Every key of the session's state that is not a setting's name: one meaning each.

A setting's name (:mod:`rnnapp.configs`) is its control's key on every page that has the control.
The keys below are those of a page's own controls, and those that no control has (with a leading
underscore). A key that is in the address as well keeps its name: addresses are saved by people.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "EXPLAINED_DAY",
    "LANGUAGE",
    "LOOKS",
    "OUTLOOKS_RECORDED",
    "OUTLOOK_FAILED",
    "OUTLOOK_LEVEL",
    "OUTLOOK_RETRAIN",
    "RECIPE_RESULTS",
    "RESULTS",
    "SAVED_RUNS",
    "SEAL",
    "SEAL_OPENED",
    "SEAL_WORD",
    "SECOND_FILE",
    "SECOND_JOINED",
    "SECOND_NEW",
    "SHIFT",
    "SHIFT_NEXT",
    "SHIFT_TARGET",
    "collected_key",
    "epoch_key",
    "next_epoch_key",
    "playing_key",
    "task_key",
]

EXPLAINED_DAY = "explained_day"
"""The test day that is taken apart by the days of its window."""
LANGUAGE = "_language"
"""The language that this session chose (:mod:`rnnapp.ui.language`)."""
LOOKS = "_looks"
"""Settings of this session seen on the test part, by series (:mod:`rnnapp.ui.looks`)."""
OUTLOOKS_RECORDED = "_outlooks_recorded"
"""Outlooks of this session that are in the ledger."""
OUTLOOK_FAILED = "_outlook_failed"
"""Settings of the outlook's nets that were started last: not again by themselves."""
OUTLOOK_LEVEL = "outlook_level"
"""Nominal coverage of the next days' intervals, percent."""
OUTLOOK_RETRAIN = "outlook_retrain"
"""The switch that trains five nets again on all rows for the next days."""
RECIPE_RESULTS = "_recipe_results"
"""What this session's runs of recipes gave, by recipe."""
RESULTS = "_results"
"""Results of this session by their settings (:mod:`rnnapp.ui.results`)."""
SAVED_RUNS = "_saved_runs"
"""Ids of saved runs by what was computed (:func:`rnnapp.ui.results.result_key`)."""
SEAL = "seal_test"
"""The switch that seals the test part."""
SEAL_OPENED = "_seal_opened"
"""When the test part was opened, by series."""
SEAL_WORD = "seal"
"""The same in the address."""
SECOND_FILE = "_second_file"
"""SHA-256 of the file that this session joins as a second series."""
SECOND_JOINED = "_second_joined"
"""The prices with the second series joined last, by data and series."""
SECOND_NEW = "_second_new"
"""Whether the second series was just chosen by hand, and so becomes a feature."""
SHIFT = "shift"
"""Days that the forecast is moved by."""
SHIFT_NEXT = "_shift_next"
"""Where its animation goes next."""
SHIFT_TARGET = "_shift_target"
"""Where its animation ends."""


def task_key(place: str) -> str:
    """Key of the long job that this session began at a place (:mod:`rnnapp.ui.tasks`)."""
    return f"_task_{place}"


def collected_key(place: str) -> str:
    """Key of the token of the job that this session collected last at a place."""
    return f"_collected_{place}"


def epoch_key(place: str, epochs: Sequence[int]) -> str:
    """Key of the slider over the past epochs of a training (:mod:`rnnapp.ui.epoch_slider`)."""
    return f"_epoch_{place}_{len(epochs)}_{max(epochs, default=0)}"


def next_epoch_key(place: str) -> str:
    """Key of the epoch that this slider goes to next by itself."""
    return f"_epoch_{place}_next"


def playing_key(place: str) -> str:
    """Key of whether this slider's epochs are played."""
    return f"_epoch_{place}_playing"
