"""What price files call their columns, in the languages that the large sites export in.

This module knows names only: not where a header lies in a file, nor what is in the columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

__all__ = [
    "ADJUSTED",
    "COLUMNS",
    "ROLES",
    "adjusted_role",
    "is_day_name",
    "names_another",
    "normalise_name",
    "role_of",
    "roles_in",
]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
ADJUSTED = "Adj Close"
ROLES = ("Date", "Time", "Year", "Month", "Day", *COLUMNS, ADJUSTED, "Ticker", "Split")

# Names without spaces and punctuation. A name further to the left is preferred: a file with both
# "Close" and "Last" has its close in "Close".
_NAMES = {
    "Date": """date 날짜 일자 거래일 거래일자 기준일 기준일자 日付 日付け 年月日 データ日付 取引日
        約定日 日期 交易日期 交易日 datum fecha data дата datetime dateandtime tradedate tradingdate
        tradingday pricedate valuedate asofdate quotedate observationdate businessdate exchangedate
        dtyyyymmdd yyyymmdd snappedat timestamp timestampms unixtimestamp unixtime unix epoch 日時
        tarih ngày ngàygiaodịch tanggal tarikh วันที่ วัน التاريخ تاريخ תאריך तारीख दिनांक तिथि dato
        päivämäärä pvm dátum ημερομηνία data_sessão datapregão datapregao dt period periode période
        期間 日 day timeperiod refdate""",
    "Time": """time hour 시간 시각 時間 时间 時刻 zeit uhrzeit heure hora ora час время saat giờ
        waktu เวลา الوقت समय opentime gmttime localtime closetime starttime endtime klok tid čas
        godzina""",
    "Year": "year yr yyyy 연도 년 年 jahr año ano anno année annee rok yıl tahun năm",
    "Month": "month mon mm 월 月 monat mes mês mese mois miesiąc měsíc ay bulan tháng",
    "Day": "day dd dayofmonth 일 日 tag dia día giorno jour dzień den gün hari ngày",
    "Open": """open 시가 시작가 오픈 始値 开盘 开盘价 開盤 開盤價 开市 開市 今开 今開 eroffnung
        eroffnungskurs eroffn erster offnen ouverture ouv coursouverture apertura abertura открытие
        откр otwarcie otwarcia kursotwarcia openen opening openingskoers openprice openingprice
        pxopen açılış acilis mở mởcửa giámởcửa pembukaan buka เปิด ราคาเปิด مفتوح فتح الافتتاح
        افتتاح سعرالافتتاح פתיחה खुला ओपन preçodeabertura precodeabertura otevření otevírací
        otevíracícena öppning öppningskurs öppna åbning åpning åpningskurs avaus nyitó άνοιγμα відкр
        deschidere первая اولین prezzodiapertura preciodeapertura firsttradeprice""",
    "High": """high 고가 高値 最高 最高价 最高價 最高值 高 hoch tageshoch hochst hochstkurs plushaut
        haut maximo max massimo maxima maximum максимум макс najwyzszy najwyższy najwyższa hoog
        hoogste hochster highprice dayhigh pxhigh yüksek yuksek enyüksek cao caonhất giácaonhất
        tertinggi tinggi สูงสุด สูง ราคาสูงสุด مرتفع الأعلى أعلى اعلى الاعلى גבוה उच्च हाई máxima
        massima prezzomassimo preciomaximo nejvyšší högst högsta högstakurs høj høy høyest ylin
        υψηλό maxim بیشترین maks""",
    "Low": """low 저가 安値 最低 最低价 最低價 最低值 低 tief tagestief tiefst tiefstkurs plusbas
        bas minimo min minima minimum минимум мин najnizszy najniższy najniższa laag laagste
        tiefster lowprice daylow pxlow düşük dusuk endüşük thấp thấpnhất giáthấpnhất terendah rendah
        ต่ำสุด ต่ำ ราคาต่ำสุด منخفض الأدنى أدنى ادنى الادنى נמוך निम्न लो mínima prezzominimo
        preciominimo nejnižší lägst lägsta lägstakurs lav lavest alin χαμηλό minim мін کمترین""",
    "Close": """close 종가 終値 收盘 收盘价 收盤 收盤價 收市 收市價 收市价 schluss schlusskurs
        cloture fermeture courscloture coursdecloture cierre preciodecierre preciocierre chiusura
        prezzodichiusura fechamento fecho preçodefechamento precodefechamento закрытие ценазакрытия
        zamkniecie zamknięcia kurszamknięcia kurszamkniecia slot slotkoers sluiting closelast
        closeprice closingprice closing closevalue closingindexvalue kapanış kapanis kapanışfiyatı
        đóngcửa giáđóngcửa penutupan tutup hargapenutupan ปิด ราคาปิด الإغلاق إغلاق اغلاق الاغلاق
        سعرالإغلاق סגירה נעילה שערנעילה समापन क्लोज बंद uzavření zavírací zavíracícena závěr
        stängning stängningskurs stängkurs slutkurs sluttkurs luk lukk päätös päätöskurssi záró
        κλείσιμο închidere پایانی price 현재가 체결가 现价 現價 最新价 最新價 現在値 zuletzt dernier
        ultimo letzter laatste laatst цена last lastprice pxlast lastsale settle settlement
        settlementprice settleprice şimdi simdi son lầncuối terakhir ล่าสุด الأخير الاخير آخر אחרון
        अंतिम último poslední senaste senast seneste siste viimeisin utolsó τελευταία ultimul
        ostatnio ostatni آخرین последняя kurs koers kurz cena ціна fiyat giá harga ราคา سعر السعر
        שער मूल्य कीमत prijs preis prix cours prezzo precio preço preco cotação cotacao pris value
        wert valeur valor rate exchangerate midrate nav indexvalue index wartość hodnota sp500
        nasdaqcom nasdaq100 djia nikkei225""",
    "Volume": """volume 거래량 出来高 売買高 成交量 交易量 volumen 成交股数 成交股數 stucke objem
        объем объём wolumen vol volym volum tradingvolume totalvolume pxvolume hacim hac khốilượng
        kl klgd tickvol tickvolume ปริมาณ ปริมาณการซื้อขาย الحجم حجم נפח מחזור वॉल्यूम मात्रा वॉल
        volyymi vaihto forgalom όγκος обсяг volumi quantità omsättning omzet sharestraded
        totaltradedquantity ttltrdqnty""",
    ADJUSTED: """adjclose adjustedclose closeadjusted adjcloseprice adjustedcloseprice adjusted
        closeadj 수정종가 수정주가 調整後終値 調整後終値 复权收盘价 clotureajustee cierreajustado
        fechamentoajustado schlusskursbereinigt giáđiềuchỉnh""",
    "Ticker": """ticker symbol symbols tic ric isin stock stockcode code name security instrument
        asset pair coin currency currencycode 종목 종목코드 종목명 銘柄 コード 股票代码 股票代號
        证券代码 代码 证券简称 名称 tscode codigo kod hisse mã secid""",
    "Split": "splitfactor stocksplits splits split splitratio splitcoefficient",
}
# Names that say something only when they stand alone: "Kurs otwarcia" is no close.
_WEAK = """price kurs koers kurz cena ціна fiyat giá harga ราคา سعر السعر שער मूल्य कीमत prijs preis
    prix cours prezzo precio preço preco pris value wert valeur valor rate nav index data day dt
    period son max min maximum minimum name code stock currency pair coin asset quantità time hour
    last ultimo 高 低 日 年 月 mon mm dd yr high low 일 월 년 kl vol unix 名称 dernier 代码 opening
    closing"""
# Words that make a column another one: the close of the day before, a change, a turnover.
_OTHERS = """prev previous prior pre yesterday change chg chng pct percent ratio cap capitalization
    turnover dividend dividends div bid ask avg average mean vwap count trades week weeks weekly
    month year ytd 52w 52wk ma sma ema diff return returns quote taker base amount number no"""
_EDGES = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "last": "Close",
    "volume": "Volume",
    "vol": "Volume",
    "date": "Date",
    "time": "Time",
    "timestamp": "Date",
}
_ADJUSTED_WORDS = {"adj", "adjusted", "adjustment"}
_FAR = 1000
_SEPARATORS = re.compile(r"[\s_()\[\]<>{}.,:;/|*%+&#\"'（）【】-]+")


def normalise_name(cell: str) -> str:
    """Lower case, without accents, spaces and punctuation; scripts other than Latin stay whole."""
    split = unicodedata.normalize("NFKD", cell.casefold())
    plain = "".join(c for c in split if not "\u0300" <= c <= "\u036f")
    return "".join(c for c in unicodedata.normalize("NFKC", plain) if c.isalnum())


def _build_table() -> dict[str, tuple[str, int]]:
    table: dict[str, tuple[str, int]] = {}
    for role, names in _NAMES.items():
        for rank, name in enumerate(names.split()):
            table.setdefault(normalise_name(name), (role, rank))
    return table


_TABLE = _build_table()
_WEAK_NAMES = {normalise_name(word) for word in _WEAK.split()}
_OTHER_WORDS = set(_OTHERS.split())
_DAY_NAMES = {normalise_name(word) for word in _NAMES["Day"].split()}


@lru_cache(maxsize=4096)
def role_of(cell: str) -> tuple[str, int] | None:
    """Which role a header cell names, and how well.

    Returns:
        A role among ``ROLES`` and its rank (0 is best; from 1000 on only a first or last word
        fits), or None where the cell names none.
    """
    found = _TABLE.get(normalise_name(cell))
    if found:
        return found
    words = _split_words(cell)
    if not 1 < len(words) <= 20 or len(cell) > 200:
        return None
    if set(words[:6]) & _OTHER_WORDS:
        return None
    if set(words[:2]) & _ADJUSTED_WORDS or words[-1] in _ADJUSTED_WORDS:
        return _adjusted_role(words)
    # A sentence explains its first word ("Close price adjusted for splits."), a short name ends in
    # what it is ("Exchange Date", "Open Time") or begins with it ("Close (USD)").
    ends = [words[0]]
    if len(words) <= 4:
        ends = [words[-1], words[0]]
    for place, word in enumerate(ends):
        role = _edge_role(word)
        if role:
            return role, _FAR + place
    return None


def roles_in(cells: Sequence[str]) -> set[str]:
    """The roles that a row of cells names."""
    return {found[0] for found in map(role_of, cells) if found}


def is_day_name(cell: str) -> bool:
    """Whether a header cell names the day of the month, beside a year and a month."""
    return normalise_name(cell) in _DAY_NAMES


def names_another(cell: str) -> bool:
    """Whether a header cell says that its column is no price of the day: a change, a turnover."""
    return bool(set(_split_words(cell)) & _OTHER_WORDS) or "%" in cell


def adjusted_role(cell: str) -> str | None:
    """``Open`` of ``adjOpen``: which column a header cell names in adjusted prices."""
    words = _split_words(cell)
    if not set(words) & _ADJUSTED_WORDS:
        return None
    roles = [_EDGES[word] for word in words if word in ("open", "high", "low", "close", "volume")]
    if len(roles) == 1:
        return roles[0]
    return None


def _split_words(cell: str) -> list[str]:
    """Words in lower case; ``adjClose`` is two."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cell)
    return [word for word in _SEPARATORS.split(spaced.casefold()) if word]


def _adjusted_role(words: list[str]) -> tuple[str, int] | None:
    """``adjClose`` is the adjusted close; ``adjHigh`` and the like are none of ours."""
    near = words[:3]
    if "close" in near or len(words) == 1:
        return ADJUSTED, _FAR
    return None


def _edge_role(word: str) -> str | None:
    if word in _EDGES:
        return _EDGES[word]
    name = normalise_name(word)
    if name in _WEAK_NAMES or len(name) < 2:
        return None
    found = _TABLE.get(name)
    if not found:
        return None
    return found[0]
