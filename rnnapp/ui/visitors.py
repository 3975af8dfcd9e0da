"""Who visits: the one person of a server for one, else the browser, by a random, signed cookie."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import streamlit as st
from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rnnapp.home import make_private, private_folder
from rnnapp.people import (
    LOCAL,
    NOBODY,
    Limits,
    PeopleMode,
    Person,
    read_limits,
    read_mode,
    read_teachers,
)
from rnnapp.ui.first_paint import Application, Message, Receive, Scope, Send
from rnnapp.ui.hosts import served_hosts

__all__ = [
    "CHANGES_OTHERS",
    "COOKIE",
    "Visitors",
    "current_person",
    "is_page",
    "people_mode",
    "sign_visitor",
    "signs_in",
]

COOKIE = "rnnapp_visitor"
"""Name of the cookie that tells browsers apart."""
CHANGES_OTHERS = "_changes_others"
"""Session key of a teacher's request to change what is others'."""
_YEAR = 365 * 24 * 3600
_STREAM = "/_stcore/stream"
_TOO_MANY = 1013  # "try again later"
_SECRET_LOCK = threading.Lock()


@functools.cache
def people_mode() -> PeopleMode:
    """Whether people are told apart.

    ``RNNAPP_PEOPLE`` says it. Without it a server that only this machine reaches, and on which
    nobody signs in, is one person's.
    """
    chosen = read_mode()
    if chosen is not None:
        return chosen
    modes: dict[bool, PeopleMode] = {True: "one", False: "each"}
    return modes[served_hosts().local and not signs_in()]


@functools.cache
def signs_in() -> bool:
    """Whether the server's secrets name a provider to sign in with."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def current_person() -> Person:
    """Whose page this is."""
    if people_mode() == "one":
        return LOCAL
    if get_script_run_ctx() is None:
        return NOBODY  # a thread that belongs to no page sees nothing that is somebody's
    if signs_in():
        return _signed_in_person()
    token = read_visitor(st.context.cookies.get(COOKIE, ""))
    if token:
        return _with_rights(Person(f"browser:{token}"), ())
    # A browser that takes no cookie is somebody new with each session.
    own = st.session_state.setdefault("_visitor", secrets.token_urlsafe(12))
    return Person(f"session:{own}")


def _signed_in_person() -> Person:
    """Whoever has signed in, named by the provider and by its word for the person."""
    if not st.user.is_logged_in:
        return NOBODY
    facts = st.user.to_dict()
    named = json.dumps([str(facts.get("iss", "")), str(facts.get("sub", ""))])
    key = hashlib.sha256(named.encode()).hexdigest()[:32]
    email = str(facts.get("email") or "")
    names: tuple[str, ...] = ()
    if str(facts.get("email_verified", "")).lower() == "true":
        names = (email,)  # some providers let people write any address there
    name = str(facts.get("name") or email)
    return _with_rights(Person(f"user:{key}", name), names)


def _with_rights(person: Person, names: Sequence[str]) -> Person:
    """The person with a teacher's rights where the settings name them."""
    if not read_teachers() & {name.lower() for name in (person.key, *names) if name}:
        return person
    asked = bool(st.session_state.get(CHANGES_OTHERS))
    return dataclasses.replace(person, sees_all=True, changes_all=asked)


def sign_visitor(token: str) -> str:
    """The cookie of a browser."""
    return _signer().sign(token).decode()


def read_visitor(cookie: str) -> str:
    """The token in a cookie that this server has signed; empty in any other."""
    try:
        return _signer().unsign(cookie).decode()
    except (BadSignature, UnicodeError):
        return ""


def is_page(scope: Scope) -> bool:
    """Whether a request is the websocket of a page, which lasts as long as the page is open."""
    return bool(scope["type"] == "websocket" and scope["path"].endswith(_STREAM))


class Visitors:
    """Gives each browser its cookie, and bounds the pages that one visitor, and all, have open.

    Args:
        app: the application behind it.
        limits: the bounds; those of ``RNNAPP_LIMITS`` by default.
        mode: whether people are told apart; :func:`people_mode` by default.
    """

    def __init__(
        self, app: Application, limits: Limits | None = None, mode: PeopleMode | None = None
    ) -> None:
        self._app = app
        self._limits = limits or read_limits()
        self._mode = mode
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if is_page(scope):
            await self._open_page(scope, receive, send)
        elif scope["type"] == "http" and self._tells_apart() and _wants_cookie(scope):
            await self._app(scope, receive, _CookieSender(send, scope))
        else:
            await self._app(scope, receive, send)

    def _tells_apart(self) -> bool:
        if self._mode is None:
            self._mode = people_mode()
        return self._mode == "each"

    async def _open_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = ""
        most = self._limits.sessions_all
        if self._tells_apart():
            visitor = read_visitor(_find_cookie(scope)) or _address(scope)
            most = self._limits.sessions
        if self._open[visitor] >= most or self._open.total() >= self._limits.sessions_all:
            await send({"type": "websocket.close", "code": _TOO_MANY, "reason": "too many pages"})
            return
        self._open[visitor] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[visitor] -= 1
            if not self._open[visitor]:
                del self._open[visitor]


class _CookieSender:
    """Adds a new visitor's cookie to the page that is sent."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._secure = scope.get("scheme") == "https"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            cookie = sign_visitor(secrets.token_urlsafe(18))
            words = [f"{COOKIE}={cookie}", "Path=/", f"Max-Age={_YEAR}", "HttpOnly", "SameSite=Lax"]
            if self._secure:
                words.append("Secure")
            MutableHeaders(raw=message["headers"]).append("set-cookie", "; ".join(words))
        await self._send(message)


def _wants_cookie(scope: Scope) -> bool:
    """Whether this asks for a page, from a browser that this server does not know."""
    headers = Headers(raw=scope["headers"])
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
        return False
    return not read_visitor(_find_cookie(scope))


def _find_cookie(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(raw=scope["headers"]).get("cookie", ""))
    except CookieError:
        return ""
    if COOKIE not in cookies:
        return ""
    return cookies[COOKIE].value


def _address(scope: Scope) -> str:
    """Where a visitor without a cookie comes from."""
    client = scope.get("client") or ("",)
    return f"address:{client[0]}"


@functools.cache
def _signer() -> Signer:
    return Signer(_read_secret(), salt="rnnapp.visitor", digest_method=hashlib.sha256)


def _read_secret() -> str:
    """What cookies are signed with: ``RNNAPP_COOKIE_SECRET``, else a random file of the app's."""
    chosen = os.environ.get("RNNAPP_COOKIE_SECRET", "")
    if chosen:
        return chosen
    file: Path = private_folder("people") / "cookie.secret"
    with _SECRET_LOCK:
        if file.exists() and file.read_text().strip():
            return file.read_text().strip()
        fresh = secrets.token_hex(32)
        part = make_private(file.with_name(f"{secrets.token_hex(4)}.part"))
        part.write_text(fresh)
        try:
            os.link(part, file)  # another process may have been first
        except OSError:
            if not file.exists():
                part.replace(file)
        part.unlink(missing_ok=True)
        return file.read_text().strip()
