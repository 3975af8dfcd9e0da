"""A vector of float32 lanes as a value inside compiled code, and the matrix tile made of such
vectors.

Loops over twenty windows and eight units are too short for the compiler to vectorise by itself, so
the kernels do it
explicitly: ``load`` a vector, do arithmetic on it, ``store`` it. LLVM maps it on whatever
    registers the processor has.
The arithmetic is plain IEEE, so a NaN that enters comes out.

Memory is addressed by bare float32 pointers (``pointer_to`` an array, ``shift`` by a number of
values): they cost no reference counting. How many lanes a vector has follows from the type of the
first argument, anything with an attribute ``lanes``. Where that has a ``group`` above 1, so many
independent numbers lie side by side and each is meant wherever one number would be. The module
knows nothing of nets.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "PACKINGS",
    "PROCESSOR",
    "Packing",
    "Vector",
    "add_lanes",
    "add_neighbours",
    "add_units",
    "fill_lanes",
    "fma",
    "larger_of",
    "load",
    "make_tile",
    "pointer_to",
    "repeat_values",
    "shift",
    "smaller_of",
    "spread",
    "square_root",
    "store",
    "transpose_block",
]

_FEATURES = llvm.get_host_cpu_features()
_NAME = llvm.get_host_cpu_name()
PROCESSOR = f"{_NAME} {_FEATURES.flatten()}"


class Packing(NamedTuple):
    """How windows and units fill a vector.

    Attributes:
        lanes: float32 numbers in a vector.
        group: windows that lie side by side in it.
    """

    lanes: int
    group: int


PACKINGS: tuple[Packing, ...] = (Packing(8, 1),)
"""What to compile for: eight lanes fill a register of AVX, and two of NEON; sixteen fill one of
AVX-512, where two windows lie in each vector if one's units would leave more lanes empty."""
if _FEATURES.get("avx512f", False) and _NAME != "znver4":  # Zen 4 halves wide vectors
    PACKINGS = (Packing(16, 1), Packing(16, 2))

_FLOAT = ir.FloatType()
_INDEX = ir.IntType(32)
_POINTER = types.CPointer(types.float32)  # type: ignore[attr-defined]


class Vector(types.Type):
    """So many float32 numbers."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(f"Vector({lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager, vector):
        super().__init__(manager, vector, ir.VectorType(_FLOAT, vector.lanes))


def _define_operator(function, instruction):
    @infer_global(function)
    class _Typing(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args, kws):
            if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(function, Vector, Vector)
    def _lower(context, builder, sig, args):
        return getattr(builder, instruction)(*args)


for _name, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _define_operator(getattr(operator, _name), _instruction)
    _define_operator(getattr(operator, "i" + _name), _instruction)


@intrinsic
def pointer_to(typing, array):
    """The address of a float32 array's first value."""

    def build(context, builder, sig, args):
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return _POINTER(array), build


@intrinsic
def shift(typing, pointer, count):
    """A pointer moved on by so many values."""

    def build(context, builder, sig, args):
        return builder.gep(args[0], [args[1]])

    return _POINTER(_POINTER, types.intp), build


@intrinsic
def load(typing, like, pointer, index):
    """The vector of values from an index on."""

    def build(context, builder, sig, args):
        return _load_at(builder, args[1], args[2], sig.return_type.lanes)

    return Vector(like.lanes)(like, _POINTER, types.intp), build


@intrinsic
def store(typing, pointer, index, value):
    """Put a vector into memory, from an index on."""

    def build(context, builder, sig, args):
        _store_at(builder, args[0], args[1], args[2])
        return context.get_dummy_value()

    return types.none(_POINTER, types.intp, value), build


@intrinsic
def fill_lanes(typing, like, number):
    """One number in every lane."""

    def build(context, builder, sig, args):
        return _broadcast(builder, args[1], sig.return_type.lanes)

    return Vector(like.lanes)(like, types.float32), build


@intrinsic
def spread(typing, like, pointer, index):
    """One number of the memory in every lane."""

    def build(context, builder, sig, args):
        number = builder.load(builder.gep(args[1], [args[2]]))
        return _broadcast(builder, number, sig.return_type.lanes)

    return Vector(like.lanes)(like, _POINTER, types.intp), build


@intrinsic
def fma(typing, a, b, c):
    """a * b + c, in one rounding where the processor can."""

    def build(context, builder, sig, args):
        return _call(builder, "fmuladd", args)

    return a(a, a, a), build


@intrinsic
def square_root(typing, value):
    """Square roots."""

    def build(context, builder, sig, args):
        return _call(builder, "sqrt", args)

    return value(value), build


def _make_clamp(comparison):
    @intrinsic
    def clamp(typing, value, bound):
        def build(context, builder, sig, args):
            value, bound = args
            outside = builder.fcmp_ordered(comparison, bound, value)  # a NaN stays a NaN
            return builder.select(outside, bound, value)

        return value(value, value), build

    return clamp


smaller_of = _make_clamp("<")
larger_of = _make_clamp(">")


@intrinsic
def add_lanes(typing, value):
    """The sum over the lanes, a float32."""

    def build(context, builder, sig, args):
        vector = args[0]
        lanes = vector.type.count
        while lanes > 1:
            lanes //= 2
            first = _shuffle(builder, vector, vector, list(range(lanes)))
            second = _shuffle(builder, vector, vector, list(range(lanes, 2 * lanes)))
            vector = builder.fadd(first, second)
        return builder.extract_element(vector, ir.Constant(_INDEX, 0))

    return types.float32(value), build


@intrinsic
def add_units(typing, like, value):
    """The sum over the lanes of each of ``group`` windows, a vector of so many lanes."""

    def build(context, builder, sig, args):
        vector = args[1]
        lanes = vector.type.count
        while lanes > sig.return_type.lanes:
            lanes //= 2
            first = _shuffle(builder, vector, vector, list(range(lanes)))
            second = _shuffle(builder, vector, vector, list(range(lanes, 2 * lanes)))
            vector = builder.fadd(first, second)
        return vector

    return Vector(like.group)(like, value), build


@intrinsic
def add_neighbours(typing, like, value):
    """The sums of each ``group`` neighbouring lanes, a vector of so many fewer lanes."""

    def build(context, builder, sig, args):
        vector = args[1]
        group = sig.args[0].group
        total = None
        for place in range(group):
            part = _shuffle(builder, vector, vector, list(range(place, vector.type.count, group)))
            total = part if total is None else builder.fadd(total, part)
        return total

    return Vector(like.lanes // like.group)(like, value), build


@intrinsic
def repeat_values(typing, like, pointer, index):
    """The vector of values from an index on, each of them ``group`` times."""

    def build(context, builder, sig, args):
        lanes, group = sig.args[0].lanes, sig.args[0].group
        values = _load_at(builder, args[1], args[2], lanes // group)
        return _shuffle(builder, values, values, [lane // group for lane in range(lanes)])

    return Vector(like.lanes)(like, _POINTER, types.intp), build


@intrinsic
def transpose_block(typing, like, source, target):
    """Transpose a square of rows that lie behind each other, a vector each; every value is there
    ``group`` times."""

    def build(context, builder, sig, args):
        lanes, group = sig.args[0].lanes, sig.args[0].group
        side = lanes // group
        rows = [_load_at(builder, args[1], _offset(k * lanes), lanes) for k in range(side)]
        if group > 1:
            rows = [_shuffle(builder, row, row, list(range(0, lanes, group))) for row in rows]
        half = side // 2
        while half:
            for k in range(side):
                if not k & half:
                    rows[k], rows[k + half] = _swap_corners(builder, rows[k], rows[k + half], half)
            half //= 2
        if group > 1:
            repeated = [lane // group for lane in range(lanes)]
            rows = [_shuffle(builder, row, row, repeated) for row in rows]
        for k in range(side):
            _store_at(builder, args[2], _offset(k * lanes), rows[k])
        return context.get_dummy_value()

    return types.none(like, _POINTER, _POINTER), build


def make_tile(rows, vectors):
    """A compiled function that computes one tile of a matrix product, its sums held in registers.

    ``tile(like, count, start, a, b, out)``: out = start + A B for ``rows`` rows and ``vectors``
    vectors of columns. All but the first two are
    :class:`~rnnapp.training.kernels.products.Matrix`. Each sum runs over ``count`` > 0 products in
    their order, so the result does not depend on how a matrix is cut into tiles. A value of A is
    ``group`` numbers side by side, one for each window in a vector.
    """

    @intrinsic
    def tile(typing, like, count, start, a, b, out):
        def build(context, builder, sig, args):
            _TileBuilder(builder, sig.args[0], rows, vectors).build(*args[1:])
            return context.get_dummy_value()

        return types.none(like, types.intp, start, a, b, out), build

    return tile


class _TileBuilder:
    """Emits the instructions of one tile."""

    def __init__(self, builder, like, rows, vectors):
        self.builder = builder
        self.lanes = like.lanes
        self.group = like.group
        self.places = [(r, v) for r in range(rows) for v in range(vectors)]
        self.rows = range(rows)
        self.vectors = range(vectors)

    def build(self, count, start, a, b, out):
        builder = self.builder
        sums = [self._load(start, r, v) for r, v in self.places]
        lefts = [self._hide(self._point(a, 1, r)) for r in self.rows]
        rights = [self._point(b, 2, v) for v in self.vectors]
        nothing = ir.Constant(count.type, 0)
        first = [nothing, nothing, nothing, *sums]
        entry = builder.block
        loop = builder.append_basic_block("tile")
        done = builder.append_basic_block("tile_end")
        builder.branch(loop)
        builder.position_at_end(loop)
        running = [builder.phi(value.type) for value in first]
        for phi, value in zip(running, first, strict=True):
            phi.add_incoming(value, entry)
        step, column, row = running[:3]
        later = [
            builder.add(step, ir.Constant(count.type, 1)),
            builder.add(column, builder.extract_value(a, 2)),
            builder.add(row, builder.extract_value(b, 1)),
            *self._add_products(running[3:], lefts, column, rights, row),
        ]
        for phi, value in zip(running, later, strict=True):
            phi.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", later[0], count), loop, done)
        builder.position_at_end(done)
        for (r, v), value in zip(self.places, later[3:], strict=True):
            data, index = self._address(out, r, v)
            _store_at(builder, data, index, value)

    def _add_products(self, sums, lefts, column, rights, row):
        """One step of the sums: each row's value of A times each vector of B."""
        builder = self.builder
        factors = [self._spread(left, column) for left in lefts]
        vectors = [_load_at(builder, right, row, self.lanes) for right in rights]
        pairs = zip(self.places, sums, strict=True)
        return [
            _call(builder, "fmuladd", (factors[r], vectors[v], total)) for (r, v), total in pairs
        ]

    def _spread(self, pointer, index):
        """A value of A in all lanes of its window."""
        if self.group == 1:
            number = self.builder.load(self.builder.gep(pointer, [index]))
            return _broadcast(self.builder, number, self.lanes)
        values = _load_at(self.builder, pointer, index, self.group)
        places = [lane % self.group for lane in range(self.lanes)]
        return _shuffle(self.builder, values, values, places)

    def _point(self, matrix, stride, count):
        builder = self.builder
        offset = builder.mul(builder.extract_value(matrix, stride), _offset(count))
        return builder.gep(builder.extract_value(matrix, 0), [offset])

    def _hide(self, pointer):
        """The same pointer, unrelated to the other rows' for the compiler.

        It would reach each row by adding to the one before, a chain in which the loads wait for
        each other.
        """
        kind = ir.FunctionType(pointer.type, [pointer.type])
        return self.builder.asm(kind, "", "=r,0", [pointer], side_effect=False)

    def _address(self, matrix, r, v):
        builder = self.builder
        data, row, column = (builder.extract_value(matrix, k) for k in range(3))
        index = builder.add(
            builder.mul(row, _offset(r)),
            builder.mul(column, _offset(v)),
        )
        return data, index

    def _load(self, matrix, r, v):
        data, index = self._address(matrix, r, v)
        return _load_at(self.builder, data, index, self.lanes)


def _offset(value):
    return ir.Constant(ir.IntType(64), value)


def _vector_address(builder, pointer, index, lanes):
    kind = ir.PointerType(ir.VectorType(_FLOAT, lanes))
    return builder.bitcast(builder.gep(pointer, [index]), kind)


def _load_at(builder, pointer, index, lanes):
    return builder.load(_vector_address(builder, pointer, index, lanes), align=4)


def _store_at(builder, pointer, index, vector):
    builder.store(vector, _vector_address(builder, pointer, index, vector.type.count), align=4)


def _call(builder, name, args):
    vector = args[0].type
    function = ir.FunctionType(vector, [vector] * len(args))
    label = f"llvm.{name}.v{vector.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, label), args)


def _broadcast(builder, number, lanes):
    empty = ir.Constant(ir.VectorType(_FLOAT, lanes), ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(_INDEX, 0))
    return _shuffle(builder, first, first, [0] * lanes)


def _shuffle(builder, a, b, lanes):
    mask = ir.Constant(ir.VectorType(_INDEX, len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


def _swap_corners(builder, a, b, half):
    """Exchange the corners off the diagonal of a square of two blocks of ``half`` lanes."""
    lanes = a.type.count
    lower = [k if not k & half else lanes + k - half for k in range(lanes)]
    upper = [k + half if not k & half else lanes + k for k in range(lanes)]
    return _shuffle(builder, a, b, lower), _shuffle(builder, a, b, upper)
