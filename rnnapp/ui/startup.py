"""A server is warm before it answers, so that its first visitor does not wait."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
import torch
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from rnnapp.collection import pause_collection
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.errors import RnnappError
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.looks import Looks
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.outlook import outlook_from_models
from rnnapp.evaluation.warnings import collect_warnings
from rnnapp.language import current_language
from rnnapp.language import gettext as _
from rnnapp.training.backend_choice import refresh_speed_factors
from rnnapp.training.kernels.compilation import kernels_cached, warm_up
from rnnapp.training.loop import train
from rnnapp.ui import manager
from rnnapp.ui.draining import drain_on_signal, set_ready
from rnnapp.ui.hosts import limit_hosts, served_hosts
from rnnapp.ui.language import style_own_words
from rnnapp.ui.live_chart import ChartState, net_curve, pack_frame, split_base

__all__ = ["DASHBOARD", "front_page_route", "note_page_done", "prepare_page", "warm_server"]

DASHBOARD = Path(__file__).with_name("dashboard.py")
"""What runs for each visitor."""
_STYLE = """
<style>
  [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; padding-bottom: 2rem; }
  [data-testid="stSidebarUserContent"] { padding-top: 0.5rem; }
  [data-testid="stMetricValue"] { font-size: 1.6rem; }
  [data-testid="stRadioOption"]:has(input:not(:checked)) > div > div:first-child {
    border-color: #8A94A3;
  }
  @media print {
    [data-testid="stMainBlockContainer"] { zoom: 0.62; }  /* charts keep the screen's width */
  }
  /* Streamlit connects again by itself: until then a line says so, in place of its dialog. */
  [data-testid="stApp"]:is([data-test-connection-state="PINGING_SERVER"],
      [data-test-connection-state="CONNECTING"])::before {
    content: "{away}"; position: fixed; inset: 0 0 auto 0; z-index: 1000000;
    padding: 0.6rem 1rem; text-align: center; background: #8A5A00; color: #FFFFFF;
    animation: rnnapp-away 0s linear 1s both;
  }
  @keyframes rnnapp-away { from { visibility: hidden; } to { visibility: visible; } }
  body:has([data-testid="stApp"][data-test-connection-state="PINGING_SERVER"])
      [role="dialog"] { display: none; }
  @media (max-width: 480px) { .katex-display { font-size: 0.88em; } }
</style>
"""
_FIRST_PAGES = ("rnnapp.ui.forecast", "rnnapp.ui.data", "rnnapp.ui.controls")
_OTHER_PAGES = (
    "rnnapp.ui.compare.view",
    "rnnapp.ui.compare.walk_forward",
    "rnnapp.ui.digits.drawing",
    "rnnapp.ui.digits.training",
    "rnnapp.ui.anatomy.net",
    "rnnapp.ui.anatomy.gates",
    "rnnapp.ui.recipes",
    "rnnapp.ui.learn",
    "rnnapp.ui.tune",
    "rnnapp.ui.runs.list",
)
_LATEST_PREPARATION = 15.0  # seconds; earlier where the first visitor's page is done
_PAUSE = 1.0  # seconds, in which the first visitor's browser draws the rest of the page
_page_done = threading.Event()


@asynccontextmanager
async def warm_server(_unused: object) -> AsyncIterator[None]:
    """The server's lifespan: before it answers, import and run once what the first page needs.

    Before it ends, trainings save their state; the next start goes on with them.
    """
    limit_hosts(served_hosts())
    await run_in_threadpool(_warm)
    try:
        with drain_on_signal(manager.drain_runs):
            set_ready(True)
            yield
    finally:
        set_ready(False)
        await run_in_threadpool(manager.drain_runs)


def front_page_route() -> Route:
    """``/forecast`` leads to the front page: the other pages have their names as addresses."""
    return Route("/forecast", _open_front_page, methods=["GET"])


def prepare_page() -> None:
    """Set what the theme cannot."""
    st.logo(str(Path(__file__).with_name("static") / "logo.svg"), size="large")
    sentence = _("The server restarts, or the connection is lost. This page comes back by itself.")
    st.html(_STYLE.replace("{away}", sentence) + style_own_words(current_language()))


def note_page_done() -> None:
    """A page has run to its end: from now on the other pages may be prepared."""
    _page_done.set()


async def _open_front_page(request: Request) -> RedirectResponse:
    address = "./"
    if request.url.query:
        address += f"?{request.url.query}"
    return RedirectResponse(address)


def _warm() -> None:
    loading = warm_up()
    with pause_collection():
        for name in _FIRST_PAGES:
            importlib.import_module(name)
        if kernels_cached():  # else a compiler is at work for half a minute: the page says so
            loading.join()
        with suppress(RnnappError):
            _run_small_page()
    threading.Thread(target=_prepare_others, name="prepare-pages", daemon=True).start()
    threading.Thread(target=_resume_noted, name="resume-runs", daemon=True).start()


def _resume_noted() -> None:
    manager.resume_drained_runs(noted_only=True)


def _prepare_others() -> None:
    """Import what the other pages need; the first visitor's page comes first."""
    _page_done.wait(_LATEST_PREPARATION)
    time.sleep(_PAUSE)
    with pause_collection():
        for name in _OTHER_PAGES:
            importlib.import_module(name)
    manager.prepare_list()
    refresh_speed_factors()
    if torch.cuda.is_available():  # a second, once a process
        split = make_split(bundled("sp500"), WindowConfig(rows=200))
        train(split, ModelConfig(), TrainConfig(epochs=1, backend="torch", device="cuda"))


def _run_small_page() -> None:
    """What the Forecast page computes, once, on its own prices with its own settings."""
    split = make_split(bundled("sp500"), WindowConfig())
    model = ModelConfig()
    settings = TrainConfig(epochs=2)
    trained = train(split, model, settings, keep_snapshots=True)
    made = forecast(trained, split)
    evaluate(made)
    outlook_from_models(split, [trained])
    collect_warnings(split, model)
    looks = Looks(split.prices.dates)
    looks.record_forecast("first", made)
    looks.summarize("first")
    base = split_base(split)
    state = ChartState("", 2, 2, True, "")
    pack_frame("forecast", base, [net_curve(base, trained, made)], state)
