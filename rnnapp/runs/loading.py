"""A run opened again from its files: its model, and its forecast computed anew."""

from __future__ import annotations

from dataclasses import dataclass

from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.runs.history.artifacts import load_prices, load_trained, losses_to_events
from rnnapp.runs.history.records import Run
from rnnapp.runs.history.store import RunStore
from rnnapp.training.records import EpochEvent, TrainedModel

__all__ = ["LoadedRun", "load_run"]


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A run with everything it left behind.

    Attributes:
        run: its record.
        history: its epochs; of a run that did not end, their losses alone.
        trained: the model, None before it ended.
        prices, split, forecast, evaluation: of a forecast whose prices were saved, else None.
    """

    run: Run
    history: tuple[EpochEvent, ...]
    trained: TrainedModel | None = None
    prices: PriceTable | None = None
    split: PriceSplit | None = None
    forecast: Forecast | None = None
    evaluation: Evaluation | None = None


def load_run(store: RunStore, run_id: str) -> LoadedRun:
    """Load a run; the saved weights forecast the saved prices again.

    Raises:
        RunError: the store does not answer, or has no such run.
        CheckpointError: the saved weights are damaged.
    """
    run = store.get_run(run_id)
    trained = load_trained(store, run_id)
    prices = load_prices(store, run_id)
    if trained is None:
        return LoadedRun(run, losses_to_events(store, run_id), None, prices)
    if not trained.history or prices is None or run.settings.window is None:
        return LoadedRun(run, trained.history, trained, prices)
    split = make_split(prices, run.settings.window)
    predicted = forecast(trained, split)
    return LoadedRun(run, trained.history, trained, prices, split, predicted, evaluate(predicted))
