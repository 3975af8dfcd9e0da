"""How soon the Runs page stands with a thousand runs, and how far the screen lags a training."""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from page_reaction import browsing

__all__ = ["lag", "thousand"]

_COUNT = 1000


def thousand(openings: int = 7) -> dict[str, float]:
    """Seconds from opening the Runs page to its headline and its table, opened in three ways."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
        return _with_server(folder, lambda browser, address: _openings(browser, address, openings))


def lag(seconds: float = 12.0) -> dict[str, float]:
    """Age of the newest epoch on the screen while a long run is watched, in seconds, by frame."""
    with tempfile.TemporaryDirectory() as folder:
        stamps = str(Path(folder) / "stamps")
        program = (str(Path(__file__).with_name("stamped.py")), stamps)
        return _with_server(
            folder, lambda browser, address: _watch(browser, address, stamps, seconds), *program
        )


def _with_server(folder: str, work: Any, *program: str) -> Any:
    with (
        mock.patch.dict(os.environ, RNNAPP_HOME=folder),
        browsing(*program) as (browser, address, _),
    ):
        return work(browser, address)


def _openings(browser: Any, address: str, openings: int) -> dict[str, float]:
    """Medians of headline and table: in a new browser, in a second tab, after a click."""
    taken: dict[str, list[float]] = {}
    _first(browser, address)
    for _ in range(openings):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        found = _open(context.new_page(), f"{address}/runs", "fresh")
        page = context.new_page()
        found |= _open(page, f"{address}/runs", "tab")
        page.get_by_role("link", name="Anatomy").first.click()
        page.wait_for_timeout(3000)
        started = time.perf_counter()
        page.get_by_role("link", name="Runs").first.click()
        found |= _stands(page, started, "click")
        for name, seconds in found.items():
            taken.setdefault(name, []).append(seconds)
        context.close()
        time.sleep(1.0)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    print(
        f"Runs page with {_COUNT:,} runs: "
        f"{ {name: round(seconds, 2) for name, seconds in medians.items()} } s",
        flush=True,
    )
    return medians


def _first(browser: Any, address: str) -> None:
    """The server's first reading of its history, which imports MLflow."""
    page = browser.new_page()
    page.goto(f"{address}/runs")
    page.get_by_role("heading", name=f"{_COUNT:,} runs").wait_for(timeout=60_000)
    page.close()


def _open(page: Any, address: str, name: str) -> dict[str, float]:
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.get_by_test_id("stApp").wait_for(timeout=60_000)
    frame = time.perf_counter() - started
    return _stands(page, started, name) | ({"frame": frame} if name == "fresh" else {})


def _stands(page: Any, started: float, name: str) -> dict[str, float]:
    page.get_by_role("heading", name=f"{_COUNT:,} runs").wait_for(timeout=60_000)
    headline = time.perf_counter() - started
    page.get_by_test_id("stDataFrame").locator("canvas").first.wait_for(timeout=60_000)
    return {name: headline, f"{name}_table": time.perf_counter() - started}


_LOOK = """seconds => new Promise(done => {
    const seen = [];
    const end = performance.now() + 1000 * seconds;
    const look = () => {
        const plot = document.querySelector('.st-key-chart_run_live .js-plotly-plot');
        const x = plot && plot.data && plot.data[0].x;
        const values = x ? Array.from(x._inputArray || x) : [];
        const last = values.length ? values[values.length - 1] : 0;
        if (last && (!seen.length || seen[seen.length - 1][0] !== last))
            seen.push([last, (performance.timeOrigin + performance.now()) / 1000]);
        performance.now() < end ? requestAnimationFrame(look) : done(seen);
    };
    look();
})"""


def _watch(browser: Any, address: str, stamps: str, seconds: float) -> dict[str, float]:
    """An epoch's lag is the time from its end on the worker to the first frame that shows it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/?backend=torch&epochs=1000&hidden=12")
    page.get_by_role("button", name="Train the GRU").click(timeout=60_000)
    page.locator(".st-key-chart_run_live .js-plotly-plot .scatterlayer .trace").first.wait_for(
        timeout=60_000
    )
    seen = page.evaluate(_LOOK, seconds)
    ended = {
        int(epoch) + 1: float(at)
        for epoch, at in (line.split() for line in Path(stamps).read_text().splitlines())
    }
    lags = [
        at - ended[epoch]
        for (before, _), (now, at) in itertools.pairwise(seen)
        for epoch in range(before + 1, now + 1)  # all that this frame is the first to show
    ]
    print(
        f"{len(lags)} epochs, {len(seen)} redraws: "
        f"lag median {statistics.median(lags):.2f} s, worst {max(lags):.2f} s",
        flush=True,
    )
    return {"epochs": len(lags), "median": statistics.median(lags), "worst": max(lags)}


def _fill(folder: Path) -> None:
    """One run through the store, the others as its copies."""
    from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
    from rnnapp.data.sources import bundled
    from rnnapp.data.windows import make_split
    from rnnapp.evaluation.forecast import forecast
    from rnnapp.runs.history.store import RunStore
    from rnnapp.runs.record import record_run
    from rnnapp.training.loop import Training
    from tests.support import multiply

    split = make_split(bundled("sp500").tail(500), WindowConfig(window=5))
    training = Training(split, ModelConfig(), TrainConfig(epochs=40))
    for _ in training.epochs():
        pass
    trained, file = training.result(), folder / "runs" / "mlflow.db"
    run_id = record_run(
        trained,
        split,
        forecast(trained, split),
        source="bundled",
        session="",
        store=RunStore(f"sqlite:///{file}"),
    )
    multiply(file, run_id, _COUNT - 1)


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(thousand())
    print(lag())
