"""Keras 3 on JAX, as fast as its ``fit`` was found to go.

All epochs laid out as one, ten steps in each compiled call.
"""

from __future__ import annotations

import sys
import time

import keras
import numpy as np
from peers import serve

data = np.load(sys.argv[1])
T, count = int(data["steps"]), int(data["count"])
windows = np.stack([data["rows"][i : i + T] for i in range(len(data["targets"]))])
targets = data["targets"][:, None]


def train(cell: str) -> dict[str, float]:
    """Build, compile and fit; the compilation counts, as it must be paid for each shape."""
    kind = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    keras.utils.set_random_seed(0)
    started, cpu = time.perf_counter(), time.process_time()
    net = keras.Sequential(
        [
            keras.Input((T, windows.shape[2])),
            kind(8, return_sequences=True),
            kind(8, return_sequences=True),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid" if cell == "rnn" else None),
        ]
    )
    net.compile(keras.optimizers.Adam(float(data["lr"])), "mse", steps_per_execution=10)
    order = np.concatenate(
        [np.random.default_rng(e).permutation(count) for e in range(int(data["epochs"]))]
    )
    net.fit(windows[order], targets[order], batch_size=int(data["batch"]), shuffle=False, verbose=0)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    answers = np.asarray(net.predict(windows, verbose=0))
    return summary(seconds, cpu, int(net.optimizer.iterations), answers[:, 0])


def summary(seconds: float, cpu: float, steps: int, answers: np.ndarray) -> dict[str, float]:
    """What every peer answers."""
    error = answers - data["targets"]
    points = float(data["high"] - data["low"])
    loss, rmse = (
        float(np.mean(error[:count] ** 2)),
        float(np.sqrt(np.mean(error[count:] ** 2)) * points),
    )
    return {"seconds": seconds, "cpu": cpu, "steps": steps, "loss": loss, "rmse": rmse}


if __name__ == "__main__":
    serve(train)
