"""A run's files in the store, and a run opened again from them."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnapp.data.notes import Note
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import RunError
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.runs.history.records import Run
from rnnapp.runs.history.store import Store
from rnnapp.training.checkpoints import load_model
from rnnapp.training.loop import EpochEvent, TrainedModel

__all__ = [
    "Opened",
    "get_prices",
    "history",
    "open_run",
    "prices_from_bytes",
    "prices_to_bytes",
    "put_outcome",
    "put_prices",
    "zip_run",
]

_PRICES, _MODEL, _FORECAST = "prices.npz", "model", "forecast.csv"
_WEIGHTS, _SETTINGS = "weights.safetensors", "settings.json"


@dataclass(frozen=True, eq=False)
class Opened:
    """A run with all it left behind.

    Attributes:
        history: its epochs; of a run that did not end, their losses alone.
        trained: the model, None before it ended.
        prices, split, forecast, evaluation: of a forecast whose prices were kept, else None.
    """

    run: Run
    history: tuple[EpochEvent, ...]
    trained: TrainedModel | None = None
    prices: PriceTable | None = None
    split: PriceSplit | None = None
    forecast: Forecast | None = None
    evaluation: Evaluation | None = None


def open_run(store: Store, run_id: str) -> Opened:
    """Everything of a run, as when it ran: the forecast is told again by the kept weights on the kept prices.

    Raises:
        RunError: the store does not answer, or has no such run.
        CheckpointError: the kept weights are damaged.
    """
    run = store.run(run_id)
    names = store.files(run_id)
    trained = _get_model(store, run_id) if _MODEL in names else None
    prices = get_prices(store, run_id) if _PRICES in names else None
    past = trained.history if trained is not None else history(store, run_id)
    if trained is None or prices is None or run.settings.window is None:
        return Opened(run, past, trained, prices)
    split = make_split(prices, run.settings.window)
    told = forecast(trained, split)
    return Opened(run, past, trained, prices, split, told, evaluate(told))


def history(store: Store, run_id: str) -> tuple[EpochEvent, ...]:
    """A run's epochs out of the store's metrics: losses and accuracies, nothing else."""
    found = {name: dict(values) for name, values in store.losses(run_id).items()}
    return tuple(
        EpochEvent(
            epoch=epoch, train_loss=loss, valid_loss=found.get("valid_loss", {}).get(epoch), seconds=0.0, steps_per_second=0.0,
            train_accuracy=found.get("train_accuracy", {}).get(epoch), test_accuracy=found.get("test_accuracy", {}).get(epoch),
            rate=0.0,
        )
        for epoch, loss in found.get("train_loss", {}).items()
    )  # fmt: skip


def put_prices(store: Store, run_id: str, prices: PriceTable) -> None:
    """Keep the prices a run learns from, so that it can be resumed and opened wherever the store is."""
    store.put(run_id, {_PRICES: prices_to_bytes(prices)})


def prices_to_bytes(prices: PriceTable) -> bytes:
    """A table as a compressed npz of plain arrays."""
    made = io.BytesIO()
    values = prices.frame.to_numpy(np.float64)
    repairs = [str(note) for note in prices.repairs]
    about = json.dumps({"name": prices.name, "columns": prices.columns, "repairs": repairs})
    np.savez_compressed(
        made,
        dates=prices.dates.astype(np.int64),
        values=values,
        about=np.frombuffer(about.encode(), np.uint8),
    )
    return made.getvalue()


def get_prices(store: Store, run_id: str) -> PriceTable | None:
    """The prices of a run, None where none were kept.

    Raises:
        RunError: the file is damaged.
    """
    content = store.get(run_id, _PRICES)
    return None if content is None else prices_from_bytes(content)


def prices_from_bytes(content: bytes) -> PriceTable:
    """What :func:`prices_to_bytes` gave.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            about = json.loads(found["about"].tobytes())
            index = pd.DatetimeIndex(found["dates"].astype("datetime64[ns]"), name="Date")
            frame = pd.DataFrame(found["values"], index=index, columns=about["columns"])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise RunError(
            f"The kept prices cannot be read ({error}); train it again on the prices themselves."
        ) from error
    notes = tuple(Note("recorded", message) for message in about["repairs"])
    return PriceTable(about["name"], frame, notes)


def put_outcome(
    store: Store, run_id: str, trained: TrainedModel, told: Forecast | None, **extra: Any
) -> None:
    """Keep the weights with their settings, and the forecast as CSV."""
    store.put_model(run_id, trained, _MODEL, **extra)
    if told is not None:
        store.put(run_id, {_FORECAST: told.to_frame().to_csv(index=False).encode()})


def zip_run(store: Store, run_id: str) -> bytes:
    """Everything of a run in one zip: settings, losses and figures, and all its files but the state of an unfinished run."""
    run = store.run(run_id)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        about: dict[str, Any] = {
            "name": run.name,
            "status": run.status,
            "created": run.created.isoformat(),
            "note": run.note,
            "data": run.data,
        }
        about |= {
            "source": run.source,
            "fingerprint": run.fingerprint,
            "versions": dict(run.versions),
        }
        about |= {"settings": run.settings.to_json(), "figures": dict(run.metrics)}
        archive.writestr("run.json", json.dumps(about, indent=1))
        losses = {name: pd.Series(dict(values)) for name, values in store.losses(run_id).items()}
        archive.writestr("losses.csv", pd.DataFrame(losses).to_csv(index_label="epoch"))
        for name in _all_files(store, run_id):
            archive.writestr(name, store.get(run_id, name) or b"")
    return made.getvalue()


def _all_files(store: Store, run_id: str) -> list[str]:
    found: list[str] = []
    for name in store.files(run_id):
        if not name.startswith("state-"):
            found += store.files(run_id, name) or [name]
    return found


def _get_model(store: Store, run_id: str) -> TrainedModel:
    with tempfile.TemporaryDirectory() as made:
        for name in (_WEIGHTS, _SETTINGS):
            content = store.get(run_id, f"{_MODEL}/{name}")
            if content is None:
                raise RunError(
                    f"The run {run_id} lacks its file {name}; resume it, or train it again."
                )
            Path(made, name).write_bytes(content)
        return load_model(made)[0]
