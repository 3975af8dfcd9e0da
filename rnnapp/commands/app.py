"""``rnnapp``, or ``python -m rnnapp app``: open the dashboard in the browser."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, from_query, options
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.people import read_class

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

__all__ = ["check_class_address", "find_app", "register"]

_PAGE_WORDS = ("data", "ticker", "hide", "show", "lang")
_PACKAGE = Path(__file__).parents[1]
_INSTALLED = _PACKAGE / "served"  # a wheel has what lies beside the package in a checkout there


def register(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "app",
        help=_("open the dashboard, as without a verb"),
        epilog=_("Further options go to Streamlit: --server.address=0.0.0.0 and the like."),
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port", type=int, default=None, help=_("port of the server. Default: 8501.")
    )
    parser.add_argument("--no-browser", action="store_true", help=_("start the server only"))
    parser.add_argument(
        "--class",
        dest="class_address",
        nargs="?",
        const="1",
        metavar="ADDRESS",
        help=_('a class: all begin from one setting ("rows=500&window=20"), best runs on a board'),
    )
    parser.set_defaults(run=_open_dashboard, takes_more=True)


def find_app() -> Path:
    """The file that Streamlit runs: of the installed package, or of the checkout.

    Raises:
        ConfigError: there is neither.
    """
    for folder in (_INSTALLED, _PACKAGE.parent):
        file = folder / "app.py"
        if file.is_file() and (folder / "pages").is_dir():
            return file
    raise ConfigError(
        _("The dashboard's files are not there."),
        remedy=_("Install rnnapp again, from its wheel."),
    )


def check_class_address(address: str) -> str:
    """The address from which a class begins, as the server takes it.

    Raises:
        ConfigError: a word of it is no setting's, or a setting does not take it.
    """
    words = read_class({"RNNAPP_CLASS": address or "1"}) or {}
    known = {*_PAGE_WORDS}
    for config in (WindowConfig, ModelConfig, TrainConfig):
        known |= set(options(config))
        from_query(config, words, clamp=False)
    for name in words:
        if name not in known:
            raise ConfigError(
                _("{name} is no setting of a page.").format(name=name),
                remedy=_("Copy the words behind the question mark of a page's address."),
            )
    return address or "1"


def _open_dashboard(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("streamlit") is None:
        raise ConfigError(
            _("The dashboard needs Streamlit, which is not installed."),
            remedy=_("Install it with: pip install 'rnnapp[app]'"),
        )
    command = [sys.executable, "-m", "streamlit", "run", str(find_app()), *args.more]
    if args.port is not None:
        command.append(f"--server.port={args.port}")
    if args.no_browser:
        command.append("--server.headless=true")
    if args.class_address is not None:
        os.environ["RNNAPP_CLASS"] = check_class_address(args.class_address)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)  # signals reach the server itself
    return subprocess.call(command)
