"""An ONNX file answers as the net does: prices in, points out, pixels in, classes out."""

from __future__ import annotations

import importlib.util
import itertools
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.digits import load_digits
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.export.onnx import digit_net_to_onnx, onnx_columns, price_net_to_onnx
from rnnapp.pretrained import open_net
from rnnapp.training.loop import train
from tests.support import random_walk

TRAIN = TrainConfig(epochs=1, device="cpu", backend="torch")


def run_file(content: bytes, name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {name: values})
    return np.asarray(answer)


def raw_windows(split: PriceSplit) -> npt.NDArray[np.float64]:
    """(N, R, C) prices before each test target."""
    values = split.prices.frame[list(onnx_columns(split))].to_numpy(np.float64)
    before = int(split.config.input_form == "change")
    return np.stack([values[s - before : s + split.steps] for s in split.test.starts])


def assert_same_answers(table: PriceTable, window: WindowConfig, model: ModelConfig) -> None:
    split = make_split(table, window)
    trained = train(split, model, TRAIN)
    content = price_net_to_onnx(trained, split)
    ours = split.to_points(trained.predict(split.test), split.test.anchor)
    points = run_file(content, "prices", raw_windows(split))
    assert points == pytest.approx(ours, rel=1e-5)
    assert points.shape == ours.shape


@pytest.mark.parametrize(
    ("cell", "readout", "both"),
    list(itertools.product(("rnn", "lstm", "gru"), ("all", "last"), (False, True))),
)
def test_each_cell_readout_and_direction_answers_the_same(
    cell: str, readout: str, both: bool
) -> None:
    model = ModelConfig(cell=cell, readout=readout, bidirectional=both, hidden=5, layers=2)  # type: ignore[arg-type]
    assert_same_answers(random_walk(150), WindowConfig(window=6), model)


@pytest.mark.parametrize("target", ["difference", "level", "log-return"])
@pytest.mark.parametrize("inputs", ["level", "change"])
def test_scaling_and_target_are_inside(target: str, inputs: str) -> None:
    """Features without the close: it joins the columns, as the anchor of a change."""
    window = WindowConfig(
        window=6,
        horizon=2,
        target=target,  # type: ignore[arg-type]
        inputs=inputs,  # type: ignore[arg-type]
        features=("Open", "Volume"),
    )
    assert_same_answers(random_walk(150), window, ModelConfig(cell="gru-scratch", squash=True))


def test_prices_below_zero_change_plainly() -> None:
    table = random_walk(150)
    frame = table.frame.copy()
    frame[["Open", "High", "Low", "Close"]] -= float(frame["Close"].median())
    assert_same_answers(
        PriceTable("a spread", frame), WindowConfig(window=6, horizon=2), ModelConfig()
    )


def test_the_file_names_its_columns_and_rows() -> None:
    onnx = pytest.importorskip("onnx")
    split = make_split(random_walk(100), WindowConfig(window=6, features=("Open",)))
    content = price_net_to_onnx(train(split, ModelConfig(), TRAIN), split)
    facts = {prop.key: prop.value for prop in onnx.load_from_string(content).metadata_props}
    assert json.loads(facts["columns"]) == ["Open", "Close"]
    assert facts["rows"] == "7"


def test_inputs_beyond_price_columns_are_refused_in_a_sentence() -> None:
    split = make_split(random_walk(100), WindowConfig(features=("Close", "rsi")))
    trained = train(split, ModelConfig(), TRAIN)
    with pytest.raises(ConfigError, match="takes price columns only, and this net sees rsi too"):
        price_net_to_onnx(trained, split)


def test_a_digit_net_takes_pixels() -> None:
    net = open_net("bilstm")
    digits = load_digits(DigitConfig(source="sklearn")).test
    pictures = digits.rows.reshape(-1, 28, 28)[:40]
    content = digit_net_to_onnx(net.trained, net.digits)
    answers = run_file(content, "pixels", pictures.astype(np.float32))
    ours = np.array([net.read(picture).probabilities for picture in pictures])
    assert answers == pytest.approx(ours, abs=1e-5)


def test_without_the_package_the_remedy_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    net = open_net("bilstm")
    with pytest.raises(ConfigError, match=r"python -m pip install \"rnnapp\[onnx\]\""):
        digit_net_to_onnx(net.trained, net.digits)
