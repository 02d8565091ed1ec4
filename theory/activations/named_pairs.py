"""Derivatives and mean products of named activations, in closed form where panels see nothing."""

import math

import numpy as np

from varlaw.theory.activations.named import functions, resolve, under_normal
from varlaw.theory.activations.pairs import product, single, variance_slope


def second_moment_slope(activation: str, q: float) -> float:
    """d/dq E phi^2, in closed form where panels see nothing: fast oscillation and far tails."""
    stem, parameter = resolve(activation)
    if stem in ("sin", "cos"):
        rate = parameter["frequency"] ** 2
        return rate * math.exp(-2 * rate * q) * (1 if stem == "sin" else -1)
    if stem == "softshrink":
        return float(under_normal("slope_mean", activation, q))  # phi phi' = phi, and Stein
    if stem == "hardshrink":  # E phi^2 = 2 q (v pdf(v) + Phi(-v)), v = threshold/sqrt(q): its jump adds v^3 pdf(v)
        v = min(parameter["threshold"] / math.sqrt(q), 1e10)
        jump = v**3 * math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
        return float(under_normal("second", activation, q)) / q + jump
    row = functions(activation)
    if stem in ("sigmoid", "hardsigmoid"):  # mean 1/2 at every q: only the odd part changes
        return variance_slope(row._replace(phi=lambda x: row.phi(x) - 0.5), q)
    if stem in ("softplus", "logsigmoid"):  # log(2 cosh(x/2)) +- x/2: the even part and q/4, no halves that cancel
        scaled = parameter.get("beta", 1.0) ** 2 * max(q, 1e-24)
        even = single(lambda x: 0.5 * x * np.tanh(0.5 * x) * np.logaddexp(0.5 * x, -0.5 * x), scaled, ())
        return 0.25 + even / scaled
    return variance_slope(row, q)


def mean_product(activation: str, which: str, c: float, q: float) -> float:
    """E[f(u) f(v)] for f = phi or phi'; NaN where a shrinking activation's threshold lies beyond 6 deviations."""
    stem, parameter = resolve(activation)
    if stem in ("sin", "cos"):
        rate = parameter["frequency"] ** 2
        near, far = math.exp(-rate * q * (1 - c)), math.exp(-rate * q * (1 + c))
        odd = (stem == "sin") == (which == "phi")
        return (rate if which == "slope" else 1.0) * 0.5 * (near - far if odd else near + far)
    if c == 1.0:
        return float(under_normal("second" if which == "phi" else "slope_second", activation, q))
    if stem in ("softshrink", "hardshrink") and parameter["threshold"] > 6 * math.sqrt(q):
        return math.nan
    row = functions(activation)
    return product(getattr(row, which), q, c, row.kinks)
