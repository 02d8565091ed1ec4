"""Laws about the distributions that weights are drawn from: moments and zeros.

Kurtosis is Pearson's (normal = 3).
"""

import functools

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import chi_mean, chi_variance
from varlaw.theory.numerics.scaled import product

_POSITIVE = above(0, typical=(1e-3, 10.0))
_FINITE = Interval(low=-1e150, high=1e150, typical=(-3.0, 3.0))
_SIDE = at_least(1, typical=(1, 4096))


_moment = functools.partial(
    Law,
    kind=Kind.IN_EXPECTATION,
    hypotheses=("entries follow the stated law",),
    statistic="sample moment of the entries of fresh draws",
)


def _fixed_kurtosis(family: str, title: str, formula: str, value: float, derivation: str) -> Law:
    return _moment(
        name=f"{family}.kurtosis",
        title=title,
        quantity="E[x^4]/E[x^2]^2",
        formula=formula,
        rule=lambda: value,
        derivation=derivation,
    )


_ORDERED = Relation("low < high", lambda low, high: low < high)
_RANGE = Domain(_ORDERED, low=_FINITE, high=Interval(low=-1e150, high=1e150, typical=(3.5, 9.0)))
_ZEROS = Interval(low=0.0, high=1.0, open_high=True, typical=(0.0, 0.99))


_SIMPLE = (
    _moment(
        name="uniform.variance",
        title="Variance of a symmetric uniform law",
        quantity="Var[w], w ~ U(-bound, bound)",
        formula="bound**2 / 3",
        domain=Domain(bound=_POSITIVE),
        rule=lambda bound: bound**2 / 3,
        derivation="Integral of w^2 over (-bound, bound), over 2 bound.",
    ),
    _fixed_kurtosis("uniform", "Kurtosis of a uniform law", "9 / mpf(5)", 1.8, "(bound^4/5)/(bound^2/3)^2."),
    _moment(
        name="uniform_range.mean",
        title="Mean of a uniform law on an interval",
        quantity="E[w], w ~ U(low, high)",
        formula="(mpf(low) + high) / 2",
        domain=_RANGE,
        rule=lambda low, high: 0.5 * (low + high),
        derivation="The midpoint.",
    ),
    _moment(
        name="uniform_range.variance",
        title="Variance of a uniform law on an interval",
        quantity="Var[w], w ~ U(low, high)",
        formula="(mpf(high) - low)**2 / 12",
        domain=_RANGE,
        rule=lambda low, high: (high - low) ** 2 / 12,
        derivation="The symmetric law of bound (high - low)/2, shifted.",
    ),
    _moment(
        name="uniform_range.second_moment",
        title="Second moment of a uniform law on an interval",
        quantity="E[w^2], w ~ U(low, high)",
        formula="(mpf(low)**2 + mpf(low) * high + mpf(high)**2) / 3",
        domain=_RANGE,
        # variance + mean^2: no cancellation where low and high differ in sign
        rule=lambda low, high: (high - low) ** 2 / 12 + (0.5 * (low + high)) ** 2,
        derivation="(high^3 - low^3)/(3 (high - low)).",
    ),
    _moment(
        name="normal.variance",
        title="Variance of a normal law",
        quantity="Var[w], w ~ N(mean, std^2)",
        formula="std**2",
        domain=Domain(std=_POSITIVE),
        rule=lambda std: std**2,
        derivation="Definition.",
    ),
    _fixed_kurtosis("normal", "Kurtosis of a normal law", "3", 3.0, "E z^4 = 3 (Stein: E[z z^3] = 3 E[z^2])."),
    _fixed_kurtosis("rademacher", "Kurtosis of a fair sign", "1", 1.0, "w^2 is constant; no law has less."),
    _fixed_kurtosis("triangular", "Kurtosis of a triangular law", "12 / mpf(5)", 2.4, "The sum of two equal uniforms."),
    _fixed_kurtosis("logistic", "Kurtosis of a logistic law", "21 / mpf(5)", 4.2, "Cumulants pi^2/3 and 2 pi^4/15."),
    _fixed_kurtosis("laplace", "Kurtosis of a Laplace law", "6", 6.0, "E x^2 = 2, E x^4 = 24 at unit scale."),
    _fixed_kurtosis("arcsine", "Kurtosis of an arcsine law", "3 / mpf(2)", 1.5, "E cos^2 = 1/2, E cos^4 = 3/8."),
    _moment(
        name="rademacher.variance",
        title="Variance of a fair sign",
        quantity="Var[w], w = +-scale",
        formula="scale**2",
        domain=Domain(scale=_POSITIVE),
        rule=lambda scale: scale**2,
        derivation="w^2 = scale^2 always.",
    ),
    _moment(
        name="sparse_sign.kurtosis",
        title="Kurtosis of a sparse sign",
        quantity="E[w^4]/E[w^2]^2, w = +-1/sqrt(density) with probability density, else 0",
        formula="1 / mpf(density)",
        domain=Domain(density=Interval(low=0.0, high=1.0, open_low=True, typical=(0.01, 1.0))),
        rule=lambda density: 1 / density,
        derivation="E w^2 = 1 and E w^4 = density/density^2.",
    ),
    _moment(
        name="sparse_normal.variance",
        title="Variance of a normal law with independent zeros",
        quantity="Var[w]",
        formula="(1 - mpf(zeros)) * std**2",
        domain=Domain(std=_POSITIVE, zeros=_ZEROS),
        rule=lambda std, zeros: (1 - zeros) * std**2,
        derivation="E w^2 is that of the entries kept, times their share.",
    ),
    _moment(
        name="sparse_normal.kurtosis",
        title="Kurtosis of a normal law with independent zeros",
        quantity="E[w^4]/E[w^2]^2",
        formula="3 / (1 - mpf(zeros))",
        domain=Domain(zeros=_ZEROS),
        rule=lambda zeros: 3 / (1 - zeros),
        derivation="3 (1-zeros) std^4 over ((1-zeros) std^2)^2.",
    ),
    _moment(
        name="torch_sparse.variance",
        title="Variance of torch's sparse_ initialisation",
        quantity=(
            "Var[w], ceil(sparsity rows) zeros in every column (rounded in float64, as torch does), the others N(0, "
            "std^2)"
        ),
        formula="std**2 * (1 - ceil(float(sparsity) * float(rows)) / mpf(rows))",
        domain=Domain(rows=_SIDE, sparsity=_ZEROS, std=_POSITIVE),
        rule=lambda rows, sparsity, std: product(1 - np.ceil(sparsity * rows) / rows, std, std),
        derivation=(
            "A fixed number of zeros per column: entries of one column are dependent, their mean square is not changed."
        ),
    ),
)


_VECTOR = Domain(n=at_least(1, typical=(1, 1e6)), std=_POSITIVE)
_NORMS = (
    Law(
        name="normal_vector.norm_mean",
        title="Mean length of a Gaussian vector",
        quantity="E|w|, w ~ N(0, std^2 I_n)",
        formula="std * sqrt(2) * gamma((mpf(n) + 1) / 2) / gamma(mpf(n) / 2)",
        kind=Kind.IN_EXPECTATION,
        domain=_VECTOR,
        rule=lambda n, std: std * chi_mean(n),
        hypotheses=("n independent entries N(0, std^2)",),
        derivation="|w|/std is chi distributed: the integral of r^n e^(-r^2/2) over that of r^(n-1) e^(-r^2/2).",
        statistic="mean of |w| over fresh draws",
        not_to_confuse="std sqrt(n), the root mean square of the length, larger by a factor of about 1 + 1/(4n)",
    ),
    Law(
        name="normal_vector.norm_variance",
        title="Spread of the length of a Gaussian vector",
        quantity="Var|w|, w ~ N(0, std^2 I_n)",
        formula="std**2 * (n - 2 * (gamma((mpf(n) + 1) / 2) / gamma(mpf(n) / 2))**2)",
        kind=Kind.IN_EXPECTATION,
        domain=_VECTOR,
        rule=lambda n, std: product(chi_variance(n), std, std),
        hypotheses=("n independent entries N(0, std^2)",),
        derivation="E|w|^2 - (E|w|)^2 with E|w|^2 = n std^2. About std^2/2 - std^2/(8n), whatever n.",
        statistic="variance of |w| over fresh draws",
        not_to_confuse="a spread that grows with n: a wide vector's length is std sqrt(n) give or take 0.7 std",
    ),
)

ENTRIES: tuple[Law, ...] = (*_SIMPLE, *_NORMS)
