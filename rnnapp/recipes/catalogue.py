"""The notebooks this product grew from, as named settings with the figures published for them.

A recipe says what to run and what was printed when its author ran it;
:mod:`rnnapp.recipes.reproduce` runs it.

>>> RECIPES["mnist-bilstm"].model.name
'BiLSTM'
>>> [figure.value for figure in RECIPES["stock-rnn"].published]
[0.0366, 0.0009, 0.0007, 0.0005]
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig, WindowConfig
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _

__all__ = ["KOSPI_DAYS", "RECIPES", "Published", "Recipe", "find_recipes"]

KOSPI_DAYS = ("2019-01-30", "2020-10-29")
"""First and last day of the stock notebook's file."""

Measure = Literal[
    "train_loss",
    "running_accuracy",
    "train_accuracy",
    "test_accuracy",
    "test_loss",
    "shape",
    "count",
]


@dataclass(frozen=True)
class Published:
    """One figure of a publication.

    Attributes:
        label: what it is, for a person.
        measure: what to measure in a run. Accuracies are in percent; ``running_accuracy`` is
            counted on the training digits
            while the epoch goes, ``train_accuracy`` afterwards with the weights held still.
        value: the figure; for a shape, its sizes.
        at: the epoch (from 0) or, for a recipe with ``every``, the iteration; None is the end. For
            a shape, the tensor's name.
    """

    label: str
    measure: Measure
    value: float | tuple[int, ...]
    at: int | str | None = None


@dataclass(frozen=True)
class Recipe:
    """Settings and what was published for them.

    Attributes:
        name: as the command line takes it.
        title: for a person.
        data: windows over prices, or digits.
        model, train: the net and how it is trained; the seed is the one a first run takes.
        published: figures to hold a run against.
        claims: what the publication says in words; a run over several seeds tells what it finds.
        differs: what is not as in the publication, in sentences.
        every: measure the test accuracy every so many iterations; 0 after each epoch.
    """

    name: str
    title: str
    data: WindowConfig | DigitConfig
    model: ModelConfig
    train: TrainConfig
    published: tuple[Published, ...] = ()
    claims: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    every: int = 0

    @property
    def on_prices(self) -> bool:
        """Whether it learns from prices rather than digits."""
        return isinstance(self.data, WindowConfig)


def find_recipes(names: tuple[str, ...] = ()) -> tuple[Recipe, ...]:
    """The recipes of these names, all of them where none is named.

    Raises:
        ConfigError: an unknown name.
    """
    for name in names:
        if name not in RECIPES:
            raise ConfigError(
                _("There is no recipe {name!r}; the recipes are {recipes}.").format(
                    name=name, recipes=", ".join(RECIPES)
                )
            )
    return tuple(RECIPES[name] for name in names) or tuple(RECIPES.values())


_SEED = "The publication names no seed: first weights and batches are drawn anew."
_VERSIONS = "Computed with today's versions of torch and NumPy, not those of the publication."

_STOCK = WindowConfig(
    window=5,
    horizon=1,
    features=("Open", "High", "Low", "Volume"),
    target="level",
    inputs="level",
    split=200,
    scaling="all",
)
_STOCK_TRAIN = TrainConfig(epochs=301, batch=20, optimizer="adam", lr=1e-3, seed=3)
_STOCK_RNN = Recipe(
    name="stock-rnn",
    title="KOSPI's close by an RNN with a sigmoid head",
    data=_STOCK,
    model=ModelConfig(cell="rnn", hidden=8, layers=2, readout="all", squash=True),
    train=_STOCK_TRAIN,
    published=tuple(
        Published(f"training loss, epoch {epoch}", "train_loss", loss, epoch)
        for epoch, loss in ((0, 0.0366), (100, 0.0009), (200, 0.0007), (300, 0.0005))
    ),
    differs=(
        _SEED,
        _VERSIONS,
        "The loss of epoch 0 depends on the first weights and moves most with the seed; seed 3 "
        "starts near the published one.",
    ),
)


def _linear_head(cell: Literal["lstm", "gru"], claim: str) -> Recipe:
    titles = {
        "lstm": "The same by an LSTM with a linear head",
        "gru": "The same by a GRU with a linear head",
    }
    return dataclasses.replace(
        _STOCK_RNN,
        name=f"stock-{cell}",
        title=titles[cell],
        model=ModelConfig(cell=cell, hidden=8, layers=2, readout="all"),
        published=(),
        claims=(claim,),
        differs=(_SEED, _VERSIONS),
    )


_BILSTM = Recipe(
    name="mnist-bilstm",
    title="Digits row by row, a BiLSTM read at every row",
    data=DigitConfig(source="mnist"),
    model=ModelConfig(cell="lstm", hidden=12, layers=2, bidirectional=True, readout="all"),
    train=TrainConfig(epochs=11, batch=128, optimizer="adam", lr=5e-3),
    published=(
        Published("accuracy while training, first epoch", "running_accuracy", 91.57, 0),
        Published("training accuracy", "train_accuracy", 99.3),
        Published("test accuracy", "test_accuracy", 98.5),
    ),
    differs=(_SEED, _VERSIONS),
)

_BILSTM_LONG = dataclasses.replace(
    _BILSTM,
    name="mnist-bilstm-long",
    title="The same BiLSTM for 51 epochs",
    train=dataclasses.replace(_BILSTM.train, epochs=51),
    published=(
        Published("accuracy while training, last epoch", "running_accuracy", 99.74, 50),
        Published("training accuracy", "train_accuracy", 99.6),
        Published("test accuracy", "test_accuracy", 98.0),
    ),
)

_SCRATCH = Recipe(
    name="mnist-lstm-scratch",
    title="Digits by an LSTM written from its equations",
    data=DigitConfig(source="mnist", mean=0.5, sd=1.0),
    model=ModelConfig(cell="lstm-scratch", hidden=128, layers=1, readout="last"),
    train=TrainConfig(epochs=10, batch=64, optimizer="sgd", lr=0.1, seed=2, backend="torch"),
    published=(
        Published("test accuracy, iteration 500", "test_accuracy", 17.0, 500),
        Published("test accuracy, iteration 1500", "test_accuracy", 89.0, 1500),
        Published("test accuracy, iteration 4500", "test_accuracy", 97.2, 4500),
        Published("test accuracy, end", "test_accuracy", 98.0),
        Published("test loss, end", "test_loss", 0.06),
    ),
    every=500,
    differs=(
        _SEED,
        _VERSIONS,
        "The publication does not say after how many epochs it ends; here it is 10. The figure at "
        "iteration 500 stands where the loss begins to fall and moves most with the seed.",
    ),
)

_LSTM_256 = Recipe(
    name="mnist-lstm-256",
    title="Digits by an LSTM of 256 units",
    data=DigitConfig(source="mnist"),
    model=ModelConfig(cell="lstm", hidden=256, layers=2, readout="last"),
    train=TrainConfig(epochs=1, batch=128, optimizer="adam", lr=1e-3),
    published=(
        Published("out, 2 windows of 20 steps", "shape", (2, 20, 256), "out"),
        Published("h_n", "shape", (2, 2, 256), "h_n"),
        Published("c_n", "shape", (2, 2, 256), "c_n"),
        # 4 x 256 (I + 256 + 2) a layer, I = 28 pixels, then 256; readout 10 x (256 + 1)
        Published("parameters, 2 layers", "count", 821_770, 2),
        Published("parameters, 3 layers", "count", 1_348_106, 3),
    ),
    differs=(
        _SEED,
        _VERSIONS,
        "Shapes and the parameter table are published, no accuracy; one epoch is run to have one. "
        "The table's totals beside the run's are counted by hand for 28 pixels in and 10 classes "
        "out.",
    ),
)

_RNN = Recipe(
    name="mnist-rnn",
    title="Digits by an RNN of 128 units",
    data=DigitConfig(source="mnist"),
    model=ModelConfig(cell="rnn", hidden=128, layers=2, readout="last"),
    train=TrainConfig(epochs=3, batch=128, optimizer="adam", lr=1e-3, backend="torch"),
    published=(Published("test accuracy", "test_accuracy", 95.04),),
    differs=(_SEED, _VERSIONS),
)

_BIRNN = dataclasses.replace(
    _RNN,
    name="mnist-birnn",
    title="The same RNN in both directions",
    model=dataclasses.replace(_RNN.model, bidirectional=True),
    published=(Published("test accuracy", "test_accuracy", 95.55),),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _STOCK_RNN,
        _linear_head("lstm", "LSTM converges faster than RNN."),
        _linear_head("gru", "GRU follows the sudden falls best."),
        _BILSTM,
        _BILSTM_LONG,
        _SCRATCH,
        _LSTM_256,
        _RNN,
        _BIRNN,
    )
}
"""Every recipe by its name, in the order they are told."""
