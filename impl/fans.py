"""Fans from the layer's own arithmetic: how many products reach one output, and how many one input feeds.

A weight's shape alone does not tell them: the layout says what each axis means, and groups and stride say how often a
weight is used. These are the *mean* fans of the layer away from its borders, so a strided fan may be fractional.

| layout | axes | fan_in | fan_out |
|---|---|---|---|
| dense | (out, in) | in | out |
| (in, out) | (in, out), as Keras, JAX and `Conv1D` of transformers keep a dense layer | in | out |
| conv | (out, in/groups, *taps) | in/groups * taps | out/groups * taps / strides |
| conv_transpose | (in, out/groups, *taps) | in/groups * taps / strides | out/groups * taps |
| depthwise | (out, 1, *taps), groups = in | taps | out/groups * taps / strides |
| bilinear | (out, in1, in2); fan_out counts the uses of one entry of the first input | in1 * in2 | out * in2 |
| embedding | (*entries, out): tables of tokens or positions; a lookup is a product with a one-hot vector | 1 | out |
| packed_qkv | (3*out, in): three dense layers in one array | in | out |
| experts | (*experts, out, in): as many dense layers | in | out |
| (experts, in, out) | (*experts, in, out): the same with their inputs first | in | out |

The axes are those of torch; the NumPy functions use the same. Two axes are taken for dense and four or five for conv
unless the layout says otherwise; three may be a kernel or a stack of matrices, so there the layout must be said, or a
convolution's groups or stride.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from varlaw.impl.arguments import choice, refuse, sizes, whole


class Fans(NamedTuple):
    """Products per output and per input of a layer, on average over positions.

    fan_in: products per output.
    fan_out: products per input, of a gradient.
    """

    fan_in: float
    fan_out: float


class _Geometry(NamedTuple):
    shape: tuple[int, ...]
    taps: int
    groups: int
    strides: int


def _conv(g: _Geometry) -> Fans:
    return Fans(g.shape[1] * g.taps, g.shape[0] / g.groups * g.taps / g.strides)


def _conv_transpose(g: _Geometry) -> Fans:
    return Fans(g.shape[0] / g.groups * g.taps / g.strides, g.shape[1] * g.taps)


def _bilinear(g: _Geometry) -> Fans:
    return Fans(g.shape[1] * g.shape[2], g.shape[0] * g.shape[2])


def _embedding(g: _Geometry) -> Fans:
    return Fans(1, g.shape[-1])


def _packed_qkv(g: _Geometry) -> Fans:
    return Fans(g.shape[1], g.shape[0] / 3)


def _matrices(g: _Geometry) -> Fans:
    return Fans(g.shape[-1], g.shape[-2])


def _matrices_in_out(g: _Geometry) -> Fans:
    return Fans(g.shape[-2], g.shape[-1])


class _Row(NamedTuple):
    """The axes of a layout in words, its smallest and largest rank, and its fans; taps are all axes from the third."""

    axes: str
    fewest: int
    most: int
    rule: Callable[[_Geometry], Fans]


_LAYOUTS: dict[str, _Row] = {
    "dense": _Row("(out, in)", 2, 2, _matrices),
    "(in, out)": _Row("(in, out)", 2, 2, _matrices_in_out),
    "conv": _Row("(out, in/groups, *taps)", 3, 5, _conv),
    "conv_transpose": _Row("(in, out/groups, *taps)", 3, 5, _conv_transpose),
    "depthwise": _Row("(out, 1, *taps)", 3, 5, _conv),
    "bilinear": _Row("(out, in1, in2)", 3, 3, _bilinear),
    "embedding": _Row("(*entries, out)", 1, 5, _embedding),
    "packed_qkv": _Row("(3*out, in)", 2, 2, _packed_qkv),
    "experts": _Row("(*experts, out, in)", 3, 5, _matrices),
    "(experts, in, out)": _Row("(*experts, in, out)", 3, 5, _matrices_in_out),
}
_GROUPED = ("conv", "conv_transpose", "depthwise")

LAYOUTS = tuple(_LAYOUTS)
MODES = ("fan_in", "fan_out", "fan_avg")


def fans(
    shape: Sequence[int],
    *,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    where: str = "fans",
) -> Fans:
    """Mean fan_in and fan_out of the layer that uses a weight of this shape.

    Raises `ValueError` for three axes of which nothing is known, a rank that the layout does not have, a size of zero,
    and groups that do not divide the channels.

    shape: sizes of the weight.
    layout: what its axes mean; by default dense for two, conv for four, five, and where groups or a stride are given.
    groups, stride: of a convolution.
    where: the function that an error is to name.

    >>> fans((64, 4, 3, 3), groups=8, stride=2)
    Fans(fan_in=36, fan_out=18.0)
    >>> fans((8, 48, 64), layout="experts")
    Fans(fan_in=64, fan_out=48)
    """
    shape = sizes(shape, where)
    layout = _default(shape, groups, stride, where) if layout is None else choice("layout", layout, LAYOUTS, where)
    _, fewest, most, rule = _LAYOUTS[layout]
    if not fewest <= len(shape) <= most:
        ranks = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        refuse("shape", shape, f"of {ranks} axes in layout {layout!r}", where)
    if 0 in shape:
        refuse("shape", shape, "without a size of zero, for a fan to exist", where)
    return rule(_geometry(shape, layout, groups, stride, where))


def _default(shape: tuple[int, ...], groups: int, stride: int | Sequence[int], where: str) -> str:
    if not 2 <= len(shape) <= 5:
        refuse("shape", shape, "of 2 to 5 axes, for a fan to exist", where)
    if len(shape) == 3 and groups == 1 and stride == 1:
        refuse("layout", None, f"what the axes of {shape} are: {possible(shape)}", where)
    return "dense" if len(shape) == 2 else "conv"


def possible(shape: tuple[int, ...]) -> str:
    """The layouts that a weight of this shape could have, each with the meaning of its axes.

    >>> possible((12, 4))
    "'dense' (out, in), '(in, out)', 'embedding' (*entries, out), 'packed_qkv' (3*out, in)"
    """
    fitting = {name: row for name, row in _LAYOUTS.items() if row.fewest <= len(shape) <= row.most}
    if len(shape) < 2 or shape[0] % 3:
        fitting.pop("packed_qkv", None)
    if len(shape) > 2 and shape[1] != 1:
        fitting.pop("depthwise", None)
    return ", ".join(repr(name) if name == row.axes else f"{name!r} {row.axes}" for name, row in fitting.items())


def _geometry(shape: tuple[int, ...], layout: str, groups: int, stride: int | Sequence[int], where: str) -> _Geometry:
    groups = whole("groups", groups, where, low=1)
    steps = _steps(stride, len(shape) - 2, where)
    if layout not in _GROUPED and (groups != 1 or any(step != 1 for step in steps)):
        refuse("groups, stride", (groups, stride), f"1 in layout {layout!r}", where)
    if layout == "depthwise":
        if shape[1] != 1:
            refuse("shape", shape, "(out, 1, *taps) in layout 'depthwise'", where)
        groups = shape[0] if groups == 1 else groups
    if shape[0] % groups:
        refuse("groups", groups, f"a divisor of shape[0] = {shape[0]}", where)
    if layout == "packed_qkv" and shape[0] % 3:
        refuse("shape", shape, "(3*out, in) in layout 'packed_qkv'", where)
    return _Geometry(shape, math.prod(shape[2:]), groups, math.prod(steps))


def _steps(stride: int | Sequence[int], axes: int, where: str) -> tuple[int, ...]:
    if isinstance(stride, Sequence) and not isinstance(stride, (str, bytes)):
        if len(stride) != axes:
            refuse("stride", tuple(stride), f"one whole number or {axes} of them", where)
        return tuple(whole(f"stride[{i}]", step, where, low=1) for i, step in enumerate(stride))
    return (whole("stride", stride, where, low=1),) * max(axes, 1)


def fan_of(mode: str, both: Fans, where: str) -> float:
    """The fan that a mode divides by: fan_in, fan_out, or their mean.

    >>> fan_of("fan_avg", Fans(4, 2), "example")
    3.0
    """
    choice("mode", mode, MODES, where)
    return {"fan_in": both.fan_in, "fan_out": both.fan_out, "fan_avg": (both.fan_in + both.fan_out) / 2}[mode]


def fan_for(
    shape: tuple[int, ...], layout: str | None, groups: int, stride: int | Sequence[int], mode: str, where: str
) -> float:
    """`fan_of` the mode and the fans; those of the usual arguments are remembered.

    >>> fan_for((64, 4, 3, 3), None, 8, 2, "fan_avg", "example")
    27.0
    """
    usual = (
        type(groups) is int and type(stride) is int and type(mode) is str and (layout is None or type(layout) is str)
    )
    key = (shape, layout, groups, stride, mode)
    found = _REMEMBERED.get(key) if usual else None
    if found is None:
        found = fan_of(mode, fans(shape, layout=layout, groups=groups, stride=stride, where=where), where)
        if usual and len(_REMEMBERED) < 1024:
            _REMEMBERED[key] = found
    return found


_REMEMBERED: dict[tuple[object, ...], float] = {}
