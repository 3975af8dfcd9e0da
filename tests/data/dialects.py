"""The same table as different sites and programs would write it, and what every table that was read must hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from rnnapp.data.notes import Note
from rnnapp.data.prices import PriceTable

__all__ = ["DIALECTS", "check_invariants"]

_NAMES = {
    "german": ("Datum", "Eröffnung", "Hoch", "Tief", "Schluss", "Volumen"),
    "french": ("Date", "Ouverture", "Plus haut", "Plus bas", "Clôture", "Volume"),
    "spanish": ("Fecha", "Apertura", "Máximo", "Mínimo", "Cierre", "Volumen"),
    "korean": ("날짜", "시가", "고가", "저가", "종가", "거래량"),
    "japanese": ("日付", "始値", "高値", "安値", "終値", "出来高"),
    "chinese": ("日期", "开盘", "最高", "最低", "收盘", "成交量"),
}


def _named(frame: pd.DataFrame, language: str) -> pd.DataFrame:
    date, *columns = _NAMES[language]
    return frame.set_axis(columns, axis=1).rename_axis(date)


def _european(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _yahoo(frame: pd.DataFrame) -> bytes:
    adjusted = frame.assign(**{"Adj Close": frame["Close"]})[
        ["Open", "High", "Low", "Close", "Adj Close", "Volume"]
    ]
    lines = adjusted.to_csv().splitlines()
    return "\n".join([*lines[:3], "2014-12-25,null,null,null,null,null,null", *lines[3:]]).encode()


def _yfinance(frame: pd.DataFrame) -> bytes:
    return (
        frame.set_axis(
            pd.MultiIndex.from_product([frame.columns, ["^XYZ"]], names=["Price", "Ticker"]), axis=1
        )
        .to_csv()
        .encode()
    )


def _history(frame: pd.DataFrame) -> bytes:
    return (
        frame.assign(Dividends=0.0, **{"Stock Splits": 0.0})
        .tz_localize("Asia/Seoul")
        .to_csv()
        .encode()
    )


def _investing(frame: pd.DataFrame) -> bytes:
    texts = frame.map(lambda v: f"{v:,.2f}").assign(
        **{"Vol.": [f"{v / 1e3:.3f}K" for v in frame["Volume"]], "Change %": "0.10%"}
    )
    texts = texts.rename(columns={"Close": "Price"})[
        ["Price", "Open", "High", "Low", "Vol.", "Change %"]
    ]
    return b"\xef\xbb\xbf" + texts[::-1].to_csv(quoting=1, date_format="%b %d, %Y").encode()


def _titled(frame: pd.DataFrame) -> bytes:
    return (
        f"An index, daily\n\n{frame.to_csv()}\nSource: an exchange, all rights reserved\n".encode()
    )


DIALECTS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "stooq": lambda f: f.to_csv().encode(),
    "yahoo": _yahoo,
    "yfinance": _yfinance,
    "history": _history,
    "investing": _investing,
    "lower case": lambda f: f.rename(columns=str.lower).rename_axis("date").to_csv().encode(),
    "index in front": lambda f: f.reset_index().to_csv().encode(),
    "no index name": lambda f: f.rename_axis(None).to_csv().encode(),
    "titled": _titled,
    "windows": lambda f: f.to_csv(lineterminator="\r\n").encode(),
    "excel unicode": lambda f: f.to_csv(sep="\t").encode("utf-16"),
    "excel sep line": lambda f: b"sep=;\n" + f.to_csv(sep=";").encode(),
    "tabs": lambda f: f.to_csv(sep="\t").encode(),
    "metatrader": lambda f: (
        f.rename(columns=lambda c: f"<{c.upper()}>").rename_axis("<DATE>").to_csv(date_format="%Y.%m.%d").encode()
    ),
    "nasdaq": lambda f: (
        f.map(lambda v: f"${v}").rename(columns={"Close": "Close/Last"})[::-1].to_csv(date_format="%m/%d/%Y").encode()
    ),
    "german": lambda f: _named(f, "german").to_csv(sep=";", decimal=",", date_format="%d.%m.%Y").encode("cp1252"),
    "german thousands": lambda f: _named(f.map(_european), "german").to_csv(sep=";", date_format="%d.%m.%y").encode(),
    "french": lambda f: (
        _named(f.map(lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u202f,"))), "french")
        .to_csv(sep="\t", date_format="%d/%m/%Y").encode()
    ),
    "spanish": lambda f: _named(f.map(_european), "spanish").to_csv(date_format="%d/%m/%Y").encode(),
    "korean": lambda f: _named(f, "korean").to_csv(date_format="%Y년 %m월 %d일").encode(),
    "korean cp949": lambda f: _named(f, "korean").to_csv(date_format="%Y/%m/%d").encode("cp949"),
    "japanese": lambda f: _named(f, "japanese").to_csv(date_format="%Y年%m月%d日").encode("cp932"),
    "chinese": lambda f: _named(f, "chinese").to_csv(date_format="%Y%m%d").encode("gb18030"),
    "american": lambda f: f.to_csv(date_format="%m/%d/%Y").encode(),
    "american short": lambda f: f.to_csv(date_format="%m/%d/%y").encode(),
    "british": lambda f: f.to_csv(date_format="%d/%m/%Y").encode(),
    "british short": lambda f: f[::-1].to_csv(date_format="%d/%m/%y").encode(),
    "korean short": lambda f: f.to_csv(date_format="%y.%m.%d").encode(),
    "bank": lambda f: f.to_csv(date_format="%d-%b-%y").encode(),
    "letter": lambda f: f.to_csv(date_format="%A, %d %B %Y").encode(),
}  # fmt: skip


def check_invariants(table: PriceTable) -> None:
    """What ``PriceTable`` promises, whatever the file was."""
    frame = table.frame
    assert len(frame) >= 2
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert frame.index.dtype == "datetime64[ns]"
    assert frame.index.name == "Date"
    assert frame.index.is_unique
    assert frame.index.is_monotonic_increasing
    assert (frame.index == frame.index.normalize()).all()
    assert "Close" in frame
    assert list(frame.columns) == [
        c for c in ("Open", "High", "Low", "Close", "Volume") if c in frame
    ]
    assert (frame.dtypes == np.float64).all()
    prices = frame.drop(columns="Volume", errors="ignore").to_numpy()
    assert np.isfinite(prices).all()
    assert table.is_positive == bool((prices > 0).all())
    if "Volume" in frame:
        assert not (frame["Volume"] < 0).any()
        assert not np.isinf(frame["Volume"]).any()
    assert all(isinstance(note, Note) and str(note).endswith(".") for note in table.repairs)
    assert all(found.message.endswith(".") for found in table.breaks)
