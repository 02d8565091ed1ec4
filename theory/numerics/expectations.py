"""Gaussian expectations of one function at any variance, by panels that fit the function and the density at once.

Gauss-Hermite rules fail for large q: the function then changes within a sliver of the density. Here the half line is
cut at the density's own scale (0, 2, 4, ... standard deviations) and at the function's (a geometric series of x from
its scale on), and every panel gets a Gauss-Legendre rule. A function that is analytic near every x > 0 up to a
distance comparable with its scale or with x itself is integrated to a few ulp, whatever q.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre

NODES = 16
DENSITY_CUTS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)  # standard deviations; beyond 10 the density is below 1e-22
RATIO = 2.0  # between neighbouring cuts in x
Function = Callable[[Floats], Floats]


def expectation(folded: Function, q: Any, *, scale: float = 0.5) -> Floats:
    """E f(X) for X ~ N(0, q), given `folded(x) = f(x) + f(-x)` for x >= 0 and the smallest scale on which it changes.

    >>> round(float(expectation(lambda x: 2 * np.tanh(x) ** 2, 1.0)), 12)
    0.394294490398
    """
    s = np.sqrt(np.asarray(q, dtype=np.float64))
    steps = max(1, 3 + math.ceil(math.log(max(float(np.max(s, initial=0.0)), scale) / scale, RATIO)))
    cuts = scale * RATIO ** np.arange(steps, dtype=np.float64)
    rule = functools.partial(_panels, folded, cuts)
    return in_blocks(rule, s, nodes=NODES * (steps + len(DENSITY_CUTS)))[0]


def _panels(folded: Function, cuts: Floats, s: Floats) -> tuple[Floats]:
    u, w = legendre(NODES)
    last = DENSITY_CUTS[-1]
    with np.errstate(divide="ignore", over="ignore"):
        inner = np.minimum(cuts / s, last)
    edges = np.sort(np.hstack([np.broadcast_to(DENSITY_CUTS, (len(s), len(DENSITY_CUTS))), inner]), axis=1)
    width = np.diff(edges, axis=1)[:, :, None]
    z = edges[:, :-1, None] + width * u
    density = (width * w) * np.exp(-0.5 * z * z)
    with np.errstate(over="ignore", under="ignore"):
        total = np.einsum("kpn,kpn->k", density, folded(s[:, :, None] * z))
    return (total / math.sqrt(2 * math.pi),)
