"""Dropout: the mean is kept, the second moment is not, and alpha dropout is exact for one input law only.

>>> from varlaw.theory.laws.dropout import ENTRIES
>>> {law.name: law for law in ENTRIES}["dropout.second_moment"].value(second_moment=1.0, rate=0.5)
2.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.activations.rows.rectifiers import SELU_ALPHA, SELU_LAMBDA
from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.scaled import product

_RATE = Interval(low=0.0, high=1.0, open_high=True, typical=(0.0, 0.9))
_MEAN = Interval(typical=(-3.0, 3.0))
_MOMENT = at_least(0, whole=False, typical=(1e-4, 1e4))
_INVERTED = ("each entry kept with probability 1 - rate, independently, and divided by 1 - rate", "training mode")
_FLOOR = -SELU_LAMBDA * SELU_ALPHA  # what alpha dropout puts in the place of a dropped entry: SELU(-inf)
_ALPHA = (
    "each entry kept with probability 1 - rate, else replaced by SELU's limit -1.7581; then a x + b",
    "a, b as published for inputs of mean 0 and variance 1",
)
_SELF_NORMALISING = "Klambauer et al. 2017, arXiv:1706.02515"


def _alpha_scale(rate: Any) -> Any:
    keep = 1 - rate
    return 1 / np.sqrt(keep * (1 + _FLOOR**2 * rate))


def _alpha_mean(mean: Any, rate: Any) -> Any:
    # a (keep mean + rate floor) + b: the two parts in floor cancel on paper
    return _alpha_scale(rate) * (1 - rate) * mean


def _alpha_variance(variance: Any, mean: Any, rate: Any) -> Any:
    # a^2 keep (v + rate (mean - floor)^2), a^2 keep = 1 / (1 + rate floor^2)
    above = mean - _FLOOR
    return (variance + product(rate, above, above)) / (1 + rate * _FLOOR**2)


_inverted = functools.partial(Law, kind=Kind.IN_EXPECTATION, hypotheses=_INVERTED)
_alpha = functools.partial(Law, kind=Kind.IN_EXPECTATION, hypotheses=_ALPHA)

ENTRIES: tuple[Law, ...] = (
    _inverted(
        name="dropout.mean",
        title="Inverted dropout keeps the mean",
        quantity="E[y]",
        formula="mean",
        domain=Domain(mean=_MEAN, rate=_RATE),
        rule=lambda mean, rate: mean * np.ones_like(rate),
        derivation="(1-p) x / (1-p).",
        source="derived; Srivastava et al. 2014, JMLR 15",
        statistic="mean of y over fresh masks",
    ),
    _inverted(
        name="dropout.second_moment",
        title="Inverted dropout inflates the second moment by 1 / (1 - p)",
        quantity="E[y^2]",
        formula="second_moment / (1 - rate)",
        domain=Domain(second_moment=_MOMENT, rate=_RATE),
        rule=lambda second_moment, rate: second_moment / (1 - rate),
        derivation="(1-p) x^2 / (1-p)^2.",
        statistic="mean of y^2 over fresh masks",
        not_to_confuse="second_moment: only the mean is preserved",
    ),
    _inverted(
        name="dropout.variance",
        title="Variance behind inverted dropout",
        quantity="Var[y]",
        formula="variance / (1 - rate) + rate / (1 - rate) * mean**2",
        domain=Domain(variance=_MOMENT, mean=_MEAN, rate=_RATE),
        rule=lambda variance, mean, rate: variance / (1 - rate) + product(rate, mean, mean, over=1 - rate),
        derivation="E y^2 - (E y)^2 = (v + m^2)/(1-p) - m^2.",
        statistic="variance of y over fresh inputs and masks",
    ),
    _inverted(
        name="dropout.variance_shift",
        title="A batch norm behind dropout sees another variance in training than in evaluation",
        quantity="second moment in training / second moment in evaluation",
        formula="1 / (1 - rate)",
        domain=Domain(rate=_RATE),
        rule=lambda rate: 1 / (1 - rate),
        hypotheses=(*_INVERTED, "zero-mean weights between the two, or none"),
        derivation="dropout.second_moment; in evaluation dropout is the identity.",
        source="derived; Li et al. 2018, arXiv:1801.05134",
        statistic="running variance against the evaluation variance",
        not_to_confuse="1",
    ),
    _alpha(
        name="alpha_dropout.scale",
        title="Alpha dropout: the factor a that restores the variance",
        quantity="a",
        formula=f"1 / sqrt((1 - rate) * (1 + ({SELU_LAMBDA!r} * {SELU_ALPHA!r})**2 * rate))",
        kind=Kind.EXACT,
        domain=Domain(rate=_RATE),
        rule=_alpha_scale,
        derivation="The variance before scaling is keep + keep rate floor^2 for an input of mean 0 and variance 1.",
        source=_SELF_NORMALISING,
        statistic="ratio of kept outputs, exactly",
    ),
    _alpha(
        name="alpha_dropout.shift",
        title="Alpha dropout: the shift b that restores the mean",
        quantity="b",
        formula=(
            f"{SELU_LAMBDA!r} * {SELU_ALPHA!r} * rate "
            f"/ sqrt((1 - rate) * (1 + ({SELU_LAMBDA!r} * {SELU_ALPHA!r})**2 * rate))"
        ),
        kind=Kind.EXACT,
        domain=Domain(rate=_RATE),
        rule=lambda rate: -_alpha_scale(rate) * _FLOOR * rate,
        derivation="b = -a rate floor.",
        source=_SELF_NORMALISING,
        statistic="value of dropped outputs, exactly",
    ),
    _alpha(
        name="alpha_dropout.mean",
        title="Alpha dropout shrinks a mean that is not zero",
        quantity="E[y]",
        formula=f"sqrt((1 - rate) / (1 + ({SELU_LAMBDA!r} * {SELU_ALPHA!r})**2 * rate)) * mean",
        domain=Domain(mean=_MEAN, rate=_RATE),
        rule=_alpha_mean,
        derivation="a (keep mean + rate floor) + b with b = -a rate floor.",
        statistic="mean of y over fresh masks",
        not_to_confuse="mean, which is kept at 0 only",
    ),
    _alpha(
        name="alpha_dropout.variance",
        title="Alpha dropout keeps the variance for inputs of mean 0 and variance 1 only",
        quantity="Var[y]",
        formula=(
            f"(variance + rate * (mean + {SELU_LAMBDA!r} * {SELU_ALPHA!r})**2) "
            f"/ (1 + ({SELU_LAMBDA!r} * {SELU_ALPHA!r})**2 * rate)"
        ),
        domain=Domain(variance=_MOMENT, mean=_MEAN, rate=_RATE),
        rule=_alpha_variance,
        derivation="a^2 keep (v + rate (mean - floor)^2): the variance of a two-way mixture.",
        statistic="variance of y over fresh inputs and masks",
    ),
)
