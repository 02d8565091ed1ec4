"""Normalisation of NumPy arrays, forward: layer, RMS, batch, group and instance norm.

Statistics are taken in float32 (float64 for a float64 input) of values shifted by one of their own and centred again:
they keep their digits when the mean is a million standard deviations, and a constant input gives exactly `beta`. Rows
whose squares leave the range of the dtype are scaled by a power of two, so nothing overflows, or vanishes at eps 0.
The variance that divides is the biased one, mean((x - mean)**2), plus `eps`. The result has the dtype of `x`. The
work goes in blocks that stay in the cache, on as many threads as pay.

`gamma` multiplies and `beta` is added; either may be None. Integer input is a `TypeError`, a mismatched `gamma` or
`beta` and an empty group are a `ValueError`.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from varlaw.impl.arguments import flag, number, refuse, refuse_type
from varlaw.impl.grouping import Rows, channel_rows, filled, fitting, normalised_axes
from varlaw.impl.numpy.rows import LOST, quick_norm, standardise
from varlaw.impl.numpy.streams import DTYPES, Array, in_parallel, working

Table: TypeAlias = Array | None
Restore: TypeAlias = Callable[[Array], Array]

BLOCK = 1 << 18  # values per block, which fit a second-level cache in float32


def layer_norm(x: Array, axes: Any = -1, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5) -> Array:
    """(x - mean) / sqrt(variance + eps) * gamma + beta over `axes` (Ba et al. 2016, arXiv:1607.06450).

    x: float values of any strides.
    axes: what is normalised over, one axis or several.
    gamma, beta: what the result is multiplied by and what is added, with the sizes of the normalised axes; or None.
    eps: added to the variance; at least 0.

    >>> layer_norm(np.array([[3.0, 1.0]]), eps=0.0)
    array([[ 1., -1.]])
    """
    return _over_axes(x, axes, gamma, beta, eps, True, "layer_norm")


def rms_norm(x: Array, axes: Any = -1, gamma: Table = None, *, eps: float = 1e-5) -> Array:
    """x / sqrt(mean(x**2) + eps) * gamma over `axes` (Zhang & Sennrich 2019, arXiv:1910.07467).

    x: float values of any strides.
    axes: what is normalised over, one axis or several.
    gamma: what the result is multiplied by, with the sizes of the normalised axes; or None.
    eps: added to the mean square; at least 0.

    >>> rms_norm(np.array([[3.0, -3.0]]), eps=0.0)
    array([[ 1., -1.]])
    """
    return _over_axes(x, axes, gamma, None, eps, False, "rms_norm")


def batch_norm(
    x: Array,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    gamma: Table = None,
    beta: Table = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Array:
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

    >>> batch_norm(np.array([[1.0], [3.0]]), eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    where = "batch_norm"
    (x, small), trains = checked(x, eps, where), flag("training", training, where)
    rows = channel_rows(x.shape, max(x.shape[1], 1) if x.ndim > 1 else 1, where)
    channels = x.shape[1]
    tables = tables_of(gamma, beta, (channels,), rows, working(x.dtype), where)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None:
            fitting(name, float_array(name, running, where).shape, (channels,), where)
            if trains and not running.flags.writeable:
                refuse(f"{name}.flags.writeable", False, "True", where)
    if not trains:
        return _evaluated(x, running_mean, running_var, tables, small, where)
    weight = number("momentum", momentum, where, low=0.0)
    wide, rows, restore = over_batch(x, where)
    count = rows.length
    if count == 1 and running_var is not None:
        refuse("x.shape", x.shape, "with more than one value per channel in training", where)
    result, statistics = _normalised(wide, rows, tables, small, True)
    _update(running_mean, statistics[0], weight)
    _update(running_var, statistics[1] * (count / max(count - 1, 1)), weight)
    return restore(result)


def group_norm(x: Array, groups: int, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5) -> Array:
    """Normalise each group of channels of each sample (Wu & He 2018, arXiv:1803.08494).

    x: (batch, channels, *positions), of any strides.
    groups: that divide the channels.
    gamma, beta: what each channel is multiplied by and what is added to it, (channels,); or None.
    eps: added to the variance; at least 0.

    >>> group_norm(np.array([[1.0, 3.0, 5.0, 5.0]]), 2, eps=0.0)
    array([[-1.,  1.,  0.,  0.]])
    """
    return _over_channels(x, groups, gamma, beta, eps, "group_norm")


def instance_norm(x: Array, gamma: Table = None, beta: Table = None, *, eps: float = 1e-5) -> Array:
    """Normalise each channel of each sample over its positions (Ulyanov et al. 2016, arXiv:1607.08022).

    x: (batch, channels, *positions), of any strides.
    gamma, beta: what each channel is multiplied by and what is added to it, (channels,); or None.
    eps: added to the variance; at least 0.

    >>> instance_norm(np.array([[[1.0, 3.0]]]), eps=0.0)
    array([[[-1.,  1.]]])
    """
    channels = x.shape[1] if getattr(x, "ndim", 0) > 1 else 1
    return _over_channels(x, max(channels, 1), gamma, beta, eps, "instance_norm")


def over_axes(x: Array, axes: Any, where: str) -> tuple[Array, Rows, Restore, tuple[int, ...]]:
    """The normalised axes of each sample as rows of a 2-D array, the way back, and the sizes of those axes."""
    over = normalised_axes(axes, x.ndim, where)
    sizes = tuple(x.shape[axis] for axis in over)
    rows = filled(Rows(1, math.prod(sizes), 1), x.shape, where)
    last = tuple(range(x.ndim - len(over), x.ndim))
    if over == last:  # nearly every call
        return np.ascontiguousarray(x).reshape(-1, rows.length), rows, lambda result: result.reshape(x.shape), sizes
    wide = np.ascontiguousarray(np.moveaxis(x, over, last))
    shape = wide.shape

    def restore(result: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(result.reshape(shape), last, over))

    return wide.reshape(-1, rows.length), rows, restore, sizes


def over_channels(x: Array, groups: int, where: str) -> tuple[Array, Rows, Restore]:
    """The groups of channels of each sample as rows, and the way back."""
    rows = channel_rows(x.shape, groups, where)
    return np.ascontiguousarray(x).reshape(-1, rows.length), rows, lambda result: result.reshape(x.shape)


def over_batch(x: Array, where: str) -> tuple[Array, Rows, Restore]:
    """The channels over batch and positions as rows, and the way back."""
    channels = x.shape[1]
    count = x.size // channels if channels else 0
    if count == 0:
        refuse("x.shape", x.shape, "with at least one value per channel in training", where)
    moved = np.ascontiguousarray(np.moveaxis(x, 1, 0))
    shape = moved.shape

    def restore(result: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(result.reshape(shape), 0, 1))

    return moved.reshape(channels, -1), Rows(channels, 1, count), restore


def _usual(x: Array, axes: Any, gamma: Table, beta: Table, eps: float) -> bool:
    """Whether this is a norm over the last axis of a plain array of a working dtype, with an eps that counts."""
    plain = type(x) is np.ndarray and x.dtype.char in "fd" and x.dtype.isnative and x.ndim > 0
    if not plain or not x.size or type(axes) is not int or axes != -1 or type(eps) is not float:
        return False
    fits = all(table is None or _like_row(table, x) for table in (gamma, beta))
    return fits and LOST[x.itemsize] <= eps <= 1e30


def _like_row(table: Array, x: Array) -> bool:
    return type(table) is np.ndarray and table.dtype == x.dtype and table.shape == x.shape[-1:]


def _over_axes(x: Array, axes: Any, gamma: Table, beta: Table, eps: float, centred: bool, where: str) -> Array:
    if _usual(x, axes, gamma, beta, eps):
        quick = np.empty(x.shape, x.dtype)
        flat = quick.reshape(-1, x.shape[-1])
        if quick_norm(np.ascontiguousarray(x).reshape(flat.shape), gamma, beta, eps, centred, flat):
            return quick
    x, small = checked(x, eps, where)
    wide, rows, restore, sizes = over_axes(x, axes, where)
    result, _ = _normalised(wide, rows, tables_of(gamma, beta, sizes, rows, working(x.dtype), where), small, centred)
    return restore(result)


def _over_channels(x: Array, groups: int, gamma: Table, beta: Table, eps: float, where: str) -> Array:
    x, small = checked(x, eps, where)
    wide, rows, restore = over_channels(x, groups, where)
    result, _ = _normalised(
        wide, rows, tables_of(gamma, beta, (x.shape[1],), rows, working(x.dtype), where), small, True
    )
    return restore(result)


def checked(x: Array, eps: float, where: str) -> tuple[Array, float]:
    if float_array("x", x, where).ndim == 0:
        refuse("x.shape", x.shape, "of at least 1 axis", where)
    return x, number("eps", eps, where, low=0.0)


def float_array(name: str, given: Array, where: str) -> Array:
    """`given`, when it is an array of one of the dtypes that there are."""
    if not isinstance(given, np.ndarray):
        refuse_type(name, given, "a NumPy array", where)
    if given.dtype.char not in "fd" and given.dtype.name not in DTYPES:
        refuse_type(f"{name}.dtype", given.dtype.name, f"one of {', '.join(DTYPES)}", where)
    return given


def tables_of(
    gamma: Table, beta: Table, wanted: tuple[int, ...], rows: Rows, kind: np.dtype[Any], where: str
) -> tuple[Table, Table]:
    """gamma and beta as (period, inner) tables of the working dtype, refused when they do not fit."""
    found: list[Table] = []
    for name, given in (("gamma", gamma), ("beta", beta)):
        if given is not None:
            fitting(name, float_array(name, given, where).shape, wanted, where)
        found.append(None if given is None else given.astype(kind, copy=False).reshape(rows.period, rows.inner))
    return found[0], found[1]


def _normalised(wide: Array, rows: Rows, tables: tuple[Table, Table], eps: float, centred: bool) -> tuple[Array, Array]:
    """The rows of a 2-D array, normalised; and (2, rows) float64 means and biased variances."""
    result, kind = np.empty_like(wide), working(wide.dtype)
    statistics = np.zeros((2, wide.shape[0]))
    step = max(BLOCK // wide.shape[1], 1)
    starts = range(0, wide.shape[0], step)

    def run(first: int, stride: int) -> None:
        scratch = None if kind == wide.dtype else np.empty((min(step, wide.shape[0]), wide.shape[1]), kind)
        for place in range(first, len(starts), stride):
            chosen = slice(starts[place], min(starts[place] + step, wide.shape[0]))
            work = result[chosen] if scratch is None else scratch[: chosen.stop - chosen.start]
            with np.errstate(over="ignore", invalid="ignore"):
                statistics[:, chosen] = standardise(wide[chosen], work, eps, centred)[:2]
                _scale_and_shift(work, chosen.start, rows, tables)
                if scratch is not None:
                    result[chosen] = work

    in_parallel(run, len(starts))
    return result, statistics


def _scale_and_shift(work: Array, start: int, rows: Rows, tables: tuple[Table, Table]) -> None:
    gamma, beta = tables
    if rows.period == rows.repeats == 1:
        if gamma is not None:
            work *= gamma
        if beta is not None:
            work += beta
        return
    view = work.reshape(work.shape[0], rows.inner, rows.repeats)
    chosen = np.arange(start, start + work.shape[0]) % rows.period
    gamma, beta = (table if table is None or rows.period == 1 else table[chosen] for table in tables)
    if gamma is not None:
        view *= gamma[:, :, None]
    if beta is not None:
        view += beta[:, :, None]


def _update(running: Array | None, batch: Array, weight: float) -> None:
    if running is not None and weight:
        with np.errstate(over="ignore", invalid="ignore"):
            running[...] = ((1 - weight) * running.astype(np.float64) + weight * batch).astype(running.dtype)


def _evaluated(
    x: Array,
    mean: Array | None,
    variance: Array | None,
    tables: tuple[Table, Table],
    eps: float,
    where: str,
) -> Array:
    if mean is None or variance is None:
        refuse("running_mean, running_var", None, "arrays when training=False", where)
    if (variance < 0).any():
        refuse("running_var", f"{float(np.nanmin(variance)):g} for a channel", ">= 0", where)
    spread = (slice(None),) + (None,) * (x.ndim - 2)
    with np.errstate(over="ignore", invalid="ignore"):
        work = x.astype(np.float64) - mean.astype(np.float64)[spread]
        width = np.sqrt(variance.astype(np.float64) + eps)
        work *= np.divide(1, width, out=np.zeros_like(width), where=width != 0)[spread]
        gamma, beta = (None if table is None else table[:, 0][spread] for table in tables)
        if gamma is not None:
            work *= gamma
        if beta is not None:
            work += beta
        return work.astype(x.dtype)
