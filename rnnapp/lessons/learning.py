"""Lesson 3: a net learns while one watches; loss, overfitting, seeds that disagree."""

from __future__ import annotations

import functools

import plotly.graph_objects as go

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.figures.style import line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.training.loop import train
from rnnapp.training.records import EpochEvent

__all__ = ["CONTROLS", "show_scene"]

_MODEL = ModelConfig(cell="gru", hidden=8)
_WORSE = 1.1
CONTROLS = (
    Control("epochs", "Epochs", low=10, high=200, step=10, default=20, help="Passes over all."),
    Control(
        "seeds",
        "Seeds (runs)",
        low=1,
        high=5,
        default=1,
        help="Each seed starts from other weights.",
    ),
)
_SENTENCE = N_(
    "Seed 0 after {epochs} epochs: training loss {loss:.3f}, validation loss **{valid:.3f}**. "
    "Its lowest was {best:.3f}, after epoch {at}."
)
_SPREAD = N_(" The lowest points of {seeds} seeds lie after epochs {epochs}.")
_ALT = N_("Training loss falls; validation loss by epoch for each seed. {sentence}")


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The losses of each seed up to the epoch chosen."""
    epochs = read_number(values, "epochs")
    runs = [_train_seed(seed, epochs) for seed in range(read_number(values, "seeds"))]
    valid = _valid_losses(runs[0])
    best = min(valid)
    sentence = _(_SENTENCE).format(
        epochs=epochs,
        loss=runs[0][-1].train_loss,
        valid=valid[-1],
        best=best,
        at=valid.index(best) + 1,
    )
    if len(runs) > 1:
        places = [str(_lowest_epoch(run)) for run in runs]
        sentence += _(_SPREAD).format(seeds=len(runs), epochs=", ".join(places))
    picture = Picture("lesson_loss", _losses_figure(runs), _(_ALT).format(sentence=sentence))
    return Scene(sentence, answered=valid[-1] > _WORSE * best, pictures=(picture,))


def _valid_losses(run: tuple[EpochEvent, ...]) -> list[float]:
    return [event.valid_loss or 0.0 for event in run]


def _lowest_epoch(run: tuple[EpochEvent, ...]) -> int:
    losses = _valid_losses(run)
    return losses.index(min(losses)) + 1


@functools.cache
def _make_split() -> PriceSplit:
    return make_split(bundled("sp500").tail(500), WindowConfig(window=10, split=0.8, valid=0.3))


@functools.lru_cache(maxsize=128)
def _train_seed(seed: int, epochs: int) -> tuple[EpochEvent, ...]:
    settings = TrainConfig(epochs=epochs, batch=32, lr=2e-3, seed=seed, device="cpu")
    return train(_make_split(), _MODEL, settings).history


def _losses_figure(runs: list[tuple[EpochEvent, ...]]) -> go.Figure:
    color = line_of(_MODEL).color
    figure = go.Figure()
    for seed, run in enumerate(runs):
        epochs = [event.epoch + 1 for event in run]
        train_losses = [event.train_loss for event in run]
        figure.add_scatter(
            x=epochs,
            y=train_losses,
            name=_("training"),
            legendgroup="training",
            showlegend=seed == 0,
            mode="lines",
            line=dict(color=color, dash="dot", width=1.2),
        )
        figure.add_scatter(
            x=epochs,
            y=_valid_losses(run),
            name=_("validation, seed {seed}").format(seed=seed),
            mode="lines",
            line=dict(color=color, width=2),
            opacity=1 - 0.15 * seed,
        )
    return style_figure(
        figure, x=_("epoch"), y=_("loss (mean squared error)"), height=340, keep="lesson"
    )
