"""Normalisation of torch tensors, forward: layer, RMS, batch, group and instance norm.

Statistics are taken in float32 (float64 for a float64 input) of values shifted by one of their own and centred again:
they keep their digits when the mean is a million standard deviations, and a constant input gives exactly `beta`. Rows
whose squares leave the range of the dtype are scaled by a power of two, so nothing overflows, or vanishes at eps 0.
The variance that divides is the biased one, mean((x - mean)**2), plus `eps`. The result has the dtype and device of
`x`. Autograd sees ordinary operations; nothing waits for a device.

`gamma` multiplies and `beta` is added; either may be None. Integer input is a `TypeError`, a mismatched `gamma` or
`beta` and an empty group are a `ValueError`.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from varlaw.impl.arguments import flag, number, refuse
from varlaw.impl.grouping import Rows, channel_rows, filled, fitting, normalised_axes
from varlaw.impl.torch.rows import inverse_root, quick_rms, standardised
from varlaw.impl.torch.streams import float_tensor, may_ask, working, writable

Table: TypeAlias = torch.Tensor | None
Restore: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def layer_norm(
    x: torch.Tensor, axes: Any = -1, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5
) -> torch.Tensor:
    """(x - mean) / sqrt(variance + eps) * gamma + beta over `axes` (Ba et al. 2016, arXiv:1607.06450).

    x: float values of any strides.
    axes: what is normalised over, one axis or several.
    gamma, beta: what the result is multiplied by and what is added, with the sizes of the normalised axes; or None.
    eps: added to the variance; at least 0.

    >>> layer_norm(torch.tensor([[3.0, 1.0]]), eps=0.0)
    tensor([[ 1., -1.]])
    """
    return _over_axes(x, axes, gamma, beta, eps, True, "layer_norm")


def rms_norm(x: torch.Tensor, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5) -> torch.Tensor:
    """x / sqrt(mean(x**2) + eps) * gamma over `axes` (Zhang & Sennrich 2019, arXiv:1910.07467).

    x: float values of any strides.
    axes: what is normalised over, one axis or several.
    gamma: what the result is multiplied by, with the sizes of the normalised axes; or None.
    eps: added to the mean square; at least 0.

    >>> rms_norm(torch.tensor([[3.0, -3.0]]), eps=0.0)
    tensor([[ 1., -1.]])
    """
    quick = quick_rms(x, axes, gamma, eps)
    return _over_axes(x, axes, gamma, None, eps, False, "rms_norm") if quick is None else quick


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
    r += momentum * (batch - r); the running variance takes the unbiased batch variance although the biased one divides.
    Otherwise the running statistics are used.

    x: (batch, channels, *positions), of any strides.
    running_mean, running_var: (channels,), which training updates in place and evaluation uses; or None.
    gamma, beta: what each channel is multiplied by and what is added to it, (channels,); or None.
    training: normalise by the statistics of the batch, else by the running ones.
    momentum: weight of the new batch in the running statistics.
    eps: added to the variance; at least 0.

    >>> batch_norm(torch.tensor([[1.0], [3.0]]), eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    where = "batch_norm"
    (x, small), trains = checked(x, eps, where), flag("training", training, where)
    shape = tuple(x.shape)
    rows = channel_rows(shape, max(shape[1], 1) if x.ndim > 1 else 1, where)
    channels = shape[1]
    fitting_tables(gamma, beta, (channels,), where)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None:
            fitting(name, tuple(float_tensor(name, running, where).shape), (channels,), where)
            if trains:
                writable(name, running, where)
    if not trains:
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

    x: (batch, channels, *positions), of any strides.
    groups: that divide the channels.
    gamma, beta: what each channel is multiplied by and what is added to it, (channels,); or None.
    eps: added to the variance; at least 0.

    >>> group_norm(torch.tensor([[1.0, 3.0, 5.0, 5.0]]), 2, eps=0.0)
    tensor([[-1.,  1.,  0.,  0.]])
    """
    return _over_channels(x, groups, gamma, beta, eps, "group_norm")


def instance_norm(x: torch.Tensor, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5) -> torch.Tensor:
    """Normalise each channel of each sample over its positions (Ulyanov et al. 2016, arXiv:1607.08022).

    x: (batch, channels, *positions), of any strides.
    gamma, beta: what each channel is multiplied by and what is added to it, (channels,); or None.
    eps: added to the variance; at least 0.

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
        wide.reshape(-1, rows.length).contiguous(),  # sums in the same order whatever the memory format
        rows,
        lambda result: _dense(result.reshape(shape).movedim(last, over)),
        sizes,
    )


def over_channels(x: torch.Tensor, groups: int, where: str) -> tuple[torch.Tensor, Rows, Restore]:
    """The groups of channels of each sample as rows, and the way back."""
    rows = channel_rows(tuple(x.shape), groups, where)
    shape = x.shape
    return x.reshape(-1, rows.length).contiguous(), rows, lambda result: result.reshape(shape)


def over_batch(x: torch.Tensor, where: str) -> tuple[torch.Tensor, Rows, Restore]:
    """The channels over batch and positions as rows, and the way back."""
    channels = x.shape[1]
    count = x.numel() // channels if channels else 0
    if count == 0:
        refuse("x.shape", tuple(x.shape), "with at least one value per channel in training", where)
    wide = x.movedim(1, 0)
    shape = wide.shape
    return (
        wide.reshape(channels, -1).contiguous(),
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
    if float_tensor("x", x, where).ndim == 0:
        refuse("x.shape", tuple(x.shape), "of at least 1 axis", where)
    return x, number("eps", eps, where, low=0.0)


def fitting_tables(gamma: Table, beta: Table, wanted: tuple[int, ...], where: str) -> None:
    for name, given in (("gamma", gamma), ("beta", beta)):
        if given is not None:
            fitting(name, tuple(float_tensor(name, given, where).shape), wanted, where)


def _normalised(
    wide: torch.Tensor, rows: Rows, gamma: Table, beta: Table, eps: float, centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The rows of a 2-D tensor, normalised; their means and biased variances in the working dtype."""
    work = wide.to(working(wide.dtype))
    work, mean, square, _ = standardised(work, eps, centred)
    return _scaled_and_shifted(work, rows, gamma, beta).to(wide.dtype), mean, square


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
    if running is not None and weight:
        with torch.no_grad():
            running.mul_(1 - weight).add_((batch * weight).to(running.dtype))


def _evaluated(
    x: torch.Tensor, mean: Table, variance: Table, gamma: Table, beta: Table, eps: float, where: str
) -> torch.Tensor:
    if mean is None or variance is None:
        refuse("running_mean, running_var", None, "tensors when training=False", where)
    if may_ask(variance.detach()) and bool((variance < 0).any()):
        refuse("running_var", f"{float(variance.detach().min()):g} for a channel", ">= 0", where)
    kind = torch.promote_types(working(x.dtype), torch.promote_types(mean.dtype, variance.dtype))
    spread = (-1,) + (1,) * (x.ndim - 2)
    scale = inverse_root(variance.to(kind) + eps)
    work = (x.to(kind) - mean.to(kind).reshape(spread)) * scale.reshape(spread)
    if gamma is not None:
        work = work * gamma.to(kind).reshape(spread)
    if beta is not None:
        work = work + beta.to(kind).reshape(spread)
    return work.to(x.dtype)
