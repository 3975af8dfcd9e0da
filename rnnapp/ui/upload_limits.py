"""Uploads are bounded in front of Streamlit's uploader, which takes any number a session sends."""

from __future__ import annotations

import re
from collections.abc import Callable

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from rnnapp.language import SOURCE, in_language, match_language
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.people import Limits, read_limits
from rnnapp.ui.first_paint import Application, Message, Receive, Scope, Send

__all__ = ["UploadLimits"]

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
_MEGABYTE = 1_000_000
_MULTIPART = 4_096  # bytes of a request beside its file's, about
_OWN = N_("This page has {megabytes} MB of files already. Take one away, or reload the page.")
_ALL = N_("The server holds {megabytes} MB of files already. Try again in some minutes.")


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
        with in_language(_browser_language(scope)):
            refusal = self._find_refusal(session, size)
        if refusal:
            await PlainTextResponse(refusal, 413)(scope, receive, send)
            return
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

    def _find_refusal(self, session: str, size: int) -> str:
        """Why a file of that size is not taken; empty where it is."""
        for other in [name for name in self._sizes if not self._is_active(name)]:
            del self._sizes[other]
        own = self._limits.upload_megabytes
        if sum(self._sizes.get(session, {}).values()) + size > own * _MEGABYTE:
            return _(_OWN).format(megabytes=own)
        everyone = self._limits.upload_megabytes_all
        if self._stored_bytes() + self._arriving + size > everyone * _MEGABYTE:
            return _(_ALL).format(megabytes=everyone)
        return ""

    def _forget(self, session: str, file: str) -> None:
        files = self._sizes.get(session, {})
        files.pop(file, None)
        if not files:
            self._sizes.pop(session, None)


def _browser_language(scope: Scope) -> str:
    """The first language that the browser asks for; a file arrives outside of any session."""
    wanted = Headers(raw=scope["headers"]).get("accept-language", "")
    return match_language(wanted.split(",")[0]) or SOURCE


def _announced_bytes(scope: Scope) -> int:
    """Bytes of the request; as many as a file may have where it does not say."""
    most = int(st.get_option("server.maxUploadSize")) << 20
    length = Headers(raw=scope["headers"]).get("content-length", "")
    if not length.isdecimal():
        return most
    return max(0, min(int(length), most) - _MULTIPART)


def _is_active_session(session: str) -> bool:
    return runtime.get_instance().is_active_session(session)


def _stored_bytes() -> int:
    files = runtime.get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        return 0  # they lie elsewhere
    counts = files.get_stats().values()
    return sum(count.byte_length for family in counts for count in family)
