"""Initial weights with a variance that follows from the layer: Glorot, He, LeCun, residual, orthogonal.

Each rule is one standard deviation, of one weight, written out above the draw.
"""

import math
from collections.abc import Sequence

from varlaw.impl.arguments import choice, number, refuse
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.fans import fan_for
from varlaw.impl.scales import residual_std
from varlaw.impl.truncation import cut


class Schemes(Backend[Array, Seed, DType, Device]):
    """Weights scaled by the fans of their layer."""

    def glorot_uniform(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = 1.0,
        mode: str = "fan_avg",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Uniform with variance gain**2 / fan, fan = (fan_in + fan_out) / 2 (Glorot & Bengio 2010).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import glorot_uniform
        >>> glorot_uniform((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "glorot_uniform", seed)
        gain = number("gain", gain, "glorot_uniform", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "glorot_uniform"))
        return self.fill_uniform(w, math.sqrt(3) * std, seed, "glorot_uniform")

    def glorot_normal(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = 1.0,
        mode: str = "fan_avg",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Normal with variance gain**2 / fan, fan = (fan_in + fan_out) / 2 (Glorot & Bengio 2010).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import glorot_normal
        >>> glorot_normal((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "glorot_normal", seed)
        gain = number("gain", gain, "glorot_normal", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "glorot_normal"))
        return self.fill_normal(w, std, seed, "glorot_normal")

    def he_uniform(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = math.sqrt(2),
        mode: str = "fan_in",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Uniform with variance gain**2 / fan_in, gain sqrt(2) for ReLU (He et al. 2015, arXiv:1502.01852).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import he_uniform
        >>> he_uniform((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "he_uniform", seed)
        gain = number("gain", gain, "he_uniform", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "he_uniform"))
        return self.fill_uniform(w, math.sqrt(3) * std, seed, "he_uniform")

    def he_normal(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = math.sqrt(2),
        mode: str = "fan_in",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Normal with variance gain**2 / fan_in, gain sqrt(2) for ReLU (He et al. 2015, arXiv:1502.01852).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import he_normal
        >>> he_normal((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "he_normal", seed)
        gain = number("gain", gain, "he_normal", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "he_normal"))
        return self.fill_normal(w, std, seed, "he_normal")

    def lecun_uniform(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = 1.0,
        mode: str = "fan_in",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Uniform with variance gain**2 / fan_in (LeCun et al. 1998, Efficient BackProp).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import lecun_uniform
        >>> lecun_uniform((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "lecun_uniform", seed)
        gain = number("gain", gain, "lecun_uniform", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "lecun_uniform"))
        return self.fill_uniform(w, math.sqrt(3) * std, seed, "lecun_uniform")

    def lecun_normal(
        self,
        shape: Shape,
        *,
        seed: Seed,
        layout: str | None = None,
        groups: int = 1,
        stride: int | Sequence[int] = 1,
        gain: float = 1.0,
        mode: str = "fan_in",
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Normal with variance gain**2 / fan_in (LeCun et al. 1998, Efficient BackProp).

        shape: sizes of the weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        layout: what the axes mean (`varlaw.impl.fans`); by default two are dense, four or five a convolution.
        groups, stride: of a convolution, from which with the layout its true fans follow.
        gain: multiplies the standard deviation of one weight.
        mode: the fan to divide by, "fan_in", "fan_out" or their mean, "fan_avg".
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import lecun_normal
        >>> lecun_normal((64, 32, 3, 3), seed=0).shape
        (64, 32, 3, 3)
        """
        w = self.array(shape, dtype, device, out, "lecun_normal", seed)
        gain = number("gain", gain, "lecun_normal", low=0.0)
        std = gain / math.sqrt(fan_for(tuple(w.shape), layout, groups, stride, mode, "lecun_normal"))
        return self.fill_normal(w, std, seed, "lecun_normal")

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

    def orthogonal(
        self,
        shape: Shape,
        gain: float = 1.0,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """gain times a Haar (semi-)orthogonal matrix of shape[0] rows, the other axes flattened.

        Rows are orthonormal if there are at most as many as columns, columns otherwise. Computed in float64 for
        float64, in float32 for narrower dtypes (Saxe et al. 2014, arXiv:1312.6120).

        shape: sizes of the weight, of at least two axes.
        gain: multiplies every weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import orthogonal
        >>> q = orthogonal((3, 3), seed=0, dtype="float64")
        >>> bool(abs((q * q).sum(axis=0) - 1).max() < 1e-14)
        True
        """
        where = "orthogonal"
        size = number("gain", gain, where)
        w = self.array(shape, dtype, device, out, where, seed)
        self.representable("gain", size, w, where)
        if w.ndim < 2:
            refuse("shape", tuple(w.shape), "of at least 2 axes", where)
        rows, cols = w.shape[0], math.prod(w.shape[1:])
        if not rows * cols:
            return w
        matrix = self.haar(rows, cols, size, w, seed, where)
        return self.write(w, matrix if w.ndim == 2 else matrix.reshape(w.shape))
