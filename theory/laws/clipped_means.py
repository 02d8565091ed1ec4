"""Gradient clipping on average: what the rules of `clipping` do to Gaussian gradients, and to one of two values.

>>> from varlaw.theory.laws.clipped_means import ENTRIES
>>> round({law.name: law for law in ENTRIES}["clip.probability"].value(n=1, limit=1.0), 4)
0.3173
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import chi_head, chi_log_tails, chi_mean, chi_tail

_ANY = Interval(typical=(-10.0, 10.0))
_LIMIT = at_least(0, whole=False, typical=(1e-8, 1e3))
_GAUSSIAN = Domain(
    n=Interval(low=1, high=1e15, whole=True, typical=(1, 1e6)),
    limit=at_least(0, whole=False, typical=(0.5, 1.5e3)),
)
_NORMAL = ("gradient ~ N(0, sigma^2 I_n)", "limit in units of sigma", "no eps")


def _with_atom(inside: Any, atom: Any, limit: Any) -> Any:
    """The part inside the ball plus the part on it; at limit = inf nothing is on it."""
    return np.where(np.isinf(limit), inside, inside + atom)


def _coefficient_mean(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        atom = limit * chi_tail(np.maximum(n - 1, 1), limit) / chi_mean(np.maximum(n - 1, 1))
        return _with_atom(chi_head(n, limit), np.where(n > 1, atom, _single_atom(limit)), limit)


def _single_atom(limit: Any) -> Any:
    """n = 1: t E1(t^2/2) / sqrt(2 pi), which tends to 0 with t."""
    from scipy.special import exp1

    t = np.clip(limit, 5e-324, 1e150)
    near = np.log(2.0) - np.euler_gamma - 2 * np.log(t)  # E1(x) = -ln x - euler + x: t^2 may underflow
    integral = np.where(t < 1e-8, near, exp1(np.maximum(t, 1e-8) ** 2 / 2))
    return np.where(limit > 0, limit * integral / np.sqrt(2 * np.pi), 0.0)


def _second_moment(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        # limit^2 may overflow where nothing is left outside
        atom = limit * (limit * chi_tail(n, limit))
        return _with_atom(n * chi_head(n + 2, limit), atom, limit)


def _norm_mean(n: Any, limit: Any) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        return _with_atom(chi_mean(n) * chi_head(n + 1, limit), limit * chi_tail(n, limit), limit)


def _two_points(high: Any, low: Any, share: Any, limit: Any) -> Any:
    return share * np.clip(high, -limit, limit) + (1 - share) * np.clip(low, -limit, limit)


_expectation_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, hypotheses=_NORMAL, domain=_GAUSSIAN)
ENTRIES: tuple[Law, ...] = (
    _expectation_law(
        name="clip.probability",
        title="How often a Gaussian gradient is clipped",
        quantity="P(|g| > limit)",
        formula="gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2)",
        rule=lambda n, limit: chi_tail(n, limit),
        derivation=(
            "|g|^2 / sigma^2 ~ chi^2(n), whose tail is the regularised upper incomplete gamma function Q(n/2, t^2/2)."
        ),
        statistic="share of clipped gradients over fresh draws",
    ),
    _expectation_law(
        name="clip.log_probability",
        title="How often a Gaussian gradient is clipped, as a logarithm",
        quantity="ln P(|g| > limit)",
        formula="log(gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2))",
        rule=lambda n, limit: chi_log_tails(n, limit).log_tail,
        derivation="The logarithm of clip.probability, which underflows from about 38 standard deviations of |g| on.",
        statistic="share of clipped gradients over fresh draws",
    ),
    _expectation_law(
        name="clip.coefficient_mean",
        title="Mean factor of clipping a Gaussian gradient",
        quantity="E[min(1, limit / |g|)]",
        formula=(
            "(gammainc(n / 2, 0, limit**2 / 2) + limit / sqrt(2) * gammainc((n - 1) / 2, limit**2 / 2, inf)) "
            "/ gamma(n / 2)"
        ),
        rule=_coefficient_mean,
        derivation=(
            "1 inside, t/r outside, and r^(n-1) e^(-r^2/2) / r is the density of one dimension fewer up to its "
            "constant; at n = 1 the second term is t E1(t^2/2) / sqrt(2 pi). By symmetry E clip(g) . g-direction "
            "shrinks by the same factor about the mean 0."
        ),
        statistic="mean factor over fresh draws",
    ),
    _expectation_law(
        name="clip.second_moment",
        title="Second moment of a clipped Gaussian gradient",
        quantity="E|clip(g)|^2 / sigma^2",
        formula=(
            "n * gammainc(n / 2 + 1, 0, limit**2 / 2) / gamma(n / 2 + 1) "
            "+ limit**2 * gammainc(n / 2, limit**2 / 2, inf) / gamma(n / 2)"
        ),
        rule=_second_moment,
        derivation="r^2 inside (two dimensions more, E r^2 = n), limit^2 outside.",
        statistic="mean of |clip(g)|^2 over fresh draws",
    ),
    _expectation_law(
        name="clip.norm_mean",
        title="Mean norm of a clipped Gaussian gradient",
        quantity="E|clip(g)| / sigma",
        formula=(
            "(sqrt(2) * gammainc((n + 1) / 2, 0, limit**2 / 2) + limit * gammainc(n / 2, limit**2 / 2, inf)) "
            "/ gamma(n / 2)"
        ),
        rule=_norm_mean,
        derivation="r inside (one dimension more), limit outside.",
        statistic="mean of |clip(g)| over fresh draws",
    ),
    _expectation_law(
        name="clip.two_point_mean",
        title="Clipping biases a gradient whose noise is not symmetric",
        quantity="E[clip(g)] of a scalar gradient with two values",
        formula="share * max(-limit, min(limit, high)) + (1 - share) * max(-limit, min(limit, low))",
        domain=Domain(high=_ANY, low=_ANY, share=between(0.0, 1.0), limit=_LIMIT),
        rule=lambda high, low, share, limit: (
            share * np.clip(high, -limit, limit) + (1 - share) * np.clip(low, -limit, limit)
        ),
        hypotheses=("g = high with probability share, else low",),
        derivation="The mean of the two clipped values; clip(E g) is another number unless neither is clipped.",
        source="derived; Chen et al. 2020, arXiv:2006.15429",
        statistic="mean of clip(g) over draws",
        precision="where the two terms cancel: absolute error 2 ulp of the larger one",
        not_to_confuse="clip(E[g])",
    ),
)
