"""Initial weights with a variance that follows from the layer: Glorot, He, LeCun.

Each rule is one standard deviation, of one weight, written out above the draw.
"""

import math
from collections.abc import Sequence

from varlaw.impl.arguments import number
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.fans import fan_for


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
