"""The names that this server answers to: a foreign name that leads here gets nothing (rebinding).

A page of another site can let its own name point to this machine. The browser then takes both for
the same site. What differs is the ``Host`` of the request: only the names below pass.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from streamlit import config

from rnnapp.ui.draining import HEALTH, READY
from rnnapp.ui.first_paint import Application, Receive, Scope, Send

__all__ = ["HostGuard", "HostRule", "limit_hosts", "served_hosts"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OPTION = "server.allowedHosts"
_HEALTH = ("/_stcore/health", HEALTH, READY)  # a load balancer calls them by whatever name
_METRICS = "/_stcore/metrics"  # what Streamlit counts is nobody else's
_REFUSED = (
    "This server does not answer to that name. "
    "Its operator can add it with --server.allowedHosts=NAME."
)


@dataclass(frozen=True)
class HostRule:
    """Which names are this server's.

    Attributes:
        names: those names; ``*.example.org`` stands for all below it, ``*`` for every name.
        numbers: whether an address in numbers is one: nobody can let such a name point elsewhere.
    """

    names: tuple[str, ...]
    numbers: bool = False

    @property
    def local(self) -> bool:
        """Whether only this machine can be meant."""
        return not self.numbers and set(self.names) <= set(_LOOPBACK)

    def allows(self, host: str | None) -> bool:
        """Whether a request's ``Host`` is this server's."""
        name = _read_name(host)
        if not name:
            return False
        if self.numbers and _is_number(name):
            return True
        return any(_matches(name, pattern) for pattern in self.names)


def served_hosts() -> HostRule:
    """The rule that follows from the address served.

    A server on localhost has the names of localhost. One that is open to a network has this
    machine's names and its addresses in numbers. ``server.allowedHosts`` replaces both.
    """
    chosen = _clean_names(st.get_option(_OPTION) or ())
    if chosen:
        return HostRule(chosen)
    address = str(st.get_option("server.address") or "")
    if address in _LOOPBACK:
        return HostRule(_LOOPBACK)
    named = str(st.get_option("browser.serverAddress") or "")
    machine = socket.gethostname().lower()
    names = {*_LOOPBACK, address, named.lower(), machine, f"{machine.partition('.')[0]}.local"}
    return HostRule(tuple(sorted(names - {""})), numbers=True)


def limit_hosts(rule: HostRule) -> None:
    """Hold Streamlit's own websockets to the rule as well, where it can be said in names."""
    if not rule.numbers and not st.get_option(_OPTION):
        config.set_option(_OPTION, list(rule.names))


class HostGuard:
    """Lets only requests to this server's own names through, and none to Streamlit's counts.

    Args:
        app: the application behind it.
        rule: the names; by default those that follow from the address served.
    """

    def __init__(self, app: Application, rule: HostRule | None = None) -> None:
        self._app = app
        self._rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket") or scope["path"].endswith(_HEALTH):
            await self._app(scope, receive, send)
            return
        if self._rule is None:
            self._rule = served_hosts()
        if not self._rule.allows(Headers(raw=scope["headers"]).get("host")):
            await _refuse(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith(_METRICS):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "foreign host"})
        return
    await PlainTextResponse(_REFUSED, 421)(scope, receive, send)


def _clean_names(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().lower().rstrip(".") for name in names if name.strip())


def _read_name(host: str | None) -> str:
    """The name in a ``Host``, empty where it is not one."""
    try:
        parts = urlsplit(f"//{host or ''}")
        _ = parts.port  # checks it
    except ValueError:
        return ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return ""
    return (parts.hostname or "").lower().rstrip(".")


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern
