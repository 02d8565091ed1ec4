"""Moments and tails of the length of a Gaussian vector, with all their digits from n = 1 to n = 1e9.

Everything here is a ratio or a difference of gamma functions that cancels in the textbook form: Gamma(n/2) overflows at
n = 342, ln Gamma(5e5) leaves nine digits, psi(n/2) - ln(n/2) leaves three at n = 1e13. Each function is written in the
form that cancels on paper. The coefficients of the asymptotic series are rational (Bernoulli and Euler numbers) and
computed here.
"""

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from varlaw.theory.numerics.incomplete_gamma import Tails, gamma_tails, log1p_minus

_FAR = 8.0  # from here on the series below reach float64 with the terms given


def _euler_numbers(count: int) -> list[int]:
    """E_0, E_2, E_4, ... by sum_k binom(2n, 2k) E_2k = 0."""
    numbers = [1]
    for n in range(1, count):
        numbers.append(-sum(comb(2 * n, 2 * k) * numbers[k] for k in range(n)))
    return numbers


def _bernoulli_numbers(count: int) -> list[Fraction]:
    """B_0, B_1, ... by sum_k binom(n+1, k) B_k = 0."""
    numbers = [Fraction(1)]
    for n in range(1, count):
        numbers.append(-sum((comb(n + 1, k) * numbers[k] for k in range(n)), Fraction(0)) / (n + 1))
    return numbers


_TERMS = 10
_EULER = _euler_numbers(_TERMS + 1)
_BERNOULLI = _bernoulli_numbers(2 * _TERMS + 3)
# Stirling with B_{2n+1}(1/4) = -(2n+1) E_2n / 4^(2n+1):
# ln Gamma(w + 3/4) - ln Gamma(w + 1/4) = ln(w)/2 - sum_n E_2n / (4n (4w)^(2n))
_HALF_STEP = [float(Fraction(-e, 4 * n * 16**n)) for n, e in enumerate(_EULER) if n]
_DIGAMMA = [float(-_BERNOULLI[2 * k] / (2 * k)) for k in range(1, _TERMS + 1)]


def _even_series(coefficients: list[float], x: Any) -> Any:
    """sum_k c_k / x^(2k), k from 1."""
    with np.errstate(over="ignore"):
        y = 1 / (x * x)
    total = np.zeros_like(y)
    for c in reversed(coefficients):
        total = (total + c) * y
    return total


def half_step(a: Any) -> Any:
    """Gamma(a + 1/2) / Gamma(a) for a > 0, float64 array.

    >>> round(float(half_step(0.5)) ** 2 * 3.141592653589793, 12)
    1.0
    """
    from scipy.special import gamma

    a = np.asarray(a, dtype=np.float64)
    near = np.minimum(a, _FAR)
    w = np.maximum(a, _FAR) - 0.25
    series = np.sqrt(w) * np.exp(_even_series(_HALF_STEP, w))
    return np.where(a < _FAR, gamma(near + 0.5) / gamma(near), series)


def chi_mean(n: Any) -> Any:
    """E|z| for z ~ N(0, I_n): sqrt(2) Gamma((n+1)/2) / Gamma(n/2), float64 array, n > 0.

    >>> round(float(chi_mean(2)) ** 2 * 2 / 3.141592653589793, 12)
    1.0
    """
    return np.sqrt(2.0) * half_step(np.asarray(n, dtype=np.float64) / 2)


def chi_variance(n: Any) -> Any:
    """Var|z| for z ~ N(0, I_n): n - chi_mean(n)^2 without cancellation, about 1/2 - 1/(8n), float64 array, n > 0.

    >>> round(float(chi_variance(1e12)), 12)
    0.5
    """
    n = np.asarray(n, dtype=np.float64)
    near, w = np.minimum(n, 2 * _FAR), np.maximum(n / 2, _FAR) - 0.25
    # with the series S of half_step: n - 2 w e^(2 S) and n = 2 w + 1/2
    far = 0.5 - 2 * w * np.expm1(2 * _even_series(_HALF_STEP, w))
    return np.where(n < 2 * _FAR, near - chi_mean(near) ** 2, far)


def digamma_gap(a: Any) -> Any:
    """psi(a) - ln(a) for a > 0, negative, about -1/(2a) for large a, float64 array.

    >>> round(float(digamma_gap(1e9)) * 2e9, 8)
    -1.0
    """
    a = np.asarray(a, dtype=np.float64)
    gap, far = np.zeros_like(a), np.array(a)
    for _ in range(int(_FAR)):  # psi(a) - ln(a) = psi(a+1) - ln(a+1) + ln(1 + 1/a) - 1/a: two negative parts
        step = far < _FAR
        gap = gap + np.where(step, log1p_minus(1 / np.where(step, far, 1.0)), 0.0)
        far = far + step
    return gap - 0.5 / far + _even_series(_DIGAMMA, far)


def trigamma(a: Any) -> Any:
    """psi1(a), the variance of ln(gamma variate of shape a), for a > 0, float64 array.

    >>> round(float(trigamma(1.0)) * 6 / 3.141592653589793**2, 12)
    1.0
    """
    from scipy.special import polygamma

    return polygamma(1, np.asarray(a, dtype=np.float64))


def chi_log_tails(n: Any, t: Any) -> Tails:
    """ln P(|z| <= t) and ln P(|z| > t) for z ~ N(0, I_n), n > 0 and t >= 0: two float64 arrays.

    >>> round(float(chi_log_tails(2, 100.0).log_tail), 9)
    -5000.0
    """
    from scipy.special import gammaln

    a, t = np.asarray(n, dtype=np.float64) / 2, np.asarray(t, dtype=np.float64)
    x, rest = _half_square(t)
    tails = gamma_tails(a, x, rest)
    with np.errstate(all="ignore"):  # the square of a small t underflows before the head does
        head = a * (2 * np.log(t) - np.log(2.0)) - gammaln(a + 1) - x + np.log1p(x / (a + 1))
    return Tails(np.where(t < 1e-5, head, tails.log_head), tails.log_tail)


def _half_square(t: Any) -> tuple[Any, Any]:
    """t^2 / 2 as the float64 nearest to it and what is left over (Dekker's product)."""
    with np.errstate(all="ignore"):
        square = t * t
        scaled = 134217729.0 * t  # 2^27 + 1 splits the significand into halves
        high = scaled - (scaled - t)
        low = t - high
        rest = ((high * high - square) + 2 * high * low) + low * low
    return square / 2, np.where(np.isfinite(rest), rest / 2, 0.0)


def chi_tail(n: Any, t: Any) -> Any:
    """P(|z| > t) for z ~ N(0, I_n), n > 0 and t >= 0: the regularised Gamma(n/2, t^2/2), float64 array.

    >>> round(float(chi_tail(2, 2.0)) / float(np.exp(-2.0)), 12)
    1.0
    """
    return np.exp(chi_log_tails(n, t)[1])


def chi_head(n: Any, t: Any) -> Any:
    """P(|z| <= t) for z ~ N(0, I_n), n > 0 and t >= 0: 1 - chi_tail without cancellation, float64 array.

    >>> round(float(chi_head(2, 1e-8)) * 2e16, 12)
    1.0
    """
    return np.exp(chi_log_tails(n, t)[0])
