"""The page's language: the address's ``lang``, what its visitor chose, else the browser's."""

from __future__ import annotations

import functools
import re

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rnnapp.language import (
    SOURCE,
    current_language,
    find_languages,
    in_language,
    match_language,
    set_language_source,
    use_language,
)
from rnnapp.language import gettext as _
from rnnapp.ui.keys import LANGUAGE

__all__ = [
    "language_query",
    "link_in_language",
    "session_language",
    "show_language_switch",
    "style_own_words",
    "take_language",
]

_ADDRESS = "lang"
_OWN_WORDS = """
<style>
  @property --seconds { syntax: "\\3c integer>"; initial-value: 0; inherits: false; }
  @keyframes count-seconds { to { --seconds: 3600; } }
  [data-testid="stFileUploaderDropzone"] button [data-testid="stMarkdownContainer"] p,
  [data-testid="stFileUploaderDropzoneInstructions"] span, [data-testid="InputInstructions"] span,
  [data-testid="stCameraInputButton"], [data-testid="stSpinner"] [role="status"] + span {
    font-size: 0;
  }
  [data-testid="stFileUploaderDropzone"] button [data-testid="stMarkdownContainer"] p::after {
    content: "%(upload)s"; font-size: 0.95rem;
  }
  [data-testid="stFileUploaderDropzoneInstructions"] span::after {
    content: "%(limit)s"; font-size: 0.8rem;
  }
  [data-testid="InputInstructions"] span:first-child::after {
    content: "%(apply)s"; font-size: 0.75rem;
  }
  [data-testid="stForm"] [data-testid="InputInstructions"] span:first-child::after {
    content: "%(submit)s";
  }
  [data-testid="stTextArea"] [data-testid="InputInstructions"] span:first-child::after {
    content: "%(apply_long)s";
  }
  [data-testid="stCameraInputButton"]::after { content: "%(photo)s"; font-size: 0.95rem; }
  [data-testid="stSpinner"] [role="status"] + span::after {
    content: "(" counter(seconds) "%(seconds)s)"; counter-reset: seconds var(--seconds);
    font-size: 0.85rem; animation: count-seconds 3600s steps(3600, end);
  }
</style>
"""
"""Streamlit offers no other way to its words: their letters take no room, others stand there."""
_PAGE_LINK = re.compile(r"\]\(([a-z]+)(\?[^)\s]*)?\)")
_CORNER = """
<style>
  .st-key-language {
    position: fixed; top: 0.55rem; right: 3.4rem; z-index: 999991; width: auto;
  }
  .st-key-language button { min-height: 2rem; padding: 0 0.4rem; font-size: 0.85rem; }
  @media print { .st-key-language { display: none; } }
</style>
"""


def session_language() -> str | None:
    """The language of the session that is running, None outside of one."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    named = match_language(st.query_params.get(_ADDRESS))
    if named is not None:
        return named
    chosen: str | None = st.session_state.get(LANGUAGE)
    return chosen or match_language(st.context.locale)


def take_language() -> None:
    """Put this run's words into the session's language; what was chosen stays in the address."""
    named = match_language(st.query_params.get(_ADDRESS))
    if named is not None:
        st.session_state[LANGUAGE] = named
    elif LANGUAGE in st.session_state:
        st.query_params[_ADDRESS] = st.session_state[LANGUAGE]
    use_language(session_language() or current_language())


def show_language_switch() -> None:
    """The other languages by their own names, in the page's corner."""
    st.html(_CORNER)
    with st.container(key="language", horizontal=True, gap="small", width="content"):
        for code, name in find_languages().items():
            if code != current_language():
                st.button(
                    name,
                    key=f"language_{code}",
                    type="tertiary",
                    icon=":material/translate:",
                    on_click=_choose_language,
                    args=(code,),
                )


def _choose_language(code: str) -> None:
    st.session_state[LANGUAGE] = code
    st.query_params[_ADDRESS] = code
    use_language(code)


def language_query(before: str) -> str:
    """A chosen language for the address of another page, which opens without this session.

    Args:
        before: what stands between it and the rest of the query.

    Returns:
        Such as ``&lang=ko``; empty where the browser's language holds.
    """
    named = match_language(st.query_params.get(_ADDRESS))
    if named is None:
        return ""
    return f"{before}{_ADDRESS}={named}"


def link_in_language(markdown: str) -> str:
    """Markdown with a chosen language in its links to other pages."""
    if _ADDRESS not in st.query_params:
        return markdown

    def add(link: re.Match[str]) -> str:
        page, query = link.groups()
        if query:
            return f"]({page}{query}{language_query('&')})"
        return f"]({page}{language_query('?')})"

    return _PAGE_LINK.sub(add, markdown)


@functools.cache
def style_own_words(code: str) -> str:
    """CSS that puts Streamlit's own words, which are English, into a language; none for English."""
    if code == SOURCE:
        return ""
    with in_language(code):
        return _OWN_WORDS % {
            "upload": _("Choose a file"),
            "limit": _("{size} MB at most").format(size=st.get_option("server.maxUploadSize")),
            "apply": _("Enter applies"),
            "submit": _("Enter submits"),
            "apply_long": _("Ctrl+Enter applies"),
            "photo": _("Take the photo"),
            "seconds": _("s"),
        }


set_language_source(session_language)
