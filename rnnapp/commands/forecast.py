"""``python -m rnnapp forecast``.

The days after the last row, with intervals, beside persistence.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnapp.commands.arguments import (
    add_data,
    add_options,
    join_second_series,
    read_data,
    read_options,
    read_window,
)
from rnnapp.configs import ModelConfig, SecondConfig, Settings, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.second import join_as_before, load_second
from rnnapp.errors import ConfigError
from rnnapp.evaluation.formatting import null_list
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

if TYPE_CHECKING:
    from rnnapp.evaluation.outlook import Outlook
    from rnnapp.evaluation.price_band import PriceBand

__all__ = ["outlook_json", "register"]

_MOST_SEEDS = 100
_YEARS_FETCHED = 10
_RECORDED = N_("Recorded in the ledger as {id}; `ledger --update` reads what came true.")


def register(subparsers: Any) -> None:
    """Add the verb.

    Without a file, ``--ticker`` is fetched from Yahoo Finance; with one, it chooses in the file.
    """
    parser = subparsers.add_parser(
        "forecast", help=_("forecast the days after the last row"), allow_abbrev=False
    )
    add_data(parser)
    parser.add_argument(
        "--run",
        dest="recorded",
        metavar="ID",
        help=_("forecast with a recorded run's net, without training"),
    )
    parser.add_argument(
        "--level", default="0.8", metavar="SHARE", help=_("nominal coverage. Default: 0.8.")
    )
    parser.add_argument("--seeds", default="5", metavar="N", help=_("nets averaged. Default: 5."))
    parser.add_argument(
        "--retrain",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=_("train again on all rows after judging"),
    )
    for cls in (WindowConfig, ModelConfig, TrainConfig):
        add_options(parser, cls)
    parser.add_argument(
        "--keep", action="store_true", help=_("record the days in the ledger, as a dated promise")
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.add_argument("--out", metavar="FILE.csv", help=_("write the days as CSV"))
    parser.set_defaults(run=run_forecast)


def run_forecast(args: argparse.Namespace) -> int:
    """Forecast and print."""
    forecast = _make_outlook(args)
    made = forecast.made
    recorded = ""
    if args.out:
        _write_csv(args.out, made)
    if args.keep:
        recorded = _record_outlook(args, forecast)
    if args.json:
        facts = outlook_json(made)
        if recorded:
            facts["recorded"] = recorded
        print(json.dumps(facts, allow_nan=False))
        return 0
    print(_outlook_text(made))
    if recorded:
        print(_(_RECORDED).format(id=recorded[:8]))
    return 0


def outlook_json(made: Outlook) -> dict[str, Any]:
    """An outlook as plain JSON values; what is no number is null."""
    facts: dict[str, Any] = {
        "data": {"name": made.series, "fingerprint": made.fingerprint},
        "net": made.name,
        "made_from": str(np.datetime_as_string(made.made_from, unit="D")),
        "level": made.level,
        "days": made.list_days(),
        "coverage": null_list(made.coverage),
        "adaptive": {
            "lower": null_list(made.net_adaptive.lower),
            "upper": null_list(made.net_adaptive.upper),
            "coverage": null_list(made.net_adaptive.coverage),
        },
        "interval_score": {
            "net": null_list(made.net.winkler),
            "adaptive": null_list(made.net_adaptive.winkler),
            "persistence": null_list(made.rival.winkler),
        },
        "spread": null_list(made.spread),
        "seeds": made.seeds,
        "retrained": made.retrained,
        "calendar": made.calendar,
        "headline": made.headline(),
        "verdict": made.verdict,
        "notes": list(made.notes),
        "quantity": made.quantity.key,
    }
    if made.prices_band is not None:
        facts["price_band"] = _band_json(made.prices_band)
    return facts


def _band_json(band: PriceBand) -> dict[str, Any]:
    """The prices that a forecast volatility allows."""
    return {
        "volatility_by": band.name,
        "last_close": band.last_close,
        "lower": null_list(band.lower),
        "upper": null_list(band.upper),
        "coverage": null_list(band.coverage),
    }


class _Forecast(NamedTuple):
    """An outlook with what it was made from."""

    made: Outlook
    prices: PriceTable
    settings: Settings
    run_id: str = ""


def _make_outlook(args: argparse.Namespace) -> _Forecast:
    from rnnapp.evaluation.outlook import outlook  # torch is imported only when it is used

    level = _read_number(args.level, "level")
    if args.recorded:
        return _forecast_run(args, level)
    prices = _read_table(args)
    window = read_window(args, prices)
    model = read_options(args, ModelConfig)
    train = read_options(args, TrainConfig)
    if args.keep and window.forecasts_volatility:
        from rnnapp.runs.ledger import NO_VOLATILITY

        raise ConfigError(NO_VOLATILITY)  # before anything is trained
    made = outlook(
        prices,
        window,
        model,
        train,
        level=level,
        seeds=_read_seeds(args.seeds),
        retrain=args.retrain,
    )
    return _Forecast(made, prices, Settings(model, train, window))


def _forecast_run(args: argparse.Namespace, level: float) -> _Forecast:
    """An outlook by a recorded net, on its own prices or on newer rows of the same series."""
    from rnnapp.runs.history.store import RunStore
    from rnnapp.runs.loading import load_run
    from rnnapp.runs.newer_data import forecast_loaded_run

    store = RunStore()
    run = store.find_run(args.recorded)
    loaded = load_run(store, run.id)
    prices = None
    if args.file or args.bundled or args.simulated or args.ticker:
        prices = _read_newer(args, loaded.prices)
    made, split = forecast_loaded_run(loaded, prices, level=level)
    return _Forecast(made, split.prices, run.settings, run.id)


def _read_newer(args: argparse.Namespace, recorded: PriceTable | None) -> PriceTable:
    """Newer rows; a second series joins them by the rule by which the recorded rows have it."""
    by_hand = args.second_day or not args.second
    if by_hand or recorded is None or len(recorded.others) != 1:
        return _read_table(args)
    config = SecondConfig(second=args.second)
    args.second = None
    prices = _read_table(args)
    second = load_second(config, prices)
    return join_as_before(prices, second.table, recorded.others[0], recorded)[0]


def _record_outlook(args: argparse.Namespace, forecast: _Forecast) -> str:
    """Record it in the ledger; returns its id."""
    from rnnapp.runs.ledger import Ledger

    ticker = ""
    if not (args.file or args.bundled or args.simulated):
        ticker = (args.ticker or "").strip().upper()
    return Ledger().record(
        forecast.made,
        forecast.prices,
        forecast.settings,
        ticker=ticker,
        run_id=forecast.run_id,
    )


def _read_table(args: argparse.Namespace) -> PriceTable:
    """The data that the options name, or a ticker's latest years from Yahoo Finance."""
    if args.ticker and not (args.file or args.bundled or args.simulated):
        from rnnapp.data.sources import fetch_yahoo

        today = dt.date.today()
        first = today - dt.timedelta(days=365 * _YEARS_FETCHED)
        # A promise is made from the latest rows there are, not from this morning's copy.
        fetched = fetch_yahoo(args.ticker, first, today, refresh=args.keep)
        return join_second_series(args, fetched)
    return read_data(args)


def _outlook_text(made: Outlook) -> str:
    """The headline, the days as a table, and what the test days said."""
    from rnnapp.evaluation.formatting import decimal_places, format_points

    places = decimal_places(made.predicted)
    heads = ("day", made.name, "lower", "upper", "persistence", "lower", "upper")
    frame = made.to_frame()
    lines: list[tuple[str, ...]] = [heads]
    for row in frame.itertuples(index=False):
        numbers = (format_points(value, places=places) for value in row[1:])
        lines.append((f"{row[0]:%a %Y-%m-%d}", *numbers))
    widths = [max(len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
    table = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join([made.headline(), "", *table, "", made.verdict, *made.notes, made.calendar])


def _write_csv(path: str, made: Outlook) -> None:
    try:
        made.to_frame().to_csv(path, index=False)
    except OSError as error:
        raise ConfigError(
            _("The days cannot be written to {path} ({strerror}). Use another path.").format(
                path=path, strerror=error.strerror
            )
        ) from error


def _read_seeds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_SEEDS:
        raise ConfigError(
            _("seeds is {text!r}; it takes a whole number from 1 to {most_seeds}.").format(
                text=text, most_seeds=_MOST_SEEDS
            )
        )
    return int(text)


def _read_number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            _("{name} is {text!r}; it takes a number.").format(name=name, text=text)
        ) from None
