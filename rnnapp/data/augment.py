"""Small random changes to batches of digits, on the batch's device.

Each digit is turned, shifted, scaled and sheared by its own amounts; all draws come from the
caller's generator, so a run can be repeated and resumed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from rnnapp.data.ink import fit_box

__all__ = ["Affine", "slash_zeros"]


@dataclass(frozen=True)
class Affine:
    """A random affine map a picture, and optionally bending and stroke weight.

    Attributes:
        background: value of empty paper, also outside the moved picture.
        turn: largest angle, degrees.
        shift: largest move along each axis, pixels.
        zoom: largest relative change of size along each axis.
        shear: largest sideways lean, in widths a height.
        bend: largest local shift of an elastic grid of 5x5 knots, pixels (Simard, Steinkraus and
            Platt, 2003, in small).
        weight: largest share by which strokes are made heavier (towards the 3x3 maximum) or lighter
            (towards the minimum).
    """

    background: float = 0.0
    turn: float = 12.0
    shift: float = 1.5
    zoom: float = 0.12
    shear: float = 0.15
    bend: float = 0.0
    weight: float = 0.0

    def __call__(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """(B, H, W) float -> the same shape, each picture changed by its own draw."""
        pictures = (batch - self.background)[:, None]  # (B, 1, H, W), paper at 0
        if self.weight:
            pictures = self._change_weight(pictures, generator)
        grid = functional.affine_grid(
            self._draw_maps(batch, generator), list(pictures.shape), align_corners=False
        )  # (B, H, W, 2)
        if self.bend:
            grid = grid + self._draw_bends(batch, generator)
        return functional.grid_sample(pictures, grid, align_corners=False)[:, 0] + self.background

    def _draw_maps(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 2, 3) maps from the new picture's places to the old one's, in half sides."""
        draws = _draw_uniform(batch, (len(batch), 6), generator)
        angle = draws[:, 0] * math.radians(self.turn)
        lean = draws[:, 1] * self.shear
        wide = 1 + draws[:, 2] * self.zoom
        high = 1 + draws[:, 3] * self.zoom
        across, down = (draws[:, 4:] * (2 * self.shift / batch.shape[-1])).unbind(1)
        cos = angle.cos()
        sin = angle.sin()
        rows = [
            wide * cos,
            wide * (lean * cos - sin),
            across,
            high * sin,
            high * (lean * sin + cos),
            down,
        ]
        return torch.stack(rows, 1).view(-1, 2, 3)

    def _draw_bends(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        knots = _draw_uniform(batch, (len(batch), 2, 5, 5), generator) * (
            2 * self.bend / batch.shape[-1]
        )
        size = (batch.shape[1], batch.shape[2])
        return functional.interpolate(knots, size, mode="bicubic", align_corners=True).permute(
            0, 2, 3, 1
        )

    def _change_weight(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        amount = _draw_uniform(pictures, (len(pictures), 1, 1, 1), generator) * self.weight
        heavier = functional.max_pool2d(pictures, 3, 1, 1) - pictures
        lighter = -functional.max_pool2d(-pictures, 3, 1, 1) - pictures
        return pictures + torch.where(amount > 0, heavier, lighter) * amount.abs()


def slash_zeros(zeros: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Zeros with a stroke through them, as some hands write them and MNIST has none.

    Args:
        zeros: (N, 28, 28) uint8.
        rng: draws each stroke's ends, slant and width.

    Returns:
        (N, 28, 28) uint8, placed anew, since the stroke may reach outside the ring.
    """
    if not len(zeros):
        return zeros
    return np.stack([_slash_zero(zero, rng) for zero in zeros])


def _slash_zero(zero: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    fine = 4
    margin = 28
    large = np.asarray(
        Image.fromarray(zero).resize((28 * fine, 28 * fine), Image.Resampling.BICUBIC)
    )
    rows, columns = np.nonzero(zero > 100)
    top = fine * rows.min() + margin
    bottom = fine * (rows.max() + 1) + margin
    left = fine * columns.min() + margin
    right = fine * (columns.max() + 1) + margin
    over = rng.uniform(-0.2, 0.3, 4) * np.array(
        [right - left, bottom - top] * 2
    )  # how far the ends reach outside the ring
    start = [left - over[0], bottom + over[1]]
    end = [right + over[2], top - over[3]]
    if rng.random() < 0.2:  # upright
        start[0] = end[0] = (left + right) / 2
        start[0] += rng.uniform(-fine, fine)
    if rng.random() < 0.08:  # leaning the other way
        start[1], end[1] = end[1], start[1]
    picture = Image.fromarray(np.pad(large, margin))
    radius = rng.uniform(3, 6.5)
    pen = ImageDraw.Draw(picture)
    pen.line([*start, *end], fill=255, width=round(2 * radius))
    for x, y in (start, end):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return fit_box(np.asarray(np.asarray(picture) / 255, np.float32))


def _draw_uniform(like: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Even draws in -1..1 on the device of ``like``."""
    return torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype) * 2 - 1
