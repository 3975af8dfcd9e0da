"""Digits out of photos and scans: right, or refused; never something else with certainty."""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from rnnapp.data.ink import draw_strokes
from rnnapp.data.paper import find_ink
from rnnapp.data.pictures import read_picture
from rnnapp.data.segments import find_digits, find_one_digit
from rnnapp.errors import InkError
from rnnapp.pretrained import open_net
from tests.support import shared_data

Grey = npt.NDArray[np.float64]
SEVEN = [[(0.1, 0.05), (0.9, 0.0), (0.45, 1.0)], [(0.3, 0.5), (0.85, 0.47)]]
TWO = [[(0.1, 0.25), (0.3, 0.02), (0.7, 0.05), (0.8, 0.3), (0.1, 1.0), (0.9, 1.0)]]
FIVE = [[(0.25, 0.15), (0.2, 0.5), (0.7, 0.5), (0.7, 0.9), (0.1, 1.0)], [(0.25, 0.05), (0.8, 0.0)]]
DIGITS = {7: SEVEN, 2: TWO, 5: FIVE}
SIDE = 360


def ink_of(digit: int, fill: float = 0.5, brush: float = 14) -> Grey:
    """(SIDE, SIDE) 1 where the pen was."""
    return draw_strokes(DIGITS[digit], side=SIDE, brush=brush, fill=fill)[..., 3] / 255


def on_paper(ink: Grey, light: Grey | float = 1.0, noise: float = 0.01) -> npt.NDArray[np.uint8]:
    """Dark ink on paper under a light, as RGBA."""
    grain = np.random.default_rng(0).normal(0, noise, ink.shape)
    grey = np.clip(0.85 * np.asarray(light) * (1 - 0.7 * ink) + grain, 0, 1)
    return np.asarray(Image.fromarray(np.uint8(grey * 255)).convert("RGBA"))


def ruled(step: int, width: int, *, squared: bool, angle: float = 1.0) -> Grey:
    picture = Image.new("L", (2 * SIDE, 2 * SIDE))
    pen = ImageDraw.Draw(picture)
    for place in range(0, 2 * SIDE, step):
        pen.line((0, place, 2 * SIDE, place), fill=255, width=width)
        if squared:
            pen.line((place, 0, place, 2 * SIDE), fill=255, width=width)
    half = SIDE // 2
    turned = picture.rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(turned.crop((half, half, half + SIDE, half + SIDE))) / 255


def half_shadow() -> Grey:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    shadow = (columns + 0.4 * rows > 0.6 * SIDE).astype(float)
    return 1 - 0.5 * ndimage.gaussian_filter(shadow, 1.0)


def answer(picture: npt.NDArray[np.uint8]) -> int:
    return int(open_net("bilstm-draw").probabilities(find_one_digit(picture)).argmax())


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("kind", ["squared", "faint squares", "ruled", "shadow", "frame", "rim"])
def test_what_is_round_the_digit_does_not_change_it(digit: int, kind: str) -> None:
    """Each of these was answered with up to 98% certainty as something else."""
    ink = ink_of(digit)
    light: Grey | float = 1.0
    if kind == "squared":
        ink = np.maximum(ink, ruled(30, 2, squared=True))
    elif kind == "faint squares":
        ink = np.maximum(ink, 0.3 * ruled(24, 3, squared=True))
    elif kind == "ruled":
        ink = np.maximum(ink, ruled(40, 2, squared=False))
    elif kind == "shadow":
        light = half_shadow()
    elif kind == "frame":
        ink[40:320, 40:320] = np.maximum(
            ink[40:320, 40:320], np.pad(np.zeros((272, 272)), 4, constant_values=1)
        )
    else:
        ink = np.pad(ink[8:-8, 8:-8], 8, constant_values=1)
    assert answer(on_paper(ink, light)) == digit


def band_shadow(width: float) -> Grey:
    """The shadow of a window bar, darker than many a pen, across the picture."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    away = np.abs(0.5 * columns + 0.87 * rows - 0.65 * SIDE)
    return 1 - 0.6 * ndimage.gaussian_filter((away < width / 2).astype(float), 1.5)


def hand_shadow() -> Grey:
    """A palm at the left border with fingers as narrow as some strokes."""
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((-70, 120, 80, 270), fill=255)
    for end in ((150, 60), (190, 130), (195, 200), (150, 270)):
        pen.line((20, 195, *end), fill=255, width=26)
    return 1 - 0.5 * ndimage.gaussian_filter(np.asarray(picture) / 255, 2.0)


def corner_shadow() -> Grey:
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    inside = (columns + 0.3 * rows < 20) & (rows - 0.3 * columns < 10)
    return 1 - 0.6 * ndimage.gaussian_filter(inside.astype(float), 1.0)


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("kind", ["band", "wide band", "hand", "corner"])
def test_a_shadow_of_any_shape_is_no_stroke(digit: int, kind: str) -> None:
    """A band was a 1 with 100% certainty, a hand's fingers a part of the digit."""
    light = {
        "band": band_shadow(60),
        "wide band": band_shadow(110),
        "hand": hand_shadow(),
        "corner": corner_shadow(),
    }[kind]
    assert answer(on_paper(ink_of(digit), light)) == digit


def test_a_shadow_with_a_hard_edge_leaves_no_line() -> None:
    """Its edge was a line through the digit: the paper's estimate was smeared over it."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    edge = ndimage.gaussian_filter((columns > 0.3 * rows + 0.4 * SIDE).astype(float), 0.7)
    picture = on_paper(ink_of(2), 1 - 0.65 * edge, noise=0.003)
    (found, *_) = find_ink(picture)
    pen = ndimage.binary_dilation(ink_of(2) > 0.1, iterations=4)
    assert not (found.mask & ~pen).any()


def test_the_shadow_of_a_blind_is_refused_or_read_right() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    stripes = ((rows + 0.2 * columns) % 44 < 22).astype(float)
    light = 1 - 0.55 * ndimage.gaussian_filter(stripes, 1.5)
    for digit in DIGITS:
        try:
            assert answer(on_paper(ink_of(digit), light)) == digit
        except InkError:
            continue


@pytest.mark.parametrize("sides", ["lb", "rt", "lrb", "ltb", "tb", "b", "lrtb"])
@pytest.mark.parametrize("angle", [0.0, 4.0])
def test_a_frame_open_at_one_or_two_sides_is_no_stroke(sides: str, angle: float) -> None:
    """Two or three sides were taken for a part of the digit; a tilted frame was seen too thin."""
    picture = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    low, high = 50, SIDE - 50
    ends = {
        "l": (low, low, low, high),
        "r": (high, low, high, high),
        "t": (low, low, high, low),
        "b": (low, high, high, high),
    }
    for side in sides:
        pen.line(ends[side], fill=255, width=5)
    frame = np.asarray(picture.rotate(angle, Image.Resampling.BICUBIC)) / 255
    for digit in DIGITS:
        assert answer(on_paper(np.maximum(ink_of(digit), frame))) == digit


def test_several_digits_are_counted_and_read_from_the_left() -> None:
    row = np.concatenate([ink_of(7), ink_of(2), ink_of(5)], axis=1)
    picture = on_paper(row)
    with pytest.raises(InkError, match=r"several digits or marks, 3\b"):
        find_one_digit(picture)
    net = open_net("bilstm-draw")
    digits = find_digits(picture).pictures
    assert [int(net.probabilities(digit).argmax()) for digit in digits] == [7, 2, 5]


def test_two_lines_are_read_as_lines() -> None:
    upper = np.concatenate([ink_of(7, 0.7), ink_of(2, 0.7)], axis=1)
    lower = np.concatenate([ink_of(5, 0.7), ink_of(7, 0.7)], axis=1)
    net = open_net("bilstm-draw")
    digits = find_digits(on_paper(np.concatenate([upper, lower]))).pictures
    assert [int(net.probabilities(digit).argmax()) for digit in digits] == [7, 2, 5, 7]


def test_specks_are_no_digits() -> None:
    ink = ink_of(2)
    for place in (20, 60, 330):
        ink[place : place + 6, place : place + 6] = 1
    assert answer(on_paper(ink)) == 2


@pytest.mark.parametrize("side", [28, 60, 1500])
def test_the_size_of_the_picture_does_not_matter(side: int) -> None:
    small = Image.fromarray(on_paper(ink_of(5, 0.8, 30))).resize((side, side))
    assert answer(np.asarray(small)) == 5


def test_a_large_pale_picture_of_a_thin_line_is_read() -> None:
    """Scaled down, its line was fainter than paper: its width was NaN, which passed every check."""
    ink = draw_strokes(TWO, side=1000, brush=2)[..., 3] / 255
    grey = np.uint8(255 * (0.95 - 0.25 * ink))
    assert answer(np.asarray(Image.fromarray(grey).convert("RGBA"))) == 2


@pytest.mark.parametrize("levels", [(0.95, 0.88), (0.3, 0.38)])
def test_a_pale_picture_without_noise_is_read(levels: tuple[float, float]) -> None:
    """Two colours of a palette may lie close to each other: it was blank, or nine digits."""
    paper, pen = levels
    grey = np.uint8(255 * (paper + (pen - paper) * ink_of(2)))
    assert answer(np.asarray(Image.fromarray(grey).convert("RGBA"))) == 2


def test_chalk_on_a_board_is_read() -> None:
    picture = on_paper(ink_of(7), half_shadow()).copy()
    picture[..., :3] = 255 - picture[..., :3]
    assert answer(picture) == 7


def test_a_transparent_drawing_is_read_whatever_its_colour() -> None:
    for colour in (0, 255):
        picture = np.full((SIDE, SIDE, 4), colour, np.uint8)
        picture[..., 3] = 255 * ink_of(2)
        assert answer(picture) == 2


def test_a_card_with_clear_corners_is_read_by_its_ink() -> None:
    picture = on_paper(ink_of(5)).copy()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    picture[..., 3] = 255 * (np.hypot(rows - SIDE / 2, columns - SIDE / 2) < 0.48 * SIDE)
    assert answer(picture) == 5


@pytest.mark.parametrize("kind", ["blank", "noise", "gradient", "blot", "wide"])
def test_what_is_no_digit_is_refused(kind: str) -> None:
    ink = np.zeros((SIDE, SIDE))
    light: Grey | float = 1.0
    noise = 0.01
    if kind == "noise":
        noise = 0.2
    elif kind == "gradient":
        light = np.linspace(0.4, 1, SIDE)[None, :] * np.ones((SIDE, 1))
    elif kind == "blot":
        ink[100:250, 120:240] = 1
    elif kind == "wide":
        ink[170:185, 40:320] = 1
    with pytest.raises(InkError) as error:
        find_one_digit(on_paper(ink, light, noise))
    assert error.value.remedy


def test_the_shared_pictures_come_out_as_they_are_labelled() -> None:
    """Real photos and scans; what holds several digits is refused as such."""
    folder = shared_data("drawn_digits.json").parents[1] / "cases" / "pictures"
    files = sorted(folder.glob("*.*"))
    if not files:
        pytest.skip(f"no pictures in {folder}")
    for file in files:
        if "refuse" in file.stem:
            with pytest.raises(InkError, match="several"):
                find_one_digit(read_picture(file))
        else:
            assert answer(read_picture(file)) == int(file.stem[-1]), file.name


def mutate_picture(seed: int) -> npt.NDArray[np.uint8]:
    """A digit's picture changed at random.

    Cropped, stretched, washed out, torn, inverted, made clear.
    """
    rng = np.random.default_rng(seed)
    ink = ink_of(
        int(rng.choice(list(DIGITS))), float(rng.uniform(0.05, 1.2)), float(rng.uniform(1, 60))
    )
    picture = on_paper(ink * rng.uniform(0, 1), rng.uniform(0.01, 1.1), rng.uniform(0, 0.2)).copy()
    height, width = rng.integers(1, SIDE, 2)
    picture = picture[int(rng.integers(0, SIDE - height)) :][:height, -int(width) :]
    for _ in range(int(rng.integers(0, 3))):
        place = rng.integers(0, max(picture.shape), 2)
        picture[place[0] :, place[1] :] = rng.integers(0, 256, 4)
    if rng.random() < 0.2:
        picture = 255 - picture
    if rng.random() < 0.2:
        picture[..., 3] = picture[..., 0]
    if rng.random() < 0.1:
        picture = rng.integers(0, 256, (int(height), int(width), 4)).astype(np.uint8)
    size = (int(rng.integers(1, 500)), int(rng.integers(1, 500)))
    if rng.random() < 0.3:
        picture = np.asarray(Image.fromarray(picture).resize(size))
    return np.ascontiguousarray(picture)


@pytest.mark.parametrize("seed", range(40))
def test_no_picture_ends_in_anything_but_digits_or_our_own_error(seed: int) -> None:
    with contextlib.suppress(InkError):
        digits = find_digits(mutate_picture(seed)).pictures
        assert digits.shape[1:] == (28, 28)
        assert digits.max(axis=(1, 2)).min() > 100
