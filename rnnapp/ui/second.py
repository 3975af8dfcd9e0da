"""A second series on a page: which one, which of its days counts, and the prices with it joined."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, cast, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnapp.configs import SecondConfig, SecondDay, WindowConfig, options
from rnnapp.data.extras import PRICES
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.second import SecondSeries, find_second, join_second
from rnnapp.data.sources import BUNDLED, TICKERS
from rnnapp.errors import RnnappError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui import keys
from rnnapp.ui.address import publish, seed
from rnnapp.ui.explain import explain
from rnnapp.ui.page import plain_text
from rnnapp.ui.uploads import UPLOAD_TYPES, choose_file, find_upload, share_upload

__all__ = ["forget_second", "join_chosen"]

_UPLOAD = "upload"
_FILE = "file:"
_MORE_TICKERS = {
    "^VIX": N_("VIX"),
    "KRW=X": N_("US dollar in won"),
    "EURUSD=X": N_("Euro in US dollars"),
}
_DAYS = {"auto": N_("by closing hours"), "same": N_("same day"), "before": N_("day before")}
_WORDS = {"": N_("none"), _UPLOAD: N_("a file of your own")}
_CHOICES = ("", *BUNDLED, *_MORE_TICKERS, *TICKERS, _UPLOAD)
_INVITATION = N_("Choose a file for the second series, or none.")


class _Joined(NamedTuple):
    """A table with a second series, or why there is none.

    Attributes:
        table: None where the series cannot be joined.
        name: of the joined column.
        trouble: the error, else None.
    """

    table: PriceTable | None
    name: str = ""
    trouble: RnnappError | None = None


def join_chosen(prices: PriceTable, place: DeltaGenerator | None) -> PriceTable:
    """Controls for a second series, and the prices with it; as they are without one.

    A series that is chosen becomes a feature; it can be taken from the features again.

    Args:
        prices: the table.
        place: where on the page to say what went wrong; without one, among the controls.
    """
    _seed_series()
    present = str(st.session_state["second"])
    with st.expander(_("Second series"), expanded=bool(present)):
        chosen = _choose_series(present)
        day = "auto"
        if chosen:
            day = _choose_day()
        file = ""
        if chosen == _UPLOAD:
            file = _choose_file()
    word = chosen
    if chosen == _UPLOAD:
        word = file and f"{_FILE}{file}"
    config = SecondConfig(second=word, second_day=cast(SecondDay, day))
    publish(config)
    if not word:
        if chosen:
            (place or st.container()).info(_(_INVITATION))
        return prices
    joined = _join_once(prices, config)
    if joined.table is None:
        (place or st.container()).error(plain_text(str(joined.trouble)), icon=":material/join:")
        return prices
    _add_feature(joined.name)
    return joined.table


def forget_second() -> None:
    """No second series; call it before any control is drawn."""
    st.session_state["second"] = ""


def _seed_series() -> None:
    """The address names a file by its content: the control says that it is one."""
    if "second" in st.session_state:
        return
    seed(SecondConfig, "second")
    asked = str(st.session_state["second"])
    if asked.startswith(_FILE):
        st.session_state[keys.SECOND_FILE] = asked.removeprefix(_FILE)
        st.session_state["second"] = _UPLOAD
    else:
        st.session_state["second"] = asked[:20]


def _choose_series(present: str) -> str:
    option = options(SecondConfig)["second"]
    chosen = st.selectbox(
        _(option.label),
        list(dict.fromkeys([*_CHOICES, present])),
        format_func=_series_label,
        key="second",
        accept_new_options=True,
        persist_state="session",
        on_change=_mark_new,
        help=explain("second", _(option.help)),
    )
    return str(chosen or "")[:20]


def _series_label(word: str) -> str:
    """What a choice is called."""
    if word in _WORDS:
        return _(_WORDS[word])
    if word in BUNDLED:
        return _("{label} (bundled)").format(label=BUNDLED[word])
    known = _MORE_TICKERS | TICKERS
    if word in known:
        return _("{label} ({ticker})").format(label=_(known[word]), ticker=word)
    return word


def _choose_day() -> str:
    option = options(SecondConfig)["second_day"]
    seed(SecondConfig, "second_day")
    chosen = st.segmented_control(
        _(option.label),
        get_args(SecondDay),
        format_func=lambda word: _(_DAYS[word]),
        key="second_day",
        required=True,
        persist_state="session",
        help=explain("second_day", _(option.help)),
    )
    return chosen or "auto"


def _choose_file() -> str:
    """SHA-256 of the file of this session, empty while there is none."""
    file = choose_file(
        _("File of the second series"),
        key="second_upload",
        types=UPLOAD_TYPES,
        help=_("Any price file: a date and a close."),
    )
    if file is not None:
        content = file.getvalue()
        key = hashlib.sha256(content).hexdigest()
        if st.session_state.get(keys.SECOND_FILE) != key:
            share_upload(key, file.name, content)
            st.session_state[keys.SECOND_FILE] = key
            _mark_new()
    key = str(st.session_state.get(keys.SECOND_FILE, ""))
    if find_upload(key) is None:
        return ""
    return key


def _mark_new() -> None:
    st.session_state[keys.SECOND_NEW] = True


def _join_once(prices: PriceTable, config: SecondConfig) -> _Joined:
    """The joined table, made again only for other data or another series."""
    key = (prices.fingerprint, prices.name, config)
    memory: tuple[object, _Joined] | None = st.session_state.get(keys.SECOND_JOINED)
    if memory is None or memory[0] != key:
        memory = (key, _join(prices, config))
        st.session_state[keys.SECOND_JOINED] = memory
    return memory[1]


def _join(prices: PriceTable, config: SecondConfig) -> _Joined:
    try:
        if config.second.startswith(_FILE):
            found = find_upload(config.second.removeprefix(_FILE))
            if found is None:
                return _Joined(None, trouble=RnnappError(_(_INVITATION)))
            name, content = found
            table = read_prices(content, filename=name)
            series = SecondSeries(table, name.split(".")[0])
        else:
            with st.spinner(_("Reading the second series")):
                series = find_second(config.second, prices)
        table, name = join_second(prices, series, config.second_day)
    except RnnappError as error:
        return _Joined(None, trouble=error)
    return _Joined(table, name)


def _add_feature(name: str) -> None:
    """A series that was just chosen is a feature, beside the price columns or the ones chosen."""
    seed(WindowConfig, "features")
    features = list(st.session_state["features"])
    new = bool(st.session_state.pop(keys.SECOND_NEW, False))
    if name in features or (features and not new):
        return
    st.session_state["features"] = [*(features or [PRICES]), name]
