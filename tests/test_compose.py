"""The compose file starts with no secret of ours, and with images that can be pinned."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]


def test_a_database_password_must_be_set() -> None:
    uses = re.findall(r"\$\{MLFLOW_DB_PASSWORD([^}]*)\}", TEXT)
    assert len(uses) == 2
    assert all(use.startswith(":?") for use in uses), "without one, compose refuses to start"


def test_the_tracking_server_runs_no_jobs() -> None:
    assert SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_every_image_has_a_tag_that_stays() -> None:
    bases = [
        re.findall(r"^FROM (\S+)", (ROOT / "docker" / file).read_text(), re.MULTILINE)[0]
        for file in ("app.Dockerfile", "mlflow.Dockerfile")
    ]
    for image in [service["image"] for service in SERVICES.values()] + bases:
        assert re.search(r":[^:]*\d+\.\d+", image), image


def test_nothing_but_the_app_and_mlflow_is_published_and_both_on_this_machine_only() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name for name, ports in published.items() if ports} == {"app", "mlflow"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_several_apps_share_a_secret_of_the_operators_and_only_the_proxy_is_published() -> None:
    text = (ROOT / "compose.several.yaml").read_text()
    for name in ("RNNAPP_COOKIE_SECRET", "RNNAPP_SITE"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses
        assert all(use.startswith(":?") for use in uses), "without one, compose refuses to start"
    assert "ports: !reset []" in text
    assert re.search(r"image: caddy:\d+\.\d+", text)
