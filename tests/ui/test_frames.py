"""The route of the frames: a secret token, one frame at a time, nothing outlives its session."""

from __future__ import annotations

import asyncio
import gc
import json
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from rnnapp.ui import frames
from rnnapp.ui.frames import LivePage, Move, find_live_page, frame_route, read_move


def send_request(body: bytes) -> tuple[int, bytes]:
    """What the route answers: status and body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/frame",
        "headers": [],
        "query_string": b"",
    }
    answer = Starlette(routes=[frame_route()])(scope, receive, send)
    # in a thread of its own: a browser test of the same process leaves a running loop in this one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, answer).result()
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def share_page(page: LivePage) -> LivePage:
    frames._PAGES[page.token] = page
    return page


def post(token: str) -> tuple[int, bytes]:
    return send_request(
        json.dumps({"token": token, "seq": 3, "name": "window", "value": 12, "base": "b"}).encode()
    )


def test_a_page_answers_with_its_frame() -> None:
    seen: list[Move] = []

    def draw(move: Move) -> bytes:
        seen.append(move)
        return b"frame"

    page = share_page(LivePage(draw))
    assert post(page.token) == (200, b"frame")
    assert seen == [Move(3, "window", 12.0, "b")]


def test_an_unknown_token_gets_nothing() -> None:
    assert post("guessed") == (404, b"")


def test_a_page_is_gone_with_its_session() -> None:
    page = share_page(LivePage(lambda move: b"frame"))
    token = page.token
    assert find_live_page(token) is page
    del page
    gc.collect()
    assert post(token)[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"token": "t", "seq": "x", "name": "w", "value": 1}',
        b"[" * 1500,
    ],
)
def test_what_is_no_move_is_refused(body: bytes) -> None:
    assert read_move(body) is None
    assert send_request(body)[0] == 404


def test_a_long_body_is_not_read() -> None:
    assert send_request(b"x" * 5000)[0] == 413


def test_one_persons_frames_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever posts without waiting for answers gets no thread more than his share."""
    monkeypatch.setattr(frames, "_most_frames", lambda: 2)
    inner: list[int] = []

    def draw(move: Move) -> bytes:
        if not inner:
            inner.append(0)
            inner[0] = post(others[0].token)[0]
            inner.append(post(others[1].token)[0])
        return b"frame"

    page = share_page(LivePage(draw, "a"))
    frames._UNDER_WAY["a"] = 1
    others = [share_page(LivePage(lambda move: b"frame", person)) for person in ("a", "b")]
    try:
        assert post(page.token) == (200, b"frame")
    finally:
        del frames._UNDER_WAY["a"]
    assert inner == [429, 200]


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {LivePage(lambda move: b"").token for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 24


def test_the_first_chart_is_awaited_in_a_browser_only_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = share_page(LivePage(lambda _: b""))
    waits: list[float] = []
    monkeypatch.setattr(page.drawn, "wait", waits.append)
    for agent in ("websockets/16", "Mozilla/5.0 (X11; Linux x86_64)"):
        state: dict[str, object] = {}
        monkeypatch.setattr(frames.st, "session_state", state)
        monkeypatch.setattr(
            frames.st, "context", types.SimpleNamespace(headers={"User-Agent": agent})
        )
        frames.await_first_drawing(page)
        frames.await_first_drawing(page)
    assert waits == [frames._LONGEST_WAIT]


def test_a_browser_reports_its_first_drawing() -> None:
    page = share_page(LivePage(lambda _: b""))
    assert send_request(json.dumps({"token": page.token, "drawn": 1}).encode())[0] == 404
    assert not page.drawn.is_set()
    assert send_request(json.dumps({"token": "other", "drawn": True}).encode())[0] == 404
    assert send_request(json.dumps({"token": page.token, "drawn": True}).encode())[0] == 204
    assert page.drawn.is_set()
