"""The loss before the first step: ln C for zero logits, and what random logits add to it.

>>> from varlaw.theory.laws.loss import ENTRIES
>>> round({law.name: law for law in ENTRIES}["loss.zero_logits"].value(classes=1000), 6)
6.907755
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.softmax import WIDEST, log_sum_excess, softmax_means

_CLASSES = at_least(1, typical=(2, 1e6))
_STD = Interval(low=0.0, high=WIDEST, typical=(0.0, 4.0))
_RANDOM = ("logits iid N(0, std^2), independent of the label", "std <= 32: costs grow as std^2")
_QUADRATURE = "two nested trapezoidal sums, relative error below 1e-12"


@functools.partial(np.vectorize, otypes=[np.float64])
def _random_logits(classes: float, std: float) -> float:
    return 0.0 if classes == 1 else softmax_means(classes, std).log_sum


@functools.partial(np.vectorize, otypes=[np.float64])
def _excess(classes: float, std: float) -> float:
    return log_sum_excess(classes, std)


@functools.partial(np.vectorize, otypes=[np.float64])
def _gradient(classes: float, std: float) -> float:
    return 0.0 if classes == 1 else 1 - 2 / classes + softmax_means(classes, std).square


def _quartic(classes: Any, std: Any) -> Any:
    c, s2 = classes, np.square(std)
    return np.log(c) + s2 / 2 * (1 - 1 / c) - s2 * s2 * (c - 1) / (4 * c * c)


_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, domain=Domain(classes=_CLASSES, std=_STD))
ENTRIES: tuple[Law, ...] = (
    _law(
        name="loss.zero_logits",
        title="Equal logits give a cross-entropy of exactly ln C",
        quantity="cross-entropy, nats",
        formula="log(classes)",
        kind=Kind.EXACT,
        domain=Domain(classes=_CLASSES),
        rule=lambda classes: np.log(classes),
        hypotheses=("all logits equal", "any label, any label smoothing"),
        derivation="-sum_i t_i ln(1/C) = ln C for any target that sums to one.",
        statistic="the loss itself, against a rounding bound",
        not_to_confuse="the loss of random logits, which is larger: loss.random_logits",
    ),
    _law(
        name="loss.zero_logits_gradient",
        title="Gradient at equal logits",
        quantity="|d loss / d logits|^2 of one sample",
        formula="1 - 1 / classes",
        kind=Kind.EXACT,
        domain=Domain(classes=_CLASSES),
        rule=lambda classes: (classes - 1) / classes,
        hypotheses=("all logits equal", "one-hot target"),
        derivation="(1 - 1/C)^2 + (C - 1)/C^2.",
        statistic="squared norm of the gradient, against a rounding bound",
    ),
    _law(
        name="loss.random_logits",
        title="Expected cross-entropy of random logits",
        quantity="E[cross-entropy], nats",
        formula="quad(lambda t: exp(-exp(t)) - normal_mean(lambda x: exp(-exp(t + x)), std)**classes, [-inf, inf])",
        rule=_random_logits,
        hypotheses=_RANDOM,
        derivation="E ln S, since E x_label = 0; ln S = int (e^-u - e^(-uS))/u du, u = e^t, f(t) = E exp(-e^(t+x)).",
        statistic="mean loss over fresh weights",
        precision=_QUADRATURE,
    ),
    _law(
        name="loss.random_logits_excess",
        title="What random logits add to ln C",
        quantity="E[cross-entropy] - ln C, nats",
        formula=(
            "quad(lambda t: exp(-exp(t)) - normal_mean(lambda x: exp(-exp(t + x)), std)**classes, [-inf, inf]) "
            "- log(classes)"
        ),
        rule=_excess,
        hypotheses=_RANDOM,
        derivation="d/ds E ln S = E sum p z = s (1 - E sum p^2), by Stein's lemma.",
        statistic="mean loss over fresh weights, less ln C",
        precision=_QUADRATURE,
    ),
    _law(
        name="loss.random_logits_quartic",
        title="Expected cross-entropy of random logits, two terms",
        quantity="E[cross-entropy], nats",
        formula="log(classes) + std**2 / 2 * (1 - 1 / classes) - std**4 * (classes - 1) / (4 * classes**2)",
        kind=Kind.ASYMPTOTIC,
        error="O(std^6 / classes)",
        domain=Domain(classes=_CLASSES, std=Interval(low=0.0, high=2.0)),
        rule=_quartic,
        hypotheses=_RANDOM[:1],
        derivation=(
            "Cumulants of the empirical mean of e^x. At many classes the quadratic term alone reaches std^2 << 2 ln C."
        ),
        statistic="mean loss over fresh weights",
        not_to_confuse="ln C + std^2/2, its limit for many classes",
    ),
    _law(
        name="loss.random_logits_gradient",
        title="Gradient at random logits",
        quantity="E|d loss / d logits|^2 of one sample",
        formula=(
            "1 - 2 / classes + classes "
            "* quad(lambda t: normal_mean(lambda x: exp(2 * (t + x) - exp(t + x)), std) "
            "* normal_mean(lambda x: exp(-exp(t + x)), std)**(classes - 1), [-inf, inf])"
        ),
        rule=_gradient,
        hypotheses=(*_RANDOM, "one-hot target"),
        derivation="|p - e|^2 = sum p^2 - 2 p_label + 1 and E p_label = 1/C; weight_square is attention.weight_square.",
        statistic="mean of the squared gradient norm over fresh weights",
    ),
)
