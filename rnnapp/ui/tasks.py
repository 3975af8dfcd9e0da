"""A page's long job: start, share, find again after a reload, watch, stop, collect, forget.

A job is either work in a thread of this server (:class:`rnnapp.background.BackgroundTask`) or a run
of the job queue (:class:`QueuedRun`). It belongs to a *place* ("forecast", "digits", ...): a
session
has one job at each. Jobs are shared between sessions by the settings that they compute, so that a
second tab, or the same one after a reload, finds a job that is under way or ended recently.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, NoReturn, Protocol, TypeVar

import streamlit as st

from rnnapp.errors import RnnappError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.manager import LiveRun
from rnnapp.ui.address import publish_word
from rnnapp.ui.keys import collected_key, task_key
from rnnapp.ui.manager import reload_lists, run_manager, server_manager
from rnnapp.ui.page import plain_text
from rnnapp.ui.progress import progress_row
from rnnapp.ui.results import drop_result, recall_result, remember_result
from rnnapp.ui.visitors import current_person

__all__ = [
    "PageTask",
    "QueuedRun",
    "TaskBoard",
    "find_task",
    "show_task_progress",
    "start_task",
    "watch_task",
]

J = TypeVar("J", bound="Job")
R = TypeVar("R")
_REFRESH_SECONDS = 0.5  # between two redraws of a job under way
_WAITING = N_("This server trains for others. Yours is number {position} in line.")
_ENDED_TASKS = 16  # that the board holds; those under way are never evicted


class Job(Protocol):
    """What a page needs to know of work that goes on elsewhere."""

    @property
    def done(self) -> bool:
        """Whether it has ended, for whatever reason."""

    @property
    def error(self) -> RnnappError | None:
        """What ended it, None otherwise."""

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""

    @property
    def seconds_left(self) -> float:
        """Estimate; infinite where nothing is known."""

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""

    @property
    def position(self) -> int:
        """1 for the next in line, 0 where it does not wait."""

    def stop(self) -> None:
        """Request an early end."""


class QueuedRun:
    """A run of the job queue as a page's job; it goes on when the page is closed.

    It stays in the hands of whoever submitted it: pages of others ask it whether it has ended.
    """

    error = None

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._person = current_person()

    def _live(self) -> LiveRun | None:
        return server_manager().as_person(self._person).live_run(self.run_id)

    @property
    def done(self) -> bool:
        """Whether it is no longer under way."""
        return self._live() is None

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""
        live = self._live()
        return 1.0 if live is None else live.progress

    @property
    def seconds_left(self) -> float:
        """Unknown here: the run's own view estimates it."""
        return float("inf")

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        live = self._live()
        return live is not None and live.stopping

    @property
    def position(self) -> int:
        """1 for the next in the queue, 0 once it runs."""
        live = self._live()
        return 0 if live is None else live.position

    def stop(self) -> None:
        """Request an early end; the run can be resumed."""
        run_manager().stop_run(self.run_id)


class PageTask(Generic[J, R]):
    """A long job of a page, with all that any session needs to show it and to collect its result.

    Args:
        place: which job of which page.
        key: the settings that it computes; its result is remembered under them.
        job: the work.
        collect: makes the result once the job has ended; None where there is nothing to show.
            Called at most once, in whichever session comes first.
        about: what the page wants to know of it meanwhile.

    Attributes:
        token: names it in an address: a queued run's id, else random.
        person: key of whose it is: sessions of one person share it.
    """

    def __init__(
        self,
        place: str,
        key: Hashable,
        job: J,
        collect: Callable[[], R | None],
        about: Any = None,
    ) -> None:
        self.place = place
        self.key = key
        self.job = job
        self.about = about
        self.person = current_person().key
        self.token = job.run_id if isinstance(job, QueuedRun) else secrets.token_urlsafe(9)
        self._collect = collect
        self._lock = threading.Lock()
        self._collected: list[R | None] = []

    def result(self) -> R | None:
        """The result of an ended job, None where it has none.

        Raises:
            RnnappError: it cannot be read.
        """
        with self._lock:
            if not self._collected:
                self._collected.append(self._collect())
            return self._collected[0]


AnyTask = PageTask[Any, Any]


class TaskBoard:
    """The jobs that sessions share; those under way are never evicted. Safe to use from any thread.

    Args:
        ended: how many ended jobs it holds.
    """

    def __init__(self, ended: int = _ENDED_TASKS) -> None:
        self._ended = ended
        self._lock = threading.Lock()
        self._tasks: dict[tuple[str, str, Hashable], AnyTask] = {}

    def add(self, task: AnyTask) -> AnyTask:
        """Share a job.

        Returns the one that is under way for the same settings where there is one.
        """
        place = (task.person, task.place, task.key)
        with self._lock:
            found = self._tasks.get(place)
            if found is not None and found is not task and not found.job.done:
                return found
            self._tasks.pop(place, None)
            self._tasks[place] = task
            ended = [name for name, one in self._tasks.items() if one.job.done]
            for name in ended[: max(0, len(ended) - self._ended)]:
                del self._tasks[name]
            return task

    def find(self, place: str, key: Hashable, person: str = "") -> AnyTask | None:
        """The person's job for these settings, under way or ended recently."""
        with self._lock:
            return self._tasks.get((person, place, key))

    def find_by_token(self, place: str, token: str, person: str = "") -> AnyTask | None:
        """The person's job that an address names."""
        with self._lock:
            tasks = list(self._tasks.values())
        named = (person, place, token)
        return next((one for one in tasks if (one.person, one.place, one.token) == named), None)

    def drop(self, task: AnyTask) -> None:
        """Share a job no longer, so that it can be started again."""
        with self._lock:
            place = (task.person, task.place, task.key)
            if self._tasks.get(place) is task:
                del self._tasks[place]


def start_task(task: AnyTask) -> NoReturn:
    """Make a job that was just started this session's, share it, and run the page again.

    Where another session started the same at the same moment, its job is taken and this one
    stopped.
    """
    shared = _board().add(task)
    if shared is not task:
        task.job.stop()
    drop_result(task.key)
    st.session_state[task_key(task.place)] = shared
    if isinstance(task.job, QueuedRun):
        reload_lists()
    st.rerun()


def find_task(
    place: str,
    key: Hashable = None,
    *,
    address: str = "",
    on_result: Callable[[Any], None] | None = None,
) -> AnyTask | None:
    """The job under way at a place: this session's, else the one shared for these settings.

    One that has ended is collected first: its result is remembered under its settings
    (:func:`rnnapp.ui.results.recall_result`), its error is shown.

    Args:
        place: which job of which page.
        key: the settings on the page; a job is looked for while they have no result.
        address: name of the address parameter that carries the job's token, for a page with
            settings that are not in the address.
        on_result: called with the result of a job that has ended, once a session.

    Returns:
        The job, or None where none is under way.
    """
    task = _own_task(place, key, address)
    if task is None:
        return None
    if address:
        st.session_state[task_key(place)] = task
        publish_word(address, task.token, "")
    if not task.job.done:
        return task
    result = _collect_task(task)
    if result is None and address:
        publish_word(address, "", "")
    if result is not None and on_result is not None:
        on_result(result)
    return None


def watch_task(task: AnyTask, show: Callable[[], None]) -> None:
    """Redraw a job twice a second; the page runs again when it ends.

    Args:
        task: the job.
        show: draws it as it is now, its progress row included; runs in a fragment.
    """

    @st.fragment(run_every=_REFRESH_SECONDS)
    def redraw() -> None:
        if task.job.done:
            st.rerun()
        show()

    redraw()


def show_task_progress(task: AnyTask, words: str) -> None:
    """The job's progress row; while it waits for its turn, its place in the line."""
    job = task.job
    if job.position:
        words = _(_WAITING).format(position=job.position)
    progress_row(
        job.progress, words, key=f"{task.place}_stop", on_stop=job.stop, stopping=job.stopping
    )


def _own_task(place: str, key: Hashable, address: str) -> AnyTask | None:
    """This session's job, the one that the address names, or the one for these settings."""
    task: AnyTask | None = st.session_state.get(task_key(place))
    token = st.query_params.get(address, "") if address else ""
    if task is None and token and token != st.session_state.get(collected_key(place)):
        task = _board().find_by_token(place, token, current_person().key)
    if task is None and not address and recall_result(key) is None:
        task = _board().find(place, key, current_person().key)
    return task


def _collect_task(task: AnyTask) -> Any | None:
    """Remember the result of an ended job and show its error; share it only with a result."""
    st.session_state.pop(task_key(task.place), None)
    st.session_state[collected_key(task.place)] = task.token
    errors = [] if task.job.error is None else [task.job.error]
    result = None
    try:
        result = task.result()
    except RnnappError as error:
        errors.append(error)
    if isinstance(task.job, QueuedRun):
        reload_lists()
    for raised in errors:
        st.error(plain_text(str(raised)), icon=":material/error:")
    if result is None:
        _board().drop(task)
    else:
        remember_result(task.key, result)
    return result


@st.cache_resource(show_spinner=False)
def _board() -> TaskBoard:
    return TaskBoard()
