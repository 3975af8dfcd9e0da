"""Matrix products for compiled code, in tiles that fill the registers, and sums over rows.

A matrix is a pointer with two strides. Its columns lie in vectors of ``net.lanes`` values. Every
sum runs over its products in their order, however the matrix is cut into tiles: sizes known at run
time and sizes compiled in give the same bits. Where ``net.group`` windows lie side by side, a row
is such a group, and the sums of each window stay apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit

from rnnapp.training.kernels.simd import (
    load,
    make_tile,
    shift,
    store,
    transpose_block,
)

__all__ = ["Matrix", "add_row_sums", "inline", "multiply_add", "outline", "transpose_weights"]

inline: Any = njit(forceinline=True, error_model="numpy")
outline: Any = njit(error_model="numpy")


class Matrix(NamedTuple):
    """Where a matrix lies.

    Attributes:
        data: pointer to its first value.
        row: values from one row to the next.
        column: values from one column to the next; from one vector of columns to the next where
            they are read as vectors.
    """

    data: Any
    row: Any
    column: Any


_tile_1x1 = make_tile(1, 1)
_tile_2x1 = make_tile(2, 1)
_tile_3x1 = make_tile(3, 1)
_tile_4x1 = make_tile(4, 1)
_tile_8x1 = make_tile(8, 1)
_tile_1x2 = make_tile(1, 2)
_tile_2x2 = make_tile(2, 2)
_tile_3x2 = make_tile(3, 2)
_tile_4x2 = make_tile(4, 2)
_tile_1x3 = make_tile(1, 3)
_tile_2x3 = make_tile(2, 3)
_tile_3x3 = make_tile(3, 3)
_tile_4x3 = make_tile(4, 3)


@outline
def multiply_add(net, rows, vectors, count, start, a, b, out):
    """out = start + A B.

    Args:
        rows: of A, start and out.
        vectors: of columns of B, start and out.
        count: columns of A and rows of B, above 0.
        start: what the sums begin with; strides of 0 repeat it.
        a: read value by value.
        b, start, out: read and written in vectors of columns.
    """
    v = 0
    while v < vectors:
        left = vectors - v
        start_v = _from_column(start, v)
        b_v = _from_column(b, v)
        out_v = _from_column(out, v)
        if left >= 3 and left != 4:
            _multiply_three(net, rows, count, start_v, a, b_v, out_v)
            v += 3
        elif left >= 2:
            _multiply_two(net, rows, count, start_v, a, b_v, out_v)
            v += 2
        else:
            _multiply_one(net, rows, count, start_v, a, b_v, out_v)
            v += 1


@inline
def _multiply_three(net, rows, count, start, a, b, out):
    r = 0
    while rows - r >= 6 or rows - r == 4:
        _tile_4x3(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 4
    if rows - r >= 3:
        _tile_3x3(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 3
    if rows - r == 2:
        _tile_2x3(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
    elif rows - r == 1:
        _tile_1x3(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))


@inline
def _multiply_two(net, rows, count, start, a, b, out):
    r = 0
    while rows - r >= 6 or rows - r == 4:
        _tile_4x2(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 4
    if rows - r >= 3:
        _tile_3x2(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 3
    if rows - r == 2:
        _tile_2x2(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
    elif rows - r == 1:
        _tile_1x2(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))


@inline
def _multiply_one(net, rows, count, start, a, b, out):
    r = 0
    while rows - r >= 8:
        _tile_8x1(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 8
    if rows - r >= 4:
        _tile_4x1(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
        r += 4
    if rows - r == 3:
        _tile_3x1(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
    elif rows - r == 2:
        _tile_2x1(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))
    elif rows - r == 1:
        _tile_1x1(net, count, _from_row(start, r), _from_row(a, r), b, _from_row(out, r))


@inline
def _from_row(matrix, r):
    return Matrix(shift(matrix.data, r * matrix.row), matrix.row, matrix.column)


@inline
def _from_column(matrix, v):
    return Matrix(shift(matrix.data, v * matrix.column), matrix.row, matrix.column)


@inline
def add_row_sums(net, rows, vectors, a, out):
    """Add to ``out`` the sum of all rows of A, vector by vector."""
    for v in range(vectors):
        total = load(net, out, v * net.lanes)
        for r in range(rows):
            total += load(net, a.data, r * a.row + v * a.column)
        store(out, v * net.lanes, total)


@inline
def transpose_weights(net, panels, rows, source, target):
    """Lay a weight matrix out for the way back.

    Args:
        panels: vectors of columns of the matrix.
        rows: of the matrix, a multiple of net.lanes // net.group.
        source: [panel][row][lane], as the way forward reads it.
        target: the same of the transposed matrix.
    """
    side = net.lanes // net.group
    square = side * net.lanes
    for panel in range(panels):
        for block in range(rows // side):
            transpose_block(
                net,
                shift(source, panel * rows * net.lanes + block * square),
                shift(target, block * panels * square + panel * square),
            )
