"""How far a mean square lies from its expectation: of independent samples, and of the outputs of one weight draw.

Outputs of one layer share its weights: they are worth fewer samples than there are numbers.
"""

import functools
from typing import Any

from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law

_COUNT = at_least(1, typical=(1, 4096))
_MOMENT = Interval(low=0.0, high=1e150, typical=(1e-3, 1e3))
_KURTOSIS = Interval(low=1.0, high=1e150, typical=(1.0, 9.0))

_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)


def _unbiased_spread(kurtosis: Any, samples: Any) -> Any:
    n = samples  # (k - 3)/n + 2/(n - 1) = (k - 1)/n + 2/(n (n - 1)), of one sign
    return (kurtosis - 1) / n + 2 / n / (n - 1)


def _replication(fan_in: Any, fan_out: Any, batch: Any, one: float) -> Any:
    m, n, b = fan_in, fan_out, batch
    return (m + n + b + one) / m / n / b


ENTRIES: tuple[Law, ...] = (
    _law(
        name="sampling.mean_square_variance",
        title="Sampling variance of a mean square",
        quantity="Var[mean of x^2]/E[x^2]^2, N independent samples",
        formula="(mpf(kurtosis) - 1) / samples",
        rule=lambda kurtosis, samples: (kurtosis - 1) / samples,
        domain=Domain(kurtosis=_KURTOSIS, samples=_COUNT),
        hypotheses=("samples independent and identically distributed", "known mean 0"),
        derivation="Var[x^2] = E x^4 - (E x^2)^2, over N.",
        statistic="variance of the mean square over repeated samples",
    ),
    _law(
        name="sampling.unbiased_variance_variance",
        title="Sampling variance of the unbiased sample variance",
        quantity="Var[s^2]/Var[x]^2, s^2 with N - 1",
        formula="(mpf(kurtosis) - 3) / samples + mpf(2) / (samples - 1)",
        rule=_unbiased_spread,
        domain=Domain(kurtosis=_KURTOSIS, samples=at_least(2, typical=(2, 4096))),
        hypotheses=("samples independent and identically distributed",),
        derivation="k-statistics: Var k_2 = kappa_4/N + 2 kappa_2^2/(N-1).",
        statistic="variance of s^2 over repeated samples",
    ),
    _law(
        name="sampling.biased_variance_mean",
        title="Mean of the biased sample variance",
        quantity="E[mean (x - mean x)^2]/Var[x]",
        formula="1 - 1 / mpf(samples)",
        rule=lambda samples: (samples - 1) / samples,
        domain=Domain(samples=_COUNT),
        hypotheses=("samples independent and identically distributed",),
        derivation="The mean takes one degree of freedom.",
        statistic="mean of the biased variance over repeated samples",
    ),
    _law(
        name="pseudo_replication.variance",
        title="Sampling variance of the mean square output of one weight draw",
        quantity="Var[M], M = mean of (Wx)^2 over outputs and batch, E M = 1",
        formula="2 * (mpf(fan_in) + fan_out + batch + 1) / (mpf(fan_in) * fan_out * batch)",
        rule=lambda fan_in, fan_out, batch: 2 * _replication(fan_in, fan_out, batch, 1.0),
        domain=Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        derivation=(
            "Given x, M is a quadratic form in W of variance 2/(n B^2) sum K_ab^2, K = X X^T/m; E sum K^2 = B + "
            "B(B+1)/m."
        ),
        statistic="variance of M over fresh weights and inputs",
        not_to_confuse="2/(fan_out batch), as if all outputs were independent samples: too small by (n+m+B+1)/m",
    ),
    _law(
        name="pseudo_replication.factor",
        title="How far outputs of one weight draw are from independent samples",
        quantity="Var[M] / (2/(fan_out batch))",
        formula="(mpf(fan_in) + fan_out + batch + 1) / fan_in",
        rule=lambda fan_in, fan_out, batch: 1 + (fan_out + batch + 1) / fan_in,
        domain=Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        derivation="The ratio of the two variances.",
        statistic="variance of M over fresh weights and inputs, times fan_out batch / 2",
    ),
    _law(
        name="pseudo_replication.fixed_batch_variance",
        title="Sampling variance of the mean square output for a fixed batch",
        quantity="Var[M | X]",
        formula="2 * gram_square_sum / (mpf(fan_out) * batch**2)",
        rule=lambda gram_square_sum, fan_out, batch: 2 * gram_square_sum / (fan_out * batch**2),
        domain=Domain(gram_square_sum=_MOMENT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=(
            "W of independent N(0, 1/fan_in)",
            "gram_square_sum = sum over pairs of the batch of (x_a . x_b / fan_in)^2",
        ),
        derivation="M = (1/(nB)) sum_i tr(g_i g_i^T) with rows g_i ~ N(0, K): Var = 2 tr(K^2)/(n B^2).",
        statistic="variance of M over fresh weights",
    ),
)
