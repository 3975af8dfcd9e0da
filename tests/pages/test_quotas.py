"""Each limit that a page can reach shows its sentence there; nothing is begun, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.sequences import Split
from rnnapp.people import Limits, Person
from rnnapp.runs import manager as manager_module
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.manager import RunManager
from rnnapp.runs.search.saved import saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace
from rnnapp.runs.training_job import TrainingJob, run_training
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.turns import FairTurns
from rnnapp.ui import forecast, live, tasks, visitors
from rnnapp.ui import manager as pages_manager
from tests.pages.support import open_page, own_history, read_headline, read_words
from tests.runs import work
from tests.runs.fakes import ManualQueue
from tests.support import random_walk

ANNA = Person("browser:anna")
BEN = Person("browser:ben")
SETTINGS = Settings(
    ModelConfig(hidden=2),
    TrainConfig(epochs=2, backend="torch", device="cpu"),
    WindowConfig(window=4),
)
SECONDS = {2: 0.1, 3: 1.0, 4: 60.0}
"""What a training takes by its epochs in these tests: so it is the page's, a thread's or a run."""
SMALL = {"rows": "60", "window": "4", "hidden": "2", "backend": "torch"}
LONG = 60.0


class Server:
    """A server for several whose queue begins and ends jobs when a test says so.

    Attributes:
        visitor: whose browser the next page is.
    """

    def __init__(self, store: RunStore) -> None:
        self.queue = ManualQueue()
        self.manager = RunManager(store, self.queue)
        self.visitor = ANNA

    def limit(self, **limits: int) -> None:
        """Set these limits, all others at their defaults."""
        self.queue.limits = Limits(**{"free_megabytes": 0, **limits})
        self.manager.store.room.limits = self.queue.limits

    def runs_of(self, person: Person) -> list[str]:
        """Names of a person's runs."""
        return [run.name for run in self.manager.as_person(person).list_runs()]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run history; its tables are made once."""
    folder = tmp_path_factory.mktemp("quotas")
    with own_history(folder):
        yield folder


@pytest.fixture
def server(history: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for run in RunStore().list_runs():
        RunStore().delete_run(run.id)
    (history / "people" / "usage.json").unlink(missing_ok=True)
    made = Server(RunStore())
    made.limit()
    monkeypatch.setattr(manager_module, "_WRITE_EVERY", 0.02)
    monkeypatch.setattr(visitors, "people_mode", lambda: "each")
    monkeypatch.setattr(
        visitors, "read_visitor", lambda _cookie: made.visitor.key.removeprefix("browser:")
    )
    for module in (pages_manager, tasks):
        monkeypatch.setattr(module, "server_manager", lambda: made.manager)
    monkeypatch.setattr(forecast, "estimate_seconds", estimate_by_epochs)
    pages_manager.reload_lists()
    yield made
    made.manager.close()


def estimate_by_epochs(split: Split, model: ModelConfig, train: TrainConfig) -> float:
    known = SECONDS.get(train.epochs)
    if known is None:
        known = estimate_seconds(split, model, train)
    return known


@pytest.fixture(scope="module")
def prices() -> PriceTable:
    return random_walk(60)


def open_forecast(epochs: int, seed: int = 0) -> AppTest:
    """The Forecast page at settings that nobody had before, where the seed is new."""
    return open_page("forecast", SMALL | {"epochs": str(epochs), "seed": str(seed)})


def read_refusal(page: AppTest) -> str:
    """The one error on the page, as a person reads it."""
    assert not page.exception
    (error,) = page.error
    return str(error.value).replace("\\", "")


def read_progress(page: AppTest) -> str:
    """What stands over the progress bar."""
    (bar,) = page.get("progress")
    return str(bar.proto.text).replace("\\", "")


def test_a_training_that_no_limit_allows_is_refused_in_a_sentence_and_begins_once_it_may(
    server: Server, prices: PriceTable
) -> None:
    queue = server.queue
    mine = server.manager.as_person(ANNA).store.create_run(new_run("mine"))
    bens = queue.submit_job(work.add, 1, 1, person=BEN.key)
    annas = queue.submit_job(work.add, 1, 1, person=ANNA.key)
    page = open_forecast(4)

    def use_day() -> None:
        queue._usage.add(ANNA.key, 180)

    def fill_room() -> None:
        queue._usage.add(ANNA.key, -180)
        server.manager.as_person(ANNA).store.save_files(mine, {"a": bytes(1_000_000)})

    def do_nothing() -> None:
        """The limit itself is reached."""

    cases: list[tuple[dict[str, int], Callable[[], None], str]] = [
        ({"waiting": 1}, do_nothing, "1 jobs of yours are waiting already. Stop one of them, or "),
        ({"waiting_all": 2}, do_nothing, "The queue is full: 2 jobs of all people are waiting."),
        ({"training_minutes": 3}, use_day, "have used the 3 minutes that one person has in a day."),
        ({"history_megabytes": 1}, fill_room, "Your runs take 1 MB of the 1 MB that one person"),
        ({"free_megabytes": 10**9}, do_nothing, "MB left, too few to record more. Delete some"),
    ]
    for limits, reach, sentence in cases:
        server.limit()
        reach()
        server.limit(**limits)
        page.button(key="train").click().run()
        assert sentence in read_refusal(page)
        assert queue.handles == [bens, annas], "no training was begun"
        assert server.runs_of(ANNA) == ["mine"], "no run is left behind, and none was lost"
    server.limit()
    page.button(key="train").click().run()
    assert not page.error
    assert len(queue.handles) == 3
    assert set(server.runs_of(ANNA)) == {"mine", "GRU on S&P 500"}
    assert server.runs_of(BEN) == []

    server.visitor = BEN
    other = open_forecast(4)
    other.button(key="train").click().run()
    assert not other.exception
    assert not other.error, "that somebody else's run is under way is none of his concern"
    assert len(queue.handles) == 4
    assert read_progress(other).startswith("Position ")


def new_run(name: str) -> NewRun:
    return NewRun(name, SETTINGS, "prices", "nowhere", "f" * 64)


def test_a_short_training_waits_its_turn_and_is_refused_once_too_many_wait(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = FairTurns(1, most_each=1, most=2)
    monkeypatch.setattr(live, "_long_turns", lambda: line)
    held = line.enter(BEN.key)
    page = open_forecast(3)
    own = line.enter(ANNA.key)
    page.button(key="train").click().run()
    assert read_refusal(page).startswith(
        "You wait for 1 trainings on this server already. Stop one of them, or try again"
    )
    own.leave()
    others = [line.enter("browser:eve"), line.enter("browser:joe")]
    page.button(key="train").click().run()
    assert read_refusal(page).startswith("The server is busy: 2 trainings wait for their turn.")
    others[0].leave()
    page.button(key="train").click().run()
    assert read_progress(page) == "This server trains for others. Yours is number 2 in line."

    server.visitor = BEN
    quick = open_forecast(2, seed=1)
    assert "misses" in read_headline(quick), "who needs a moment does not wait for the long ones"

    server.visitor = ANNA
    for turn in (held, others[1]):
        turn.leave()
    task = page.session_state["_task_forecast"]
    assert task.job.wait(LONG)
    page.run()
    assert "misses" in read_headline(page)


def test_the_largest_net_is_a_run_that_leaves_a_slot_the_day_and_the_disk_to_others(
    server: Server, prices: PriceTable
) -> None:
    queue = server.queue
    annas = server.manager.as_person(ANNA)
    former = annas.store.create_run(new_run("former"))
    two = [annas.submit_run(name, SETTINGS, prices=prices) for name in ("one", "two")]
    begun = queue.begin(3)
    largest = {"window": "120", "hidden": "128", "layers": "4", "epochs": "1000"}
    page = open_page("forecast", largest | {"rows": "200", "bidirectional": "true"})
    page.button(key="train").click().run()
    assert not page.exception
    assert not page.error
    assert read_progress(page).startswith("2 trainings of yours run, as many as one person may")
    server.visitor = BEN
    quick = open_page("forecast", SMALL | {"epochs": "2", "seed": "2"})
    assert "misses" in read_headline(quick)
    bens = server.manager.as_person(BEN).submit_run("his", SETTINGS, prices=prices)
    (next_job,) = queue.begin(3)
    assert next_job.person == BEN.key, "the third slot is his at once"

    server.visitor = ANNA
    annas.store.save_files(former, {"a": bytes(1_000_000)})
    server.limit(history_megabytes=1)
    result = run_training(work.RecordingContext(), TrainingJob(SETTINGS, prices))
    queue.end(begun[0], result)
    assert annas.wait_for_run(two[0], LONG).status == "failed"
    found = open_page("runs", {"run": two[0]})
    assert "Its net could not be saved. Your runs take 1 MB of the 1 MB" in read_notes(found)

    server.limit(training_minutes=2)
    begun[1].started -= 130
    queue._stop_spent()
    annas.wait_for_run(page.session_state["_task_forecast"].job.run_id, LONG)
    page.run()
    sentence = "Your trainings have used the 2 minutes that one person has in a day."
    assert read_refusal(page) == f"{sentence} What was learned stays. Resume it tomorrow."
    assert begun[1].stop_requested
    assert not next_job.stop_requested
    assert set(server.runs_of(ANNA)) >= {"former", "one", "two"}
    assert server.manager.as_person(BEN).live_run(bens) is not None


def read_notes(page: AppTest) -> str:
    """Warnings and errors, as a person reads them."""
    assert not page.exception
    return read_words(page, ("warning", "error", "info")).replace("\\", "")


def test_a_result_that_cannot_be_saved_stays_on_the_page_and_is_saved_once_there_is_room(
    server: Server,
) -> None:
    page = open_forecast(2, seed=3)
    server.limit(free_megabytes=10**9)
    for button in ("keep", "outlook_record"):
        page.button(key=button).click().run()
        assert "MB left, too few to record more." in read_refusal(page)
        assert "misses" in read_headline(page), "the result is there"
    assert server.runs_of(ANNA) == []
    server.limit()
    page.button(key="keep").click().run()
    assert not page.error
    assert server.runs_of(ANNA) == ["GRU on S&P 500"]


def test_a_search_too_many_is_refused_in_a_sentence_and_leaves_nothing_on_the_disk(
    server: Server, prices: PriceTable
) -> None:
    server.limit(searches=1)
    space = SearchSpace(SETTINGS, (Dimension("hidden", low=2, high=4),), 5, 1)
    under_way, earlier = (
        Search.create(prices, space, server.queue, score=work.parabola, person=ANNA.key)
        for _ in range(2)
    )
    under_way.start()
    waiting = "1 searches of yours are under way, as many as one person may have."
    setup = open_page("tune", {"rows": "200"}, seconds=90)
    found = open_page("tune", {"search": earlier.name}, seconds=90)
    try:
        press(setup, "Start the search")
        assert waiting in read_refusal(setup)
        found.button(key="continue_search").click().run()
        assert waiting in read_refusal(found)
    finally:
        under_way.stop()
    assert under_way.wait_until_done(LONG)
    server.limit(training_minutes=1)
    server.queue._usage.add(ANNA.key, 60)
    press(setup, "Start the search")
    assert "have used the 1 minutes that one person has in a day." in read_refusal(setup)
    assert {search.name for search in saved_searches(ANNA)} == {under_way.name, earlier.name}
    assert saved_searches(BEN) == ()


def press(page: AppTest, label: str) -> None:
    """Press a button by what stands on it."""
    next(button for button in page.button if button.label == label).click().run()
