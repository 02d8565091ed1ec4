"""Moments of activations in pieces: the squared rectifier, and what clips or shrinks.

Vocabulary: s = sqrt(q); P and Q the regularised incomplete gamma functions, which are the partial moments of a normal
law: E[z^(2k); |z| < v] = (2k-1)!! P(k + 1/2, v**2/2).
"""

import math

import numpy as np

from varlaw.theory.activations.moments import INV_SQRT_TWO_PI, Moments, rescaled
from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre


def relu_squared() -> Moments:
    """max(x, 0)**2."""
    return Moments(
        mean=lambda q: 0.5 * q,
        second=lambda q: 1.5 * q * q,
        fourth=lambda q: 52.5 * (q * q) * (q * q),
        variance=lambda q: 1.25 * q * q,
        slope_mean=lambda q: 2 * INV_SQRT_TWO_PI * np.sqrt(q),
        slope_second=lambda q: 2 * q,
        order=2.0,
        ratio=lambda q: np.full_like(q, 4 / 3),
    )


def _inside(power: int, limit: float, q: Floats) -> Floats:
    """E[z^power; |z| < limit/s] / E[z^power] for even `power`."""
    from scipy.special import erf, gammainc

    if power == 0:
        with np.errstate(divide="ignore"):
            return np.asarray(erf(limit / np.sqrt(2 * q)))  # fewer roundings than P(1/2, .)
    with np.errstate(divide="ignore", over="ignore"):
        result: Floats = gammainc((power + 1) / 2, 0.5 * limit * (limit / q))
    return result


def _outside(power: int, limit: float, q: Floats) -> Floats:
    """E[z^power; |z| > limit/s] / E[z^power] for even `power`."""
    from scipy.special import erfc, gammaincc

    if power == 0:
        with np.errstate(divide="ignore"):
            return np.asarray(erfc(limit / np.sqrt(2 * q)))
    with np.errstate(divide="ignore", over="ignore"):
        result: Floats = gammaincc((power + 1) / 2, 0.5 * limit * (limit / q))
    return result


def hardtanh() -> Moments:
    """min(max(x, -1), 1)."""

    def second(q: Floats) -> Floats:
        return q * _inside(2, 1.0, q) + _outside(0, 1.0, q)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: 3 * q * (q * _inside(4, 1.0, q)) + _outside(0, 1.0, q),
        variance=second,
        slope_mean=lambda q: _inside(0, 1.0, q),
        slope_second=lambda q: _inside(0, 1.0, q),
    )


def relu6() -> Moments:
    """min(max(x, 0), 6)."""

    def mean(q: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            below = -np.expm1(-18 / q)
        return INV_SQRT_TWO_PI * np.sqrt(q) * below + 3 * _outside(0, 6.0, q)

    def second(q: Floats) -> Floats:
        return 0.5 * q * _inside(2, 6.0, q) + 18 * _outside(0, 6.0, q)

    return Moments(
        mean=mean,
        second=second,
        fourth=lambda q: 1.5 * q * (q * _inside(4, 6.0, q)) + 648 * _outside(0, 6.0, q),
        variance=lambda q: second(q) - mean(q) ** 2,
        slope_mean=lambda q: 0.5 * _inside(0, 6.0, q),
        slope_second=lambda q: 0.5 * _inside(0, 6.0, q),
    )


def hardsigmoid() -> Moments:
    """min(max(x/6 + 1/2, 0), 1) = 1/2 + hardtanh(x/3)/2."""
    odd = rescaled(hardtanh(), 0.5, 1 / 3)
    return Moments(
        mean=lambda q: np.full_like(q, 0.5),
        second=lambda q: 0.25 + odd.second(q),
        fourth=lambda q: 0.0625 + 1.5 * odd.second(q) + odd.fourth(q),
        variance=odd.second,
        slope_mean=odd.slope_mean,
        slope_second=odd.slope_second,
        order=0.0,
    )


def hardswish() -> Moments:
    """x hardsigmoid(x) = x/2 + e(x), with the even part e = x**2/6 for |x| < 3 and |x|/2 beyond."""

    def mean(q: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            beyond = np.exp(-4.5 / q)
        return (q * _inside(2, 3.0, q)) / 6 + INV_SQRT_TWO_PI * np.sqrt(q) * beyond

    def even_second(q: Floats) -> Floats:
        return q * (q * _inside(4, 3.0, q)) / 12 + 0.25 * q * _outside(2, 3.0, q)

    def fourth(q: Floats) -> Floats:
        cross = q**2 * ((q * _inside(6, 3.0, q)) * (15 / 36) + 0.75 * _outside(4, 3.0, q))
        even = q**2 * (q * (q * _inside(8, 3.0, q)) * (105 / 1296) + 0.1875 * _outside(4, 3.0, q))
        return 0.1875 * q**2 + 1.5 * cross + even

    return Moments(
        mean=mean,
        second=lambda q: 0.25 * q + even_second(q),
        fourth=fourth,
        variance=lambda q: 0.25 * q + (even_second(q) - mean(q) ** 2),
        slope_mean=lambda q: np.full_like(q, 0.5),
        slope_second=lambda q: 0.25 + q * _inside(2, 3.0, q) / 9 + 0.25 * _outside(0, 3.0, q),
    )


def hardshrink() -> Moments:
    """x where |x| > 1, else 0. Its jumps are not part of phi', so Stein's identity fails for it."""

    def ratio(q: Floats) -> Floats:
        from scipy.special import erfcx

        with np.errstate(divide="ignore"):
            root = np.sqrt(0.5 / q)
        tail: Floats = erfcx(root)  # Q(3/2, x) = erfc(sqrt x) + 2 sqrt(x/pi) exp(-x)
        return tail / (tail + (2 / math.sqrt(math.pi)) * root)

    def second(q: Floats) -> Floats:
        return q * _outside(2, 1.0, q)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: 3 * q * q * _outside(4, 1.0, q),
        variance=second,
        slope_mean=lambda q: _outside(0, 1.0, q),
        slope_second=lambda q: _outside(0, 1.0, q),
        order=math.inf,
        ratio=ratio,
    )


def softshrink() -> Moments:
    """sign(x) max(|x| - 1, 0): tail moments E[(z - v)^k; z > v] at v = 1/s."""

    def second(q: Floats) -> Floats:
        return q * _tail(q, 2)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: q * q * _tail(q, 4),
        variance=second,
        slope_mean=lambda q: _outside(0, 1.0, q),
        slope_second=lambda q: _outside(0, 1.0, q),
        order=math.inf,
        ratio=lambda q: in_blocks(_tail_ratio, q, nodes=_TAIL_NODES)[0],
    )


_TAIL_NODES = 96


def _tail(q: Floats, power: int) -> Floats:
    """2 E[(z - v)^power; z > v] with v = 1/sqrt(q)."""

    def rule(column: Floats) -> tuple[Floats]:
        t, density, _ = _tail_window(column)
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return (2 * INV_SQRT_TWO_PI * np.exp(-0.5 / column[:, 0]) * (density * t**power).sum(axis=1),)

    return in_blocks(rule, q, nodes=_TAIL_NODES)[0]


def _tail_ratio(q: Floats) -> tuple[Floats]:
    """E[1; z > v] / E[(z - v)^2; z > v], which tends to v**2/2 for small q."""
    t, density, width = _tail_window(q)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = (density.sum(axis=1) / (density * (t / width) ** 2).sum(axis=1)) / width[:, 0] ** 2
    return (np.where(q[:, 0] == 0, math.inf, value),)


def _tail_window(q: Floats) -> tuple[Floats, Floats, Floats]:
    """Offsets t from v, weights times exp(-(v t + t**2/2)), and the width of the window that holds all but 1e-20."""
    u, w = legendre(_TAIL_NODES)
    with np.errstate(divide="ignore", over="ignore"):
        v = 1 / np.sqrt(q)
        width = 100 / (v + np.hypot(v, 10))
    with np.errstate(invalid="ignore"):
        t = width * u
        return t, width * w * np.exp(-t * (np.minimum(v, 1e200) + 0.5 * t)), width
