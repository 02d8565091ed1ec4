"""Expectations over two correlated normal pre-activations, and over one of them, by nested Gauss-Legendre panels.

The inner integral runs over v given u, with panels cut at the scale of the density, of the function and at its kinks;
the outer one over u alike. For functions that vary on the scale of one this gives 1e-12 at any variance; a jump in the
integrand on the diagonal at correlations next to one costs digits, which the laws that use it say.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.activations.pointwise import Functions
from varlaw.theory.numerics.quadrature import Floats, legendre

NODES = 16
_DENSITY_CUTS = np.arange(-10.0, 11.0, 2.0)
_FIRST_CUT = 0.5
Function = Callable[[Floats], Floats]


def cuts(mean: Floats, std: float, kinks: tuple[float, ...]) -> Floats:
    """Edges of panels in standard deviations, shape `(len(mean), panels + 1)`, for a normal law of each mean."""
    reach = 10 * std + float(np.max(np.abs(mean), initial=0.0))
    steps = max(1, 2 + math.ceil(math.log2(max(reach, _FIRST_CUT) / _FIRST_CUT)))
    scale = _FIRST_CUT * 2.0 ** np.arange(steps)
    x = np.concatenate([-scale[::-1], [0.0], scale, np.asarray(kinks, dtype=np.float64)])
    with np.errstate(over="ignore"):
        inner = np.clip((x - mean[:, None]) / std, -10.0, 10.0)
    fixed = np.broadcast_to(_DENSITY_CUTS, (len(mean), len(_DENSITY_CUTS)))
    return np.sort(np.hstack([fixed, inner]), axis=1)


def normal_nodes(mean: Floats, std: float, kinks: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Points x and probability weights, shape `(len(mean), nodes)`, of the laws N(mean, std**2)."""
    u, w = legendre(NODES)
    edges = cuts(mean, std, kinks)
    width = np.diff(edges, axis=1)[:, :, None]
    z = (edges[:, :-1, None] + width * u).reshape(len(mean), -1)
    weight = (width * w).reshape(len(mean), -1) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return mean[:, None] + std * z, weight


def single(integrand: Function, q: float, kinks: tuple[float, ...]) -> float:
    """E f(x), x ~ N(0, q); the value at 0 for q = 0."""
    if q == 0:
        return float(integrand(np.zeros(1))[0])
    x, weight = normal_nodes(np.zeros(1), math.sqrt(q), kinks)
    return float((weight * integrand(x)).sum())


def product(integrand: Function, q: float, c: float, kinks: tuple[float, ...]) -> float:
    """E[f(u) f(v)] for normal u, v of variance q and correlation c."""
    s = math.sqrt(q)
    spread = s * math.sqrt((1 - c) * (1 + c))
    if spread == 0:
        return single(lambda x: integrand(x) * integrand(c * x), q, kinks)
    u, outer = normal_nodes(np.zeros(1), s, kinks + _crossings(c, spread, s, kinks))
    total = 0.0
    for part in np.array_split(np.arange(u.size), max(1, u.size // 128)):
        v, inner = normal_nodes(c * u[0, part], spread, kinks)
        total += float((outer[0, part] * integrand(u[0, part]) * (inner * integrand(v)).sum(axis=1)).sum())
    return total


def _crossings(c: float, spread: float, s: float, kinks: tuple[float, ...]) -> tuple[float, ...]:
    """Cuts of u around the places where v, of mean c u and standard deviation `spread`, crosses a kink."""
    if abs(c) < 0.5:
        return ()
    width = spread / abs(c)
    steps = width * 2.0 ** np.arange(-1, max(1, math.ceil(math.log2(20 * s / width))))
    around = np.concatenate([-steps[::-1], [0.0], steps])
    return tuple(float(x) for k in kinks for x in k / c + around)


def variance_slope(functions: Functions, q: float) -> float:
    """d/dq E[phi(x)^2] = E[x phi(x) phi'(x)]/q, which counts kinks rightly; at q = 0 its limit from above."""
    q = max(q, 1e-24)  # flat limit
    return single(lambda x: x * functions.phi(x) * functions.slope(x), q, functions.kinks) / q


def elementwise(rule: Callable[..., float], *numbers: Any) -> Floats:
    """Apply a scalar rule over the broadcast of its arguments."""
    arrays = np.broadcast_arrays(*(np.asarray(n, dtype=np.float64) for n in numbers))
    values = [rule(*(float(v) for v in point)) for point in zip(*(a.ravel() for a in arrays), strict=True)]
    return np.array(values, dtype=np.float64).reshape(arrays[0].shape)
