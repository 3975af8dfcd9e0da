"""Tables on a page: their heads in the visitor's language, while the frames stay in English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["label_columns", "shown_head", "with_shown_cells"]

# A frame's own word for a column, and its head; where they are the same word, itself.
_HEADS = {
    "persistence_lower": N_("persistence, lower"),
    "persistence_upper": N_("persistence, upper"),
    "From": N_("Interval from"),
    "To": N_("Interval to"),
} | {
    head: head
    for head in (
        N_("Forecast"),
        N_("Folds"),
        N_("RMSE, folds"),
        N_("Persistence, folds"),
        N_("Skill, folds"),
        N_("RMSE, single split"),
        N_("Persistence, single split"),
        N_("Skill, single split"),
        N_("DM p, folds, two-sided"),
        N_("Beats persistence"),
        N_("Gain"),
        N_("Deepest fall"),
        N_("Trades"),
        N_("Time held"),
        N_("Step"),
        N_("Coverage, plain"),
        N_("Coverage, adaptive"),
        N_("Coverage, persistence"),
        N_("Interval score, plain"),
        N_("Interval score, adaptive"),
        N_("Interval score, persistence"),
        N_("date"),
        N_("predicted"),
        N_("part"),
        N_("lower"),
        N_("upper"),
        N_("best"),
        N_("Net"),
        N_("Recorded"),
        N_("Outlooks"),
        N_("Days"),
        N_("Nominal"),
        N_("Coverage"),
        N_("Coverage from"),
        N_("Coverage to"),
        N_("Persistence's"),
        N_("Skill"),
        N_("Skill from"),
        N_("Skill to"),
        N_("Series"),
        N_("Made from"),
        N_("Day"),
        N_("Came"),
        N_("Error"),
        N_("State"),
        N_("After the fact"),
        N_("Revised"),
        N_("Data"),
        N_("Id"),
        N_("tensor"),
        N_("shape"),
        N_("axes"),
        N_("made by"),
        N_("values"),
        N_("first values"),
        N_("metric"),
        N_("published"),
        N_("this run"),
        N_("over the seeds"),
        N_("verdict"),
    )
}


def shown_head(name: str) -> str:
    """A column's head in the current language; a forecast's name as people read it."""
    if name in _HEADS:
        return _(_HEADS[name])
    return shown_name(name)


def label_columns(names: Iterable[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give every column of a table its head; what the configs say otherwise stays.

    Args:
        names: of the frame's columns.
        config: configs of some of them, with or without a label.
    """
    given = config or {}
    labelled: dict[str, Any] = {}
    for name in names:
        column = dict(given.get(name) or st.column_config.Column())
        if column.get("label") is None:
            column["label"] = shown_head(name)
        labelled[name] = column
    return labelled


def with_shown_cells(
    frame: pd.DataFrame, column: str, words: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A copy of a table with the names or the marked words of a column as people read them.

    Args:
        frame: the table.
        column: of forecasts' names, or of keys.
        words: a marked word for each key; without them the cells are names of forecasts.
    """
    if words is None:
        return frame.assign(**{column: frame[column].map(shown_name)})
    return frame.assign(**{column: [_(words.get(cell, cell)) for cell in frame[column]]})
