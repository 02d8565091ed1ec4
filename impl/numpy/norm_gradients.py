"""Gradients of the norms for NumPy, derived by hand.

With xhat = (x - mean) / s, s = sqrt(variance + eps) and d = gamma * grad, over one row

    dx = (d - mean(d) - xhat * mean(d * xhat)) / s,

without mean(d) where no mean was subtracted (RMS). `gamma` collects grad * xhat and `beta` grad over all values that
share them. Everything is computed in float64; the gradient of x has the dtype of x. A constant row
normalised with eps 0 has no derivative and is given the gradient zero.
"""

from typing import Any, NamedTuple

import numpy as np

from varlaw.impl.affine import Rows, fitting
from varlaw.impl.numpy.norms import (
    Restore,
    Table,
    checked,
    float_array,
    over_axes,
    over_batch,
    over_channels,
    tables_of,
)
from varlaw.impl.numpy.rows import standardise
from varlaw.impl.numpy.streams import Array


class NormGradients(NamedTuple):
    """Gradients of a loss: by the input, and by gamma and beta in their own shape, in float64."""

    x: Array
    gamma: Array
    beta: Array


def layer_norm_backward(
    grad: Array, x: Array, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `layer_norm(x, axes, gamma, beta)` from that of its result, of the same shape.

    >>> layer_norm_backward(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]])).x
    array([[0., 0.]])
    """
    where = "layer_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    table, _ = tables_of(gamma, None, sizes, rows, np.dtype(np.float64), where)
    return _gradients(over_axes(grad, axes, where)[0], wide, rows, restore, table, small, sizes, True)


def rms_norm_backward(
    grad: Array, x: Array, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5
) -> NormGradients:
    """Gradients of `rms_norm(x, axes, gamma)`; that of beta is what a shift would have.

    >>> rms_norm_backward(np.array([[1.0]]), np.array([[3.0]]), eps=0.0).x
    array([[0.]])
    """
    where = "rms_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    table, _ = tables_of(gamma, None, sizes, rows, np.dtype(np.float64), where)
    return _gradients(over_axes(grad, axes, where)[0], wide, rows, restore, table, small, sizes, False)


def batch_norm_backward(grad: Array, x: Array, gamma: Table = None, *, eps: float = 1e-5) -> NormGradients:
    """Gradients of `batch_norm(x, gamma=gamma, beta=beta)` in training.

    >>> batch_norm_backward(np.ones((2, 1)), np.array([[3.0], [1.0]])).beta
    array([2.])
    """
    where = "batch_norm_backward"
    x, small = _pair(grad, x, eps, where)
    over_channels(x, 1, where)
    wide, rows, restore = over_batch(x, where)
    table, _ = tables_of(gamma, None, (x.shape[1],), rows, np.dtype(np.float64), where)
    return _gradients(over_batch(grad, where)[0], wide, rows, restore, table, small, (x.shape[1],), True)


def group_norm_backward(grad: Array, x: Array, groups: int, gamma: Table = None, *, eps: float = 1e-5) -> NormGradients:
    """Gradients of `group_norm(x, groups, gamma, beta)`.

    >>> group_norm_backward(np.ones((1, 2)), np.array([[3.0, 1.0]]), 1).x
    array([[0., 0.]])
    """
    where = "group_norm_backward"
    x, small = _pair(grad, x, eps, where)
    wide, rows, restore = over_channels(x, groups, where)
    table, _ = tables_of(gamma, None, (x.shape[1],), rows, np.dtype(np.float64), where)
    flat = over_channels(grad, groups, where)[0]
    return _gradients(flat, wide, rows, restore, table, small, (x.shape[1],), True)


def instance_norm_backward(grad: Array, x: Array, gamma: Table = None, *, eps: float = 1e-5) -> NormGradients:
    """Gradients of `instance_norm(x, gamma, beta)`.

    >>> instance_norm_backward(np.ones((1, 1, 2)), np.array([[[3.0, 1.0]]])).x
    array([[[0., 0.]]])
    """
    channels = x.shape[1] if getattr(x, "ndim", 0) > 1 else 1
    return group_norm_backward(grad, x, max(channels, 1), gamma, eps=eps)


def _pair(grad: Array, x: Array, eps: float, where: str) -> tuple[Array, float]:
    x, small = checked(x, eps, where)
    fitting("grad", float_array("grad", grad, where).shape, x.shape, where)
    return x, small


@np.errstate(over="ignore", invalid="ignore")
def _gradients(
    grad: Array,
    wide: Array,
    rows: Rows,
    restore: Restore,
    gamma: Table,
    eps: float,
    sizes: tuple[int, ...],
    centred: bool,
) -> NormGradients:
    hat = np.empty(wide.shape)
    _, _, scale = standardise(wide, hat, eps, centred)
    given = grad.astype(np.float64)
    shape = (-1, rows.period, rows.inner, rows.repeats)
    by_gamma = (given * hat).reshape(shape).sum(axis=(0, 3)).reshape(sizes)
    by_beta = given.reshape(shape).sum(axis=(0, 3)).reshape(sizes)
    if gamma is not None:
        given = (given.reshape(shape) * gamma[:, :, None]).reshape(given.shape)
    inner = given - hat * np.mean(given * hat, axis=1, keepdims=True)
    if centred:
        inner -= given.mean(axis=1, keepdims=True)
    return NormGradients(restore((inner * scale[:, None]).astype(wide.dtype)), by_gamma, by_beta)
