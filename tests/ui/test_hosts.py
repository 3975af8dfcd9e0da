"""A foreign name that leads to this server gets nothing of it, pages and websockets alike."""

from __future__ import annotations

import pytest
import streamlit as st

from rnnapp.ui import hosts
from rnnapp.ui.hosts import HostGuard, HostRule, limit_hosts, served_hosts
from tests.ui.requests import NoRoute, send_request

LOCAL = HostRule(("localhost", "127.0.0.1", "::1"))
OPEN = HostRule(("localhost", "lab.example.org", "*.school.example"), numbers=True)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "LOCALHOST:1", "127.0.0.1:8501", "[::1]:8501"]
)
def test_this_machines_names_pass(host: str) -> None:
    assert LOCAL.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "evil.example:8501",
        "localhost@evil.example",
        "localhost/../evil",
        "localhost:port",
        "192.0.2.7",
        "[::1",
    ],
)
def test_every_other_name_does_not(host: str | None) -> None:
    assert not LOCAL.allows(host)


def test_a_server_in_a_network_has_its_names_and_numbers() -> None:
    for host in ("lab.example.org", "room3.school.example", "192.0.2.7:80", "[2001:db8::1]"):
        assert OPEN.allows(host)
    for host in ("school.example", "evil.example", "lab.example.org.evil.example", "1.2.3"):
        assert not OPEN.allows(host)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_foreign_host_is_refused_before_anything_else(kind: str) -> None:
    inside = NoRoute()
    refused = {"http": 421, "websocket": 1008}[kind]
    foreign = {"host": "evil.example:8501", "origin": "http://evil.example:8501"}
    assert send_request(HostGuard(inside, LOCAL), "/", foreign, kind=kind).status == refused
    assert inside.paths == []
    answer = send_request(HostGuard(inside, LOCAL), "/", {"host": "localhost:8501"}, kind=kind)
    assert answer.status != refused


def test_a_load_balancer_reads_the_health_under_any_name_and_nobody_the_counts() -> None:
    guard = HostGuard(NoRoute(), LOCAL)
    assert send_request(guard, "/_stcore/health", {"host": "10.0.0.7"}).status == 200
    for path in ("/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"):
        assert send_request(guard, path, {"host": "localhost"}).status == 404


def test_the_rule_follows_from_the_address_served(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.address": "localhost", "server.allowedHosts": []}
    monkeypatch.setattr(st, "get_option", options.get)
    set_options: dict[str, list[str]] = {}
    monkeypatch.setattr(hosts.config, "set_option", set_options.__setitem__)
    assert served_hosts() == LOCAL
    assert served_hosts().local
    limit_hosts(served_hosts())
    assert set_options == {"server.allowedHosts": ["localhost", "127.0.0.1", "::1"]}
    options["server.address"] = "0.0.0.0"
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "Lab.example.org")
    rule = served_hosts()
    assert not rule.local
    assert all(map(rule.allows, ("lab.example.org", "lab.local", "192.0.2.1", "localhost")))
    assert not rule.allows("evil.example")
    options["server.allowedHosts"] = [" Lab.School.example "]
    assert served_hosts() == HostRule(("lab.school.example",))
    assert not served_hosts().local
