"""The command line: ``python -m rnnapp VERB ...``. An error is one line on stderr, status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from rnnapp.errors import RnnappError

__all__ = ["main"]

VERBS = {
    "prices": "read a file of prices and say what it holds",
    "train": "train a net on prices and judge its forecast",
    "compare": "train several nets over several seeds and judge them",
    "forecast": "forecast the days after the last row",
    "ledger": "what came true of recorded outlooks",
    "code": "write a run as plain PyTorch code",
    "digits": "train, judge and use nets that read handwritten digits",
    "reproduce": "run the notebooks' recipes, published figures beside the run's",
    "runs": "list, show, delete, restore and unpack saved runs",
}
"""Each verb's help, so that listing the verbs imports none of them."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    parser = _Parser(prog="python -m rnnapp", description="Recurrent nets without a browser.")
    subparsers = parser.add_subparsers(dest="verb", required=True, parser_class=_Parser)
    if argv is None:
        argv = sys.argv[1:]
    for verb, summary in VERBS.items():
        if verb in argv[:1]:
            # A verb's imports cost only those who call it.
            importlib.import_module(f"rnnapp.commands.{verb}").register(subparsers)
        else:
            subparsers.add_parser(verb, help=summary)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except RnnappError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
