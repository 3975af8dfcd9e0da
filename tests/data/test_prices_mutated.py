"""Whatever happens to a file, reading it ends in a table that holds its promises, or in an error.

The error is one of our own.
"""

from __future__ import annotations

import os
import random
import re
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.errors import RnnappError
from tests.data.dialects import DIALECTS, check_invariants
from tests.support import random_walk

_FRAME = random_walk(30, seed=4).frame.round(2)
_GOOD = {name: write(_FRAME) for name, write in DIALECTS.items()}


def _flip_bytes(data: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 40])):
        spoilt[rng.randrange(len(spoilt))] = (
            rng.randrange(256) if rng.random() < 0.5 else rng.choice(b'0123456789.,;-"/ \n\te')
        )
    return bytes(spoilt)


def _drop_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice([1, 1, 3, 30]) :]


def _insert_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    words = [
        b'"',
        b"\n",
        b"null",
        b"NaN",
        b",,,",
        b";",
        b"\xff",
        b"\x00",
        b"1e9",
        b"-",
        b"inf",
        b"1.057.030.998.551.800",
        b"0",
        b"9" * 400,
    ]
    return data[:start] + rng.choice(words) + data[start:]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 1, 3, 10])):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                lines[i : i + 1] = []
            case 1:
                lines.insert(i, lines[j])
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
            case _:
                lines[i] = lines[i][: rng.randrange(len(lines[i]) + 1)]
        if not lines:
            return b""
    return b"\n".join(lines)


def _shuffle_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _swap_signs(data: bytes, rng: random.Random) -> bytes:
    old, new = rng.sample([b",", b".", b";", b"\t", b"-", b"/", b" ", b'"'], 2)
    if rng.random() < 0.5:
        return data.replace(old, new)
    return data.replace(old, b"\0").replace(new, old).replace(b"\0", new)


def _shuffle_columns(data: bytes, rng: random.Random) -> bytes:
    rows = [line.split(b",") for line in data.split(b"\n")]
    order = list(range(max(map(len, rows))))
    rng.shuffle(order)
    rows = [[row[i] for i in order if i < len(row)] for row in rows]
    return b"\n".join(
        b",".join(row[: rng.choice([len(order), len(order), 1])] if rng.random() < 0.02 else row)
        for row in rows
    )


def _reorder_dates(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for i in range(1, len(lines)):
        day, sign, rest = lines[i].partition(b",")
        parts = day.split(b"-")
        if sign and len(parts) == 3 and rng.random() < 0.5:
            lines[i] = rng.choice([b"/", b".", b"-"]).join(rng.sample(parts, 3)) + sign + rest
    return b"\n".join(lines)


def _misdate(data: bytes, rng: random.Random) -> bytes:
    """Years of other calendars, fillers and days that are none, in some rows or in all."""
    years = re.findall(rb"(?<!\d)(?:19|20)\d\d(?!\d)", data)
    if not years:
        return data
    share = rng.choice([0.02, 0.3, 1.0])
    word = rng.choice(
        [
            b"9999",
            b"0000",
            b"0001",
            b"1402",
            b"2567",
            b"113",
            b"99",
            b"6",
            b"3000",
            b"10000",
            b"99999",
            b"-5",
        ]
    )
    shift = rng.choice([0, 543, -1911, -2018, -1988, 100, -100])

    def changed(found: re.Match[bytes]) -> bytes:
        if rng.random() > share:
            return found[0]
        if shift:
            return str(abs(int(found[0]) + shift)).encode()
        return word

    return re.sub(rb"(?<!\d)(?:19|20)\d\d(?!\d)", changed, data)


def _impossible_days(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    days = [
        b"31/12/9999",
        b"00/00/0000",
        b"2024-02-30",
        b"1900-01-00",
        b"32.13.2020",
        b"R0.0.0",
        b"25:61:61",
        b"1e18",
        b"99999999999999999999",
        b"-1",
        b"9999-12-31 23:59:59",
        b"0000-00-00T00:00:00Z",
    ]
    for i in range(1, len(lines)):
        _, sign, rest = lines[i].partition(b",")
        if sign and rng.random() < rng.choice([0.02, 0.5, 1.0]):
            lines[i] = rng.choice(days) + sign + rest
    return b"\n".join(lines)


_MUTATIONS = (
    _misdate,
    _impossible_days,
    _flip_bytes,
    _drop_bytes,
    _insert_bytes,
    _cut,
    _lines,
    _shuffle_lines,
    _swap_signs,
    _shuffle_columns,
    _reorder_dates,
)


def _outcome(data: bytes) -> PriceTable | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read_prices(data)
        except RnnappError as error:
            message = str(error)
            assert message
            assert message.endswith(".")
            assert "\n" not in message
            return None


@settings(
    max_examples=int(os.environ.get("RNNAPP_MUTATIONS", "300")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.sampled_from(sorted(_GOOD)), st.integers(0, 2**32))
def test_a_spoilt_file_ends_in_a_sound_table_or_in_our_own_error(dialect, seed):
    """A traceback on a page is the one answer a person can do nothing with."""
    data, rng = _GOOD[dialect], random.Random(seed)
    for mutate in rng.choices(_MUTATIONS, k=rng.choice([1, 1, 2, 3])):
        data = mutate(data, rng) if data else data
    table = _outcome(data)
    if table is not None:
        check_invariants(table)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_bytes_that_never_were_a_file_end_the_same_way(data):
    table = _outcome(data)
    if table is not None:
        check_invariants(table)


@pytest.mark.parametrize("place", range(0, 400, 23))
def test_a_file_cut_anywhere_keeps_only_true_rows(place):
    """A half-finished download must not invent a last price.

    A cut inside the last number is the one thing it cannot see.
    """
    data = _GOOD["stooq"]
    table = _outcome(data[: len(data) - place])
    assert table is not None
    whole = _FRAME.iloc[: len(table) - 1]
    assert (table.frame.index[:-1] == whole.index).all()
    assert (table.close[:-1] == whole["Close"].to_numpy()).all()
