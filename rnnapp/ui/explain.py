""" "What is this?" behind each control and figure, and the glossary as a page with a search."""

from __future__ import annotations

import streamlit as st

from rnnapp.lessons.glossary import load_terms, search_terms

__all__ = ["explain", "show_glossary", "what_is_this"]

_LINK = "{help}\n\n[What is this?](glossary?term={name})"
_BELOW = (
    '<a href="glossary?term={name}" target="_blank" '
    'style="font-size:0.8rem;opacity:0.65;color:inherit">What is this?</a>'
)
_TERM = "**{title}** `{name}`  \n{what}  \n{when}"
_NONE = "No entry has these words. Try one word, or part of it."
_ABOUT = "What each control and figure is, when to change it, and where it comes from."


def explain(name: str, help: str) -> str:
    """A control's help of one line, with a link to its entry behind it."""
    if name not in load_terms():
        return help
    return _LINK.format(help=help, name=name)


def what_is_this(name: str) -> None:
    """The link below a figure that has an entry."""
    if name in load_terms():
        st.html(_BELOW.format(name=name))


def show_glossary() -> None:
    """Every entry, those that a search finds, or the one that the address names."""
    st.markdown("### Every word explained")
    st.caption(_ABOUT)
    if "glossary_search" not in st.session_state:
        term = load_terms().get(st.query_params.get("term", ""))
        if term is not None:
            st.session_state["glossary_search"] = term.title
    words = st.text_input(
        "Search", key="glossary_search", placeholder="a control, a figure, a word, an author"
    )
    found = search_terms(words or "")
    for term in found:
        with st.container(border=True):
            st.markdown(
                _TERM.format(name=term.name, title=term.title, what=term.what, when=term.when)
            )
            st.caption(term.source)
    if not found:
        st.info(_NONE)
