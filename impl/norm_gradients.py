"""Gradients of the norms, derived by hand.

With xhat = (x - mean) / s, s = sqrt(variance + eps) and d = gamma * grad, over one row

    dx = (d - mean(d) - xhat * mean(d * xhat)) / s,

without mean(d) where no mean was subtracted (RMS). `gamma` collects grad * xhat and `beta` grad over all values that
share them. NumPy computes in float64, torch in float32, or float64 for a float64 input; the gradient of x has the dtype
of x. A constant row normalised with eps 0 has no derivative and is given the gradient zero.
"""

from typing import Any, Generic, NamedTuple

from varlaw.impl.backend import Array, Backend, Device, DType, Restore, Seed
from varlaw.impl.grouping import Rows, fitting


class NormGradients(NamedTuple, Generic[Array]):
    """Gradients of a loss: by the input, and by gamma and beta in their own shape, in the dtype of the computation.

    x: by the input.
    gamma, beta: by the scale and the shift.
    """

    x: Array
    gamma: Array
    beta: Array


class NormBackward(Backend[Array, Seed, DType, Device]):
    """The backward passes; arguments that norms share are explained once more at each."""

    def layer_norm_backward(
        self, grad: Array, x: Array, axes: Any = -1, gamma: Array | None = None, *, eps: float = 1e-5
    ) -> NormGradients[Array]:
        """Gradients of `layer_norm(x, axes, gamma, beta)`.

        grad: gradient by its result, of the shape of `x`.
        x, axes, gamma, eps: what it was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import layer_norm_backward
        >>> layer_norm_backward(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]])).x
        array([[0., 0.]])
        """
        return self._over_axes(grad, x, axes, gamma, eps, True, "layer_norm_backward")

    def rms_norm_backward(
        self, grad: Array, x: Array, axes: Any = -1, gamma: Array | None = None, *, eps: float = 1e-5
    ) -> NormGradients[Array]:
        """Gradients of `rms_norm(x, axes, gamma)`; that of beta is what a shift would have.

        grad: gradient by its result, of the shape of `x`.
        x, axes, gamma, eps: what it was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import rms_norm_backward
        >>> rms_norm_backward(np.array([[1.0]]), np.array([[3.0]]), eps=0.0).x
        array([[0.]])
        """
        return self._over_axes(grad, x, axes, gamma, eps, False, "rms_norm_backward")

    def batch_norm_backward(
        self, grad: Array, x: Array, gamma: Array | None = None, *, eps: float = 1e-5
    ) -> NormGradients[Array]:
        """Gradients of `batch_norm(x, gamma=gamma, beta=beta)` in training.

        grad: gradient by its result, of the shape of `x`.
        x, gamma, eps: what it was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import batch_norm_backward
        >>> batch_norm_backward(np.ones((2, 1)), np.array([[3.0], [1.0]])).beta
        array([2.])
        """
        where = "batch_norm_backward"
        given, small = self._pair(grad, x, eps, where)
        self.over_channels(given, 1, where)  # refuses what has no channels
        wide, rows, restore = self.over_batch(given, where)
        table = self._table(gamma, given.shape[1:2], wide, rows, where)
        return self._gradients(self.over_batch(grad, where)[0], wide, rows, restore, table, small, True)

    def group_norm_backward(
        self, grad: Array, x: Array, groups: int, gamma: Array | None = None, *, eps: float = 1e-5
    ) -> NormGradients[Array]:
        """Gradients of `group_norm(x, groups, gamma, beta)`.

        grad: gradient by its result, of the shape of `x`.
        x, groups, gamma, eps: what it was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import group_norm_backward
        >>> group_norm_backward(np.ones((1, 2)), np.array([[3.0, 1.0]]), 1).x
        array([[0., 0.]])
        """
        where = "group_norm_backward"
        given, small = self._pair(grad, x, eps, where)
        wide, rows, restore = self.over_channels(given, groups, where)
        table = self._table(gamma, given.shape[1:2], wide, rows, where)
        return self._gradients(self.over_channels(grad, groups, where)[0], wide, rows, restore, table, small, True)

    def instance_norm_backward(
        self, grad: Array, x: Array, gamma: Array | None = None, *, eps: float = 1e-5
    ) -> NormGradients[Array]:
        """Gradients of `instance_norm(x, gamma, beta)`.

        grad: gradient by its result, of the shape of `x`.
        x, gamma, eps: what it was given.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import instance_norm_backward
        >>> instance_norm_backward(np.ones((1, 1, 2)), np.array([[[3.0, 1.0]]])).x
        array([[[0., 0.]]])
        """
        shape: tuple[int, ...] = getattr(x, "shape", ())
        return self.group_norm_backward(grad, x, max(*shape[1:2], 1, 1), gamma, eps=eps)

    def _over_axes(
        self, grad: Array, x: Array, axes: Any, gamma: Array | None, eps: float, centred: bool, where: str
    ) -> NormGradients[Array]:
        given, small = self._pair(grad, x, eps, where)
        wide, rows, restore, sizes = self.over_axes(given, axes, where)
        table = self._table(gamma, sizes, wide, rows, where)
        return self._gradients(self.over_axes(grad, axes, where)[0], wide, rows, restore, table, small, centred, sizes)

    def _pair(self, grad: Array, x: Array, eps: float, where: str) -> tuple[Any, float]:
        given: Any
        given, small = self.checked(x, eps, where)
        fitting("grad", tuple(self.float_array("grad", grad, where).shape), tuple(given.shape), where)
        return given, small

    def _table(self, gamma: Array | None, sizes: tuple[int, ...], wide: Any, rows: Rows, where: str) -> Any:
        """gamma as it multiplies rows seen as (rows, period, inner, repeats)."""
        if gamma is None:
            return None
        fitting("gamma", tuple(self.float_array("gamma", gamma, where).shape), tuple(sizes), where)
        return self.accurate(gamma, wide).reshape(rows.period, rows.inner, 1)

    def _gradients(
        self,
        grad: Any,
        wide: Any,
        rows: Rows,
        restore: Restore,
        gamma: Any,
        eps: float,
        centred: bool,
        sizes: tuple[int, ...] = (-1,),
    ) -> NormGradients[Array]:
        with self.quiet():
            hat, scale = self.standardised(wide, eps, centred)
            given = self.accurate(grad, wide)
            shape = (-1, rows.period, rows.inner, rows.repeats)
            by_gamma = (given * hat).reshape(shape).sum(axis=(0, 3)).reshape(sizes)
            by_beta = given.reshape(shape).sum(axis=(0, 3)).reshape(sizes)
            if gamma is not None:
                given = (given.reshape(shape) * gamma).reshape(given.shape)
            inner = given - hat * (given * hat).mean(axis=1, keepdims=True)
            if centred:
                inner = inner - given.mean(axis=1, keepdims=True)
            return NormGradients(restore(self.cast(inner * scale.reshape(-1, 1), wide)), by_gamma, by_beta)
