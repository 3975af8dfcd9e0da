"""A run's files in the store: prices, model, forecast, and all of them as a zip."""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnapp.configs import SimulatedConfig, from_dict, to_dict
from rnnapp.data.notes import Note
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.errors import ConfigError, QuotaError, RunError
from rnnapp.language import gettext as _
from rnnapp.runs.history.store import RunStore
from rnnapp.training.checkpoints import load_model
from rnnapp.training.records import EpochEvent, TrainedModel
from rnnapp.training.snapshots import pack_snapshots, unpack_snapshots

__all__ = [
    "FORECAST_FILE",
    "load_prices",
    "load_trained",
    "losses_to_csv",
    "losses_to_events",
    "prices_from_bytes",
    "prices_to_bytes",
    "save_prices",
    "save_result",
    "zip_run",
]

_PRICES = "prices.npz"
_MODEL = "model"
FORECAST_FILE = "forecast.csv"
_WEIGHTS = "weights.safetensors"
_SETTINGS = "settings.json"
_SNAPSHOTS = "epochs.safetensors"


def save_prices(store: RunStore, run_id: str, prices: PriceTable) -> None:
    """Save the prices a run learns from: it can be resumed and opened wherever the store is."""
    store.save_files(run_id, {_PRICES: prices_to_bytes(prices)})


def load_prices(store: RunStore, run_id: str) -> PriceTable | None:
    """The prices of a run, None where none were saved.

    Raises:
        RunError: the file is damaged.
    """
    content = store.load_file(run_id, _PRICES)
    if content is None:
        return None
    return prices_from_bytes(content)


def prices_to_bytes(prices: PriceTable) -> bytes:
    """A table as a compressed npz of plain arrays: dates (N,), values (N, columns), and JSON."""
    buffer = io.BytesIO()
    repairs = [str(note) for note in prices.repairs]
    columns = [str(name) for name in prices.frame.columns]
    described: dict[str, Any] = {"name": prices.name, "columns": columns, "repairs": repairs}
    if isinstance(prices, SimulatedPrices):
        described["simulated"] = to_dict(prices.config)
    about = json.dumps(described)
    np.savez_compressed(
        buffer,
        dates=prices.dates.astype(np.int64),
        values=prices.frame.to_numpy(np.float64),
        about=np.frombuffer(about.encode(), np.uint8),
    )
    return buffer.getvalue()


def prices_from_bytes(content: bytes) -> PriceTable:
    """Read what :func:`prices_to_bytes` wrote.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            index = pd.DatetimeIndex(arrays["dates"].astype("datetime64[ns]"), name="Date")
            frame = pd.DataFrame(arrays["values"], index=index, columns=about["columns"])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            _("The saved prices are damaged."), remedy=_("Train it again on the prices themselves.")
        ) from error
    notes = tuple(Note("recorded", message) for message in about["repairs"])
    table = PriceTable(about["name"], frame, notes)
    return _simulate_again(about, table) or table


def _simulate_again(about: dict[str, Any], table: PriceTable) -> PriceTable | None:
    """The same rows with their best possible forecast, None where they are not simulated.

    Other columns that were saved with them stay.

    A version that simulates otherwise opens the saved rows as plain prices.
    """
    if "simulated" not in about:
        return None
    try:
        whole = simulate_prices(from_dict(SimulatedConfig, about["simulated"]))
    except ConfigError:
        return None
    simulated = table.select_features(()).fingerprint
    for rows in (whole.tail(len(table)), whole.head(len(table))):
        if rows.fingerprint == simulated:
            return dataclasses.replace(rows, frame=table.frame, repairs=table.repairs)
    return None


def save_result(
    store: RunStore, run_id: str, trained: TrainedModel, forecast_csv: bytes | None
) -> None:
    """Save the weights with their settings, the forecast if any, and the weights of past epochs.

    Past epochs are left out where there is no room for them.

    Raises:
        QuotaError: there is no room for the rest.
    """
    store.save_model(run_id, trained, _MODEL)
    if forecast_csv is not None:
        store.save_files(run_id, {FORECAST_FILE: forecast_csv})
    if trained.snapshots:
        with suppress(QuotaError):
            store.save_files(run_id, {_SNAPSHOTS: pack_snapshots(trained.snapshots)})


def load_trained(store: RunStore, run_id: str) -> TrainedModel | None:
    """The model of a run, None before it ended.

    Raises:
        RunError: a file of it is missing.
        CheckpointError: the saved weights are damaged.
    """
    files = store.list_files(run_id)
    if _MODEL not in files:
        return None
    with tempfile.TemporaryDirectory() as made:
        for name in (_WEIGHTS, _SETTINGS):
            content = store.load_file(run_id, f"{_MODEL}/{name}")
            if content is None:
                raise RunError(
                    _("The run lacks its file {name}.").format(name=name),
                    remedy=_("Resume it, or train it again."),
                )
            Path(made, name).write_bytes(content)
        trained, _unused = load_model(made)
    if _SNAPSHOTS not in files:
        return trained
    past = store.load_file(run_id, _SNAPSHOTS) or b""
    return dataclasses.replace(trained, snapshots=unpack_snapshots(past, tuple(trained.weights)))


def losses_to_events(store: RunStore, run_id: str) -> tuple[EpochEvent, ...]:
    """A run's epochs from the store's metrics: losses and accuracies, nothing else."""
    losses = {name: dict(values) for name, values in store.loss_values(run_id).items()}
    none: dict[int, float] = {}
    return tuple(
        EpochEvent(
            epoch=epoch,
            train_loss=loss,
            valid_loss=losses.get("valid_loss", none).get(epoch),
            seconds=0.0,
            steps_per_second=0.0,
            train_accuracy=losses.get("train_accuracy", none).get(epoch),
            test_accuracy=losses.get("test_accuracy", none).get(epoch),
            rate=0.0,
        )
        for epoch, loss in losses.get("train_loss", none).items()
    )


def losses_to_csv(store: RunStore, run_id: str) -> str:
    """A run's losses and accuracies by epoch, as CSV."""
    losses = store.loss_values(run_id)
    series = {name: pd.Series(dict(values)) for name, values in losses.items()}
    text: str = pd.DataFrame(series).to_csv(index_label="epoch")
    return text


def zip_run(store: RunStore, run_id: str) -> bytes:
    """A run as a zip: settings, losses, metrics and files, but no state of an unfinished run."""
    run = store.get_run(run_id)
    about: dict[str, Any] = {
        "name": run.name,
        "status": run.status,
        "created": run.created.isoformat(),
        "note": run.note,
        "data": run.data,
        "source": run.source,
        "fingerprint": run.fingerprint,
        "versions": dict(run.versions),
        "settings": run.settings.to_json(),
        "figures": dict(run.metrics),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", json.dumps(about, indent=1))
        archive.writestr("losses.csv", losses_to_csv(store, run_id))
        for name in _list_all_files(store, run_id):
            archive.writestr(name, store.load_file(run_id, name) or b"")
    return buffer.getvalue()


def _list_all_files(store: RunStore, run_id: str) -> list[str]:
    names: list[str] = []
    for name in store.list_files(run_id):
        if not name.startswith("state-"):
            names += store.list_files(run_id, name) or [name]
    return names
