"""Uploads are bounded in front of Streamlit's uploader, which takes any number a session sends.

That uploader shows no answer of the server but its number. So what is refused is read and dropped,
and a few bytes that say why take its place: the page reads them as a :class:`Refusal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.people import Limits, read_limits
from rnnapp.ui.first_paint import Application, Message, Receive, Scope, Send

__all__ = ["Refusal", "UploadLimits"]

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
_MEGABYTE = 1_000_000
_MULTIPART = 4_096  # bytes of a request beside its file's, about
_MOST_FILES = 100  # of a session, however small: refusals are some of them
_REASONS = {
    "own": N_("This page has {megabytes} MB of files already. Take one away, or reload the page."),
    "all": N_("The server holds {megabytes} MB of files already. Try again in some minutes."),
}
_MARK = "rnnapp takes no more than"
_REFUSED = re.compile(rf"{_MARK} (own|all) (\d{{1,9}})")


class Refusal(NamedTuple):
    """Why a file was not taken.

    Attributes:
        whose: the files that are too many: the page's ``own``, or those of ``all``.
        megabytes: as many as there may be.
    """

    whose: str
    megabytes: int

    @property
    def message(self) -> str:
        """The sentence for the page."""
        return _(_REASONS[self.whose]).format(megabytes=self.megabytes)

    def to_bytes(self) -> bytes:
        """What stands in the place of the file."""
        return f"{_MARK} {self.whose} {self.megabytes}".encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Refusal | None:
        """The refusal that stands in the place of a file; None for a file."""
        found = _REFUSED.fullmatch(content[:80].decode(errors="replace"))
        if found is None:
            return None
        return cls(found[1], int(found[2]))


class UploadLimits:
    """Refuses a file where its session, or all together, have too many bytes on the server.

    Args:
        app: the application behind it.
        limits: the bounds; those of ``RNNAPP_LIMITS`` by default.
        is_active: whether a session is there; Streamlit's answer by default.
        stored_bytes: of all files that the server holds; Streamlit's count by default.
    """

    def __init__(
        self,
        app: Application,
        limits: Limits | None = None,
        is_active: Callable[[str], bool] | None = None,
        stored_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._app = app
        self._limits = limits or read_limits()
        self._is_active = is_active or _is_active_session
        self._stored_bytes = stored_bytes or _stored_bytes
        self._sizes: dict[str, dict[str, int]] = {}  # bytes by session and file
        self._arriving = 0  # bytes that are not in Streamlit's count yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        place = None
        if scope["type"] == "http":
            place = _PATH.search(scope["path"])
        if place is None or scope["method"] not in ("PUT", "DELETE"):
            await self._app(scope, receive, send)
            return
        session, file = place.groups()
        if scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            self._forget(session, file)
            return
        size = _announced_bytes(scope)
        refusal = self._find_refusal(session, size)
        if refusal is not None:
            head = b""
            if len(self._sizes.get(session, {})) < _MOST_FILES:
                head = await _drop_body(receive)
            if not head:
                await PlainTextResponse(refusal.message, 413)(scope, receive, send)
                return
            content = refusal.to_bytes()
            size = len(content)
            scope, receive = _replace_file(scope, head, content)
        await self._take(session, file, size, (scope, receive, send))

    async def _take(
        self, session: str, file: str, size: int, request: tuple[Scope, Receive, Send]
    ) -> None:
        scope, receive, send = request
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        former = self._sizes.setdefault(session, {}).get(file, 0)
        self._sizes[session][file] = former + size  # until the former one is replaced
        self._arriving += size
        try:
            await self._app(scope, receive, watch)
        finally:
            self._arriving -= size
            if status < 300:
                self._sizes[session][file] = size
            else:
                self._sizes[session][file] = former
                if not former:
                    self._forget(session, file)

    def _find_refusal(self, session: str, size: int) -> Refusal | None:
        """Why a file of that size is not taken; None where it is."""
        for other in [name for name in self._sizes if not self._is_active(name)]:
            del self._sizes[other]
        own = self._limits.upload_megabytes
        if sum(self._sizes.get(session, {}).values()) + size > own * _MEGABYTE:
            return Refusal("own", own)
        everyone = self._limits.upload_megabytes_all
        if self._stored_bytes() + self._arriving + size > everyone * _MEGABYTE:
            return Refusal("all", everyone)
        return None

    def _forget(self, session: str, file: str) -> None:
        files = self._sizes.get(session, {})
        files.pop(file, None)
        if not files:
            self._sizes.pop(session, None)


async def _drop_body(receive: Receive) -> bytes:
    """Read a request to its end, or as far as a file may go, and forget all but its head.

    Returns:
        The boundary and the headers of its first part, as sent; empty where it has none.
    """
    left = _most_bytes() + _MULTIPART
    start = b""
    more = True
    while more and left > 0:
        message = await receive()
        body = message.get("body", b"")
        left -= len(body)
        start += body[: _MULTIPART - len(start)]
        more = message["type"] == "http.request" and bool(message.get("more_body"))
    head, end, _unused = start.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"--"):
        return b""
    return head + end


def _replace_file(scope: Scope, head: bytes, content: bytes) -> tuple[Scope, Receive]:
    """The same request with another file in it."""
    boundary = head.partition(b"\r\n")[0]
    body = head + content + b"\r\n" + boundary + b"--\r\n"
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers["content-length"] = str(len(body))

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return {**scope, "headers": headers.raw}, receive


def _announced_bytes(scope: Scope) -> int:
    """Bytes of the request; as many as a file may have where it does not say."""
    most = _most_bytes()
    length = Headers(raw=scope["headers"]).get("content-length", "")
    if not length.isdecimal():
        return most
    return max(0, min(int(length), most) - _MULTIPART)


def _most_bytes() -> int:
    """The largest file's bytes."""
    return int(st.get_option("server.maxUploadSize")) << 20


def _is_active_session(session: str) -> bool:
    return runtime.get_instance().is_active_session(session)


def _stored_bytes() -> int:
    files = runtime.get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        return 0  # they lie elsewhere
    counts = files.get_stats().values()
    return sum(count.byte_length for family in counts for count in family)
