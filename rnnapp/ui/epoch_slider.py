"""A slider over the past epochs of a training, with a button that plays them one after the other.

The epoch is read before the slider is drawn (:func:`chosen_epoch`), so that what stands above it
can be of that epoch too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import TrainedModel
from rnnapp.ui import keys
from rnnapp.ui.explain import explain
from rnnapp.ui.page import rerun_here

__all__ = ["chosen_epoch", "epoch_slider", "play_on"]

_STEP_SECONDS = 0.25  # between two epochs while they are played
_LABELS = {False: N_("Play"), True: N_("Pause")}
_ICONS = {False: ":material/play_arrow:", True: ":material/pause:"}


def chosen_epoch(trained: TrainedModel, place: str) -> int:
    """The epoch that the slider of a place stands at; the end where there is none."""
    end = len(trained.history)
    epochs = trained.epochs_at_hand
    key = keys.epoch_key(place, epochs)
    if keys.next_epoch_key(place) in st.session_state:
        following = st.session_state.pop(keys.next_epoch_key(place))
        if following in epochs:
            st.session_state[key] = following
    chosen = st.session_state.get(key, end)
    if chosen not in epochs:
        return end
    return int(chosen)


def epoch_slider(trained: TrainedModel, place: str) -> None:
    """Draw the slider and its button; nothing where no past epoch is at hand.

    Args:
        trained: the model at the end of its training.
        place: names the slider; :func:`chosen_epoch` of the same name was called before.
    """
    epochs = trained.epochs_at_hand
    if not epochs:
        return
    slider, button = st.columns([4, 1], vertical_alignment="bottom")
    with slider:
        st.select_slider(
            _("After epoch"),
            epochs,
            epochs[-1],
            key=keys.epoch_key(place, epochs),
            on_change=_stop_playing,
            args=(place,),
            help=explain(
                "past_epochs",
                _("Weights of some thirty epochs are at hand, spaced evenly in the logarithm."),
            ),
        )
    playing = bool(st.session_state.get(keys.playing_key(place)))
    button.button(
        _(_LABELS[playing]),
        key=f"{place}_play",
        icon=_ICONS[playing],
        on_click=_stop_playing if playing else _start_playing,
        args=(place,) if playing else (place, epochs),
        help=_("Goes through the training from its first epoch."),
    )


def play_on(trained: TrainedModel, place: str) -> None:
    """The next epoch, while they are played; the last call of what is to be redrawn."""
    if not st.session_state.get(keys.playing_key(place)):
        return
    later = [epoch for epoch in trained.epochs_at_hand if epoch > chosen_epoch(trained, place)]
    if not later:
        _stop_playing(place)
        rerun_here()
    time.sleep(_STEP_SECONDS)
    st.session_state[keys.next_epoch_key(place)] = later[0]
    rerun_here()


def _start_playing(place: str, epochs: Sequence[int]) -> None:
    st.session_state[keys.playing_key(place)] = True
    st.session_state[keys.next_epoch_key(place)] = epochs[0]


def _stop_playing(place: str) -> None:
    st.session_state.pop(keys.playing_key(place), None)
    st.session_state.pop(keys.next_epoch_key(place), None)
