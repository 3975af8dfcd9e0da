"""A net's sizes as one value inside compiled code: known at run time, or fixed when the code is
compiled.

The kernels read ``net.hidden`` and the like. For a :class:`Net` that is not ``fixed`` that is a
field of a structure, and one compilation serves every net. For a fixed one it is a constant of the
type, so that the compiler unrolls the loops; the arithmetic and its order are the same, and so is
the result, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from rnnapp.configs import ModelConfig
from rnnapp.training.kernels.simd import Packing

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Net",
    "NetArgument",
    "NetType",
    "make_net",
    "make_net_type",
    "pad_to",
]

RNN = 0
LSTM = 1
GRU = 2
_CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
_GATES = (1, 4, 3)
_BLOCKS = (0, 6, 4)
"""Blocks of hidden units that a step saves for the way back: none; i, f, g, o, c, tanh(c); n, r,
z, W_hn h + b_hn."""


class Net(NamedTuple):
    """Everything about a net that the kernels need, but the window's length.

    Attributes:
        lanes: float32 numbers in a vector.
        group: windows that lie side by side in a vector, each number of one beside the other's.
        fixed: whether the sizes are compiled in.
        cell: :data:`RNN`, :data:`LSTM` or :data:`GRU`.
        features, hidden, layers, directions, outputs: F, H, L, D and O.
        units: H filled up to whole vectors, the rows of a weight matrix.
        width: units * group, the columns of everything of H units in memory.
        gates: G * width, the columns of a weight matrix.
        saved: columns of a step's row of gates and states; ``width`` for an RNN, whose output says
            it all.
        shift: the first column in that row that the hidden state's product adds to.
        reads_all: 1 where the readout takes every step, 0 where it takes the last.
        squashes: 1 with a sigmoid behind the readout.
        classifies: 1 for cross-entropy, 0 for the squared error.
    """

    lanes: int
    group: int
    fixed: int
    cell: int
    features: int
    hidden: int
    layers: int
    directions: int
    outputs: int
    units: int
    width: int
    gates: int
    saved: int
    shift: int
    reads_all: int
    squashes: int
    classifies: int


def make_net(
    model: ModelConfig,
    *,
    features: int,
    outputs: int,
    classifies: bool,
    packings: Sequence[Packing],
    fixed: bool = False,
) -> Net:
    """The sizes of a net, in the vectors that waste the fewest lanes on its hidden units."""
    lanes, group = min(packings, key=lambda packing: _count_vectors(packing, model.hidden))
    units = pad_to(model.hidden, lanes // group)
    width = units * group
    cell = _CELLS[model.kind]
    return Net(
        lanes=lanes,
        group=group,
        fixed=int(fixed),
        cell=cell,
        features=features,
        hidden=model.hidden,
        layers=model.layers,
        directions=model.directions,
        outputs=outputs,
        units=units,
        width=width,
        gates=_GATES[cell] * width,
        saved=max(_BLOCKS[cell], 1) * width,
        shift=width * (cell == GRU),
        reads_all=int(model.readout == "all"),
        squashes=int(model.squash),
        classifies=int(classifies),
    )


def _count_vectors(packing: Packing, hidden: int) -> float:
    """Vectors that a window's units take."""
    vectors = pad_to(hidden * packing.group, packing.lanes) // packing.lanes
    return vectors / packing.group


def pad_to(count: int, lanes: int) -> int:
    """The next multiple of a number of lanes."""
    return -(-count // lanes) * lanes


class NetType(types.Type):
    """The type of a :class:`Net`: its packing, and where it is fixed its sizes."""

    def __init__(self, packing: Packing, sizes: Net | None) -> None:
        self.lanes, self.group = packing
        self.sizes = sizes
        known = "any" if sizes is None else "_".join(str(size) for size in sizes)
        super().__init__(f"Net({self.lanes},{self.group},{known})")


class NetArgument:
    """A :class:`Net` on its way into compiled code; numba takes all tuples of one length for one
    type."""

    def __init__(self, sizes: Net) -> None:
        self.sizes = sizes


@typeof_impl.register(NetArgument)
def _type_of_net(argument, context):
    return make_net_type(argument.sizes)


def make_net_type(net: Net) -> NetType:
    """The type under which a net is compiled."""
    packing = Packing(net.lanes, net.group)
    if net.fixed:
        return NetType(packing, net)
    return NetType(packing, None)


@register_model(NetType)
class _NetModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager, net):
        super().__init__(manager, net, [(name, types.int64) for name in Net._fields])


@infer_getattr
class _NetAttributes(AttributeTemplate):  # type: ignore[misc]
    key = NetType

    def generic_resolve(self, net, name):
        return types.int64 if name in Net._fields else None


@lower_getattr_generic(NetType)
def _read_size(context, builder, net, value, name):
    if name in Packing._fields:
        return ir.Constant(ir.IntType(64), getattr(net, name))
    if net.sizes is not None:
        return ir.Constant(ir.IntType(64), getattr(net.sizes, name))
    return getattr(cgutils.create_struct_proxy(net)(context, builder, value), name)


@unbox(NetType)
def _unbox_net(net, instance, c):
    proxy = cgutils.create_struct_proxy(net)(c.context, c.builder)
    sizes = c.pyapi.object_getattr_string(instance, "sizes")
    for place, name in enumerate(Net._fields):
        item = c.pyapi.tuple_getitem(sizes, place)
        setattr(proxy, name, c.pyapi.long_as_longlong(item))
    c.pyapi.decref(sizes)
    failed = cgutils.is_not_null(c.builder, c.pyapi.err_occurred())
    return NativeValue(proxy._getvalue(), is_error=failed)
