"""Settings in the address bar: what a copied address reopens.

A setting's name is its control's key, its name in the address, on the command line and in JSON; its
value is written the
same in each. An address is untrusted: numbers are brought into range here, on the server, and what
cannot be read is the
default.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from rnnapp.configs import ConfigT, from_query, options, to_query

__all__ = ["open_settings", "publish", "publish_word", "seed", "seed_word"]


def seed(
    cls: type[Any],
    name: str,
    *,
    default: Any = None,
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Give a control its first value: the address's, brought into range, else the default.

    Args:
        cls: the config class the setting belongs to.
        name: the setting.
        default: this page's default where it differs from the config's.
        low, high: the control's own range, inside the config's.
    """
    if name not in st.session_state:
        query = {name: st.query_params[name]} if name in st.query_params else {}
        asked = getattr(from_query(cls, query), name) if query else default
        st.session_state[name] = getattr(cls(), name) if asked is None else asked
    value = st.session_state[name]
    if isinstance(value, int | float) and not isinstance(value, bool):
        clamped = min(max(value, value if low is None else low), value if high is None else high)
        if clamped != value:
            st.session_state[name] = type(value)(clamped)


def seed_word(name: str, choices: tuple[str, ...], default: str) -> None:
    """The same for a control of a page that is no setting (which data, which view)."""
    if st.session_state.get(name) not in choices:
        asked = st.query_params.get(name)
        st.session_state[name] = asked if asked in choices else default


def publish(*configs: Any) -> None:
    """Write the settings that differ from their defaults into the address, and take the others out
    of it.
    """
    wanted = to_query(*configs)
    for config in configs:
        for name in options(config):
            _write(name, wanted.get(name))


def publish_word(name: str, value: str, default: str) -> None:
    """Write a page's own control into the address."""
    _write(name, None if value == default else value)


def open_settings(*configs: ConfigT) -> None:
    """Make these settings the present ones of every page (a recipe, a kept run), before any control
    is drawn.
    """
    st.session_state.pop("split_by", None)  # drawn anew from the split
    for config in configs:
        for name in options(config):
            st.session_state[name] = getattr(config, name)
    publish(*configs)


def _write(name: str, text: str | None) -> None:
    if text is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
