"""A vector of float32 lanes as a value inside compiled code.

A loop over a batch of twenty is too short for the compiler to vectorise by itself, so the kernels say it outright: ``load``
a vector, do arithmetic on it, ``store`` it. LLVM maps it on whatever registers the processor has. The arithmetic is plain
IEEE, so a NaN that enters comes out.

The module knows nothing of nets.
"""

from __future__ import annotations

import operator
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "LANES",
    "PROCESSOR",
    "fill",
    "fma",
    "larger",
    "load",
    "root",
    "smaller",
    "spread",
    "store",
    "total",
    "totals",
]

_FEATURES = llvm.get_host_cpu_features()
PROCESSOR = f"{llvm.get_host_cpu_name()} {_FEATURES.flatten()}"
LANES = (
    32 if _FEATURES.get("avx512f", False) else 8
)  # two AVX-512 registers, one of AVX, two of NEON


class Vector(types.Type):
    """LANES float32 numbers."""

    def __init__(self) -> None:
        super().__init__(f"Vector({LANES})")


vector = Vector()
_FLOAT = ir.FloatType()
_LLVM = ir.VectorType(_FLOAT, LANES)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _LLVM)


def _arithmetic(function: Any, instruction: str) -> None:
    @infer_global(function)
    class _Typing(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(vector, vector, vector) if args == (vector, vector) else None

    @lower_builtin(function, Vector, Vector)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


for _name, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _arithmetic(getattr(operator, _name), _instruction)
    _arithmetic(getattr(operator, "i" + _name), _instruction)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), ir.PointerType(_LLVM))


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """The LANES values of a float32 array from an index on."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, sig.args[0], *args), align=4)

    return vector(array, types.intp), build


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Put a vector into a float32 array, from an index on."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, sig.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


@intrinsic
def fill(typing: Any, number: Any) -> Any:
    """One number in every lane."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _broadcast(builder, args[0])

    return vector(types.float32), build


@intrinsic
def spread(typing: Any, array: Any, index: Any) -> Any:
    """One number of a float32 array in every lane."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return _broadcast(builder, builder.load(builder.gep(data, [args[1]])))

    return vector(array, types.intp), build


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, in one rounding where the processor can."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fmuladd", args)

    return vector(vector, vector, vector), build


@intrinsic
def root(typing: Any, value: Any) -> Any:
    """Square roots."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "sqrt", args)

    return vector(vector), build


def _clamp(comparison: str) -> Any:
    @intrinsic
    def clamp(typing: Any, value: Any, bound: Any) -> Any:
        def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            value, bound = args
            return builder.select(
                builder.fcmp_ordered(comparison, bound, value), bound, value
            )  # a NaN stays a NaN

        return vector(vector, vector), build

    return clamp


smaller = _clamp("<")
larger = _clamp(">")


@intrinsic
def total(typing: Any, value: Any) -> Any:
    """The sum over the lanes, a float32."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        summed = _halve(builder, args[0], 1, 1)
        return builder.extract_element(summed, ir.Constant(ir.IntType(32), 0))

    return types.float32(vector), build


@intrinsic
def totals(typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """The sums over the lanes of four vectors: a tuple of four float32, cheaper than four times :func:`total`."""
    result = types.containers.UniTuple(types.float32, 4)

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pairs = [_join(builder, args[0], args[1], 1), _join(builder, args[2], args[3], 1)]
        summed = _halve(builder, _join(builder, pairs[0], pairs[1], 2), 4, 4)
        items = [builder.extract_element(summed, ir.Constant(ir.IntType(32), i)) for i in range(4)]
        return context.make_tuple(builder, result, items)

    return result(vector, vector, vector, vector), build


def _call(builder: Any, name: str, args: Any) -> Any:
    kind = ir.FunctionType(_LLVM, [_LLVM] * len(args))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), args
    )


def _broadcast(builder: Any, number: Any) -> Any:
    first = builder.insert_element(
        ir.Constant(_LLVM, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
    )
    return _pick(builder, first, first, [0] * LANES)


def _pick(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(
        a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    )


def _halves(lanes: int, groups: int) -> tuple[list[int], list[int]]:
    """Lanes of the first and of the second half of each of so many equal groups."""
    size = lanes // groups
    first = [g * size + k for g in range(groups) for k in range(size // 2)]
    return first, [k + size // 2 for k in first]


def _join(builder: Any, a: Any, b: Any, groups: int) -> Any:
    """Halve the groups of both vectors by adding their halves, and lay one behind the other."""
    first, second = _halves(LANES, groups)
    return builder.fadd(
        *(_pick(builder, a, b, half + [LANES + k for k in half]) for half in (first, second))
    )


def _halve(builder: Any, value: Any, groups: int, lanes: int) -> Any:
    """Add halves of groups until so many lanes are left."""
    while value.type.count > lanes:
        first, second = _halves(value.type.count, groups)
        value = builder.fadd(
            _pick(builder, value, value, first), _pick(builder, value, value, second)
        )
    return value
