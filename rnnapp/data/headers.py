"""What price files call their columns, in the languages that the large sites export in.

This module knows names only: not where a header lies in a file, nor what is in the columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["ADJUSTED", "COLUMNS", "recognise", "role_of", "roles_in"]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
ADJUSTED = "Adj Close"

# A name further to the left is preferred: a file with both "Close" and "Last" has its close in "Close".
_NAMES = {
    "Date": """date 날짜 일자 거래일 기준일 日付 日付け 日期 交易日期 datum fecha data дата datetime tradedate tradingdate
        observationdate businessdate day timestamp time 日時 時間 时间 zeit""",
    "Open": """open 시가 오픈 始値 开盘 开盘价 開盤 開盤價 开市 開市 eroffnung eroffnungskurs eroffn erster offnen ouverture
        ouv apertura abertura открытие откр otwarcie openen opening openprice openingprice pxopen 시작가""",
    "High": """high 고가 高値 最高 最高价 最高價 高 hoch tageshoch hochst hochstkurs plushaut haut maximo max massimo maxima
        максимум макс najwyzszy hoog hochster highprice dayhigh pxhigh""",
    "Low": """low 저가 安値 最低 最低价 最低價 低 tief tagestief tiefst tiefstkurs plusbas bas minimo min minima минимум мин
        najnizszy laag tiefster lowprice daylow pxlow""",
    "Close": """close 종가 終値 收盘 收盘价 收盤 收盤價 收市 收市價 schluss schlusskurs cloture fermeture cierre chiusura
        fechamento закрытие zamkniecie slot slotkoers closelast closeprice closingprice closing closevalue price 현재가
        zuletzt dernier ultimo letzter laatste цена last lastprice pxlast settle kurs value wert valeur valor sp500
        nasdaqcom nasdaq100 djia nikkei225""",
    "Volume": """volume 거래량 出来高 成交量 交易量 volumen 成交股数 stucke объем объём wolumen vol volym tradingvolume
        totalvolume pxvolume""",
    ADJUSTED: "adjclose adjustedclose closeadjusted adjusted 수정종가 수정주가 調整後終値 复权收盘价 clotureajustee cierreajustado",
}
_TABLE = {
    name: (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names.split())
}
_EDGES = {"open", "high", "low", "close", "volume", "adjusted"}  # "GSPC.Close", "Close ^GSPC"
_FAR = 1000


@lru_cache(maxsize=4096)
def role_of(cell: str) -> tuple[str, int] | None:
    """Which of our columns a header cell names, and how well (0 is best); None when it names none."""
    found = _TABLE.get(_bare(cell))
    if found:
        return found
    words = [w for w in re.split(r"[\W_]+", cell.casefold()) if w]
    for word in (words[-1:] + words[:1]) if 1 < len(words) <= 4 else ():
        if word in _EDGES:
            role = ADJUSTED if {"adj", "adjusted"} & set(words) else word.capitalize()
            return role, _FAR
    return None


def roles_in(cells: Sequence[str]) -> set[str]:
    """The columns of ours that a row of cells names."""
    return {found[0] for found in map(role_of, cells) if found}


def recognise(cells: Sequence[str]) -> dict[str, list[int]]:
    """Where each of our columns lies: its best positions (more than one where the file names it twice alike)."""
    best: dict[str, tuple[int, list[int]]] = {}
    for position, cell in enumerate(cells):
        found = role_of(cell)
        if not found:
            continue
        role, rank = found
        held = best.get(role)
        if held is None or rank < held[0]:
            best[role] = (rank, [position])
        elif rank == held[0]:
            held[1].append(position)
    return {role: positions for role, (_, positions) in best.items()}


def _bare(cell: str) -> str:
    """Lower case, without accents, spaces and punctuation; Korean and Japanese stay whole."""
    split = unicodedata.normalize("NFKD", cell.casefold())
    plain = "".join(c for c in split if not "\u0300" <= c <= "\u036f")
    return "".join(c for c in unicodedata.normalize("NFKC", plain) if c.isalnum())
