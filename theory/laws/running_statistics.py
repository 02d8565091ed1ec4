"""Running statistics of batch norm: what they hold after t batches, and how much they still shake.

Conventions differ and the laws say which one they mean: in torch `momentum` is the weight of the *new* batch, in Keras
it is the weight of the *old* value; torch stores the unbiased variance although it normalises by the biased one.

>>> from varlaw.theory.laws.running_statistics import ENTRIES
>>> law = {law.name: law for law in ENTRIES}["batch_norm.running_mean"]
>>> round(law.value(t=1, momentum=0.25, start=0.0, mean=8.0), 12)
2.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.scaled import product

_STEPS = at_least(0, typical=(1, 1e6))
_MOMENTUM = Interval(low=0.0, high=1.0, typical=(1e-5, 1.0))
_MEAN = Interval(typical=(-10.0, 10.0))
_VARIANCE = at_least(0, whole=False, typical=(1e-4, 1e4))
_BATCH = at_least(2, typical=(2, 1e6))
_KURTOSIS = at_least(1, whole=False, typical=(1.0, 30.0))
_FRESH = ("momentum: weight of the new batch (torch)", "batches independent, drawn from one fixed law")
_CANCELS = (
    "where start and the new value have opposite signs the two terms cancel: absolute error 2 ulp of the larger term"
)


def _log_kept(t: Any, momentum: Any) -> Any:
    """t ln(1 - momentum), 0 at t = 0 and -inf at momentum = 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t == 0, 0.0, t * np.log1p(-momentum))


def _blend(t: Any, momentum: Any, start: Any, target: Any) -> Any:
    log_kept = _log_kept(t, momentum)
    return np.exp(log_kept) * start - np.expm1(log_kept) * target


def _fluctuation(t: Any, momentum: Any, statistic_variance: tuple[Any, ...]) -> Any:
    return product(momentum / (2 - momentum), -np.expm1(2 * _log_kept(t, momentum)), *statistic_variance)


def _running_variance_variance(t: Any, momentum: Any, variance: Any, batch: Any, kurtosis: Any) -> Any:
    batch, excess = batch, kurtosis - 1
    # (k-3)/B + 2/(B-1) = (k-1)/B + 2/(B(B-1)): the second form has no difference in it
    return _fluctuation(t, momentum, (variance, variance, excess / batch + 2 / batch / (batch - 1)))


_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="batch_norm.running_mean",
        title="Expected running mean after t batches",
        quantity="E[running_mean]",
        formula="(1 - momentum)**t * start + (1 - (1 - momentum)**t) * mean",
        domain=Domain(t=_STEPS, momentum=_MOMENTUM, start=_MEAN, mean=_MEAN),
        rule=lambda t, momentum, start, mean: _blend(t, momentum, start, mean),
        hypotheses=(*_FRESH, "start: value before the first batch (torch: 0)"),
        derivation="r_t = (1-m) r_{t-1} + m x_t: a geometric series.",
        source="derived; Ioffe and Szegedy 2015, arXiv:1502.03167",
        statistic="running_mean after t batches over fresh runs (exactly, when every batch mean is the same)",
        precision=_CANCELS,
        not_to_confuse="mean: the start value weighs (1-m)^t, 0.9^10 = 0.35 after ten torch batches",
    ),
    _law(
        name="batch_norm.running_variance",
        title="Expected running variance after t batches, unbiased as torch stores it",
        quantity="E[running_var]",
        formula="(1 - momentum)**t * start + (1 - (1 - momentum)**t) * variance",
        domain=Domain(t=_STEPS, momentum=_MOMENTUM, start=_VARIANCE, variance=_VARIANCE),
        rule=lambda t, momentum, start, variance: _blend(t, momentum, start, variance),
        hypotheses=(
            *_FRESH,
            "start: value before the first batch (torch: 1)",
            "the stored batch variance divides by n - 1",
        ),
        derivation="The unbiased batch variance has mean sigma^2; then the geometric series of the running mean.",
        source="derived; torch.nn.BatchNorm1d",
        statistic="running_var after t batches over fresh runs",
        not_to_confuse="variance from step one on, and batch_norm.running_variance_biased (Keras)",
    ),
    _law(
        name="batch_norm.running_variance_biased",
        title="Expected running variance where the biased batch variance is stored (Keras, flax)",
        quantity="E[moving_variance]",
        formula="(1 - momentum)**t * start + (1 - (1 - momentum)**t) * variance * (batch - 1) / batch",
        domain=Domain(t=_STEPS, momentum=_MOMENTUM, start=_VARIANCE, variance=_VARIANCE, batch=_BATCH),
        rule=lambda t, momentum, start, variance, batch: _blend(t, momentum, start, variance * ((batch - 1) / batch)),
        hypotheses=(
            "momentum: weight of the new batch, 1 - momentum of Keras",
            _FRESH[1],
            "batch: values per channel, iid",
        ),
        derivation="The biased batch variance has mean sigma^2 (n-1)/n.",
        statistic="moving variance after a batch, against a rounding bound (norm.running_var)",
        not_to_confuse="batch_norm.running_variance (torch)",
        unmeasured="torch and varlaw store the unbiased one: it is asked of Keras, flax, haiku and Paddle",
    ),
    _law(
        name="batch_norm.running_mean_variance",
        title="Spread of the running mean",
        quantity="Var[running_mean]",
        formula="momentum / (2 - momentum) * (1 - (1 - momentum)**(2 * t)) * variance / batch",
        domain=Domain(t=_STEPS, momentum=_MOMENTUM, variance=_VARIANCE, batch=_BATCH),
        rule=lambda t, momentum, variance, batch: _fluctuation(t, momentum, (variance, 1 / batch)),
        hypotheses=(*_FRESH, "batch: values per channel, iid"),
        derivation="sum_{i<t} m^2 (1-m)^(2i) times the variance sigma^2/n of one batch mean.",
        statistic="variance of running_mean over fresh runs",
    ),
    _law(
        name="batch_norm.running_variance_variance",
        title="Spread of the (unbiased) running variance",
        quantity="Var[running_var]",
        formula=(
            "momentum / (2 - momentum) * (1 - (1 - momentum)**(2 * t)) * variance**2 "
            "* ((kurtosis - 3) / batch + 2 / (batch - 1))"
        ),
        domain=Domain(t=_STEPS, momentum=_MOMENTUM, variance=_VARIANCE, batch=_BATCH, kurtosis=_KURTOSIS),
        rule=_running_variance_variance,
        hypotheses=(*_FRESH, "batch: values per channel, iid with this kurtosis (normal: 3)"),
        derivation="sum_{i<t} m^2 (1-m)^(2i) times the variance of one unbiased sample variance.",
        statistic="variance of running_var over fresh runs",
    ),
    _law(
        name="batch_norm.keras_momentum",
        title="Keras momentum is one minus torch momentum",
        quantity="momentum in the Keras convention",
        formula="1 - momentum",
        kind=Kind.CONVENTION,
        domain=Domain(momentum=between(0.0, 1.0)),
        rule=lambda momentum: 1 - momentum,
        hypotheses=("momentum: weight of the new batch (torch)",),
        derivation="Keras: r <- momentum r + (1 - momentum) x. torch: r <- (1 - momentum) r + momentum x.",
        source="torch.nn.BatchNorm1d, keras.layers.BatchNormalization",
        statistic="running_mean after one batch, exactly",
    ),
)
