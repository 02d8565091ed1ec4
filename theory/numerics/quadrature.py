"""Fixed Gauss-Legendre rules: integrals that have no closed form, or whose closed form cancels.

A rule of `n` nodes integrates polynomials of degree 2n - 1 exactly; for the functions used here (a Gaussian density
times a smooth factor, on windows chosen so that both vary slowly) the laws state the number of nodes and the error.
Every sum runs over terms of one sign wherever it can, so that rounding stays at a few ulp.
"""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def floats(x: Any) -> Floats:
    """Numbers as a float64 array."""
    return np.asarray(x, dtype=np.float64)


BLOCK_ELEMENTS = 1 << 19  # nodes x points handled at once: 4 MiB per temporary, whatever the size of the input


@functools.cache
def legendre(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of the Gauss-Legendre rule on [0, 1], read-only float64 arrays of shape `(nodes,)`.

    >>> u, w = legendre(5)
    >>> round(float(w @ u**9), 15)
    0.1
    """
    x = np.polynomial.legendre.leggauss(nodes)[0].astype(np.longdouble)
    for _ in range(2):  # numpy's nodes lose up to 80 ulp in the weights; two Newton steps in long double restore them
        value, slope = _polynomial(nodes, x)
        x = x - value / slope
    _, slope = _polynomial(nodes, x)
    half = (1 / ((1 - x) * (1 + x) * slope**2)).astype(np.float64)
    u = ((x + 1) / 2).astype(np.float64)
    u.flags.writeable = half.flags.writeable = False
    return u, half


def _polynomial(degree: int, x: Any) -> tuple[Any, Any]:
    """The Legendre polynomial of this degree and its derivative at points inside (-1, 1)."""
    before, now = np.ones_like(x), x
    for k in range(2, degree + 1):
        before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
    return now, degree * (before - x * now) / ((1 - x) * (1 + x))


def in_blocks(rule: Any, *columns: Any, nodes: int, outputs: int = 1) -> tuple[Floats, ...]:
    """Call `rule` on blocks of the broadcast, flattened `columns`, and put its `outputs` arrays back in shape.

    `rule` takes float64 columns of shape `(k, 1)` and returns `outputs` arrays of shape `(k,)`.

    >>> in_blocks(lambda x: (x[:, 0] ** 2,), [2.0, 4.0], nodes=1)[0].tolist()
    [4.0, 16.0]
    """
    arrays = np.broadcast_arrays(*(np.asarray(c, dtype=np.float64) for c in columns))
    flat = [a.reshape(-1, 1) for a in arrays]
    results = tuple(np.empty(flat[0].shape[0]) for _ in range(outputs))
    step = max(1, BLOCK_ELEMENTS // nodes)
    for start in range(0, flat[0].shape[0], step):
        part = slice(start, start + step)
        for target, got in zip(results, rule(*(f[part] for f in flat)), strict=True):
            target[part] = got
    return tuple(r.reshape(arrays[0].shape) for r in results)
