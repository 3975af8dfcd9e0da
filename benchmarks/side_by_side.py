"""One training of the stock setting by everyone, taking turns in one run."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import notebook_loop
import numpy as np
import torch
from peers import PEERS, Peer
from setting import CELLS, Setting, rmse
from timing import medians, timed

from rnnapp.training.loop import Training

__all__ = ["compare"]

Figures = dict[str, dict[str, dict[str, float]]]
OURS = ("notebook loop", "ours, torch", "ours, compiled")


def compare(
    setting: Setting, repeats: int, peers: tuple[str, ...] = tuple(PEERS)
) -> Iterator[Figures]:
    """Medians of seconds, cpu, steps, loss and rmse so far, after each round of everyone.

    As ``{cell: {who: figures}}``.
    """
    torch.set_num_threads(1)
    _ours(setting, "rnn", "ours, compiled", 0)  # what is lazy wakes up
    with tempfile.TemporaryDirectory() as folder:
        setting.save(data := Path(folder) / "data.npz")
        running = {name: Peer(name, data) for name in peers}
        try:
            rows: dict[str, dict[str, list[dict[str, float]]]] = {cell: {} for cell in CELLS}
            for repeat in range(repeats):
                for cell in CELLS:
                    for who in (*OURS, *running):
                        row = (
                            running[who].train(cell)
                            if who in running
                            else _ours(setting, cell, who, repeat)
                        )
                        rows[cell].setdefault(who, []).append(row)
                        times = f"{row['seconds']:7.3f} s, cpu {row['cpu']:7.3f} s"
                        print(f"{repeat + 1}/{repeats} {cell:5} {who:16} {times}", flush=True)
                yield {
                    cell: {who: medians(found) for who, found in people.items()}
                    for cell, people in rows.items()
                }
        finally:
            for peer in running.values():
                peer.close()


def _ours(setting: Setting, cell: str, who: str, seed: int) -> dict[str, Any]:
    split, train = setting.split, dataclasses.replace(setting.train, seed=seed, device="cpu")
    if who == "notebook loop":
        return _notebook(setting, cell, seed)
    train = dataclasses.replace(train, backend="torch" if who == "ours, torch" else "compiled")
    training, seconds = timed(lambda: _run(Training(split, setting.model(cell), train)))
    answers = [training.result().predict(part) for part in (split.train, split.test)]
    return seconds | _figures(setting, len(training.result().history), answers)


def _run(training: Training) -> Training:
    for _ in training.epochs():
        pass
    return training


def _notebook(setting: Setting, cell: str, seed: int) -> dict[str, Any]:
    split, train = setting.split, setting.train
    inputs = np.ascontiguousarray(split.train.inputs)
    torch.manual_seed(seed)
    net = notebook_loop.Net(cell, split.features, 8, 2, split.steps, 1, setting.model(cell).squash)
    _, seconds = timed(
        lambda: notebook_loop.train(
            net,
            inputs,
            split.train.targets,
            epochs=train.epochs,
            batch=train.batch,
            lr=train.lr,
            seed=seed,
        )
    )
    with torch.inference_mode():
        answers = [
            net(torch.from_numpy(np.ascontiguousarray(part.inputs))).numpy()
            for part in (split.train, split.test)
        ]
    return seconds | _figures(setting, train.epochs, answers)


def _figures(setting: Setting, epochs: int, answers: list[np.ndarray]) -> dict[str, float]:
    steps = epochs * -(-len(setting.split.train) // setting.train.batch)
    loss = float(np.mean((answers[0] - setting.split.train.targets) ** 2))
    return {"steps": steps, "loss": loss, "rmse": rmse(setting.split, answers[1])}
