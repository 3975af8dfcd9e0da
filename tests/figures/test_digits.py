"""The figures of a reading show its numbers, and stay legible when there is nothing to show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnapp.configs import ModelConfig
from rnnapp.figures.digits import (
    confusion_figure,
    learning_figure,
    parts_figure,
    per_class_figure,
    reading_figure,
    shares_figure,
)
from rnnapp.figures.style import BASELINE, line_of
from rnnapp.models.reading import Reading, read
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.loop import EpochEvent

PICTURE = np.zeros((28, 28), np.uint8)


def reading(both: bool) -> tuple[Reading, ModelConfig]:
    config = ModelConfig(cell="lstm", hidden=4, bidirectional=both)
    return read(RecurrentNet(config, features=28, steps=28, outputs=10), torch.rand(28, 28)), config


@pytest.mark.parametrize("both", [False, True])
def test_a_panel_a_direction_level_with_the_picture(both: bool) -> None:
    shown, _ = reading(both)
    figure = reading_figure(PICTURE, shown)
    assert [trace.type for trace in figure.data] == ["heatmap"] * (3 if both else 2)
    assert np.array_equal(figure.data[1].z, shown.downwards)
    assert all(axis.range == (27.5, -0.5) for axis in figure.select_yaxes())  # row 0 on top in each
    assert (figure.data[1].zmin, figure.data[1].zmax) == (0, 1)


def test_the_bars_are_the_rows_of_winner_and_rival() -> None:
    shown, config = reading(True)
    line = line_of(config)
    rival, winner = parts_figure(PICTURE, shown, line).data[1:]
    assert (rival.name, winner.name) == (str(shown.rival), str(shown.winner))
    assert winner.marker.color == line.color
    assert winner.x.sum() + shown.bias[shown.winner] == pytest.approx(shown.scores[shown.winner])


def test_the_winner_alone_has_the_nets_colour() -> None:
    line = line_of(ModelConfig(cell="gru"))
    (bars,) = shares_figure(np.eye(10)[3], line).data
    assert bars.marker.color[3] == line.color
    assert set(bars.marker.color) == {line.color, BASELINE}


def test_the_diagonal_does_not_drown_the_mistakes() -> None:
    """980 right and 4 wrong on one scale would show the mistakes as nothing."""
    counts = np.full((10, 10), 1)
    np.fill_diagonal(counts, 980)
    figure = confusion_figure(counts)
    assert np.isnan(np.diag(figure.data[0].z)).all()
    assert [a.text for a in figure.layout.annotations] == ["980"] * 10


def test_an_absent_class_leaves_a_gap() -> None:
    figure = per_class_figure([0.9] * 9 + [float("nan")], line_of(ModelConfig()))
    low, high = figure.layout.yaxis.range
    assert low <= 0.89
    assert high >= 1


def test_learning_spans_all_epochs_from_the_start() -> None:
    """The curve grows into its axes; nothing jumps."""
    line = line_of(ModelConfig())
    event = EpochEvent(0, 0.5, None, 1.0, 100.0, 0.8, 0.85, 0.01)
    empty, begun = learning_figure([], line, epochs=9), learning_figure([event], line, epochs=9)
    assert empty.layout.xaxis.range == begun.layout.xaxis.range == (0.5, 9.5)
    assert empty.layout.height == begun.layout.height
    assert begun.data[2].y == (0.85,)
