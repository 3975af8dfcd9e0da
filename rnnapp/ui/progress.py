"""The progress row of long work: a bar with words about speed and time left, and a Stop button."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.page import plain_text

__all__ = ["epoch_words", "progress_row", "progress_words"]

Counted = Literal["epochs", "steps"]
_RATES: dict[Counted, str] = {
    "epochs": N_("{rate:,.1f} epochs a second"),
    "steps": N_("{rate:,.1f} steps a second"),
}
_LEAST_RATE = 0.05  # a slower rate is not shown
_LONGEST_WAIT = 1e5  # seconds; a longer estimate is not shown


def progress_row(
    share: float,
    words: str,
    *,
    key: str,
    on_stop: Callable[[], None],
    stopping: bool = False,
    help: str = N_("Ends now; what is done stays."),
) -> None:
    """Draw the bar, and the button that stops the work.

    Args:
        share: share done; brought into 0 to 1.
        words: position, speed and time left, as of :func:`progress_words`.
        key: of the button.
        on_stop: requests the stop.
        stopping: whether it was requested already.
        help: what a stop does, in a line.
    """
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(min(max(share, 0.0), 1.0), text=plain_text(words))
    button.button(
        _("Stop"),
        key=key,
        on_click=on_stop,
        icon=":material/stop:",
        disabled=stopping,
        help=_(help),
    )


def progress_words(
    position: str,
    *,
    rate: float = 0.0,
    unit: Counted = "epochs",
    seconds_left: float = math.inf,
    stopping: bool = False,
) -> str:
    """Position, speed and time left; what is not known yet is left out.

    Args:
        position: where the work is ("Epoch 3 of 30").
        rate: units a second.
        unit: what is counted.
        seconds_left: the estimate.
        stopping: whether a stop was requested.
    """
    phrases = [position]
    if rate >= _LEAST_RATE:
        phrases.append(_(_RATES[unit]).format(rate=rate))
    if seconds_left < _LONGEST_WAIT:
        phrases.append(_("about {seconds_left:,.0f} s left").format(seconds_left=seconds_left))
    if stopping:
        phrases.append(_("stopping"))
    return " · ".join(phrases)


def epoch_words(
    done: int,
    total: int,
    *,
    seconds: float,
    steps_per_second: float,
    seconds_left: float,
    stopping: bool = False,
) -> str:
    """:func:`progress_words` of a training; a slow one counts its steps.

    Args:
        done, total: epochs.
        seconds: time of the epochs so far.
        steps_per_second: of the optimizer.
        seconds_left: the estimate.
        stopping: whether a stop was requested.
    """
    position = _("Epoch {done} of {total}").format(done=done, total=total)
    rate = steps_per_second
    unit: Counted = "steps"
    if seconds and done / seconds >= _LEAST_RATE:
        rate = done / seconds
        unit = "epochs"
    return progress_words(
        position, rate=rate, unit=unit, seconds_left=seconds_left, stopping=stopping
    )
