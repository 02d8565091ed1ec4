"""Arc-cosine kernels and correlation maps: how two inputs' correlation passes a wide layer, exact at infinite width.

With t the angle between the inputs, u = pi - t and
    S1(u) = sin u - u cos u,   S2(u) = u (1 + 2 cos(u)**2) - 3 sin u cos u,
the kernels are k0 = u/pi, k1 = S1(u)/pi, k2 = S2(u)/(3 pi) and their complements
    1 - k0 = t/pi,   1 - k1 = d - S1(t)/pi,   1 - k2 = (2/3) d (2 - d) + S2(t)/(3 pi),   d = 1 - cos t.
S1 and S2 are O(u**3) and O(u**5), summed as series near 0; the angle comes from 1 - c or 1 + c, never from acos near 1.
Give `one_minus_c` rather than `c` where c itself has no digits left.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Interval, Kind, Law, between
from varlaw.theory.numerics.quadrature import Floats, floats

_CORRELATION = between(-1, 1)
_GAP = between(0, 2)
_Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
_PRECISION = (
    "k1 and k2 near c = -1, and 1 - k near c = 1, are as accurate as c + 1 and 1 - c are given; use "
    "kernel.one_minus_k0, one_minus_k1, one_minus_k2 or correlation.one_minus_leaky_relu, with one_minus_c="
)


def angle(gap: Any) -> Floats:
    """The angle whose cosine is 1 - gap, for 0 <= gap <= 2; relative error of a few ulp where gap is small.

    >>> float(angle(2.0)) == math.pi
    True
    """
    half = np.clip(0.5 * floats(gap), 0.0, 1.0)
    return floats(2 * np.arctan2(np.sqrt(half), np.sqrt(1 - half)))


# S1(u) = sum_k (-1)^(k+1) 2k u^(2k+1)/(2k+1)!
_S1_SERIES = np.array([(-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 13)])
# S2(u) with v = 2u: v + (v/2) cos v - (3/2) sin v = sum_k (-1)^k (k - 1) v^(2k+1)/(2k+1)!
_S2_SERIES = np.array([(-1) ** k * (k - 1) / math.factorial(2 * k + 1) for k in range(2, 18)])


def sine_gap(u: Any) -> Floats:
    """S1(u) = sin u - u cos u for 0 <= u <= pi, about u**3/3 near 0."""
    u = floats(u)
    return _sine_gap(u, np.sin(u), np.cos(u))


def _sine_gap(u: Floats, sine: Floats, cosine: Floats) -> Floats:
    return _near_zero(np.array(sine - u * cosine), u, 1.2, 3, _S1_SERIES)


def double_gap(u: Any) -> Floats:
    """S2(u) = u (1 + 2 cos(u)**2) - 3 sin u cos u for 0 <= u <= pi, about 4 u**5/15 near 0."""
    u = floats(u)
    return _double_gap(u, np.sin(u), np.cos(u))


def _double_gap(u: Floats, sine: Floats, cosine: Floats) -> Floats:
    far = u * (1 + 2 * (cosine * cosine)) - 3 * (sine * cosine)
    return _near_zero(np.array(far), 2 * u, 3.0, 5, _S2_SERIES)


def _near_zero(values: Floats, x: Floats, limit: float, power: int, series: Floats) -> Floats:
    """`values` with x**power times a series in x**2 put in where x < limit."""
    near = x < limit
    small = x[near]
    values[near] = small**power * np.polynomial.polynomial.polyval(small * small, series)
    return values


def k0(c: Any) -> Floats:
    """(pi - t)/pi with c = cos t: the mean product of two step functions, times 2."""
    return _supplement(c) / math.pi


def k1(c: Any) -> Floats:
    """(sin t + (pi - t) cos t)/pi: the mean product of two ReLUs at unit variance, times 2.

    >>> float(k1(1.0)), float(k1(-1.0))
    (1.0, 0.0)
    """
    c = floats(c)
    return _sine_gap(_supplement(c), _sine(c), -c) / math.pi


def k2(c: Any) -> Floats:
    """(3 sin t cos t + (pi - t)(1 + 2 cos(t)**2))/(3 pi): of two squared ReLUs, times 2/3."""
    c = floats(c)
    return _double_gap(_supplement(c), _sine(c), -c) / (3 * math.pi)


def _sine(c: Floats) -> Floats:
    return np.sqrt((1 - c) * (1 + c))


def _supplement(c: Any) -> Floats:
    """pi - t: the angle whose cosine is -c."""
    c = floats(c)
    return floats(2 * np.arctan2(np.sqrt(1 + c), np.sqrt(1 - c)))


def one_minus_k0(one_minus_c: Any) -> Floats:
    """1 - k0(1 - one_minus_c)."""
    return angle(one_minus_c) / math.pi


def one_minus_k1(one_minus_c: Any) -> Floats:
    """1 - k1(1 - one_minus_c), about d - (2 sqrt(2)/(3 pi)) d**1.5 for small d.

    >>> float(one_minus_k1(1e-40))
    1e-40
    """
    gap = floats(one_minus_c)
    return gap - sine_gap(angle(gap)) / math.pi


def one_minus_k2(one_minus_c: Any) -> Floats:
    """1 - k2(1 - one_minus_c), about (4/3) one_minus_c near 0."""
    gap = floats(one_minus_c)
    return (2 / 3) * gap * (2 - gap) + double_gap(angle(gap)) / (3 * math.pi)


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


def _kernel(name: str, title: str, formula: str, rule: Callable[..., Any], meaning: str) -> Law:
    return Law(
        name=f"kernel.{name}",
        title=title,
        quantity=name,
        formula=formula,
        kind=Kind.ASYMPTOTIC,
        domain=Domain(c=_CORRELATION),
        rule=rule,
        hypotheses=("u, v jointly normal with correlation c and unit variance", "infinite width for a network's layer"),
        derivation=f"{meaning} A multiple of w = pi - acos c, of sin w - w cos w, or of their second-order analogue.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        statistic="mean product over fresh normal pairs",
        error="O(1/width)",
        precision=_PRECISION,
    )


def _complement(name: str, formula: str, rule: Callable[..., Any]) -> Law:
    return Law(
        name=f"kernel.one_minus_{name}",
        title=f"Complement of the arc-cosine kernel {name}",
        quantity=f"1 - {name}(1 - one_minus_c)",
        formula=formula,
        kind=Kind.ASYMPTOTIC,
        domain=Domain(one_minus_c=_GAP),
        rule=rule,
        hypotheses=("u, v jointly normal with correlation 1 - one_minus_c", "infinite width for a network's layer"),
        derivation="The same kernel with t from one_minus_c = 1 - cos t; all terms that cancel are taken off on paper.",
        source="derived; Cho & Saul 2009, Kernel methods for deep learning",
        statistic="mean square difference of the two outputs",
        error="O(1/width)",
        not_to_confuse="1 - k(c) in floating point: at 1 - c = 1e-12 it has five digits, at 1e-16 none",
    )


def _t(gap: str) -> str:
    return f"acos(1 - mpf({gap}))"


_correlation = functools.partial(
    Law,
    quantity="correlation (cosine) of the two outputs",
    kind=Kind.ASYMPTOTIC,
    hypotheses=("u, v jointly normal", "infinite width"),
    statistic="mean product over fresh normal pairs, over the mean square",
    error="O(1/width)",
)


_PAIR = Domain(q1=_Q, q2=_Q, c=_CORRELATION)
_OF_TWO = ("u, v jointly normal", "infinite width", "variances q1, q2, correlation c")
_SLOPE = Interval(low=-1e75, high=1e75, typical=(-1.0, 2.0))

_product = functools.partial(_correlation, domain=_PAIR, hypotheses=_OF_TWO)

ENTRIES: tuple[Law, ...] = (
    _kernel("k0", "Arc-cosine kernel of degree 0", "1 - acos(mpf(c)) / pi", k0, "2 E[step(u) step(v)], by the angle."),
    _kernel(
        "k1",
        "Arc-cosine kernel of degree 1",
        "(sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi",
        k1,
        "2 E[relu(u) relu(v)]; its derivative is k0 (Price).",
    ),
    _kernel(
        "k2",
        "Arc-cosine kernel of degree 2",
        "(3 * sin(acos(mpf(c))) * c + (pi - acos(mpf(c))) * (1 + 2 * mpf(c)**2)) / (3 * pi)",
        k2,
        "(2/3) E[relu(u)^2 relu(v)^2]; its derivative is (4/3) k1 (Price).",
    ),
    _complement("k0", f"{_t('one_minus_c')} / pi", one_minus_k0),
    _complement(
        "k1",
        f"1 - (sin({_t('one_minus_c')}) + (pi - {_t('one_minus_c')}) * (1 - mpf(one_minus_c))) / pi",
        one_minus_k1,
    ),
    _complement(
        "k2",
        f"1 - (3 * sin({_t('one_minus_c')}) * (1 - mpf(one_minus_c))"
        f" + (pi - {_t('one_minus_c')}) * (1 + 2 * (1 - mpf(one_minus_c))**2)) / (3 * pi)",
        one_minus_k2,
    ),
    _correlation(
        name="correlation.relu",
        title="Correlation map of ReLU",
        formula="(sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi",
        rule=k1,
        domain=Domain(c=_CORRELATION),
        derivation="E[relu(u) relu(v)] / E[relu(u)^2] = k1(c), whatever the variance. Its only fixed point is c = 1.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        precision=_PRECISION,
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
        domain=Domain(c=_CORRELATION, slope=_SLOPE),
        derivation="phi(x) = (1-a) relu(x) + a x, and E[u relu(v)] = c/2. abs is slope -1, identity slope 1.",
        precision="near a zero of the map the error is a few 1e-16, absolute",
    ),
    _correlation(
        name="correlation.one_minus_leaky_relu",
        title="Complement of the correlation map of leaky ReLU",
        formula=(
            "mpf(one_minus_c) - (1 - slope)**2 / (1 + mpf(slope)**2)"
            f" * (sin({_t('one_minus_c')}) - {_t('one_minus_c')} * (1 - mpf(one_minus_c))) / pi"
        ),
        rule=leaky_gap,
        domain=Domain(one_minus_c=_GAP, slope=_SLOPE),
        quantity="1 - correlation of the two outputs",
        derivation="1 - c' = d - (1-a)^2 (k1 - c)/(1 + a^2), k1 - c = (sin t - t cos t)/pi. Slope 0 is ReLU.",
        not_to_confuse="1 - c' computed from c' itself: no digits are left at 1 - c = 1e-16",
    ),
    _correlation(
        name="correlation.abs",
        title="Correlation map of the absolute value",
        formula="2 / pi * (sqrt(1 - mpf(c)**2) + c * asin(mpf(c)))",
        rule=abs_map,
        domain=Domain(c=_CORRELATION),
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
        precision=_PRECISION,
    ),
)
