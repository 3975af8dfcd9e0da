"""The job engine with real worker processes."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from rnnapp.errors import RunError, TrainingError
from rnnapp.runs.jobs import queue as engine_module
from rnnapp.runs.jobs.queue import Engine, Ticket
from tests.runs import work

pytestmark = pytest.mark.faults

LONG = 60.0  # seconds a busy machine may take to start processes


def until(true, seconds: float = LONG) -> None:
    """Wait for something, and fail when it does not come."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)


def test_a_job_is_done_elsewhere_and_its_messages_come_in_order(engine: Engine) -> None:
    heard: list[int] = []
    ticket = engine.submit(
        work.count, 50, on_message=lambda m: heard.append(m["i"]) if m["what"] == "count" else None
    )
    assert ticket.wait(LONG) == 50
    until(lambda: len(heard) == 50, 5)
    assert heard == list(range(50))
    assert engine.load.workers == 2


def test_a_jobs_own_error_comes_home(engine: Engine) -> None:
    ticket = engine.submit(work.fail)
    with pytest.raises(TrainingError, match="its own sentence"):
        ticket.wait(LONG)
    assert ticket.state == "failed"


def hold(engine: Engine, session: str = "") -> Ticket:
    """A job that runs until it is stopped, already running."""
    holding = threading.Event()
    ticket = engine.submit(
        work.hold,
        session=session,
        on_message=lambda m: holding.set() if m["what"] == "holding" else None,
    )
    assert holding.wait(LONG)
    return ticket


def test_stop_takes_effect_within_a_second(engine: Engine) -> None:
    waits: list[float] = []
    while not waits or (
        min(waits) > 1 and len(waits) < 3
    ):  # a machine that does something else is asked again
        ticket = hold(engine)
        started = time.perf_counter()
        engine.stop(ticket)
        assert ticket.wait(LONG) == "stopped"
        waits.append(time.perf_counter() - started)
    assert min(waits) < 1, waits


def test_places_are_shared_out_between_sessions(engine: Engine) -> None:
    """One browser with twenty runs does not make another wait for all of them."""
    running = [hold(engine, "a"), hold(engine, "a")]
    many = [engine.submit(work.add, 1, i, session="a") for i in range(3)]
    other = engine.submit(work.add, 2, 2, session="b")
    assert [engine.place(t) for t in (other, *many)] == [1, 2, 3, 4]
    assert engine.place(running[0]) == 0
    engine.stop(many[2])
    assert many[2].state == "stopped", "one that waits is stopped at once"
    for ticket in running:
        engine.stop(ticket)
    assert [t.wait(LONG) for t in (other, *many[:2])] == [4, 1, 2]


def test_the_queue_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_WAITING", 2)
    running = [hold(engine), hold(engine)]
    waiting = [engine.submit(work.add, 1, 1) for _ in range(2)]
    with pytest.raises(RunError, match="2 jobs are waiting already; stop one of them"):
        engine.submit(work.add, 1, 1)
    for ticket in running:
        engine.stop(ticket)
    assert [t.wait(LONG) for t in waiting] == [2, 2]


def test_a_killed_workers_job_goes_on_from_what_it_kept(engine: Engine) -> None:
    before, after = engine.submit(work.die_once).wait(LONG)
    assert before != after
    assert before > 0


def test_an_unreachable_scheduler_is_a_sentence() -> None:
    engine = Engine("tcp://127.0.0.1:9")
    try:
        ticket = engine.submit(work.add, 1, 1)
        with pytest.raises(
            RunError, match=r"The scheduler tcp://127\.0\.0\.1:9 does not answer; start it"
        ):
            ticket.wait(LONG)
        assert "does not answer" in engine.load.trouble
    finally:
        engine.close()


def test_workers_do_not_run_the_page_that_started_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit puts the running page in the place of the main module, which a new process would run as its own."""
    page = ModuleType("__main__")
    page.__file__ = str(tmp_path / "page.py")
    Path(page.__file__).write_text("raise SystemExit('a page was run in a worker')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    engine = Engine(workers=1)
    try:
        assert engine.submit(work.add, 1, 2).wait(LONG) == 3
    finally:
        engine.close()


def test_a_closed_engine_says_so() -> None:
    engine = Engine()
    engine.close()
    with pytest.raises(RunError, match="is closed"):
        engine.submit(work.add, 1, 1)
