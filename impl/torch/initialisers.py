"""Initial weights for torch with a variance that follows from the layer: Glorot, He, LeCun, residual, orthogonal.

Arguments common to all are explained in `varlaw.impl.torch.draws`. `gain` multiplies the standard deviation of one
weight; `layout`, `groups` and `stride` say how the layer uses the weight, from which its true fans follow (see
`varlaw.impl.fans`): shape[1] of a grouped convolution is already in/groups. `mode` names the fan that is divided by.
"""

import math
from collections.abc import Sequence

import torch

from varlaw.impl.arguments import choice, number, refuse
from varlaw.impl.fans import fan_for
from varlaw.impl.scales import residual_std
from varlaw.impl.torch.draws import fill_between, fill_normal, fill_uniform, representable
from varlaw.impl.torch.orthogonal import haar
from varlaw.impl.torch.streams import Device, DType, Seed, Shape, tensor_for, write_
from varlaw.impl.truncation import cut


def glorot_uniform(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = 1.0,
    mode: str = "fan_avg",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Uniform with variance gain**2 / fan, fan = (fan_in + fan_out) / 2 (Glorot & Bengio 2010).

    >>> glorot_uniform((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "glorot_uniform", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "glorot_uniform")
    return fill_uniform(target, math.sqrt(3) * std, seed, "glorot_uniform")


def glorot_normal(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = 1.0,
    mode: str = "fan_avg",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Normal with variance gain**2 / fan, fan = (fan_in + fan_out) / 2 (Glorot & Bengio 2010).

    >>> glorot_normal((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "glorot_normal", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "glorot_normal")
    return fill_normal(target, std, seed, "glorot_normal")


def he_uniform(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = math.sqrt(2),
    mode: str = "fan_in",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Uniform with variance gain**2 / fan_in, gain sqrt(2) for ReLU (He et al. 2015, arXiv:1502.01852).

    >>> he_uniform((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "he_uniform", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "he_uniform")
    return fill_uniform(target, math.sqrt(3) * std, seed, "he_uniform")


def he_normal(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = math.sqrt(2),
    mode: str = "fan_in",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Normal with variance gain**2 / fan_in, gain sqrt(2) for ReLU (He et al. 2015, arXiv:1502.01852).

    >>> he_normal((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "he_normal", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "he_normal")
    return fill_normal(target, std, seed, "he_normal")


def lecun_uniform(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = 1.0,
    mode: str = "fan_in",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Uniform with variance gain**2 / fan_in (LeCun et al. 1998, Efficient BackProp).

    >>> lecun_uniform((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "lecun_uniform", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "lecun_uniform")
    return fill_uniform(target, math.sqrt(3) * std, seed, "lecun_uniform")


def lecun_normal(
    shape: Shape,
    *,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    gain: float = 1.0,
    mode: str = "fan_in",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Normal with variance gain**2 / fan_in (LeCun et al. 1998, Efficient BackProp).

    >>> lecun_normal((64, 32, 3, 3), seed=0).shape
    torch.Size([64, 32, 3, 3])
    """
    target = tensor_for(shape, dtype, device, out, "lecun_normal", seed)
    std = fan_std(target, layout, groups, stride, gain, mode, "lecun_normal")
    return fill_normal(target, std, seed, "lecun_normal")


def variance_scaling(
    shape: Shape,
    scale: float = 1.0,
    *,
    distribution: str,
    seed: Seed,
    layout: str | None = None,
    groups: int = 1,
    stride: int | Sequence[int] = 1,
    mode: str = "fan_in",
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Variance scale / fan: "uniform", "normal" or "truncated_normal" (+-2 sigmas, corrected to that variance).

    >>> variance_scaling((4, 2), 2.0, distribution="truncated_normal", seed=0).shape
    torch.Size([4, 2])
    """
    where = "variance_scaling"
    choice("distribution", distribution, ("uniform", "normal", "truncated_normal"), where)
    target = tensor_for(shape, dtype, device, out, where, seed)
    gain = math.sqrt(number("scale", scale, where, low=0.0))
    std = fan_std(target, layout, groups, stride, gain, mode, where)
    if distribution == "uniform":
        return fill_uniform(target, math.sqrt(3) * std, seed, where)
    if distribution == "normal" or std == 0:
        return fill_normal(target, std, seed, where)
    return fill_between(target, cut(std, -2.0, 2.0, std_of="result", bounds="sigmas", where=where), seed, where)


def residual_scaled(
    shape: Shape,
    std: float,
    layers: int,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Normal with std / sqrt(2 * layers), for the projection that ends each of the 2*layers residual branches (GPT-2).

    >>> residual_scaled((4, 4), 0.02, 12, seed=0).shape
    torch.Size([4, 4])
    """
    where = "residual_scaled"
    scaled = residual_std(std, layers)
    return fill_normal(tensor_for(shape, dtype, device, out, where, seed), scaled, seed, where)


def orthogonal(
    shape: Shape,
    gain: float = 1.0,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """gain times a Haar (semi-)orthogonal matrix of shape[0] rows, the other axes flattened.

    Rows are orthonormal if there are at most as many as columns, columns otherwise. Computed in float64 for float64,
    in float32 for narrower dtypes. Needs at least two axes (Saxe et al. 2014, arXiv:1312.6120).

    >>> q = orthogonal((3, 3), seed=0, dtype="float64")
    >>> bool(abs(q @ q.T - torch.eye(3)).max() < 1e-14)
    True
    """
    where = "orthogonal"
    size = number("gain", gain, where)
    target = tensor_for(shape, dtype, device, out, where, seed)
    representable("gain", size, target, where)
    if target.ndim < 2:
        refuse("shape", tuple(target.shape), "of at least 2 axes", where)
    if target.numel():
        with torch.no_grad():
            matrix = haar(target.shape[0], math.prod(target.shape[1:]), target, seed=seed, where=where)
            write_(target, matrix.mul_(size).reshape(target.shape))
    return target


def fan_std(
    target: torch.Tensor,
    layout: str | None,
    groups: int,
    stride: int | Sequence[int],
    gain: float,
    mode: str,
    where: str,
) -> float:
    """Standard deviation gain / sqrt(fan), per weight."""
    size = number("gain", gain, where, low=0.0)
    return size / math.sqrt(fan_for(target.shape, layout, groups, stride, mode, where))
