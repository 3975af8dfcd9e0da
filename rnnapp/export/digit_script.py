"""A digit net as code to take home: the same training in plain PyTorch, on the same digits."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.digits import DigitSplit
from rnnapp.export.net_lines import net_lines, training_lines
from rnnapp.export.sections import Section, to_notebook, to_script

__all__ = ["DIGITS_FILE", "digit_arrays", "digit_notebook", "digit_script", "needs_arrays"]

DIGITS_FILE = "digits.npz"
"""The name under which the script looks for digits that no package has."""
_NEEDS = "Needs torch and scikit-learn. The last line prints the share of test digits read right."
_WITHOUT_CHANGES = (
    "{needs}\nThe random changes to the training digits ({augment}) are left out here."
)


def needs_arrays(split: DigitSplit) -> bool:
    """Whether the digits must lie beside the script: MNIST is fetched by scikit-learn."""
    return split.name != "MNIST" or split.config.augment == "drawn"


def digit_script(split: DigitSplit, model: ModelConfig, train: TrainConfig) -> str:
    """Write a digit net's training as a Python script.

    Args:
        split: the digits to train and test on.
        model, train: the net and how it is trained.

    Returns:
        Source code. Its last line prints the test accuracy in percent.
    """
    return to_script(_title(model), _about(split), _sections(split, model, train))


def digit_notebook(split: DigitSplit, model: ModelConfig, train: TrainConfig) -> str:
    """Write the same code as a Jupyter notebook (JSON text)."""
    return to_notebook(_title(model), _about(split), _sections(split, model, train))


def digit_arrays(split: DigitSplit) -> bytes:
    """The pictures (N, 28, 28) uint8 and their classes, those that train and those that test."""
    content = io.BytesIO()
    np.savez_compressed(
        content,
        train=_pictures(split.train.rows),
        train_classes=split.train.targets,
        test=_pictures(split.test.rows),
        test_classes=split.test.targets,
    )
    return content.getvalue()


def _pictures(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return rows.reshape(-1, 28, 28)


def _title(model: ModelConfig) -> str:
    return f"{model.name} that reads digits row by row, in plain PyTorch."


def _about(split: DigitSplit) -> str:
    if split.config.augment == "none":
        return _NEEDS
    return _WITHOUT_CHANGES.format(needs=_NEEDS, augment=split.config.augment)


def _sections(split: DigitSplit, model: ModelConfig, train: TrainConfig) -> tuple[Section, ...]:
    return (
        Section("Digits: 28 rows of 28 pixels", _digit_lines(split)),
        Section("The net", net_lines(split, model, train, outputs="10")),
        Section("Training", training_lines(split, model, train)),
        Section("Test", _TEST_LINES),
    )


def _digit_lines(split: DigitSplit) -> tuple[str, ...]:
    imports = ["import numpy as np", "import torch"]
    if needs_arrays(split):
        source = [
            f'with np.load("{DIGITS_FILE}") as digits:  # download it beside this file',
            '    pictures = np.concatenate([digits["train"], digits["test"]])',
            '    classes = np.concatenate([digits["train_classes"], digits["test_classes"]])',
        ]
    else:
        imports.append("from sklearn.datasets import fetch_openml")
        source = [
            'pictures, classes = fetch_openml("mnist_784", return_X_y=True, as_frame=False)',
            "pictures, classes = pictures.reshape(-1, 28, 28), classes.astype(np.int64)",
        ]
    config = split.config
    return (
        *imports,
        "from torch import nn",
        "",
        *source,
        f"train_count = {len(split.train)}  # the first digits train, the others test",
        "windows = torch.tensor(pictures.astype(np.float32) / 255)  # (N, 28, 28)",
        f"windows = (windows - {config.mean:g}) / {config.sd:g}",
        "targets = torch.tensor(classes)",
    )


_TEST_LINES = (
    "net.eval()",
    "with torch.inference_mode():",
    "    answers = net(windows[train_count:]).argmax(1)",
    "right = (answers == targets[train_count:]).double().mean().item()",
    'print(f"test accuracy {100 * right:.4f}%")',
)
