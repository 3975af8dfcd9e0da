"""The columns of a comparison and of a reproduction, once: for page, report, README and terminal.

A column knows its head, its one-line help, its value (for sorting) and its text (for reading).
Nothing here draws, so that the command line prints a table without loading plotly.
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.formatting import MISSING, decimal_places, format_points
from rnnapp.evaluation.judge import Comparison, Row
from rnnapp.evaluation.metrics import LEVEL
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.recipes.reproduce import Outcome

__all__ = [
    "COMPARISON_COLUMNS",
    "REPORT_KEYS",
    "REPRODUCTION_COLUMNS",
    "TERMINAL_KEYS",
    "Column",
    "choose_columns",
    "column_formats",
    "comparison_cells",
    "comparison_frame",
    "fit_columns",
    "format_published",
    "html_table",
    "markdown_table",
    "reproduction_frame",
    "text_table",
]

Value = float | str | bool | None
RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Column(Generic[RowT]):
    """One column of a table.

    Attributes:
        key: its name in code.
        head: above it, with unit.
        short: above it on a narrow screen or in a terminal.
        help: what it means, in a line.
        value: of a row, full precision: what a click on the head sorts by.
        text: of a row, for reading.
        is_text: left-aligned.
        optional: left out of a table in which no row has a value.
    """

    key: str
    head: str
    short: str
    help: str
    value: Callable[[RowT], Value]
    text: Callable[[RowT], str]
    is_text: bool = False
    optional: bool = False


def _metric_column(
    key: str,
    head: str,
    short: str,
    help: str,
    *,
    scale: float = 1.0,
    places: int | None = None,
    optional: bool = False,
) -> Column[Row]:
    """A metric averaged over seeds; its text is mean ± standard deviation."""

    def read_value(row: Row) -> float:
        return scale * row.mean[key]

    def read_text(row: Row) -> str:
        return _mean_and_sd(
            scale * row.mean[key], scale * row.sd[key], places, signed=key == "skill"
        )

    return Column(key, head, short, help, read_value, read_text, optional=optional)


def _spread_column(key: str, head: str, help: str, scale: float = 1.0) -> Column[Row]:
    """The standard deviation over seeds, in a column of its own."""

    def read_value(row: Row) -> float:
        return scale * row.sd[key]

    def read_text(row: Row) -> str:
        return _fixed(scale * row.sd[key], 2)

    return Column(f"{key}_sd", head, head, help, read_value, read_text)


def _mean_and_sd(mean: float, sd: float, places: int | None, *, signed: bool = False) -> str:
    if places is None:
        places = decimal_places(mean)
    text = format_points(mean, places=places, signed=signed)
    if math.isfinite(mean) and math.isfinite(sd):
        text = f"{text} ± {format_points(sd, places=places)}"
    return text


def _fixed(value: float, places: int) -> str:
    return format_points(value, places=places)


def _direction_text(row: Row) -> str:
    """Share of directions right with its interval: ``50.9 ± 1.4 [47, 55]``."""
    low, high = row.evaluation.directional_interval
    mean = 100 * row.mean["directional_accuracy"]
    text = _mean_and_sd(mean, 100 * row.sd["directional_accuracy"], 1)
    if text == MISSING:
        return MISSING
    return f"{text} [{100 * low:.0f}, {100 * high:.0f}]"


def _yes_no(value: bool) -> str:
    return _({True: N_("yes"), False: N_("no")}[value])


def _lag_text(row: Row) -> str:
    if row.evaluation.best_lag is None:
        return MISSING
    return str(row.evaluation.best_lag)


def _dm_p(row: Row) -> float:
    """NaN for persistence itself: it is what the others are compared with."""
    if row.name == PERSISTENCE:
        return math.nan
    return row.evaluation.dm_p


def _cw_p(row: Row) -> float:
    if row.name == PERSISTENCE:
        return math.nan
    return row.evaluation.cw_p


def _qlike_p(row: Row) -> float:
    if row.name == PERSISTENCE:
        return math.nan
    return row.evaluation.qlike_p


def _detectable(row: Row) -> float:
    if row.name == PERSISTENCE:
        return math.nan
    return 100 * row.evaluation.detectable_skill


def _net_only(row: Row, value: float) -> float | None:
    if row.kind == "net":
        return value
    return None


def _optional_text(value: float | None, places: int) -> str:
    if value is None:
        return MISSING
    return _fixed(value, places)


_LEVEL_PERCENT = f"{LEVEL:.0%}"

COMPARISON_COLUMNS: tuple[Column[Row], ...] = (
    Column(
        "rank",
        "Rank",
        "Rank",
        "1 for the least RMSE.",
        lambda row: row.rank,
        lambda row: str(row.rank),
    ),
    Column(
        "name",
        "Forecast",
        "Forecast",
        "A net over its seeds, or a baseline.",
        lambda row: row.name,
        lambda row: shown_name(row.name),
        is_text=True,
    ),
    _metric_column(
        "rmse",
        "RMSE, points",
        "RMSE",
        "Root mean squared error on test, index points, mean over seeds.",
    ),
    _spread_column("rmse", "RMSE ±", "Standard deviation over seeds."),
    _metric_column(
        "qlike",
        "QLIKE",
        "QLIKE",
        "Mean QLIKE loss of the variance on test (Patton 2011), its level set on training rows; "
        "smaller is better.",
        places=3,
        optional=True,
    ),
    Column(
        "qlike_p",
        "QLIKE p, two-sided",
        "QLIKE p",
        "Diebold-Mariano against persistence on QLIKE losses, two-sided.",
        _qlike_p,
        lambda row: _fixed(_qlike_p(row), 3),
        optional=True,
    ),
    _metric_column("mae", "MAE, points", "MAE", "Mean absolute error on test, index points."),
    _spread_column("mae", "MAE ±", "Standard deviation over seeds."),
    _metric_column(
        "mape",
        "MAPE, %",
        "MAPE",
        "Mean absolute error in percent of the close; empty where a close is not positive.",
        places=3,
    ),
    _metric_column(
        "mase",
        "MASE",
        "MASE",
        "MAE / the naive forecast's in training; below 1 is better than that.",
        places=3,
    ),
    _metric_column(
        "rmsse",
        "RMSSE",
        "RMSSE",
        "RMSE / the naive forecast's in training; below 1 is better than that.",
        places=3,
    ),
    _metric_column(
        "bias", "Bias, points", "Bias", "Mean of forecast minus actual on test, index points."
    ),
    _metric_column(
        "skill", "Skill, %", "Skill", "1 − RMSE / persistence's RMSE.", scale=100, places=1
    ),
    _spread_column("skill", "Skill ±", "Standard deviation over seeds.", scale=100),
    _metric_column(
        "reached",
        "Reached, %",
        "Reached",
        "Share of the reachable gain in mean squared error: 0 is persistence, 100 the best "
        "possible forecast of the simulated series.",
        scale=100,
        places=0,
        optional=True,
    ),
    Column(
        "direction",
        "Direction right, %",
        "Direction",
        "Share of days with the right direction, among days that moved; 95% Wilson interval.",
        lambda row: 100 * row.mean["directional_accuracy"],
        _direction_text,
    ),
    Column(
        "direction_low",
        "from",
        "from",
        "95% Wilson interval of the direction.",
        lambda row: 100 * row.evaluation.directional_interval[0],
        lambda row: _fixed(100 * row.evaluation.directional_interval[0], 0),
    ),
    Column(
        "direction_high",
        "to",
        "to",
        "95% Wilson interval of the direction.",
        lambda row: 100 * row.evaluation.directional_interval[1],
        lambda row: _fixed(100 * row.evaluation.directional_interval[1], 0),
    ),
    Column(
        "base_rate",
        "Up days, %",
        "Up days",
        "What always saying up scores.",
        lambda row: 100 * row.evaluation.base_rate,
        lambda row: _fixed(100 * row.evaluation.base_rate, 1),
    ),
    Column(
        "best_lag",
        "Best lag, rows",
        "Lag",
        "Rows late at which the forecast's changes match the actual's best; 1 repeats the last.",
        lambda row: row.evaluation.best_lag,
        _lag_text,
    ),
    Column(
        "dm",
        "DM p, two-sided",
        "DM p, 2-sided",
        f"Diebold-Mariano against persistence, two-sided; below {LEVEL:.2f} the verdict says "
        f"better or worse at {_LEVEL_PERCENT}.",
        _dm_p,
        lambda row: _fixed(_dm_p(row), 3),
    ),
    Column(
        "cw",
        "CW p, one-sided",
        "CW p, 1-sided",
        "Clark-West against persistence, which is nested in every net and rival: small where a "
        "forecast knows something, even if its errors are no smaller.",
        _cw_p,
        lambda row: _fixed(_cw_p(row), 3),
    ),
    Column(
        "detectable",
        "Least skill shown, %",
        "Detectable",
        f"The smallest skill that these test days could have shown at {_LEVEL_PERCENT}, four "
        "times in five.",
        _detectable,
        lambda row: _fixed(_detectable(row), 1),
    ),
    Column(
        "mcs_p",
        "MCS p",
        "MCS p",
        f"Model confidence set; above {LEVEL:.2f} a forecast is as good as the best, by chance.",
        lambda row: row.mcs_p,
        lambda row: _fixed(row.mcs_p, 3),
    ),
    Column(
        "set",
        "In the set",
        "In set",
        f"In the model confidence set at {_LEVEL_PERCENT}.",
        lambda row: row.in_confidence_set,
        lambda row: _yes_no(row.in_confidence_set),
    ),
    Column(
        "beats",
        "Beats persistence",
        "Beats",
        f"Better than persistence: smaller errors, Diebold-Mariano two-sided at {_LEVEL_PERCENT}, "
        "and more than luck among so many nets.",
        lambda row: row.beats_persistence,
        lambda row: _yes_no(row.beats_persistence),
    ),
    Column(
        "parameters",
        "Parameters",
        "Parameters",
        "Trainable values.",
        lambda row: row.parameters or None,
        lambda row: _optional_text(row.parameters or None, 0),
    ),
    Column(
        "seconds",
        "Seconds",
        "Seconds",
        "Training time of a run; of a rival, its fit and its forecasts.",
        lambda row: row.seconds or None,
        lambda row: _optional_text(row.seconds or None, 2),
    ),
    Column(
        "seeds",
        "Seeds",
        "Seeds",
        "Runs with a forecast.",
        lambda row: _net_only(row, row.seeds),
        lambda row: _optional_text(_net_only(row, row.seeds), 0),
    ),
    Column(
        "verdict",
        "Verdict",
        "Verdict",
        "What follows, in a sentence.",
        lambda row: row.verdict,
        lambda row: row.verdict,
        is_text=True,
    ),
)
"""Every column of a comparison, in display order."""

REPORT_KEYS = (
    "rank",
    "name",
    "rmse",
    "qlike",
    "qlike_p",
    "mae",
    "mape",
    "mase",
    "rmsse",
    "bias",
    "skill",
    "reached",
    "direction",
    "best_lag",
    "dm",
    "cw",
    "detectable",
    "set",
    "beats",
    "parameters",
    "seconds",
    "seeds",
    "verdict",
)
"""Columns of a report, which has room: spreads and intervals stand beside their means."""

_VOLATILITY_WORDS = {
    "rmse": (
        N_("RMSE, log units"),
        N_("Root mean squared error of the logarithm on test, mean over seeds."),
    ),
    "mae": (N_("MAE, log units"), N_("Mean absolute error of the logarithm on test.")),
    "mape": (N_("MAPE, %"), N_("Mean absolute error in percent of the volatility.")),
    "bias": (N_("Bias, log units"), N_("Mean of forecast minus actual logarithm on test.")),
    "best_lag": (
        N_("Best lag, rows"),
        N_("Rows late at which the forecast's changes match the actual's best."),
    ),
}
"""Head and help of columns that say something else of a volatility."""

TERMINAL_KEYS = (
    "rank",
    "name",
    "rmse",
    "qlike",
    "mae",
    "skill",
    "reached",
    "direction",
    "best_lag",
    "dm",
    "set",
    "beats",
    "seconds",
)
"""Columns of a table in the terminal."""


def choose_columns(
    keys: Sequence[str], comparison: Comparison | None = None
) -> tuple[Column[Row], ...]:
    """Columns of a comparison by their keys, in the keys' order.

    Args:
        keys: of the columns.
        comparison: where it has no value for an optional column, that is left out.
    """
    by_key = {column.key: column for column in COMPARISON_COLUMNS}
    chosen = tuple(by_key[key] for key in keys)
    if comparison is None:
        return chosen
    return fit_columns(chosen, comparison)


def fit_columns(columns: Sequence[Column[Row]], comparison: Comparison) -> tuple[Column[Row], ...]:
    """The columns that a comparison has values for, in the words of what it forecasts."""
    fitting = tuple(column for column in columns if _has_values(column, comparison))
    if not comparison.rows[0].forecast.quantity.is_volatility:
        return fitting
    return tuple(_describe_volatility(column) for column in fitting)


def _describe_volatility(column: Column[Row]) -> Column[Row]:
    if column.key not in _VOLATILITY_WORDS:
        return column
    head, help = _VOLATILITY_WORDS[column.key]
    return dataclasses.replace(column, head=head, help=help)


def _has_values(column: Column[Row], comparison: Comparison) -> bool:
    if not column.optional:
        return True
    values = [column.value(row) for row in comparison.rows]
    return any(value is not None and value == value for value in values)


def comparison_cells(
    comparison: Comparison, columns: Sequence[Column[Row]]
) -> list[tuple[str, ...]]:
    """The table as text, one tuple a row, best first."""
    return [tuple(column.text(row) for column in columns) for row in comparison.rows]


def comparison_frame(
    comparison: Comparison, columns: Sequence[Column[Row]] = COMPARISON_COLUMNS
) -> pd.DataFrame:
    """The table as values under the columns' short heads, one line a row, best first.

    Shares are in percent; what does not apply to a row is missing.
    """
    shown = [column for column in columns if _has_values(column, comparison)]
    rows = [{column.short: column.value(row) for column in shown} for row in comparison.rows]
    return pd.DataFrame(rows, columns=[column.short for column in shown])


def column_formats(comparison: Comparison) -> dict[str, str]:
    """Formats of the numbers of :func:`comparison_frame`, by short head, for ``Styler.format``.

    Errors have four significant digits of the best row's, the same decimal places in each row.
    """
    best = comparison.rows[0]
    formats: dict[str, str] = {}
    for key, short in (("rmse", "RMSE"), ("mae", "MAE")):
        places = decimal_places(best.mean[key])
        formats |= {short: f"{{:,.{places}f}}", f"{short} ±": f"{{:,.{places}f}}"}
    formats["Bias"] = f"{{:+,.{decimal_places(best.mean['rmse'])}f}}"
    heads = {column.short for column in COMPARISON_COLUMNS if _has_values(column, comparison)}
    return formats | {head: text for head, text in _FIXED_FORMATS.items() if head in heads}


_FIXED_FORMATS = {
    "MAPE": "{:.3f}%",
    "MASE": "{:.3f}",
    "Skill": "{:+.1f}%",
    "Skill ±": "{:.1f}%",
    "Reached": "{:.0f}%",
    "Direction": "{:.1f}%",
    "from": "{:.0f}%",
    "to": "{:.0f}%",
    "Up days": "{:.1f}%",
    "Lag": "{:.0f}",
    "RMSSE": "{:.3f}",
    "QLIKE": "{:.3f}",
    "QLIKE p": "{:.3f}",
    "DM p, 2-sided": "{:.3f}",
    "CW p, 1-sided": "{:.3f}",
    "Detectable": "{:.1f}%",
    "MCS p": "{:.3f}",
    "Parameters": "{:,.0f}",
    "Seconds": "{:.2f}",
    "Seeds": "{:.0f}",
}


def markdown_table(comparison: Comparison, keys: Sequence[str] = REPORT_KEYS) -> str:
    """The table as Markdown."""
    columns = choose_columns(keys, comparison)
    rules = [{True: "---", False: "---:"}[column.is_text] for column in columns]
    lines = [tuple(_(column.head) for column in columns), *comparison_cells(comparison, columns)]
    texts = ["| " + " | ".join(line) + " |" for line in lines]
    texts.insert(1, "| " + " | ".join(rules) + " |")
    return "\n".join(texts)


def html_table(comparison: Comparison, keys: Sequence[str] = REPORT_KEYS) -> str:
    """The table as HTML, every cell escaped."""
    columns = choose_columns(keys, comparison)
    head = "".join(_html_cell("th", _(column.head), column.is_text) for column in columns)
    lines = []
    for cells in comparison_cells(comparison, columns):
        pairs = zip(columns, cells, strict=True)
        line = "".join(_html_cell("td", cell, column.is_text) for column, cell in pairs)
        lines.append(f"<tr>{line}</tr>")
    body = "".join(lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(tag: str, text: str, is_text: bool) -> str:
    side = {True: ' class="text"', False: ""}[is_text]
    return f"<{tag}{side}>{html.escape(text)}</{tag}>"


def text_table(comparison: Comparison, keys: Sequence[str] = TERMINAL_KEYS) -> str:
    """The table for a terminal, columns padded to their widest cell."""
    columns = choose_columns(keys, comparison)
    lines = [tuple(_(column.short) for column in columns), *comparison_cells(comparison, columns)]
    widths = [max(len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in padded)


def _spread_text(outcome: Outcome) -> str:
    if outcome.spread is None:
        return ""
    low, _unused, high = (format_published(value, outcome.measure) for value in outcome.spread)
    return _("{low} to {high}").format(low=low, high=high)


def _holds_text(outcome: Outcome) -> str:
    if outcome.holds is None and outcome.run is None:
        return _("not reached")
    return {True: _("holds"), False: _("does not hold"), None: _("not compared")}[outcome.holds]


REPRODUCTION_COLUMNS: tuple[Column[Outcome], ...] = (
    Column(
        "label",
        "Metric",
        "metric",
        "What was measured.",
        lambda outcome: outcome.label,
        lambda outcome: _(outcome.label),
        is_text=True,
    ),
    Column(
        "published",
        "Published",
        "published",
        "The publication's value.",
        lambda outcome: format_published(outcome.published, outcome.measure),
        lambda outcome: format_published(outcome.published, outcome.measure),
    ),
    Column(
        "run",
        "This run",
        "this run",
        "The value with the recipe's own seed.",
        lambda outcome: format_published(outcome.run, outcome.measure),
        lambda outcome: format_published(outcome.run, outcome.measure),
    ),
    Column(
        "spread",
        "Over the seeds",
        "over the seeds",
        "Smallest and largest over the seeds.",
        _spread_text,
        _spread_text,
        is_text=True,
    ),
    Column(
        "holds",
        "Verdict",
        "verdict",
        "Whether the run lies where the publication does.",
        _holds_text,
        _holds_text,
        is_text=True,
    ),
)
"""Every column of a reproduction, in display order."""


def reproduction_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """A reproduction's table, one line a metric, under the columns' short heads."""
    return pd.DataFrame(
        [
            {column.short: column.text(outcome) for column in REPRODUCTION_COLUMNS}
            for outcome in outcomes
        ]
    )


def format_published(value: float | tuple[int, ...] | None, measure: str) -> str:
    """One value of a reproduction, empty where there is none.

    Args:
        value: a number or a shape.
        measure: as in :class:`rnnapp.recipes.catalogue.Published`.
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return str(value)
    if measure == "count":
        return f"{value:,.0f}"
    if measure.endswith("accuracy"):
        return f"{value:.2f}%"
    return f"{value:.4f}"
