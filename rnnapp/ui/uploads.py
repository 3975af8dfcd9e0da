"""A price file of one's own on a page.

Whose it is, how it is read, and the forms for what it does not decide.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnapp.data.breaks import Break
from rnnapp.data.eras import CALENDARS
from rnnapp.data.headers import COLUMNS
from rnnapp.data.prices import PriceTable, ReadChoices, read_prices
from rnnapp.errors import ChoiceError, ColumnError, RnnappError
from rnnapp.ui.address import publish_word
from rnnapp.ui.page import plain_text

__all__ = ["SharedUploads", "show_breaks", "show_upload", "take_upload"]

_SHARED_BYTES = 200_000_000  # uploads that a reloaded page finds again, of all sessions
_TYPES = ("csv", "txt", "tsv", "xlsx", "xls", "zip", "gz", "json", "html", "htm", "mst")
_INVITATION = (
    "Choose a CSV with a date and a close column, or an Excel workbook, a .zip or .gz, JSON or an "
    "HTML table. Exports of Yahoo, investing.com and Stooq are read as they are."
)
_QUESTIONS = {
    "ticker": "Which ticker?",
    "table": "Which table?",
    "calendar": "Which calendar are the years of?",
    "decimal": "Which sign separates the decimals?",
}
_NONE = "(none)"
_OPTIONS = re.compile(r"\s*\(--[^)]*\)")


class SharedUploads:
    """Recent uploads of all sessions, so that a reloaded page finds its file again.

    They are found by the SHA-256 of their content, which nobody can guess without the file. A
    session has its own file besides, so what is dropped here is lost to reloads only.

    Args:
        most_bytes: the oldest files are dropped beyond this total.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str, name: str, content: bytes) -> None:
        """Add a file as the newest one."""
        with self._lock:
            self._files.pop(key, None)
            self._files[key] = (name, content)
            total = sum(len(data) for _, data in self._files.values())
            while total > self._most_bytes:
                _, (_, dropped) = self._files.popitem(last=False)
                total -= len(dropped)

    def find(self, key: str) -> tuple[str, bytes] | None:
        """Name and content of a file, or None where it is not there."""
        with self._lock:
            return self._files.get(key)


@st.cache_resource(show_spinner=False)
def _shared_uploads() -> SharedUploads:
    return SharedUploads(_SHARED_BYTES)


def show_upload(place: DeltaGenerator) -> PriceTable | None:
    """The uploader, and the table of the file that this session chose.

    Args:
        place: where on the page to say what is missing, and to ask what the file does not decide.

    Returns:
        The table, or None while there is none.
    """
    file = st.file_uploader(
        "Price file",
        type=list(_TYPES),
        key="upload",
        help="CSV, Excel, zip, gz, JSON or HTML with a date and a close; 25 MB at most.",
    )
    if file is not None:
        content = file.getvalue()
        key = hashlib.sha256(content).hexdigest()
        if st.session_state.get("file") != key:
            take_upload(file.name, content)
    elif "_upload_file" not in st.session_state:
        _find_again(st.query_params.get("file", ""))
    if "_upload_file" not in st.session_state:
        publish_word("file", "", "")
        place.info(_INVITATION)
        return None
    publish_word("file", st.session_state["file"], "")
    if st.session_state.get("_upload") is None:
        name, content = st.session_state["_upload_file"]
        st.session_state["_upload"] = _read_upload(content, name, place)
    if st.session_state.get("_read_choices"):
        st.button(
            "Read the file anew",
            key="read_anew",
            icon=":material/restart_alt:",
            help="Forget which columns, ticker, table or calendar were chosen for this file.",
            on_click=_forget_choices,
        )
    table: PriceTable | None = st.session_state["_upload"]
    return table


def take_upload(name: str, content: bytes) -> None:
    """Make a file this session's own, and let a reload of the page find it by its address."""
    key = hashlib.sha256(content).hexdigest()
    st.session_state["file"] = key
    st.session_state["_upload_file"] = (name, content)
    _forget_choices()
    _shared_uploads().add(key, name, content)


def show_breaks(prices: PriceTable, place: DeltaGenerator) -> None:
    """Report splits, holes and changes of scale above the chart, and offer what may be done.

    Args:
        prices: the rows in use.
        place: where on the page, above the chart.
    """
    found = prices.breaks
    if not found:
        return
    lines = [plain_text(each.message) for each in found[:4]]
    if len(found) > 4:
        lines.append(f"And {len(found) - 4} more breaks.")
    place.warning("\n\n".join(lines), icon=":material/content_cut:")
    offers = place.container(horizontal=True)
    adjusted = prices.hints.adjusted
    jumps = [each for each in found if each.kind != "hole"]
    if adjusted and jumps and "_upload_file" in st.session_state:
        offers.button(
            f"Use the adjusted column {plain_text(adjusted)}",
            key="use_adjusted",
            on_click=_choose_columns,
            args=({"Close": adjusted},),
        )
    rest = len(prices) - found[-1].row
    if rest >= 30:
        offers.button(
            f"Use only the {rest:,} rows from {str(found[-1].day)[:10]}",
            key="use_rest",
            on_click=_use_latest,
            args=(found[-1], rest),
        )


def _find_again(key: str) -> None:
    """The page was loaded again: take the file back from the server, where it is still there."""
    found = _shared_uploads().find(key)
    if found is not None:
        take_upload(*found)


def _read_upload(content: bytes, name: str, place: DeltaGenerator) -> PriceTable | None:
    """Read a file as it was chosen to be read; where it does not decide something, ask."""
    try:
        return read_prices(
            content,
            name=name.rsplit(".", 1)[0],
            filename=name,
            columns=st.session_state.get("_read_columns"),
            **cast(ReadChoices, st.session_state.get("_read_choices", {}).get("options", {})),
        )
    except ColumnError as error:
        _show_error(error, place)
        if error.columns:
            _ask_columns(error, place)
    except ChoiceError as error:
        _show_error(error, place)
        _ask_choice(error, place)
    except RnnappError as error:
        _show_error(error, place)
    return None


def _show_error(error: RnnappError, place: DeltaGenerator) -> None:
    """The error's sentences, without the options of the command line: the page has a form."""
    place.error(plain_text(_OPTIONS.sub("", str(error))), icon=":material/error:")


def _ask_columns(error: ColumnError, place: DeltaGenerator) -> None:
    """A form for which column is which: those in the way first, the others folded away."""
    columns = list(error.columns)
    known = dict(st.session_state.get("_read_columns") or {})
    with place.form("mapping"):
        st.markdown("Which column is which?")
        picked: dict[str, str] = {}
        needed = list(dict.fromkeys([*error.roles, "Close"]))
        for number, role in enumerate(needed):
            start = min(number, len(columns) - 1)
            if known.get(role) in columns:
                start = columns.index(known[role])
            picked[role] = st.selectbox(role, columns, index=start, key=f"column_{role}")
        with st.expander("More columns"):
            for role in ("Date", *COLUMNS):
                if role not in needed:
                    picked[role] = st.selectbox(role, [_NONE, *columns], key=f"column_{role}")
        if st.form_submit_button("Use these columns", type="primary"):
            _choose_columns({role: name for role, name in picked.items() if name != _NONE})
            st.rerun()


def _ask_choice(error: ChoiceError, place: DeltaGenerator) -> None:
    """A form for one choice: a ticker, a sheet, a calendar, the decimal sign, or days of bars."""
    if error.option == "daily":
        place.button(
            "Make days of the bars",
            key="make_days",
            type="primary",
            icon=":material/calendar_view_day:",
            on_click=_choose_option,
            args=("daily", True),
        )
        return
    with place.form("choice"):
        chosen = st.selectbox(
            _QUESTIONS.get(error.option, "Which one?"),
            list(error.choices),
            format_func=lambda value: CALENDARS.get(value, value),
            key=f"choose_{error.option}",
        )
        if st.form_submit_button("Read the file this way", type="primary"):
            _choose_option(error.option, chosen)
            st.rerun()


def _choose_columns(columns: dict[str, str]) -> None:
    st.session_state["_read_columns"] = columns
    st.session_state.setdefault("_read_choices", {})["columns"] = columns
    st.session_state["_upload"] = None


def _choose_option(option: str, value: str | bool) -> None:
    options = st.session_state.setdefault("_read_choices", {}).setdefault("options", {})
    options[option] = value
    st.session_state["_upload"] = None


def _forget_choices() -> None:
    st.session_state["_upload"] = None
    for key in ("_read_columns", "_read_choices"):
        st.session_state.pop(key, None)


def _use_latest(found: Break, rows: int) -> None:
    """Use only the rows after a break."""
    st.session_state["rows"] = rows
    st.session_state.pop("split_by", None)
