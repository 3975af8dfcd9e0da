"""A trained net as an ONNX file with its scaling inside: prices in, points out.

The graph is written by hand from the weights: scalers in 64 bits, the net in 32, so what runs it
needs neither torch nor this package. The gates of ONNX lie in another order than torch's (LSTM
i, o, f, g; GRU z, r, n): https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rnnapp.configs import CellKind, DigitConfig, ModelConfig
from rnnapp.data.scaling import RangeScaler, Scaler, StandardScaler
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.export.limits import require_exportable
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

__all__ = ["digit_net_to_onnx", "onnx_columns", "onnx_missing", "onnx_refusal", "price_net_to_onnx"]

Array = npt.NDArray[Any]
_OPSET = 17
_IR = 9
_ORDER: dict[CellKind, tuple[int, ...]] = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""Where ONNX's gates stand among torch's."""
_WEIGHTS = tuple(f"recurrent.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
_MISSING = N_("ONNX files need the package onnx, which is not installed.")
_MISSING_HERE = N_(
    "ONNX files need the package onnx, which is not installed. Install it with: "
    'python -m pip install "rnnapp[onnx]"'
)
_OTHER_INPUTS = N_("An ONNX file takes price columns only, and this net sees {inputs} too.")
_PRICES_ONLY = N_("Take its code instead, or train it on price columns.")
_REMEDY = N_('Install it with: python -m pip install "rnnapp[onnx]"')


def onnx_missing() -> str:
    """Why no ONNX file can be made here, in a sentence; empty where one can."""
    if importlib.util.find_spec("onnx") is None:
        return _(_MISSING_HERE)
    return ""


def onnx_columns(split: PriceSplit) -> tuple[str, ...]:
    """The columns that a file of this split takes, in their order: its features and the close."""
    return tuple(dict.fromkeys((*split.columns, "Close")))


def onnx_refusal(split: PriceSplit) -> str:
    """Why a net on these windows makes no ONNX file, in a sentence; empty where it does."""
    unfit = [name for name in dict.fromkeys(split.columns) if name not in split.prices.columns]
    if not unfit:
        return ""
    return _(_OTHER_INPUTS).format(inputs=", ".join(unfit))


def price_net_to_onnx(trained: TrainedModel, split: PriceSplit) -> bytes:
    """Write a forecasting net.

    Args:
        trained: the net.
        split: the windows with the scalers that it was trained with.

    Returns:
        A file with the input ``prices`` (N, R, C) float64, R rows of :func:`onnx_columns` (one
        more than the window where the net sees changes), and the output ``points`` (N, H)
        float64, the closes it forecasts.

    Raises:
        ConfigError: the package onnx is not installed, or the net forecasts a volatility or sees
            more than price columns.
    """
    require_exportable(split)
    _require_onnx()
    refusal = onnx_refusal(split)
    if refusal:
        raise ConfigError(refusal, remedy=_(_PRICES_ONLY))
    graph = _Graph()
    columns = onnx_columns(split)
    level = split.config.input_form == "level"
    rows = split.steps + int(not level)
    features = _feature_nodes(graph, split, columns)
    answer = _net_nodes(graph, trained, _scale_node(graph, features, split.feature_scaler))
    wide = graph.add("Cast", [answer], to=11)  # float64
    value = _unscale_node(graph, wide, split.target_scaler)
    anchor = _anchor_node(graph, columns)
    if split.config.target == "level":
        graph.add("Identity", [value], "points")
    elif split.config.target == "difference":
        graph.add("Add", [anchor, value], "points")
    else:
        graph.add("Mul", [anchor, graph.add("Exp", [value])], "points")
    facts = {
        "columns": json.dumps(columns),
        "rows": str(rows),
        "net": trained.model.name,
        "fingerprint": split.fingerprint,
    }
    shapes = (("N", rows, len(columns)), ("N", trained.outputs))
    return graph.to_file(("prices", 11, shapes[0]), ("points", 11, shapes[1]), facts)


def digit_net_to_onnx(trained: TrainedModel, digits: DigitConfig) -> bytes:
    """Write a net that reads digits.

    Args:
        trained: the net.
        digits: how its pixels were scaled.

    Returns:
        A file with the input ``pixels`` (N, 28, 28) float32, ink 255 on 0, and the output
        ``probabilities`` (N, 10) float32.

    Raises:
        ConfigError: the package onnx is not installed.
    """
    _require_onnx()
    graph = _Graph()
    share = graph.add("Div", ["pixels", graph.constant(np.float32(255))])
    centred = graph.add("Sub", [share, graph.constant(np.float32(digits.mean))])
    scaled = graph.add("Div", [centred, graph.constant(np.float32(digits.sd))])
    graph.add("Softmax", [_net_nodes(graph, trained, scaled)], "probabilities", axis=-1)
    side = trained.steps
    facts = {"net": trained.model.name}
    pixels = ("pixels", 1, ("N", side, trained.features))
    return graph.to_file(pixels, ("probabilities", 1, ("N", trained.outputs)), facts)


def _require_onnx() -> None:
    if onnx_missing():
        raise ConfigError(_(_MISSING), remedy=_(_REMEDY))


class _Graph:
    """Nodes and constants of a graph, named as they come."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: npt.ArrayLike) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        """Add a node of one output and return the output's name."""
        from onnx import helper

        name = name or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def to_file(
        self,
        source: tuple[str, int, tuple[str | int, ...]],
        answer: tuple[str, int, tuple[str | int, ...]],
        facts: dict[str, str],
    ) -> bytes:
        """Close the graph: its input and output by name, element type and shape."""
        from onnx import checker, helper

        ends: list[ValueInfoProto] = [
            helper.make_tensor_value_info(*end) for end in (source, answer)
        ]
        graph = helper.make_graph(self.nodes, "rnnapp", ends[:1], ends[1:], self.constants)
        opset = helper.make_opsetid("", _OPSET)
        model: ModelProto = helper.make_model(graph, opset_imports=[opset], ir_version=_IR)
        helper.set_model_props(model, facts)
        checker.check_model(model)
        return bytes(model.SerializeToString())


def _feature_nodes(graph: _Graph, split: PriceSplit, columns: tuple[str, ...]) -> str:
    """(N, T, F) features of raw prices: levels, or changes of logarithms where there are any."""
    places = np.array([columns.index(name) for name in split.columns], np.int64)
    values = graph.add("Gather", ["prices", graph.constant(places)], axis=2)
    if split.config.input_form == "level":
        return values
    volume = graph.constant(np.array([float(name == "Volume") for name in split.columns]))
    if split.prices.is_positive:  # log(1 + volume), log(price)
        levels = graph.add("Log", [graph.add("Add", [values, volume])])
    else:  # log(1 + volume), prices as they are
        plain = graph.constant(np.array([float(name != "Volume") for name in split.columns]))
        volumes = graph.add("Mul", [values, volume])
        logs = graph.add("Log", [graph.add("Add", [volumes, graph.constant(1.0)])])
        levels = graph.add("Add", [graph.add("Mul", [values, plain]), logs])
    later = _slice_rows(graph, levels, 1, split.steps + 1)
    return graph.add("Sub", [later, _slice_rows(graph, levels, 0, split.steps)])


def _slice_rows(graph: _Graph, values: str, start: int, stop: int) -> str:
    ends = [graph.constant(np.array([end], np.int64)) for end in (start, stop, 1)]
    return graph.add("Slice", [values, *ends])


def _anchor_node(graph: _Graph, columns: tuple[str, ...]) -> str:
    """(N, 1) the last close of each window."""
    place = np.array([columns.index("Close")], np.int64)
    close = graph.add("Gather", ["prices", graph.constant(place)], axis=2)  # (N, R, 1)
    return graph.add("Gather", [close, graph.constant(np.int64(-1))], axis=1)


def _scale_node(graph: _Graph, values: str, scaler: Scaler) -> str:
    """Scaled features, float32."""
    if isinstance(scaler, RangeScaler):
        product = graph.add("Mul", [values, graph.constant(scaler.scale)])
        scaled = graph.add("Add", [product, graph.constant(scaler.shift)])
    else:
        assert isinstance(scaler, StandardScaler)
        centred = graph.add("Sub", [values, graph.constant(scaler.mean)])
        scaled = graph.add("Div", [centred, graph.constant(scaler.scale)])
    return graph.add("Cast", [scaled], to=1)  # float32


def _unscale_node(graph: _Graph, scaled: str, scaler: Scaler) -> str:
    if isinstance(scaler, RangeScaler):
        centred = graph.add("Sub", [scaled, graph.constant(scaler.shift)])
        return graph.add("Div", [centred, graph.constant(scaler.scale)])
    assert isinstance(scaler, StandardScaler)
    product = graph.add("Mul", [scaled, graph.constant(scaler.scale)])
    return graph.add("Add", [product, graph.constant(scaler.mean)])


def _net_nodes(graph: _Graph, trained: TrainedModel, windows: str) -> str:
    """(N, O) answers of (N, T, F) scaled windows."""
    model = trained.model
    weights = {name: tensor.numpy() for name, tensor in trained.weights.items()}
    values = graph.add("Transpose", [windows], perm=[1, 0, 2])  # (T, N, F)
    for layer in range(model.layers):
        values = _layer_node(graph, model, weights, layer, values)
    if model.readout == "all":
        read = graph.add("Flatten", [graph.add("Transpose", [values], perm=[1, 0, 2])], axis=1)
    else:
        read = graph.add("Gather", [values, graph.constant(np.int64(-1))], axis=0)
    matrix = graph.constant(weights["readout.weight"])
    bias = graph.constant(weights["readout.bias"])
    answer = graph.add("Gemm", [read, matrix, bias], transB=1)
    if model.squash:
        return graph.add("Sigmoid", [answer])
    return answer


def _layer_node(
    graph: _Graph, model: ModelConfig, weights: dict[str, Array], layer: int, values: str
) -> str:
    """(T, N, D*H) outputs of one layer."""
    ends = ("", "_reverse")[: model.directions]
    stacked = [
        np.stack([_in_onnx_order(weights[f"{name}_l{layer}{end}"], model) for end in ends])
        for name in _WEIGHTS
    ]
    biases = np.concatenate(stacked[2:], axis=1)  # (D, 2*G*H)
    inputs = [graph.constant(value) for value in (*stacked[:2], biases)]
    attributes: dict[str, Any] = {"hidden_size": model.hidden}
    if model.bidirectional:
        attributes["direction"] = "bidirectional"
        if model.kind == "rnn":
            attributes["activations"] = ["Tanh", "Tanh"]
    if model.kind == "gru":
        attributes["linear_before_reset"] = 1
    out = graph.add(model.kind.upper(), [values, *inputs], **attributes)  # (T, D, N, H)
    by_window = graph.add("Transpose", [out], perm=[0, 2, 1, 3])
    shape = graph.constant(np.array([0, 0, model.directions * model.hidden], np.int64))
    return graph.add("Reshape", [by_window, shape])


def _in_onnx_order(value: Array, model: ModelConfig) -> Array:
    """A weight of torch's with its gates where ONNX has them."""
    gates = value.reshape(len(_ORDER[model.kind]), model.hidden, *value.shape[1:])
    return gates[list(_ORDER[model.kind])].reshape(value.shape)
