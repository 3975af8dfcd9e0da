"""What was computed, under its settings: kept for a session, made once for all of them, and what is still under way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

import streamlit as st

from rnnapp.data.sequences import Split

__all__ = [
    "forget",
    "once",
    "recall",
    "remember",
    "share",
    "shared",
    "split_key",
    "superseded",
    "under_way",
]

T = TypeVar("T")
_KEPT = 24  # results a session keeps
_MADE = 32  # results the server keeps
_SHARED = 16  # trainings under way or just ended


def recall(key: Hashable) -> Any | None:
    """What this session computed under these settings, if it still has it: going back is immediate."""
    kept: OrderedDict[Hashable, Any] = st.session_state.setdefault("_results", OrderedDict())
    if key in kept:
        kept.move_to_end(key)
    return kept.get(key)


def remember(key: Hashable, value: T) -> T:
    """Keep a result under its settings; the oldest goes when there are too many."""
    kept: OrderedDict[Hashable, Any] = st.session_state.setdefault("_results", OrderedDict())
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return value


def once(key: Hashable, make: Callable[[], T], *, whole: Callable[[T], bool] = lambda _: True) -> T:
    """What these settings give, computed at most once however many sessions ask: a class that drags one slider trains one net.

    Args:
        key: the settings.
        make: computes it; called in this session's run of the page, or not at all.
        whole: tells of a result whether every session may have it; one that broke off stays with the session that saw it.
    """
    found: T | None = recall(key)
    return remember(key, _made().get(key, make, whole)) if found is None else found


def superseded() -> None:
    """End this run of the page if a control has moved since it began: Streamlit looks whenever the session is asked."""
    recall(None)


def share(key: Hashable, job: T) -> T:
    """Let every tab that asks for these settings find what is under way for them, a reloaded one too."""
    jobs = _jobs()
    jobs[key] = job
    while len(jobs) > _SHARED:
        jobs.popitem(last=False)
    return job


def shared(key: Hashable) -> Any | None:
    """What is under way for these settings, or has ended of late, in whatever tab it was begun."""
    return _jobs().get(key)


def under_way(place: str, key: Hashable) -> Any | None:
    """What this session began at ``place``, else what is shared for these settings while they have no result."""
    return st.session_state.get(place) or (shared(key) if recall(key) is None else None)


def forget(key: Hashable) -> None:
    """Share no more what has ended with nothing to show: it can be begun again, and its error is told once."""
    _jobs().pop(key, None)


def split_key(split: Split, *settings: Hashable) -> Hashable:
    """What makes two runs the same: the data with their name, which nobody else is to read, and every setting."""
    return (split.fingerprint, split.name, split.config, len(split.train), *settings)


class _Made:
    """Results by their settings. Who asks for one that is being made waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], whole: Callable[[T], bool]) -> T:
        mine: Future[Any] = Future()
        while True:
            with self._lock:
                theirs = self._results.setdefault(key, mine)
                self._results.move_to_end(key)
                while len(self._results) > _MADE:
                    self._results.popitem(last=False)
            if theirs is mine:
                return self._make(key, mine, make, whole)
            if (found := theirs.result()) is not None:
                return found  # type: ignore[no-any-return]

    def _make(
        self, key: Hashable, mine: Future[Any], make: Callable[[], T], whole: Callable[[T], bool]
    ) -> T:
        kept: T | None = None
        try:
            value = make()
            kept = value if whole(value) else None
            return value
        finally:  # who waits is let go whatever happened, and makes it anew where there is nothing to be had
            if kept is None:
                with self._lock:
                    if self._results.get(key) is mine:
                        del self._results[key]
            mine.set_result(kept)


@st.cache_resource(show_spinner=False)
def _made() -> _Made:
    return _Made()


@st.cache_resource(show_spinner=False)
def _jobs() -> OrderedDict[Hashable, Any]:
    return OrderedDict()
