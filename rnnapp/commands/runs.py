"""``python -m rnnapp runs``: the run history without a browser."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from rnnapp.errors import RunError
from rnnapp.runs.history.artifacts import zip_run
from rnnapp.runs.history.records import Run
from rnnapp.runs.history.store import Store

__all__ = ["register"]


def register(subparsers: Any) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "runs", help="list, show, delete, bring back and unpack kept runs", allow_abbrev=False
    )
    parser.set_defaults(run=_list, json=False, deleted=False)
    verbs = parser.add_subparsers(dest="what", parser_class=type(parser))
    listing = verbs.add_parser("list", help="all runs, the latest first")
    listing.add_argument("--deleted", action="store_true", help="those that can be brought back")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list)
    for name, what, call in (
        ("show", "one run: settings, figures, facts", _show),
        ("delete", "take a run out of the list", _delete),
        ("restore", "bring a deleted run back", _restore),
    ):
        _one(verbs, name, what, call)
    _one(verbs, "zip", "write everything of a run into a zip", _zip).add_argument(
        "out", metavar="OUT.zip"
    )


def _one(verbs: Any, name: str, what: str, call: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=what)
    parser.add_argument("id", help="the run's id, or enough of its beginning")
    parser.set_defaults(run=call)
    return parser


def _list(args: argparse.Namespace) -> int:
    runs = Store().runs(deleted=args.deleted)
    if args.json:
        print(json.dumps([_plain(run) for run in runs]))
        return 0
    for run in runs:
        skill = run.metrics.get("skill")
        told = f"skill {skill:+.1%}" if skill is not None else ""
        print(
            f"{run.id[:8]}  {run.created:%Y-%m-%d %H:%M}  {run.status:<14}  {run.epoch:>5} epochs  {told:<13}  {run.name}"
        )
    if not runs:
        print(
            "There are no deleted runs."
            if args.deleted
            else "There are no runs yet; `train --keep` records one."
        )
    return 0


def _show(args: argparse.Namespace) -> int:
    store = Store()
    print(json.dumps(_plain(_find(store, args.id)), indent=1))
    return 0


def _delete(args: argparse.Namespace) -> int:
    store = Store()
    run = _find(store, args.id)
    if run.active:
        raise RunError(f"The run {run.name} is {run.status}; stop it on the Runs page first.")
    store.delete(run.id)
    print(f"Deleted {run.name}; `runs restore {run.id[:8]}` brings it back.")
    return 0


def _restore(args: argparse.Namespace) -> int:
    store = Store()
    run = _find(store, args.id, deleted=True)
    store.restore(run.id)
    print(f"{run.name} is back.")
    return 0


def _zip(args: argparse.Namespace) -> int:
    store = Store()
    content = zip_run(store, _find(store, args.id).id)
    try:
        Path(args.out).write_bytes(content)
    except OSError as error:
        raise RunError(
            f"The zip cannot be written to {args.out} ({error.strerror}); another path would do."
        ) from error
    print(f"{args.out}: {len(content):,} bytes")
    return 0


def _find(store: Store, beginning: str, *, deleted: bool = False) -> Run:
    found = [run for run in store.runs(deleted=deleted) if run.id.startswith(beginning)]
    if len(found) != 1:
        told = "no run" if not found else f"{len(found)} runs"
        raise RunError(
            f"There is {told} whose id begins with {beginning!r}; `runs list` shows them, a longer beginning would do."
        )
    return found[0]


def _plain(run: Run) -> dict[str, Any]:
    """A run as JSON values."""
    plain = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
    plain |= {
        "created": run.created.isoformat(),
        "settings": run.settings.to_json(),
        "spark": list(run.spark),
    }
    return plain | {"metrics": dict(run.metrics), "versions": dict(run.versions)}
