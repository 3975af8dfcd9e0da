"""Class mode: the setting from which all begin, and the board of everyone's best runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.people import read_class
from rnnapp.runs.board import Board, BoardRow, read_board
from rnnapp.runs.class_names import LONGEST_NAME, choose_name, read_names
from rnnapp.ui.manager import server_manager
from rnnapp.ui.page import escape_formula, headline, plain_text, show_errors
from rnnapp.ui.visitors import current_person

__all__ = ["begin_class_page", "in_class", "show_board"]

_BEGUN = "_class_pages"
_PAGES = ("", "compare", "anatomy", "tune")


def in_class() -> bool:
    """Whether the server is a class's."""
    return read_class() is not None


def begin_class_page(page: str) -> None:
    """Give a page that is opened without words the address from which the class begins, once."""
    words = read_class()
    begun: set[str] = st.session_state.setdefault(_BEGUN, set())
    if not words or page not in _PAGES or page in begun:
        return
    begun.add(page)
    if not set(st.query_params) - {"lang"}:
        st.query_params.update(words)


def show_board() -> None:
    """One's own name, and everyone's best run with how much of the lead is luck."""
    names = read_names()
    _show_name(names)
    with st.spinner(_("Reading the run history"), show_time=True):
        board = _read_board(tuple(sorted(names.items())))
    headline(board.headline())
    if board.rows:
        _show_rows(board)
    st.caption(
        _(
            "Everyone's best run by its skill on the test part, on the same data and days; the "
            "model confidence set at 10% says which cannot be told apart. Each is the best of "
            "several tries, chosen on those very days: the more tries, the more of its skill is "
            "luck."
        )
    )


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _read_board(names: tuple[tuple[str, str], ...]) -> Board:
    return read_board(server_manager().store, dict(names))  # everybody's; it shows no run


def _show_name(names: dict[str, str]) -> None:
    person = current_person()
    with st.form("board_name", border=False):
        name = st.text_input(
            _("Your name on the board"),
            names.get(person.key, person.name[:LONGEST_NAME]),
            max_chars=LONGEST_NAME,
            key="board_own_name",
            help=_(
                "Others see it with the skill and the settings of your best run, and how often "
                "you tried. Empty: you are not on the board."
            ),
        )
        if st.form_submit_button(_("Use this name"), icon=":material/badge:"):
            with show_errors():
                choose_name(person.key, name)
                st.rerun()


def _show_rows(board: Board) -> None:
    persistence = BoardRow(
        _("persistence"),
        0.0,
        _("tomorrow = today"),
        0,
        board.persistence_p,
        board.persistence_in_set,
    )
    rows = sorted([*board.rows, persistence], key=lambda row: -row.skill)
    columns = {
        _("Name"): [escape_formula(row.name) for row in rows],
        _("Skill"): [100 * row.skill for row in rows],
        _("As good as the best"): [row.in_set for row in rows],
        "p": [row.p for row in rows],
        _("Tries"): [row.tries or None for row in rows],
        _("Settings"): [row.setting or _("defaults") for row in rows],
    }
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key="board_table",
        column_config={
            _("Skill"): st.column_config.NumberColumn(
                format="%+.2f%%", help=_("1 − RMSE / persistence's RMSE, %.")
            ),
            _("As good as the best"): st.column_config.CheckboxColumn(
                help=_("In the model confidence set at 10%, with persistence in it.")
            ),
            "p": st.column_config.NumberColumn(format="%.2f"),
            _("Tries"): st.column_config.NumberColumn(
                help=_("Runs of this person on the same test part.")
            ),
        },
    )
    st.caption(
        _("{data}, {days:,} test days that all of them share.").format(
            data=plain_text(board.data), days=board.days
        )
    )
