"""What a normalisation layer puts out: mean, second moment, range and shape, before the affine part.

Every norm subtracts a mean (RMS norm does not) and divides by sqrt(v + eps), where v is the *biased* variance over its
own group: one sample's features (layer), one channel's batch and space (batch), a group of channels (group), one
channel of one sample (instance). So all four obey one law, and only the group differs.

>>> from varlaw.theory.laws.norms import ENTRIES
>>> {law.name: law for law in ENTRIES}["layer_norm.second_moment"].value(variance=1.0, eps=1.0)
0.5
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Relation, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import chi_mean
from varlaw.theory.numerics.quadrature import floats

_GROUPS = {
    "batch_norm": "one channel over batch and space, in training mode",
    "layer_norm": "the features of one sample",
    "group_norm": "a group of channels of one sample, with space",
    "instance_norm": "one channel of one sample, over space",
}
VARIANCE = at_least(0, whole=False, typical=(1e-8, 1e8))
EPS = at_least(0, whole=False, typical=(1e-12, 1e-3))
SIZE = at_least(1, typical=(1, 1e6))
_NOT_0_BY_0 = Relation("variance + eps > 0", lambda variance, eps: np.maximum(variance, eps) > 0)
_NOT_0_BY_0_RMS = Relation("mean_square + eps > 0", lambda mean_square, eps: np.maximum(mean_square, eps) > 0)


def share(part: Any, rest: Any) -> Any:
    """part / (part + rest) for numbers >= 0, float64, without overflow, underflow or loss of digits.

    >>> float(share(1e308, 1e308)), float(share(0.0, 1e-5))
    (0.5, 0.0)
    """
    part, rest = floats(part), floats(rest)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        return np.where(part >= rest, 1 / (1 + rest / part), (part / rest) / (1 + part / rest))


def _mean_law(name: str, group: str) -> Law:
    return Law(
        name=f"{name}.mean",
        title="A norm that subtracts the mean puts out mean zero",
        quantity="mean over the group of (x - mean x) / sqrt(var x + eps)",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda: 0.0,
        hypotheses=(f"group: {group}", "before the affine part", "eps > 0, or an input that is not constant"),
        derivation="sum_i (x_i - m) = 0 for m = mean x; dividing by one common number keeps it.",
        source="derived; Ioffe and Szegedy 2015, arXiv:1502.03167; Ba et al. 2016, arXiv:1607.06450",
        statistic="mean of the output over each group, against a rounding bound",
    )


def _second_moment_law(name: str, group: str) -> Law:
    return Law(
        name=f"{name}.second_moment",
        title="The output variance of a norm is v / (v + eps), not 1",
        quantity="mean over the group of the squared output",
        formula="variance / (variance + eps)",
        kind=Kind.EXACT,
        domain=Domain(_NOT_0_BY_0, variance=VARIANCE, eps=EPS),
        rule=lambda variance, eps: share(variance, eps),
        hypotheses=(
            f"group: {group}",
            "variance is the biased one (divided by n) of that group",
            "before the affine part",
        ),
        derivation="mean (x_i - m)^2 = v, and every output is divided by sqrt(v + eps).",
        statistic="mean of the squared output over each group, against a rounding bound",
        not_to_confuse="1, which holds for eps = 0 only; and v / (v + eps) with the unbiased variance",
    )


def _relu_mean(n: Any) -> Any:
    # (1/2) sqrt((n-1)/pi) Gamma((n-1)/2) / Gamma(n/2), and chi_mean(m) = sqrt(2) Gamma((m+1)/2) / Gamma(m/2)
    m = n - 1
    return np.sqrt(m / (2 * np.pi)) / chi_mean(m)


_output_law = functools.partial(Law, kind=Kind.EXACT)
_OUTPUT = (
    _output_law(
        name="rms_norm.second_moment",
        title="The output mean square of RMS norm is ms / (ms + eps)",
        quantity="mean over the features of the squared output",
        formula="mean_square / (mean_square + eps)",
        domain=Domain(_NOT_0_BY_0_RMS, mean_square=VARIANCE, eps=EPS),
        rule=lambda mean_square, eps: share(mean_square, eps),
        hypotheses=("mean_square is the mean of x^2 over the features of one sample", "before the gain"),
        derivation="every x_i is divided by sqrt(mean x^2 + eps), so the mean square is divided by mean x^2 + eps.",
        source="derived; Zhang and Sennrich 2019, arXiv:1910.07467",
        statistic="mean of the squared output over the features, against a rounding bound",
        not_to_confuse="the output variance: RMS norm keeps the mean, so only the second moment is normalised",
    ),
    _output_law(
        name="norm.shortfall",
        title="What eps takes from the unit second moment",
        quantity="1 - mean of the squared output",
        formula="eps / (variance + eps)",
        domain=Domain(_NOT_0_BY_0, variance=VARIANCE, eps=EPS),
        rule=lambda variance, eps: share(eps, variance),
        hypotheses=("any norm that divides by sqrt(v + eps)", "for RMS norm, variance stands for the mean square"),
        derivation="1 - v / (v + eps) = eps / (v + eps): the form that keeps its digits when v >> eps.",
        statistic="1 - mean of the squared output in float64, against a rounding bound",
        not_to_confuse=(
            "1 - variance / (variance + eps) in floating point, which has no digits left at variance = 1e16 eps"
        ),
    ),
    _output_law(
        name="norm.constant_input",
        title="A norm that subtracts the mean turns a constant input into 0, so into beta",
        quantity="every output before the affine part, for a constant input",
        formula="0",
        rule=lambda: 0.0,
        hypotheses=(
            "all entries of the group are equal",
            "eps > 0",
            "after the affine part the output is beta exactly",
        ),
        derivation="x_i - mean x = 0 for every i, and 0 / sqrt(0 + eps) = 0.",
        statistic="max |output - beta|, which must be 0",
        not_to_confuse="RMS norm, where a constant c gives c / sqrt(c^2 + eps)",
    ),
    _output_law(
        name="norm.range",
        title="A normalised value never exceeds sqrt(n - 1)",
        quantity="largest possible |output| before the affine part",
        formula="sqrt(n - 1)",
        kind=Kind.BOUND,
        domain=Domain(n=SIZE),
        rule=lambda n: np.sqrt(n - 1),
        hypotheses=("n entries in the group, mean subtracted, biased variance", "any input, any eps >= 0"),
        derivation=(
            "With d_i = x_i - m: sum d = 0, so d_1^2 = (sum_{i>1} d_i)^2 <= (n-1) sum_{i>1} d_i^2, hence n d_1^2 <= "
            "(n-1) sum d^2 = (n-1) n v. Reached by one entry against n-1 equal ones; n = 2 gives +-1, n = 1 gives 0."
        ),
        statistic="max |output|",
    ),
    _output_law(
        name="rms_norm.range",
        title="A value out of RMS norm never exceeds sqrt(n)",
        quantity="largest possible |output| before the gain",
        formula="sqrt(n)",
        kind=Kind.BOUND,
        domain=Domain(n=SIZE),
        rule=lambda n: np.sqrt(n),
        hypotheses=("n features, mean not subtracted", "any input, any eps >= 0"),
        derivation="x_1^2 <= sum x^2 = n mean x^2; reached by a one-hot input.",
        statistic="max |output|",
    ),
)

_GAUSSIAN = ("entries iid normal", "eps = 0")
_AT_LEAST_2 = at_least(2, typical=(2, 1e6))
_shape_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, hypotheses=_GAUSSIAN, domain=Domain(n=_AT_LEAST_2))
_SHAPE = (
    _shape_law(
        name="norm.kurtosis",
        title="Normalised Gaussian data is not Gaussian: its tails are cut",
        quantity="E[y^4] / E[y^2]^2 of one output, mean subtracted",
        formula="3 * (n - 1) / (n + 1)",
        rule=lambda n: 3 * (n - 1) / (n + 1),
        derivation=(
            "The centred, scaled vector is uniform on a sphere of n - 1 dimensions, so y^2 / (n-1) ~ Beta(1/2, "
            "(n-2)/2) (Thompson); E Beta^2 / (E Beta)^2 = 3 (n-1) / (n+1)."
        ),
        source="derived; Thompson 1935",
        statistic="mean of y^4 over fresh groups",
        not_to_confuse="3, the limit for large groups",
    ),
    _shape_law(
        name="rms_norm.kurtosis",
        title="RMS-normalised Gaussian data has kurtosis 3 n / (n + 2)",
        quantity="E[y^4] / E[y^2]^2 of one output",
        formula="3 * n / (n + 2)",
        domain=Domain(n=SIZE),
        rule=lambda n: 3 * n / (n + 2),
        hypotheses=("entries iid normal with mean zero", "eps = 0"),
        derivation="x / |x| is uniform on the sphere of n dimensions, so y^2 / n ~ Beta(1/2, (n-1)/2).",
        statistic="mean of y^4 over fresh samples",
    ),
    _shape_law(
        name="norm.correlation",
        title="Two members of one normalised group are anticorrelated",
        quantity="E[y_i y_j], i != j",
        formula="-1 / (n - 1)",
        rule=lambda n: -1 / (n - 1),
        hypotheses=("entries exchangeable", "mean subtracted", "eps = 0"),
        derivation="0 = (sum y)^2 = sum y^2 + sum_{i!=j} y_i y_j = n + n (n-1) E[y_i y_j].",
        statistic="mean of y_i y_j over fresh groups",
    ),
    _shape_law(
        name="norm.relu_mean",
        title="Mean of ReLU behind a norm with a finite group",
        quantity="E[relu(y)]",
        formula="sqrt((n - 1) / pi) / 2 * gamma((n - 1) / 2) / gamma(n / 2)",
        rule=_relu_mean,
        derivation="E relu(y) = E|y| / 2 by symmetry, and E|y| = sqrt(n-1) E Beta(1/2, (n-2)/2)^(1/2).",
        statistic="mean of relu(y) over fresh groups",
        not_to_confuse="1 / sqrt(2 pi), the limit for large groups",
    ),
    _shape_law(
        name="norm.inverse_variance_mean",
        title="Dividing by an estimated variance overshoots",
        quantity="sigma^2 E[1 / v], v the biased variance of n values",
        formula="n / (n - 3) if n > 3 else inf",
        rule=lambda n: _over(n, n - 3),
        derivation=(
            "n v / sigma^2 ~ chi^2(n-1), and E[1 / chi^2(k)] = 1 / (k - 2) for k > 2, infinite otherwise (n <= 3)."
        ),
        statistic="mean of sigma^2 / v over fresh groups (its variance is infinite for n <= 5)",
        not_to_confuse="1 = sigma^2 / E[v] up to (n-1)/n",
    ),
    _shape_law(
        name="norm.inverse_std_mean",
        title="Mean of the reciprocal standard deviation of a group",
        quantity="sigma E[1 / sqrt(v)], v the biased variance of n values",
        formula="sqrt(n / 2) * gamma((n - 2) / 2) / gamma((n - 1) / 2) if n > 2 else inf",
        rule=lambda n: np.sqrt(n) * _inverse_chi_mean(n - 1),
        derivation=(
            "n v / sigma^2 ~ chi^2(k), k = n - 1, and E[1 / chi(k)] = Gamma((k-1)/2) / (sqrt(2) Gamma(k/2)), infinite "
            "for k = 1 (n = 2)."
        ),
        statistic="mean of sigma / sqrt(v) over fresh groups",
    ),
)


def _over(n: Any, below: Any) -> Any:
    """n / below where below > 0, infinite elsewhere."""
    with np.errstate(divide="ignore"):
        return np.where(below > 0, n / np.maximum(below, 0), np.inf)


def _inverse_chi_mean(k: Any) -> Any:
    """E[1 / chi(k)], infinite at k = 1: chi_mean(k - 1) = sqrt(2) Gamma(k/2) / Gamma((k-1)/2)."""
    with np.errstate(divide="ignore"):
        return np.where(k > 1, 1 / chi_mean(np.maximum(k - 1, 1)), np.inf)


ENTRIES: tuple[Law, ...] = (
    *(_mean_law(name, group) for name, group in _GROUPS.items()),
    *(_second_moment_law(name, group) for name, group in _GROUPS.items()),
    *_OUTPUT,
    *_SHAPE,
)
