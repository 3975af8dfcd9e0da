"""Darts' ``BlockRNNModel``: Close as the series, the other columns as past covariates."""

from __future__ import annotations

import logging
import sys
import time

import numpy as np
import torch
from darts import TimeSeries
from darts.models import BlockRNNModel
from peers import serve

torch.set_num_threads(1)
logging.disable(logging.WARNING)
data = np.load(sys.argv[1])
T, count = int(data["steps"]), int(data["count"])
close = np.concatenate(
    [np.full(T, data["targets"][0]), data["targets"]]
)  # the first T closes are covered by covariates only
series = TimeSeries.from_values(close.astype(np.float32))
covariates = TimeSeries.from_values(data["rows"][: len(close)])


def train(cell: str) -> dict[str, float]:
    """Fit on the training windows.

    The loss and the test error come from its own historical forecasts.
    """
    quiet = {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    started, cpu = time.perf_counter(), time.process_time()
    model = BlockRNNModel(
        T,
        1,
        model=cell.upper(),
        hidden_dim=8,
        n_rnn_layers=2,
        batch_size=int(data["batch"]),
        n_epochs=int(data["epochs"]),
        optimizer_kwargs={"lr": float(data["lr"])},
        random_state=0,
        pl_trainer_kwargs=quiet,
        force_reset=True,
    )
    model.fit(series[: T + count], past_covariates=covariates)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    steps = int(model.trainer.global_step)
    found = model.historical_forecasts(
        series, covariates, start=T, retrain=False, verbose=False, show_warnings=False
    )
    error = found.values()[:, 0] - close[-len(found) :]
    test = len(data["targets"]) - count
    points = float(data["high"] - data["low"])
    loss, rmse = (
        float(np.mean(error[:-test] ** 2)),
        float(np.sqrt(np.mean(error[-test:] ** 2)) * points),
    )
    return {"seconds": seconds, "cpu": cpu, "steps": steps, "loss": loss, "rmse": rmse}


if __name__ == "__main__":
    serve(train)
