"""``python -m rnnapp runs``: the run history without a browser."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnapp.errors import RunError
from rnnapp.language import gettext as _
from rnnapp.runs.history.artifacts import zip_run
from rnnapp.runs.history.records import Run, shown_status
from rnnapp.runs.history.store import RunStore

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

__all__ = ["register"]

Command = Callable[[argparse.Namespace], int]


def register(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "runs", help=_("list, show, delete, restore and unpack saved runs"), allow_abbrev=False
    )
    parser.set_defaults(run=_list_runs, json=False, deleted=False)
    verbs = parser.add_subparsers(dest="what", parser_class=type(parser))
    listing = verbs.add_parser("list", help=_("all runs, the latest first"))
    listing.add_argument("--deleted", action="store_true", help=_("those that can be restored"))
    listing.add_argument("--json", action="store_true", help=_("print JSON"))
    listing.set_defaults(run=_list_runs)
    _add_verb(verbs, "show", _("one run: settings, metrics, facts"), _show_run)
    _add_verb(verbs, "delete", _("take a run out of the list"), _delete_run)
    _add_verb(verbs, "restore", _("restore a deleted run"), _restore_run)
    zipping = _add_verb(verbs, "zip", _("write everything of a run into a zip"), _zip_run)
    zipping.add_argument("out", metavar="OUT.zip")


def _add_verb(
    verbs: _SubParsersAction[ArgumentParser], name: str, help_text: str, command: Command
) -> ArgumentParser:
    parser = verbs.add_parser(name, help=help_text)
    parser.add_argument("id", help=_("the run's id, or enough of its beginning"))
    parser.set_defaults(run=command)
    return parser


def _list_runs(args: argparse.Namespace) -> int:
    runs = RunStore().list_runs(deleted=args.deleted)
    if args.json:
        print(json.dumps([_to_json(run) for run in runs]))
        return 0
    for run in runs:
        print(_format_line(run))
    if not runs and args.deleted:
        print(_("There are no deleted runs."))
    elif not runs:
        print(_("There are no runs yet; `train --keep` records one."))
    return 0


def _format_line(run: Run) -> str:
    skill = ""
    if "skill" in run.metrics:
        skill = _("skill {skill:+.1%}").format(skill=run.metrics["skill"])
    when = f"{run.created:%Y-%m-%d %H:%M}"
    return _("{id}  {when}  {status:<14}  {epoch:>5} epochs  {skill:<13}  {name}").format(
        id=run.id[:8],
        when=when,
        status=shown_status(run.status),
        epoch=run.epoch,
        skill=skill,
        name=run.name,
    )


def _show_run(args: argparse.Namespace) -> int:
    print(json.dumps(_to_json(RunStore().find_run(args.id)), indent=1))
    return 0


def _delete_run(args: argparse.Namespace) -> int:
    store = RunStore()
    run = store.find_run(args.id)
    if run.active:
        raise RunError(
            _("The run {name} is {status}.").format(name=run.name, status=shown_status(run.status)),
            remedy=_("Stop it on the Runs page first."),
        )
    store.delete_run(run.id)
    print(_("Deleted {name}; `runs restore {id}` undoes it.").format(name=run.name, id=run.id[:8]))
    return 0


def _restore_run(args: argparse.Namespace) -> int:
    store = RunStore()
    run = store.find_run(args.id, deleted=True)
    store.restore_run(run.id)
    print(_("Restored {name}.").format(name=run.name))
    return 0


def _zip_run(args: argparse.Namespace) -> int:
    store = RunStore()
    content = zip_run(store, store.find_run(args.id).id)
    try:
        Path(args.out).write_bytes(content)
    except OSError as error:
        raise RunError(
            _("The zip cannot be written to {out} ({strerror}).").format(
                out=args.out, strerror=error.strerror
            ),
            remedy=_("Use another path."),
        ) from error
    print(_("{out}: {count:,} bytes").format(out=args.out, count=len(content)))
    return 0


def _to_json(run: Run) -> dict[str, Any]:
    """A run as JSON values; the keys are part of the command's output format."""
    values = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
    return values | {
        "created": run.created.isoformat(),
        "settings": run.settings.to_json(),
        "spark": list(run.spark),
        "metrics": dict(run.metrics),
        "versions": dict(run.versions),
        "parent": "",
    }
