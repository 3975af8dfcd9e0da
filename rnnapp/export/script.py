"""A run as code to take home: one standalone PyTorch script, or the same as a notebook.

The script needs torch, pandas and scikit-learn, not this package. It repeats this product's run on
the torch backend: same windows, first weights, batches and steps, so the losses are the same.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import numpy as np

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.windows import PriceSplit, window_starts

__all__ = ["EMBEDDED_ROWS", "data_csv", "run_notebook", "run_script"]

EMBEDDED_ROWS = 600
"""A table of at most so many rows stands in the script itself."""


@dataclass(frozen=True)
class _Section:
    """One part of a script: a cell of a notebook.

    Attributes:
        title: what it does, as a comment or a heading.
        lines: the code.
    """

    title: str
    lines: tuple[str, ...]


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
    """
    parts = [f'"""{_title(split, model)}\n\n{_NEEDS}\n"""']
    for section in _sections(split, model, train, data_file):
        parts.append("\n".join((f"# {section.title}", *section.lines)))
    return "\n\n".join(parts) + "\n"


def run_notebook(
    split: PriceSplit, model: ModelConfig, train: TrainConfig, *, data_file: str = "prices.csv"
) -> str:
    """Write the same code as a Jupyter notebook (JSON text), a section a cell.

    Args:
        split, model, train, data_file: as in :func:`run_script`.
    """
    import nbformat

    notebook = nbformat.v4.new_notebook()
    cells = [nbformat.v4.new_markdown_cell(f"# {_title(split, model)}\n\n{_NEEDS}")]
    for section in _sections(split, model, train, data_file):
        cells.append(nbformat.v4.new_markdown_cell(f"## {section.title}"))
        cells.append(nbformat.v4.new_code_cell("\n".join(section.lines)))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same settings give the same file
    notebook["cells"] = cells
    notebook["metadata"]["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def data_csv(split: PriceSplit) -> str:
    """The rows and columns that a run uses, as CSV text that reads back bit for bit."""
    columns = list(dict.fromkeys((*split.columns, "Close")))
    text = io.StringIO()
    split.prices.frame[columns].to_csv(text, index_label="Date", date_format="%Y-%m-%d %H:%M:%S")
    return text.getvalue().replace(" 00:00:00,", ",")


_NEEDS = (
    "Needs torch, pandas and scikit-learn. The last line prints the error on the test days,\n"
    'beside that of "tomorrow = today".'
)


def _title(split: PriceSplit, model: ModelConfig) -> str:
    name = split.prices.name.replace("\\", " ").replace('"', "'")
    return f"{model.name} on {name}, in plain PyTorch."


def _sections(
    split: PriceSplit, model: ModelConfig, train: TrainConfig, data_file: str
) -> tuple[_Section, ...]:
    return (
        _Section("Prices", _price_lines(split, data_file)),
        _Section("Windows of days in, the closes after them out", _window_lines(split)),
        _Section("Scale, fitted on the training rows", _scale_lines(split)),
        _Section("The net", _net_lines(split, model, train)),
        _Section("Training", _training_lines(split, model, train)),
        _Section("Test, in points", _test_lines(split)),
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
    columns = json.dumps(list(split.columns), ensure_ascii=False)
    change = config.input_form == "change"
    lines = [
        f"T, H = {config.window}, {config.horizon}  # days in a window, days ahead",
        f"train_count = {len(split.train)}  # the first windows train",
        f"test_start = {_test_start(split)}  # from this window on they test",
        f"features = prices[{columns}].ffill().fillna(0.0)",
    ]
    if change:
        lines += _change_lines(split)
    else:
        lines.append("features = features.to_numpy()")
    lines.append(f"first = {int(change)}  # the first day has no change")
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
        lines += [
            f"holes = np.array({holes})  # rows before which days are missing",
            "after, before = starts[:, None] + T + H > holes, starts[:, None] < holes + first",
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


def _net_lines(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> tuple[str, ...]:
    sizes = [f"{split.features}", f"{model.hidden}"]
    sizes.append(f"num_layers={model.layers}")
    sizes.append("batch_first=True")
    if model.bidirectional:
        sizes.append("bidirectional=True")
    if _drops_units(model):
        sizes.append(f"dropout={model.dropout:g}")
    width = model.directions * model.hidden
    read = "out[:, -1]  # the last step's output"
    if model.readout == "all":
        width *= split.steps
        read = "out.flatten(1)  # every step's output"
    answer = "self.readout(read)"
    if model.squash:
        answer = "self.readout(read).sigmoid()"
    return (
        "",
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        f"        self.recurrent = nn.{model.kind.upper()}({', '.join(sizes)})",
        f"        self.readout = nn.Linear({width}, H)",
        "        # First weights: uniform within 1 / sqrt(inputs), as torch draws them.",
        f"        generator = torch.Generator().manual_seed({train.seed})",
        f"        for part, inputs in ((self.recurrent, {model.hidden}), (self.readout, {width})):",
        "            for weight in part.parameters():",
        "                bound = 1 / inputs**0.5",
        "                nn.init.uniform_(weight, -bound, bound, generator=generator)",
        "",
        "    def forward(self, window):  # (B, T, F) -> (B, H)",
        "        out, _ = self.recurrent(window)",
        f"        read = {read}",
        f"        return {answer}",
        "",
    )


def _drops_units(model: ModelConfig) -> bool:
    return model.dropout > 0 and model.layers > 1


def _training_lines(split: PriceSplit, model: ModelConfig, train: TrainConfig) -> tuple[str, ...]:
    optimizer = {"adam": "Adam", "sgd": "SGD"}[train.optimizer]
    lines = [
        'device = "cuda" if torch.cuda.is_available() else "cpu"',
        "net = Net().to(device)",
        "windows, targets = windows.to(device), targets.to(device)",
        f"optimizer = torch.optim.{optimizer}(net.parameters(), lr={train.lr:g}, fused=True)",
    ]
    if train.schedule == "one-cycle":
        lines += [
            f"steps = {train.epochs} * -(-train_count // {train.batch}) + 1",
            "schedule = torch.optim.lr_scheduler.OneCycleLR(",
            f"    optimizer, max_lr={train.lr:g}, total_steps=steps, cycle_momentum=False",
            ")",
        ]
    if _drops_units(model):
        lines.append("step = 0")
    if train.patience:
        lines += _validation_windows(split)
        lines.append('best_loss, best_epoch, best_weights = float("inf"), 0, None')
    lines += ["losses = []", f"for epoch in range({train.epochs}):"]
    lines += [f"    {line}" for line in _epoch_lines(model, train)]
    if train.patience:
        lines.append("net.load_state_dict(best_weights)")
    return tuple(lines)


def _epoch_lines(model: ModelConfig, train: TrainConfig) -> list[str]:
    order = "np.arange(train_count)"
    if train.shuffle:
        order = f"np.random.default_rng(({train.seed}, epoch)).permutation(train_count)"
    lines = [
        "net.train()",
        "total = 0.0",
        f"order = {order}",
        f"for batch in torch.as_tensor(order).split({train.batch}):",
    ]
    lines += [f"    {line}" for line in _step_lines(model, train)]
    lines += [
        "losses.append(total / train_count)",
        'print(f"epoch {epoch + 1}: loss {losses[-1]:.6f}")',
    ]
    if train.patience:
        lines += [
            "net.eval()",
            "with torch.inference_mode():",
            "    valid = nn.functional.mse_loss(net(windows[held_out]), targets[held_out]).item()",
            "if valid < best_loss:",
            "    best_loss, best_epoch = valid, epoch",
            "    best_weights = {k: v.clone() for k, v in net.state_dict().items()}",
            f"if epoch - best_epoch >= {train.patience}:",
            "    break",
        ]
    return lines


def _step_lines(model: ModelConfig, train: TrainConfig) -> list[str]:
    lines = []
    if _drops_units(model):
        lines.append(f"torch.manual_seed({train.seed << 32} + step)  # which units drop")
        lines.append("step += 1")
    lines += [
        "loss = nn.functional.mse_loss(net(windows[batch]), targets[batch])",
        "optimizer.zero_grad()",
        "loss.backward()",
    ]
    if train.clip > 0:
        lines.append(f"nn.utils.clip_grad_norm_(net.parameters(), {train.clip:g})")
    lines.append("optimizer.step()")
    if train.schedule == "one-cycle":
        lines.append("schedule.step()")
    lines.append("total += loss.item() * len(batch)")
    return lines


def _validation_windows(split: PriceSplit) -> list[str]:
    if split.valid is None:
        return []
    start = _window_number(split, int(split.valid.starts[0]))
    stop = start + len(split.valid)
    return [f"held_out = slice({start}, {stop})  # the latest windows before the test validate"]


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
