"""Weights written as direction and length, or standardised, for NumPy: weight norm and weight standardisation.

One unit is a row of the weight, axis 0, its other axes flattened. Both maps are computed in float64 and come with
their gradients, derived by hand; results have the dtype of the weight. A unit of zeros has no direction: a
`ValueError` says which.
"""

import math

import numpy as np

from varlaw.impl.affine import fitting
from varlaw.impl.arguments import number, refuse, refuse_type
from varlaw.impl.numpy.norm_gradients import layer_norm_backward
from varlaw.impl.numpy.norms import layer_norm
from varlaw.impl.numpy.streams import Array, dtype_of


def weight_norm(v: Array, g: Array) -> Array:
    """w = g * v / |v| for each unit (Salimans & Kingma 2016, arXiv:1602.07868).

    `v` is (out, ...) and `g` is (out,), the length of each unit's weights.

    >>> weight_norm(np.array([[3.0, 4.0]]), np.array([10.0]))
    array([[6., 8.]])
    """
    wide, length, scale = _polar(v, g, "weight_norm")
    return np.asarray(wide * (scale / length)[:, None]).astype(v.dtype).reshape(v.shape)


def weight_norm_backward(grad: Array, v: Array, g: Array) -> tuple[Array, Array]:
    """Gradients by `v` and `g` from that of w: the one for v is orthogonal to v in every unit.

    >>> weight_norm_backward(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([4.0]))
    (array([[2., 0.]]), array([0.]))
    """
    wide, length, scale = _polar(v, g, "weight_norm_backward")
    fitting("grad", grad.shape, v.shape, "weight_norm_backward")
    given = grad.astype(np.float64).reshape(wide.shape)
    unit = wide / length[:, None]
    along = np.sum(given * unit, axis=1)
    by_v = (given - along[:, None] * unit) * (scale / length)[:, None]
    return by_v.astype(v.dtype).reshape(v.shape), along.astype(g.dtype)


def weight_standardise(w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
    """Each unit's weights with mean 0 and variance 1 (Qiao et al. 2019, arXiv:1903.10520).

    With `by_fan_in` the variance is 1/fan_in instead, which keeps the second moment (arXiv:2101.08692).

    >>> weight_standardise(np.array([[3.0, 1.0]]))
    array([[ 1., -1.]])
    """
    size, count = number("eps", eps, "weight_standardise", low=0.0), _fan_in(w, "weight_standardise")
    flat = layer_norm(w.astype(np.float64).reshape(len(w), -1), eps=size)
    return np.asarray(flat / math.sqrt(count) if by_fan_in else flat).astype(w.dtype).reshape(w.shape)


def weight_standardise_backward(grad: Array, w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
    """Gradient by the weights before they were standardised.

    >>> weight_standardise_backward(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]))
    array([[0., 0.]])
    """
    where = "weight_standardise_backward"
    size, count = number("eps", eps, where, low=0.0), _fan_in(w, where)
    fitting("grad", grad.shape, w.shape, where)
    given = grad.astype(np.float64).reshape(len(w), -1) / (math.sqrt(count) if by_fan_in else 1.0)
    found = layer_norm_backward(given, w.astype(np.float64).reshape(len(w), -1), eps=size)
    return found.x.astype(w.dtype).reshape(w.shape)


def _polar(v: Array, g: Array, where: str) -> tuple[Array, Array, Array]:
    _fan_in(v, where)
    if not isinstance(g, np.ndarray):
        refuse_type("g", g, "a NumPy array", where)
    fitting("g", g.shape, v.shape[:1], where)
    wide = v.astype(np.float64).reshape(len(v), -1)
    length = np.sqrt(np.sum(wide * wide, axis=1))
    if not length.all():
        refuse("v", f"unit {int(np.argmin(length))} of zeros", "without a unit of zeros", where)
    return wide, length, g.astype(np.float64)


def _fan_in(w: Array, where: str) -> int:
    if not isinstance(w, np.ndarray):
        refuse_type("w", w, "a NumPy array", where)
    dtype_of(w.dtype, where)
    if w.ndim < 2 or not w.size:
        refuse("w.shape", w.shape, "(out, ...) with at least one weight", where)
    return w.size // len(w)
