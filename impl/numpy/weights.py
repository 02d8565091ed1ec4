"""Weights written as direction and length, or standardised, for NumPy: weight norm and weight standardisation.

One unit is a row of the weight, axis 0, its other axes flattened. Both maps are computed in float64 and come with
their gradients, derived by hand; results have the dtype of the weight. A unit of zeros has no direction: a
`ValueError` says which.
"""

import math

import numpy as np

from varlaw.impl.affine import fitting
from varlaw.impl.arguments import flag, number, refuse
from varlaw.impl.numpy.norm_gradients import layer_norm_backward
from varlaw.impl.numpy.norms import float_array, layer_norm
from varlaw.impl.numpy.streams import Array


@np.errstate(over="ignore", invalid="ignore")
def weight_norm(v: Array, g: Array) -> Array:
    """w = g * v / |v| for each unit (Salimans & Kingma 2016, arXiv:1602.07868).

    `v` is (out, ...) and `g` is (out,), the length of each unit's weights.

    >>> weight_norm(np.array([[3.0, 4.0]]), np.array([10.0]))
    array([[6., 8.]])
    """
    wide, length, scale, _ = _polar(v, g, "weight_norm")
    return np.asarray(wide * (scale / length)[:, None]).astype(v.dtype).reshape(v.shape)


@np.errstate(over="ignore", invalid="ignore")
def weight_norm_backward(grad: Array, v: Array, g: Array) -> tuple[Array, Array]:
    """Gradients by `v` and `g` from that of w: the one for v is orthogonal to v in every unit.

    >>> weight_norm_backward(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([4.0]))
    (array([[2., 0.]]), array([0.]))
    """
    where = "weight_norm_backward"
    wide, length, scale, exponent = _polar(v, g, where)
    fitting("grad", float_array("grad", grad, where).shape, v.shape, where)
    given = grad.astype(np.float64).reshape(wide.shape)
    unit = wide / length[:, None]
    along = np.sum(given * unit, axis=1)
    by_v = np.ldexp((given - along[:, None] * unit) * (scale / length)[:, None], -exponent[:, None])
    return by_v.astype(v.dtype).reshape(v.shape), along.astype(g.dtype)


def weight_standardise(w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
    """Each unit's weights with mean 0 and variance 1 (Qiao et al. 2019, arXiv:1903.10520).

    With `by_fan_in` the variance is 1/fan_in instead, which keeps the second moment (arXiv:2101.08692).

    >>> weight_standardise(np.array([[3.0, 1.0]]))
    array([[ 1., -1.]])
    """
    where = "weight_standardise"
    size, spread = number("eps", eps, where, low=0.0), _spread(w, by_fan_in, where)
    flat = layer_norm(w.astype(np.float64).reshape(len(w), -1), eps=size)
    return np.asarray(flat / spread).astype(w.dtype).reshape(w.shape)


@np.errstate(over="ignore", invalid="ignore")
def weight_standardise_backward(grad: Array, w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
    """Gradient by the weights before they were standardised.

    >>> weight_standardise_backward(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]))
    array([[0., 0.]])
    """
    where = "weight_standardise_backward"
    size, spread = number("eps", eps, where, low=0.0), _spread(w, by_fan_in, where)
    fitting("grad", float_array("grad", grad, where).shape, w.shape, where)
    given = grad.astype(np.float64).reshape(len(w), -1) / spread
    found = layer_norm_backward(given, w.astype(np.float64).reshape(len(w), -1), eps=size)
    return found.x.astype(w.dtype).reshape(w.shape)


def _polar(v: Array, g: Array, where: str) -> tuple[Array, Array, Array, Array]:
    """Rows of v times 2**-exponent, their lengths, g and the exponents, such that no square leaves its range."""
    _units("v", v, where)
    fitting("g", float_array("g", g, where).shape, v.shape[:1], where)
    wide = v.astype(np.float64).reshape(len(v), -1)
    peak = np.max(np.abs(wide), axis=1)
    if not peak.all():
        refuse("v", f"unit {int(np.argmin(peak))} of zeros", "without a unit of zeros", where)
    exponent = np.frexp(peak)[1]
    wide = np.ldexp(wide, -exponent[:, None])
    return wide, np.sqrt(np.sum(wide * wide, axis=1)), g.astype(np.float64), exponent


def _spread(w: Array, by_fan_in: bool, where: str) -> float:
    """What standardised weights are divided by."""
    units = _units("w", w, where)
    return math.sqrt(w.size // units) if flag("by_fan_in", by_fan_in, where) else 1.0


def _units(name: str, w: Array, where: str) -> int:
    if float_array(name, w, where).ndim < 2 or not w.size:
        refuse(f"{name}.shape", w.shape, "(out, ...) with at least one weight", where)
    return len(w)
