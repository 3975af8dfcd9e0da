"""Looks at the test part on a page.

Counted for a session and a series, said in small print, and the seal.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Hashable

import streamlit as st

from rnnapp.data.sequences import Split
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.looks import Looks, LookSummary
from rnnapp.evaluation.metrics import Evaluation
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui import keys
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.explain import explain

__all__ = ["SEALED_WORDS", "describe_looks", "doubt_better", "seal_control", "session_looks"]

SEALED_WORDS = N_("The test part is sealed: these are the validation days.")
"""Small print while it is."""
_SEALED, _OPEN = "on", "off"
_SEEN = N_("Settings of this series seen on the test part in the session: {count}.")
_OPENED = N_("Sealed at first; opened {times}.")


def session_looks(split: PriceSplit) -> Looks:
    """The looks of this session at the test part of a series; safe to use from a thread."""
    every: dict[Hashable, Looks] = st.session_state.setdefault(keys.LOOKS, {})
    series = (split.fingerprint, split.name, split.quantity.key)
    if series not in every:
        every[series] = Looks(split.prices.dates)
    return every[series]


def describe_looks(split: Split) -> str:
    """What a saved run says about the looks at its test part; empty for digits."""
    if not isinstance(split, PriceSplit):
        return ""
    sentences = [_(_SEEN).format(count=len(session_looks(split)))]
    opened = _openings(split)
    if opened:
        sentences.append(_(_OPENED).format(times=", ".join(opened)))
    return " ".join(sentences)


def _openings(split: PriceSplit) -> list[str]:
    """When the test part of a series was opened in this session."""
    every: dict[Hashable, list[str]] = st.session_state.setdefault(keys.SEAL_OPENED, {})
    return every.setdefault((split.fingerprint, split.name), [])


def doubt_better(evaluation: Evaluation, summary: LookSummary) -> Evaluation:
    """The evaluation without its "better than persistence" where the looks take it away."""
    if evaluation.beats_persistence and summary.in_doubt:
        return dataclasses.replace(evaluation, beats_persistence=False)
    return evaluation


def seal_control(split: PriceSplit) -> bool:
    """The switch that seals the test part; only where a validation part stands in for it.

    Returns:
        Whether it is sealed.
    """
    seed_word(keys.SEAL_WORD, (_SEALED, _OPEN), _OPEN)
    if keys.SEAL not in st.session_state:
        st.session_state[keys.SEAL] = st.session_state[keys.SEAL_WORD] == _SEALED
    sealed = st.toggle(
        _("Seal the test part"),
        key=keys.SEAL,
        disabled=split.valid is None,
        persist_state="session",
        help=explain(
            "seal_test",
            _(
                "Shows the validation part instead, so that no setting is picked by the test days. "
                "Hold out a share of the training windows for it."
            ),
        ),
    )
    word = {True: _SEALED, False: _OPEN}[bool(sealed)]
    if st.session_state[keys.SEAL_WORD] == _SEALED and word == _OPEN:
        _openings(split).append(dt.datetime.now().strftime("%Y-%m-%d %H:%M"))
    st.session_state[keys.SEAL_WORD] = word
    publish_word(keys.SEAL_WORD, word, _OPEN)
    return bool(sealed) and split.valid is not None
