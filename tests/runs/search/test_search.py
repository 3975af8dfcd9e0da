"""The search: it finds, prunes, goes on after a restart, uses two workers, and never sees a test day."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path

import pytest

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError, RunError, TooFewRowsError
from rnnapp.runs.jobs.queue import Engine
from rnnapp.runs.search import search as search_module
from rnnapp.runs.search.search import Search, saved_searches
from rnnapp.runs.search.space import Range, SearchPlan
from rnnapp.runs.search.trial import Trial, before_test, fold_step, judge
from tests.runs import work
from tests.support import random_walk

pytestmark = pytest.mark.faults

LONG = 90.0
BASE = Settings(ModelConfig(hidden=2), TrainConfig(epochs=3, device="cpu"), WindowConfig(window=5))
LR = Range("lr", 1e-4, 1e-1, log=True)


def plan(**more: object) -> SearchPlan:
    return SearchPlan(**({"base": BASE, "ranges": (LR,), "budget": 6, "folds": 2} | more))  # type: ignore[arg-type]


def test_no_test_day_reaches_a_search() -> None:
    """Changing every test price changes nothing a search is given."""
    prices = random_walk(200)
    split = make_split(prices, WindowConfig(window=5))
    changed = prices.frame.copy()
    changed.loc[changed.index >= split.boundary] *= 3.0
    seen = before_test(prices, WindowConfig(window=5))
    assert seen.dates[-1] < split.boundary
    assert (
        seen.fingerprint
        == before_test(
            dataclasses.replace(prices, frame=changed), WindowConfig(window=5)
        ).fingerprint
    )


def test_a_trial_is_judged_beside_persistence_and_tells_its_live_loss() -> None:
    seen = before_test(random_walk(300), WindowConfig(window=5))
    line = work.Notebook()
    value = judge(line, Trial(seen, BASE, 2, fold_step(seen, WindowConfig(window=5), 2)))
    assert 0.9 < value < 2, "a random walk is forecast about as well as by its last close"
    steps = [message["step"] for message in line.told]
    assert steps == sorted(set(steps))
    assert steps[-1] == 100
    assert line.told[-1]["value"] == pytest.approx(value, rel=0.05)


def test_a_stopped_trial_counts_for_nothing_and_a_diverged_one_is_the_worst() -> None:
    seen = before_test(random_walk(120), WindowConfig(window=5))
    line = work.Notebook()
    line.stopping.set()
    assert math.isnan(judge(line, Trial(seen, BASE, 1, 10)))
    wild = dataclasses.replace(
        BASE, train=TrainConfig(epochs=300, lr=10.0, optimizer="sgd", device="cpu", backend="torch")
    )
    assert judge(work.Notebook(), Trial(seen, wild, 1, 10)) == math.inf


def test_ranges_check_themselves() -> None:
    with pytest.raises(ConfigError, match="no setting 'depth' to search"):
        Range("depth", 1, 2)
    with pytest.raises(ConfigError, match="takes a lower and a higher bound"):
        Range("lr", 0.0, 1.0, log=True)
    with pytest.raises(ConfigError, match="Nothing is searched"):
        plan(ranges=())
    made = plan(ranges=(LR, Range("cell", choices=("rnn", "lstm")), Range("window", 3, 9)))
    assert SearchPlan.from_json(made.to_json()) == made
    settings = made.settings({"lr": 0.02, "cell": "lstm", "window": 7})
    assert (
        settings.train.lr,
        settings.model.cell,
        settings.window.window,
        settings.model.hidden,
    ) == (0.02, "lstm", 7, 2)  # type: ignore[union-attr]


def test_too_few_days_are_a_sentence(home: Path) -> None:
    with pytest.raises(TooFewRowsError, match="Fewer folds or a longer file would do"):
        fold_step(random_walk(12), WindowConfig(), 3)


def test_it_searches_is_kept_and_goes_on(home: Path, engine: Engine) -> None:
    """Six trials, then after a restart two more of the same study."""
    search = Search(random_walk(150), plan(), engine)
    search.start()
    assert search.wait(LONG)
    assert search.trouble == ""
    assert [found.state for found in search.found].count("complete") + [
        f.state for f in search.found
    ].count("pruned") == 6
    best = search.best
    assert best is not None
    assert best.value == min(f.value for f in search.found if f.value is not None)
    assert 1e-4 <= best.params["lr"] <= 1e-1
    assert saved_searches() == (search.name,)
    again = Search.open(search.name, engine)
    assert [f.params for f in again.found] == [f.params for f in search.found]
    again.start(budget=8)
    assert again.wait(LONG)
    assert sum(f.state in ("complete", "pruned") for f in again.found) == 8
    with pytest.raises(RunError, match="cannot be opened"):
        Search.open("nothing", engine)


def test_stop_ends_a_search_soon(
    home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "judge", work.endless)
    search = Search(random_walk(150), plan(), engine)
    search.start()
    end = time.monotonic() + LONG
    while not any(f.live for f in search.found) and time.monotonic() < end:
        time.sleep(0.02)
    started = time.perf_counter()
    search.stop()
    assert search.wait(5)
    assert time.perf_counter() - started < 3, "a second, and room for a busy machine"
    assert {f.state for f in search.found} == {"failed"}, "stopped trials count for nothing"
    assert search.best is None


def test_a_hopeless_trial_is_pruned_on_its_live_loss(
    home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its live loss is above the median of the others at the same step, so it ends before its time."""
    monkeypatch.setattr(search_module, "judge", work.parabola)
    search = Search(random_walk(150), plan(budget=16, ranges=(Range("lr", 1e-3, 1.0),)), engine)
    search.start()
    assert search.wait(LONG)
    states = [f.state for f in search.found]
    assert "pruned" in states
    assert search.best is not None
    pruned = [f for f in search.found if f.state == "pruned"]
    assert all(f.live[-1][1] > search.best.value for f in pruned)  # type: ignore[operator]


def test_two_workers_take_at_most_six_tenths_of_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """Trials that take a fixed time each, so that only what the search itself costs is measured."""
    monkeypatch.setattr(search_module, "judge", work.nap)

    def seconds(workers: int) -> float:
        monkeypatch.setattr(search_module, "places", lambda engine: workers)
        search = Search(random_walk(150), plan(budget=40), engine)
        started = time.perf_counter()
        search.start()
        assert search.wait(LONG)
        return time.perf_counter() - started

    shares = []
    while not shares or (
        min(shares) > 0.6 and len(shares) < 3
    ):  # a machine that does something else is asked again
        shares.append(seconds(2) / seconds(1))
    assert min(shares) <= 0.6, shares
