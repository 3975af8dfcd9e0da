"""A drawing file comes from anywhere.

What is wrong with it is said, and what is right comes back as it was.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnnapp.data.drawings import Drawing, digits_of, drawings_to_json, read_drawings, unit_strokes
from rnnapp.errors import DataError
from tests.support import shared_data

ONE = Drawing(1, (((10.0, 10.0), (10.0, 60.0)),), "a hand")


def test_round_trip():
    (back,) = read_drawings(drawings_to_json([ONE]).encode())
    assert (back.label, back.source) == (1, "a hand")
    assert back.strokes == (((0.0, 0.0), (0.0, 1.0)),)


def test_unit_strokes_keep_the_shape():
    assert unit_strokes([[(10, 20), (14, 20)], [], [(12, 22)]]) == [[[0, 0], [1, 0]], [[0.5, 0.5]]]


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ({"label": 1}, "strokes"),
        ({"label": 11, "strokes": [[[0, 0]]]}, "11"),
        ({"label": True, "strokes": [[[0, 0]]]}, "True"),
        ({"label": 1, "strokes": []}, "0 points"),
        ({"label": 1, "strokes": [[[0, float("nan")]]]}, "numbers"),
        ({"label": 1, "strokes": [[["x", 1]]]}, "x"),
        (7, "Drawing 2"),
    ],
)
def test_a_bad_entry_is_named(entry: object, names: str):
    good = {"label": 1, "strokes": [[[0, 0], [0, 1]]]}
    with pytest.raises(DataError, match="Drawing 2") as error:
        read_drawings(json.dumps([good, entry]).encode())
    assert names in str(error.value)


def test_what_is_no_list_is_refused(tmp_path):
    for content in (b"{", b"{}", b"[]", b"\xff"):
        with pytest.raises(DataError, match="drawings"):
            read_drawings(content)
    with pytest.raises(DataError, match="cannot be opened"):
        read_drawings(tmp_path / "none.json")


def test_a_refused_drawing_keeps_its_place():
    """Labels and pictures must stay in step when one drawing in the middle is a dot."""
    pictures, labels, refusals = digits_of([ONE, Drawing(4, (((0.0, 0.0),),)), ONE])
    assert labels.tolist() == [1, 4, 1]
    assert [bool(r) for r in refusals] == [False, True, False]
    assert pictures[1].max() == 0
    assert np.array_equal(pictures[0], pictures[2])


def test_the_shared_file_is_read():
    drawings = read_drawings(shared_data("drawn_digits.json"))
    assert len(drawings) == 500
    assert {d.label for d in drawings} == set(range(10))
