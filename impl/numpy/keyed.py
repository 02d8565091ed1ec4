"""Filling NumPy arrays with the values of an address: the words are those of NumPy's Philox."""

import math
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from varlaw.impl.keyed_streams import Address
from varlaw.impl.numpy.streams import Array, factors, in_parallel, plain, working
from varlaw.impl.numpy.truncated import quantiles_between
from varlaw.impl.truncation import Cut

Fill: TypeAlias = Callable[[tuple[int, int], int, Array], None]
Cast: TypeAlias = Callable[[Array, Array], object]  # writes into the first what the second has in a working dtype

PIECE = 1 << 15  # elements drawn at a time; even, so that pairs stay together


def _cast(block: Array, work: Array) -> None:
    block[...] = work


def fill_uniform(target: Array, bound: float, address: Address, cast: Cast = _cast) -> Array:
    """Fill the slice with U(-bound, bound)."""
    steps = factors(bound, working(target.dtype))

    def fill(words: tuple[int, int], start: int, block: Array) -> None:
        uniform_at(words, start, block)
        for factor in steps:
            block *= factor

    return filled(target, address, fill, cast)


def fill_normal(target: Array, std: float, address: Address, cast: Cast = _cast) -> Array:
    """Fill the slice with N(0, std**2)."""

    def fill(words: tuple[int, int], start: int, block: Array) -> None:
        with np.errstate(over="ignore"):
            block[...] = std * normal_at(words, start, block.size, narrow=block.dtype != np.float64)

    return filled(target, address, fill, cast)


def fill_between(target: Array, found: Cut, address: Address, cast: Cast = _cast) -> Array:
    """Fill the slice with the quantiles, of the normal that a cut describes, of the float64 uniforms there."""

    def fill(words: tuple[int, int], start: int, block: Array) -> None:
        unit = np.empty(block.size)
        uniform_at(words, start, unit)
        with np.errstate(over="ignore"):
            quantiles_between(found, unit, block)

    return filled(target, address, fill, cast)


def words_at(key: tuple[int, int], start: int, count: int) -> Array:
    """64-bit words `start`, ..., `start + count - 1` of a stream."""
    block, skip = divmod(start, 4)
    own, position = _OWN.philox, {"counter": (block, 0, 0, 0), "key": key}  # the first block made is counter + 1
    state: Any = {"bit_generator": "Philox", "state": position, "buffer": (0, 0, 0, 0), "buffer_pos": 4}
    own.state = state | {"has_uint32": 0, "uinteger": 0}
    return np.asarray(own.random_raw(skip + count))[skip:]


class _Own(threading.local):
    """Each thread's own generator: placing one costs a tenth of making one."""

    def __init__(self) -> None:
        self.philox = np.random.Philox(0)


_OWN = _Own()


def uniform_at(key: tuple[int, int], start: int, block: Array) -> None:
    """Fill a flat float32 or float64 block with the midpoints on (-1/2, 1/2) of elements from `start` on."""
    if block.dtype == np.float64:
        np.multiply(words_at(key, start, block.size) >> np.uint64(11), 2.0**-53, out=block)
        block -= 0.5 - 2.0**-54
    else:
        block[...] = halves_at(key, start, block.size) >> _UNUSED
        block *= _CELL
        block -= _MIDDLE


_HALF = np.dtype("<u4")
_UNUSED, _CELL, _MIDDLE = np.uint32(8), np.float32(2.0**-24), np.float32(0.5 - 2.0**-25)


def halves_at(key: tuple[int, int], start: int, count: int) -> Array:
    """32-bit halves of words, low first."""
    skip = start % 2
    words = words_at(key, start // 2, (skip + count + 1) // 2)
    words = words if sys.byteorder == "little" else words.astype("<u8")
    return words.view(_HALF)[skip : skip + count]


def normal_at(key: tuple[int, int], start: int, count: int, *, narrow: bool) -> Array:
    """Standard normals in float64 for elements from `start` on, by Box and Muller's transform of their pair."""
    radius, angle, skip = polar_at(key, start, count, narrow=narrow)
    length = np.sqrt(np.log(radius, out=radius) * -2, out=radius)
    result: Array = np.empty((len(length), 2))
    np.multiply(length, np.cos(angle), out=result[:, 0])
    np.multiply(length, np.sin(angle), out=result[:, 1])
    return result.reshape(-1)[skip : skip + count]


def polar_at(key: tuple[int, int], start: int, count: int, *, narrow: bool) -> tuple[Array, Array, int]:
    """Uniforms in (0, 1] and angles in [0, 2 pi) of the pairs that cover these elements; the elements to skip."""
    skip = start % 2
    pairs = (skip + count + 1) // 2
    radius: Array
    angle: Array
    if narrow:
        halves = halves_at(key, start - skip, 2 * pairs).reshape(-1, 2)
        radius, angle = halves[:, 0] + 0.5, halves[:, 1] * (2 * math.pi * 2.0**-32)
        radius *= 2.0**-32
    else:
        words = words_at(key, start - skip, 2 * pairs).reshape(-1, 2) >> np.uint64(11)
        radius, angle = (words[:, 0] + np.uint64(1)) * 2.0**-53, words[:, 1] * (2 * math.pi * 2.0**-53)
    return radius, angle, skip


def filled(target: Array, address: Address, fill: Fill, cast: Cast) -> Array:
    """Fill the slice stretch by stretch; `fill` gets the key, the first index and a flat block of the working dtype."""
    if target.size == 0:
        return target
    if target.size <= PIECE and address.part.shape == address.part.whole and plain(target):  # few, and all of them
        fill(address.words, 0, target.reshape(-1))
        return target
    direct = target if target.flags.c_contiguous else np.empty(target.shape, target.dtype)
    flat, kind = np.asarray(direct).reshape(-1), working(target.dtype)
    starts, length = address.part.runs()
    pieces = [
        (place * length + step, first + step, min(PIECE, length - step))
        for place, first in enumerate(starts)
        for step in range(0, length, PIECE)
    ]

    def run(first: int, stride: int) -> None:
        for place, start, count in pieces[first::stride]:
            block = flat[place : place + count]
            work = block if kind == flat.dtype else np.empty(count, kind)
            fill(address.words, start, work)
            if work is not block:
                with np.errstate(over="ignore"):
                    cast(block, work)

    in_parallel(run, len(pieces) if length >= PIECE else 1)
    if direct is not target:
        target[...] = direct
    return target
