"""``hide=`` in the address takes controls away: a teacher's link shows three sliders, not twenty.

``hide=dropout,clip`` takes these away; ``hide=all&show=window,cell,epochs`` takes all of the
sidebar away but these. What is hidden keeps its value. The words stay in the address from page to
page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import streamlit as st

__all__ = ["hide_controls", "hiding_rules"]

_STATE = "_hidden_controls"
_NAMES = ("hide", "show")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST = 60
_SIDEBAR = '[data-testid="stSidebar"]'
_SPLIT = ("split_by", "split_share", "split_windows", "split_date")


def hide_controls() -> None:
    """Take away what the address names, on this page and on those opened from it."""
    words: dict[str, str] = st.session_state.setdefault(_STATE, {})
    for name in _NAMES:
        given = st.query_params.get(name)
        if given is not None:
            words[name] = given
        elif name in words:
            st.query_params[name] = words[name]
    rules = hiding_rules(words.get("hide", ""), words.get("show", ""))
    if rules:
        st.html(f"<style>{rules}</style>")


def hiding_rules(hide: str, show: str = "") -> str:
    """The style rules for the address's words; names that are none are left out.

    Args:
        hide: names of controls with commas between, or ``all``.
        show: names that stay where all are hidden.
    """
    names = _read_names(hide)
    if "all" not in names:
        return "".join(f".st-key-{name}{{display:none}}" for name in names)
    left = [f".st-key-{name}" for name in _read_names(show)]
    if not left:
        return f'{_SIDEBAR},[data-testid="stExpandSidebarButton"]{{display:none}}'
    others = "".join(f":not({name})" for name in left)
    folded = ",".join(left)
    return (
        f"{_SIDEBAR} .stElementContainer{others}{{display:none}}"
        f'{_SIDEBAR} [data-testid="stExpander"]:not(:has({folded})){{display:none}}'
    )


def _read_names(text: str) -> list[str]:
    words = text.split(",")[:_MOST]
    return list(_with_parts(word for word in words if _NAME.fullmatch(word)))


def _with_parts(names: Iterable[str]) -> Iterable[str]:
    """The split is drawn by several controls, one of them at a time."""
    for name in names:
        if name == "split":
            yield from _SPLIT
        else:
            yield name
