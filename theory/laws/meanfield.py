"""Mean-field laws of deep networks: how variance, correlation and gradients move with depth at infinite width.

One layer maps the pre-activation variance q to weight_variance E[phi^2] + bias_variance, where weight_variance is
fan_in Var[w]; chi_1 = weight_variance E[phi'^2] is the factor of a mean-square gradient and the slope of the
correlation map at 1. At chi_1 = 1, the edge of chaos, both signals and gradients travel farthest.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, under_normal
from varlaw.theory.activations.named_pairs import mean_product, second_moment_slope
from varlaw.theory.activations.pairs import elementwise
from varlaw.theory.domain import Domain, Interval, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats, floats

Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
Q_NUMERIC = Interval(low=0.0, high=1e30, open_low=True, typical=(1e-3, 1e3))
_WEIGHT = Interval(low=0.0, high=1e75, open_low=True, typical=(0.1, 10.0))
BIAS = Interval(low=0.0, high=1e75, typical=(1e-3, 1.0))
CORRELATION = between(-1, 1)
_WIDE = ("weights of mean 0 and variance weight_variance/fan_in, biases of variance bias_variance", "infinite width")
_PANELS = "Nested Gauss-Legendre panels; the error, measured at 25 digits, is below 1e-12."
SCHOENHOLZ = "Schoenholz et al. 2017, arXiv:1611.01232"
_POOLE = "Poole et al. 2016, arXiv:1606.05340"


def variance_map(activation: str, q: Any, weight_variance: Any, bias_variance: Any) -> Floats:
    """The next layer's pre-activation variance."""
    return np.asarray(floats(weight_variance) * under_normal("second", activation, q) + bias_variance)


def chi(activation: str, q: Any, weight_variance: Any) -> Floats:
    """weight_variance E[phi'^2]."""
    return floats(weight_variance) * under_normal("slope_second", activation, q)


def map_slope(activation: str, q: Any, weight_variance: Any) -> Floats:
    """d q'/d q."""
    return elementwise(lambda v, w: w * second_moment_slope(activation, v), q, weight_variance)


def correlation_map(activation: str, c: Any, q: Any, weight_variance: Any, bias_variance: Any) -> Floats:
    """(weight_variance E[phi(u) phi(v)] + bias_variance) over the same at c = 1, both inputs of variance q."""

    def rule(corr: float, v: float, w: float, b: float) -> float:
        v = max(v, 1e-60) if b == 0 else v  # flat limit: without bias the scale drops out
        w = 1.0 if b == 0 else w
        whole = w * float(under_normal("second", activation, v)) + b
        return (w * mean_product(activation, "phi", corr, v) + b) / whole

    return elementwise(rule, c, q, weight_variance, bias_variance)


def covariance_slope(activation: str, c: Any, q: Any, weight_variance: Any) -> Floats:
    """weight_variance E[phi'(u) phi'(v)], the derivative of the covariance map in the covariance."""
    return elementwise(lambda corr, v, w: w * mean_product(activation, "slope", corr, v), c, q, weight_variance)


def fixed_point(activation: str, weight_variance: Any, bias_variance: Any) -> Floats:
    """The variance that the map settles at from q = 1: 0 when it dies out, inf when it grows without bound."""
    return elementwise(lambda w, b: _settle(activation, w, b), weight_variance, bias_variance)


def _settle(activation: str, weight: float, bias: float) -> float:
    def step(v: float) -> float:
        return float(variance_map(activation, v, weight, bias))

    q, low, high = 1.0, 0.0, math.inf
    for _ in range(2000):
        after = step(q)
        if after > q:
            low = q  # the limit lies above, for a map that does not decrease
        elif after < q:
            high = q
        else:
            return q
        slope = weight * second_moment_slope(activation, q) if 1e-24 < q < 1e28 else 0.0
        newton = q + (after - q) / (1 - slope) if slope < 1 else after
        nearer = newton if low < newton < high else after
        if abs(nearer - q) <= 2e-16 * q:
            return nearer
        q = nearer
        if q < 1e-60:
            return 0.0
        if q > 1e60:
            return math.inf
    return q


meanfield_law = functools.partial(
    Law,
    kind=Kind.ASYMPTOTIC,
    hypotheses=_WIDE,
    statistic="mean square over units of a wide layer, fresh weight draws",
    error="O(1/width)",
)


_NAME = ActivationName()
_PAIR = "(lambda x, y: {f}(activation, sqrt(q) * x) * {f}(activation, sqrt(q) * (c * x + sqrt(1 - mpf(c)**2) * y)))"
_E2 = "E(lambda z: phi(activation, sqrt(q) * z)**2)"
_D2 = "E(lambda z: slope(activation, sqrt(q) * z)**2)"

ENTRIES: tuple[Law, ...] = (
    meanfield_law(
        name="meanfield.variance_map",
        title="Variance of the next layer's pre-activations",
        quantity="q' = weight_variance E[phi^2] + bias_variance",
        formula=f"weight_variance * {_E2} + bias_variance",
        rule=variance_map,
        domain=Domain(activation=_NAME, q=Q, weight_variance=_WEIGHT, bias_variance=BIAS),
        derivation="The linear law with E[x^2] = E[phi(z)^2], z normal by the central limit theorem in fan_in.",
        source=_POOLE,
    ),
    meanfield_law(
        name="meanfield.chi",
        title="Gradient factor of a layer",
        quantity="chi_1 = weight_variance E[phi'^2]",
        formula=f"weight_variance * {_D2}",
        rule=chi,
        domain=Domain(activation=_NAME, q=Q, weight_variance=_WEIGHT),
        derivation=(
            "Backward linear law times E[phi'^2]; also the correlation map's slope at 1. Above 1: chaos, gradients "
            "grow."
        ),
        source=_POOLE,
        statistic="ratio of mean-square gradients of neighbouring layers",
        not_to_confuse="stable activations mean stable gradients: tanh with gain 5/3 settles at chi_1 = 1.21",
    ),
    meanfield_law(
        name="meanfield.variance_slope",
        title="Slope of the variance map",
        quantity="d q'/d q",
        formula=(
            "weight_variance * E(lambda z: z * phi(activation, sqrt(q) * z) * slope(activation, sqrt(q) * z)) / sqrt(q)"
        ),
        rule=map_slope,
        domain=Domain(activation=_NAME, q=Q_NUMERIC, weight_variance=_WEIGHT),
        derivation="d/dq E phi^2 = E[z phi phi']/sqrt(q); jumps of phi itself, as hardshrink's, count besides. "
        + _PANELS,
        statistic="finite difference of the second moment in q",
        not_to_confuse="chi_1 + weight_variance E[phi phi''] with phi'' taken pointwise: the kink of ReLU is a delta",
    ),
    meanfield_law(
        name="meanfield.correlation_map",
        title="Correlation of two inputs after a layer",
        quantity="c' with equal variances q",
        formula=(
            f"(weight_variance * E2{_PAIR.format(f='phi')} + bias_variance) / (weight_variance * {_E2} + bias_variance)"
        ),
        rule=correlation_map,
        domain=Domain(activation=_NAME, c=CORRELATION, q=Q_NUMERIC, weight_variance=_WEIGHT, bias_variance=BIAS),
        derivation=(
            "Jointly normal pre-activations have next covariance weight_variance E[phi(u) phi(v)] + bias_variance. "
            + _PANELS
        ),
        source=_POOLE,
        statistic="cosine of two inputs' pre-activations over units",
        precision="the error is 1e-12, absolute; refused for a shrinking activation with threshold > 6 sqrt(q)",
    ),
    meanfield_law(
        name="meanfield.correlation_slope",
        title="Slope of the correlation map",
        quantity="weight_variance E[phi'(u) phi'(v)]",
        formula=f"weight_variance * E2{_PAIR.format(f='slope')}",
        rule=covariance_slope,
        domain=Domain(activation=_NAME, c=CORRELATION, q=Q_NUMERIC, weight_variance=_WEIGHT),
        derivation="Price's theorem; at a fixed point of the variance map it is the derivative of c'. " + _PANELS,
        source=SCHOENHOLZ,
        statistic="finite difference of the correlation map",
        precision="absolute error 1e-12 where phi' jumps; refused for shrinking activations with threshold > 6 sqrt(q)",
    ),
    meanfield_law(
        name="meanfield.fixed_point",
        title="Variance at which a deep network settles",
        quantity="q with q = weight_variance E[phi^2] + bias_variance",
        formula=(
            "findroot(lambda q: weight_variance * E(lambda z: phi(activation, sqrt(q) * z)**2) + bias_variance - q, 1)"
        ),
        rule=fixed_point,
        domain=Domain(activation=_NAME, weight_variance=_WEIGHT, bias_variance=BIAS),
        derivation=(
            "Iterated from q = 1 with Newton steps inside the bracket; 0 when the signal dies out, inf when it "
            "explodes."
        ),
        source=_POOLE,
        statistic="mean square deep in a wide network",
        precision="the error is that of the map over 1 - slope: at a critical point half the digits are lost",
        not_to_confuse="1: tanh with gain 5/3 settles at 1.178, selu with torch's gain 3/4 at 0.0230",
    ),
)
