"""Moments of smooth activations."""

import math

import numpy as np

from varlaw.theory.activations.moments import INV_SQRT_TWO_PI, Moments
from varlaw.theory.numerics.expectations import expectation
from varlaw.theory.numerics.quadrature import Floats


def gelu() -> Moments:
    """x Phi(x). With A = asin(q/(1+q)) = atan(q/r), r = sqrt(1 + 2q): the form in atan keeps its digits for large q."""
    from scipy.special import ndtr

    def second(q: Floats) -> Floats:
        r = np.sqrt(1 + 2 * q)
        return q * (0.25 + np.arctan(q / r) / (2 * math.pi) + (q / (1 + q)) / (math.pi * r))

    def mean(q: Floats) -> Floats:
        return np.sqrt(q) * (np.sqrt(q / (1 + q)) * INV_SQRT_TWO_PI)

    def slope_second(q: Floats) -> Floats:
        r = np.sqrt(1 + 2 * q)
        return 0.25 + (np.arctan(q / r) + 2 * (q / (1 + q)) / r + (q / (1 + 2 * q)) / r) / (2 * math.pi)

    def fourth(q: Floats) -> Floats:
        return expectation(lambda x: x**4 * (ndtr(x) ** 4 + ndtr(-x) ** 4), q)

    return Moments(
        mean=mean,
        second=second,
        fourth=fourth,
        variance=lambda q: second(q) - mean(q) ** 2,
        slope_mean=lambda q: np.full_like(q, 0.5),
        slope_second=slope_second,
    )


def erf() -> Moments:
    """erf(x): odd, so its variance is its second moment (Williams 1997)."""
    from scipy.special import erf as function

    def second(q: Floats) -> Floats:
        return (2 / math.pi) * np.arctan(2 * q / np.sqrt(1 + 4 * q))

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: expectation(lambda x: 2 * function(x) ** 4, q),
        variance=second,
        slope_mean=lambda q: (2 / math.sqrt(math.pi)) / np.sqrt(1 + 2 * q),
        slope_second=lambda q: (4 / math.pi) / np.sqrt(1 + 4 * q),
    )


def sine() -> Moments:
    """sin(x)."""

    def second(q: Floats) -> Floats:
        return -0.5 * np.expm1(-2 * q)

    def fourth(q: Floats) -> Floats:
        y = np.exp(-2 * q)  # (3 - 4y + y^4)/8 with the double root taken out
        result: Floats = np.expm1(-2 * q) ** 2 * (y * y + 2 * y + 3) / 8
        return result

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=fourth,
        variance=second,
        slope_mean=lambda q: np.exp(-0.5 * q),
        slope_second=lambda q: 0.5 * (1 + np.exp(-2 * q)),
    )


def cosine() -> Moments:
    """cos(x)."""
    return Moments(
        mean=lambda q: np.exp(-0.5 * q),
        second=lambda q: 0.5 * (1 + np.exp(-2 * q)),
        fourth=lambda q: (3 + 4 * np.exp(-2 * q) + np.exp(-8 * q)) / 8,
        variance=lambda q: 0.5 * np.expm1(-q) ** 2,
        slope_mean=np.zeros_like,
        slope_second=lambda q: -0.5 * np.expm1(-2 * q),
        order=0.0,
    )


def gaussian() -> Moments:
    """exp(-x**2)."""

    def variance(q: Floats) -> Floats:
        r = np.sqrt(1 + 4 * q)  # 1/r - 1/(1+2q), the difference 4q^2/(...) taken on paper
        return (2 * q / r) * (2 * q / (1 + 2 * q)) / (1 + 2 * q + r)

    return Moments(
        mean=lambda q: 1 / np.sqrt(1 + 2 * q),
        second=lambda q: 1 / np.sqrt(1 + 4 * q),
        fourth=lambda q: 1 / np.sqrt(1 + 8 * q),
        variance=variance,
        slope_mean=np.zeros_like,
        slope_second=lambda q: (4 * q / (1 + 4 * q)) / np.sqrt(1 + 4 * q),
        order=0.0,
    )


def square() -> Moments:
    """x**2."""
    return Moments(
        mean=lambda q: 1.0 * q,
        second=lambda q: 3 * q * q,
        fourth=lambda q: 105 * (q * q) * (q * q),
        variance=lambda q: 2 * q * q,
        slope_mean=np.zeros_like,
        slope_second=lambda q: 4 * q,
        order=2.0,
        ratio=lambda q: np.full_like(q, 4 / 3),
    )
