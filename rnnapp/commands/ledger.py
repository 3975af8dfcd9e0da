"""``python -m rnnapp ledger``: what came true of the outlooks that ``forecast --keep`` recorded."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnapp.commands.arguments import add_data, read_data
from rnnapp.evaluation.formatting import format_points, pick_plural
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

if TYPE_CHECKING:
    from rnnapp.runs.ledger import JudgedOutlook
    from rnnapp.runs.ledger_scores import LedgerScore

__all__ = ["register"]

_EMPTY = N_("The ledger is empty. Use `forecast --keep` to record an outlook.")
_NOT_FETCHED = N_("warning: {reason}")
_NO_SCORES = N_("No promised day has come true yet.")


def register(subparsers: Any) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "ledger", help=_("what came true of recorded outlooks"), allow_abbrev=False
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help=_("fetch the days that recorded outlooks of a ticker wait for"),
    )
    add_data(parser)
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.set_defaults(run=run_ledger)


def run_ledger(args: argparse.Namespace) -> int:
    """Read later rows where they are given, then print what came true."""
    from rnnapp.runs.ledger import Ledger  # torch is imported only when it is used
    from rnnapp.runs.ledger_scores import score_ledger

    ledger = Ledger()
    settled = 0
    if args.file or args.bundled:
        settled += ledger.add_rows(read_data(args))
    if args.update:
        fetched, failures = ledger.update()
        settled += fetched
        for reason in failures:
            print(_(_NOT_FETCHED).format(reason=reason), file=sys.stderr)
    judged = ledger.read()
    scores = score_ledger(judged)
    if args.json:
        facts = {
            "settled": settled,
            "scores": [_score_json(score) for score in scores],
            "outlooks": [_outlook_json(one) for one in judged],
        }
        print(json.dumps(facts, allow_nan=False))
        return 0
    print("\n".join(_ledger_lines(judged, scores, settled)))
    return 0


def _ledger_lines(
    judged: tuple[JudgedOutlook, ...], scores: tuple[LedgerScore, ...], settled: int
) -> list[str]:
    if not judged:
        return [_(_EMPTY)]
    lines = [score.describe() for score in scores] or [_(_NO_SCORES)]
    if settled:
        lines.append(
            pick_plural(
                settled, _("{count} day is newly known."), _("{count} days are newly known.")
            )
        )
    lines.append("")
    for one in reversed(judged):
        lines += _outlook_lines(one)
    return lines


def _outlook_lines(one: JudgedOutlook) -> list[str]:
    """An outlook in a line, and a line for each of its days."""
    made = one.outlook
    marks = []
    if one.after_the_fact:
        marks.append(_("after the fact"))
    if one.revised:
        marks.append(_("revised"))
    title = _("{id}  {made_on:%Y-%m-%d %H:%M} UTC  {net} on {series}").format(
        id=made.id[:8], made_on=made.made_on, net=made.net, series=made.series
    )
    lines = [
        "  ".join([title, _("from {made_from}").format(made_from=_iso_day(made.made_from)), *marks])
    ]
    if one.revised:
        lines.append(f"    {one.revised}")
    from rnnapp.runs.ledger import shown_state  # torch is imported only when it is used

    for row in one.list_days():
        lines.append(
            _(
                "    {date}  {predicted:>8}  {lower:>8} to {upper:>8}  came {actual:>8}  {state}"
            ).format(
                date=_iso_day(row.date),
                predicted=format_points(row.predicted),
                lower=format_points(row.lower),
                upper=format_points(row.upper),
                actual=format_points(row.actual),
                state=shown_state(row.state),
            )
        )
    return lines


def _score_json(score: LedgerScore) -> dict[str, Any]:
    """A score as plain JSON values; what is no number is null."""
    return {
        "group": score.group,
        "after_the_fact": score.late,
        "outlooks": score.outlooks,
        "days": score.days,
        "level": score.level,
        "coverage": _or_null(score.coverage),
        "coverage_interval": [_or_null(value) for value in score.coverage_interval],
        "rmse": _or_null(score.rmse),
        "persistence_rmse": _or_null(score.persistence_rmse),
        "skill": _or_null(score.skill),
        "skill_interval": [_or_null(value) for value in score.skill_interval],
    }


def _outlook_json(one: JudgedOutlook) -> dict[str, Any]:
    """A judged outlook as plain JSON values; what is no number is null."""
    made = one.outlook
    days = []
    for row in one.list_days():
        days.append(
            {
                "date": _iso_day(row.date),
                "came_on": _day_or_null(row.came_on),
                "predicted": _or_null(row.predicted),
                "lower": _or_null(row.lower),
                "upper": _or_null(row.upper),
                "persistence": row.persistence,
                "actual": _or_null(row.actual),
                "error": _or_null(row.error),
                "persistence_error": _or_null(row.persistence_error),
                "state": row.state,
                "after_the_fact": row.after_the_fact,
            }
        )
    return {
        "id": made.id,
        "made_on": made.made_on.isoformat(),
        "made_from": _iso_day(made.made_from),
        "data": {"name": made.series, "fingerprint": made.fingerprint},
        "ticker": made.ticker,
        "net": made.net,
        "run": made.run_id,
        "settings": made.settings.to_json(),
        "seeds": made.seeds,
        "retrained": made.retrained,
        "level": made.level,
        "after_the_fact": one.after_the_fact,
        "revised": one.revised,
        "verdict": made.verdict,
        "days": days,
    }


def _or_null(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return float(value)


def _day_or_null(day: np.datetime64) -> str | None:
    if np.isnat(day):
        return None
    return _iso_day(day)


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
