"""Results by their settings.

Cached for a session, and computed once for all sessions that request them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import streamlit as st
from cachetools import LRUCache

from rnnapp.data.sequences import Split
from rnnapp.training.loop import TrainedModel
from rnnapp.ui import keys

__all__ = [
    "SharedResults",
    "abort_if_stale",
    "compute_shared",
    "drop_result",
    "recall_result",
    "remember_result",
    "result_key",
    "split_key",
]

T = TypeVar("T")
_SESSION_RESULTS = 36  # a setting of Forecast has three: the net, its outlook and the fan
_SERVER_RESULTS = 96


def recall_result(key: Hashable) -> Any | None:
    """The result that this session has for these settings, if any: going back is immediate."""
    return _session_results().get(key)


def remember_result(key: Hashable, value: T) -> T:
    """Cache a result of this session under its settings; the least recently used one is evicted."""
    _session_results()[key] = value
    return value


def drop_result(key: Hashable) -> None:
    """Forget this session's result for these settings, so that it can be computed again."""
    _session_results().pop(key, None)


def compute_shared(
    key: Hashable, make: Callable[[], T], *, shareable: Callable[[T], bool] = lambda _: True
) -> T:
    """Compute a result at most once for all sessions: a class that drags one slider trains one net.

    Args:
        key: the settings.
        make: computes the result; called in this session's run of the page, or not at all.
        shareable: whether other sessions may have the result; a training that broke off stays
            with the session that saw it.
    """
    found: T | None = recall_result(key)
    if found is not None:
        return found
    return remember_result(key, _server_results().get(key, make, shareable))


def abort_if_stale() -> None:
    """End this run of the page if a control has moved since it began.

    Streamlit checks for a newer run whenever the session's state is read, and raises in this one.
    """
    _session_results()


def split_key(split: Split, *settings: Hashable) -> tuple[Hashable, ...]:
    """Identity of a computation.

    The data, its name (for no one else to read), and every setting.
    """
    return (split.fingerprint, split.name, split.config, len(split.train), *settings)


def result_key(trained: TrainedModel, split: Split) -> tuple[Hashable, ...]:
    """Identity of a trained model: what it was computed from, and how far."""
    progress = (len(trained.history), trained.stopped, trained.backend, trained.device)
    return split_key(split, trained.model, trained.train, *progress)


class SharedResults:
    """Results by their settings. A caller that requests one being computed waits for it.

    Args:
        size: number of results; the least recently used one is evicted.
    """

    def __init__(self, size: int = _SERVER_RESULTS) -> None:
        self._lock = threading.Lock()
        self._results: LRUCache[Hashable, Future[Any]] = LRUCache(size)

    def get(self, key: Hashable, make: Callable[[], T], shareable: Callable[[T], bool]) -> T:
        """The result for a key, computed here, or by whoever requested it first."""
        own: Future[Any] = Future()
        while True:
            with self._lock:
                future = self._results.setdefault(key, own)
            if future is own:
                return self._compute(key, own, make, shareable)
            found = future.result()
            if found is not None:
                return cast(T, found)

    def _compute(
        self, key: Hashable, own: Future[Any], make: Callable[[], T], shareable: Callable[[T], bool]
    ) -> T:
        shared: T | None = None
        try:
            value = make()
            if shareable(value):
                shared = value
            return value
        finally:  # waiting callers go on whatever happened, and compute it anew where it is None
            if shared is None:
                with self._lock:
                    if self._results.get(key) is own:
                        del self._results[key]
            own.set_result(shared)


def _session_results() -> LRUCache[Hashable, Any]:
    if keys.RESULTS not in st.session_state:
        st.session_state[keys.RESULTS] = LRUCache(_SESSION_RESULTS)
    return cast("LRUCache[Hashable, Any]", st.session_state[keys.RESULTS])


@st.cache_resource(show_spinner=False)
def _server_results() -> SharedResults:
    return SharedResults()
