"""Recorded outlooks, and the rows seen since: added to MLflow beside the runs, never rewritten.

An outlook is a dated promise. It is stored as it was made, with the last closes it was made from;
rows seen later are stored beside it, and what came true is read from both
(:mod:`rnnapp.runs.ledger`).
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnapp.configs import Settings
from rnnapp.runs.history.mlflow_client import import_mlflow, reading, writing
from rnnapp.runs.history.records import PERSON_TAG, package_versions
from rnnapp.runs.history.store import RunStore

__all__ = ["NewOutlook", "OutlookStore", "RecordedOutlook", "SeenRows"]

Points = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

EXPERIMENT = "rnnapp outlooks"
_OUTLOOK = "rnnapp.outlook"
_ROWS = "rnnapp.rows"
_CHUNK = 4000  # characters that a tag holds on every MLflow server
_PAGE = 1000
_POINTS = (
    "predicted",
    "lower",
    "upper",
    "adaptive_lower",
    "adaptive_upper",
    "persistence_lower",
    "persistence_upper",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class NewOutlook:
    """An outlook as it is recorded.

    Attributes:
        series: name of the table it was made from.
        ticker: where its later rows can be fetched, empty where they cannot.
        net: the net's name.
        made_from: the last row's day.
        last_close: its close, index points; persistence's forecast of each day.
        level: nominal coverage of the intervals.
        dates: (H,) the days that were promised.
        predicted, lower, upper: (H,) index points; NaN ends where no interval was given.
        adaptive_lower, adaptive_upper: (H,) the adaptive interval of the net.
        persistence_lower, persistence_upper: (H,) persistence's interval.
        known_dates, known_close: (K,) the last rows it was made from.
        settings: of the net, its windows and its training.
        seeds: nets averaged.
        retrained: whether they were trained again on all rows.
        fingerprint: SHA-256 of the whole table.
        run_id: the recorded run that forecast, empty where there is none.
        verdict: what was said of the test days.
    """

    series: str
    ticker: str = ""
    net: str
    made_from: np.datetime64
    last_close: float
    level: float
    dates: Days
    predicted: Points
    lower: Points
    upper: Points
    adaptive_lower: Points
    adaptive_upper: Points
    persistence_lower: Points
    persistence_upper: Points
    known_dates: Days
    known_close: Points
    settings: Settings
    seeds: int
    retrained: bool
    fingerprint: str
    run_id: str = ""
    verdict: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordedOutlook(NewOutlook):
    """An outlook of the history.

    Attributes:
        id: its name in the store.
        made_on: when it was recorded, by the store's own clock, UTC.
    """

    id: str
    made_on: dt.datetime


@dataclass(frozen=True, eq=False, kw_only=True)
class SeenRows:
    """Rows of a series as they were at one moment.

    Attributes:
        series: name of the table.
        ticker: what they were fetched by, empty for a file.
        dates, close: (R,) the rows, index points.
        seen_on: when they were recorded, UTC; None before that.
    """

    series: str
    ticker: str
    dates: Days
    close: Points
    seen_on: dt.datetime | None = None


class OutlookStore:
    """All recorded outlooks and the rows seen since; nothing in it is changed or removed.

    Args:
        store: the run history beside which they lie.

    Every method raises :class:`RunError`, in one sentence, where the store does not answer.
    """

    def __init__(self, store: RunStore) -> None:
        self.tracking = store.tracking
        self.person = store.person
        self._room = store.room

    @cached_property
    def experiment_id(self) -> str:
        """Id of the MLflow experiment that holds them."""
        return self.tracking.experiment_id(EXPERIMENT)

    @writing
    def add_outlook(self, new: NewOutlook, *, made_on: dt.datetime | None = None) -> str:
        """Record an outlook; returns its id.

        Args:
            new: the outlook.
            made_on: the moment; now, unless a test says otherwise.
        """
        name = f"{new.net} on {new.series}, {_iso_day(new.made_from)}"
        return self._add(name, _OUTLOOK, _outlook_to_json(new), made_on)

    @writing
    def add_rows(self, rows: SeenRows, *, seen_on: dt.datetime | None = None) -> str:
        """Record rows as they are now; returns their id."""
        facts = {
            "series": rows.series,
            "ticker": rows.ticker,
            "dates": _days_to_json(rows.dates),
            "close": rows.close.tolist(),
        }
        return self._add(f"Rows of {rows.series}", _ROWS, facts, seen_on)

    @reading
    def list_all(self) -> tuple[tuple[RecordedOutlook, ...], tuple[SeenRows, ...]]:
        """Outlooks and seen rows that this person may see, the oldest first."""
        views = import_mlflow("entities").ViewType
        client = self.tracking.reader()
        outlooks: list[RecordedOutlook] = []
        rows: list[SeenRows] = []
        token = None
        while True:
            page = client.search_runs(
                [self.experiment_id],
                run_view_type=views.ALL,
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for made in page:
                moment = dt.datetime.fromtimestamp(made.info.start_time / 1000, dt.UTC)
                tags: Mapping[str, str] = made.data.tags
                if not self.person.may_see(tags.get(PERSON_TAG, "")):
                    continue
                facts = _join_chunks(tags, _OUTLOOK)
                if facts is not None:
                    outlooks.append(_outlook_from_json(facts, str(made.info.run_id), moment))
                facts = _join_chunks(tags, _ROWS)
                if facts is not None:
                    rows.append(_rows_from_json(facts, moment))
            token = page.token
            if not token:
                return tuple(outlooks), tuple(rows)

    def _add(
        self, name: str, kind: str, facts: Mapping[str, Any], moment: dt.datetime | None
    ) -> str:
        """One MLflow run with the facts in its tags, ended at once.

        Raises:
            QuotaError: there is no room for it.
        """
        client = self.tracking.writer()
        start = None
        if moment is not None:
            start = int(moment.timestamp() * 1000)
        tags = {**_cut_chunks(kind, facts), "mlflow.source.name": "rnnapp"}
        if not self.person.alone:
            tags[PERSON_TAG] = self.person.key
            size = sum(map(len, tags.values()))
            self._room.check_outlook(client, self.experiment_id, self.person.key, size)
        made = client.create_run(self.experiment_id, start_time=start, run_name=name, tags=tags)
        client.set_terminated(made.info.run_id, "FINISHED")
        return str(made.info.run_id)


def _cut_chunks(kind: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """The facts as JSON, over as many tags as their length needs."""
    text = json.dumps(facts)
    parts = range(0, len(text), _CHUNK)
    return {f"{kind}.{part // _CHUNK}": text[part : part + _CHUNK] for part in parts}


def _join_chunks(tags: Mapping[str, str], kind: str) -> dict[str, Any] | None:
    """The facts in a run's tags, None where it has none of this kind."""
    parts: list[str] = []
    while f"{kind}.{len(parts)}" in tags:
        parts.append(tags[f"{kind}.{len(parts)}"])
    if not parts:
        return None
    facts: dict[str, Any] = json.loads("".join(parts))
    return facts


def _outlook_to_json(new: NewOutlook) -> dict[str, Any]:
    points = {name: _points_to_json(getattr(new, name)) for name in _POINTS}
    return {
        "series": new.series,
        "ticker": new.ticker,
        "net": new.net,
        "made_from": _iso_day(new.made_from),
        "last_close": new.last_close,
        "level": new.level,
        "dates": _days_to_json(new.dates),
        **points,
        "known_dates": _days_to_json(new.known_dates),
        "known_close": new.known_close.tolist(),
        "settings": new.settings.to_json(),
        "seeds": new.seeds,
        "retrained": new.retrained,
        "fingerprint": new.fingerprint,
        "run_id": new.run_id,
        "verdict": new.verdict,
        "versions": package_versions(),
    }


def _outlook_from_json(facts: dict[str, Any], name: str, moment: dt.datetime) -> RecordedOutlook:
    points = {column: np.array(facts[column], np.float64) for column in _POINTS}
    return RecordedOutlook(
        id=name,
        made_on=moment,
        series=facts["series"],
        ticker=facts["ticker"],
        net=facts["net"],
        made_from=np.datetime64(facts["made_from"], "ns"),
        last_close=facts["last_close"],
        level=facts["level"],
        dates=_days_from_json(facts["dates"]),
        **points,
        known_dates=_days_from_json(facts["known_dates"]),
        known_close=np.array(facts["known_close"], np.float64),
        settings=Settings.from_json(facts["settings"]),
        seeds=facts["seeds"],
        retrained=facts["retrained"],
        fingerprint=facts["fingerprint"],
        run_id=facts["run_id"],
        verdict=facts["verdict"],
    )


def _rows_from_json(facts: dict[str, Any], moment: dt.datetime) -> SeenRows:
    return SeenRows(
        series=facts["series"],
        ticker=facts["ticker"],
        dates=_days_from_json(facts["dates"]),
        close=np.array(facts["close"], np.float64),
        seen_on=moment,
    )


def _days_to_json(dates: Days) -> list[int]:
    """Days since 1970: short in a tag."""
    days: list[int] = dates.astype("datetime64[D]").astype(np.int64).tolist()
    return days


def _days_from_json(days: list[int]) -> Days:
    return np.array(days, "datetime64[D]").astype("datetime64[ns]")


def _points_to_json(values: Points) -> list[float | None]:
    """Values as JSON takes them: what is no number is null."""
    return [{True: value, False: None}[math.isfinite(value)] for value in values.tolist()]


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
