"""A server is warm before it answers, so that its first visitor does not wait."""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.errors import RnnappError
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.looks import Looks
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.outlook import outlook_from_models
from rnnapp.evaluation.warnings import collect_warnings
from rnnapp.training.backend_choice import refresh_speed_factors
from rnnapp.training.kernels.compilation import kernels_cached, warm_up
from rnnapp.training.loop import train
from rnnapp.ui import manager
from rnnapp.ui.live_chart import ChartState, net_curve, pack_frame, split_base

__all__ = ["front_page_route", "prepare_page", "warm_server"]

_STYLE = """
<style>
  [data-testid="stMainBlockContainer"] { padding-top: 3.6rem; padding-bottom: 2rem; }
  [data-testid="stSidebarUserContent"] { padding-top: 0.5rem; }
  [data-testid="stMetricValue"] { font-size: 1.6rem; }
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
_OTHERS_AFTER = 3.0  # seconds: the first visitor's page comes first


@asynccontextmanager
async def warm_server(_: object) -> AsyncIterator[None]:
    """The server's lifespan: before it answers, import and run once what the first page needs."""
    await run_in_threadpool(_warm)
    yield


def front_page_route() -> Route:
    """``/forecast`` leads to the front page: the other pages have their names as addresses."""
    return Route("/forecast", _open_front_page, methods=["GET"])


def prepare_page() -> None:
    """Set what the theme cannot."""
    st.logo(str(Path(__file__).with_name("static") / "logo.svg"), size="large")
    st.html(_STYLE)


async def _open_front_page(request: Request) -> RedirectResponse:
    address = "./"
    if request.url.query:
        address += f"?{request.url.query}"
    return RedirectResponse(address)


def _warm() -> None:
    loading = warm_up()
    for name in _FIRST_PAGES:
        importlib.import_module(name)
    if kernels_cached():  # else a compiler is at work for half a minute: the page says so
        loading.join()
    with suppress(RnnappError):
        _run_small_page()
    later = threading.Timer(_OTHERS_AFTER, _prepare_others)
    later.daemon = True
    later.start()
    manager.preload_list()
    # Hundreds of thousands of objects of the libraries, which a collection need not look through
    # again
    gc.freeze()


def _prepare_others() -> None:
    refresh_speed_factors()
    for name in _OTHER_PAGES:
        importlib.import_module(name)


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
