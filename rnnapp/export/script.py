"""A run as code to take home: one standalone PyTorch script, or the same as a notebook.

The script needs torch, pandas and scikit-learn, not this package. It repeats this product's run on
the torch backend: same windows, first weights, batches and steps, so the losses are the same.
"""

from __future__ import annotations

import io
import json

import numpy as np

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.features import MADE
from rnnapp.data.inputs import input_reach
from rnnapp.data.windows import PriceSplit, window_starts
from rnnapp.export.feature_lines import feature_lines
from rnnapp.export.limits import require_exportable
from rnnapp.export.net_lines import net_lines, training_lines
from rnnapp.export.sections import Section, to_notebook, to_script

__all__ = ["EMBEDDED_ROWS", "data_csv", "run_notebook", "run_script"]

EMBEDDED_ROWS = 600
"""A table of at most so many rows stands in the script itself."""


def run_script(
    split: PriceSplit, model: ModelConfig, train: TrainConfig, *, data_file: str = "prices.csv"
) -> str:
    """Write a run as a Python script.

    Args:
        split: the windows to train and test on.
        model, train: the net and how it is trained. A device or backend is not written: the
            script takes a GPU where there is one.
        data_file: the name under which :func:`data_csv` lies beside the script, for a table of
            more than :data:`EMBEDDED_ROWS` rows.

    Returns:
        Source code. Its last line prints the test RMSE in points.

    Raises:
        ConfigError: the net reads or forecasts a volatility.
    """
    require_exportable(split)
    sections = _sections(split, model, train, data_file)
    return to_script(_title(split, model), _NEEDS, sections)


def run_notebook(
    split: PriceSplit, model: ModelConfig, train: TrainConfig, *, data_file: str = "prices.csv"
) -> str:
    """Write the same code as a Jupyter notebook (JSON text), a section a cell.

    Args:
        split, model, train, data_file: as in :func:`run_script`.

    Raises:
        ConfigError: as in :func:`run_script`.
    """
    require_exportable(split)
    sections = _sections(split, model, train, data_file)
    return to_notebook(_title(split, model), _NEEDS, sections)


def data_csv(split: PriceSplit) -> str:
    """The rows and columns that a run uses, as CSV text that reads back bit for bit."""
    text = io.StringIO()
    split.prices.frame[_written_columns(split)].to_csv(
        text, index_label="Date", date_format="%Y-%m-%d %H:%M:%S"
    )
    return text.getvalue().replace(" 00:00:00,", ",")


def _written_columns(split: PriceSplit) -> list[str]:
    """The columns of the table that a run reads: its inputs and what others are made of."""
    made = [MADE[name] for name in dict.fromkeys(split.columns) if name in MADE]
    volume = ["Volume" for feature in made if feature.source == "volumes"]
    inputs = [name for name in split.columns if name not in MADE]
    return list(dict.fromkeys((*inputs, *volume, "Close")))


_NEEDS = (
    "Needs torch, pandas and scikit-learn. The last line prints the error on the test days,\n"
    'beside that of "tomorrow = today".'
)


def _title(split: PriceSplit, model: ModelConfig) -> str:
    name = split.prices.name.replace("\\", " ").replace('"', "'")
    return f"{model.name} on {name}, in plain PyTorch."


def _sections(
    split: PriceSplit, model: ModelConfig, train: TrainConfig, data_file: str
) -> tuple[Section, ...]:
    return (
        Section("Prices", _price_lines(split, data_file)),
        Section("Windows of days in, the closes after them out", _window_lines(split)),
        Section("Scale, fitted on the training rows", _scale_lines(split)),
        Section("The net", net_lines(split, model, train, outputs="H")),
        Section("Training", training_lines(split, model, train, held_out=_held_out(split))),
        Section("Test, in points", _test_lines(split)),
    )


def _price_lines(split: PriceSplit, data_file: str) -> tuple[str, ...]:
    lines = []
    embedded = len(split.prices) <= EMBEDDED_ROWS
    if embedded:
        lines.append("import io")
        lines.append("")
    lines += [
        "import numpy as np",
        "import pandas as pd",
        "import torch",
        "from numpy.lib.stride_tricks import sliding_window_view",
        f"from sklearn.preprocessing import {', '.join(_scalers(split))}",
        "from torch import nn",
        "",
    ]
    if embedded:
        lines.append(f'DATA = """{data_csv(split)}"""')
        source = "io.StringIO(DATA)"
    else:
        source = json.dumps(data_file, ensure_ascii=False)
    lines.append(f'prices = pd.read_csv({source}, index_col="Date")')
    lines.append('close = prices["Close"].to_numpy()')
    return tuple(lines)


def _window_lines(split: PriceSplit) -> tuple[str, ...]:
    config = split.config
    lines = [
        f"T, H = {config.window}, {config.horizon}  # days in a window, days ahead",
        f"train_count = {len(split.train)}  # the first windows train",
        f"test_start = {_test_start(split)}  # from this window on they test",
    ]
    if set(split.columns) <= set(split.prices.columns):
        lines += _price_feature_lines(split)
    else:
        lines += feature_lines(split)
    lines += _start_lines(split)
    lines += [
        "count = len(starts)",
        "anchor = close[starts + T - 1]  # (N,) the last close of each window",
        "actual = sliding_window_view(close, H)[starts + T]  # (N, H)",
    ]
    formula = {
        "level": "actual",
        "difference": "actual - anchor[:, None]",
        "log-return": "np.log(actual / anchor[:, None])",
    }[config.target]
    lines.append(f"values = {formula}  # (N, H) what the net learns")
    return tuple(lines)


def _price_feature_lines(split: PriceSplit) -> list[str]:
    """Price columns alone, as levels or changes."""
    columns = json.dumps(list(split.columns), ensure_ascii=False)
    change = split.config.input_form == "change"
    lines = [f"features = prices[{columns}].ffill().fillna(0.0)"]
    if change:
        lines += _change_lines(split)
    else:
        lines.append("features = features.to_numpy()")
    return [*lines, f"first = {int(change)}  # the first day has no change"]


def _change_lines(split: PriceSplit) -> list[str]:
    """From levels to changes: of logarithms where prices have them, else plain ones."""
    volume = "Volume" in split.columns
    if split.prices.is_positive:
        lines = []
        if volume:
            lines.append('features["Volume"] += 1.0  # a volume may be 0, which has no logarithm')
        return [
            *lines,
            "features = np.log(features).diff().fillna(0.0).to_numpy()  # daily changes",
        ]
    lines = ["# closes of zero or below have no logarithm, so their changes are plain"]
    if volume:
        lines.append('features["Volume"] = np.log1p(features["Volume"])')
    return [*lines, "features = features.diff().fillna(0.0).to_numpy()  # daily changes"]


def _start_lines(split: PriceSplit) -> list[str]:
    """The first row of each window; none runs across a hole in the series."""
    lines = ["starts = np.arange(first, len(prices) - T - H + 1)"]
    holes = split.prices.holes.tolist()
    if holes:
        reach = input_reach(split.config)
        lines += [
            f"holes = np.array({holes})  # rows before which days are missing",
            f"after, before = starts[:, None] + T + H > holes, starts[:, None] < holes + {reach}",
            "starts = starts[~(after & before).any(axis=1)]  # no window runs across a hole",
        ]
    return lines


def _scalers(split: PriceSplit) -> list[str]:
    """Names of the scalers that a script needs."""
    names = set()
    for level in (split.config.input_form == "level", split.config.target == "level"):
        names.add({True: "MinMaxScaler", False: "StandardScaler"}[level])
    return sorted(names)


def _test_start(split: PriceSplit) -> int:
    return _window_number(split, int(split.test.starts[0]))


def _window_number(split: PriceSplit, start: int) -> int:
    """Which of all windows begins at a row."""
    return int(np.searchsorted(window_starts(split.prices, split.config), start))


def _scale_lines(split: PriceSplit) -> tuple[str, ...]:
    config = split.config
    feature_scaler = "StandardScaler()"
    if config.input_form == "level":
        feature_scaler = "MinMaxScaler()"
    known_rows = "starts[train_count - 1] + T + H"
    known_windows = "train_count"
    if config.scaling == "all":  # as the notebooks did; it leaks
        known_rows = "len(prices)"
        known_windows = "count"
    lines = [
        f"known = {known_rows}  # rows that the scalers may see",
        f"rows = {feature_scaler}.fit(features[first:known]).transform(features)",
        "windows = sliding_window_view(rows.astype(np.float32), T, axis=0)[starts]",
        "windows = torch.tensor(windows.transpose(0, 2, 1).copy())  # (N, T, F)",
    ]
    if config.target == "level":
        lines += [
            "closes = np.repeat(close[first:known, None], H, axis=1)",
            "target_scaler = MinMaxScaler().fit(closes)",
        ]
    else:
        lines.append(
            f"target_scaler = StandardScaler(with_mean=False).fit(values[:{known_windows}])"
        )
    lines.append("targets = torch.tensor(target_scaler.transform(values).astype(np.float32))")
    return tuple(lines)


def _held_out(split: PriceSplit) -> tuple[int, int] | None:
    """First and last window of the validation part among all windows."""
    if split.valid is None:
        return None
    start = _window_number(split, int(split.valid.starts[0]))
    return start, start + len(split.valid)


def _test_lines(split: PriceSplit) -> tuple[str, ...]:
    points = {
        "level": "answer",
        "difference": "anchor[test_start:, None] + answer",
        "log-return": "anchor[test_start:, None] * np.exp(answer)",
    }[split.config.target]
    return (
        "net.eval()",
        "with torch.inference_mode():",
        "    scaled = net(windows[test_start:]).cpu().double().numpy()",
        "answer = target_scaler.inverse_transform(scaled)",
        f"predicted = {points}  # (N, H) closes",
        "error = predicted[:, -1] - actual[test_start:, -1]",
        "persistence = anchor[test_start:] - actual[test_start:, -1]",
        'print(f"persistence RMSE {np.sqrt(np.mean(persistence**2)):.6f} points")',
        'print(f"test RMSE {np.sqrt(np.mean(error**2)):.6f} points")',
    )
