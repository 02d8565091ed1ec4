"""Uniform, normal, truncated normal and constant arrays for torch: the laws that everything else is made of.

Common to all: `shape` is an int or a sequence of ints; `seed` is an int in [0, 2**64) or a `torch.Generator` (which
moves on); `dtype` is "float64", "float32" (the default), "float16", "bfloat16" or the torch dtype; `device` is any
device of torch (default: the generator's, else torch's default); with `out` the values are written there (any strides)
and its dtype and device are meant. Narrow dtypes are drawn in float32 and cast, and no cast draw exceeds the rounded
bound. Nothing waits for the device and autograd records nothing. Every refusal is a one-line `ValueError` or
`TypeError`.

`std` and `bound` are in units of one weight.
"""

import math

import torch

from varlaw.impl.arguments import number, refuse
from varlaw.impl.torch.streams import (
    Device,
    DType,
    Seed,
    Shape,
    between_,
    fill,
    largest,
    name_of,
    tensor_for,
    towards_zero,
    working,
)
from varlaw.impl.torch.truncated import draw_between
from varlaw.impl.truncation import Cut, cut


def uniform(
    shape: Shape,
    bound: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """U(-bound, bound): variance bound**2 / 3 per weight.

    >>> uniform((2, 3), 0.5, seed=0).shape
    torch.Size([2, 3])
    """
    where = "uniform"
    size = number("bound", bound, where, low=0.0)
    return fill_uniform(tensor_for(shape, dtype, device, out, where, seed), size, seed, where)


def normal(
    shape: Shape,
    std: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """N(0, std**2) for each weight.

    >>> normal(4, 0.02, seed=0, dtype="bfloat16").dtype
    torch.bfloat16
    """
    where = "normal"
    size = number("std", std, where, low=0.0)
    return fill_normal(tensor_for(shape, dtype, device, out, where, seed), size, seed, where)


def truncated_normal(
    shape: Shape,
    std: float,
    low: float = -2.0,
    high: float = 2.0,
    *,
    std_of: str,
    bounds: str,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """A normal of mean zero kept in [low, high], with nothing about its scale left unsaid.

    `std_of="parent"` means that `std` is the normal's before it is cut, `"result"` that it is the weights' own;
    `bounds="sigmas"` counts `low` and `high` in standard deviations of the parent, `"absolute"` takes them as they are.

    >>> w = truncated_normal(1000, 0.02, std_of="parent", bounds="sigmas", seed=0)
    >>> bool(abs(w).max() <= 0.0400001)
    True
    """
    where = "truncated_normal"
    found = cut(std, low, high, std_of=std_of, bounds=bounds, where=where)
    return fill_between(tensor_for(shape, dtype, device, out, where, seed), found, seed, where)


def constant(
    shape: Shape, value: float, *, dtype: DType = None, device: Device = None, out: torch.Tensor | None = None
) -> torch.Tensor:
    """`value` everywhere.

    >>> constant(2, 0.5)
    tensor([0.5000, 0.5000])
    """
    size = number("value", value, "constant", infinite=True)
    target = tensor_for(shape, dtype, device, out, "constant")
    if math.isfinite(size):
        representable("value", size, target, "constant")
    with torch.no_grad():
        return target.fill_(size)


def zeros(shape: Shape, *, dtype: DType = None, device: Device = None, out: torch.Tensor | None = None) -> torch.Tensor:
    """Zero everywhere.

    >>> zeros(2)
    tensor([0., 0.])
    """
    target = tensor_for(shape, dtype, device, out, "zeros")
    with torch.no_grad():
        return target.zero_()


def fill_uniform(target: torch.Tensor, bound: float, seed: Seed, where: str) -> torch.Tensor:
    """Fill `target` with U(-bound, bound)."""
    most = largest(target.dtype)
    if bound > most:
        representable("bound", bound, target, where)
    edge = towards_zero(bound, working(target.dtype))
    if target.is_cpu and 2 * edge < most:  # as between_ does, with one call less
        return fill(target, lambda t, generator: t.uniform_(-edge, edge, generator=generator), seed=seed, where=where)
    return fill(target, lambda t, generator: between_(t, -edge, edge, generator), seed=seed, where=where)


def fill_normal(target: torch.Tensor, std: float, seed: Seed, where: str) -> torch.Tensor:
    """Fill `target` with N(0, std**2)."""
    representable("std", std, target, where)
    return fill(target, lambda t, generator: t.normal_(0.0, std, generator=generator), seed=seed, where=where)


def fill_between(target: torch.Tensor, found: Cut, seed: Seed, where: str) -> torch.Tensor:
    """Fill `target` with the truncated normal that a cut describes."""
    reachable(found, target, where)
    return fill(target, lambda t, generator: draw_between(found, t, generator), seed=seed, where=where)


def reachable(found: Cut, target: torch.Tensor, where: str) -> None:
    """Refuse a cut of which the dtype of `target` cannot hold the parent's sigma, or any number."""
    representable("std", found.sigma, target, where)
    representable("low, high", found.sigma * min(max(0.0, found.low), found.high), target, where)


def representable(name: str, value: float, target: torch.Tensor, where: str) -> None:
    """Refuse a scale that the dtype of `target` cannot hold."""
    if abs(value) > largest(target.dtype):
        refuse(name, value, f"at most {largest(target.dtype):g}, the largest {name_of(target.dtype)}", where)
