"""Weights written as direction and length, or standardised: weight norm and weight standardisation.

One unit is a row of the weight, axis 0, its other axes flattened. Both maps are computed in float64 and come with
their gradients, derived by hand; results have the dtype of the weight. A unit of zeros has no direction: a `ValueError`
says which, or, on a device for which nothing waits to look, its weights become NaN.
"""

import math
from typing import Any

from varlaw.impl.arguments import flag, number, refuse
from varlaw.impl.backend import Array, Device, DType, Seed
from varlaw.impl.grouping import fitting
from varlaw.impl.norm_gradients import NormBackward


class Weights(NormBackward[Array, Seed, DType, Device]):
    """Reparametrised weights."""

    def weight_norm(self, v: Array, g: Array) -> Array:
        """w = g * v / |v| for each unit (Salimans & Kingma 2016, arXiv:1602.07868).

        v: (out, ...), the direction of each unit's weights.
        g: (out,), their length.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import weight_norm
        >>> weight_norm(np.array([[3.0, 4.0]]), np.array([10.0]))
        array([[6., 8.]])
        """
        with self.quiet():
            rows, length, scale, _ = self._polar(v, g, "weight_norm")
            return self._as(rows * (scale / length).reshape(-1, 1), v)

    def weight_norm_backward(self, grad: Array, v: Array, g: Array) -> tuple[Array, Array]:
        """Gradients by `v` and `g` from that of w: the one for v is orthogonal to v in every unit.

        grad: gradient by w, of the shape of `v`.
        v, g: what `weight_norm` was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import weight_norm_backward
        >>> weight_norm_backward(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([4.0]))
        (array([[2., 0.]]), array([0.]))
        """
        where = "weight_norm_backward"
        with self.quiet():
            rows, length, scale, power = self._polar(v, g, where)
            given = self._flat(self._fitting(grad, v, where))
            unit = rows / length.reshape(-1, 1)
            along = (given * unit).sum(axis=1)
            by_v = (given - along.reshape(-1, 1) * unit) * (scale / length).reshape(-1, 1) * power
            return self._as(by_v, v), self.cast(along, g)

    def weight_standardise(self, w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
        """Each unit's weights with mean 0 and variance 1 (Qiao et al. 2019, arXiv:1903.10520).

        w: (out, ...).
        eps: added to the variance.
        by_fan_in: variance 1/fan_in instead of 1, which keeps the second moment (arXiv:2101.08692).

        >>> import numpy as np
        >>> from varlaw.impl.numpy import weight_standardise
        >>> weight_standardise(np.array([[3.0, 1.0]]))
        array([[ 1., -1.]])
        """
        where = "weight_standardise"
        size, spread = number("eps", eps, where, low=0.0), self._spread(w, by_fan_in, where)
        return self._as(self.layer_norm(self._flat(w), eps=size) / spread, w)

    def weight_standardise_backward(self, grad: Array, w: Array, *, eps: float = 0.0, by_fan_in: bool = False) -> Array:
        """Gradient by the weights before they were standardised.

        grad: gradient by the standardised weights.
        w, eps, by_fan_in: what `weight_standardise` was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import weight_standardise_backward
        >>> weight_standardise_backward(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]))
        array([[0., 0.]])
        """
        where = "weight_standardise_backward"
        size, spread = number("eps", eps, where, low=0.0), self._spread(w, by_fan_in, where)
        with self.quiet():
            given = self._flat(self._fitting(grad, w, where)) / spread
            return self._as(self.layer_norm_backward(given, self._flat(w), eps=size).x, w)

    def _polar(self, v: Array, g: Array, where: str) -> tuple[Any, Any, Any, Any]:
        """Rows of v, each times a power of two that keeps its squares in range; their lengths, g and the powers."""
        shape = self._shape("v", v, where)
        fitting("g", tuple(self.float_array("g", g, where).shape), shape[:1], where)
        rows = self._flat(v)
        peaks = self.peaks(rows)
        zero = self.zero_among(peaks)
        if zero is not None:
            refuse("v", f"unit {zero} of zeros", "without a unit of zeros", where)
        power = self.powers(peaks).reshape(-1, 1)
        rows = rows * power
        return rows, (rows * rows).sum(axis=1) ** 0.5, self.wide(g), power

    def _spread(self, w: Array, by_fan_in: bool, where: str) -> float:
        """What standardised weights are divided by."""
        shape = self._shape("w", w, where)
        return math.sqrt(math.prod(shape[1:])) if flag("by_fan_in", by_fan_in, where) else 1.0

    def _shape(self, name: str, w: Array, where: str) -> tuple[int, ...]:
        shape = tuple(self.float_array(name, w, where).shape)
        if len(shape) < 2 or not math.prod(shape):
            refuse(f"{name}.shape", shape, "(out, ...) with at least one weight", where)
        return shape

    def _flat(self, w: Array) -> Any:
        rows = self.wide(w)
        return rows.reshape(len(rows), -1)

    def _fitting(self, grad: Array, weight: Array, where: str) -> Array:
        fitting("grad", tuple(self.float_array("grad", grad, where).shape), tuple(weight.shape), where)
        return grad

    def _as(self, values: Any, like: Array) -> Array:
        """Values in the dtype and shape of a weight."""
        found: Array = self.cast(values, like).reshape(like.shape)
        return found
