"""Who one is on a server for several: sign in and out, and a teacher's switch."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from rnnapp.language import gettext as _
from rnnapp.ui.page import headline, plain_text
from rnnapp.ui.visitors import CHANGES_OTHERS, current_person, signs_in

__all__ = ["require_sign_in", "show_account"]

_SWITCH = "_changes_others_switch"


def require_sign_in() -> None:
    """Where people sign in, show nothing but the way to do it before they have."""
    if not signs_in() or st.user.is_logged_in:
        return
    headline(_("Sign in to open the lab."))
    for provider in _list_providers():
        label = _("Sign in")
        if provider is not None:
            label = _("Sign in with {provider}").format(provider=provider.title())
        st.button(
            plain_text(label),
            key=f"sign_in_{provider or ''}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(provider,),
        )
    st.stop()


def show_account() -> None:
    """Who one is, for a page with what is one's own; nothing on a server for one."""
    person = current_person()
    if person.alone:
        return
    with st.expander(_("Who am I here?"), icon=":material/person:"):
        if signs_in():
            st.markdown(plain_text(_("You are {name}.").format(name=person.name)))
            st.button(_("Sign out"), key="sign_out", icon=":material/logout:", on_click=st.logout)
        else:
            st.caption(
                _(
                    "This browser is known by a cookie. Without it, in another browser or after "
                    "cookies are deleted, you are somebody else, and your runs are not found."
                )
            )
        st.caption(
            _("Runs, outlooks and searches are yours alone. A shared run opens for its link.")
        )
        st.caption(_("Your key for the operator of this server:"))
        st.code(person.key, language=None)
        if person.sees_all:
            st.toggle(
                _("Change what is others'"),
                value=bool(st.session_state.get(CHANGES_OTHERS)),
                key=_SWITCH,
                on_change=_keep_switch,
                help=_("You see everybody's runs. Off: they can be read, not changed."),
            )


def _keep_switch() -> None:
    """Streamlit forgets a control on the first page that does not show it."""
    st.session_state[CHANGES_OTHERS] = st.session_state[_SWITCH]


def _list_providers() -> list[str | None]:
    """Names of the providers in the server's secrets; None stands for the only one."""
    secrets: Mapping[str, object] = st.secrets["auth"]
    named: list[str | None] = [
        name for name, value in secrets.items() if isinstance(value, Mapping)
    ]
    return named or [None]
