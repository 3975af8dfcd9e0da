"""Browsers are told apart by a cookie that only this server can sign, and have pages in number."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from rnnapp.people import Limits
from rnnapp.ui import visitors
from rnnapp.ui.visitors import COOKIE, Visitors, read_visitor, sign_visitor
from tests.ui.requests import NoRoute, send_request

PAGE = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def own_secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RNNAPP_COOKIE_SECRET", "of these tests")
    visitors._signer.cache_clear()
    yield
    visitors._signer.cache_clear()


def read_cookie(headers: tuple[tuple[str, str], ...]) -> str:
    """The visitor's cookie that an answer sets, empty where it sets none."""
    for name, text in headers:
        if name == "set-cookie" and text.startswith(f"{COOKIE}="):
            return text.partition("=")[2].partition(";")[0]
    return ""


def test_a_browser_gets_one_cookie_and_is_known_by_it() -> None:
    server = Visitors(NoRoute(), mode="each")
    first = send_request(server, "/", PAGE)
    cookie = read_cookie(first.headers)
    assert read_visitor(cookie)
    assert "HttpOnly; SameSite=Lax" in dict(first.headers)["set-cookie"]
    again = send_request(server, "/runs", PAGE | {"cookie": f"x=1; {COOKIE}={cookie}"})
    assert read_cookie(again.headers) == ""
    other = read_cookie(send_request(server, "/", PAGE).headers)
    assert read_visitor(other) not in ("", read_visitor(cookie))


@pytest.mark.parametrize("mode", ["one", "each"])
def test_only_pages_of_a_server_for_several_set_it(mode: str) -> None:
    server = Visitors(NoRoute(), mode=mode)  # type: ignore[arg-type]
    assert bool(read_cookie(send_request(server, "/", PAGE).headers)) is (mode == "each")
    assert not read_cookie(send_request(server, "/static/app.js", {"accept": "*/*"}).headers)


@pytest.mark.parametrize("forged", ["", "abc", "abc.def", "\u20ac.x", "." * 100])
def test_a_forged_cookie_is_nobodys(forged: str) -> None:
    assert read_visitor(forged) == ""
    cookie = sign_visitor("abc")
    assert read_visitor(cookie) == "abc"
    assert read_visitor("abd" + cookie[3:]) == ""


def test_another_servers_cookie_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = sign_visitor("abc")
    visitors._signer.cache_clear()
    monkeypatch.setenv("RNNAPP_COOKIE_SECRET", "of another server")
    assert read_visitor(cookie) == ""


def test_the_secret_is_made_once_and_is_private(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("RNNAPP_COOKIE_SECRET")
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path))
    secret = visitors._read_secret()
    assert len(secret) == 64
    assert visitors._read_secret() == secret
    file = tmp_path / "people" / "cookie.secret"
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in file.parent.iterdir()] == ["cookie.secret"]


@pytest.mark.parametrize(
    ("limits", "statuses"),
    [
        (Limits(sessions=2, sessions_all=9), [101, 101, 1013, 101]),
        (Limits(sessions=9, sessions_all=2), [101, 101, 1013, 1013]),
    ],
)
def test_open_pages_are_bounded_for_one_visitor_and_for_all(
    limits: Limits, statuses: list[int]
) -> None:
    found: list[int] = []
    left = ["a", "a", "a", "b"]

    def open_pages() -> None:
        """Open the next page while those before are open; a refused one is over at once."""
        while left:
            headers = {"cookie": f"{COOKIE}={sign_visitor(left.pop(0))}"}
            place = len(found)
            found.append(101)
            found[place] = send_request(server, "/_stcore/stream", headers, kind="websocket").status

    class Holding(NoRoute):
        async def __call__(self, scope, receive, send) -> None:
            await super().__call__(scope, receive, send)
            open_pages()

    server = Visitors(Holding(), limits, mode="each")
    open_pages()
    assert found == statuses
    assert server._open.total() == 0, "whoever leaves makes room"


def show_person() -> None:
    import streamlit as st

    from rnnapp.ui.visitors import current_person

    st.text(current_person().key)


def test_a_local_server_has_one_person_and_one_for_several_another_each_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visitors.people_mode.cache_clear()
    assert AppTest.from_function(show_person).run().text[0].value == ""
    monkeypatch.setattr(visitors, "people_mode", lambda: "each")
    pages = [AppTest.from_function(show_person).run() for _ in range(2)]
    keys = [page.text[0].value for page in pages]
    assert len(set(keys)) == 2
    assert all(key.startswith("session:") for key in keys)
    assert pages[0].run().text[0].value == keys[0]
    assert visitors.current_person().key == "nobody", "a thread without a page is nobody"


@pytest.mark.parametrize(
    ("verified", "sees_all"),
    [({"email_verified": True}, True), ({}, False), ({"email_verified": False}, False)],
)
def test_only_a_verified_address_makes_a_teacher(
    monkeypatch: pytest.MonkeyPatch, verified: dict[str, bool], sees_all: bool
) -> None:
    """Some providers let people write any address into their account."""
    monkeypatch.setenv("RNNAPP_TEACHERS", "Kim@example.org")
    facts = {"iss": "https://id", "sub": "1", "name": "Kim", "email": "kim@example.org"} | verified
    user = SimpleNamespace(is_logged_in=True, to_dict=lambda: facts)
    monkeypatch.setattr(visitors.st, "user", user)
    person = visitors._signed_in_person()
    assert (person.name, person.sees_all) == ("Kim", sees_all)
