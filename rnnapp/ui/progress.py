"""The progress row of long work: a bar with words about speed and time left, and a Stop button."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from rnnapp.ui.page import plain_text

__all__ = ["epoch_words", "progress_row", "progress_words"]

_LEAST_RATE = 0.05  # a slower rate is not shown
_LONGEST_WAIT = 1e5  # seconds; a longer estimate is not shown


def progress_row(
    share: float,
    words: str,
    *,
    key: str,
    on_stop: Callable[[], None],
    stopping: bool = False,
    help: str = "Ends now; what is done stays.",
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
        "Stop",
        key=key,
        on_click=on_stop,
        icon=":material/stop:",
        disabled=stopping,
        help=help,
    )


def progress_words(
    position: str,
    *,
    rate: float = 0.0,
    unit: str = "epochs",
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
        phrases.append(f"{rate:,.1f} {unit} a second")
    if seconds_left < _LONGEST_WAIT:
        phrases.append(f"about {seconds_left:,.0f} s left")
    if stopping:
        phrases.append("stopping")
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
    position = f"Epoch {done} of {total}"
    rate, unit = steps_per_second, "steps"
    if seconds and done / seconds >= _LEAST_RATE:
        rate, unit = done / seconds, "epochs"
    return progress_words(
        position, rate=rate, unit=unit, seconds_left=seconds_left, stopping=stopping
    )
