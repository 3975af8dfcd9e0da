"""Code to take home repeats the run.

The same losses and the same test RMSE, without this package.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.export.script import EMBEDDED_ROWS, data_csv, run_notebook, run_script
from rnnapp.training.loop import Training
from tests.support import random_walk

TRAIN = TrainConfig(epochs=4, batch=32, device="cpu", backend="torch")
WINDOW = WindowConfig(window=6)


def run_source(source: str) -> tuple[dict[str, Any], str]:
    """Variables and printed lines of a script."""
    printed = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "run.py", "exec"), names)
    return names, printed.getvalue()


def assert_same_run(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> None:
    training = Training(split, model, train)
    ours = [event.train_loss for event in training.epochs()]
    rmse = evaluate(forecast(training.result(), split)).rmse
    names, printed = run_source(run_script(split, model, train))
    assert names["losses"] == pytest.approx(ours, rel=1e-6, abs=1e-9)
    last = printed.splitlines()[-1]
    assert last.startswith("test RMSE ")
    assert float(last.split()[2]) == pytest.approx(rmse, rel=1e-5)


@pytest.mark.parametrize(
    ("cell", "readout", "both"),
    list(itertools.product(("rnn", "lstm", "gru"), ("all", "last"), (False, True))),
)
def test_each_cell_readout_and_direction_is_the_same_run(
    cell: str, readout: str, both: bool
) -> None:
    model = ModelConfig(cell=cell, readout=readout, bidirectional=both, hidden=5)  # type: ignore[arg-type]
    assert_same_run(make_split(random_walk(200), WINDOW), model, TRAIN)


@pytest.mark.parametrize("target", ["difference", "level", "log-return"])
@pytest.mark.parametrize("inputs", ["level", "change"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_each_target_input_and_horizon_is_the_same_run(
    target: str, inputs: str, horizon: int
) -> None:
    window = WindowConfig(window=6, target=target, inputs=inputs, horizon=horizon)  # type: ignore[arg-type]
    assert_same_run(make_split(random_walk(200), window), ModelConfig(), TRAIN)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "lr": 0.05},
        {"schedule": "one-cycle"},
        {"shuffle": False, "seed": 3},
        {"clip": 0.1},
        {"patience": 1, "epochs": 12, "lr": 0.05},
    ],
)
def test_each_way_of_training_is_the_same_run(settings: dict[str, Any]) -> None:
    train = TrainConfig(
        **{"epochs": 4, "batch": 32, "device": "cpu", "backend": "torch"} | settings
    )
    window = WindowConfig(window=6, valid=0.2)
    assert_same_run(make_split(random_walk(300), window), ModelConfig(), train)


def with_hole(table: PriceTable) -> PriceTable:
    """The table without four months of its training rows and without three of its test rows."""
    keep = np.r_[0:70, 160:230, 300 : len(table)]
    return PriceTable(table.name, table.frame.iloc[keep])


def moved_down(table: PriceTable) -> PriceTable:
    """The table as a spread: zero and below on some days."""
    frame = table.frame.copy()
    prices = ["Open", "High", "Low", "Close"]
    frame[prices] -= float(frame["Close"].median())
    frame.iloc[40, frame.columns.get_loc("Close")] = 0.0
    frame["Low"] = frame[prices].min(axis=1)
    frame["High"] = frame[prices].max(axis=1)
    return PriceTable(table.name, frame)


@pytest.mark.parametrize("inputs", ["level", "change"])
@pytest.mark.parametrize("target", ["difference", "level"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_a_series_with_holes_or_below_zero_is_the_same_run(
    inputs: str, target: str, horizon: int
) -> None:
    """The script ran windows across the hole, and took logarithms of negative closes."""
    window = WindowConfig(window=6, target=target, inputs=inputs, horizon=horizon, valid=0.2)  # type: ignore[arg-type]
    holed = with_hole(random_walk(400))
    assert len(holed.holes) == 2
    below = moved_down(holed)
    assert not below.is_positive
    for table in (holed, below):
        assert_same_run(make_split(table, window), ModelConfig(), TRAIN)


@pytest.mark.parametrize("inputs", ["level", "change"])
def test_features_beyond_price_columns_are_made_by_the_same_functions(inputs: str) -> None:
    """Another column with a late first value and a gap, and features of every source."""
    table = random_walk(560)
    mood = np.random.default_rng(3).normal(0, 2, len(table))
    mood[:40] = np.nan
    mood[200] = np.nan
    table = PriceTable(table.name, table.frame.assign(mood=mood))
    features = ("Open", "Volume", "mood", "rsi", "macd-histogram", "volume-change", "month")
    window = WindowConfig(window=6, inputs=inputs, features=features)  # type: ignore[arg-type]
    assert_same_run(make_split(table, window), ModelConfig(), TRAIN)
    assert_same_run(make_split(moved_down(with_hole(table)), window), ModelConfig(), TRAIN)


def test_notebook_settings_are_the_same_run() -> None:
    """Scaling over all rows, a sigmoid head, two layers with dropout, a scratch cell."""
    window = WindowConfig(window=5, target="level", scaling="all", split=120)
    model = ModelConfig(cell="lstm-scratch", layers=2, dropout=0.3, squash=True)
    assert_same_run(make_split(random_walk(250), window), model, TRAIN)


def test_a_long_table_is_read_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = make_split(random_walk(EMBEDDED_ROWS + 1), WINDOW)
    source = run_script(split, ModelConfig(), TRAIN, data_file="walk.csv")
    assert '"walk.csv"' in source
    (tmp_path / "walk.csv").write_text(data_csv(split))
    monkeypatch.chdir(tmp_path)
    names, _ = run_source(source)
    assert np.array_equal(names["close"], split.prices.close)


def test_the_script_does_not_need_this_package() -> None:
    split = make_split(random_walk(100), WINDOW)
    source = run_script(split, ModelConfig(), TRAIN)
    tree = ast.parse(source)
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {
        "io",
        "numpy",
        "pandas",
        "torch",
        "sklearn",
    }
    code = source.replace(data_csv(split), "")
    assert max(map(len, code.splitlines())) <= 100
    assert len(code.splitlines()) <= 92


def test_a_hostile_name_stays_text() -> None:
    prices = random_walk(100)
    object.__setattr__(prices, "name", '"""\nraise SystemExit(3)\n"""')
    run_source(run_script(make_split(prices, WINDOW), ModelConfig(), TrainConfig(epochs=1)))


def test_the_notebook_is_valid_and_holds_the_same_code() -> None:
    import nbformat

    split = make_split(random_walk(100), WINDOW)
    text = run_notebook(split, ModelConfig(), TRAIN)
    nbformat.validate(nbformat.reads(text, as_version=4))
    cells = json.loads(text)["cells"]
    code = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    names, printed = run_source(code)
    assert len(names["losses"]) == TRAIN.epochs
    assert "test RMSE" in printed
    assert text == run_notebook(split, ModelConfig(), TRAIN)
