"""The meaning of each axis of a weight, per framework operation, as data; true fans from the layer's arithmetic.

A weight tensor does not say which of its axes is the input: torch keeps a dense weight as `(out, in)`, Keras as
`(in, out)`, a transposed convolution swaps them again, an embedding has no summed axis at all. `LAYOUTS` states it per
operation, and `fans` counts what the operation really sums:

* `fan_in`: terms in one output (mean over output positions far from any border);
* `fan_out`: outputs that one input enters (mean over input positions far from any border).

Dilation changes neither. `shape_fans` is the popular convention that reads fans off the shape alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from varlaw.theory.domain import printable

MOST = 2**63  # weights of one array, and so terms of one sum
# What an axis counts. A name with "/groups" holds the channels of one group only.
OUT, IN, SECOND, TAPS = "out", "in", "second in", "taps"
OUT_OF_GROUP, IN_OF_GROUP, MULTIPLIER = "out/groups", "in/groups", "out per in"
STACK = "stack"  # as many operations of the same kind: their number is no part of any fan


class Fans(NamedTuple):
    """True mean fans; whole numbers unless a stride does not divide the kernel.

    fan_in, fan_out: products per output, and per input.
    """

    fan_in: float
    fan_out: float


@dataclass(frozen=True)
class Layout:
    """The axes of one operation's weight, in storage order, and how the operation moves over positions.

    axes: the role of each.
    taps: how many are spatial; None for one or more.
    transposed: whether stride spreads outputs, so that it thins the terms of each output instead of its uses.
    lookup: whether the input is one-hot: one term per output, whatever the shape.
    blocks: independent matrices stacked along the output axis.
    """

    axes: tuple[str, ...]
    taps: int | None = 0
    transposed: bool = False
    lookup: bool = False
    blocks: int = 1

    def roles(self, rank: int) -> tuple[str, ...]:
        """One role per axis of a weight of this rank; raises `ValueError` when the rank does not fit.

        rank: how many axes the weight has.
        """
        dense = len(self.axes) - (TAPS in self.axes)
        spatial = rank - dense
        fits = spatial >= 1 if self.taps is None else spatial == self.taps
        if not fits:
            want = f"{dense + 1} or more" if self.taps is None else f"{dense + self.taps}"
            msg = f"rank {rank}, but should be {want} for axes ({', '.join(self.axes)})"
            raise ValueError(msg)
        return tuple(r for role in self.axes for r in ([TAPS] * spatial if role == TAPS else [role]))


def _conv(*axes: str, taps: int | None = None, transposed: bool = False) -> Layout:
    return Layout(axes, taps=taps, transposed=transposed)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "torch.linear": Layout((OUT, IN)),
        **{f"torch.conv{d}d": _conv(OUT, IN_OF_GROUP, TAPS, taps=d) for d in (1, 2, 3)},
        **{f"torch.conv_transpose{d}d": _conv(IN, OUT_OF_GROUP, TAPS, taps=d, transposed=True) for d in (1, 2, 3)},
        "torch.bilinear": Layout((OUT, IN, SECOND)),
        "torch.embedding": Layout((IN, OUT), lookup=True),
        "torch.positions": Layout((STACK, IN, OUT), lookup=True),
        "torch.experts": Layout((STACK, OUT, IN)),
        "torch.experts_in_out": Layout((STACK, IN, OUT)),
        "torch.packed_qkv": Layout((OUT, IN), blocks=3),
        "torch.recurrent": Layout((OUT, IN)),
        "torch.rnn": Layout((OUT, IN)),
        "torch.lstm": Layout((OUT, IN), blocks=4),
        "torch.gru": Layout((OUT, IN), blocks=3),
        "keras.dense": Layout((IN, OUT)),
        "keras.conv": _conv(TAPS, IN_OF_GROUP, OUT),
        "keras.conv_transpose": _conv(TAPS, OUT, IN, transposed=True),
        "keras.depthwise_conv": _conv(TAPS, IN, MULTIPLIER),
        "keras.embedding": Layout((IN, OUT), lookup=True),
        "keras.lstm": Layout((IN, OUT), blocks=4),
        "keras.gru": Layout((IN, OUT), blocks=3),
        "jax.dense": Layout((IN, OUT)),
        "jax.conv": _conv(TAPS, IN_OF_GROUP, OUT),
        "jax.conv_transpose": _conv(TAPS, IN, OUT, transposed=True),
        "jax.embedding": Layout((IN, OUT), lookup=True),
        "equinox.linear": Layout((OUT, IN)),
        "equinox.conv": _conv(OUT, IN_OF_GROUP, TAPS),
        "equinox.conv_transpose": _conv(OUT, IN_OF_GROUP, TAPS, transposed=True),
        "mlx.linear": Layout((OUT, IN)),
        "mlx.conv": _conv(OUT, TAPS, IN_OF_GROUP),
        "mlx.conv_transpose": _conv(OUT, TAPS, IN, transposed=True),
        "mlx.bilinear": Layout((OUT, SECOND, IN)),
        "paddle.linear": Layout((IN, OUT)),
        "transformers.conv1d": Layout((IN, OUT)),
    }
)


def fans(
    layout: str | Layout,
    shape: Sequence[int],
    *,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    blocks: int | None = None,
) -> Fans:
    """True mean fans of a weight of this `shape` (all sides >= 1), by name in `LAYOUTS` or by `Layout`.

    A bilinear weight sums over both inputs; its `fan_out` counts the uses of one entry of the first.

    layout: what the axes of the weight mean.
    shape: its sides.
    groups: of a convolution, whose channels it divides.
    stride: one number, or one for each spatial axis.
    blocks: how many matrices are stacked along the output axis (3 for a packed query-key-value weight, one for each
        gate of a recurrent cell), where it is not what the layout says; the fans are those of one of them.

    Raises `KeyError`-free one-line `ValueError`s: unknown layout, wrong rank, zero sides, groups or blocks that do not
    divide, stride below 1. Source: the arithmetic of the operation.

    >>> fans("torch.conv2d", (64, 32, 3, 3), stride=2)
    Fans(fan_in=288.0, fan_out=144.0)
    >>> fans("torch.conv_transpose2d", (64, 32, 4, 4), stride=2)
    Fans(fan_in=256.0, fan_out=512.0)
    >>> fans("torch.embedding", (50257, 768))
    Fans(fan_in=1.0, fan_out=768.0)
    >>> fans("torch.experts", (8, 48, 64))
    Fans(fan_in=64.0, fan_out=48.0)
    """
    where = (
        f"fans({layout!r}, {printable(tuple(shape))})"
        if isinstance(layout, str)
        else f"fans({printable(tuple(shape))})"
    )
    row = _find(layout, where)
    sides = _sides(shape, where)
    try:
        roles = row.roles(len(sides))
    except ValueError as error:
        msg = f"shape={sides!r} has {error} [{where}]"
        raise ValueError(msg) from None
    size = {role: side for role, side in zip(roles, sides, strict=True) if role != TAPS}
    kernel = [side for role, side in zip(roles, sides, strict=True) if role == TAPS]
    steps = _strides(stride, len(kernel), where)
    ins, outs = _channels(row, size, _whole(groups, "groups", where), where)
    pieces = row.blocks if blocks is None else _whole(blocks, "blocks", where)
    outs = _divided(outs, pieces, "blocks", "out", where)
    if row.lookup:
        return Fans(1.0, float(outs))
    taps, thinned = math.prod(kernel), math.prod(k / s for k, s in zip(kernel, steps, strict=True))
    into, onto = (thinned, taps) if row.transposed else (taps, thinned)
    return Fans(float(ins * into), float(outs * onto))


def shape_fans(shape: Sequence[int]) -> Fans:
    """CONVENTION: fans as torch.nn.init documents them, from the weight's shape alone.

    `fan_in = shape[1] * receptive`, `fan_out = shape[0] * receptive`, `receptive` the product of the sides from the
    third on. They are the layer's own fans only for dense layers and for convolutions without groups or stride.

    shape: the weight's sides, two or more.

    >>> shape_fans((64, 32, 4, 4))
    Fans(fan_in=512.0, fan_out=1024.0)
    """
    where = f"shape_fans({printable(tuple(shape))})"
    sides = _sides(shape, where)
    if len(sides) < 2:
        msg = f"shape={sides!r} has rank {len(sides)}, but should be 2 or more [{where}]"
        raise ValueError(msg)
    receptive = math.prod(sides[2:])
    return Fans(float(sides[1] * receptive), float(sides[0] * receptive))


def _channels(row: Layout, size: Mapping[str, int], groups: int, where: str) -> tuple[int, int]:
    """Input channels summed by one output, and output channels that one input reaches, per tap."""
    if MULTIPLIER in size:
        return 1, size[MULTIPLIER]
    if IN_OF_GROUP in size:
        return size[IN_OF_GROUP], _divided(size[OUT], groups, "groups", OUT, where)
    if OUT_OF_GROUP in size:
        return _divided(size[IN], groups, "groups", IN, where), size[OUT_OF_GROUP]
    if groups != 1:
        msg = f"groups={groups}, but should be 1 for axes ({', '.join(row.axes)}) [{where}]"
        raise ValueError(msg)
    second = size.get(SECOND, 1)
    return size[IN] * second, size[OUT] * second


def _find(layout: str | Layout, where: str) -> Layout:
    if isinstance(layout, Layout):
        return layout
    if layout not in LAYOUTS:
        msg = f"layout={printable(layout)}, but should be one of {', '.join(LAYOUTS)} [{where}]"
        raise ValueError(msg)
    return LAYOUTS[layout]


def _sides(shape: Sequence[int], where: str) -> tuple[int, ...]:
    sides = tuple(_whole(side, "side of shape", where) for side in shape)
    if math.prod(sides) >= MOST:
        msg = f"shape={printable(sides)}, but should hold fewer than 2**63 weights [{where}]"
        raise ValueError(msg)
    return sides


def _strides(stride: int | Sequence[int], spatial: int, where: str) -> tuple[int, ...]:
    if not isinstance(stride, Sequence):
        return (_whole(stride, "stride", where),) * spatial
    if len(stride) != spatial:
        msg = f"stride={tuple(stride)!r}, but should hold {spatial} numbers [{where}]"
        raise ValueError(msg)
    return tuple(_whole(s, "stride", where) for s in stride)


def _divided(total: int, parts: int, name: str, axis: str, where: str) -> int:
    if total % parts:
        msg = f"{name}={parts}, but should divide the {total} of axis {axis!r} [{where}]"
        raise ValueError(msg)
    return total // parts


def _whole(value: Any, name: str, where: str) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if not 1 <= number < MOST or number != value:
        msg = f"{name}={printable(value)}, but should be a whole number >= 1 and < 2**63 [{where}]"
        raise ValueError(msg)
    return number
