"""What every page is made of: the headline first, then the chart, then the metrics.

Errors as sentences.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer
from streamlit.errors import StreamlitAPIException

from rnnapp.errors import RnnappError
from rnnapp.language import (
    SOURCE,
    current_language,
    find_languages,
    format_date_part,
    in_language,
    pgettext,
    translate_again,
)
from rnnapp.language import gettext as _
from rnnapp.ui import language as _session_language  # noqa: F401  a page alone has its language too
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.explain import explain, what_is_this

__all__ = [
    "PAGES",
    "Metric",
    "chart",
    "escape_formula",
    "headline",
    "is_dark",
    "metric_row",
    "notes",
    "offer_file",
    "open_page",
    "plain_text",
    "quiet_line",
    "rerun_here",
    "show_errors",
    "translated_tabs",
]

_INSTALLED = Path(__file__).parents[1] / "served" / "pages"
_CHECKOUT = Path(__file__).parents[2] / "pages"
PAGES = {True: _INSTALLED, False: _CHECKOUT}[_INSTALLED.is_dir()]
"""Where the pages' files lie: in a wheel within the package, in a checkout beside it."""
_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}

# Streamlit looks for emoji, icons, links and arrows again after Markdown's own escapes are
# resolved:
# an invisible word joiner between their characters is what stops it.
_JOINER = "\u2060"
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_SPECIAL = re.compile(r"[\\`*_{}\[\]<~$|]|&(?=#|\w+;)|^[-+#>=]")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_LOOKED_FOR = re.compile(
    r":(?=\S)|@(?=\w)|\bwww(?=\.)|-(?=[->])|<(?=[-=])|[~>](?==)", re.IGNORECASE
)
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_text(text: str) -> str:
    """Escape text from outside (a name, a note, a file's, an address') for use inside Markdown.

    Args:
        text: any characters.

    Returns:
        Markdown that shows the text as it is, on one line: no picture, link, colour, formula, icon,
        emoji, HTML or list comes of it. (Plotly's names and titles take HTML instead: use
        ``html.escape`` for them.)
    """
    line = _INVISIBLE.sub(" ", text).strip()
    joined = _LOOKED_FOR.sub(lambda found: found[0] + _JOINER, line)
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], joined)
    return _NUMBERED.sub(r"\1\\\2", escaped)


class Metric(NamedTuple):
    """One number of the row under the chart, beside its baseline's.

    Attributes:
        label: what it is, with its unit.
        value: as text.
        beside: the baseline's, as text ("persistence 34.0").
        better: True where it beats the baseline, False where it does not, None where that means
            nothing.
        help: one line.
        term: its entry in the glossary.
    """

    label: str
    value: str
    beside: str = ""
    better: bool | None = None
    help: str | None = None
    term: str = ""


def is_dark() -> bool:
    """Whether the page is shown in dark."""
    return st.context.theme.type == "dark"


def escape_formula(text: str) -> str:
    """Text that a spreadsheet shows as text: the table's CSV may be opened in one."""
    if text.startswith(_FORMULA_SIGNS):
        return f"'{text}"
    return text


def headline(sentence: str) -> None:
    """The page's answer: one sentence at its top."""
    st.markdown(f"### {plain_text(sentence)}")


def quiet_line() -> None:
    """The one line about money."""
    st.caption(_("For learning about nets and forecasts. Nothing here is advice about money."))


def notes(lines: Sequence[str]) -> None:
    """What a person should know about these settings."""
    for line in lines:
        st.warning(plain_text(translate_again(line)), icon=":material/info:")


def offer_file(
    label: str,
    make: Callable[[], str | bytes],
    name: str,
    mime: str,
    *,
    key: str,
    help: str | None = None,
) -> None:
    """A button that makes a file when it is pressed, and does not run the page again.

    It is made outside the session, yet in the language of the page.
    """
    language = current_language()

    def made() -> str | bytes:
        with in_language(language):
            return make()

    st.download_button(label, made, name, mime, on_click="ignore", key=key, help=help)


def chart(figure: go.Figure, key: str, alt: str, *, name: str | None = None) -> None:
    """A chart with a stable key and words for who cannot see it.

    The camera in its toolbar saves a PNG.
    """
    config = (
        _CONFIG
        | _locale_settings(current_language())
        | {"toImageButtonOptions": {"format": "png", "scale": 2, "filename": name or key}}
    )
    with st.container(key=f"chart_{key}"):
        st.plotly_chart(figure, key=key, alt=alt, config=config, theme="streamlit")
        what_is_this(key)


@functools.cache
def _locale_settings(code: str) -> dict[str, object]:
    """Plotly's settings for dates in a language: names of months and days, and their order."""
    if code == SOURCE:
        return {}
    months = [dt.date(2024, month, 1) for month in range(1, 13)]
    days = [dt.date(2024, 9, day) for day in range(1, 8)]  # from a Sunday on
    with in_language(code):
        names = {
            "months": [format_date_part(day, "%B", "LLLL") for day in months],
            "shortMonths": [format_date_part(day, "%b", "LLL") for day in months],
            "days": [format_date_part(day, "%A", "EEEE") for day in days],
            "shortDays": [format_date_part(day, "%a", "EEE") for day in days],
            "year": pgettext("plotly's form of a date", "%Y"),
            "month": pgettext("plotly's form of a date", "%b %Y"),
            "dayMonth": pgettext("plotly's form of a date", "%b %-d"),
            "dayMonthYear": pgettext("plotly's form of a date", "%b %-d, %Y"),
        }
    names["date"] = names["dayMonthYear"]
    return {"locale": code, "locales": {code: {"dictionary": {}, "format": names}}}


def translated_tabs(
    names: Sequence[str], key: str, *, in_address: bool = False
) -> Sequence[TabContainer]:
    """Tabs by their names, shown in the current language; the open one stays open in another.

    Args:
        names: in English, marked for the catalogue.
        key: of the state, which holds the open tab's name as shown.
        in_address: whether the address names the open tab, in English.
    """
    if key in st.session_state:
        st.session_state[key] = _open_name(names, key)
    if in_address:
        seed_word(key, tuple(names), names[0])
    if key in st.session_state:
        st.session_state[key] = _(st.session_state[key])
    tabs = st.tabs([_(name) for name in names], key=key, on_change="rerun")
    if in_address:
        publish_word(key, _open_name(names, key), names[0])
    return tabs


def _open_name(names: Sequence[str], key: str) -> str:
    """The English name of the tab that is open."""
    shown = st.session_state.get(key)
    for code in find_languages():
        with in_language(code):
            for name in names:
                if shown in (name, _(name)):
                    return name
    return names[0]


def metric_row(metrics: Sequence[Metric]) -> None:
    """Numbers beside their baselines: green where the net wins, red where it does not."""
    with st.container(horizontal=True, gap="small"):
        for metric in metrics:
            color: Any = {True: "green", False: "red", None: "off"}[metric.better]
            st.metric(
                metric.label,
                metric.value,
                metric.beside or None,
                delta_color=color,
                delta_arrow="off",
                help=metric.help and explain(metric.term, metric.help),
                border=True,
                width=152,
            )


def open_page(name: str, **query: str) -> NoReturn:
    """Go to another page of the dashboard.

    Args:
        name: of its file in ``pages/``.
        query: of its address.
    """
    st.switch_page(str(PAGES / f"{name}.py"), query_params=query or None)


def rerun_here() -> NoReturn:
    """Run again what is running: the fragment alone where it runs by itself, else the page."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # the whole page is running, the fragment as a part of it
        st.rerun()


@contextmanager
def show_errors() -> Iterator[None]:
    """Show errors of this package as their sentence; the rest of the page goes on."""
    try:
        yield
    except RnnappError as error:
        st.error(plain_text(str(error)), icon=":material/error:")
