"""Addresses of random numbers: a key, a parameter's name and an element's place in the whole parameter.

The generator is Philox4x64-10 (Salmon et al. 2011), a function of a 128-bit key and a counter, as NumPy implements it.
The key is the BLAKE2b digest of the seed and the name; counter b + 1 gives the four 64-bit words 4*b ... 4*b + 3 of the
parameter's stream. Elements count in C order over the whole parameter:

| values | words of element i |
|---|---|
| uniform float64 | word i: its upper 53 bits |
| uniform float32 and narrower | half i % 2 (low first) of word i // 2: its upper 24 bits |
| normal float64 | words i - i % 2 (radius) and the next (angle), cosine for even i and sine for odd |
| normal float32 and narrower | word i // 2: low half radius, high half angle, cosine for even i and sine for odd |

So a slice has the same values wherever, however and with whatever neighbours it is drawn.
"""

import functools
import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from varlaw.impl.arguments import refuse, refuse_type, sizes, whole

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10


class Slice(NamedTuple):
    """A box of a whole array: its corner and its sizes."""

    shape: tuple[int, ...]
    corner: tuple[int, ...]
    whole: tuple[int, ...]

    def runs(self) -> tuple[Iterator[int], int]:
        """First global indices of the stretches that lie together, in order, and their common length."""
        if self.shape == self.whole:
            return iter((0,)), math.prod(self.whole)
        rank, length = len(self.whole), 1
        while rank and self.shape[rank - 1] == self.whole[rank - 1]:
            rank -= 1
            length *= self.whole[rank]
        strides = [math.prod(self.whole[axis + 1 :]) for axis in range(len(self.whole))]
        start = sum(place * stride for place, stride in zip(self.corner, strides, strict=True))
        if rank:
            length *= self.shape[rank - 1]
        return _starts(start, self.shape[: max(rank - 1, 0)], strides), length


def _starts(start: int, counts: Sequence[int], strides: Sequence[int]) -> Iterator[int]:
    if not counts:
        yield start
        return
    for step in range(counts[0]):
        yield from _starts(start + step * strides[0], counts[1:], strides[1:])


def stream_key(key: Any, name: Any, where: str) -> tuple[int, int]:
    """The two key words of a parameter's stream.

    >>> stream_key(0, "layer.weight", "example") == stream_key(0, "layer.bias", "example")
    False
    """
    if not isinstance(name, str):
        refuse_type("name", name, "the parameter's name", where)
    return _digest(whole("key", key, where, below=2**64), name)


@functools.lru_cache(4096)
def _digest(number: int, name: str) -> tuple[int, int]:
    named = number.to_bytes(8, "little") + name.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(named, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def slice_of(box: tuple[int, ...], offset: Any, within: Any, where: str) -> Slice:
    """The slice meant by sizes, its corner (default: the origin) and the whole's shape (default: just these sizes)."""
    full = box if within is None else sizes(within, where, "within")
    corner = (0,) * len(box) if offset is None else sizes(offset, where, "offset")
    if full is box and offset is None:
        return Slice(box, corner, full)
    if len(full) != len(box) or len(corner) != len(box):
        refuse("offset, within", (corner, full), f"of {len(box)} axes like the shape", where)
    for size, first, total in zip(box, corner, full, strict=True):
        if first + size > total:
            refuse("offset, shape", (corner, box), f"inside the whole, {full}", where)
    if math.prod(full) >= 2**62:
        refuse("within", full, "of less than 2**62 elements", where)
    return Slice(box, corner, full)


class Address(NamedTuple):
    """Where the values of a slice are found: the key words of the parameter's stream, and the slice."""

    words: tuple[int, int]
    part: Slice


def address_of(key: Any, name: Any, box: tuple[int, ...], offset: Any, within: Any, where: str) -> Address:
    """The address of a slice of a parameter, as the public functions name it."""
    part = slice_of(box, offset, within, where)
    return Address(stream_key(key, name, where), part)
