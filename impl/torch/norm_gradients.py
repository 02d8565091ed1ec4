"""Gradients of the norms for torch, derived by hand.

With xhat = (x - mean) / s, s = sqrt(variance + eps) and d = gamma * grad, over one row

    dx = (d - mean(d) - xhat * mean(d * xhat)) / s,

without mean(d) where no mean was subtracted (RMS). `gamma` collects grad * xhat and `beta` grad over all values that
share them. Everything is computed in float32, or float64 for a float64 input. A constant row normalised with eps 0 has
no derivative and is given the gradient zero.
"""

from typing import Any, NamedTuple

import torch

from varlaw.impl.affine import Rows, fitting
from varlaw.impl.torch.norms import (
    Restore,
    Table,
    checked,
    fitting_tables,
    over_axes,
    over_batch,
    over_channels,
)
from varlaw.impl.torch.rows import standardised
from varlaw.impl.torch.streams import float_tensor, working


class NormGradients(NamedTuple):
    """Gradients of a loss: by the input, and by gamma and beta in their own shape and the working dtype."""

    x: torch.Tensor
    gamma: torch.Tensor
    beta: torch.Tensor


def layer_norm_backward(
    grad: torch.Tensor, x: torch.Tensor, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `layer_norm(x, axes, gamma, beta)` from that of its result, of the same shape.

    >>> layer_norm_backward(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0, 1.0]])).x
    tensor([[0., 0.]])
    """
    where = "layer_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    fitting_tables(gamma, None, sizes, where)
    return _gradients(over_axes(grad, axes, where)[0], wide, rows, restore, gamma, small, sizes, True)


def rms_norm_backward(
    grad: torch.Tensor, x: torch.Tensor, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `rms_norm(x, axes, gamma)`; that of beta is what a shift would have.

    >>> rms_norm_backward(torch.tensor([[1.0]]), torch.tensor([[3.0]]), eps=0.0).x
    tensor([[0.]])
    """
    where = "rms_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    fitting_tables(gamma, None, sizes, where)
    return _gradients(over_axes(grad, axes, where)[0], wide, rows, restore, gamma, small, sizes, False)


def batch_norm_backward(
    grad: torch.Tensor, x: torch.Tensor, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `batch_norm(x, gamma=gamma, beta=beta)` in training.

    >>> batch_norm_backward(torch.ones((2, 1)), torch.tensor([[3.0], [1.0]])).beta
    tensor([2.])
    """
    where = "batch_norm_backward"
    x, small = _pair(grad, x, eps, where)
    over_channels(x, 1, where)
    wide, rows, restore = over_batch(x, where)
    fitting_tables(gamma, None, (x.shape[1],), where)
    return _gradients(over_batch(grad, where)[0], wide, rows, restore, gamma, small, (x.shape[1],), True)


def group_norm_backward(
    grad: torch.Tensor, x: torch.Tensor, groups: int, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `group_norm(x, groups, gamma, beta)`.

    >>> group_norm_backward(torch.ones((1, 2)), torch.tensor([[3.0, 1.0]]), 1).x
    tensor([[0., 0.]])
    """
    where = "group_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore = over_channels(x, groups, where)
    fitting_tables(gamma, None, (x.shape[1],), where)
    flat = over_channels(grad, groups, where)[0]
    return _gradients(flat, wide, rows, restore, gamma, small, (x.shape[1],), True)


def instance_norm_backward(
    grad: torch.Tensor, x: torch.Tensor, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `instance_norm(x, gamma, beta)`.

    >>> instance_norm_backward(torch.ones((1, 1, 2)), torch.tensor([[[3.0, 1.0]]])).x
    tensor([[[0., 0.]]])
    """
    channels = x.shape[1] if getattr(x, "ndim", 0) > 1 else 1
    return group_norm_backward(grad, x, max(channels, 1), gamma, eps=eps)


def _pair(grad: torch.Tensor, x: torch.Tensor, eps: float, where: str) -> tuple[torch.Tensor, float]:
    x, small = checked(x, eps, where)
    fitting("grad", tuple(float_tensor("grad", grad, where).shape), tuple(x.shape), where)
    return x, small


def _gradients(
    grad: torch.Tensor,
    wide: torch.Tensor,
    rows: Rows,
    restore: Restore,
    gamma: Table,
    eps: float,
    sizes: tuple[int, ...],
    centred: bool,
) -> NormGradients:
    kind = working(wide.dtype)
    hat, _, _, scale = standardised(wide.to(kind), eps, centred)
    given = grad.to(kind)
    shape = (-1, rows.period, rows.inner, rows.repeats)
    by_gamma = (given * hat).reshape(shape).sum(dim=(0, 3)).reshape(sizes)
    by_beta = given.reshape(shape).sum(dim=(0, 3)).reshape(sizes)
    if gamma is not None:
        given = (given.reshape(shape) * gamma.to(kind).reshape(rows.period, rows.inner, 1)).reshape(given.shape)
    inner = given - hat * (given * hat).mean(dim=1, keepdim=True)
    if centred:
        inner = inner - given.mean(dim=1, keepdim=True)
    return NormGradients(restore((inner * scale.unsqueeze(1)).to(wide.dtype)), by_gamma, by_beta)
