"""Distribution functions of random numbers that are no weights: waiting times, extremes, heavy tails, counts.

A framework's `random` module promises a law and not a moment, so what is stated is P(X <= x). Laws of whole numbers
are stated at whole numbers `k`.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, above
from varlaw.theory.law import Kind, Law

_SCALE = above(0, typical=(0.1, 10.0))
_WAIT = Interval(low=0.0, typical=(1e-3, 20.0))
_ANY = Interval(low=-1e15, high=1e15, typical=(-6.0, 6.0))
_CHANCE = Interval(low=0.0, high=1.0, open_low=True, open_high=True, typical=(0.01, 0.9))
_COUNT = Interval(low=0, high=1e6, whole=True, typical=(0, 30))

_curve = functools.partial(
    Law,
    kind=Kind.IN_EXPECTATION,
    hypotheses=("numbers follow the stated law",),
    statistic="share of numbers up to x among fresh draws",
)


def _special(name: str, *arguments: Any) -> Any:
    import scipy.special

    return getattr(scipy.special, name)(*arguments)


def _laplace(value: Any, scale: Any) -> Any:
    half = 0.5 * np.exp(-np.abs(value) / scale)
    return np.where(value < 0, half, 1 - half)


_CONTINUOUS = (
    _curve(
        name="uniform_range.cdf",
        title="Distribution function of a uniform law",
        quantity="P(X <= value), X ~ U(low, high)",
        formula="min(max((value - mpf(low)) / (mpf(high) - low), 0), 1)",
        domain=Domain(
            Relation("low < high", lambda value, low, high: low < high),
            value=Interval(low=-1e150, high=1e150, typical=(-4.0, 10.0)),
            low=Interval(low=-1e150, high=1e150, typical=(-3.0, 3.0)),
            high=Interval(low=-1e150, high=1e150, typical=(3.5, 9.0)),
        ),
        rule=lambda value, low, high: np.clip((value - low) / (high - low), 0.0, 1.0),
        derivation="The share of the interval that lies below.",
    ),
    _curve(
        name="normal.cdf",
        title="Distribution function of the standard normal law",
        quantity="P(z <= value)",
        formula="erfc(-value / sqrt(2)) / 2",
        domain=Domain(value=Interval(low=-37.0, high=1e150, typical=(-8.0, 8.0))),
        rule=lambda value: _special("ndtr", value),
        derivation="Definition of erfc.",
    ),
    _curve(
        name="exponential.cdf",
        title="Distribution function of a waiting time",
        quantity="P(X <= value), E X = scale",
        formula="-expm1(-value / scale)",
        domain=Domain(value=_WAIT, scale=_SCALE),
        rule=lambda value, scale: -np.expm1(-value / scale),
        derivation="The density exp(-x/scale)/scale, integrated.",
        not_to_confuse="the rate, which is 1/scale: torch takes the rate, NumPy the scale",
    ),
    _curve(
        name="gumbel.cdf",
        title="Distribution function of Gumbel's law",
        quantity="P(X <= value), X = -log(-log(u))",
        formula="exp(-exp(-value))",
        domain=Domain(value=Interval(low=-6.5, high=1e15, typical=(-3.0, 20.0))),
        rule=lambda value: np.exp(-np.exp(-value)),
        derivation="P(u <= exp(-exp(-x))) for uniform u.",
        not_to_confuse="a law that ends: from u of 8 random bits no number above 5.5 comes",
    ),
    _curve(
        name="laplace.cdf",
        title="Distribution function of Laplace's law",
        quantity="P(X <= value), density exp(-|x|/scale)/(2 scale)",
        formula="exp(value / scale) / 2 if value < 0 else 1 - exp(-value / scale) / 2",
        domain=Domain(value=Interval(low=-50.0, high=1e15, typical=(-6.0, 6.0)), scale=_SCALE),
        rule=_laplace,
        derivation="One side of the density, integrated.",
    ),
    _curve(
        name="logistic.cdf",
        title="Distribution function of the logistic law",
        quantity="P(X <= value), X = log(u/(1 - u))",
        formula="1 / (1 + exp(-value))",
        domain=Domain(value=Interval(low=-700.0, high=1e15, typical=(-8.0, 8.0))),
        rule=lambda value: _special("expit", value),
        derivation="P(u <= 1/(1 + exp(-x))) for uniform u.",
    ),
    _curve(
        name="cauchy.cdf",
        title="Distribution function of Cauchy's law",
        quantity="P(X <= value), X = tan(pi (u - 1/2))",
        formula="atan2(1, -value) / pi",
        domain=Domain(value=_ANY),
        rule=lambda value: np.arctan2(1.0, -value) / math.pi,
        derivation="1/2 + atan(x)/pi, written without cancellation.",
        not_to_confuse="a law with a mean or a variance: it has neither",
    ),
    _curve(
        name="log_normal.cdf",
        title="Distribution function of a log-normal law",
        quantity="P(X <= value), X = exp(std z)",
        formula="erfc(-log(value) / (std * sqrt(2))) / 2",
        domain=Domain(value=Interval(low=0.05, high=1e15, typical=(0.05, 20.0)), std=Interval(low=0.2, high=5.0)),
        rule=lambda value, std: _special("ndtr", np.log(value) / std),
        derivation="P(z <= log(x)/std).",
    ),
    _curve(
        name="gamma.cdf",
        title="Distribution function of a gamma law",
        quantity="P(X <= value), density x^(shape - 1) exp(-x)/Gamma(shape)",
        formula="gammainc(shape, 0, value, regularized=True)",
        domain=Domain(value=Interval(low=0.05, high=60.0), shape=Interval(low=0.3, high=20.0)),
        rule=lambda value, shape: _special("gammainc", shape, value),
        derivation="The incomplete gamma function, over the whole one.",
    ),
    _curve(
        name="beta.cdf",
        title="Distribution function of a beta law",
        quantity="P(X <= value), density x^(a - 1) (1 - x)^(b - 1)/B(a, b)",
        formula="betainc(a, b, 0, value, regularized=True)",
        domain=Domain(
            value=Interval(low=0.01, high=0.99), a=Interval(low=0.5, high=20.0), b=Interval(low=0.5, high=20.0)
        ),
        rule=lambda value, a, b: _special("betainc", a, b, value),
        derivation="The incomplete beta function, over the whole one.",
    ),
    _curve(
        name="student_t.cdf",
        title="Distribution function of Student's law",
        quantity="P(X <= value), X = z / sqrt(chi_freedom^2 / freedom)",
        formula=(
            "betainc(freedom / 2, mpf(1) / 2, 0, freedom / (freedom + value**2), regularized=True) / 2 if value < 0"
            " else 1 - betainc(freedom / 2, mpf(1) / 2, 0, freedom / (freedom + value**2), regularized=True) / 2"
        ),
        domain=Domain(value=Interval(low=-50.0, high=50.0), freedom=Interval(low=1.0, high=100.0)),
        rule=lambda value, freedom: _special("stdtr", freedom, value),
        derivation="X^2/(X^2 + freedom) ~ Beta(1/2, freedom/2).",
    ),
)

_WHOLE = (
    _curve(
        name="geometric.cdf",
        title="Distribution function of the trials until a success",
        quantity="P(X <= k), the success counted",
        formula="1 - (1 - mpf(p))**k",
        domain=Domain(k=_COUNT, p=_CHANCE),
        rule=lambda k, p: -np.expm1(k * np.log1p(-p)),
        derivation="No success in k independent trials.",
        not_to_confuse="the failures before it, one less",
    ),
    _curve(
        name="poisson.cdf",
        title="Distribution function of Poisson's law",
        quantity="P(X <= k)",
        formula="gammainc(k + 1, rate, inf, regularized=True)",
        domain=Domain(
            k=Interval(low=0, high=60, whole=True, typical=(0, 30)), rate=Interval(low=1e-3, high=20.0)
        ),
        rule=lambda k, rate: _special("gammaincc", k + 1, rate),
        derivation="k or fewer events in a time: the waiting time for k + 1 of them is longer.",
    ),
    _curve(
        name="binomial.cdf",
        title="Distribution function of the successes in n trials",
        quantity="P(X <= k), n trials of chance p",
        formula="fsum(binomial(n, i) * mpf(p)**i * (1 - mpf(p))**(n - i) for i in range(int(k) + 1))",
        domain=Domain(
            Relation("k <= n", lambda k, n, p: k <= n),
            k=Interval(low=0, high=40, whole=True),
            n=Interval(low=1, high=1000, whole=True, typical=(40, 80)),
            p=_CHANCE,
        ),
        rule=lambda k, n, p: np.where(k >= n, 1.0, _special("betaincc", k + 1, np.maximum(n - k, 1), p)),
        derivation="The share of the beta law of the (k + 1)st smallest of n uniform numbers that lies above p.",
    ),
    _curve(
        name="categorical.probability",
        title="Chance of a category",
        quantity="P(X = k), weight the category's and total that of all",
        formula="mpf(weight) / total",
        domain=Domain(
            Relation("weight <= total", lambda weight, total: weight <= total),
            weight=Interval(low=0.0, high=1e150, typical=(0.0, 1.0)),
            total=above(0, typical=(1.0, 10.0)),
        ),
        rule=lambda weight, total: weight / total,
        derivation="Definition: chances in the proportion of the weights.",
        statistic="share of the category among fresh draws",
    ),
    _curve(
        name="integers.cdf",
        title="Distribution function of whole numbers from a range",
        quantity="P(X <= k), X = low, ..., high - 1, each as likely",
        formula="min(max((k - low + 1) / (mpf(high) - low), 0), 1)",
        domain=Domain(
            Relation("low < high", lambda k, low, high: low < high),
            k=Interval(low=-1e9, high=1e9, whole=True, typical=(0, 50)),
            low=Interval(low=-1e9, high=1e9, whole=True, typical=(-5, 5)),
            high=Interval(low=-1e9, high=1e9, whole=True, typical=(6, 100)),
        ),
        rule=lambda k, low, high: np.clip((k - low + 1) / (high - low), 0.0, 1.0),
        derivation="Counting.",
        not_to_confuse="random bits modulo the range, which favour its beginning where it is no power of two",
    ),
)  # fmt: skip

ENTRIES: tuple[Law, ...] = (*_CONTINUOUS, *_WHOLE)
