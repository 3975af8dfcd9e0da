"""The one desk of this server, and what any page may do with it: hand in a run, watch it, keep one."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Sequence
from contextlib import suppress

import plotly.graph_objects as go
import streamlit as st

from rnnapp.configs import Settings
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.errors import RnnappError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.figures.digits import learning_figure
from rnnapp.figures.forecast import loss_figure
from rnnapp.figures.style import line_of
from rnnapp.runs.history.records import Run
from rnnapp.runs.manager import Desk, Live
from rnnapp.runs.record import keep
from rnnapp.training.loop import EpochEvent, TrainedModel
from rnnapp.ui.keys import SAVED_RUNS
from rnnapp.ui.page import chart, show_errors
from rnnapp.ui.progress import epoch_words, progress_row
from rnnapp.ui.results import result_key

__all__ = [
    "DELETED",
    "OPENED",
    "delete",
    "desk",
    "keep_button",
    "listed",
    "open_runs",
    "refresh",
    "send",
    "session",
    "train_figure",
    "warm_up",
    "watch_run",
    "watch_sent",
]

_LOOK_EVERY = 0.5  # seconds between two looks at a run under way
_LIST_FOR = 3.0  # seconds a list of all runs stays fresh
DELETED = "_runs_deleted"
"""Where a session remembers what it deleted last, for Undo."""
OPENED = "_runs_opened"
"""Set when runs were opened from the list: back there, none is chosen."""


@st.cache_resource(show_spinner=False, on_release=lambda made: made.close())
def desk() -> Desk:
    """The desk; made when the first page asks for it, its workers when the first job comes.

    Raises:
        RunError: its folder cannot be used.
    """
    return Desk()


def session() -> str:
    """Whose a run is: this browser session."""
    return str(st.session_state.setdefault("_session", f"browser-{time.time_ns():x}"))


class _Shelf:
    """The list of all runs, kept at hand: a look at it never waits for the history, but for the first and after a change."""

    def __init__(self, deleted: bool) -> None:
        self._deleted, self._lock = deleted, threading.Lock()
        self._runs: tuple[Run, ...] | None = None
        self._read_at = 0.0

    def look(self) -> tuple[Run, ...]:
        """The runs, at most a few seconds old where somebody looked before."""
        runs = self._runs
        if not runs:
            return self._read()
        if time.monotonic() - self._read_at > _LIST_FOR:
            self._read_at = time.monotonic()
            threading.Thread(target=self._try, daemon=True).start()
        return runs

    def forget(self) -> None:
        """Read anew at the next look."""
        self._runs = None

    def _read(self) -> tuple[Run, ...]:
        with self._lock:
            self._runs = desk().runs(deleted=self._deleted)
            self._read_at = time.monotonic()
            return self._runs

    def _try(self) -> None:
        try:
            self._read()
        except RnnappError:
            self._runs = None  # the next look tells why


@st.cache_resource(show_spinner=False)
def _shelf(deleted: bool) -> _Shelf:
    return _Shelf(deleted)


def listed(*, deleted: bool = False) -> tuple[Run, ...]:
    """All runs, at most a few seconds old, those under way as they are now.

    Raises:
        RunError: the history cannot be read.
    """
    return tuple(desk().now(run) if run.active else run for run in _shelf(deleted).look())


def refresh() -> None:
    """Read the list anew next time: something was changed."""
    for deleted in (False, True):
        _shelf(deleted).forget()


def warm_up(after: float = 4.0) -> None:
    """Read the list in the background some seconds from now, so that the Runs page opens at once."""

    def read() -> None:
        with suppress(RnnappError):
            listed()

    timer = threading.Timer(after, read)
    timer.daemon = True
    timer.start()


def send(
    name: str,
    settings: Settings,
    *,
    prices: PriceTable | None = None,
    split: Split | None = None,
    source: str = "",
) -> str:
    """Hand a training to the job engine; returns its run's id, to be watched here or found on the Runs page.

    Raises:
        RunError: the history cannot be written, or the queue is full.
    """
    run_id = desk().submit(
        name,
        settings,
        prices=prices,
        split=split,
        source=source,
        session=session(),
    )
    refresh()
    return run_id


def open_runs(*run_ids: str) -> None:
    """Go to one run, to several side by side, or to the list."""
    st.session_state[OPENED] = True
    if run_ids:
        st.query_params["run"] = ",".join(run_ids)
    else:
        st.query_params.pop("run", None)
    st.rerun()


def delete(runs: Sequence[Run]) -> None:
    """Take runs out of the list, and remember them for Undo."""
    for run in runs:
        desk().store.delete(run.id)
    st.session_state[DELETED] = [(run.id, run.name) for run in runs]
    refresh()
    open_runs()


def keep_button(
    trained: TrainedModel,
    split: Split,
    told: Forecast | None = None,
    *,
    source: str = "",
    key: str = "keep",
    run_id: str = "",
) -> None:
    """ "Keep this run": save what was trained in place, once.

    Args:
        trained: the model.
        split: what it was trained on.
        told: its forecast, for prices.
        source: where the data came from, in words.
        key: of the button.
        run_id: the saved run that it is already, empty where it is none.
    """
    saved: dict[Hashable, str] = st.session_state.setdefault(SAVED_RUNS, {})
    computed = result_key(trained, split)
    run_id = run_id or saved.get(computed, "")
    if run_id:
        if st.button("Kept: open the run", key=f"{key}_open", icon=":material/history:"):
            st.switch_page("pages/runs.py", query_params={"run": run_id})
    elif st.button(
        "Keep this run",
        key=key,
        icon=":material/bookmark_add:",
        help="Record it on the Runs page, files and all.",
    ):
        with show_errors():
            saved[computed] = keep(
                trained, split, told, source=source, session=session(), store=desk().store
            )
            refresh()
            st.rerun()


def watch_run(run_id: str) -> None:
    """Show a run under way; the page runs again when it ends."""

    @st.fragment(run_every=_LOOK_EVERY)
    def look() -> None:
        live = desk().live(run_id)
        if live is None:
            refresh()
            st.rerun()
        progress_row(
            live.progress,
            _words(live),
            key=f"stop_{run_id}",
            on_stop=lambda: desk().stop(run_id),
            stopping=live.stopping,
            help="Ends soon; what was learned stays, and Resume goes on from there.",
        )
        figure = train_figure(live.settings, live.events)
        chart(
            figure,
            "run_live",
            f"Loss over {len(live.events)} epochs so far; the run is {live.status}.",
        )
        if desk().trouble:
            st.warning(desk().trouble, icon=":material/save:")

    look()


def watch_sent(run_id: str) -> None:
    """Show a run on the page that handed it in."""
    watch_run(run_id)
    st.caption(
        "This takes a while, so it is a run of its own: it goes on when this page is closed, and the Runs page has it."
    )


def train_figure(settings: Settings, events: Sequence[EpochEvent]) -> go.Figure:
    """Loss by epoch; for digits with the accuracy."""
    line, epochs = line_of(settings.model), settings.train.epochs
    if settings.digits is not None:
        return learning_figure(list(events), line, epochs=epochs)
    return loss_figure(events, line, epochs=epochs)


def _words(live: Live) -> str:
    """Where it stands: place, epoch, speed, time left."""
    if live.status == "queued":
        load = desk().load
        if live.place:
            return f"Place {live.place} in the queue, {load.running} running" + (
                "" if load.workers else "; workers are starting"
            )
        return "A worker is getting ready"
    if not live.events:
        return "The first epoch is under way"
    last = live.events[-1]
    left = float("inf")
    if live.progress:
        left = last.seconds * (1 / live.progress - 1)
    words = epoch_words(
        len(live.events),
        live.settings.train.epochs,
        seconds=last.seconds,
        steps_per_second=last.steps_per_second,
        seconds_left=left,
        stopping=live.stopping,
    )
    if live.attempts > 1:
        words += f" · on worker number {live.attempts} after the others died"
    return words
