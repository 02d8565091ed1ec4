"""Products of Gaussian matrices and deep nets of finite width: a preserved mean square is not a preserved norm.

Along one fixed input a Gaussian layer multiplies the squared norm by an independent chi-square variate, so every moment
and every log moment of a linear net is exact at every width; a He-initialised ReLU net first halves the degrees of
freedom at random. Means are carried by rare large draws while the typical draw shrinks.

Vocabulary: *widths*: layer widths along the last axis; *alive*: no layer has all its units off.

>>> from varlaw.theory.laws.products import ENTRIES
>>> laws = {law.name: law for law in ENTRIES}
>>> f"{laws['products.log_norm_mean'].value(n=4, factors=100, variance=1.0):.5f}"
'55.79658'
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Interval, Kind, Law, Relation, above, at_least
from varlaw.theory.numerics.chi import digamma_gap, trigamma
from varlaw.theory.numerics.relu_counts import alive_log_mean, alive_log_variance

_N = at_least(1, typical=(1, 1e5))
_COUNTED = Interval(low=1, high=1e9, whole=True, typical=(1, 1e5))  # sums of 40 sqrt(width) terms
_FACTORS = at_least(0, typical=(1, 1e4))
_VARIANCE = above(0, typical=(1e-6, 1e3))
_INDEX = Relation("index <= n", lambda n, index, **_: np.less_equal(index, n))
_GAUSSIAN = ("factors independent, entries iid N(0, variance), n x n",)
_LINEAR = ("linear layers, no bias", "weights iid N(0, 1 / fan_in)", "one fixed input")
_RELU = ("z = W h, h' = relu(z), no bias", "weights iid N(0, 2 / fan_in) (He)", "one fixed input")
_ALIVE = (*_RELU, "given that some unit of the layer is on (probability 1 - 2^-width)")
_NEWMAN = (
    "Newman 1986, Communications in Mathematical Physics 103; Cohen and Newman 1984, Annals of Probability 12; derived"
)
_HANIN = "Hanin and Nica 2020, arXiv:1812.05994"
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


def _power(width: Any, layers: Any, *steps: float) -> Any:
    """prod over steps of (1 + step / width)^layers."""
    with np.errstate(over="ignore"):
        return np.exp(layers * sum(np.log1p(step / width) for step in steps))


def _sum(term: Any, widths: Any) -> Any:
    return np.sum(term(np.atleast_1d(widths)), axis=-1)


def _dead_network(widths: Any) -> Any:
    # 1 - prod(1 - q) of numbers q <= 1/2, without cancellation
    return -np.expm1(_sum(lambda n: np.log1p(-np.exp2(-n)), widths))


_spectrum_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
_SPECTRUM = (
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

_WIDTH_LAYERS = Domain(width=_N, layers=_FACTORS)


def _moments_law(
    name: str, title: str, power: str, formula: str, steps: tuple[float, ...], holds: Any, why: str
) -> Law:
    return Law(
        name=f"products.{name}",
        title=title,
        quantity=f"E|h_L|^{power} / |h_0|^{power}",
        formula=formula,
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTH_LAYERS,
        rule=lambda width, layers: _power(width, layers, *steps),
        hypotheses=(*holds, "all layers of one width"),
        derivation=why,
        source=f"derived; {_HANIN}",
        statistic=f"mean of |h_L|^{power} over fresh weights (heavy-tailed: only shallow nets are measurable)",
        not_to_confuse="1, which holds for the second moment only",
    )


_MOMENTS = (
    _moments_law(
        "linear_fourth_moment",
        "Fourth moment of the norm in a linear net",
        "4",
        "(1 + 2 / width)**layers",
        (2.0,),
        _LINEAR,
        "E chi^4(n) / n^2 = n (n + 2) / n^2 in each layer.",
    ),
    _moments_law(
        "linear_eighth_moment",
        "Eighth moment of the norm in a linear net",
        "8",
        "((width + 2) * (width + 4) * (width + 6) / width**3)**layers",
        (2.0, 4.0, 6.0),
        _LINEAR,
        "E chi^8(n) / n^4 = n (n + 2)(n + 4)(n + 6) / n^4 in each layer.",
    ),
    _moments_law(
        "relu_fourth_moment",
        "Fourth moment of the norm in a He-initialised ReLU net",
        "4",
        "(1 + 5 / width)**layers",
        (5.0,),
        _RELU,
        "(4/n^2) (n E relu^4 + n (n-1) (E relu^2)^2) = (4/n^2) (3n/2 + n (n-1)/4) = (n + 5)/n.",
    ),
)

_WIDTHS = Domain(widths=at_least(1, typical=(1, 1e5)))
_log_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, domain=_WIDTHS)
_LOGS = (
    _log_law(
        name="products.linear_log_mean",
        title="Mean log squared norm of a linear net of finite width",
        quantity="E ln(mean square of h_L / mean square of h_0)",
        formula="fsum([psi(0, n / 2) - log(n / 2) for n in widths])",
        rule=lambda widths: _sum(lambda n: digamma_gap(n / 2), widths),
        hypotheses=(*_LINEAR, "widths: of all layers but the input"),
        derivation="The mean square is multiplied by chi^2(n)/n in each layer.",
        statistic="mean of ln |h_L|^2 over fresh weights",
    ),
    _log_law(
        name="products.linear_log_variance",
        title="Spread of the log squared norm of a linear net of finite width",
        quantity="Var ln(|h_L|^2 / |h_0|^2)",
        formula="fsum([psi(1, n / 2) for n in widths])",
        rule=lambda widths: _sum(lambda n: trigamma(n / 2), widths),
        hypotheses=("linear layers, no bias", "Gaussian weights, any variance", "one fixed input"),
        derivation="Var ln chi^2(n) = psi1(n/2), about 2/n; independent over the layers.",
        source=f"derived; {_HANIN}",
        statistic="variance of ln |h_L|^2 over fresh weights",
    ),
    _log_law(
        name="products.linear_log_variance_leading",
        title="Leading term of the spread of the log squared norm of a linear net",
        quantity="Var ln(|h_L|^2 / |h_0|^2)",
        formula="2 * layers / width",
        kind=Kind.ASYMPTOTIC,
        error="2 layers / width^2, and O(layers / width^3)",
        domain=_WIDTH_LAYERS,
        rule=lambda width, layers: 2 * (layers / width),
        hypotheses=(
            "linear layers, no bias",
            "Gaussian weights, any variance",
            "one fixed input",
            "all layers of one width",
        ),
        derivation="psi1(n/2) = 2/n + 2/n^2 + O(1/n^3) in products.linear_log_variance.",
        source=f"derived; {_HANIN}",
        statistic="variance of ln |h_L|^2 over fresh weights",
        not_to_confuse="5 layers / width, that of ReLU nets (products.relu_log_variance)",
    ),
    _log_law(
        name="products.relu_log_variance",
        title="Spread of the log squared norm of a He-initialised ReLU net",
        quantity="Var ln(|h_L|^2 / |h_0|^2), given alive",
        formula="5 * fsum([1 / n for n in widths])",
        kind=Kind.ASYMPTOTIC,
        error="O(sum 1/n^2)",
        rule=lambda widths: _sum(lambda n: 5 / n, widths),
        hypotheses=_RELU,
        derivation="4/n from chi^2(n/2), 1/n from the number of units on. The mean is about minus half of it.",
        source=_HANIN,
        statistic="variance of ln |h_L|^2 over fresh weights, dead draws left out",
    ),
    _log_law(
        name="products.relu_log_mean_alive",
        title="Mean log squared norm across one He-initialised ReLU layer, given alive",
        quantity="E[ln(|h'|^2 / |h|^2)]",
        formula=(
            "fsum([binomial(width, k) * (psi(0, mpf(k) / 2) + log(4 / width)) for k in range(1, int(width) + 1)]) "
            "/ (2**width - 1)"
        ),
        domain=Domain(width=_COUNTED),
        rule=alive_log_mean,
        hypotheses=_ALIVE,
        derivation=(
            "k ~ Binomial(n, 1/2) units are on; |h'|^2 = (2/n) |h|^2 chi^2(k). About -5/(2n). Layers are independent."
        ),
        statistic="mean of ln(|h'|^2 / |h|^2) over fresh weights, dead draws left out",
    ),
    _log_law(
        name="products.relu_log_variance_alive",
        title="Spread of the log squared norm across one He-initialised ReLU layer, given alive",
        quantity="Var[ln(|h'|^2 / |h|^2)]",
        formula=(
            "fsum([binomial(width, k) * (psi(1, mpf(k) / 2) + psi(0, mpf(k) / 2)**2) "
            "for k in range(1, int(width) + 1)]) / (2**width - 1) "
            "- (fsum([binomial(width, k) * psi(0, mpf(k) / 2) for k in range(1, int(width) + 1)]) / (2**width - 1))**2"
        ),
        domain=Domain(width=_COUNTED),
        rule=alive_log_variance,
        hypotheses=_ALIVE,
        derivation="E Var + Var E over k: psi1(k/2) and the spread of psi(k/2). About 5/n. Layers are independent.",
        statistic="variance of ln(|h'|^2 / |h|^2) over fresh weights, dead draws left out",
    ),
)

_SYMMETRIC = (
    "zero biases",
    "weights independent, within a layer and between layers, each symmetric about 0 and without atoms",
    "input not zero",
)
_DEAD = (
    Law(
        name="products.dead_layer",
        title="A ReLU layer is dead for one input with probability 2^-n",
        quantity="P(all units off)",
        formula="2**(-width)",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(width=_N),
        rule=lambda width: np.exp2(-width),
        hypotheses=_SYMMETRIC,
        derivation="Each pre-activation is negative with probability 1/2, independently given the input.",
        source="derived; Lu et al. 2020, arXiv:1903.06733",
        statistic="share of dead layers over fresh weights",
        not_to_confuse="layers whose rows depend on each other: equal rows are dead together with probability 1/2",
    ),
    Law(
        name="products.dead_network",
        title="A deep ReLU net puts out exactly 0 with this probability",
        quantity="P(output = 0) for one input",
        formula="1 - fprod([1 - 2**(-n) for n in widths])",
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTHS,
        rule=_dead_network,
        hypotheses=(*_SYMMETRIC, "widths: of all ReLU layers"),
        derivation="The net is alive when no layer is dead; given an alive past, dead_layer applies.",
        source="derived; Lu et al. 2020, arXiv:1903.06733",
        statistic="share of zero outputs over fresh weights",
        not_to_confuse="0: hence E ln|h|^2 is -infinite at every finite width, products.relu_log_mean",
    ),
    Law(
        name="products.relu_log_mean",
        title="The mean log norm of a ReLU net is minus infinity",
        quantity="E ln|h_L|^2",
        formula="-inf",
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTHS,
        rule=lambda widths: _sum(lambda n: np.full_like(n, -np.inf), widths),
        hypotheses=_SYMMETRIC,
        derivation="ln 0 = -inf has positive probability (products.dead_network).",
        statistic="share of zero outputs over fresh weights",
        not_to_confuse="products.relu_log_mean_alive, the mean given alive",
        unmeasured="no draws have an infinite mean; what makes it infinite, products.dead_network, is measured",
    ),
)

ENTRIES: tuple[Law, ...] = (*_SPECTRUM, *_MOMENTS, *_LOGS, *_DEAD)
