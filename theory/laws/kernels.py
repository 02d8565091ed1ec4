"""Arc-cosine kernels: the mean products of two ReLU-like units, exact at infinite width.

With t the angle between the inputs, u = pi - t and
    S1(u) = sin u - u cos u,   S2(u) = u (1 + 2 cos(u)**2) - 3 sin u cos u,
the kernels are k0 = u/pi, k1 = S1(u)/pi, k2 = S2(u)/(3 pi) and their complements
    1 - k0 = t/pi,   1 - k1 = d - S1(t)/pi,   1 - k2 = (2/3) d (2 - d) + S2(t)/(3 pi),   d = 1 - cos t.
S1 and S2 are O(u**3) and O(u**5), summed as series near 0; the angle comes from 1 - c or 1 + c, never from acos near 1.
Give `one_minus_c` rather than `c` where c itself has no digits left.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats, floats

CORRELATION = between(-1, 1)
GAP = between(0, 2)
PRECISION = (
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


def _kernel(name: str, title: str, formula: str, rule: Callable[..., Any], meaning: str) -> Law:
    return Law(
        name=f"kernel.{name}",
        title=title,
        quantity=name,
        formula=formula,
        kind=Kind.ASYMPTOTIC,
        domain=Domain(c=CORRELATION),
        rule=rule,
        hypotheses=("u, v jointly normal with correlation c and unit variance", "infinite width for a network's layer"),
        derivation=f"{meaning} A multiple of w = pi - acos c, of sin w - w cos w, or of their second-order analogue.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        statistic="mean product over fresh normal pairs",
        error="O(1/width)",
        precision=PRECISION,
    )


def _complement(name: str, formula: str, rule: Callable[..., Any]) -> Law:
    return Law(
        name=f"kernel.one_minus_{name}",
        title=f"Complement of the arc-cosine kernel {name}",
        quantity=f"1 - {name}(1 - one_minus_c)",
        formula=formula,
        kind=Kind.ASYMPTOTIC,
        domain=Domain(one_minus_c=GAP),
        rule=rule,
        hypotheses=("u, v jointly normal with correlation 1 - one_minus_c", "infinite width for a network's layer"),
        derivation="The same kernel with t from one_minus_c = 1 - cos t; all terms that cancel are taken off on paper.",
        source="derived; Cho & Saul 2009, Kernel methods for deep learning",
        statistic="mean square difference of the two outputs",
        error="O(1/width)",
        not_to_confuse="1 - k(c) in floating point: at 1 - c = 1e-12 it has five digits, at 1e-16 none",
    )


def angle_text(gap: str) -> str:
    """The angle in a formula of `gap` = 1 - c."""
    return f"acos(1 - mpf({gap}))"


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
    _complement("k0", f"{angle_text('one_minus_c')} / pi", one_minus_k0),
    _complement(
        "k1",
        f"1 - (sin({angle_text('one_minus_c')}) + (pi - {angle_text('one_minus_c')}) * (1 - mpf(one_minus_c))) / pi",
        one_minus_k1,
    ),
    _complement(
        "k2",
        f"1 - (3 * sin({angle_text('one_minus_c')}) * (1 - mpf(one_minus_c))"
        f" + (pi - {angle_text('one_minus_c')}) * (1 + 2 * (1 - mpf(one_minus_c))**2)) / (3 * pi)",
        one_minus_k2,
    ),
)
