"""The same table as many sites and programs write it, and what every table read must hold."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd

from rnnapp.data.extras import MOST_EXTRAS
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
    "turkish": ("Tarih", "Açılış", "Yüksek", "Düşük", "Şimdi", "Hac."),
    "vietnamese": ("Ngày", "Mở", "Cao", "Thấp", "Lần cuối", "KL"),
    "indonesian": ("Tanggal", "Pembukaan", "Tertinggi", "Terendah", "Terakhir", "Vol."),
    "thai": ("วันที่", "เปิด", "สูงสุด", "ต่ำสุด", "ล่าสุด", "ปริมาณ"),
    "arabic": ("التاريخ", "مفتوح", "مرتفع", "منخفض", "الأخير", "الحجم"),
    "hindi": ("तिथि", "खुला", "उच्च", "निम्न", "अंतिम", "वॉल्यूम"),
    "portuguese": ("Data", "Abertura", "Máxima", "Mínima", "Último", "Vol."),
    "italian": ("Data", "Apertura", "Massimo", "Minimo", "Ultimo", "Vol."),
    "dutch": ("Datum", "Open", "Hoog", "Laag", "Laatste", "Vol."),
    "czech": ("Datum", "Otevření", "Nejvyšší", "Nejnižší", "Poslední", "Objem"),
    "swedish": ("Datum", "Öppning", "Högst", "Lägst", "Senaste", "Volym"),
    "polish": ("Data", "Otwarcie", "Najwyzszy", "Najnizszy", "Zamkniecie", "Wolumen"),
    "taiwanese": ("日期", "開盤價", "最高價", "最低價", "收盤價", "成交股數"),
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


def _stamped(frame: pd.DataFrame, stamp: Callable[[pd.Timestamp], object]) -> pd.DataFrame:
    """The table with its days written another way."""
    return frame.set_axis(pd.Index([stamp(day) for day in frame.index], name="Date"))


def _era_day(start: int, width: int) -> Callable[[pd.Timestamp], str]:
    return lambda day: f"{day.year - start:0{width}}/{day:%m/%d}"


def _money(form: str) -> Callable[[pd.DataFrame], bytes]:
    return lambda frame: (
        frame.assign(**{c: frame[c].map(lambda v: form.format(v)) for c in frame if c != "Volume"})
        .to_csv()
        .encode()
    )


def _workbook(frame: pd.DataFrame) -> bytes:
    made = io.BytesIO()
    frame.to_excel(made)
    return made.getvalue()


def _web_page(frame: pd.DataFrame) -> bytes:
    table = frame.reset_index().to_html(index=False, float_format="{:.2f}".format)
    return f"<html><body><h1>Prices</h1>{table}</body></html>".encode()


def _zipped(frame: pd.DataFrame) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prices/index.csv", frame.to_csv())
        archive.writestr("__MACOSX/._index.csv", "x")
    return made.getvalue()


def _records(frame: pd.DataFrame) -> bytes:
    return frame.reset_index().to_json(orient="records", date_format="iso").encode()


def _two_tickers(frame: pd.DataFrame) -> bytes:
    """Wide pairs of another coin's columns, without any of ours but the date."""
    return frame.assign(**{"Market Cap": 1e9, "Change %": 0.5}).to_csv().encode()


def _ymd_columns(frame: pd.DataFrame) -> bytes:
    days = frame.index
    parted = frame.assign(Year=days.year, Month=days.month, Day=days.day)
    return parted[["Year", "Month", "Day", *frame.columns]].to_csv(index=False).encode()


def _epoch(unit: int) -> Callable[[pd.DataFrame], bytes]:
    return lambda frame: (
        _stamped(frame, lambda day: int(day.timestamp()) * unit)
        .rename_axis("time")
        .to_csv()
        .encode()
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
        f.rename(columns=lambda c: f"<{c.upper()}>")
        .rename_axis("<DATE>")
        .to_csv(date_format="%Y.%m.%d")
        .encode()
    ),
    "nasdaq": lambda f: (
        f.map(lambda v: f"${v}")
        .rename(columns={"Close": "Close/Last"})[::-1]
        .to_csv(date_format="%m/%d/%Y")
        .encode()
    ),
    "german": lambda f: (
        _named(f, "german").to_csv(sep=";", decimal=",", date_format="%d.%m.%Y").encode("cp1252")
    ),
    "german thousands": lambda f: (
        _named(f.map(_european), "german").to_csv(sep=";", date_format="%d.%m.%y").encode()
    ),
    "french": lambda f: (
        _named(f.map(lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u202f,"))), "french")
        .to_csv(sep="\t", date_format="%d/%m/%Y")
        .encode()
    ),
    "spanish": lambda f: (
        _named(f.map(_european), "spanish").to_csv(date_format="%d/%m/%Y").encode()
    ),
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
    **{
        language: lambda f, language=language: (
            _named(f, language).to_csv(sep=";", date_format="%d/%m/%Y").encode()
        )
        for language in (
            "turkish",
            "vietnamese",
            "indonesian",
            "thai",
            "arabic",
            "hindi",
            "portuguese",
            "italian",
            "dutch",
            "czech",
            "swedish",
            "polish",
        )
    },
    "turkish cp1254": lambda f: (
        _named(f, "turkish").to_csv(sep=";", date_format="%d.%m.%Y").encode("cp1254")
    ),
    "thai cp874": lambda f: _named(f, "thai").to_csv(date_format="%d/%m/%Y").encode("cp874"),
    "czech cp1250": lambda f: (
        _named(f, "czech").to_csv(sep=";", date_format="%d.%m.%Y").encode("cp1250")
    ),
    "taiwanese years": lambda f: (
        _stamped(_named(f, "taiwanese"), _era_day(1911, 3)).to_csv().encode("big5")
    ),
    "japanese years": lambda f: (
        _stamped(_named(f, "japanese"), _era_day(1988, 2))
        .rename_axis("日付")
        .to_csv()
        .encode("cp932")
    ),
    "japanese eras": lambda f: (
        _stamped(_named(f, "japanese"), lambda d: f"H{d.year - 1988}.{d.month}.{d.day}")
        .rename_axis("日付")
        .to_csv()
        .encode()
    ),
    "thai years": lambda f: (
        _stamped(_named(f, "thai"), lambda d: f"{d:%d/%m/}{d.year + 543}")
        .rename_axis("วันที่")
        .to_csv()
        .encode()
    ),
    "thai short years": lambda f: (
        _stamped(_named(f, "thai"), lambda d: f"{d:%d/%m/}{(d.year + 543) % 100}")
        .rename_axis("วันที่")
        .to_csv()
        .encode()
    ),
    "headerless": lambda f: f.to_csv(header=False).encode(),
    "headerless epoch": lambda f: (
        _stamped(f, lambda d: int(d.timestamp())).to_csv(header=False).encode()
    ),
    "headerless low first": lambda f: (
        f[["Low", "High", "Open", "Close", "Volume"]].to_csv(header=False).encode()
    ),
    "unknown names": lambda f: (
        f.set_axis(list("abcde"), axis=1).rename_axis("when").to_csv().encode()
    ),
    "first and last words": lambda f: (
        f.rename(columns=lambda c: f"{c} (USD)").rename_axis("Exchange Date").to_csv().encode()
    ),
    "two volumes": lambda f: f.assign(**{"Change %": 0.1, "Prev Close": 1.0}).to_csv().encode(),
    "epoch seconds": _epoch(1),
    "epoch milliseconds": _epoch(10**3),
    "epoch microseconds": _epoch(10**6),
    "epoch nanoseconds": _epoch(10**9),
    "float dates": lambda f: _stamped(f, lambda d: f"{d:%Y%m%d}.0").to_csv().encode(),
    "spreadsheet days": lambda f: (
        _stamped(f, lambda d: (d - pd.Timestamp("1899-12-30")).days).to_csv().encode()
    ),
    "javascript dates": lambda f: (
        _stamped(f, lambda d: f"{d:%a %b %d %Y} 00:00:00 GMT+0200 (Eastern European Time)")
        .to_csv()
        .encode()
    ),
    "gmt stamps": lambda f: (
        _stamped(f, lambda d: f"{d:%d.%m.%Y} 00:00:00.000 GMT+0200").to_csv().encode()
    ),
    "frankfurt in utc": lambda f: (
        f.tz_localize("Europe/Berlin").tz_convert("UTC").to_csv().encode()
    ),
    "sydney in utc": lambda f: (
        f.tz_localize("Australia/Sydney")
        .tz_convert("UTC")
        .to_csv(date_format="%Y-%m-%dT%H:%M:%SZ")
        .encode()
    ),
    "three columns of dates": _ymd_columns,
    "rupees": _money("₹{:,.2f}"),
    "rupees in words": _money("Rs. {:,.2f}"),
    "reals": _money("R$ {}"),
    "zloty": _money("{} zł"),
    "baht": _money("฿{}"),
    "dollars in letters": _money("USD {:,.2f}"),
    "blank thousands": lambda f: f.map(lambda v: f"{v:,.2f}".replace(",", " ")).to_csv().encode(),
    "apostrophe thousands": lambda f: (
        f.map(lambda v: f"{v:,.2f}".replace(",", "'")).to_csv(sep=";").encode()
    ),
    "arabic digits": lambda f: (
        f.to_csv().translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")).encode()
    ),
    "workbook": _workbook,
    "zip": _zipped,
    "gzip": lambda f: gzip.compress(f.to_csv().encode()),
    "json records": _records,
    "json columns": lambda f: f.to_json(date_format="iso").encode(),
    "json lines": lambda f: (
        f.reset_index().to_json(orient="records", lines=True, date_format="iso").encode()
    ),
    "json split": lambda f: f.to_json(orient="split", date_format="iso").encode(),
    "html": _web_page,
    "repeated rows of names": _two_tickers,
}


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
    written = [c for c in ("Open", "High", "Low", "Close", "Volume") if c in frame]
    assert list(table.columns) == written
    assert list(frame.columns) == [*written, *table.others]
    assert len(table.others) <= MOST_EXTRAS
    assert not np.isinf(frame[list(table.others)]).any(axis=None)
    assert (frame.dtypes == np.float64).all()
    prices = frame[written].drop(columns="Volume", errors="ignore").to_numpy()
    assert np.isfinite(prices).all()
    assert table.is_positive == bool((prices > 0).all())
    if "Volume" in frame:
        assert not (frame["Volume"] < 0).any()
        assert not np.isinf(frame["Volume"]).any()
    assert all(isinstance(note, Note) and str(note).endswith(".") for note in table.repairs)
    assert all(found.message.endswith(".") for found in table.breaks)
