"""What people really have reads right, and what is ambiguous is refused in one sentence."""

from __future__ import annotations

import os
import time

import numpy as np
import pandas as pd
import pytest

from rnnapp.data.prices import MAX_BYTES, MAX_ROWS, PriceTable, read_prices
from rnnapp.errors import ChoiceError, ColumnError, PriceFileError, TooFewRowsError
from tests.data.dialects import DIALECTS, check_invariants
from tests.support import random_walk, shared_data

FRAME = random_walk(60, seed=1).frame.round(2)


def _read(text: str, **options) -> PriceTable:
    table = read_prices(text.encode(), **options)
    check_invariants(table)
    return table


def _told(table: PriceTable, words: str) -> bool:
    return any(words in str(note) for note in table.repairs)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_table_reads_back_equal_from_every_dialect(dialect):
    """A number that changes with the site it came from would be silently wrong."""
    table = read_prices(DIALECTS[dialect](FRAME))
    check_invariants(table)
    pd.testing.assert_frame_equal(
        table.frame, FRAME.astype(np.float64), check_freq=False, check_index_type=False, rtol=1e-12
    )


def test_investing_export_gives_its_known_rows():
    table = read_prices(shared_data("csv", "hang_seng_investing.csv"))
    check_invariants(table)
    assert len(table) == 4307
    assert table.columns == ("Open", "High", "Low", "Close", "Volume")
    assert table.others == ("Change %",)
    assert table.frame.loc["2018-04-18", list(table.columns)].tolist() == [
        30469.95,
        30487.17,
        29979.40,
        30284.25,
        2.06e9,
    ]
    assert table.frame.loc["2000-12-05"].tolist()[:4] == [14602.25, 14701.98, 14507.50, 14573.21]
    assert table.frame["Volume"].isna().sum() == 2660
    assert _told(table, "order was turned")
    assert _told(table, "multiplied out")
    assert _told(table, "Volume is missing in 2,660 rows")


def test_yfinance_export_gives_its_known_rows():
    table = read_prices(shared_data("csv", "gspc_yfinance.csv"))
    check_invariants(table)
    assert (table.name, len(table), table.repairs) == ("^GSPC", 125, ())
    assert table.columns == ("Open", "High", "Low", "Close", "Volume")
    assert table.frame.loc["2025-09-08"].tolist() == [
        6498.08984375,
        6508.669921875,
        6483.2900390625,
        6495.14990234375,
        5211500000,
    ]
    assert table.frame.index[-1] == pd.Timestamp("2026-03-06")
    assert table.close[-1] == 6740.02001953125


def test_stooq_export_gives_its_known_rows():
    table = read_prices(shared_data("csv", "spx_stooq.csv"))
    check_invariants(table)
    assert (len(table), table.repairs) == (2735, ())
    assert table.frame.loc["2015-01-02"].tolist() == [2058.9, 2072.36, 2046.04, 2058.2, 1504833333]
    assert table.frame.loc["2025-11-14"].tolist() == [
        6672.14,
        6774.31,
        6646.87,
        6734.11,
        3107222094,
    ]


def test_yahoo_export_gives_its_known_rows_without_the_adjusted_close():
    table = read_prices(shared_data("kospi.csv"))
    check_invariants(table)
    assert (table.name, len(table), table.repairs) == ("kospi", 431, ())
    assert table.columns == ("Open", "High", "Low", "Close", "Volume")
    assert table.frame.loc["2019-01-30"].tolist() == [
        2183.489990,
        2206.199951,
        2177.879883,
        2206.199951,
        480400.0,
    ]
    assert table.frame.loc["2020-10-29"].tolist() == [
        2312.340088,
        2330.169922,
        2299.909912,
        2326.669922,
        509100.0,
    ]


def test_null_rows_are_left_out_and_noted():
    table = _read("Date,Open,Close\n2020-01-02,1,2\n2020-01-03,null,null\n2020-01-06,1,2.5\n")
    assert len(table) == 2
    assert [str(note) for note in table.repairs] == ["1 row without a close left out."]


def test_close_alone_is_enough():
    table = _read("date,close\n2020-01-02,5.5\n2020-01-03,5.6\n")
    assert table.columns == ("Close",)
    assert table.repairs == ()


def test_adjusted_close_stands_in_for_a_missing_close_and_is_told():
    assert _told(
        _read("Date,Adj Close\n2020-01-02,5.5\n2020-01-03,5.6\n"), "Adj Close was taken for it"
    )


def test_a_close_column_wins_over_a_price_column():
    assert _read("Date,Price,Close\n2020-01-02,5,7\n2020-01-03,5,7.5\n").close.tolist() == [7, 7.5]


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (("01/02/2020", "03/02/2020", "14/02/2020"), "2020-02-01"),  # only the last row tells
        (("01/02/2020", "01/03/2020", "01/14/2020"), "2020-01-02"),
        (
            ("06/01/2020", "07/01/2020", "08/01/2020", "09/01/2020", "10/01/2020", "13/01/2020"),
            "2020-01-06",
        ),
        (
            ("03/02/20", "04/02/20", "05/02/20", "06/02/20", "07/02/20", "10/02/20", "11/02/20"),
            "2020-02-03",
        ),  # by plausibility
        (
            ("11/02/15", "10/02/15", "09/02/15", "06/02/15", "05/02/15", "04/02/15", "03/02/1"),
            "2015-02-04",
        ),  # cut off
        (("20.02.03", "20.02.04", "20.02.05", "20.02.06", "20.02.07", "20.02.10"), "2020-02-03"),
        (("30/12/68", "31/12/68", "02/01/69", "03/01/69"), "1968-12-30"),  # no year in the future
    ],
)
def test_the_order_of_day_and_month_is_decided_by_the_whole_column(days, first):
    table = _read("Date,Close\n" + "".join(f"{day},{100 + i}.25\n" for i, day in enumerate(days)))
    assert len(table) == sum(len(day) > 7 for day in days)
    assert str(table.frame.index[0].date()) == first
    assert not _told(table, "order") or _told(table, "plausible")


def test_dates_that_nothing_decides_are_refused():
    with pytest.raises(PriceFileError, match="nothing decides which"):
        _read("Date,Close\n01/02/2020,5.5\n01/03/2020,5.6\n01/04/2020,5.7\n01/05/2020,5.8\n")


def test_dates_in_two_orders_are_refused():
    """A spreadsheet that read half of the dates its own way must not scatter prices over a year."""
    days = [
        "01/13/2020",
        "01/14/2020",
        "01/15/2020",
        "01/16/2020",
        "20/01/2020",
        "21/01/2020",
        "22/01/2020",
    ]
    with pytest.raises(PriceFileError, match="two orders"):
        _read("Date,Close\n" + "".join(f"{day},5.{i}\n" for i, day in enumerate(days)))


def test_a_time_zone_leaves_the_local_day():
    table = _read("Date,Close\n2020-01-02 00:00:00+09:00,5.5\n2020-01-03 00:00:00+09:00,5.6\n")
    assert table.frame.index[0] == pd.Timestamp("2020-01-02")


def test_numbers_without_decimals_that_could_be_thousands_are_refused():
    with pytest.raises(PriceFileError, match="thousands or decimals"):
        _read("Datum;Schluss\n2020-01-02;1.234\n2020-01-03;1.235\n")


def test_a_whole_column_decides_the_decimal_sign():
    table = _read("Datum;Schluss\n2020-01-02;1.234\n2020-01-03;1.235\n2020-01-06;1.236,5\n")
    assert table.close.tolist() == [1234, 1235, 1236.5]


def test_both_decimal_signs_in_one_file_are_refused():
    rows = "".join(f"2020-01-{day:02};{1200 + day}{',.'[day % 2]}5\n" for day in range(1, 21))
    with pytest.raises(PriceFileError, match="both the point and the comma"):
        _read("Date;Close\n" + rows)


def test_volume_units_and_dashes_are_understood():
    table = _read(
        "Date,Close,Vol.\n2020-01-02,5,1.5K\n2020-01-03,5,2M\n2020-01-06,5,-\n2020-01-07,5,0.3B\n"
    )
    np.testing.assert_array_equal(table.frame["Volume"], [1500, 2e6, np.nan, 3e8])
    assert _told(table, "K, M, B")
    assert _told(table, "Volume is missing in 1 row")


def test_a_volume_column_without_volumes_is_left_out():
    table = _read("Date,Close,Volume\n2020-01-02,5,-\n2020-01-03,5,\n")
    assert table.columns == ("Close",)
    assert _told(table, "nothing readable")


def test_a_missing_open_is_filled_and_told_but_a_mostly_missing_one_is_left_out():
    rows = [f"2020-01-{day:02},{'' if day == 5 else 7},8,6,7.5\n" for day in range(1, 11)]
    table = _read("Date,Open,High,Low,Close\n" + "".join(rows))
    assert table.frame["Open"].iloc[4] == 7.5
    assert _told(table, "Open is missing in 1 row; it was filled")
    sparse = _read(
        "Date,Open,Close\n"
        + "".join(f"2020-01-{day:02},{7 if day < 4 else ''},7\n" for day in range(1, 11))
    )
    assert sparse.columns == ("Close",)
    assert _told(sparse, "column was left out")


def test_order_and_duplicates_are_mended_and_told():
    table = _read("Date,Close\n2020-01-03,6\n2020-01-02,5\n2020-01-06,7\n2020-01-06,7\n")
    assert table.close.tolist() == [5, 6, 7]
    assert _told(table, "sorted by date")
    assert _told(table, "date already there")


def test_rows_scattered_over_decades_are_refused():
    """One misspelt year would else become the first day of the index."""
    with pytest.raises(PriceFileError, match="some dates cannot be right"):
        _read("Date,Close\n2020-01-02,5\n2002-01-03,6\n2020-01-06,7\n")


def test_a_high_below_the_close_is_left_as_written_but_told():
    assert _told(
        _read("Date,High,Low,Close\n2020-01-02,5,4,6\n2020-01-03,5,4,5\n"), "outside High and Low"
    )


def test_columns_that_are_not_what_they_are_called_are_refused():
    with pytest.raises(ColumnError, match="High below Low") as caught:
        _read("Date,High,Low,Close\n" + "".join(f"2020-01-{day:02},4,6,5\n" for day in range(1, 9)))
    assert caught.value.columns == ("Date", "High", "Low", "Close")
    assert {"High", "Low"} <= set(caught.value.roles)


def test_a_column_that_is_no_numbers_is_refused():
    with pytest.raises(PriceFileError, match="whose Open is no number"):
        _read("Date,Open,Close\n" + "".join(f"2020-01-{day:02},six,6\n" for day in range(1, 9)))


def test_a_line_cut_short_is_left_out_and_told():
    """Its last number may be half of one.

    2175.5 cut to 217 would look like a crash, cut to 2175 like a price.
    """
    rows = [f"2020-01-{day:02},5.25,6.5,100\n" for day in range(1, 10)]
    table = _read("Date,Open,Close,Volume\n" + "".join(rows) + "2020-01-10,5.25,6")
    assert len(table) == 9
    assert _told(table, "1 line with more or fewer fields")


def test_a_footer_is_left_out_and_told():
    table = _read("Date,Close\n2020-01-02,5\n2020-01-03,5\n\nAll data delayed, see terms\n")
    assert len(table) == 2
    assert _told(table, "no prices")


def test_columns_mapped_by_hand_win():
    text = "Tag;Wert A;Wert B\n2020-01-02;5;6\n2020-01-03;5;6\n"
    with pytest.raises(ColumnError) as caught:
        _read(text)
    assert caught.value.columns == ("Tag", "Wert A", "Wert B")
    assert _read(text, columns={"Date": "Tag", "Close": "Wert B"}).close.tolist() == [6, 6]
    with pytest.raises(ColumnError, match="no column Wert C"):
        _read(text, columns={"Date": "Tag", "Close": "Wert C"})


def test_two_tickers_in_one_file_are_refused():
    two = pd.concat({"^KS11": FRAME, "^N225": FRAME}, axis=1, names=["Ticker", "Price"])
    for frame in (two, two.swaplevel(axis=1)):
        with pytest.raises(PriceFileError, match="2 tickers"):
            _read(frame.to_csv())


def test_many_indices_one_below_the_other_are_refused():
    long = pd.concat([FRAME.assign(Name="A"), (FRAME * 1.1).assign(Name="B")])
    with pytest.raises(ChoiceError, match="2 tickers below each other") as caught:
        _read(long.to_csv())
    assert (caught.value.option, caught.value.choices) == ("ticker", ("A", "B"))
    assert _read(long.to_csv(), ticker="B").close[0] == pytest.approx(1.1 * FRAME["Close"].iloc[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Date,Close\n2020-01-02,1057.03\n2020-01-03,1.057.030.998.551.800\n",
            "1.057.030.998.551.800",
        ),
        (
            "Date,Close\n2020-01-02,1.057.030.998.551.800\n2020-01-03,1.057.030.998.551.801\n",
            "1.057.030.998.551.800",
        ),
        ("Date,Close\n2020-01-02,5e15\n2020-01-03,5e15\n", "so high"),
    ],
)
def test_numbers_that_cannot_be_right_are_refused(text, words):
    with pytest.raises(PriceFileError, match=words.replace(".", r"\.")):
        _read(text)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Open,Close\n1,2\n3,4\n", ("Open", "Close")),
        ("Date,Open,High\n2020-01-02,1,2\n2020-01-03,1,2\n", ("Date", "Open", "High")),
    ],
)
def test_a_column_that_is_not_there_names_those_that_are(text, columns):
    """The page lets a person map these by hand."""
    with pytest.raises(ColumnError) as caught:
        _read(text)
    assert caught.value.columns == columns
    assert columns[0] in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["Date,Close\n", "Date,Close\n2020-01-02,5\n", "Date,Close\n2020-01-02,5\n2020-01-03,null\n"],
)
def test_fewer_than_two_rows_are_refused(text):
    with pytest.raises(TooFewRowsError, match="at least 2"):
        _read(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\x14\x00\x06\x00", "zip archive that is damaged"),
        (b"\x1f\x8b\x08", "gzip"),
        (bytes(range(256)), "not a text file"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"hello\nworld\n", "not a table"),
        (
            b"Date,Open,Close\n" + b"2020-01-02,5,1,6,2\n" * 9,
            "rows of 5 fields under a header of 3",
        ),
    ],
)
def test_what_is_no_csv_is_refused_as_what_it_is(data, words):
    with pytest.raises(PriceFileError, match=words):
        read_prices(data)


def test_too_much_is_refused_before_it_is_read(tmp_path):
    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PriceFileError, match="at most 25 MB"):
        read_prices(big)
    with pytest.raises(PriceFileError, match="at most 25 MB"):
        read_prices(b"x" * (MAX_BYTES + 1))
    with pytest.raises(PriceFileError, match="at most 2,000,000"):
        read_prices(b"Date,Close\n" + b"a,5\n" * (MAX_ROWS + 1))


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path, "bad\0name.csv"):
        with pytest.raises(PriceFileError, match="cannot be opened"):
            read_prices(path)


@pytest.mark.parametrize("columns", [513, 20_000, 200_000])
def test_a_file_of_very_many_columns_is_refused_at_once(columns):
    """Names were made unique by looking each up in a list: 50,000 columns took 43 seconds."""
    data = ("Date,Close" + ",x" * (columns - 2) + "\n" + "1," * (columns - 1) + "1\n").encode()
    began = time.process_time()
    with pytest.raises(PriceFileError, match="at most 512"):
        read_prices(data)
    assert time.process_time() - began < 5


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        with pytest.raises(PriceFileError, match="not a regular file"):
            read_prices(path)


def test_a_table_is_named_by_hand_else_by_its_file(tmp_path):
    path = tmp_path / "my index.csv"
    path.write_bytes(DIALECTS["stooq"](FRAME))
    assert read_prices(path).name == "my index"
    assert read_prices(str(path), name="KOSPI").name == "KOSPI"


def test_equal_tables_have_equal_fingerprints_whatever_the_file():
    prints = {
        read_prices(DIALECTS[d](FRAME)).fingerprint
        for d in ("stooq", "german", "nasdaq", "british short")
    }
    assert len(prints) == 1
