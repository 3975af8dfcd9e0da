"""How times grow: with rows, window length, hidden size, and the number of runs at once.

A million-row table; MNIST.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import notebook_loop
import numpy as np
import torch
from setting import Setting
from timing import medians, timed

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig
from rnnapp.data.digits import find_mnist, load_digits
from rnnapp.data.sequences import Sequences, Split
from rnnapp.training import torch_backend
from rnnapp.training.ensemble import train_many
from rnnapp.training.kernels.backend import CompiledBackend
from rnnapp.training.torch_backend import TorchBackend

__all__ = ["ensembles", "grow", "million", "mnist"]

_GROWTH: dict[str, tuple[int, ...]] = {
    "rows": (1_000, 10_000, 100_000, 1_000_000),
    "window": (5, 20, 60, 120, 250),
    "hidden": (4, 8, 16, 32, 64, 128, 256),
}
_WINDOWS = 6_400  # per epoch where rows do not vary


def grow(what: str, repeats: int) -> list[dict[str, float]]:
    """Seconds of one epoch by the kernel and by torch (from its first steps) as one size grows.

    The rest is a GRU of 8 units, a window of 10, batches of 64.
    """
    torch_backend._WIDE = (
        10**9
    )  # one thread for all: on a busy machine two of torch's wait for each other
    rows = []
    for size in _GROWTH[what]:
        count = size if what == "rows" else _WINDOWS
        split = _random(count, size if what == "window" else 10)
        model = ModelConfig(cell="gru", hidden=size if what == "hidden" else 8)
        kernel = medians([_epoch(CompiledBackend, split, model, count) for _ in range(repeats)])
        slow = medians([_epoch(TorchBackend, split, model, 64 * 12) for _ in range(repeats)])
        rows.append(
            {"size": size, "compiled": kernel["cpu"], "torch": slow["cpu"] * count / (64 * 12)}
        )
        print(
            f"{what} {size}: compiled {rows[-1]['compiled']:.4f} s, "
            f"torch {rows[-1]['torch']:.3f} s an epoch",
            flush=True,
        )
    return rows


def ensembles(setting: Setting, repeats: int) -> list[dict[str, float]]:
    """Wall seconds of K GRU runs at once, and of five seeds of each of three cells."""
    rows = []
    for count in (1, 2, 4, 8, 16, 32):
        jobs = [_job(setting, "gru", seed) for seed in range(count)]
        rows.append(
            {
                "runs": count,
                **medians(
                    [timed(lambda jobs=jobs: list(train_many(jobs)))[1] for _ in range(repeats)]
                ),
            }
        )
    jobs = [_job(setting, cell, seed) for cell in ("rnn", "lstm", "gru") for seed in range(5)]
    rows.append(
        {
            "runs": 15,
            "cells": 3,
            **medians([timed(lambda: list(train_many(jobs)))[1] for _ in range(repeats)]),
        }
    )
    for row in rows:
        print(f"{row['runs']} runs: {row['seconds']:.3f} s, cpu {row['cpu']:.3f} s", flush=True)
    return rows


def million() -> dict[str, float]:
    """Windows of a million-row table, in a process of its own.

    Seconds, and megabytes at the peak beyond the table.
    """
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def mnist(repeats: int) -> dict[str, dict[str, float]] | None:
    """One epoch of the notebook's BiLSTM over 60,000 digits, by everyone in turn.

    None where MNIST is not here.
    """
    if find_mnist() is None:
        return None
    torch.set_num_threads(1)
    split = load_digits(DigitConfig(source="mnist"))
    count, batch = len(split.train), 128
    model = ModelConfig(cell="lstm", hidden=12, layers=2, bidirectional=True)
    inputs = np.ascontiguousarray(split.train.inputs).astype(np.float32) / 255
    labels = np.asarray(split.train.targets, np.int64)
    rows: dict[str, list[dict[str, float]]] = {}
    for repeat in range(repeats):
        net = notebook_loop.Net("lstm", 28, 12, 2, 28, 10, squash=False, both=True)
        for who, work in {
            "notebook loop": lambda net=net: notebook_loop.train(
                net, inputs, labels, epochs=1, batch=batch, lr=5e-3, classes=True
            ),
            "ours, torch": lambda: _pass(
                TorchBackend(split, model, TrainConfig(batch=batch, device="cpu")), count, batch
            ),
            "ours, compiled": lambda: _pass(
                CompiledBackend(split, model, TrainConfig(batch=batch, device="cpu")), count, batch
            ),
        }.items():
            loss, seconds = timed(work)
            rows.setdefault(who, []).append(seconds | {"loss": float(loss[0])})
            print(
                f"MNIST {repeat + 1}/{repeats} {who:16} {seconds['seconds']:.2f} s, "
                f"cpu {seconds['cpu']:.2f} s",
                flush=True,
            )
    return {who: medians(found) for who, found in rows.items()}


def _pass(backend: Any, count: int, batch: int) -> np.ndarray:
    order = np.random.default_rng(0).permutation(count)[None]
    return np.asarray(backend.run_epochs(order, np.full((1, -(-count // batch)), 5e-3)).losses)


def _epoch(kind: Any, split: Split, model: ModelConfig, count: int) -> dict[str, float]:
    backend = kind(split, model, TrainConfig(batch=64, device="cpu"))
    return timed(lambda: _pass(backend, count, 64))[1]


def _random(count: int, steps: int) -> Split:
    rows = np.random.default_rng(0).random((count + steps, 5), np.float32)
    part = Sequences(rows, np.arange(count, dtype=np.int64), rows[steps:, :1].copy(), steps)
    return Split(part, part, None, "mse", 1)


def _job(setting: Setting, cell: str, seed: int) -> tuple[Split, ModelConfig, TrainConfig]:
    train = TrainConfig(
        epochs=setting.train.epochs,
        batch=setting.train.batch,
        lr=setting.train.lr,
        seed=seed,
        device="cpu",
    )
    return setting.split, setting.model(cell), train


def _million() -> dict[str, float]:
    import tracemalloc

    import pandas as pd

    from rnnapp.configs import WindowConfig
    from rnnapp.data.prices import PriceTable
    from rnnapp.data.windows import make_split

    rng = np.random.default_rng(0)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 1e-3, 1_000_000)))
    frame = pd.DataFrame(
        dict.fromkeys(("Open", "High", "Low", "Close"), close),
        index=pd.date_range("1970", periods=len(close), freq="min"),
    )
    table = PriceTable("a million minutes", frame)
    split, seconds = timed(lambda: make_split(table, WindowConfig(window=60)))
    tracemalloc.start()
    make_split(table, WindowConfig(window=60))
    peak = tracemalloc.get_traced_memory()[1]
    inputs = len(split.train) + len(split.test)
    return {
        **seconds,
        "windows": inputs,
        "megabytes": peak / 2**20,
        "copied": inputs * 60 * split.features * 4 / 2**20,
    }


if __name__ == "__main__":
    print(json.dumps(_million()))
