"""Pages that were left are let go in time, and their memory given back."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from contextlib import suppress

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from rnnapp.ui.first_paint import Application, Message, Receive, Scope, Send
from rnnapp.ui.visitors import is_page

__all__ = ["Departures"]

_MARGIN = 1.0  # seconds, after which a page that was left is surely too old to come back to
_GATHERING = 5.0  # seconds, in which pages that were left one after another are gathered


class Departures:
    """Has Streamlit forget the pages that were left longer ago than anybody may come back.

    Streamlit keeps such a page for ``server.disconnectedSessionTTL`` seconds, but drops it only
    when the next page is left. So an empty page is opened and left here after that time.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._sweep: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        finally:
            if is_page(scope):
                self._note_departure(scope)

    def _note_departure(self, scope: Scope) -> None:
        seconds = float(st.get_option("server.disconnectedSessionTTL"))
        loop = asyncio.get_running_loop()
        loop.call_later(seconds + _MARGIN, self._begin_sweep, _empty_page(scope))

    def _begin_sweep(self, page: Scope) -> None:
        if self._sweep is None:
            self._sweep = asyncio.create_task(self._drop_pages(page))

    async def _drop_pages(self, page: Scope) -> None:
        await asyncio.sleep(_GATHERING)
        self._sweep = None  # what is due from now on needs another
        await self._app(page, _come_and_go(), _ignore)
        await run_in_threadpool(_give_memory_back)


def _give_memory_back() -> None:
    """Free what only circles of references hold, and return free pages to the system."""
    gc.collect()
    with suppress(OSError, TypeError, AttributeError):  # only glibc can
        ctypes.CDLL(None).malloc_trim(0)


def _empty_page(scope: Scope) -> Scope:
    """A page of nobody: opened under the same name, with no cookie and no former session."""
    headers = Headers(raw=scope["headers"])
    kept = {name: headers[name] for name in ("host", "origin") if name in headers}
    return {**scope, "headers": Headers(kept).raw, "subprotocols": []}


def _come_and_go() -> Receive:
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 1000},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    return receive


async def _ignore(_unused: Message) -> None:
    """What the server says to the empty page."""
