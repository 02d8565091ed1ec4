"""Correlation maps: how two inputs' correlation passes a wide layer, and the mean products of two of its units.

Closed forms, exact at infinite width, written so that they keep their digits next to correlations of 1 and -1.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval
from varlaw.theory.law import Kind, Law
from varlaw.theory.laws.kernels import CORRELATION, GAP, PRECISION, angle, angle_text, k1, sine_gap
from varlaw.theory.numerics.quadrature import Floats, floats

_Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
_SLOPE = Interval(low=-1e75, high=1e75, typical=(-1.0, 2.0))


def leaky_gap(one_minus_c: Any, slope: Any) -> Floats:
    """1 - c' of leaky ReLU: d - (1-a)^2 S1(t)/(pi (1 + a^2)); for d > 1 from the other end, where that of abs is 0."""
    gap, a = floats(one_minus_c), floats(slope)
    size, rest = np.hypot(1, a), 2 - gap
    share = ((1 - a) / size) ** 2 / math.pi
    far = ((1 + a) / size) ** 2 - 2 * (a / size) / size * rest - share * sine_gap(angle(rest))
    return floats(np.where(gap <= 1, gap - share * sine_gap(angle(gap)), far))


def leaky_map(c: Any, slope: Any) -> Floats:
    """c' of leaky ReLU: (2 a c + (1-a)^2 k1)/(1 + a^2)."""
    a = floats(slope)
    size = np.hypot(1, a)
    return floats(2 * (a / size) / size * floats(c) + ((1 - a) / size) ** 2 * k1(c))


def abs_map(c: Any) -> Floats:
    """(2/pi)(sqrt(1 - c**2) + c asin c)."""
    c = floats(c)
    root = np.sqrt((1 - c) * (1 + c))
    return floats((2 / math.pi) * (root + c * np.arctan2(c, root)))


def erf_product(q1: Any, q2: Any, c: Any) -> Floats:
    """(2/pi) asin(2k/sqrt((1 + 2 q1)(1 + 2 q2))), k = c sqrt(q1 q2), as atan2 so that large q keep their digits."""
    q1, q2, k, determinant = _pair(q1, q2, c)
    return floats((2 / math.pi) * np.arctan2(2 * k, np.sqrt(1 + 2 * q1 + 2 * q2 + 4 * determinant)))


def gelu_product(q1: Any, q2: Any, c: Any) -> Floats:
    """E[gelu(u) gelu(v)] for normal u, v of variances q1, q2 and correlation c; derived by Stein's identity."""
    q1, q2, k, determinant = _pair(q1, q2, c)
    root = np.sqrt(1 + q1 + q2 + determinant)  # D = (1 + q1)(1 + q2) - k^2
    u = np.arctan2(root, -k)
    plain = k * u + (determinant + k * k * (1 / (1 + q1) + 1 / (1 + q2))) / root
    # For strongly negative k the two terms nearly cancel: with k = -N cos u, root = N sin u, what remains is
    size = np.sqrt(1 + q1) * np.sqrt(1 + q2)
    rest = size * sine_gap(u) + (1 - (2 + q1 + q2) * (root / size) ** 2) / root
    return floats(np.where(u < 1.0, rest, plain) / (2 * math.pi))


def sin_product(q1: Any, q2: Any, c: Any) -> Floats:
    """exp(-(q1 + q2)/2) sinh k, k = c sqrt(q1 q2), written without overflow."""
    q1, q2, k, _ = _pair(q1, q2, c)
    roots = np.sqrt(q1) - np.sqrt(q2)
    with np.errstate(under="ignore"):
        # |k| - (q1 + q2)/2 = -(sqrt q1 - sqrt q2)^2/2 - (1 - |c|) sqrt(q1 q2)
        exponent = -0.5 * roots**2 - (1 - np.abs(c)) * np.sqrt(q1) * np.sqrt(q2)
        return floats(np.copysign(0.5 * np.exp(exponent) * -np.expm1(-2 * np.abs(k)), k))


def relu_product(q1: Any, q2: Any, c: Any) -> Floats:
    """E[relu(u) relu(v)] = sqrt(q1 q2) k1(c)/2."""
    return 0.5 * np.sqrt(floats(q1)) * np.sqrt(floats(q2)) * k1(c)


def _pair(q1: Any, q2: Any, c: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """q1, q2, covariance k = c sqrt(q1 q2) and q1 q2 - k**2, without a difference of squares."""
    q1, q2, c = (floats(v) for v in (q1, q2, c))
    scale = np.sqrt(q1) * np.sqrt(q2)
    return q1, q2, c * scale, (scale * (1 - c)) * (scale * (1 + c))


_correlation = functools.partial(
    Law,
    quantity="correlation (cosine) of the two outputs",
    kind=Kind.ASYMPTOTIC,
    hypotheses=("u, v jointly normal", "infinite width"),
    statistic="mean product over fresh normal pairs, over the mean square",
    error="O(1/width)",
)


_PAIR = Domain(q1=_Q, q2=_Q, c=CORRELATION)
_OF_TWO = ("u, v jointly normal", "infinite width", "variances q1, q2, correlation c")

_product = functools.partial(_correlation, domain=_PAIR, hypotheses=_OF_TWO)

ENTRIES: tuple[Law, ...] = (
    _correlation(
        name="correlation.relu",
        title="Correlation map of ReLU",
        formula="(sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi",
        rule=k1,
        domain=Domain(c=CORRELATION),
        derivation="E[relu(u) relu(v)] / E[relu(u)^2] = k1(c), whatever the variance. Its only fixed point is c = 1.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        precision=PRECISION,
        not_to_confuse="cov[relu(u), relu(v)] / var: that removes the means; the network propagates the cosine",
    ),
    _correlation(
        name="correlation.leaky_relu",
        title="Correlation map of leaky ReLU",
        formula=(
            "(2 * slope * c + (1 - slope)**2 * (sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi) "
            "/ (1 + mpf(slope)**2)"
        ),
        rule=leaky_map,
        domain=Domain(c=CORRELATION, slope=_SLOPE),
        derivation="phi(x) = (1-a) relu(x) + a x, and E[u relu(v)] = c/2. abs is slope -1, identity slope 1.",
        precision="near a zero of the map the error is a few 1e-16, absolute",
    ),
    _correlation(
        name="correlation.one_minus_leaky_relu",
        title="Complement of the correlation map of leaky ReLU",
        formula=(
            "mpf(one_minus_c) - (1 - slope)**2 / (1 + mpf(slope)**2)"
            f" * (sin({angle_text('one_minus_c')}) - {angle_text('one_minus_c')} * (1 - mpf(one_minus_c))) / pi"
        ),
        rule=leaky_gap,
        domain=Domain(one_minus_c=GAP, slope=_SLOPE),
        quantity="1 - correlation of the two outputs",
        derivation="1 - c' = d - (1-a)^2 (k1 - c)/(1 + a^2), k1 - c = (sin t - t cos t)/pi. Slope 0 is ReLU.",
        not_to_confuse="1 - c' computed from c' itself: no digits are left at 1 - c = 1e-16",
    ),
    _correlation(
        name="correlation.abs",
        title="Correlation map of the absolute value",
        formula="2 / pi * (sqrt(1 - mpf(c)**2) + c * asin(mpf(c)))",
        rule=abs_map,
        domain=Domain(c=CORRELATION),
        derivation="Leaky ReLU with slope -1; even in c, with 2/pi at c = 0.",
    ),
    _product(
        name="correlation.erf_product",
        title="Mean product of two erf units",
        formula="2 / pi * asin(2 * c * sqrt(q1 * q2 / ((1 + 2 * q1) * (1 + 2 * q2))))",
        rule=erf_product,
        quantity="E[erf(u) erf(v)]",
        derivation="Price: d/dk of it is E[erf'(u) erf'(v)] = (4/pi)/sqrt((1+2q1)(1+2q2) - 4k^2), k the covariance.",
        source="Williams 1997, Computing with infinite networks",
    ),
    _product(
        name="correlation.sin_product",
        title="Mean product of two sine units",
        formula="exp(-(q1 + q2) / 2) * sinh(c * sqrt(q1 * q2))",
        rule=sin_product,
        quantity="E[sin(u) sin(v)]",
        derivation="sin u sin v = (cos(u-v) - cos(u+v))/2, and E cos of N(0, s) is exp(-s/2).",
        precision="the relative error grows as 1e-16 times the exponent: 1e-13 where the value is 1e-300",
    ),
    _product(
        name="correlation.gelu_product",
        title="Mean product of two GELU units",
        formula=(
            "c * sqrt(q1 * q2) * (1 / mpf(4) + asin(c * sqrt(q1 * q2 / ((1 + q1) * (1 + q2)))) / (2 * pi)) "
            "+ (q1 * (((1 + q1) * (1 + q2) - c**2 * q1 * q2) - 1 - q1) / (1 + q1) + c**2 * q1 * q2 / (1 + q2)) "
            "/ (2 * pi * sqrt((1 + q1) * (1 + q2) - c**2 * q1 * q2))"
        ),
        rule=gelu_product,
        quantity="E[gelu(u) gelu(v)]",
        derivation="Stein's identity twice on E[u Phi(u) v Phi(v)]; at u = v it is the second moment of GELU.",
        precision="next to its zero at a negative correlation the error is a few 1e-16 of c sqrt(q1 q2)/4",
    ),
    _product(
        name="correlation.relu_product",
        title="Mean product of two ReLU units",
        formula="sqrt(q1 * q2) * (sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / (2 * pi)",
        rule=relu_product,
        quantity="E[relu(u) relu(v)]",
        derivation="relu is homogeneous: sqrt(q1 q2) times the product at unit variance, k1(c)/2.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        precision=PRECISION,
    ),
)
