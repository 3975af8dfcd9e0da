"""Digits written from templates: MNIST's form, every style of every class, the same for a seed."""

from __future__ import annotations

import numpy as np

from rnnapp.data.handwriting import STYLES, write_digits


def test_every_class_has_styles_and_every_style_is_written_in_turn() -> None:
    assert sorted(STYLES) == list(range(10))
    count = sum(len(styles) for styles in STYLES.values())
    _, classes = write_digits(count, np.random.default_rng(0))
    for digit, styles in STYLES.items():
        assert (classes == digit).sum() == len(styles)


def test_pictures_have_the_form_of_mnist() -> None:
    """A box of 20 pixels with the centre of its ink in the middle."""
    pictures, _ = write_digits(94, np.random.default_rng(1))
    assert (pictures.shape, pictures.dtype) == ((94, 28, 28), np.uint8)
    for picture in pictures.astype(float):
        rows, columns = np.nonzero(picture > 20)
        assert max(np.ptp(rows), np.ptp(columns)) <= 22
        share = picture / picture.sum()
        middle = [(share.sum(axis) * np.arange(28)).sum() for axis in (0, 1)]
        assert np.abs(np.array(middle) - 14).max() < 1.5


def test_no_two_of_a_style_are_alike_and_a_seed_repeats_them() -> None:
    one, classes = write_digits(94, np.random.default_rng(2))
    assert (one[:47] != one[47:]).any(axis=(1, 2)).all()
    again, _ = write_digits(94, np.random.default_rng(2))
    np.testing.assert_array_equal(one, again)
    assert (classes[:47] == classes[47:]).all()
