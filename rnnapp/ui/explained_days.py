"""Which days moved a forecast, on a page: one net, or several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.day_contributions import DayContributions, explain_forecast
from rnnapp.evaluation.forecast import Part
from rnnapp.figures.contributions import contributions_figure, contributions_text
from rnnapp.figures.style import LineStyle
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel
from rnnapp.ui import keys
from rnnapp.ui.page import chart, is_dark

__all__ = ["ExplainedNet", "show_explained_days"]

_LABELS = {
    "test": N_("Test {unit}"),
    "valid": N_("Validation {unit}"),
    "train": N_("Training {unit}"),
}


_NO_DAYS = {
    "test": N_("There is no test part to choose a day from."),
    "valid": N_("There is no validation part to choose a day from."),
    "train": N_("There is no training part to choose a day from."),
}


class ExplainedNet(NamedTuple):
    """A net with the windows that it reads.

    Attributes:
        name: in the legend.
        trained: the net.
        split: its windows.
        line: its colour.
    """

    name: str
    trained: TrainedModel
    split: PriceSplit
    line: LineStyle


def show_explained_days(nets: Sequence[ExplainedNet], part: Part = "test") -> None:
    """What each day of a window gave to one forecast.

    Args:
        nets: one or more, on the same days.
        part: which days may be chosen; while the test part is sealed, the validation part.
    """
    counts = [len(getattr(net.split, part) or ()) for net in nets]
    count = min(counts, default=0)
    if not count:
        st.info(_(_NO_DAYS[part]))
        return
    number = int(
        st.number_input(
            _(_LABELS[part]).format(unit=nets[0].split.prices.spacing.unit),
            1,
            count,
            count,
            key=f"{keys.EXPLAINED_DAY}_{part}_{count}",
            help=_("Counted from the first; the last one is the newest."),
        )
    )
    by_unit: dict[str, list[DayContributions]] = {}
    for net in nets:
        explained = explain_forecast(
            net.trained, net.split, part=part, window=number - 1 - count, name=net.name
        )
        by_unit.setdefault(explained.unit, []).append(explained)
    lines = {net.name: net.line for net in nets}
    for place, each in enumerate(by_unit.values()):
        words = " ".join(contributions_text(one) for one in each)
        chart(contributions_figure(each, lines, dark=is_dark()), f"days_{place}", words)
        st.caption(words)
