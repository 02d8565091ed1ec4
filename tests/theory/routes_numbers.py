"""Second routes of the distribution functions of random numbers: densities integrated, chances added up."""

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

from .routes import Case, route

Density = Callable[..., Any]

# Law -> its density in mpmath, where it begins to matter (None: at -inf), and parameters.
_DENSITIES: dict[str, tuple[Density, Any, list[dict[str, float]]]] = {
    "uniform_range.cdf": (lambda x, low, high: 1 / (high - low) + 0 * x, "low", [{"low": -1.0, "high": 3.0}]),
    "normal.cdf": (lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi), None, [{}]),
    "exponential.cdf": (lambda x, scale: mp.exp(-x / scale) / scale, 0, [{"scale": 0.5}, {"scale": 2.0}]),
    "gumbel.cdf": (lambda x: mp.exp(-x - mp.exp(-x)), -8, [{}]),
    "laplace.cdf": (lambda x, scale: mp.exp(-abs(x) / scale) / (2 * scale), None, [{"scale": 1.5}]),
    "logistic.cdf": (lambda x: 1 / (mp.exp(x / 2) + mp.exp(-x / 2)) ** 2, None, [{}]),
    "cauchy.cdf": (lambda x: 1 / (mp.pi * (1 + x * x)), None, [{}]),
    "log_normal.cdf": (
        lambda x, std: mp.exp(-((mp.log(x) / std) ** 2) / 2) / (x * std * mp.sqrt(2 * mp.pi)), 0, [{"std": 0.5}]
    ),
    "gamma.cdf": (
        lambda x, shape: x ** (shape - 1) * mp.exp(-x) / mp.gamma(shape), 0, [{"shape": 2.5}, {"shape": 9.0}]
    ),
    "beta.cdf": (
        lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b), 0, [{"a": 2.0, "b": 3.0}]
    ),
    "student_t.cdf": (
        lambda x, freedom: (1 + x * x / freedom) ** (-(freedom + 1) / 2)
        / (mp.sqrt(freedom) * mp.beta(mp.mpf(1) / 2, freedom / 2)),
        None,
        [{"freedom": 5.0}],
    ),
}  # fmt: skip
_POINTS = (0.25, 0.75, -1.5, 0.5)


@route(*_DENSITIES)
def _integrated(rng: np.random.Generator) -> list[Case]:
    found = []
    for i in range(2):
        for density, begin, parameters in _DENSITIES.values():
            given = parameters[i % len(parameters)]
            start = given["low"] if begin == "low" else -mp.inf if begin is None else begin
            value = _POINTS[i] if begin is not None else _POINTS[2 + i]
            inside = [0] if begin is None and value > 0 else []
            mass = mp.quad(lambda x, f=density, g=given: f(x, **g), [start, *inside, value])
            found.append(Case({"value": value, **given}, float(mass)))
    return found


@route("geometric.cdf")
def _trials(rng: np.random.Generator) -> list[Case]:
    return [Case({"k": k, "p": 0.3}, sum(0.3 * 0.7**i for i in range(k))) for k in (1, 5)]


@route("poisson.cdf")
def _events(rng: np.random.Generator) -> list[Case]:
    return [
        Case({"k": k, "rate": 2.5}, sum(math.exp(-2.5) * 2.5**i / math.factorial(i) for i in range(k + 1)))
        for k in (0, 4)
    ]


@route("binomial.cdf")
def _paths(rng: np.random.Generator) -> list[Case]:
    """All successes added one trial at a time."""
    chances = np.array([1.0])
    for _ in range(10):
        chances = 0.8 * np.append(chances, 0) + 0.2 * np.append(0, chances)
    return [Case({"k": k, "n": 10, "p": 0.2}, float(chances[: k + 1].sum())) for k in (0, 3, 10)]


@route("categorical.probability")
def _races(rng: np.random.Generator) -> list[Case]:
    """The first of independent waiting times whose rates are the weights."""
    weights = np.array([0.5, 1.5, 2.0])
    first = (rng.exponential(size=(4000, 3)) / weights).argmin(axis=1)
    return [Case({"weight": w, "total": 4.0}, (first == k).astype(float), draws=True) for k, w in enumerate(weights)]


@route("integers.cdf")
def _listed(rng: np.random.Generator) -> list[Case]:
    return [Case({"k": k, "low": -2, "high": 5}, np.mean(np.arange(-2, 5) <= k)) for k in (-3, 0, 4, 9)]
