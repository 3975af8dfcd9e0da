"""The next days on the Compare page: every net's forecast past the last row, and their average."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import streamlit as st

from rnnapp.evaluation.compare import split_for
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.outlook import Outlook, outlook_from_models
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.compare import assign_lines
from rnnapp.figures.outlook import outlooks_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.ui.compare.controls import CompareResult
from rnnapp.ui.outlook import SEALED, outlook_table
from rnnapp.ui.page import chart, is_dark, plain_text

__all__ = ["show_next_days"]

_OTHER_HORIZON = N_("{name} forecasts another number of days and is left out.")
_AVERAGE = N_(
    "{day}: the nets say {average} on average, from {low} to {high}; persistence says {rival}, "
    "with an interval from {lower} to {upper} {unit}."
)


def show_next_days(result: CompareResult) -> None:
    """Every net's next days on one picture with persistence's fan, as a table and as CSV."""
    if result.sealed:
        st.info(_(SEALED))
        return
    every = _make_outlooks(result)
    if not every:
        return
    first = every[0]
    each = [one for one in every if len(one.dates) == len(first.dates)]
    for one in every:
        if len(one.dates) != len(first.dates):
            st.caption(plain_text(_(_OTHER_HORIZON).format(name=shown_name(one.name))))
    lines = assign_lines(result.comparison)
    average = np.mean([one.predicted for one in each], axis=0)
    nearest = [float(one.predicted[0]) for one in each]
    words = _(_AVERAGE).format(
        day=pd.Timestamp(first.dates[0]).strftime("%Y-%m-%d"),
        average=format_points(float(average[0])),
        low=format_points(min(nearest)),
        high=format_points(max(nearest)),
        rival=format_points(first.last_close),
        lower=format_points(float(first.persistence_lower[0])),
        upper=format_points(float(first.persistence_upper[0])),
        unit=first.quantity.short_unit,
    )
    figure = outlooks_figure(result.split.prices, each, lines, dark=is_dark())
    chart(figure, "compare_outlook", words)
    st.markdown(plain_text(words))
    verdicts = [one.verdict for one in each]
    common = map(translate_again, (*first.notes, first.calendar))
    st.caption(plain_text(" ".join([*verdicts, *common])))
    frame = pd.DataFrame({"date": first.dates})
    for one in each:
        frame[one.name] = one.predicted
    frame["average of the nets"] = average
    frame["persistence"] = first.persistence
    frame["persistence_lower"] = first.persistence_lower
    frame["persistence_upper"] = first.persistence_upper
    outlook_table(frame, "compare_outlook_csv", first.quantity)


def _make_outlooks(result: CompareResult) -> list[Outlook]:
    """An outlook for each net, averaged over its seeds, by the judged weights."""
    made = []
    for row in result.comparison.net_rows:
        models = [run.trained for run in row.runs if run.trained.history]
        if row.candidate is None or not models:
            continue
        split = split_for(row.candidate, result.split)
        made.append(dataclasses.replace(outlook_from_models(split, models), name=row.name))
    return made
