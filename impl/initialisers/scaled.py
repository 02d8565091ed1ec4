"""Initial weights of a variance that is stated: over a fan, or for the depth of a residual stream."""

import math
from collections.abc import Sequence

from varlaw.impl.arguments import choice, number
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.fans import fan_for
from varlaw.impl.scales import residual_std
from varlaw.impl.truncation import cut


class Scaled(Backend[Array, Seed, DType, Device]):
    """Weights scaled by a number of the user's."""

    def variance_scaling(
        self,
        shape: Shape,
        scale: float = 1.0,
        *,
        distribution: str,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        mode: str = "fan_in",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Variance scale / fan.

        shape: sizes of the weight.
        scale: multiplies the variance of one weight.
        distribution: "uniform", "normal" or "truncated_normal" (+-2 sigmas of a parent corrected to that variance).
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import variance_scaling
        >>> variance_scaling((4, 2), 2.0, distribution="truncated_normal", seed=0).shape
        (4, 2)
        """
        where = "variance_scaling"
        choice("distribution", distribution, ("uniform", "normal", "truncated_normal"), where)
        w = self.array(shape, dtype, device, out, where, seed)
        gain = math.sqrt(number("scale", scale, where, low=0.0))
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, where))
        if distribution == "uniform":
            return self.fill_uniform(w, math.sqrt(3) * std, seed, where)
        if distribution == "normal" or std == 0:
            return self.fill_normal(w, std, seed, where)
        found = cut(std, -2.0, 2.0, std_of="result", bounds="sigmas", where=where)
        self.reachable(found, w, where)
        return self.fill_between(w, found, seed, where)

    def residual_scaled(
        self,
        shape: Shape,
        std: float,
        layers: int,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Normal with std / sqrt(2 * layers), for the projection that ends each of the 2*layers branches (GPT-2).

        shape: sizes of the weight.
        std: of a weight elsewhere in the model.
        layers: residual layers (blocks), of two branches each.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import residual_scaled
        >>> residual_scaled((4, 4), 0.02, 12, seed=0).shape
        (4, 4)
        """
        scaled = residual_std(std, layers)
        w = self.array(shape, dtype, device, out, "residual_scaled", seed)
        return self.fill_normal(w, scaled, seed, "residual_scaled")
