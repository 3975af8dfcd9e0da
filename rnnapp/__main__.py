"""The command line: ``python -m rnnapp VERB ...``; a person's error is one line on stderr and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from rnnapp.errors import RnnappError

__all__ = ["main"]

VERBS = ("prices", "train", "compare", "forecast", "code", "digits", "reproduce", "runs")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    parser = _Parser(prog="python -m rnnapp", description="Recurrent nets without a browser.")
    subparsers = parser.add_subparsers(dest="verb", required=True, parser_class=_Parser)
    argv = list(sys.argv[1:] if argv is None else argv)
    wanted = [
        verb for verb in VERBS if verb in argv[:1]
    ] or VERBS  # a verb's imports cost only those who call it
    for verb in wanted:
        importlib.import_module(f"rnnapp.commands.{verb}").register(subparsers)
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
