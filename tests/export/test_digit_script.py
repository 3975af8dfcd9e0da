"""A digit net's code repeats its training: the same losses and the same accuracy."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig
from rnnapp.data.digits import DigitSplit, load_digits
from rnnapp.data.sequences import Sequences
from rnnapp.evaluation.digits import score_digits
from rnnapp.export.digit_script import (
    DIGITS_FILE,
    digit_arrays,
    digit_notebook,
    digit_script,
    needs_arrays,
)
from rnnapp.training.loop import Training
from tests.export.test_script import run_source

TRAIN = TrainConfig(epochs=2, batch=64, schedule="one-cycle", device="cpu", backend="torch")
MODEL = ModelConfig(cell="lstm", hidden=6, bidirectional=True)


def first_digits(part: Sequences, count: int) -> Sequences:
    return dataclasses.replace(
        part,
        rows=part.rows[: count * 28],
        starts=part.starts[:count],
        targets=part.targets[:count],
    )


@pytest.fixture(scope="module")
def split() -> DigitSplit:
    whole = load_digits(DigitConfig(source="sklearn", mean=0.5, sd=0.5))
    return dataclasses.replace(
        whole, train=first_digits(whole.train, 200), test=first_digits(whole.test, 80)
    )


def test_the_script_is_the_same_run(
    split: DigitSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(split, MODEL, TRAIN)
    losses = [event.train_loss for event in training.epochs()]
    scores = score_digits(training.result().predict(split.test), split.test.targets)
    (tmp_path / DIGITS_FILE).write_bytes(digit_arrays(split))
    monkeypatch.chdir(tmp_path)
    names, printed = run_source(digit_script(split, MODEL, TRAIN))
    assert names["losses"] == pytest.approx(losses, rel=1e-6)
    last = printed.splitlines()[-1]
    assert float(last.removeprefix("test accuracy ").rstrip("%")) == pytest.approx(
        100 * scores.accuracy, abs=1e-3
    )


def test_mnist_is_fetched_by_scikit_learn(split: DigitSplit) -> None:
    """The largest set of digits need not lie beside the script."""
    mnist = dataclasses.replace(split, name="MNIST")
    assert needs_arrays(split)
    assert not needs_arrays(mnist)
    source = digit_script(mnist, MODEL, TRAIN)
    assert 'fetch_openml("mnist_784"' in source
    assert DIGITS_FILE not in source


def test_changes_to_the_digits_are_said_to_be_left_out(split: DigitSplit) -> None:
    changed = dataclasses.replace(split, config=dataclasses.replace(split.config, augment="affine"))
    assert "(affine) are left out" in digit_script(changed, MODEL, TRAIN)
    assert "left out" not in digit_script(split, MODEL, TRAIN)


def test_the_notebook_holds_the_same_code(split: DigitSplit) -> None:
    cells = json.loads(digit_notebook(split, MODEL, TRAIN))["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    script = digit_script(split, MODEL, TRAIN)
    assert all(part in script for part in code)
    assert len(code) == 4


def test_the_pictures_come_back_as_they_were(split: DigitSplit, tmp_path: Path) -> None:
    (tmp_path / DIGITS_FILE).write_bytes(digit_arrays(split))
    with np.load(tmp_path / DIGITS_FILE) as arrays:
        assert arrays["train"].shape == (200, 28, 28)
        assert arrays["test_classes"].tolist() == split.test.targets.tolist()
