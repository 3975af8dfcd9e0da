"""The command line: ``rnnapp VERB ...``. An error is one line on stderr, status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import rnnapp
from rnnapp.collection import pause_collection
from rnnapp.errors import RnnappError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["main"]

VERBS = {
    "app": N_("open the dashboard, as without a verb"),
    "prices": N_("read a file of prices and say what it holds"),
    "train": N_("train a net on prices and judge its forecast"),
    "compare": N_("train several nets over several seeds and judge them"),
    "forecast": N_("forecast the days after the last row"),
    "ledger": N_("what came true of recorded outlooks"),
    "code": N_("write a run as plain PyTorch code"),
    "digits": N_("train, judge and use nets that read handwritten digits"),
    "reproduce": N_("run the notebooks' recipes, published figures beside the run's"),
    "runs": N_("list, show, delete, restore and unpack saved runs"),
}
"""Each verb's help, so that listing the verbs imports none of them."""
EXTRAS = {
    "mlflow": "runs",
    "dask": "runs",
    "distributed": "runs",
    "optuna": "tune",
    "streamlit": "app",
    "onnx": "onnx",
}
"""What a slim installation lacks: packages, and the extra that has them."""
_OWN = ("-h", "--help", "--version", "--completion")  # options that are no dashboard's


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        print(_("error: {message}").format(message=message), file=sys.stderr)
        raise SystemExit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb, the dashboard where there is none; returns the exit status."""
    words = list(argv if argv is not None else sys.argv[1:])
    if not words or (words[0].startswith("-") and words[0].partition("=")[0] not in _OWN):
        words.insert(0, "app")
    parser = _make_parser(words[:1])
    args, more = parser.parse_known_args(words)
    if args.completion:
        args.run = _print_completion
    elif args.verb is None:
        parser.error("the following arguments are required: verb")
    if more and not getattr(args, "takes_more", False):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    args.more = more
    try:
        return int(args.run(args))
    except RnnappError as error:
        print(_("error: {error}").format(error=error), file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        return _name_extra(error)
    except BrokenPipeError:
        return 1


def _make_parser(verbs: Collection[str]) -> argparse.ArgumentParser:
    """The parser, with all options of these verbs and the names of the others."""
    name = "python -m rnnapp"
    if Path(sys.argv[0]).stem == "rnnapp":
        name = "rnnapp"
    parser = _Parser(
        prog=name, description=_("Recurrent nets. Without a verb, the dashboard opens.")
    )
    parser.add_argument("--version", action="version", version=f"rnnapp {rnnapp.__version__}")
    parser.add_argument(
        "--completion",
        choices=("bash", "zsh", "tcsh"),
        help=_("print a script by which a shell completes verbs and options"),
    )
    subparsers = parser.add_subparsers(dest="verb", parser_class=_Parser)
    for verb, summary in VERBS.items():
        if verb in verbs:
            # A verb's imports cost only those who call it.
            with pause_collection():
                module = importlib.import_module(f"rnnapp.commands.{verb}")
            module.register(subparsers)
        else:
            subparsers.add_parser(verb, help=_(summary))
    return parser


def _print_completion(args: argparse.Namespace) -> int:
    shtab = importlib.import_module("shtab")
    print(shtab.complete(_make_parser(VERBS), args.completion))
    return 0


def _name_extra(error: ModuleNotFoundError) -> int:
    """Say which extra has a package that is not installed.

    Raises:
        ModuleNotFoundError: it is in none.
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise error
    message = _(
        "error: This needs {package}, which is not installed. Install it with: "
        "pip install 'rnnapp[{extra}]'"
    )
    print(message.format(package=package, extra=EXTRAS[package]), file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
