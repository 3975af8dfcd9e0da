"""Drawings must reach the net as MNIST would hold them, however they were drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.data.ink import CANVAS, draw_strokes, fit_box, to_digit
from rnnapp.errors import InkError
from tests.support import shared_data

SEVEN = [[(0, 0), (6, 0), (3, 5), (2.5, 10)]]
FIVE = [[(6, 0), (1, 0), (0.5, 4), (4, 3.6), (6, 6), (4, 9.5), (0, 9)]]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two pictures, 1 for the same."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def aligned(one: np.ndarray, other: np.ndarray) -> float:
    """Likeness where the centre of mass may have been rounded to the next pixel."""
    steps = (-1, 0, 1)
    return max(
        likeness(one, np.roll(other, (down, right), (0, 1))) for down in steps for right in steps
    )


def test_mnist_geometry():
    """The net was trained on digits 20 pixels high with their mass in the middle.

    Anything else is another task.
    """
    digit = to_digit(draw_strokes(FIVE))
    rows, columns = np.nonzero(digit.max(1))[0], np.nonzero(digit.max(0))[0]
    assert digit.shape == (28, 28)
    assert digit.dtype == np.uint8
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    total = digit.sum(dtype=float)
    assert abs((digit.sum(1) @ np.arange(28)) / total - 14) <= 0.6
    assert abs((digit.sum(0) @ np.arange(28)) / total - 14) <= 0.6
    assert digit[[0, -1]].max() == digit[:, [0, -1]].max() == 0


@pytest.mark.parametrize("brush", [6, 10, 26, 34])
def test_the_brush_does_not_matter(brush: int):
    assert aligned(to_digit(draw_strokes(FIVE)), to_digit(draw_strokes(FIVE, brush=brush))) > 0.9


@pytest.mark.parametrize("fill", [0.35, 0.5, 0.9])
def test_the_size_does_not_matter(fill: float):
    assert aligned(to_digit(draw_strokes(FIVE)), to_digit(draw_strokes(FIVE, fill=fill))) > 0.9


@given(st.floats(-0.25, 0.25), st.floats(-0.25, 0.25))
@settings(max_examples=20, deadline=None)
def test_the_place_does_not_matter(right: float, down: float):
    assert (
        aligned(
            to_digit(draw_strokes(SEVEN, fill=0.4)),
            to_digit(draw_strokes(SEVEN, fill=0.4, shift=(right, down))),
        )
        > 0.95
    )


def test_ink_and_paper_may_change_places():
    """Dark on light, light on dark, faint pencil, on paper or on nothing: the same digit."""
    canvas = draw_strokes(FIVE)
    digit, alpha = to_digit(canvas), canvas[..., 3]
    opaque = np.full_like(alpha, 255)
    for picture in (
        alpha,
        255 - alpha,
        (200 - alpha * 0.4).astype(np.uint8),
        np.dstack([255 - alpha] * 3),
        np.dstack([alpha, alpha, alpha, opaque]),
        np.dstack([opaque, opaque, opaque, alpha]),
    ):
        assert likeness(digit, to_digit(picture)) > 0.99


def test_a_blank_canvas_is_refused():
    for blank in (
        np.zeros((CANVAS, CANVAS, 4), np.uint8),
        np.full((CANVAS, CANVAS, 3), 255, np.uint8),
    ):
        with pytest.raises(InkError, match="blank"):
            to_digit(blank)


@pytest.mark.parametrize("brush", [8, 18, 30])
def test_a_dot_is_refused(brush: int):
    with pytest.raises(InkError, match="dot"):
        to_digit(draw_strokes([[(0, 0)]], brush=brush))
    with pytest.raises(InkError, match="dot"):
        to_digit(draw_strokes([[(0, 0), (1, 1)]], brush=brush, fill=0.5 * brush / CANVAS))


@pytest.mark.parametrize("brush", [8, 18, 30])
def test_a_scribble_over_everything_is_refused(brush: int):
    zigzag = [[(i / 30, i % 2) for i in range(31)]]
    tangle = [np.random.default_rng(0).random((80, 2)).tolist()]
    for scribble in (zigzag, tangle):
        with pytest.raises(InkError, match="digit"):
            to_digit(draw_strokes(scribble, brush=brush, fill=0.9))


def test_a_picture_of_no_sense_is_refused():
    for picture in (
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((3,), np.uint8),
        np.zeros((0, 4, 4), np.uint8),
    ):
        with pytest.raises(InkError, match="shape"):
            to_digit(picture)


def test_strokes_without_points_are_refused():
    with pytest.raises(InkError, match="no strokes"):
        draw_strokes([[]])


def test_no_real_drawing_is_refused():
    """A check that turns real hands away is worse than none."""
    for entry in json.loads(shared_data("drawn_digits.json").read_bytes())[::7]:
        for brush in (8, 18, 26):
            to_digit(draw_strokes(entry["strokes"], brush=brush))


def test_strokes_reach_mnist_weight():
    """Ink of all drawings together is within a fifth of MNIST's mean of 0.13, thin or thick."""
    entries = json.loads(shared_data("drawn_digits.json").read_bytes())[::11]
    for brush in (8, 24):
        mean = np.mean([to_digit(draw_strokes(e["strokes"], brush=brush)) for e in entries]) / 255
        assert 0.104 < mean < 0.156


def test_fit_box_keeps_the_aspect():
    ink = np.zeros((60, 60), np.float32)
    ink[10:50, 20:30] = 1
    digit = fit_box(ink)
    assert (digit > 128).sum(1).max() == 5
    assert (digit > 128).sum(0).max() == 20
