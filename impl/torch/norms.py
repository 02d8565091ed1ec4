"""Normalisation of torch tensors, forward: layer, RMS, batch, group and instance norm.

Statistics are taken in float32 (float64 for a float64 input) of values shifted by one of their own and centred again:
they keep their digits when the mean is a million standard deviations, cannot overflow for a float16 input, and a
constant input gives exactly `beta`. The variance that divides is the biased one, mean((x - mean)**2), plus `eps`. The
result has the dtype and device of `x`. Autograd sees ordinary operations; nothing waits for a device.

`gamma` multiplies and `beta` is added; either may be None. Integer input is a `TypeError`, a mismatched `gamma` or
`beta` and an empty group are a `ValueError`.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from varlaw.impl.affine import Rows, channel_rows, filled, fitting, normalised_axes
from varlaw.impl.arguments import number, refuse, refuse_type
from varlaw.impl.torch.streams import dtype_of, may_ask, working

PIECE = 256  # values whose squares may be summed plainly

Table: TypeAlias = torch.Tensor | None
Restore: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def layer_norm(
    x: torch.Tensor, axes: Any = -1, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5
) -> torch.Tensor:
    """(x - mean) / sqrt(variance + eps) * gamma + beta over `axes` (Ba et al. 2016, arXiv:1607.06450).

    `gamma` and `beta` have the sizes of the normalised axes, in their order in `x`.

    >>> layer_norm(torch.tensor([[3.0, 1.0]]), eps=0.0)
    tensor([[ 1., -1.]])
    """
    return _over_axes(x, axes, gamma, beta, eps, True, "layer_norm")


def rms_norm(x: torch.Tensor, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5) -> torch.Tensor:
    """x / sqrt(mean(x**2) + eps) * gamma over `axes` (Zhang & Sennrich 2019, arXiv:1910.07467).

    >>> rms_norm(torch.tensor([[3.0, -3.0]]), eps=0.0)
    tensor([[ 1., -1.]])
    """
    return _over_axes(x, axes, gamma, None, eps, False, "rms_norm")


def batch_norm(
    x: torch.Tensor,
    running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None,
    gamma: Table = None,
    beta: Table = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Normalise each channel (axis 1) over all other axes (Ioffe & Szegedy 2015, arXiv:1502.03167).

    In training the batch's own statistics are used, and running ones, where given, are updated in place by
    r += momentum * (batch - r): `momentum` is the weight of the new batch, and the running variance takes the
    unbiased batch variance although the biased one divides. Otherwise the running statistics are used.

    >>> batch_norm(torch.tensor([[1.0], [3.0]]), eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    where = "batch_norm"
    x, small = checked(x, eps, where)
    shape = tuple(x.shape)
    rows = channel_rows(shape, shape[1] if x.ndim > 1 else 1, where)
    channels = shape[1]
    fitting_tables(gamma, beta, (channels,), where)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None:
            fitting(name, tuple(running.shape), (channels,), where)
    if not training:
        return _evaluated(x, running_mean, running_var, gamma, beta, small, where)
    weight = number("momentum", momentum, where, low=0.0)
    wide, rows, restore = over_batch(x, where)
    count = rows.length
    if count == 1 and running_var is not None:
        refuse("x.shape", shape, "with more than one value per channel in training", where)
    result, mean, square = _normalised(wide, rows, gamma, beta, small, True)
    _update(running_mean, mean, weight)
    _update(running_var, square * (count / max(count - 1, 1)), weight)
    return restore(result)


def group_norm(
    x: torch.Tensor, groups: int, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5
) -> torch.Tensor:
    """Normalise each group of channels of each sample (Wu & He 2018, arXiv:1803.08494).

    `x` is (batch, channels, *positions); `gamma` and `beta` are (channels,).

    >>> group_norm(torch.tensor([[1.0, 3.0, 5.0, 5.0]]), 2, eps=0.0)
    tensor([[-1.,  1.,  0.,  0.]])
    """
    return _over_channels(x, groups, gamma, beta, eps, "group_norm")


def instance_norm(x: torch.Tensor, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5) -> torch.Tensor:
    """Normalise each channel of each sample over its positions (Ulyanov et al. 2016, arXiv:1607.08022).

    >>> instance_norm(torch.tensor([[[1.0, 3.0]]]), eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    channels = x.shape[1] if getattr(x, "ndim", 0) > 1 else 1
    return _over_channels(x, max(channels, 1), gamma, beta, eps, "instance_norm")


def over_axes(x: torch.Tensor, axes: Any, where: str) -> tuple[torch.Tensor, Rows, Restore, tuple[int, ...]]:
    """The normalised axes of each sample as rows of a 2-D tensor, the way back, and the sizes of those axes."""
    over = normalised_axes(axes, x.ndim, where)
    sizes = tuple(x.shape[axis] for axis in over)
    rows = filled(Rows(1, math.prod(sizes), 1), tuple(x.shape), where)
    last = tuple(range(x.ndim - len(over), x.ndim))
    wide = x.movedim(over, last)
    shape = wide.shape
    return (
        wide.reshape(-1, rows.length),
        rows,
        lambda result: _dense(result.reshape(shape).movedim(last, over)),
        sizes,
    )


def over_channels(x: torch.Tensor, groups: int, where: str) -> tuple[torch.Tensor, Rows, Restore]:
    """The groups of channels of each sample as rows, and the way back."""
    rows = channel_rows(tuple(x.shape), groups, where)
    shape = x.shape
    return x.reshape(-1, rows.length), rows, lambda result: result.reshape(shape)


def over_batch(x: torch.Tensor, where: str) -> tuple[torch.Tensor, Rows, Restore]:
    """The channels over batch and positions as rows, and the way back."""
    channels = x.shape[1]
    count = x.numel() // channels if channels else 0
    if count == 0:
        refuse("x.shape", tuple(x.shape), "with at least one value per channel in training", where)
    wide = x.movedim(1, 0)
    shape = wide.shape
    return (
        wide.reshape(channels, -1),
        Rows(channels, 1, count),
        lambda result: _dense(result.reshape(shape).movedim(0, 1)),
    )


def _over_axes(
    x: torch.Tensor, axes: Any, gamma: Table, beta: Table, eps: float, centred: bool, where: str
) -> torch.Tensor:
    x, small = checked(x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    fitting_tables(gamma, beta, sizes, where)
    return restore(_normalised(wide, rows, gamma, beta, small, centred)[0])


def _over_channels(x: torch.Tensor, groups: int, gamma: Table, beta: Table, eps: float, where: str) -> torch.Tensor:
    x, small = checked(x, eps, where)
    wide, rows, restore = over_channels(x, groups, where)
    fitting_tables(gamma, beta, (x.shape[1],), where)
    return restore(_normalised(wide, rows, gamma, beta, small, True)[0])


def _dense(x: torch.Tensor) -> torch.Tensor:
    return x if x.is_contiguous() else x.clone(memory_format=torch.contiguous_format)


def checked(x: torch.Tensor, eps: float, where: str) -> tuple[torch.Tensor, float]:
    if not isinstance(x, torch.Tensor):
        refuse_type("x", x, "a torch.Tensor", where)
    dtype_of(x.dtype, where)
    if x.ndim == 0:
        refuse("x.shape", tuple(x.shape), "of at least 1 axis", where)
    return x, number("eps", eps, where, low=0.0)


def fitting_tables(gamma: Table, beta: Table, wanted: tuple[int, ...], where: str) -> None:
    for name, given in (("gamma", gamma), ("beta", beta)):
        if given is not None:
            fitting(name, tuple(given.shape), wanted, where)


def _normalised(
    wide: torch.Tensor, rows: Rows, gamma: Table, beta: Table, eps: float, centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The rows of a 2-D tensor, normalised; their means and biased variances in the working dtype."""
    work = wide.to(working(wide.dtype))
    if not centred and _plain(work, gamma):
        quick = _quick_rms(work, gamma, eps)
        if quick is not None:
            return quick.to(wide.dtype), work.select(1, 0), work.select(1, 0)
    work, mean, square, _ = standardised(work, eps, centred)
    return _scaled_and_shifted(work, rows, gamma, beta).to(wide.dtype), mean, square


def _plain(work: torch.Tensor, gamma: Table) -> bool:
    """Whether the rows lie on the CPU and nobody will ask for gradients."""
    recorded = torch.is_grad_enabled() and (work.requires_grad or (gamma is not None and gamma.requires_grad))
    return may_ask(work.detach()) and not recorded


def _quick_rms(work: torch.Tensor, gamma: Table, eps: float) -> torch.Tensor | None:
    """RMS norm in three passes over the rows; None for odd lengths, overflow, and eps 0."""
    count, length = work.shape
    piece = length if length <= PIECE else math.gcd(length, PIECE)
    if piece < min(length, PIECE // 4):
        return None
    norms = torch.linalg.vector_norm(work.reshape(count, length // piece, piece), dim=2)
    square = norms.square_().sum(dim=1, keepdim=True).div_(length)
    if eps == 0 or square.isinf().any():
        return None
    result: torch.Tensor = work * square.add_(eps).rsqrt_()
    return result if gamma is None else result.mul_(gamma.to(work.dtype).reshape(-1))


def standardised(
    work: torch.Tensor, eps: float, centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Normalised rows; their means, biased variances (mean squares, if not centred) and scales."""
    mean = torch.zeros_like(work.select(1, 0))
    if centred:
        shift = work.narrow(1, 0, 1).detach()  # exact zeros for a constant row, and no digits lost to a large mean
        work = work - shift
        rest = work.mean(dim=1, keepdim=True)
        work = work - rest
        mean = (shift + rest).squeeze(1)
    work, square, small, shrink = _in_range(work, eps)
    scale = torch.where(square + small > 0, (square + small).rsqrt(), torch.zeros_like(square))
    return work * scale.unsqueeze(1), mean, square, scale * shrink


def _in_range(
    work: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | float, torch.Tensor | float]:
    """Rows, their mean squares and eps in units in which no square overflows, and those units."""
    square = work.square().mean(dim=1)
    if may_ask(square) and not square.isinf().any():
        return work, square, eps, 1.0
    most, factor = (2.0**60, 2.0**-70) if work.dtype == torch.float32 else (2.0**500, 2.0**-540)
    peak = torch.linalg.vector_norm(work.detach(), math.inf, dim=1)
    shrink = torch.ones_like(peak).masked_fill(peak > most, factor)
    work = work * shrink.unsqueeze(1)
    return work, work.square().mean(dim=1), eps * shrink * shrink, shrink


def _scaled_and_shifted(work: torch.Tensor, rows: Rows, gamma: Table, beta: Table) -> torch.Tensor:
    if gamma is None and beta is None:
        return work
    view = work.reshape(-1, rows.period, rows.inner, rows.repeats)
    if gamma is not None:
        view = view * gamma.to(work.dtype).reshape(rows.period, rows.inner, 1)
    if beta is not None:
        view = view + beta.to(work.dtype).reshape(rows.period, rows.inner, 1)
    return view.reshape(work.shape)


def _update(running: torch.Tensor | None, batch: torch.Tensor, weight: float) -> None:
    if running is not None:
        with torch.no_grad():
            running += (weight * (batch - running)).to(running.dtype)


def _evaluated(
    x: torch.Tensor, mean: Table, variance: Table, gamma: Table, beta: Table, eps: float, where: str
) -> torch.Tensor:
    if mean is None or variance is None:
        refuse("running_mean, running_var", None, "tensors when training=False", where)
    kind = working(x.dtype)
    spread = (-1,) + (1,) * (x.ndim - 2)
    work = (x.to(kind) - mean.to(kind).reshape(spread)) * (variance.to(kind) + eps).rsqrt().reshape(spread)
    if gamma is not None:
        work = work * gamma.to(kind).reshape(spread)
    if beta is not None:
        work = work + beta.to(kind).reshape(spread)
    return work.to(x.dtype)
