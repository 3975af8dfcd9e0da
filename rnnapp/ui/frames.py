"""Frames for a moving thumb: the browser posts where the thumb is, and gets back what to draw.

A slider of Streamlit runs the page when it is released. Between press and release the page is not
run at all: the browser asks
this route for one frame at a time. A frame is computed by what the page left behind for it, a
:class:`LivePage` of the
session's own, named by a token that nobody can guess. It lives as long as the session holds it.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakValueDictionary

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = [
    "LivePage",
    "Move",
    "find_live_page",
    "frame_address",
    "frame_route",
    "open_live_page",
    "read_move",
]

_PATH = "/api/frame"
_MOST_BYTES = 2_000  # of a request
_SESSION_KEY = "_live_page_{key}"


class Move(NamedTuple):
    """Where a thumb is.

    Attributes:
        seq: number of the request; the answer carries it.
        name: key of the slider.
        value: of the slider's input: a number, the place in a list of options, or microseconds of a
            date.
        base: token of the series that the browser has; it need not be sent again.
    """

    seq: int
    name: str
    value: float
    base: str


class LivePage:
    """What computes the frames of one page of one session.

    Attributes:
        token: names it to the browser.
        draw: a frame for a place of the thumb, as bytes; the page sets it anew whenever it runs.
    """

    def __init__(self, draw: Callable[[Move], bytes]) -> None:
        self.token = secrets.token_urlsafe(18)
        self.draw = draw
        self._lock = threading.Lock()

    def answer(self, move: Move) -> bytes:
        """One frame; two tabs of a session get theirs after one another, sessions take turns."""
        with self._lock, _TURNS:
            return self.draw(move)


_TURNS = threading.Semaphore(os.cpu_count() or 1)  # frames at a time, of all sessions
_PAGES: WeakValueDictionary[str, LivePage] = WeakValueDictionary()


def open_live_page(key: str, draw: Callable[[Move], bytes]) -> LivePage:
    """This session's live page of that key; from now on it draws like this."""
    name = _SESSION_KEY.format(key=key)
    page: LivePage | None = st.session_state.get(name)
    if page is None:
        page = LivePage(draw)
        st.session_state[name] = page
        _PAGES[page.token] = page
    page.draw = draw
    return page


def find_live_page(token: str) -> LivePage | None:
    """The live page of a token, while its session lasts."""
    return _PAGES.get(token)


def frame_address() -> str:
    """Where the browser asks for frames, behind the path that the server is told to live under."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return "/".join(["", base, _PATH.strip("/")]).replace("//", "/")


def frame_route() -> Route:
    """The route of the server that answers with frames."""
    return Route(_PATH, _answer, methods=["POST"])


def read_move(body: bytes) -> tuple[str, Move] | None:
    """Token and move out of a request's body; None where it is not one."""
    try:
        sent = json.loads(body)
        move = Move(
            int(sent["seq"]), str(sent["name"]), float(sent["value"]), str(sent.get("base", ""))
        )
        return str(sent["token"]), move
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


async def _answer(request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return Response(status_code=413)
    sent = read_move(body)
    page = None
    if sent is not None:
        page = find_live_page(sent[0])
    if sent is None or page is None:
        return Response(status_code=404)
    frame = await run_in_threadpool(page.answer, sent[1])
    return Response(
        frame, media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )
