"""The Ledger tab of the Runs page: recorded outlooks, and what came true of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.data.prices import read_prices
from rnnapp.data.sources import BUNDLED, bundled
from rnnapp.evaluation.formatting import pick_plural
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.ledger import running_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.ledger import JudgedOutlook, Ledger, shown_state
from rnnapp.runs.ledger_scores import LedgerScore, running_scores, score_ledger
from rnnapp.ui.manager import run_manager
from rnnapp.ui.page import chart, headline, is_dark, offer_file, plain_text, show_errors
from rnnapp.ui.tables import label_columns, with_shown_cells
from rnnapp.ui.uploads import choose_file

__all__ = ["show_ledger"]

_EMPTY = N_(
    "No outlook is recorded yet. Open the Forecast page and press “Record in the ledger”, or use "
    "`python -m rnnapp forecast --keep`."
)
_ONE_OPEN = N_("{count} outlook is recorded; none of its days has come yet.")
_NONE_CAME = N_("{count} outlooks are recorded; none of their days has come yet.")

_SETTLED = "settled_days"
_OTHERS = N_(
    "Days that were over before their outlook was recorded are no promises, and are counted apart. "
    "Revised: the closes that the outlook was made from were changed since (a split, a "
    "correction), which is neither hit nor miss."
)
_MATCHES_NOTHING = N_(
    "These rows settle nothing: no open outlook is of this series, or its days are not in them."
)


def show_ledger() -> None:
    """Scores, their growth, every outlook with its days, and the ways to bring later rows."""
    ledger = Ledger(run_manager().store)
    with st.spinner(_("Reading the ledger"), show_time=True):
        judged = ledger.read()
    if not judged:
        headline(_("The ledger is empty."))
        st.info(_(_EMPTY))
        return
    scores = score_ledger(judged)
    headline(_ledger_headline(judged, scores))
    _show_update(ledger)
    if scores:
        _show_scores(scores)
        _show_running(judged, scores[0])
    _show_outlooks(judged)
    st.caption(_(_OTHERS))


def _ledger_headline(judged: Sequence[JudgedOutlook], scores: Sequence[LedgerScore]) -> str:
    if scores:
        return scores[0].describe()
    return pick_plural(len(judged), _(_ONE_OPEN), _(_NONE_CAME))


def _show_update(ledger: Ledger) -> None:
    """Bring later rows: fetched, uploaded, or of a bundled index."""
    settled = st.session_state.pop(_SETTLED, None)
    if settled:
        st.success(
            pick_plural(
                settled, _("{count} day is newly known."), _("{count} days are newly known.")
            )
        )
    elif settled == 0:
        st.info(_(_MATCHES_NOTHING))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button(
            _("Fetch what came"),
            key="ledger_update",
            icon=":material/download:",
            help=_("From Yahoo Finance, for outlooks of a ticker."),
        ):
            with show_errors():
                count, failures = ledger.update()
                for reason in failures:
                    st.warning(plain_text(reason), icon=":material/cloud_off:")
                if not failures:
                    _run_again(count)
        for name, title in BUNDLED.items():
            if st.button(_("Use the bundled {title}").format(title=title), key=f"ledger_{name}"):
                with show_errors():
                    _run_again(ledger.add_rows(bundled(name)))  # type: ignore[arg-type]
    _read_upload(ledger)


def _read_upload(ledger: Ledger) -> None:
    """Judge by an uploaded file, once."""
    file = choose_file(
        _("Later rows of a series"), key="ledger_file", help=_("A price file that holds what came.")
    )
    if file is None or st.session_state.get("_ledger_read") == file.file_id:
        return
    st.session_state["_ledger_read"] = file.file_id
    with show_errors():
        _run_again(ledger.add_rows(read_prices(file.getvalue(), filename=file.name)))


def _run_again(settled: int) -> None:
    st.session_state[_SETTLED] = settled
    st.rerun()


def _show_scores(scores: Sequence[LedgerScore]) -> None:
    lines = [
        {
            "Net": shown_name(score.group),
            "Recorded": {True: _("after the fact"), False: _("in time")}[score.late],
            "Outlooks": score.outlooks,
            "Days": score.days,
            "Nominal": 100 * score.level,
            "Coverage": 100 * score.coverage,
            "Coverage from": 100 * score.coverage_interval[0],
            "Coverage to": 100 * score.coverage_interval[1],
            "RMSE": score.rmse,
            "Persistence's": score.persistence_rmse,
            "Skill": 100 * score.skill,
            "Skill from": 100 * score.skill_interval[0],
            "Skill to": 100 * score.skill_interval[1],
        }
        for score in scores
    ]
    shares = ("Nominal", "Coverage", "Coverage from", "Coverage to")
    skills = ("Skill", "Skill from", "Skill to")
    columns: dict[str, Any] = {
        **{name: st.column_config.NumberColumn(format="%.0f%%") for name in shares},
        **{name: st.column_config.NumberColumn(format="%+.1f%%") for name in skills},
        "RMSE": st.column_config.NumberColumn(_("RMSE, points"), format="%.4g"),
        "Persistence's": st.column_config.NumberColumn(_("Persistence's, points"), format="%.4g"),
    }
    frame = pd.DataFrame(lines)
    st.dataframe(
        frame,
        hide_index=True,
        column_config=label_columns(frame.columns, columns),
        placeholder="–",
    )


def _show_running(judged: Sequence[JudgedOutlook], score: LedgerScore) -> None:
    """How coverage and skill grew, of the days that the headline speaks of."""
    running = running_scores(judged, late=score.late)
    if len(running) < 2:
        return
    left, right = st.columns(2)
    with left:
        figure = running_figure(
            running, "coverage", target=score.level, y=_("days inside, %"), dark=is_dark()
        )
        chart(
            figure, "ledger_coverage", _("Running coverage with its interval, beside the nominal.")
        )
    with right:
        figure = running_figure(running, "skill", target=0.0, y=_("skill, %"), dark=is_dark())
        chart(figure, "ledger_skill", _("Running skill with its interval, beside none."))


def _list_days(judged: Sequence[JudgedOutlook]) -> pd.DataFrame:
    """A row for each day that was forecast, the newest outlook first."""
    lines = []
    for one in reversed(judged):
        made = one.outlook
        for day in one.list_days():
            lines.append(
                {
                    "Recorded": made.made_on,
                    "Net": made.net,
                    "Series": made.series,
                    "Made from": made.made_from,
                    "Day": day.date,
                    "Forecast": day.predicted,
                    "From": day.lower,
                    "To": day.upper,
                    "Came": day.actual,
                    "Error": day.error,
                    "Persistence's": day.persistence_error,
                    "State": day.state,
                    "After the fact": day.after_the_fact,
                    "Revised": one.revised,
                    "Data": made.fingerprint[:12],
                    "Id": made.id[:8],
                }
            )
    return pd.DataFrame(lines)


def _show_outlooks(judged: Sequence[JudgedOutlook]) -> None:
    points = ("Forecast", "From", "To", "Came", "Error", "Persistence's")
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.5g", help=_("Index points."))
        for name in points
    }
    columns |= {
        "Recorded": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        "Made from": st.column_config.DateColumn(format="YYYY-MM-DD"),
        "Day": st.column_config.DateColumn(format="ddd YYYY-MM-DD"),
    }
    frame = _list_days(judged)
    shown = with_shown_cells(frame, "Net")
    shown["State"] = frame["State"].map(shown_state)
    shown["Revised"] = frame["Revised"].map(translate_again)
    st.dataframe(
        shown.astype({"Recorded": object}),  # an object column shows its time zone
        hide_index=True,
        column_config=label_columns(frame.columns, columns),
        placeholder="–",
        key="ledger",
    )
    offer_file(
        _("Ledger (CSV)"),
        lambda: frame.to_csv(index=False),
        "ledger.csv",
        "text/csv",
        key="ledger_csv",
    )
