"""Looks at the test part on the Compare page: each net and rival counts; sealed, none does."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.baselines import make_baselines
from rnnapp.evaluation.compare import SeedResult, split_for
from rnnapp.evaluation.forecast import Forecast, seal_test
from rnnapp.evaluation.judge import Row, doubt_rows, judge_results
from rnnapp.evaluation.rivals import Rival
from rnnapp.language import gettext as _
from rnnapp.ui.compare.controls import CompareResult
from rnnapp.ui.looks import SEALED_WORDS, session_looks
from rnnapp.ui.results import compute_shared, result_key, split_key

__all__ = ["seal_rivals", "seal_runs", "shared_baselines", "view_result"]


def view_result(result: CompareResult, *, sealed: bool) -> CompareResult:
    """The result as the page may show it.

    Sealed, the validation part stands in for the test part, and it is no look. Open, each net and
    each stronger rival of the table is one more; "better" is said only of those that survive all
    looks so far.
    """
    if sealed:
        return compute_shared(
            split_key(
                result.split, result.request, len(result.results), len(result.rivals), "sealed"
            ),
            lambda: _seal_result(result),
        )
    looks = session_looks(result.split)
    rivals = {rival.name for rival in result.rivals}
    rows = [row for row in result.comparison.rows if row.kind == "net" or row.name in rivals]
    for row in rows:
        looks.record_forecast(_setting_of(row, result.split), row.forecast)
    summaries = {row.name: looks.summarize(_setting_of(row, result.split)) for row in rows}
    doubtful = {name for name, seen in summaries.items() if seen.in_doubt}
    luck = ""
    if result.comparison.best is not None:
        luck = summaries[result.comparison.best].describe_luck()
    return dataclasses.replace(
        result, comparison=doubt_rows(result.comparison, doubtful), luck=luck
    )


def _seal_result(result: CompareResult) -> CompareResult:
    """The same runs judged on the validation days."""
    results = seal_runs(result.results)
    rules = shared_baselines(result.split, sealed=True)
    rivals = seal_rivals(result.rivals)
    comparison = judge_results(result.split, results, baselines=rules, rivals=rivals)
    return dataclasses.replace(
        result, comparison=comparison, results=results, sealed=True, luck=_(SEALED_WORDS)
    )


def shared_baselines(split: PriceSplit, *, sealed: bool = False) -> Sequence[Forecast]:
    """The baselines of a split, independent of the nets; with their test part sealed on request."""
    rules = compute_shared(split_key(split, "baselines"), lambda: make_baselines(split))
    if sealed:
        return [seal_test(rule) for rule in rules]
    return rules


def seal_runs(runs: Sequence[SeedResult]) -> tuple[SeedResult, ...]:
    """The same runs with their test part sealed."""
    sealed = []
    for run in runs:
        if run.forecast is not None:
            run = dataclasses.replace(run, forecast=seal_test(run.forecast))
        sealed.append(run)
    return tuple(sealed)


def seal_rivals(rivals: Sequence[Rival]) -> tuple[Rival, ...]:
    """The same rivals with their test part sealed."""
    return tuple(dataclasses.replace(rival, forecast=seal_test(rival.forecast)) for rival in rivals)


def _setting_of(row: Row, split: PriceSplit) -> Hashable:
    """What identifies a row of the table; one run is the same look as on the Forecast page."""
    if row.candidate is None:  # a rival has no settings beyond its windows
        return split_key(split, "rival", row.name)
    own = split_for(row.candidate, split)
    if len(row.runs) == 1:
        return result_key(row.runs[0].trained, own)
    return split_key(own, row.candidate, row.seeds)
