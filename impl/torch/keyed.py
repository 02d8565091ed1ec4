"""Filling torch tensors with the values of an address, the same on every device.

On the CPU NumPy fills the tensor's memory; elsewhere, and while torch compiles, the words are computed where the values
are wanted.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch

from varlaw.impl.keyed_streams import Address, Slice
from varlaw.impl.numpy import keyed as on_numpy
from varlaw.impl.numpy.streams import Array
from varlaw.impl.torch.philox import words_of
from varlaw.impl.torch.streams import may_ask, towards_zero, working, write_
from varlaw.impl.torch.truncated import quantiles
from varlaw.impl.truncation import Cut

Values: TypeAlias = Callable[[tuple[int, int], torch.Tensor, torch.dtype], torch.Tensor]


def fill_uniform(target: torch.Tensor, bound: float, address: Address) -> torch.Tensor:
    """Fill the slice with U(-bound, bound)."""
    host = target.detach()
    if may_ask(host):
        return _by_numpy(target, host, lambda memory, cast: on_numpy.fill_uniform(memory, bound, address, cast))
    return _traced(target, address, towards_zero(bound, working(target.dtype)), _twice_uniform_at)


def fill_normal(target: torch.Tensor, std: float, address: Address) -> torch.Tensor:
    """Fill the slice with N(0, std**2)."""
    host = target.detach()
    if may_ask(host):
        return _by_numpy(
            target, host, lambda memory, cast: on_numpy.filled(memory, address, _block_of_normals(std), cast)
        )
    return _traced(target, address, std, normal_at)


def fill_between(target: torch.Tensor, found: Cut, address: Address) -> torch.Tensor:
    """Fill the slice with the quantiles, of the normal that a cut describes, of the float64 uniforms there."""
    host = target.detach()
    if may_ask(host):
        return _by_numpy(target, host, lambda memory, cast: on_numpy.fill_between(memory, found, address, cast))

    def values(key: tuple[int, int], index: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
        return quantiles(found, uniform_at(key, index, torch.float64) + 0.5).to(kind)

    return _traced(target, address, 1.0, values)


def _by_numpy(target: torch.Tensor, host: torch.Tensor, fill: Callable[[Array, on_numpy.Cast], object]) -> torch.Tensor:
    """Let NumPy fill the memory of a tensor on the CPU; narrow dtypes are cast a block at a time, by torch."""
    dense = host if host.is_contiguous() else torch.empty(host.shape, dtype=host.dtype, device="cpu")
    narrow = working(dense.dtype) is not dense.dtype
    memory = dense.view(torch.int16) if narrow else dense

    def cast(block: Array, work: Array) -> None:
        torch.from_numpy(block).view(dense.dtype).copy_(torch.from_numpy(work))

    fill(memory.numpy(), cast)
    if dense is not host:
        write_(host, dense)
    return target


def _traced(target: torch.Tensor, address: Address, scale: float, values: Values) -> torch.Tensor:
    with torch.no_grad():
        drawn = values(address.words, indices(address.part, target.device), working(target.dtype)) * scale
        return write_(target, drawn.to(working(target.dtype)))


def indices(part: Slice, device: torch.device) -> torch.Tensor:
    """Place of each element of a slice in the whole, counted in C order, int64."""
    index = torch.zeros((), dtype=torch.int64, device=device)
    for axis, (size, first) in enumerate(zip(part.shape, part.corner, strict=True)):
        stride = math.prod(part.whole[axis + 1 :])
        places = (torch.arange(size, dtype=torch.int64, device=device) + first) * stride
        index = index.unsqueeze(-1) + places
    return index


def uniform_at(key: tuple[int, int], index: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """Midpoints on (-1/2, 1/2) of the elements at these places."""
    if kind == torch.float64:
        high, low = words_of(key, index)
        return ((high << 21) | (low >> 11)).to(kind) * 2.0**-53 - (0.5 - 2.0**-54)
    high, low = words_of(key, index >> 1)
    half = torch.where((index & 1) == 1, high, low)
    return (half >> 8).to(kind) * 2.0**-24 - (0.5 - 2.0**-25)


def _twice_uniform_at(key: tuple[int, int], index: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """On (-1, 1), for a bound whose double may be too large for the dtype."""
    return uniform_at(key, index, kind) * 2


def normal_at(key: tuple[int, int], index: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    """Standard normals in float64 of the elements at these places, by Box and Muller's transform of their pair."""
    if kind == torch.float64:
        first, second = (words_of(key, (index & ~1) + step) for step in (0, 1))
        radius = (((first[0] << 21) | (first[1] >> 11)) + 1).to(torch.float64) * 2.0**-53
        angle = ((second[0] << 21) | (second[1] >> 11)).to(torch.float64) * (2 * math.pi * 2.0**-53)
    else:
        high, low = words_of(key, index >> 1)
        radius = (low.to(torch.float64) + 0.5) * 2.0**-32
        angle = high.to(torch.float64) * (2 * math.pi * 2.0**-32)
    odd = (index & 1) == 1
    return torch.sqrt(-2 * torch.log(radius)) * torch.where(odd, torch.sin(angle), torch.cos(angle))


def _block_of_normals(std: float) -> Callable[[tuple[int, int], int, Array], None]:
    """Fill blocks of NumPy memory with normals, by torch's logarithm, root, sine and cosine."""

    def fill(key: tuple[int, int], start: int, block: Array) -> None:
        length, angle, skip = on_numpy.polar_at(key, start, block.size, narrow=block.itemsize < 8)
        turned, radius = torch.from_numpy(angle), torch.from_numpy(length)
        cosine, sine = torch.cos(turned).numpy(), angle
        turned.sin_()
        radius.log_()
        length *= -2
        radius.sqrt_()  # NumPy's root rounds otherwise than MKL's
        even = skip == 0 and block.size % 2 == 0
        pairs = block.reshape(-1, 2) if even else np.empty((len(length), 2), block.dtype)
        with np.errstate(over="ignore"):
            length *= std
            pairs[:, 0] = length * cosine
            pairs[:, 1] = length * sine
        if not even:
            block[...] = pairs.reshape(-1)[skip : skip + block.size]

    return fill
