"""Keep a run that was trained in place: one call puts into the history what a submitted run leaves there."""

from __future__ import annotations

import dataclasses

from rnnapp.configs import Settings
from rnnapp.data.digits import DigitSplit
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.runs.history.artifacts import put_outcome, put_prices
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import Store, live_tags
from rnnapp.runs.training_job import figures
from rnnapp.training.loop import TrainedModel

__all__ = ["keep"]


def keep(
    trained: TrainedModel,
    split: Split,
    told: Forecast | None = None,
    *,
    name: str = "",
    source: str = "",
    session: str = "",
    store: Store | None = None,
) -> str:
    """Record a trained model; returns its run's id.

    Args:
        trained: the model.
        split: what it was trained on; its prices are kept with it.
        told: its forecast, told again where it is not given.
        name: what to call it; the net and the data by default.
        source: where the data came from, in words.
        session: whose it is.
        store: the history; the default one where it is not given.

    Raises:
        RunError: the history cannot be written.
    """
    store = store or Store()
    if isinstance(split, PriceSplit) and told is None:
        told = forecast(trained, split)
    title = name or f"{trained.model.name} on {split.name}"
    settings = Settings(trained.model, trained.train)
    if isinstance(split, PriceSplit):
        settings = dataclasses.replace(settings, window=split.config)
    elif isinstance(split, DigitSplit):
        settings = dataclasses.replace(settings, digits=split.config)
    run_id = store.create(
        NewRun(title, settings, split.name, source, split.fingerprint, session, status="running")
    )
    if isinstance(split, PriceSplit):
        put_prices(store, run_id, split.prices)
    put_outcome(store, run_id, trained, told)
    live = live_tags(trained.history, owner="", message="")
    store.log(
        run_id,
        trained.history,
        figures=figures(trained, split, told),
        status=trained.stopped,
        **live,
    )
    return run_id
