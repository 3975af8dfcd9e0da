"""The digit nets: how each is made, and the trained ones that come with the product.

A shipped net is a saved model in ``rnnapp/weights``; its extra values hold the digits' settings and
sums, the test figures it reached and the command that remakes it.
"""

from __future__ import annotations

import dataclasses
import functools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from rnnapp.configs import (
    Cell,
    DigitConfig,
    ModelConfig,
    TrainConfig,
    format_value,
    from_dict,
    to_dict,
)
from rnnapp.data.digits import DigitSplit, as_sequences
from rnnapp.data.sequences import FloatArray
from rnnapp.errors import CheckpointError, ConfigError
from rnnapp.evaluation.digits import DigitScores
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.reading import Reading, read
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.checkpoints import load_model
from rnnapp.training.loop import TrainedModel

__all__ = ["DRAWING_NET", "NETS", "DigitNet", "DigitRecipe", "digit_facts", "open_net"]

DRAWING_NET = "bilstm-draw"
"""The net that reads drawings best."""
_FOLDER = Path(__file__).resolve().parent / "weights"


@dataclass(frozen=True)
class DigitRecipe:
    """How one of the digit nets is made.

    Attributes:
        title: for a person.
        model, train, digits: its settings.
    """

    title: str
    model: ModelConfig
    train: TrainConfig
    digits: DigitConfig = DigitConfig()

    @property
    def settings(self) -> tuple[ModelConfig, TrainConfig, DigitConfig]:
        """All three."""
        return self.model, self.train, self.digits


def _small_net(
    title: str,
    cell: Cell,
    lr: float = 1e-2,
    *,
    bidirectional: bool = False,
    backend: Literal["auto", "torch"] = "auto",
    seed: int = 0,
) -> DigitRecipe:
    """One layer of 64 units, in a two-way net 32 each way, six epochs of one-cycle."""
    hidden = 64
    if bidirectional:
        hidden = 32
    return DigitRecipe(
        title,
        ModelConfig(cell=cell, hidden=hidden, bidirectional=bidirectional),
        TrainConfig(epochs=6, batch=128, lr=lr, schedule="one-cycle", backend=backend, seed=seed),
    )


NETS: dict[str, DigitRecipe] = {
    DRAWING_NET: DigitRecipe(
        N_("BiLSTM for drawings, 64 x 2"),
        ModelConfig(cell="lstm", hidden=64, layers=2, bidirectional=True),
        TrainConfig(epochs=13, batch=128, lr=1e-2, schedule="one-cycle"),
        DigitConfig(augment="drawn"),
    ),
    "bilstm": DigitRecipe(
        N_("BiLSTM, 12 x 2"),
        ModelConfig(cell="lstm", hidden=12, layers=2, bidirectional=True),
        TrainConfig(epochs=11, batch=128, lr=5e-3),
        # pixels in -1..1: the worst of six seeds reads 98.5%, with 0..1 it reads 98.3%
        DigitConfig(mean=0.5, sd=0.5),
    ),
    "rnn": _small_net("RNN, 64", "rnn", 3e-3),
    "birnn": _small_net("BiRNN, 32", "rnn", 3e-3, bidirectional=True),
    "lstm": _small_net("LSTM, 64", "lstm"),
    "gru": _small_net("GRU, 64", "gru"),
    "lstm-scratch": _small_net(
        N_("LSTM from its equations, 64"), "lstm-scratch", backend="torch", seed=1
    ),
}
"""Every digit net by its name on the command line."""


@dataclass(frozen=True, eq=False)
class DigitNet:
    """A trained net that reads digits.

    Attributes:
        title: for a person.
        trained: the model.
        digits: how its pixels are scaled.
        facts: what it was made with and what it reached, as JSON values.
    """

    title: str
    trained: TrainedModel
    digits: DigitConfig
    facts: dict[str, Any]

    def scores(self, pictures: npt.NDArray[np.uint8]) -> FloatArray:
        """(N, 28, 28) uint8 -> (N, 10) class scores before the softmax."""
        part = as_sequences(pictures, np.zeros(len(pictures)), self.digits)
        return self.trained.predict(part)

    def probabilities(self, picture: npt.NDArray[np.uint8]) -> FloatArray:
        """(28, 28) uint8 -> (10,)."""
        return np.asarray(softmax(self.scores(picture[None]))[0], np.float32)

    def read(self, picture: npt.NDArray[np.uint8]) -> Reading:
        """How it reads one picture, (28, 28) uint8."""
        rows = torch.from_numpy(picture.astype(np.float32) / 255)
        return read(self._net, (rows - self.digits.mean) / self.digits.sd)

    def at_epoch(self, epoch: int) -> DigitNet:
        """The net as it was after so many epochs; made once.

        Raises:
            TrainingError: no weights of that epoch are at hand.
        """
        if epoch == len(self.trained.history):
            return self
        if epoch not in self._past:
            trained = self.trained.at_epoch(epoch)
            self._past[epoch] = dataclasses.replace(self, trained=trained)
        return self._past[epoch]

    @functools.cached_property
    def _past(self) -> dict[int, DigitNet]:
        return {}

    @functools.cached_property
    def _net(self) -> RecurrentNet:
        return self.trained.net()


def open_net(name: str | Path) -> DigitNet:
    """A shipped net by its name, or one saved in a folder.

    Raises:
        ConfigError: neither a shipped net's name nor a folder.
        CheckpointError: the folder holds no net that reads digits.
    """
    shipped = str(name) in NETS
    folder = Path(name)
    if shipped:
        folder = _FOLDER / str(name)
    if not shipped and not folder.is_dir():
        raise ConfigError(
            _("There is no net {name!r}.").format(name=str(name)),
            remedy=_("Use {nets}, or the folder of a saved net.").format(nets=", ".join(NETS)),
        )
    trained, facts = load_model(folder)
    if "digits" not in facts or (trained.steps, trained.features, trained.outputs) != (28, 28, 10):
        raise CheckpointError(
            _("{name} holds a net that reads no digits.").format(name=folder.name),
            remedy=_("Use one that `digits train --out` saved."),
        )
    try:
        digits = from_dict(DigitConfig, facts["digits"])
    except (ConfigError, TypeError, AttributeError) as error:
        raise CheckpointError(
            _("{name} has digit settings that cannot be: {error}").format(
                name=folder.name, error=error
            )
        ) from error
    title = trained.model.name
    if shipped:
        title = _(NETS[str(name)].title)
    return DigitNet(title, trained, digits, facts)


def digit_facts(trained: TrainedModel, split: DigitSplit, scores: DigitScores) -> dict[str, Any]:
    """What a digit net was made with and what it reached, to be saved beside it."""
    return {
        "digits": to_dict(split.config),
        "data": {
            "name": split.name,
            "sha256": split.fingerprint,
            "train": len(split.train),
            "test": len(split.test),
            "notes": list(split.notes),
        },
        "test": {
            "accuracy": scores.accuracy,
            "per_class": scores.to_report()["per_class"],
            "confusion": scores.confusion.tolist(),
        },
        "command": _train_command(trained, split.config),
    }


def _train_command(trained: TrainedModel, digits: DigitConfig) -> str:
    """The command line that makes the same net."""
    settings = (trained.model, trained.train, digits)
    for name, recipe in NETS.items():
        if settings == recipe.settings:
            return f"python -m rnnapp digits train --net {name} --out rnnapp/weights/{name}"
    pairs = zip(settings, NETS["bilstm"].settings, strict=True)
    return shlex.join(
        [
            "python",
            "-m",
            "rnnapp",
            "digits",
            "train",
            *(word for pair in pairs for word in _differing_options(*pair)),
        ]
    )


def _differing_options(mine: Any, its: Any) -> list[str]:
    """Options that turn its settings into mine."""
    words: list[str] = []
    for name, value in to_dict(mine).items():
        if value == getattr(its, name):
            continue
        if not isinstance(value, bool):
            words += [f"--{name}", format_value(value)]
        elif value:
            words.append(f"--{name}")
        else:
            words.append(f"--no-{name}")
    return words
