"""The one run manager of this server, and what pages do with it: submit, watch, record a run."""

from __future__ import annotations

import math
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
from rnnapp.home import private_folder
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.history.ownership import NEXT_START
from rnnapp.runs.history.records import Run, shown_status
from rnnapp.runs.manager import LiveRun, RunManager
from rnnapp.runs.record import record_run
from rnnapp.training.records import EpochEvent, TrainedModel
from rnnapp.ui.keys import SAVED_RUNS
from rnnapp.ui.looks import describe_looks
from rnnapp.ui.page import chart, open_page, plain_text, show_errors
from rnnapp.ui.progress import epoch_words, progress_row
from rnnapp.ui.results import result_key
from rnnapp.ui.visitors import current_person

__all__ = [
    "DELETED",
    "OPENED",
    "STOP_HELP",
    "delete_runs",
    "drain_runs",
    "go_to_runs",
    "list_runs",
    "prepare_list",
    "record_button",
    "reload_lists",
    "resume_drained_runs",
    "run_manager",
    "server_manager",
    "session_id",
    "submit_run",
    "training_figure",
    "watch_run",
    "watch_submitted",
]

_REFRESH_EVERY = 0.5  # seconds between two updates of a run under way
_DRAIN_SECONDS = 8.0  # that trainings have to save their state
_DRAINED = "drained"  # a file's name
_made: list[RunManager] = []
_LIST_SECONDS = 3.0  # that a list of all runs stays fresh
_LIST_WAIT = 0.6  # seconds that a page waits for a newer list
DELETED = "_runs_deleted"
"""Session key of the runs deleted last, for Undo."""
OPENED = "_runs_opened"
"""Session key that is set when runs were opened from the list: back there, none is chosen."""
STOP_HELP = N_(
    "Ends after the steps under way, within about a second for most nets. "
    "What was learned stays, and Resume goes on from there."
)


@st.cache_resource(show_spinner=False, on_release=lambda manager: manager.close())
def server_manager() -> RunManager:
    """The one run manager of this server, with everybody's runs; no page shows them as they are.

    Its workers start with the first job.

    Raises:
        RunError: its folder cannot be used.
    """
    made = RunManager()
    _made.append(made)
    return made


def drain_runs() -> None:
    """Let trainings save their state before the server ends; the next start goes on with them."""
    for made in _made:
        if made.drain(_DRAIN_SECONDS):
            with suppress(OSError, RnnappError):
                (private_folder("runs") / _DRAINED).touch()


def resume_drained_runs(*, noted_only: bool = False) -> None:
    """Go on with the trainings that the last server drained.

    Args:
        noted_only: only where this machine's last server has noted that it drained some.
    """
    with suppress(OSError, RnnappError):
        note = private_folder("runs") / _DRAINED
        if noted_only and not note.exists():
            return
        note.unlink(missing_ok=True)
        if server_manager().resume_drained():
            reload_lists()


def run_manager() -> RunManager:
    """The run manager in the hands of this page's person.

    Raises:
        RunError: its folder cannot be used.
    """
    return server_manager().as_person(current_person())


def session_id() -> str:
    """Id of this browser session."""
    return str(st.session_state.setdefault("_session", f"browser-{time.time_ns():x}"))


class RunListCache:
    """The list of all runs, cached: only the first read and one after a change wait."""

    def __init__(self, deleted: bool) -> None:
        self._deleted = deleted
        self._lock = threading.Lock()
        self._runs: tuple[Run, ...] | None = None
        self._read_at = 0.0

    def get_runs(self) -> tuple[Run, ...]:
        """The runs. A list older than a few seconds is read again, and waited for so briefly that
        a page with thousands of runs still opens at once."""
        runs = self._runs
        if not runs:
            return self._read_runs()
        if time.monotonic() - self._read_at > _LIST_SECONDS:
            self._read_at = time.monotonic()
            reading = threading.Thread(target=self._read_quietly, daemon=True)
            reading.start()
            reading.join(_LIST_WAIT)
        return self._runs or runs

    def invalidate(self) -> None:
        """Read again at the next call."""
        self._runs = None

    def _read_runs(self) -> tuple[Run, ...]:
        with self._lock:
            runs = server_manager().list_runs(deleted=self._deleted)
            self._runs = runs
            self._read_at = time.monotonic()
            return runs

    def _read_quietly(self) -> None:
        try:
            self._read_runs()
        except RnnappError:
            self._runs = None  # the next call shows why


@st.cache_resource(show_spinner=False)
def _list_cache(deleted: bool) -> RunListCache:
    return RunListCache(deleted)


def list_runs(*, deleted: bool = False) -> tuple[Run, ...]:
    """All runs, at most a few seconds old, those under way as they are now.

    Raises:
        RunError: the history cannot be read.
    """
    manager = run_manager()
    runs = list(manager.store.select_own(_list_cache(deleted).get_runs()))
    for number, run in enumerate(runs):
        if run.active:
            runs[number] = manager.refresh(run)
    return tuple(runs)


def reload_lists() -> None:
    """Read the lists again next time: something was changed."""
    for deleted in (False, True):
        _list_cache(deleted).invalidate()


def prepare_list() -> None:
    """Read the list once, so that the Runs page opens at once.

    Goes on with the trainings in it that a server drained, on this machine or on another.
    """
    with suppress(RnnappError):
        runs = _list_cache(False).get_runs()
        if any(run.owner == NEXT_START for run in runs):
            resume_drained_runs()


def submit_run(
    name: str,
    settings: Settings,
    *,
    prices: PriceTable | None = None,
    split: Split | None = None,
    source: str = "",
) -> str:
    """Submit a training as a run; returns its id, to be watched here or found on the Runs page.

    Raises:
        QueueFullError: too many jobs wait.
        QuotaError: this person's share is used up.
        RunError: the history cannot be written.
    """
    run_id = run_manager().submit_run(
        name,
        settings,
        prices=prices,
        split=split,
        source=source,
        session=session_id(),
    )
    reload_lists()
    return run_id


def go_to_runs(*run_ids: str) -> None:
    """Go to one run, to several side by side, or to the list."""
    st.session_state[OPENED] = True
    if run_ids:
        st.query_params["run"] = ",".join(run_ids)
    else:
        st.query_params.pop("run", None)
    st.rerun()


def delete_runs(runs: Sequence[Run]) -> None:
    """Take runs out of the list, and remember them for Undo."""
    for run in runs:
        run_manager().store.delete_run(run.id)
    st.session_state[DELETED] = [(run.id, run.name) for run in runs]
    reload_lists()
    go_to_runs()


def record_button(
    trained: TrainedModel,
    split: Split,
    predicted: Forecast | None = None,
    *,
    source: str = "",
    key: str = "keep",
    run_id: str = "",
) -> None:
    """A button that records what was trained in place, once; afterwards it opens the run.

    Args:
        trained: the model.
        split: what it was trained on.
        predicted: its forecast, for prices.
        source: where the data came from, in words.
        key: of the button.
        run_id: the run that it is recorded as already, empty where there is none.
    """
    recorded: dict[Hashable, str] = st.session_state.setdefault(SAVED_RUNS, {})
    computed = result_key(trained, split)
    known = run_id or recorded.get(computed)
    if known:
        if st.button(_("Saved: open the run"), key=f"{key}_open", icon=":material/history:"):
            open_page("runs", run=known)
    elif st.button(
        _("Save this run"),
        key=key,
        icon=":material/bookmark_add:",
        help=_("Record it on the Runs page, files and all."),
    ):
        with show_errors():
            recorded[computed] = record_run(
                trained,
                split,
                predicted,
                source=source,
                session=session_id(),
                note=describe_looks(split),
                store=run_manager().store,
            )
            reload_lists()
            st.rerun()


def _stop_run(run_id: str) -> None:
    with show_errors():
        run_manager().stop_run(run_id)


def watch_run(run_id: str) -> None:
    """Show a run under way; the page runs again when it ends."""

    @st.fragment(run_every=_REFRESH_EVERY)
    def show_progress() -> None:
        manager = run_manager()
        live = manager.live_run(run_id)
        if live is None:
            reload_lists()
            st.rerun()
        progress_row(
            live.progress,
            _describe_progress(live),
            key=f"stop_{run_id}",
            on_stop=lambda: _stop_run(run_id),
            stopping=live.stopping,
            help=_(STOP_HELP),
        )
        chart(
            training_figure(live.settings, live.events),
            "run_live",
            _("Loss over {count} epochs so far; the run is {status}.").format(
                count=len(live.events), status=shown_status(live.status)
            ),
        )
        if manager.trouble:
            st.warning(plain_text(translate_again(manager.trouble)), icon=":material/save:")

    show_progress()


def watch_submitted(run_id: str) -> None:
    """Show a run on the page that submitted it."""
    watch_run(run_id)
    st.caption(
        _(
            "This takes a while, so it is a run of its own: "
            "it goes on when this page is closed, and the Runs page has it."
        )
    )


def training_figure(settings: Settings, events: Sequence[EpochEvent]) -> go.Figure:
    """Loss by epoch; for digits with the accuracy."""
    line = line_of(settings.model)
    epochs = settings.train.epochs
    if settings.digits is not None:
        return learning_figure(list(events), line, epochs=epochs)
    return loss_figure(events, line, epochs=epochs)


def _describe_progress(live: LiveRun) -> str:
    """Its position in the queue, or epoch, speed and time left."""
    if live.held_back_by:
        message = _(
            "{count} trainings of yours run, as many as one person may have at once. "
            "This one begins when one of them ends; stop one to begin it sooner."
        )
        return message.format(count=live.held_back_by)
    if live.status == "queued":
        return _describe_waiting(live.position)
    if not live.events:
        return _("The first epoch is under way")
    last = live.events[-1]
    seconds_left = math.inf
    if live.progress:
        seconds_left = last.seconds * (1 / live.progress - 1)
    words = epoch_words(
        len(live.events),
        live.settings.train.epochs,
        seconds=last.seconds,
        steps_per_second=last.steps_per_second,
        seconds_left=seconds_left,
        stopping=live.stopping,
    )
    if live.attempts > 1:
        words = _("{words} · on worker number {attempts} after the others died").format(
            words=words, attempts=live.attempts
        )
    return words


def _describe_waiting(position: int) -> str:
    status = run_manager().queue_status
    if not position:
        return _("A worker is getting ready")
    text = _("Position {position} in the queue, {running} running")
    if not status.slots:
        text = _("Position {position} in the queue, {running} running; workers are starting")
    return text.format(position=position, running=status.running)
