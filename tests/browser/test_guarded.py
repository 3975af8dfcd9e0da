"""The running server, attacked as it was seen: a foreign host, open counts, many uploads."""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Mapping

import pytest

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def fetch_status(
    server: str, path: str, headers: Mapping[str, str], method: str = "GET", body: bytes = b""
) -> int:
    """Status of one request; the address in ``Host`` is as given."""
    connection = http.client.HTTPConnection(server.partition("//")[2], timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, text in headers.items():
            connection.putheader(name, text)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.browser
def test_a_foreign_name_opens_neither_page_nor_websocket(server: str) -> None:
    own = server.partition("//")[2]
    port = own.rpartition(":")[2]
    for path, more in (("/", {}), ("/_stcore/stream", UPGRADE), ("/api/frame", {})):
        foreign = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"} | more
        assert fetch_status(server, path, foreign) in (403, 421), path
    assert fetch_status(server, "/", {"Host": own}) == 200
    websocket = {"Host": own, "Origin": f"http://{own}"} | UPGRADE
    assert fetch_status(server, "/_stcore/stream", websocket) == 101


@pytest.mark.browser
def test_counts_are_closed_and_health_is_open(server: str) -> None:
    assert fetch_status(server, "/_stcore/metrics", {"Host": "localhost"}) == 404
    assert fetch_status(server, "/_stcore/health", {"Host": "10.0.0.7"}) == 200


@pytest.mark.browser
def test_an_upload_of_an_unknown_session_is_not_taken(server: str) -> None:
    path = f"/_stcore/upload_file/{uuid.uuid4()}/{uuid.uuid4()}"
    status = fetch_status(server, path, {"Host": "localhost"}, "PUT", b"x" * 1000)
    assert status in (400, 403)
