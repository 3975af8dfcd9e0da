"""Record a model that was trained in place, as a submitted run leaves it in the history."""

from __future__ import annotations

import dataclasses

from rnnapp.configs import Settings
from rnnapp.data.digits import DigitSplit
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.runs.history.artifacts import save_prices, save_result
from rnnapp.runs.history.records import NewRun
from rnnapp.runs.history.store import RunStore, progress_facts
from rnnapp.runs.training_job import final_metrics
from rnnapp.training.records import TrainedModel

__all__ = ["record_run"]


def record_run(
    trained: TrainedModel,
    split: Split,
    predicted: Forecast | None = None,
    *,
    name: str = "",
    source: str = "",
    session: str = "",
    note: str = "",
    store: RunStore | None = None,
) -> str:
    """Record a trained model; returns its run's id.

    Args:
        trained: the model.
        split: what it was trained on; its prices are saved with it.
        predicted: its forecast; computed where it is not given.
        name: what to call it; the net and the data by default.
        source: where the data came from, in words.
        session: who trained it.
        note: what to say of it.
        store: the history; the default one where it is not given.

    Raises:
        RunError: the history cannot be written.
    """
    store = store or RunStore()
    settings = Settings(trained.model, trained.train)
    if isinstance(split, PriceSplit):
        settings = dataclasses.replace(settings, window=split.config)
        if predicted is None and trained.history:
            predicted = forecast(trained, split)
    elif isinstance(split, DigitSplit):
        settings = dataclasses.replace(settings, digits=split.config)
    title = name or f"{trained.model.name} on {split.name}"
    new = NewRun(title, settings, split.name, source, split.fingerprint, session, status="running")
    run_id = store.create_run(new)
    if note:
        store.set_note(run_id, note)
    if isinstance(split, PriceSplit):
        save_prices(store, run_id, split.prices)
    csv = None
    if predicted is not None:
        csv = predicted.to_frame().to_csv(index=False).encode()
    save_result(store, run_id, trained, csv)
    metrics: dict[str, float] = {}
    if trained.history:
        metrics = final_metrics(trained, split, predicted)
    store.log_progress(
        run_id,
        trained.history,
        metrics=metrics,
        status=trained.stopped,
        facts=progress_facts(trained.history),
    )
    return run_id
