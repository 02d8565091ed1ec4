"""Keyed draws for torch: values addressed by key, name and place, the same on every device and for every slice.

Uniform values agree with `varlaw.impl.numpy` bit for bit, normal ones to a few units in the last place. The addresses
are described in `varlaw.impl.addresses`; `offset` is the corner of the slice in the parameter whose shape is `within`.
`key` is an int in [0, 2**64). The other arguments are those of `varlaw.impl.torch.draws`. On the CPU NumPy fills the
tensor's memory; elsewhere, and while torch compiles, the words are computed where the values are wanted.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from varlaw.impl.addresses import Slice, slice_of, stream_key
from varlaw.impl.arguments import number
from varlaw.impl.numpy.keyed import filled, polar_at
from varlaw.impl.numpy.keyed import keyed_truncated_normal as numpy_truncated
from varlaw.impl.numpy.keyed import keyed_uniform as numpy_uniform
from varlaw.impl.torch.draws import reachable, representable
from varlaw.impl.torch.philox import words_of
from varlaw.impl.torch.streams import (
    Device,
    DType,
    Shape,
    may_ask,
    tensor_for,
    towards_zero,
    working,
    write_,
)
from varlaw.impl.torch.truncated import quantiles
from varlaw.impl.truncation import cut

Values: TypeAlias = Callable[[tuple[int, int], torch.Tensor, torch.dtype], torch.Tensor]


def keyed_uniform(
    shape: Shape,
    bound: float,
    *,
    key: int,
    name: str,
    offset: Shape | None = None,
    within: Shape | None = None,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """U(-bound, bound) at an address.

    >>> whole = keyed_uniform((4, 6), 1.0, key=7, name="w")
    >>> part = keyed_uniform((2, 3), 1.0, key=7, name="w", offset=(1, 2), within=(4, 6))
    >>> bool((part == whole[1:3, 2:5]).all())
    True
    """
    where = "keyed_uniform"
    size = number("bound", bound, where, low=0.0)
    target = tensor_for(shape, dtype, device, out, where)
    representable("bound", size, target, where)
    part, words = slice_of(shape, offset, within, where), stream_key(key, name, where)
    if may_ask(target.detach()):
        return _by_numpy(numpy_uniform, target, size, {"key": key, "name": name, "offset": offset, "within": within})
    return _traced(target, part, words, towards_zero(size, working(target.dtype)), _twice_uniform_at)


def keyed_normal(
    shape: Shape,
    std: float,
    *,
    key: int,
    name: str,
    offset: Shape | None = None,
    within: Shape | None = None,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """N(0, std**2) at an address.

    >>> keyed_normal((2, 3), 1.0, key=7, name="w").shape
    torch.Size([2, 3])
    """
    where = "keyed_normal"
    size = number("std", std, where, low=0.0)
    target = tensor_for(shape, dtype, device, out, where)
    representable("std", size, target, where)
    part, words = slice_of(shape, offset, within, where), stream_key(key, name, where)
    if may_ask(target.detach()):
        kind = working(target.dtype)
        with torch.no_grad():
            direct = target.dtype == kind and target.is_contiguous()
            scratch = target.detach() if direct else torch.empty(target.shape, dtype=kind)
            filled(scratch.numpy(), part, words, _fill_normal(size))
            return target if direct else write_(target, scratch)
    return _traced(target, part, words, size, normal_at)


def keyed_truncated_normal(
    shape: Shape,
    std: float,
    low: float = -2.0,
    high: float = 2.0,
    *,
    std_of: str,
    bounds: str,
    key: int,
    name: str,
    offset: Shape | None = None,
    within: Shape | None = None,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """A normal kept in [low, high], at an address: the quantile of the float64 uniform there (see `truncated_normal`).

    >>> w = keyed_truncated_normal(9, 1.0, std_of="parent", bounds="sigmas", key=7, name="w")
    >>> bool(abs(w).max() <= 2)
    True
    """
    where = "keyed_truncated_normal"
    found = cut(std, low, high, std_of=std_of, bounds=bounds, where=where)
    target = tensor_for(shape, dtype, device, out, where)
    reachable(found, target, where)
    part, words = slice_of(shape, offset, within, where), stream_key(key, name, where)
    if may_ask(target.detach()):
        address = {"key": key, "name": name, "offset": offset, "within": within}
        law = {"low": found.low, "high": found.high, "std_of": "parent", "bounds": "sigmas"}
        return _by_numpy(numpy_truncated, target, found.sigma, {**address, **law})

    def values(key: tuple[int, int], index: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
        return quantiles(found, uniform_at(key, index, torch.float64) + 0.5).to(kind)

    return _traced(target, part, words, 1.0, values)


def _by_numpy(draw: Callable[..., Any], target: torch.Tensor, scale: float, address: dict[str, Any]) -> torch.Tensor:
    kind = working(target.dtype)
    with torch.no_grad():
        direct = target.dtype == kind and target.is_contiguous()
        scratch = target.detach() if direct else torch.empty(target.shape, dtype=kind)
        draw(tuple(target.shape), scale, **address, out=scratch.numpy())
        return target if direct else write_(target, scratch)


def _traced(target: torch.Tensor, part: Slice, key: tuple[int, int], scale: float, values: Values) -> torch.Tensor:
    with torch.no_grad():
        drawn = values(key, indices(part, target.device), working(target.dtype)) * scale
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


def _fill_normal(std: float) -> Callable[[tuple[int, int], int, Any], None]:
    """Fill blocks of NumPy memory with normals, by torch's own logarithm, sine and cosine."""

    def fill(key: tuple[int, int], start: int, block: Any) -> None:
        polar = polar_at(key, start, block.size, narrow=block.itemsize < 8)
        radius, angle = (torch.from_numpy(part) for part in polar[:2])
        length = radius.log_().mul_(-2).sqrt_().mul_(std)
        pairs = torch.stack([torch.cos(angle), angle.sin_()], dim=1).mul_(length.unsqueeze(1)).reshape(-1)
        torch.from_numpy(block).copy_(pairs.narrow(0, polar[2], block.size))

    return fill
