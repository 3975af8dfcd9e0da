"""A price file of one's own on a page.

Whose it is, how it is read, and the forms for what it does not decide.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rnnapp.data.breaks import Break
from rnnapp.data.eras import CALENDARS
from rnnapp.data.headers import COLUMNS
from rnnapp.data.prices import PriceTable, ReadChoices, read_prices
from rnnapp.errors import ChoiceError, ColumnError, RnnappError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.ui.address import publish_word
from rnnapp.ui.explain import explain
from rnnapp.ui.page import plain_text
from rnnapp.ui.upload_limits import Refusal

__all__ = [
    "UPLOAD_TYPES",
    "SharedUploads",
    "choose_file",
    "find_upload",
    "share_upload",
    "show_breaks",
    "show_upload",
    "take_upload",
]

_SHARED_BYTES = 200_000_000  # uploads that a reloaded page finds again, of all sessions
UPLOAD_TYPES = ("csv", "txt", "tsv", "xlsx", "xls", "zip", "gz", "json", "html", "htm", "mst")
_INVITATION = N_(
    "Choose a CSV with a date and a close column, or an Excel workbook, a .zip or .gz, JSON or an "
    "HTML table. Exports of Yahoo, investing.com and Stooq are read as they are."
)
_QUESTIONS = {
    "ticker": N_("Which ticker?"),
    "table": N_("Which table?"),
    "calendar": N_("Which calendar are the years of?"),
    "decimal": N_("Which sign separates the decimals?"),
}
_NONE = N_("(none)")
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
            total = sum(len(data) for _unused, data in self._files.values())
            while total > self._most_bytes:
                _unused, (_unused, dropped) = self._files.popitem(last=False)
                total -= len(dropped)

    def find(self, key: str) -> tuple[str, bytes] | None:
        """Name and content of a file, or None where it is not there."""
        with self._lock:
            return self._files.get(key)


@st.cache_resource(show_spinner=False)
def _shared_uploads() -> SharedUploads:
    return SharedUploads(_SHARED_BYTES)


def choose_file(
    label: str, *, key: str, types: Sequence[str] | None = None, help: str | None = None
) -> UploadedFile | None:
    """An uploader, and its file; where the server did not take it, the page says why.

    Args:
        label: what is asked for.
        key: of the session's state.
        types: extensions of the files offered; all by default.
        help: for the question mark beside the label.
    """
    extensions = None if types is None else list(types)
    file: UploadedFile | None = st.file_uploader(label, extensions, key=key, help=help)
    return refuse_file(file)


def refuse_file(file: UploadedFile | None) -> UploadedFile | None:
    """The file, or None where the server did not take it: then the page says why."""
    if file is None:
        return None
    refusal = Refusal.from_bytes(file.getvalue())
    if refusal is None:
        return file
    st.error(refusal.message, icon=":material/error:")
    return None


def show_upload(place: DeltaGenerator) -> PriceTable | None:
    """The uploader, and the table of the file that this session chose.

    Args:
        place: where on the page to say what is missing, and to ask what the file does not decide.

    Returns:
        The table, or None while there is none.
    """
    file = choose_file(
        _("Price file"),
        key="upload",
        types=UPLOAD_TYPES,
        help=explain(
            "upload", _("CSV, Excel, zip, gz, JSON or HTML with a date and a close; 25 MB at most.")
        ),
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
        place.info(_(_INVITATION))
        return None
    publish_word("file", st.session_state["file"], "")
    if st.session_state.get("_upload") is None:
        name, content = st.session_state["_upload_file"]
        st.session_state["_upload"] = _read_upload(content, name, place)
    if st.session_state.get("_read_choices"):
        st.button(
            _("Read the file anew"),
            key="read_anew",
            icon=":material/restart_alt:",
            help=_("Forget which columns, ticker, table or calendar were chosen for this file."),
            on_click=_forget_choices,
        )
    table: PriceTable | None = st.session_state["_upload"]
    return table


def take_upload(name: str, content: bytes, *, table: PriceTable | None = None) -> None:
    """Make a file this session's own, and let a reload of the page find it by its address.

    Args:
        name, content: of the file.
        table: what is in it, where that is known already.
    """
    key = hashlib.sha256(content).hexdigest()
    st.session_state["file"] = key
    st.session_state["_upload_file"] = (name, content)
    _forget_choices()
    st.session_state["_upload"] = table
    share_upload(key, name, content)


def share_upload(key: str, name: str, content: bytes) -> None:
    """Let a reload of the page find a file by the SHA-256 of its content."""
    _shared_uploads().add(key, name, content)


def find_upload(key: str) -> tuple[str, bytes] | None:
    """Name and content of a file by its SHA-256, or None where the server has it no more."""
    return _shared_uploads().find(key)


def show_breaks(prices: PriceTable, place: DeltaGenerator) -> None:
    """Report splits, holes and changes of scale above the chart, and offer what may be done.

    Args:
        prices: the rows in use.
        place: where on the page, above the chart.
    """
    found = prices.breaks
    if not found:
        return
    lines = [plain_text(translate_again(each.message)) for each in found[:4]]
    if len(found) > 4:
        lines.append(_("And {count} more breaks.").format(count=len(found) - 4))
    place.warning("\n\n".join(lines), icon=":material/content_cut:")
    offers = place.container(horizontal=True)
    adjusted = prices.hints.adjusted
    jumps = [each for each in found if each.kind != "hole"]
    if adjusted and jumps and "_upload_file" in st.session_state:
        offers.button(
            _("Use the adjusted column {adjusted}").format(adjusted=plain_text(adjusted)),
            key="use_adjusted",
            on_click=_choose_columns,
            args=({"Close": adjusted},),
        )
    rest = len(prices) - found[-1].row
    if rest >= 30:
        offers.button(
            _("Use only the {rest:,} rows from {day}").format(
                rest=rest, day=str(found[-1].day)[:10]
            ),
            key="use_rest",
            on_click=_use_latest,
            args=(found[-1], rest),
        )


def _find_again(key: str) -> None:
    """The page was loaded again: take the file back from the server, where it is still there."""
    found = find_upload(key)
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
        st.markdown(_("Which column is which?"))
        picked: dict[str, str] = {}
        needed = list(dict.fromkeys([*error.roles, "Close"]))
        for number, role in enumerate(needed):
            start = min(number, len(columns) - 1)
            if known.get(role) in columns:
                start = columns.index(known[role])
            picked[role] = st.selectbox(role, columns, index=start, key=f"column_{role}")
        with st.expander(_("More columns")):
            for role in ("Date", *COLUMNS):
                if role not in needed:
                    picked[role] = st.selectbox(
                        role, [_NONE, *columns], format_func=_column_label, key=f"column_{role}"
                    )
        if st.form_submit_button(_("Use these columns"), type="primary"):
            _choose_columns({role: name for role, name in picked.items() if name != _NONE})
            st.rerun()


def _column_label(name: str) -> str:
    """A file's own name, or the word for none of them."""
    if name == _NONE:
        return _(_NONE)
    return name


def _ask_choice(error: ChoiceError, place: DeltaGenerator) -> None:
    """A form for one choice: a ticker, a sheet, a calendar, the decimal sign, or days of bars."""
    if error.option == "daily":
        place.button(
            _("Make days of the bars"),
            key="make_days",
            type="primary",
            icon=":material/calendar_view_day:",
            on_click=_choose_option,
            args=("daily", True),
        )
        return
    with place.form("choice"):
        chosen = st.selectbox(
            _(_QUESTIONS.get(error.option, N_("Which one?"))),
            list(error.choices),
            format_func=lambda value: _(str(CALENDARS.get(value, value))),
            key=f"choose_{error.option}",
        )
        if st.form_submit_button(_("Read the file this way"), type="primary"):
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
