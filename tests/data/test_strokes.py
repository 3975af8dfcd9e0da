"""What a pen made has one width and one darkness; shadows and stains have not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rnnapp.data.ink import draw_strokes
from rnnapp.data.strokes import measure_strokes

Grey = npt.NDArray[np.float32]
EIGHT = [[(0.8, 0.1), (0.3, 0.0), (0.2, 0.3), (0.8, 0.7), (0.6, 1.0), (0.2, 0.9), (0.8, 0.1)]]


def eight(brush: float = 16) -> Grey:
    """(300, 300) ink of one pen."""
    return np.asarray(draw_strokes(EIGHT, side=300, brush=brush)[..., 3] / 255, np.float32)


@pytest.mark.parametrize("brush", [3, 16, 40])
def test_one_pen_has_one_width_and_one_darkness(brush: float) -> None:
    ink = eight(brush)
    strokes = measure_strokes(ink, ink > 0.45)
    assert strokes.drawn
    assert strokes.width == pytest.approx(brush / 300, rel=0.25, abs=0.004)


def test_a_blot_on_a_digit_shows() -> None:
    ink = eight(8)
    ink[100:220, 140:260] = 1
    assert measure_strokes(ink, ink > 0.45).blotted


def test_a_digit_beside_a_much_wider_band_shows() -> None:
    """Most of the ink is the band's, so the usual width is the band's, too."""
    ink = eight(8)
    ink[:, 200:290] = 1
    assert measure_strokes(ink, ink > 0.45).blotted


def test_a_band_that_hides_the_digit_shows() -> None:
    """A band as wide as a third of the picture was read as a 1 with 100% certainty."""
    ink = np.zeros((300, 300), np.float32)
    ink[:, 100:200] = 1
    assert measure_strokes(ink, ink > 0.45).blotted


def test_a_lighter_band_from_the_border_is_cut_off_by_its_darkness() -> None:
    ink = eight(16)
    band = np.zeros_like(ink)
    band[120:150] = 0.6
    ink = np.maximum(ink, band)
    cut = measure_strokes(ink, ink > 0.45).cut
    assert cut is not None
    assert 0.6 < cut < 1


def test_a_pen_that_fades_is_still_a_pen() -> None:
    ink = eight(16) * np.linspace(0.55, 1, 300, dtype=np.float32)[:, None]
    assert measure_strokes(ink, ink > 0.45).drawn


def test_stripes_cross_the_border_more_often_than_a_digit() -> None:
    ink = np.zeros((300, 300), np.float32)
    ink[20::40] = 1
    ink[21::40] = 1
    ink[22::40] = 1
    assert measure_strokes(ink, ink > 0.45).entries == 14
