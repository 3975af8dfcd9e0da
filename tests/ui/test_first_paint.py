"""Every page comes with its outline; nothing else is touched."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from rnnapp.ui.first_paint import FirstPaint
from rnnapp.ui.startup import front_page_route

PAGE = '<html lang="en"><body><div id="root"></div>' + " " * 2000 + "</body></html>"
OUTLINE = '<div id="first-paint"'


async def _page(_: object) -> HTMLResponse:
    return HTMLResponse(PAGE)


async def _pieces(_: object) -> StreamingResponse:
    async def parts():
        yield PAGE[:50]
        yield PAGE[50:]

    return StreamingResponse(parts(), media_type="text/html")


async def _figures(_: object) -> JSONResponse:
    return JSONResponse({"body": "</body>"})


async def _missing(_: object) -> HTMLResponse:
    return HTMLResponse(PAGE, status_code=404)


ROUTES = [
    Route("/", _page),
    Route("/pieces", _pieces),
    Route("/figures", _figures),
    Route("/missing", _missing),
    front_page_route(),
]
SERVER = Starlette(routes=ROUTES, middleware=[Middleware(FirstPaint), Middleware(GZipMiddleware)])


def get(address: str, accept: str = "text/html") -> tuple[dict[str, str], str]:
    """Headers and body that a browser gets, which takes compressed answers too."""
    sent: list[Message] = []
    requests = 0

    async def receive() -> Message:
        nonlocal requests
        requests += 1
        if requests > 1:
            await asyncio.sleep(60)  # the browser stays
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    path, _, query = address.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode()), (b"accept-encoding", b"gzip")],
    }
    # in a thread of its own: a browser test of the same process leaves a running loop in this one
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, SERVER(scope, receive, send)).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:]).decode()


@pytest.mark.parametrize("address", ["/", "/pieces"])
def test_a_page_carries_its_outline_even_where_pages_are_compressed(address: str) -> None:
    headers, page = get(address)
    assert page.count(OUTLINE) == 1
    assert page.startswith('<html lang="en"><body>')
    assert page.endswith("</body></html>")
    assert int(headers["content-length"]) == len(page.encode())


@pytest.mark.parametrize(("address", "words"), [("/", "close one of them"), ("/?lang=ko", "닫으")])
def test_a_page_that_never_comes_says_why(address: str, words: str) -> None:
    """Where a person has too many pages open, the next one's websocket is refused."""
    page = get(address)[1]
    assert words in page
    assert "{late}" not in page


def test_a_page_says_which_language_it_is_in() -> None:
    assert get("/?lang=ko")[1].startswith('<html lang="ko"><body>')


@pytest.mark.parametrize("address", ["/figures", "/missing"])
def test_what_is_no_page_passes_as_it_is(address: str) -> None:
    assert OUTLINE not in get(address)[1]


def test_the_front_page_is_found_under_its_name_too() -> None:
    assert get("/forecast?window=20")[0]["location"] == "./?window=20"
