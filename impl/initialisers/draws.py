"""Uniform, normal, truncated normal and constant arrays: the laws that everything else is made of.

Narrow dtypes are drawn in float32 and cast, and no cast draw exceeds the rounded bound. Nothing waits for a device and
autograd records nothing. Every refusal is a one-line `ValueError` or `TypeError`.
"""

import math

from varlaw.impl.arguments import number
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.truncation import cut


class Draws(Backend[Array, Seed, DType, Device]):
    """Draws of one law for every weight."""

    def uniform(
        self,
        shape: Shape,
        bound: float,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """U(-bound, bound): variance bound**2 / 3 per weight.

        shape: sizes of the weight.
        bound: the largest size of a weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import uniform
        >>> uniform((2, 3), 0.5, seed=0).shape
        (2, 3)
        """
        size = number("bound", bound, "uniform", low=0.0)
        return self.fill_uniform(self.array(shape, dtype, device, out, "uniform", seed), size, seed, "uniform")

    def normal(
        self,
        shape: Shape,
        std: float,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """N(0, std**2) for each weight.

        shape: sizes of the weight.
        std: standard deviation of one weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import normal
        >>> normal(4, 0.02, seed=0, dtype="bfloat16").dtype.name
        'bfloat16'
        """
        size = number("std", std, "normal", low=0.0)
        return self.fill_normal(self.array(shape, dtype, device, out, "normal", seed), size, seed, "normal")

    def truncated_normal(
        self,
        shape: Shape,
        std: float,
        low: float = -2.0,
        high: float = 2.0,
        *,
        std_of: str,
        bounds: str,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """A normal of mean zero kept in [low, high], with nothing about its scale left unsaid.

        shape: sizes of the weight.
        std: a standard deviation, of what `std_of` says.
        low, high: the bounds, in the unit that `bounds` says; either may be infinite.
        std_of: "parent", the normal before it is cut, or "result", the weights themselves.
        bounds: "sigmas", standard deviations of the parent, or "absolute", as they are.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import truncated_normal
        >>> w = truncated_normal(1000, 0.02, std_of="parent", bounds="sigmas", seed=0)
        >>> bool(abs(w).max() <= 0.0400001)
        True
        """
        where = "truncated_normal"
        found = cut(std, low, high, std_of=std_of, bounds=bounds, where=where)
        target = self.array(shape, dtype, device, out, where, seed)
        self.reachable(found, target, where)
        return self.fill_between(target, found, seed, where)

    def constant(
        self,
        shape: Shape,
        value: float,
        *,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """`value` everywhere.

        shape: sizes of the weight.
        value: any number but NaN.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import constant
        >>> constant(2, 0.5)
        array([0.5, 0.5], dtype=float32)
        """
        size = number("value", value, "constant", infinite=True)
        target = self.array(shape, dtype, device, out, "constant")
        if math.isfinite(size):
            self.representable("value", size, target, "constant")
        return self.fill(target, size)

    def zeros(
        self, shape: Shape, *, dtype: DType | None = None, device: Device | None = None, out: Array | None = None
    ) -> Array:
        """Zero everywhere.

        shape: sizes of the weight.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import zeros
        >>> zeros(2)
        array([0., 0.], dtype=float32)
        """
        return self.fill(self.array(shape, dtype, device, out, "zeros"), 0.0)
