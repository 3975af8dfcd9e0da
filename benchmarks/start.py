"""The first visit to a fresh server, beside a page with one plotly chart, measured in turn."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from page_reaction import browsing

__all__ = ["measure_start"]

_PLAIN_PAGE = """
import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(y=[day % 17 for day in range(1000)])))
"""
_LAUNCHER = """
import runpy
import sys

port, script = sys.argv[1:]
sys.argv = ["streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
runpy.run_module("streamlit", run_name="__main__")
"""
_WATCH = """() => {
    const drawn = '[data-testid="live-forecast"][data-done="true"], .js-plotly-plot .main-svg';
    const start = performance.timeOrigin;
    window.visit = {};
    const look = () => {
        const now = performance.timeOrigin + performance.now() - start;
        const [painted] = performance.getEntriesByName('first-contentful-paint');
        if (painted) window.visit.visible = painted.startTime;
        if (!window.visit.drawn && document.querySelector(drawn)) window.visit.drawn = now;
        if (!window.visit.drawn || !painted) requestAnimationFrame(look);
    };
    document.addEventListener('DOMContentLoaded', look);
}"""


def measure_start(repeats: int = 5) -> dict[str, Any]:
    """Milliseconds from opening a page to something visible and to the chart drawn, medians.

    Each repeat starts a server of each kind anew and opens one page as soon as it answers.
    """
    visits: dict[str, list[dict[str, float]]] = {"app": [], "plain": []}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "plain.py")
        script.write_text(_PLAIN_PAGE)
        launcher = Path(folder, "launch.py")
        launcher.write_text(_LAUNCHER)
        for _ in range(repeats):
            visits["plain"].append(_visit_once(str(launcher), str(script)))
            visits["app"].append(_visit_once())
    result: dict[str, Any] = {}
    for name, times in visits.items():
        for what in ("visible", "drawn"):
            result[f"{name}_{what}"] = statistics.median(time[what] for time in times)
    ratios = [
        app["drawn"] / bare["drawn"]
        for app, bare in zip(visits["app"], visits["plain"], strict=True)
    ]
    result["ratio"] = statistics.median(ratios)
    print(f"start: {result}", flush=True)
    return result


def _visit_once(*program: str) -> dict[str, float]:
    with browsing(*program) as (browser, address, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(f"({_WATCH})()")
        page.goto(address)
        page.wait_for_function("() => window.visit.drawn && window.visit.visible", timeout=120_000)
        times: dict[str, float] = page.evaluate("window.visit")
        return times


if __name__ == "__main__":
    measure_start(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
