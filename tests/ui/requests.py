"""Requests to an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

__all__ = ["Answer", "NoRoute", "send_request"]


class Answer(NamedTuple):
    """What came back: a status (1008 and the like for a closed websocket), headers and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


class NoRoute:
    """An application that answers everything alike, and counts.

    Args:
        status: of its answers.

    Attributes:
        paths: of all requests.
        body: of the last one.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.paths: list[str] = []
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        self.paths.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})


def send_request(
    app: Any,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    kind: str = "http",
    body: bytes = b"",
) -> Answer:
    """Send one request and collect the answer; a header is a name in lower case."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": b"",
        "scheme": "http",
        "client": ("203.0.113.9", 1234),
        "headers": [(name.encode(), text.encode()) for name, text in (headers or {}).items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    # in a thread of its own: a browser test of the same process leaves a running loop in this one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, app(scope, receive, send)).result()
    first = sent[0]
    if first["type"].startswith("websocket."):
        return Answer(first.get("code", 101), (), "")
    found = tuple((name.decode(), text.decode()) for name, text in first["headers"])
    return Answer(first["status"], found, b"".join(m.get("body", b"") for m in sent[1:]).decode())
