"""What two normal pre-activations become together, for every activation of the table.

The leaky family, erf, sin and GELU have closed forms; the others are integrated over their own function, cut at its
kinks (see `activations.pairs`).
"""

import functools
from collections.abc import Callable
from typing import Any

from varlaw.theory.activations import pairs
from varlaw.theory.activations.named import functions, resolve, under_normal
from varlaw.theory.laws import correlations


def pair_product(activation: str, q: float, c: float) -> float:
    """E[phi(u) phi(v)], u and v normal of variance `q >= 0` and correlation `-1 <= c <= 1`.

    >>> round(pair_product("relu", 2.0, 1.0), 12)
    1.0
    """
    stem, parameter = resolve(activation)
    closed = _closed_form(stem, parameter)
    if closed is not None:
        return float(closed(q, c))
    if c == 1.0:
        return float(under_normal("second", activation, q))
    return _integral(activation, q, c)


def _closed_form(stem: str, parameter: dict[str, float]) -> Callable[[float, float], Any] | None:
    slope = _leaky_slope(stem, parameter)
    if slope is not None:
        return lambda q, c: q * (1 + slope**2) / 2 * correlations.leaky_map(c, slope)
    if stem == "sin":
        square = parameter["frequency"] ** 2
        return lambda q, c: correlations.sin_product(square * q, square * q, c)
    product = {"erf": correlations.erf_product, "gelu": correlations.gelu_product}.get(stem)
    return None if product is None else lambda q, c: product(q, q, c)


def _leaky_slope(stem: str, parameter: dict[str, float]) -> float | None:
    return {"relu": 0.0, "identity": 1.0, "abs": -1.0}.get(stem, parameter.get("slope"))


@functools.lru_cache(maxsize=1024)
def _integral(activation: str, q: float, c: float) -> float:
    found = functions(activation)
    return pairs.product(found.phi, q, c, found.kinks)


@functools.lru_cache(maxsize=1024)
def slope_fourth(activation: str, q: float) -> float:
    """E[phi'(x)^4] for x ~ N(0, q): what the spread of gradients needs.

    >>> slope_fourth("relu", 3.0)
    0.5
    """
    slope = _leaky_slope(*resolve(activation))
    if slope is not None:
        return (1 + slope**4) / 2
    found = functions(activation)
    return pairs.single(lambda x: found.slope(x) ** 4, q, found.kinks)
