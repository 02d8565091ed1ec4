"""Losses of one number: binary cross-entropy on a logit, divergence, Huber's, and the cosine of a vector with itself.

>>> from varlaw.theory.laws.real_losses import ENTRIES
>>> {law.name: law for law in ENTRIES}["loss.huber"].value(d=3.0, delta=1.0)
2.5
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least, between
from varlaw.theory.law import Kind, Law

_LOGIT = Interval(low=-1e5, high=1e5, typical=(-5.0, 5.0))
_LABEL = between(0.0, 1.0)
_WEIGHT = Interval(low=0.0, high=1e6, typical=(0.5, 4.0))
_OFF = Interval(low=-1e30, high=1e30, typical=(-3.0, 4.0))
_LOG = Interval(low=-1e4, high=0.0, typical=(-5.0, -0.1))
_VARIANCE = Interval(low=1e-30, high=1e30, typical=(0.1, 5.0))
_RATE = Interval(low=-80.0, high=80.0, typical=(-2.0, 3.0))
_COUNT = Interval(low=1e-3, high=1e6, typical=(0.5, 20.0))
_each = functools.partial(
    Law, kind=Kind.EXACT, hypotheses=("each entry by itself",), statistic="entry by entry, against a rounding bound"
)


def _binary(z: Any, y: Any, weight: Any) -> Any:
    return weight * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)


def _binary_slope(z: Any, y: Any, weight: Any) -> Any:
    from scipy.special import expit

    return (1 - y) * expit(z) - weight * y * expit(-z)


def _divergence(t: Any, first: Any, second: Any) -> Any:
    from scipy.special import xlog1py, xlogy

    return xlogy(t, t) + xlog1py(1 - t, -t) - t * first - (1 - t) * second


def _huber(d: Any, delta: Any) -> Any:
    size = np.abs(d)
    return np.where(size <= delta, np.square(np.minimum(size, delta)) / 2, delta * (size - delta / 2))


def _smooth(d: Any, beta: Any) -> Any:
    size, whole = np.abs(d), np.where(beta > 0, beta, 1.0)
    return np.where(size < beta, np.square(np.minimum(size, beta)) / (2 * whole), size - beta / 2)


def _gaussian(d: Any, variance: Any, whole: Any) -> Any:
    return (np.log(variance) + np.square(d) / variance + whole * math.log(2 * math.pi)) / 2


def _poisson(z: Any, count: Any, whole: Any) -> Any:
    stirling = np.where(count > 1, count * np.log(count) - count + np.log(2 * math.pi * count) / 2, 0.0)
    return np.exp(z) - count * z + whole * stirling


ENTRIES: tuple[Law, ...] = (
    _each(
        name="loss.gaussian",
        title="Negative log likelihood of a normal law",
        quantity="loss",
        formula="(log(variance) + mpf(d)**2 / variance + whole * log(2 * pi)) / 2",
        domain=Domain(d=_OFF, variance=_VARIANCE, whole=between(0.0, 1.0)),
        rule=_gaussian,
        hypotheses=("whole: 1 with the constant of the density, 0 without", "variance: at least the function's eps"),
        derivation="-ln of exp(-d^2 / (2 v)) / sqrt(2 pi v).",
        not_to_confuse="a variance given as standard deviation, or as its logarithm",
    ),
    _each(
        name="loss.poisson_log",
        title="Negative log likelihood of a Poisson law whose rate is exp(z)",
        quantity="loss",
        formula=(
            "exp(z) - count * z + (whole * (count * log(count) - count + log(2 * pi * count) / 2) if count > 1 else 0)"
        ),
        domain=Domain(z=_RATE, count=_COUNT, whole=between(0.0, 1.0)),
        rule=_poisson,
        hypotheses=("whole: 1 with Stirling's approximation of ln count! of counts above 1, 0 without",),
        derivation="-ln of rate^count e^-rate / count!, and Stirling's formula for the factorial.",
        not_to_confuse="ln count! itself, from which Stirling's formula is off by 1 / (12 count)",
    ),
    _each(
        name="loss.binary_logits",
        title="Binary cross-entropy on a logit, positives weighted",
        quantity="loss",
        formula="weight * y * log1p(exp(-z)) + (1 - y) * log1p(exp(z))",
        domain=Domain(z=_LOGIT, y=_LABEL, weight=_WEIGHT),
        rule=_binary,
        hypotheses=("y: the label, or a probability",),
        derivation="-weight y ln sigmoid(z) - (1 - y) ln(1 - sigmoid(z)).",
        not_to_confuse="the logarithm of a rounded sigmoid, which is infinite from |z| = 17 on in float32",
    ),
    _each(
        name="loss.binary_logits_slope",
        title="Its derivative: what is missing to the label",
        quantity="d loss / dz",
        formula="(1 - y) / (1 + exp(-z)) - weight * y / (1 + exp(z))",
        domain=Domain(z=_LOGIT, y=_LABEL, weight=_WEIGHT),
        rule=_binary_slope,
        derivation="d ln(1 + e^z)/dz = sigmoid(z).",
        not_to_confuse="a one-sided derivative of max(z, 0) at z = 0, which an implementation may add",
    ),
    _each(
        name="loss.divergence",
        title="Kullback-Leibler divergence of two classes, 0 ln 0 = 0",
        quantity="loss",
        formula=(
            "(t * log(t) if t > 0 else 0) + ((1 - mpf(t)) * log(1 - mpf(t)) if t < 1 else 0) "
            "- t * first - (1 - mpf(t)) * second"
        ),
        domain=Domain(t=_LABEL, first=_LOG, second=_LOG),
        rule=_divergence,
        hypotheses=("first, second: logarithms of the model's probabilities",),
        derivation="sum p (ln p - ln q), whose term at p = 0 is the limit 0.",
        not_to_confuse="exp(-inf) times -inf, which is no number",
    ),
    _each(
        name="loss.huber",
        title="Huber's loss",
        quantity="loss",
        formula="d**2 / 2 if abs(d) <= delta else delta * (abs(d) - mpf(delta) / 2)",
        domain=Domain(d=_OFF, delta=at_least(0, whole=False, typical=(0.1, 3.0))),
        rule=_huber,
        source="Huber 1964",
        derivation="The square below delta, and above it the line that meets it with its slope.",
    ),
    _each(
        name="loss.smooth_l1",
        title="Smooth L1: Huber's loss over its width, and |d| at 0",
        quantity="loss",
        formula="d**2 / (2 * mpf(beta)) if abs(d) < beta else abs(d) - mpf(beta) / 2",
        domain=Domain(d=_OFF, beta=at_least(0, whole=False, typical=(0.1, 3.0))),
        rule=_smooth,
        derivation="loss.huber / beta; at beta = 0 no d is below it.",
        not_to_confuse="Huber's loss: at beta = 2 it is twice as large",
    ),
    _each(
        name="vectors.self_cosine",
        title="The cosine of a vector with itself",
        quantity="x.x / |x|^2",
        formula="1",
        domain=Domain(),
        rule=lambda: 1.0,
        hypotheses=("x is not 0, of whatever length",),
        derivation="A ratio of equal numbers; squares may leave the format on the way.",
    ),
)  # fmt: skip
