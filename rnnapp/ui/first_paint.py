"""What a visitor sees while the browser still loads the page's scripts: its frame, in outline.

Streamlit's own first picture comes once a megabyte of scripts has been read, more than a second on
a small machine. Until then the page would be empty. The outline is markup and style in the page
itself, so that it is painted as soon as the page is there, and goes when the first element of the
dashboard stands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders

from rnnapp.language import SOURCE, in_language, match_language
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["FirstPaint"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_OUTLINE = Path(__file__).with_name("static") / "first_paint.html"
_LOADING = N_("rnnapp is loading")
_LATE = N_(
    "This page is late. The server is busy, or you have as many of its pages open as one person "
    "may: close one of them, and this one comes by itself."
)
_ENGLISH = b'<html lang="en"'  # a browser offers to translate a page that is said to be English
_MOST_BYTES = 1 << 20  # of a page; a longer one is not Streamlit's and passes as it is


class FirstPaint:
    """Puts the outline into each page that the server sends; everything else passes untouched.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._outline = _OUTLINE.read_text(encoding="utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        plain = [
            (name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"
        ]  # a page of some kilobytes, to be read here
        language = _wanted_language(scope)
        outline = _translate_outline(self._outline, language).encode()
        await self._app({**scope, "headers": plain}, receive, _PageSender(send, outline, language))


class _PageSender:
    """Holds a page back until it is whole, then sends it with the outline, in a language."""

    def __init__(self, send: Send, outline: bytes, language: str) -> None:
        self._send = send
        self._outline = outline
        self._language = language.encode()
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
            return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        more = bool(message.get("more_body"))
        if more and len(self._body) <= _MOST_BYTES:
            return
        start = self._start
        self._start = None
        body = self._body
        if not more:
            body = body.replace(_ENGLISH, _ENGLISH.replace(b"en", self._language), 1)
            body = body.replace(b"</body>", self._outline + b"</body>", 1)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _translate_outline(outline: str, language: str) -> str:
    """The outline with its words in a language."""
    with in_language(language):
        return outline.replace("{loading}", _(_LOADING)).replace("{late}", _(_LATE))


def _wanted_language(scope: Scope) -> str:
    """The address' language, else the browser's."""
    named = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0]
    accepted = Headers(raw=scope["headers"]).get("accept-language", "").split(",")[0]
    return match_language(named) or match_language(accepted.split(";")[0].strip()) or SOURCE


def _wants_page(scope: Scope) -> bool:
    return "text/html" in Headers(raw=scope["headers"]).get("accept", "")


def _is_page(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] == 200 and kind.startswith("text/html")
