"""The columns of a comparison, written once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.evaluation.compare import compare_nets
from rnnapp.evaluation.judge import judge_results
from rnnapp.figures.tables import (
    COMPARISON_COLUMNS,
    REPORT_KEYS,
    TERMINAL_KEYS,
    choose_columns,
    column_formats,
    comparison_frame,
    format_published,
    html_table,
    markdown_table,
    reproduction_frame,
    text_table,
)
from rnnapp.recipes.reproduce import Outcome
from tests.support import random_walk


@pytest.fixture(scope="module")
def comparison():
    split = make_split(random_walk(400), WindowConfig(window=4))
    nets = [ModelConfig(cell="rnn", hidden=2), ModelConfig(hidden=2)]
    return judge_results(split, list(compare_nets(split, nets, TrainConfig(epochs=2), seeds=2)))


def test_every_column_has_a_head_and_a_help_of_its_own(comparison):
    assert len({column.key for column in COMPARISON_COLUMNS}) == len(COMPARISON_COLUMNS)
    assert len({column.short for column in COMPARISON_COLUMNS}) == len(COMPARISON_COLUMNS)
    assert all(column.head and column.help for column in COMPARISON_COLUMNS)


def test_the_markdown_table_has_every_row_and_column(comparison):
    lines = markdown_table(comparison).splitlines()
    assert len(lines) == 2 + len(comparison.rows)
    assert {line.count("|") for line in lines} == {len(choose_columns(REPORT_KEYS, comparison)) + 1}
    assert "±" in lines[2 + [row.kind for row in comparison.rows].index("net")]


def test_the_head_of_the_test_says_that_it_is_two_sided(comparison):
    """A one-sided sentence beside a two-sided column once read "worse at 10%", p 0.138."""
    assert "DM p, two-sided" in markdown_table(comparison)
    assert "2-sided" in text_table(comparison).splitlines()[0]


def test_a_number_in_the_page_s_table_sorts_and_one_in_the_report_reads(comparison):
    frame = comparison_frame(comparison)
    row = comparison.rows[0]
    assert frame["RMSE"][0] == row.mean["rmse"]
    assert frame["Skill"][0] == pytest.approx(100 * row.mean["skill"])
    assert list(frame["Forecast"]) == [row.name for row in comparison.rows]
    form = column_formats(comparison)["RMSE"]
    (column,) = choose_columns(["rmse"])
    assert column.text(row).startswith(form.format(row.mean["rmse"]))


def test_every_format_belongs_to_a_column(comparison):
    assert set(column_formats(comparison)) <= set(comparison_frame(comparison).columns)


def test_what_does_not_apply_to_a_rule_is_missing_not_zero(comparison):
    frame = comparison_frame(comparison).set_index("Forecast")
    assert frame.loc["Drift", ["Seconds", "Seeds", "Parameters"]].isna().all()
    assert frame.loc["GRU", ["Seconds", "Seeds", "Parameters"]].notna().all()
    line = next(x for x in markdown_table(comparison).splitlines() if "Drift" in x)
    assert line.count("–") >= 3


def test_a_terminal_s_columns_are_aligned(comparison):
    lines = text_table(comparison).splitlines()
    assert len(lines) == 1 + len(comparison.rows)
    place = lines[0].index("RMSE")
    assert all(line[place - 1] == " " and line[place] != " " for line in lines)
    assert set(TERMINAL_KEYS) <= {column.key for column in COMPARISON_COLUMNS}


def test_names_are_escaped_in_html(comparison):
    row = comparison.rows[0]
    before = row.name
    object.__setattr__(row, "name", "<b>&")
    try:
        assert "&lt;b&gt;&amp;" in html_table(comparison)
        assert "<b>" not in html_table(comparison)
    finally:
        object.__setattr__(row, "name", before)


def test_a_reproduction_has_its_columns_once():
    outcomes = [
        Outcome("test accuracy", 98.5, (98.7, 98.1), judged=True, measure="accuracy"),
        Outcome("h_n", (2, 2), (), judged=True, measure="shape"),
        Outcome("parameters", 821770, (821770,), judged=False, measure="count"),
    ]
    frame = reproduction_frame(outcomes)
    assert list(frame["verdict"]) == ["holds", "not reached", "not compared"]
    assert list(frame["over the seeds"]) == ["98.10% to 98.70%", "", ""]
    assert list(frame["published"]) == ["98.50%", "(2, 2)", "821,770"]
    assert format_published(None, "loss") == ""
    assert format_published(0.0366, "loss") == "0.0366"


def test_a_text_table_is_printed_without_plotly():
    """The command line prints a table in the time that a table takes."""
    code = "import sys, rnnapp.commands.compare; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
