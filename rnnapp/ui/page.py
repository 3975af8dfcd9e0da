"""What every page is made of: the headline first, then the chart, then the metrics.

Errors as sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import plotly.graph_objects as go
import streamlit as st
from streamlit.errors import StreamlitAPIException

from rnnapp.errors import RnnappError
from rnnapp.ui.explain import what_is_this

__all__ = [
    "PAGES",
    "Metric",
    "chart",
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
]

PAGES = Path(__file__).parents[2] / "pages"
"""Where the pages' files lie."""
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
    """

    label: str
    value: str
    beside: str = ""
    better: bool | None = None
    help: str | None = None


def is_dark() -> bool:
    """Whether the page is shown in dark."""
    return st.context.theme.type == "dark"


def headline(sentence: str) -> None:
    """The page's answer: one sentence at its top."""
    st.markdown(f"### {plain_text(sentence)}")


def quiet_line() -> None:
    """The one line about money."""
    st.caption("For learning about nets and forecasts. Nothing here is advice about money.")


def notes(lines: Sequence[str]) -> None:
    """What a person should know about these settings."""
    for line in lines:
        st.warning(plain_text(line), icon=":material/info:")


def offer_file(
    label: str, make: Callable[[], str | bytes], name: str, mime: str, *, key: str
) -> None:
    """A button that makes a file when it is pressed, and does not run the page again."""
    st.download_button(label, make, name, mime, on_click="ignore", key=key)


def chart(figure: go.Figure, key: str, alt: str, *, name: str | None = None) -> None:
    """A chart with a stable key and words for who cannot see it.

    The camera in its toolbar saves a PNG.
    """
    config = _CONFIG | {
        "toImageButtonOptions": {"format": "png", "scale": 2, "filename": name or key}
    }
    with st.container(key=f"chart_{key}"):
        st.plotly_chart(figure, key=key, alt=alt, config=config, theme="streamlit")
        what_is_this(key)


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
                help=metric.help,
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
