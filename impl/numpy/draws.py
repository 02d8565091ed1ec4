"""Uniform, normal, truncated normal and constant arrays for NumPy: the laws that everything else is made of.

Common to all: `shape` is an int or a sequence of ints; `seed` is an int in [0, 2**64) or a `numpy.random.Generator`
(which moves on); `dtype` is "float64", "float32" (the default), "float16", "bfloat16" or the dtype object; `device` is
"cpu"; with `out` the values are written there (any strides) and its dtype is meant. Narrow dtypes are drawn in float32
and cast, and no cast draw exceeds the rounded bound. Every refusal is a one-line `ValueError` or `TypeError`.

`std` and `bound` are in units of one weight.
"""

import math

import numpy as np

from varlaw.impl.arguments import number, refuse
from varlaw.impl.numpy.streams import (
    Array,
    DType,
    Seed,
    Shape,
    array_for,
    centred,
    fill,
    largest,
    standard_normal,
    times,
    towards_zero,
    working,
)
from varlaw.impl.numpy.truncated import draw_between
from varlaw.impl.truncation import Cut, cut


def uniform(
    shape: Shape,
    bound: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """U(-bound, bound): variance bound**2 / 3 per weight.

    >>> uniform((2, 3), 0.5, seed=0).shape
    (2, 3)
    """
    where = "uniform"
    size = number("bound", bound, where, low=0.0)
    return fill_uniform(array_for(shape, dtype, device, out, where), size, seed, where)


def normal(
    shape: Shape,
    std: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """N(0, std**2) for each weight.

    >>> normal(4, 0.02, seed=0, dtype="bfloat16").dtype.name
    'bfloat16'
    """
    where = "normal"
    size = number("std", std, where, low=0.0)
    return fill_normal(array_for(shape, dtype, device, out, where), size, seed, where)


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
    device: object = None,
    out: Array | None = None,
) -> Array:
    """A normal of mean zero kept in [low, high], with nothing about its scale left unsaid.

    `std_of="parent"` means that `std` is the normal's before it is cut, `"result"` that it is the weights' own;
    `bounds="sigmas"` counts `low` and `high` in standard deviations of the parent, `"absolute"` takes them as they are.

    >>> w = truncated_normal(1000, 0.02, std_of="parent", bounds="sigmas", seed=0)
    >>> bool(abs(w).max() <= np.float32(0.04))
    True
    """
    where = "truncated_normal"
    found = cut(std, low, high, std_of=std_of, bounds=bounds, where=where)
    return fill_between(array_for(shape, dtype, device, out, where), found, seed, where)


def constant(
    shape: Shape, value: float, *, dtype: DType = None, device: object = None, out: Array | None = None
) -> Array:
    """`value` everywhere.

    >>> constant(2, 0.5)
    array([0.5, 0.5], dtype=float32)
    """
    size = number("value", value, "constant", infinite=True)
    target = array_for(shape, dtype, device, out, "constant")
    if math.isfinite(size):
        representable("value", size, target, "constant")
    target.fill(size)
    return target


def zeros(shape: Shape, *, dtype: DType = None, device: object = None, out: Array | None = None) -> Array:
    """Zero everywhere.

    >>> zeros(2)
    array([0., 0.], dtype=float32)
    """
    target = array_for(shape, dtype, device, out, "zeros")
    target.fill(0)
    return target


def fill_uniform(target: Array, bound: float, seed: Seed, where: str) -> Array:
    """Fill `target` with U(-bound, bound)."""
    representable("bound", bound, target, where)
    edge = towards_zero(bound, working(target.dtype))

    def draw(generator: np.random.Generator, block: Array) -> None:
        centred(generator, block)
        times(block, edge)

    return fill(target, draw, seed=seed, where=where)


def fill_normal(target: Array, std: float, seed: Seed, where: str) -> Array:
    """Fill `target` with N(0, std**2)."""
    representable("std", std, target, where)
    scale = working(target.dtype).type(std)

    def draw(generator: np.random.Generator, block: Array) -> None:
        standard_normal(generator, block)
        block *= scale

    return fill(target, draw, seed=seed, where=where)


def fill_between(target: Array, found: Cut, seed: Seed, where: str) -> Array:
    """Fill `target` with the truncated normal that a cut describes."""
    reachable(found, target, where)
    return fill(target, lambda generator, block: draw_between(found, generator, block), seed=seed, where=where)


def reachable(found: Cut, target: Array, where: str) -> None:
    """Refuse a cut of which the dtype of `target` cannot hold the parent's sigma, or any number."""
    representable("std", found.sigma, target, where)
    representable("low, high", found.sigma * min(max(0.0, found.low), found.high), target, where)


def representable(name: str, value: float, target: Array, where: str) -> None:
    """Refuse a scale that the dtype of `target` cannot hold."""
    if abs(value) > largest(target.dtype):
        refuse(name, value, f"at most {largest(target.dtype):g}, the largest {target.dtype.name}", where)
