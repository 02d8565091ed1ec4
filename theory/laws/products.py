"""Products of Gaussian matrices: their growth along a fixed vector, their singular values and determinants.

Each factor multiplies the squared norm of a fixed vector by an independent chi-square variate, whose log has moments in
closed form. The mean square is carried by rare large draws while the typical draw is smaller.

>>> from varlaw.theory.laws.products import ENTRIES
>>> laws = {law.name: law for law in ENTRIES}
>>> f"{laws['products.log_norm_mean'].value(n=4, factors=100, variance=1.0):.5f}"
'55.79658'
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Relation, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import digamma_gap, trigamma

_N = at_least(1, typical=(1, 1e5))
_FACTORS = at_least(0, typical=(1, 1e4))
_VARIANCE = above(0, typical=(1e-6, 1e3))
_INDEX = Relation("index <= n", lambda n, index, **_: np.less_equal(index, n))
_GAUSSIAN = ("factors independent, entries iid N(0, variance), n x n",)
_NEWMAN = (
    "Newman 1986, Communications in Mathematical Physics 103; Cohen and Newman 1984, Annals of Probability 12; derived"
)
_NEAR_ZERO = "where the exponent itself is near 0: absolute error 2e-16 (1 + |ln variance|)"


def _exponent(n: Any, index: Any, variance: Any) -> Any:
    a = (n - index + 1) / 2
    return (_log_product(2 * a, variance) + digamma_gap(a)) / 2


def _log_product(n: Any, variance: Any) -> Any:
    """ln(n variance): as one logarithm, which is small where the product is near 1, unless the product overflows."""
    with np.errstate(over="ignore"):
        product = n * variance
    return np.where(np.isfinite(product), np.log(product), np.log(n) + np.log(variance))


@functools.partial(np.vectorize, otypes=[np.float64])
def _digamma_sum(n: float) -> float:
    """sum of psi(j / 2), j = 1 .. n: term by term, or by (x - 1) psi(x) - x, which grows by psi(x) from x to x + 1."""
    if n <= 1000:
        a = np.arange(1, n + 1) / 2
        return float(np.sum(np.log(a) + digamma_gap(a)))
    odd, even = np.ceil(n / 2), np.floor(n / 2)
    ends = _digamma_primitive(np.array([0.5 + odd, 0.5, 1 + even, 1.0]))
    return float(ends[0] - ends[1] + ends[2] - ends[3])


def _digamma_primitive(x: Any) -> Any:
    from scipy.special import digamma

    return (x - 1) * digamma(x) - x


def _log_condition(n: Any, factors: Any) -> Any:
    from scipy.special import digamma

    return factors * (digamma(n / 2) - digamma(0.5)) / 2


_spectrum_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
ENTRIES: tuple[Law, ...] = (
    _spectrum_law(
        name="products.lyapunov_exponent",
        title="Lyapunov spectrum of products of Gaussian matrices",
        quantity="growth rate of the index-th largest singular value, per factor (natural log)",
        formula="(log(2 * variance) + psi(0, (n - index + 1) / 2)) / 2",
        kind=Kind.ASYMPTOTIC,
        error="exact as the number of factors tends to infinity; O(1/factors) before",
        domain=Domain(_INDEX, n=_N, index=at_least(1, typical=(1, 1)), variance=_VARIANCE),
        rule=_exponent,
        hypotheses=_GAUSSIAN,
        derivation=(
            "QR step by step: the index-th diagonal of R is sqrt(variance) chi(n - index + 1), and E ln chi^2(k) is "
            "digamma."
        ),
        source=_NEWMAN,
        statistic="ln of singular values divided by the number of factors",
        precision=_NEAR_ZERO,
    ),
    _spectrum_law(
        name="products.log_norm_mean",
        title="Mean log norm of a product of Gaussian matrices",
        quantity="E ln(|M x| / |x|)",
        formula="factors * (log(2 * variance) + psi(0, n / 2)) / 2",
        domain=Domain(n=_N, factors=_FACTORS, variance=_VARIANCE),
        rule=lambda n, factors, variance: factors * _exponent(n, 1, variance),
        hypotheses=(*_GAUSSIAN, "x fixed, any number of factors"),
        derivation="|W x|^2 = variance |x|^2 chi^2(n), independently in each factor; E ln chi^2(n) = ln 2 + psi(n/2).",
        source=_NEWMAN,
        statistic="mean of ln |M x| over fresh factors",
        precision=_NEAR_ZERO,
        not_to_confuse="the log of the root mean square, products.log_rms, which is larger",
    ),
    _spectrum_law(
        name="products.log_norm_variance",
        title="Spread of the log norm of a product of Gaussian matrices",
        quantity="Var ln(|M x| / |x|)",
        formula="factors * psi(1, n / 2) / 4",
        domain=Domain(n=_N, factors=_FACTORS),
        rule=lambda n, factors: factors * trigamma(n / 2) / 4,
        hypotheses=(*_GAUSSIAN, "x fixed, any number of factors, any variance"),
        derivation="Var ln chi^2(n) = psi1(n/2), and ln |.| is half of ln |.|^2.",
        source=_NEWMAN,
        statistic="variance of ln |M x| over fresh factors",
    ),
    _spectrum_law(
        name="products.log_rms",
        title="Log of the root mean square of a product of Gaussian matrices",
        quantity="ln sqrt(E|M x|^2 / |x|^2)",
        formula="factors * log(n * variance) / 2",
        domain=Domain(n=_N, factors=_FACTORS, variance=_VARIANCE),
        rule=lambda n, factors, variance: factors * _log_product(n, variance) / 2,
        hypotheses=(*_GAUSSIAN, "x fixed"),
        derivation="E|W x|^2 = n variance |x|^2.",
        statistic="mean of |M x|^2 over fresh factors (carried by rare draws: hardly measurable for many factors)",
        precision="where n variance is near 1: absolute error 1e-16 factors",
        not_to_confuse="the typical size exp(products.log_norm_mean)",
    ),
    _spectrum_law(
        name="products.log_norm_drift",
        title="At variance 1/n the mean square is kept and the typical norm shrinks",
        quantity="E ln(|M x|^2 / |x|^2)",
        formula="factors * (psi(0, n / 2) - log(n / 2))",
        domain=Domain(n=_N, factors=_FACTORS),
        rule=lambda n, factors: factors * digamma_gap(n / 2),
        hypotheses=("factors independent, entries iid N(0, 1/n), n x n", "x fixed"),
        derivation="products.log_norm_mean at variance 1/n; about -factors / n for wide factors.",
        statistic="mean of ln |M x|^2 over fresh factors",
        not_to_confuse="0 = ln E|M x|^2",
    ),
    _spectrum_law(
        name="products.log_det_mean",
        title="Mean log determinant of a product of Gaussian matrices",
        quantity="E ln|det M|",
        formula="factors * (n * log(2 * variance) + fsum([psi(0, mpf(j) / 2) for j in range(1, int(n) + 1)])) / 2",
        domain=Domain(n=at_least(1, typical=(1, 1e4)), factors=_FACTORS, variance=_VARIANCE),
        rule=lambda n, factors, variance: factors * (n * np.log(2 * variance) + _digamma_sum(n)) / 2,
        hypotheses=_GAUSSIAN,
        derivation="|det W| is the product of the diagonal of R: chi(n), chi(n-1), ..., chi(1).",
        source=_NEWMAN,
        statistic="mean of ln|det M| over fresh factors",
        precision="where the sum is near 0: absolute error 1e-16 of its largest part",
    ),
    _spectrum_law(
        name="products.log_condition",
        title="Condition numbers of products grow exponentially with the number of factors",
        quantity="ln(largest / smallest singular value), leading order",
        formula="factors * (psi(0, n / 2) - psi(0, mpf(1) / 2)) / 2",
        kind=Kind.ASYMPTOTIC,
        error="O(1) in the number of factors",
        domain=Domain(n=_N, factors=_FACTORS),
        rule=_log_condition,
        hypotheses=_GAUSSIAN,
        derivation="The first exponent less the last.",
        source=_NEWMAN,
        statistic="ln of the condition number",
    ),
)
