""" "What is this?" behind each control and figure, and the glossary as a page with a search."""

from __future__ import annotations

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.glossary import load_terms, search_terms
from rnnapp.ui.language import language_query, link_in_language

__all__ = ["explain", "show_glossary", "what_is_this"]

_QUESTION = N_("What is this?")
_LINK = "{help}\n\n[{question}](glossary?term={name}{language})"
_LESSON = N_("[Open lesson {number}](learn?lesson={number})")
_BELOW = (
    '<a href="glossary?term={name}{language}" target="_blank" '
    'style="font-size:0.8rem;opacity:0.65;color:inherit">{question}</a>'
)
_TERM = "**{title}** `{name}`  \n{what}  \n{when}"
_NONE = N_("No entry has these words. Try one word, or part of it.")
_ABOUT = N_("What each control and figure is, when to change it, and where it comes from.")

_SAME_TERM = {
    "compare_residuals": "residuals",
    "compare_changes": "changes",
    "compare_loss": "loss",
    "compared_losses": "loss",
    "compared_forecasts": "compare",
    "run_losses": "loss",
    "run_live": "loss",
    "digits_learnt": "loss",
    "shift_chart": "shift",
    "flow_x": "flow_h",
    "per_class": "confusion",
    "compare_walk": "folds",
    "compare_outlook": "fan",
    "outlook": "fan",
    "newer": "fan",
    "days_0": "days",
    "days_1": "days",
    "outlook_coverage": "coverage",
    "compare_months": "coverage",
    "ledger_coverage": "ledger",
    "ledger_skill": "ledger",
    "search_history": "search",
    "search_importances": "search",
    "search_parallel": "search",
    "search_slices": "search",
    "search_live": "search",
}
"""Figures that share an entry."""


def explain(name: str, help: str) -> str:
    """A control's help of one line, with a link to its entry behind it."""
    name = _SAME_TERM.get(name, name)
    if name not in load_terms():
        return help
    return _LINK.format(help=help, question=_(_QUESTION), name=name, language=language_query("&"))


def what_is_this(name: str) -> None:
    """The link below a figure that has an entry."""
    name = _SAME_TERM.get(name, name)
    if name in load_terms():
        language = language_query("&amp;")
        st.html(_BELOW.format(name=name, question=_(_QUESTION), language=language))


def show_glossary() -> None:
    """Every entry, those that a search finds, or the one that the address names."""
    st.markdown(_("### Every word explained"))
    st.caption(_(_ABOUT))
    if "glossary_search" not in st.session_state:
        term = load_terms().get(st.query_params.get("term", ""))
        if term is not None:
            st.session_state["glossary_search"] = term.title
    words = st.text_input(
        _("Search"), key="glossary_search", placeholder=_("a control, a figure, a word, an author")
    )
    found = search_terms(words or "")
    for term in found:
        with st.container(border=True):
            st.markdown(
                _TERM.format(name=term.name, title=term.title, what=term.what, when=term.when)
            )
            lessons = [_(_LESSON).format(number=number) for number in term.lessons]
            st.caption(link_in_language(" ".join([term.source, *lessons])))
    if not found:
        st.info(_(_NONE))
