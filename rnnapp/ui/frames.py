"""Frames for a moving thumb: the browser posts where the thumb is, and gets back what to draw.

A slider of Streamlit runs the page when it is released. Between press and release the page is not
run at all: the browser asks this route for one frame at a time. A frame is computed by what the
page left behind for it, a :class:`LivePage` of the session's own, named by a token that nobody can
guess. It lives as long as the session holds it.

The same route hears from the browser that a chart stands for the first time: the page sends its
heavy rest only then (:func:`await_first_drawing`).
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakValueDictionary

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rnnapp.language import current_language, in_language
from rnnapp.people import read_limits
from rnnapp.turns import FairTurns
from rnnapp.ui.visitors import current_person

__all__ = [
    "LivePage",
    "Move",
    "await_first_drawing",
    "find_live_page",
    "frame_address",
    "frame_route",
    "open_live_page",
    "read_drawn",
    "read_move",
]

_PATH = "/api/frame"
_MOST_BYTES = 2_000  # of a request
_SESSION_KEY = "_live_page_{key}"
_DRAWN_KEY = "_chart_was_drawn"
_LONGEST_WAIT = 1.0  # seconds, for a browser that does not report its first drawing


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
        person: whose it is.
        drawn: set once the browser has drawn the page's chart.
    """

    def __init__(self, draw: Callable[[Move], bytes], person: str = "") -> None:
        self.token = secrets.token_urlsafe(18)
        self.draw = draw
        self.person = person
        self.language = current_language()
        self.drawn = threading.Event()
        self._lock = threading.Lock()

    def answer(self, move: Move) -> bytes:
        """One frame; two tabs of a session get theirs after one another, people take turns."""
        with self._lock, _TURNS.enter(self.person) as turn:
            turn.wait()
            with in_language(self.language):
                return self.draw(move)


_TURNS = FairTurns(os.cpu_count() or 1)  # frames at a time, of all sessions
_UNDER_WAY: Counter[str] = Counter()  # frames by person; the event loop alone counts them
_PAGES: WeakValueDictionary[str, LivePage] = WeakValueDictionary()


def open_live_page(key: str, draw: Callable[[Move], bytes]) -> LivePage:
    """This session's live page of that key; from now on it draws like this."""
    name = _SESSION_KEY.format(key=key)
    page: LivePage | None = st.session_state.get(name)
    if page is None:
        page = LivePage(draw, current_person().key)
        st.session_state[name] = page
        _PAGES[page.token] = page
    page.draw = draw
    page.language = current_language()
    return page


def await_first_drawing(page: LivePage) -> None:
    """Wait until the browser has drawn the session's first chart, at most a second.

    What the page sends after it needs megabytes of further scripts, and a browser that loads them
    draws the chart only after that. A client that is no browser is not waited for.
    """
    if st.session_state.get(_DRAWN_KEY):
        return
    st.session_state[_DRAWN_KEY] = True
    if "Mozilla" in st.context.headers.get("User-Agent", ""):
        page.drawn.wait(_LONGEST_WAIT)


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


def read_drawn(body: bytes) -> str:
    """The token out of the report that a chart was drawn; empty where it is something else."""
    try:
        sent = json.loads(body)
        if sent["drawn"] is True:
            return str(sent["token"])
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    return ""


def _note_drawing(body: bytes) -> Response:
    page = find_live_page(read_drawn(body))
    if page is None:
        return Response(status_code=404)
    page.drawn.set()
    return Response(status_code=204)


async def _answer(request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return Response(status_code=413)
    sent = read_move(body)
    if sent is None:
        return _note_drawing(body)
    token, move = sent
    page = find_live_page(token)
    if page is None:
        return Response(status_code=404)
    if _UNDER_WAY[page.person] >= _most_frames():
        return Response(status_code=429)
    _UNDER_WAY[page.person] += 1
    try:
        frame = await run_in_threadpool(page.answer, move)
    finally:
        _UNDER_WAY[page.person] -= 1
        if not _UNDER_WAY[page.person]:
            del _UNDER_WAY[page.person]
    return Response(
        frame, media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


@functools.cache
def _most_frames() -> int:
    """That one person may have under way."""
    return read_limits().frames
