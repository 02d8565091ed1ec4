"""Risks too small to simulate: the scale test run under another law, and every path weighted back by its likelihood."""

import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence import scale

Floats = NDArray[np.float64]


def paths(r: float, rng: np.random.Generator, looks: list[int], runs: int) -> Floats:
    """S2 of `runs` samples of std r at each of `looks`, drawn exactly as sums of chi-square increments."""
    steps = np.diff([0, *looks])
    return np.asarray(r * r * np.cumsum(rng.chisquare(steps, size=(runs, len(steps))), axis=1))


def looks(cap: int, first: int = 1024, growth: float = 0.05) -> list[int]:
    """Numbers of draws at which a decision looks, up to `cap` or just beyond."""
    found = [first]
    while found[-1] < cap:
        found.append(math.ceil(found[-1] * (1 + growth)))
    return found


def false_alarms(rng: np.random.Generator, alpha: float, delta: float, runs: int) -> tuple[float, float]:
    """P(the scale test alarms | lawful) with its standard error: E[1 / e-value at the stop] under the alternative."""
    steps, weights = scale._grid(delta)
    sides = [1 + d for d in steps] + [1 / (1 + d) for d in steps]
    chosen = rng.choice(len(sides), size=runs, p=np.array(weights + weights))
    at = looks(math.ceil(500 / delta**2))
    weight = np.zeros(runs)
    for i, side in enumerate(chosen):
        for n, squares in zip(at, paths(sides[side], rng, at, 1)[0], strict=True):
            log_e = scale.violation(n, squares, delta)
            if log_e >= math.log(2 / alpha):
                weight[i] = math.exp(-log_e)
                break
    return float(weight.mean()), float(weight.std() / math.sqrt(runs))


def false_conformity(
    rng: np.random.Generator, alpha: float, beta: float, delta: float, runs: int
) -> tuple[float, float]:
    """P(the scale test conforms | std off by 1 + delta) with its standard error, simulated under the law."""
    at = looks(scale.cap(delta, alpha, beta))
    weight = np.zeros(runs)
    for i, path in enumerate(paths(1.0, rng, at, runs)):
        for n, squares in zip(at, path, strict=True):
            if scale.conformity(n, squares, delta) >= scale.passing(beta):
                ratio = scale.log_likelihood(1 + delta, n, squares) - scale.log_likelihood(1.0, n, squares)
                weight[i] = math.exp(ratio)
                break
    return float(weight.mean()), float(weight.std() / math.sqrt(runs))
