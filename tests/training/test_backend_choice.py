"""Which backend is taken, and that the estimate is worth showing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.errors import ConfigError
from rnnapp.training import backend_choice as choice
from rnnapp.training.backend_choice import (
    choose_backend,
    estimate_seconds,
    refresh_speed_factors,
    speed_factors,
)
from rnnapp.training.kernels import compilation
from rnnapp.training.kernels.backend import CompiledBackend
from tests.training.samples import classes, regression


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kernels at hand, and a measurement that is nobody else's."""
    compilation.warm_up().join()
    monkeypatch.setattr(choice, "home", lambda: tmp_path)
    choice._measure_factors.cache_clear()


def test_small_net_goes_to_the_kernel_and_the_reason_tells_both_times() -> None:
    taken = choose_backend(regression(), ModelConfig(), TrainConfig(device="cpu"))
    assert (taken.backend, taken.device) == ("compiled", "cpu")
    assert "compiled kernel takes about" in taken.reason
    assert "torch about" in taken.reason


def test_what_the_settings_ask_for_is_taken() -> None:
    for backend in ("torch", "compiled"):
        assert (
            choose_backend(
                regression(), ModelConfig(), TrainConfig(device="cpu", backend=backend)
            ).backend
            == backend
        )


def test_dropout_and_augmenting_go_to_torch() -> None:
    dropout = choose_backend(
        regression(), ModelConfig(layers=2, dropout=0.3), TrainConfig(device="cpu")
    )
    augmented = choose_backend(classes(), ModelConfig(), TrainConfig(device="cpu"), augment=True)
    assert (dropout.backend, augmented.backend) == ("torch", "torch")
    assert "dropout" in dropout.reason
    assert "augmenting" in augmented.reason


def test_asking_for_the_impossible_is_told() -> None:
    with pytest.raises(ConfigError, match="dropout is drawn by torch"):
        choose_backend(
            regression(),
            ModelConfig(layers=2, dropout=0.3),
            TrainConfig(device="cpu", backend="compiled"),
        )


def test_nobody_waits_for_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the kernels are built a click must train at once, by torch."""
    monkeypatch.setattr(compilation, "kernels_available", lambda: False)
    taken = choose_backend(regression(), ModelConfig(), TrainConfig(device="cpu"))
    assert taken.backend == "torch"
    assert "still being built" in taken.reason


def test_estimate_is_near_the_truth() -> None:
    """Live mode turns on it: within a factor of three of the least of several, as it is fitted."""
    split, train = regression(300), TrainConfig(epochs=100, batch=20, device="cpu")
    for cell in ("rnn", "lstm", "gru"):
        model = ModelConfig(cell=cell, hidden=16, layers=2)
        spent = min(_time_run(CompiledBackend(split, model, train)) for _ in range(8))
        assert spent / 3 < estimate_seconds(split, model, train) < 3 * spent


def _time_run(backend: CompiledBackend) -> float:
    """This thread's own seconds for a hundred epochs of ten steps."""
    started = time.thread_time()
    backend.run_epochs(np.tile(np.arange(200), (100, 1)), np.full((100, 10), 1e-3))
    return time.thread_time() - started


def test_larger_nets_are_expected_to_take_longer() -> None:
    seconds = [
        estimate_seconds(regression(), ModelConfig(hidden=hidden), TrainConfig(device="cpu"))
        for hidden in (4, 32, 128, 512)
    ]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 50 * seconds[0]


def test_measurement_is_kept_and_a_spoilt_file_is_measured_anew(tmp_path: Path) -> None:
    """The file is only a cache: garbage in it must not stop the app."""
    first = speed_factors()
    assert json.loads((tmp_path / "speeds.json").read_text())["kernels"]
    choice._measure_factors.cache_clear()
    assert speed_factors() == first
    (tmp_path / "speeds.json").write_text('["not", "ours"]')
    choice._measure_factors.cache_clear()
    assert speed_factors().compiled > 0


def test_a_speed_measured_at_a_bad_moment_is_replaced(tmp_path: Path) -> None:
    """A machine that was slowed down once must not be taken for a slow one for ever."""
    speed_factors()
    file = tmp_path / "speeds.json"
    saved = json.loads(file.read_text())
    saved["speeds"] = {"compiled": 1e6, "torch": 1e6}
    file.write_text(json.dumps(saved))
    choice._measure_factors.cache_clear()
    assert speed_factors().compiled == 1e6
    assert refresh_speed_factors().compiled < 1e6
    assert json.loads(file.read_text())["speeds"]["compiled"] < 1e6
