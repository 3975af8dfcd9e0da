"""How far a whole training is from the machine's floor: its multiply-adds at matrix speed."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Any

import numpy as np
from setting import CELLS, Setting
from threadpoolctl import threadpool_limits

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.models.cells import GATES
from rnnapp.training.loop import Training

__all__ = ["count_flops", "matrix_speed", "measure_floor"]


def matrix_speed(size: int = 512, repeats: int = 40) -> float:
    """One core's float32 matrix products, floating-point operations a second, the best of some."""
    left = np.ones((size, size), np.float32)
    best = 0.0
    with threadpool_limits(1):
        for _ in range(repeats):
            begin = time.perf_counter()
            left @ left
            best = max(best, 2 * size**3 / (time.perf_counter() - begin))
    return best


def count_flops(split: PriceSplit, model: ModelConfig, epochs: int) -> float:
    """Operations of the matrix products of a training, a multiply-add counted as two.

    Forward once; backward twice, for the weights and for the inputs (the first layer's inputs need
    none). The readout counts too.
    """
    of_a_step = 0.0
    width = split.features
    for layer in range(model.layers):
        gates = len(GATES[model.kind]) * model.hidden
        passes = 3
        if layer == 0:
            passes = 2
        of_a_step += 2 * gates * (passes * width + 3 * model.hidden)
        width = model.hidden
    readout = 6 * model.hidden * split.config.horizon
    return (of_a_step + readout) * split.steps * len(split.train) * epochs


def measure_floor(setting: Setting, repeats: int = 5) -> dict[str, Any]:
    """Processor seconds of whole trainings, medians, beside the floor and the notebook's loop.

    The three cells on the notebooks' own setting, and the page's own default.
    """
    speed = matrix_speed()
    cases: list[tuple[str, PriceSplit, ModelConfig, TrainConfig]] = [
        (f"{setting.name}, {cell.upper()}", setting.split, setting.model(cell), setting.train)
        for cell in CELLS
    ]
    split = make_split(bundled("sp500"), WindowConfig())
    cases.append(
        (f"S&P 500, the page's own {ModelConfig().name}", split, ModelConfig(), TrainConfig())
    )
    rows = []
    for name, data, model, settings in cases:
        settings = dataclasses.replace(settings, backend="compiled", device="cpu")
        spent = [_time_training(data, model, settings) for _ in range(repeats + 1)][1:]
        floor = count_flops(data, model, settings.epochs) / speed
        median = statistics.median(spent)
        rows.append({"name": name, "seconds": median, "floor": floor, "ratio": median / floor})
        print(f"floor: {rows[-1]}", flush=True)
    return {"speed": speed, "rows": rows}


def _time_training(split: PriceSplit, model: ModelConfig, settings: TrainConfig) -> float:
    training = Training(split, model, settings)
    begin = time.process_time()
    for _ in training.epochs():
        pass
    return time.process_time() - begin
