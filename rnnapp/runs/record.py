"""Record a model that was trained in place, as a submitted run leaves it in the history."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

from rnnapp.configs import Settings
from rnnapp.data.digits import DigitSplit
from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import RnnappError, describe_cause
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.language import gettext as _
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
    """Record a trained model; returns its run's id. One that fails leaves no run in the list.

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
        QuotaError: the person's runs take what one person may have.
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
    try:
        _save_all(store, run_id, trained, split, predicted, note)
    except BaseException as error:  # half recorded, it would be shown as running
        with suppress(RnnappError):
            facts = progress_facts((), message=_describe_failure(error))
            store.log_progress(run_id, status="failed", facts=facts)
        with suppress(RnnappError):
            store.delete_run(run_id)
        raise
    return run_id


def _describe_failure(error: BaseException) -> str:
    sentence = str(error)
    if not isinstance(error, RnnappError):
        sentence = describe_cause(error)
    return _("It could not be recorded whole. {error}").format(error=sentence)


def _save_all(
    store: RunStore,
    run_id: str,
    trained: TrainedModel,
    split: Split,
    predicted: Forecast | None,
    note: str,
) -> None:
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
