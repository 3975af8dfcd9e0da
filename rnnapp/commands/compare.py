"""``python -m rnnapp compare``: nets and baselines on the same days, over several seeds."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import Any, cast

from rnnapp.commands.arguments import (
    add_data,
    add_options,
    read_data,
    read_options,
    read_window,
)
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig, options, to_dict
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import SeedResult, compare_nets, make_candidates, vary_setting
from rnnapp.evaluation.judge import Comparison, Row, judge_results
from rnnapp.evaluation.periods import errors_by_period
from rnnapp.evaluation.pitfalls import check_pitfalls
from rnnapp.evaluation.rivals import Rival, fit_rivals, rival_names
from rnnapp.evaluation.volatility import GARCH, GJR
from rnnapp.figures.tables import text_table
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["compare_json", "read_cells", "register", "run", "write_files"]

_MOST_SEEDS = 1000
_RIVAL_LINE = N_("{name}: {detail}, in {seconds:.2f} s")


def register(subparsers: Any) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "compare",
        help=_("train several nets over several seeds and judge them"),
        allow_abbrev=False,
    )
    add_data(parser)
    cells = ", ".join(options(ModelConfig)["cell"].choices)
    parser.add_argument(
        "--cells",
        default="rnn,lstm,gru",
        metavar="CELLS",
        help=_(
            "comma separated, of {cells}; bi in front (bilstm) reads both ways. "
            "Default: rnn,lstm,gru."
        ).format(cells=cells),
    )
    parser.add_argument(
        "--vary",
        metavar="NAME=A,B",
        help=_("each net once for every value of a setting (hidden=4,16)"),
    )
    parser.add_argument(
        "--seeds", default="5", metavar="N", help=_("runs of each net. Default: 5.")
    )
    parser.add_argument(
        "--rivals",
        action="store_true",
        help=_(
            "also fit ARIMA, ETS, Theta and gradient boosting on the training rows; of a "
            "volatility gradient boosting alone, beside HAR, GARCH and GJR, which are always there"
        ),
    )
    for cls, skip in ((WindowConfig, ()), (ModelConfig, ("cell",)), (TrainConfig, ())):
        add_options(parser, cls, skip=skip)
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.add_argument(
        "--out",
        metavar="DIR",
        help=_("write the table, the forecasts (CSV) and the report (HTML) here"),
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    seeds = _read_seeds(args.seeds)
    prices = read_data(args)
    split = make_split(prices, read_window(args, prices))
    models = make_candidates(
        read_cells(args.cells, read_options(args, ModelConfig)),
        split.config,
        read_options(args, TrainConfig),
    )
    if args.vary:
        setting, _unused, values = args.vary.partition("=")
        models = vary_setting(
            models, setting.strip(), [value for value in values.split(",") if value.strip()]
        )
    folder = _make_folder(args.out)
    results = []
    for result in compare_nets(split, models, seeds=seeds):
        results.append(result)
        if not args.json:
            print(
                f"{len(results)}/{len(models) * seeds}  {_progress_line(result)}", file=sys.stderr
            )
    comparison = judge_results(split, results, rivals=_fit_rivals(args, split))
    if folder is not None:
        write_files(folder, comparison, split, results)
    text = _comparison_text(comparison)
    if args.json:
        text = json.dumps(compare_json(comparison, split), allow_nan=False)
    print(text)
    return 0


def _fit_rivals(args: argparse.Namespace, split: PriceSplit) -> list[Rival]:
    """The stronger rivals where they are requested; GARCH and GJR always of a volatility."""
    names: tuple[str, ...] = ()
    if args.rivals:
        names = rival_names(split)
    elif split.quantity.is_volatility:
        names = (GARCH, GJR)
    rivals: list[Rival] = []
    for rival in fit_rivals(split, names):
        rivals.append(rival)
        if not args.json:
            line = _(_RIVAL_LINE).format(
                name=rival.name, detail=rival.detail, seconds=rival.seconds
            )
            print(line, file=sys.stderr)
    return rivals


def read_cells(text: str, model: ModelConfig) -> tuple[ModelConfig, ...]:
    """``rnn,bilstm,gru-scratch`` as nets; the rest of their settings from ``model``.

    Raises:
        ConfigError: a cell that is not known.
    """
    cells = options(ModelConfig)["cell"].choices
    nets = []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        cell = word.removeprefix("bi")
        if cell not in cells:
            raise ConfigError(
                _(
                    "There is no cell {word!r}; the cells are {cells}, each also with bi in front."
                ).format(word=word, cells=", ".join(cells))
            )
        nets.append(
            dataclasses.replace(
                model, cell=cast(Any, cell), bidirectional=model.bidirectional or word != cell
            )
        )
    return tuple(nets)


def compare_json(comparison: Comparison, split: PriceSplit) -> dict[str, Any]:
    """The comparison as plain JSON values."""
    return {
        "data": {
            "name": split.prices.name,
            "rows": len(split.prices),
            "fingerprint": split.prices.fingerprint,
        },
        "settings": to_dict(split.config),
        "rows": [_row_json(row) for row in comparison.rows],
        "pitfalls": [check._asdict() for check in check_pitfalls(comparison, split)],
        "best": comparison.best,
        "verdict": comparison.verdict,
        "notes": list(split.notes),
    }


def _row_json(row: Row) -> dict[str, Any]:
    """A row with its errors by part of the test."""
    periods = [part.as_dict() for part in errors_by_period(row.forecast)]
    return row.as_dict() | {"periods": periods}


def write_files(
    folder: Path, comparison: Comparison, split: PriceSplit, results: list[SeedResult]
) -> None:
    """``table.csv``, ``forecasts.csv`` and ``report.html``.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    from rnnapp.figures.report import compare_report  # plotly is loaded only for a report

    try:
        comparison.to_frame().to_csv(folder / "table.csv", index=False)
        comparison.forecast_frame().to_csv(folder / "forecasts.csv", index=False)
        report = compare_report(comparison, split, results)
        (folder / "report.html").write_text(report, encoding="utf-8")
    except OSError as error:
        raise _unwritable_error(folder, error) from error


def _make_folder(text: str | None) -> Path | None:
    """The folder to write to, made before anything trains."""
    if text is None:
        return None
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable_error(folder, error) from error
    return folder


def _unwritable_error(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        _("The folder {folder} cannot be written to ({strerror}). Use another folder.").format(
            folder=folder, strerror=error.strerror
        )
    )


def _read_seeds(text: str) -> int:
    try:
        seeds = int(text)
    except ValueError:
        seeds = 0
    if not 1 <= seeds <= _MOST_SEEDS:
        raise ConfigError(
            _("seeds is {text!r}; it takes a whole number from 1 to {most_seeds}.").format(
                text=text, most_seeds=_MOST_SEEDS
            )
        )
    return seeds


def _progress_line(result: SeedResult) -> str:
    if result.error is not None:
        return result.error
    losses = [event.train_loss for event in result.trained.history]
    if not losses:
        losses = [math.nan]
    seconds = result.trained.seconds
    name = result.candidate.name
    return _("{name}, seed {seed}: loss {losses:.6f} in {seconds:.2f} s").format(
        name=name, seed=result.seed, losses=losses[-1], seconds=seconds
    )


def _comparison_text(comparison: Comparison) -> str:
    return "\n".join([comparison.verdict, "", text_table(comparison)])
