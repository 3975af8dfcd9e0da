"""NeuralForecast's RNN, LSTM and GRU.

Close as the series, the other columns as historic covariates.
"""

from __future__ import annotations

import logging
import sys
import time

import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MSE
from neuralforecast.models import GRU, LSTM, RNN
from peers import serve

torch.set_num_threads(1)
logging.disable(logging.WARNING)
data = np.load(sys.argv[1])
T, count = int(data["steps"]), int(data["count"])
targets = data["targets"]
close = np.concatenate([np.full(T, targets[0]), targets])
names = [f"x{i}" for i in range(data["rows"].shape[1])]
days = pd.date_range("2000-01-01", periods=len(close))
table = pd.DataFrame(data["rows"][: len(close)], columns=names).assign(
    unique_id="index", ds=days, y=close
)


def train(cell: str) -> dict[str, float]:
    """Fit on the training rows; then each window is asked for as a series of its own."""
    quiet = {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    steps = int(data["epochs"]) * -(-count // int(data["batch"]))
    started, cpu = time.perf_counter(), time.process_time()
    model = {"rnn": RNN, "lstm": LSTM, "gru": GRU}[cell](
        h=1,
        input_size=T,
        encoder_n_layers=2,
        encoder_hidden_size=8,
        decoder_layers=1,
        decoder_hidden_size=8,
        hist_exog_list=names,
        max_steps=steps,
        learning_rate=float(data["lr"]),
        num_lr_decays=0,
        batch_size=1,
        windows_batch_size=int(data["batch"]),
        loss=MSE(),
        scaler_type=None,
        random_seed=0,
        **quiet,
    )
    forecaster = NeuralForecast(models=[model], freq="D")
    forecaster.fit(table[: T + count])
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    windows = pd.concat(
        [table[i : i + T].assign(unique_id=f"{i:05d}") for i in range(len(targets))]
    )
    answers = forecaster.predict(windows).sort_values("unique_id")[type(model).__name__].to_numpy()
    error = answers - targets
    points = float(data["high"] - data["low"])
    loss, rmse = (
        float(np.mean(error[:count] ** 2)),
        float(np.sqrt(np.mean(error[count:] ** 2)) * points),
    )
    return {"seconds": seconds, "cpu": cpu, "steps": steps, "loss": loss, "rmse": rmse}


if __name__ == "__main__":
    serve(train)
