"""The pictures of a comparison keep the one visual language."""

from __future__ import annotations

import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.evaluation.compare import compare_nets
from rnnapp.evaluation.intervals import with_interval
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.strategy import long_or_flat
from rnnapp.evaluation.walkforward import walk_forward
from rnnapp.figures.compare import (
    assign_lines,
    changes_figure,
    curves_figure,
    folds_figure,
    interval_figure,
    losses_figure,
    residuals_figure,
    strategy_figure,
)
from rnnapp.figures.report import compare_report
from rnnapp.figures.style import BASELINE, MAX_POINTS
from tests.support import random_walk

NETS = [
    ModelConfig(cell="rnn", hidden=2),
    ModelConfig(hidden=2),
    ModelConfig(hidden=3),
    ModelConfig(cell="lstm-scratch", hidden=2),
]


@pytest.fixture(scope="module")
def made():
    split = make_split(random_walk(1800), WindowConfig(window=4, valid=0.2))
    results = list(compare_nets(split, NETS, TrainConfig(epochs=2), seeds=2))
    return split, results, judge_results(split, results)


def test_a_colour_means_one_cell_and_no_two_lines_are_alike(made):
    lines = assign_lines(made[2])
    assert lines["RNN"].color == "#2F86C6"
    assert lines["GRU (hidden 2)"].color == lines["GRU (hidden 3)"].color == "#00936B"
    assert lines["LSTM from scratch"].dash == "dot"
    assert lines["Persistence"].color == lines["Drift"].color == BASELINE
    assert len(set(lines.values())) == len(lines)


@pytest.mark.parametrize("dark", [False, True])
def test_no_trace_draws_more_than_it_may(made, dark):
    _, results, comparison = made
    lines = assign_lines(comparison)
    row = comparison.net_rows[0]
    figures = [
        curves_figure(comparison, dark=dark),
        residuals_figure(comparison, dark=dark),
        changes_figure(comparison, dark=dark),
        losses_figure(results, lines),
        interval_figure(with_interval(row.forecast), lines[row.name], dark=dark),
        strategy_figure([long_or_flat(row.forecast)], lines, dark=dark),
    ]
    for figure in figures:
        assert figure.data
        assert max(len(trace.x) for trace in figure.data) <= MAX_POINTS
        assert figure.layout.yaxis.title.text


def test_baselines_wait_in_the_legend_but_persistence_does_not(made):
    shown = {trace.name: trace.visible for trace in curves_figure(made[2]).data}
    assert shown["Persistence"] is True
    assert shown["Moving average"] == "legendonly"
    assert shown["RNN"] is True


def test_a_range_shows_its_days_in_full_and_no_boundary_beyond_it(made):
    split, _, comparison = made
    first = split.prices.dates[-60]
    figure = curves_figure(comparison, first=first)
    assert all(trace.x[0] >= first for trace in figure.data)
    assert not figure.layout.annotations
    assert [note.text for note in curves_figure(comparison).layout.annotations] == ["train", "test"]


def test_days_outside_the_interval_are_marked(made):
    told = with_interval(made[2].net_rows[0].forecast, 0.5)
    test = told.select_part("test")
    outside = next(
        trace
        for trace in interval_figure(told, assign_lines(made[2])[told.name]).data
        if trace.name == "outside"
    )
    assert (
        len(outside.x) == int(((test.actual < test.lower) | (test.actual > test.upper)).sum()) > 0
    )


def test_folds_stand_beside_persistence_and_the_single_split(made):
    split, _, comparison = made
    row = comparison.net_rows[0]
    folds = list(
        walk_forward(
            split.prices, split.config, lambda s: comparison.rows[0].forecast, folds=2, step=5
        )
    )
    figure = folds_figure({row.name: folds}, {row.name: row.mean["rmse"]}, assign_lines(comparison))
    assert [trace.name for trace in figure.data] == ["Persistence", row.name]
    assert figure.layout.shapes[0].y0 == row.mean["rmse"]


def test_the_report_escapes_names(made):
    """A file's name is a person's text; it must not become markup."""
    split, results, comparison = made
    split.prices.__dict__["name"] = "<script>alert(1)</script>"
    page = compare_report(comparison, split, results)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
