"""What a norm does to gradients: its Jacobian, the directions it projects out, and what eps leaves of them.

With s = sqrt(v + eps) and xhat = (x - m)/s the Jacobian is J = (P - xhat xhat^T / n)/s, P = I - 11^T/n: symmetric, 0 on
the constants, eps/s^3 on xhat, 1/s on the n - 2 directions left. RMS norm has no P, so n - 1 directions are left.

>>> from varlaw.theory.laws.norm_gradients import ENTRIES
>>> {law.name: law for law in ENTRIES}["norm.jacobian_frobenius"].value(n=6, variance=1.0, eps=0.0)
4.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Kind, Law, Relation, above
from varlaw.theory.laws.norms import EPS, SIZE, VARIANCE, share

_real = functools.partial(np.asarray, dtype=np.float64)
_POSITIVE = above(0, typical=(1e-6, 1e6))
_NOT_BOTH_0 = Relation("variance + eps > 0", lambda variance, eps, **_: np.maximum(variance, eps) > 0)
_NOT_BOTH_0_RMS = Relation("mean_square + eps > 0", lambda mean_square, eps, **_: np.maximum(mean_square, eps) > 0)


def _frobenius(n: Any, variance: Any, eps: Any) -> Any:
    return (np.maximum(_real(n) - 2, 0) + _spoke(n, variance, eps)) / (_real(variance) + eps)


def _spoke(n: Any, variance: Any, eps: Any) -> Any:
    """(eps / s^2)^2 on the direction of xhat, which exists from n = 2 on."""
    return np.where(_real(n) > 1, np.square(share(eps, variance)), 0.0)


def _rms_frobenius(n: Any, mean_square: Any, eps: Any) -> Any:
    return (_real(n) - 1 + np.square(share(eps, mean_square))) / (_real(mean_square) + eps)


def _leak(variance: Any, eps: Any) -> Any:
    return share(eps, variance) / np.sqrt(_real(variance) + eps)


def _equilibrium(learning_rate: Any, decay: Any, gradient: Any) -> Any:
    rate, decay = _real(learning_rate), _real(decay)
    return np.power(rate, 0.25) / np.power(decay * (2 - rate * decay), 0.25) * np.sqrt(_real(gradient))


ENTRIES: tuple[Law, ...] = (
    Law(
        name="norm.jacobian_frobenius",
        title="Squared size of the Jacobian of a mean-subtracting norm",
        quantity="squared Frobenius norm of d(output)/d(input), per group",
        formula="(n - 2 + (eps / (variance + eps))**2) / (variance + eps) if n > 1 else 0",
        kind=Kind.EXACT,
        domain=Domain(_NOT_BOTH_0, n=SIZE, variance=VARIANCE, eps=EPS),
        rule=_frobenius,
        hypotheses=(
            "before the affine part",
            "n entries in the group, biased variance v > 0, or eps > 0",
            "weight standardisation is the same law over the n = fan_in weights of a unit",
        ),
        derivation="Eigenvalues: 0, eps/s^3, and 1/s with multiplicity n - 2; s^2 = v + eps.",
        source="derived",
        statistic="squared Frobenius norm of the Jacobian, against a rounding bound",
        not_to_confuse="n / v: two directions are projected out",
    ),
    Law(
        name="rms_norm.jacobian_frobenius",
        title="Squared size of the Jacobian of RMS norm",
        quantity="squared Frobenius norm of d(output)/d(input), per sample",
        formula="(n - 1 + (eps / (mean_square + eps))**2) / (mean_square + eps)",
        kind=Kind.EXACT,
        domain=Domain(_NOT_BOTH_0_RMS, n=SIZE, mean_square=VARIANCE, eps=EPS),
        rule=_rms_frobenius,
        hypotheses=("before the gain",),
        derivation="Eigenvalues: eps/r^3 on x, and 1/r with multiplicity n - 1; r^2 = mean_square + eps.",
        source="derived",
        statistic="squared Frobenius norm of the Jacobian, against a rounding bound",
    ),
    Law(
        name="norm.jacobian_leak",
        title="eps lets a little gradient through along the normalised input itself",
        quantity="eigenvalue of the Jacobian on the direction of the output",
        formula="eps / (variance + eps)**1.5",
        kind=Kind.EXACT,
        domain=Domain(_NOT_BOTH_0, variance=VARIANCE, eps=EPS),
        rule=_leak,
        hypotheses=("for RMS norm, variance stands for the mean square", "n >= 2"),
        derivation="(1/s)(1 - |xhat|^2/n) = (1/s)(1 - v/s^2) = eps/s^3.",
        source="derived",
        statistic="<xhat, J xhat> / |xhat|^2, against a rounding bound",
        not_to_confuse="0: gradient orthogonal to the normalised input (scale invariance) holds for eps = 0 only",
    ),
    Law(
        name="norm.gradient_sum",
        title="The gradient behind a mean-subtracting norm sums to zero over the group",
        quantity="sum over the group of dL/dx",
        formula="0",
        kind=Kind.EXACT,
        domain=Domain(),
        rule=lambda: 0.0,
        hypotheses=("any eps", "not RMS norm"),
        derivation="J 1 = 0 and J is symmetric.",
        source="derived",
        statistic="sum of the gradient over each group, against a rounding bound",
    ),
    Law(
        name="weight_norm.gradient_ratio",
        title="Weight normalisation: the gradient of v is the projected gradient of w, scaled",
        quantity="|grad_v| / |part of grad_w orthogonal to v|",
        formula="gain / norm",
        kind=Kind.EXACT,
        domain=Domain(gain=_POSITIVE, norm=_POSITIVE),
        rule=lambda gain, norm: _real(gain) / _real(norm),
        hypotheses=("w = gain v / |v|", "norm = |v|"),
        derivation="dw/dv = (gain/|v|)(I - v v^T/|v|^2), so grad_v is orthogonal to v.",
        source="derived; Salimans and Kingma 2016, arXiv:1602.07868",
        statistic="ratio of norms, against a rounding bound",
    ),
    Law(
        name="scale_invariance.gradient_ratio",
        title="Weights in front of a norm: c times the weights, 1/c times the gradient",
        quantity="|grad f(c w)| / |grad f(w)|",
        formula="1 / factor",
        kind=Kind.EXACT,
        domain=Domain(factor=_POSITIVE),
        rule=lambda factor: 1 / _real(factor),
        hypotheses=("f(c w) = f(w) for c > 0: a norm with eps = 0 follows, without bias in between",),
        derivation="Differentiate f(c w) = f(w) in w: c grad f(c w) = grad f(w). In c at 1: <w, grad f(w)> = 0.",
        source="derived; van Laarhoven 2017, arXiv:1706.05350",
        statistic="ratio of norms, against a rounding bound",
    ),
    Law(
        name="scale_invariance.norm_growth",
        title="Without decay every SGD step lengthens scale-invariant weights",
        quantity="increase of |w|^2 in one step",
        formula="(learning_rate * gradient)**2",
        kind=Kind.EXACT,
        domain=Domain(learning_rate=above(0, typical=(1e-4, 1.0)), gradient=above(0, typical=(1e-3, 1e3))),
        rule=lambda learning_rate, gradient: np.square(_real(learning_rate) * gradient),
        hypotheses=("w <- w - learning_rate g with |g| = gradient", "scale-invariant loss: <w, g> = 0"),
        derivation="|w - eta g|^2 = |w|^2 - 2 eta <w, g> + eta^2 |g|^2.",
        source="derived; van Laarhoven 2017, arXiv:1706.05350",
        statistic="|w|^2 before and after a step, against a rounding bound",
    ),
    Law(
        name="scale_invariance.equilibrium_norm",
        title="SGD with weight decay settles scale-invariant weights at one norm",
        quantity="|w| at equilibrium",
        formula="(learning_rate * gradient**2 / (decay * (2 - learning_rate * decay)))**(1 / 4)",
        kind=Kind.EXACT,
        domain=Domain(
            Relation(
                "learning_rate * decay < 2", lambda learning_rate, decay, **_: np.multiply(learning_rate, decay) < 2
            ),
            learning_rate=above(0, typical=(1e-4, 1.0)),
            decay=above(0, typical=(1e-6, 0.1)),
            gradient=above(0, typical=(1e-3, 1e3)),
        ),
        rule=_equilibrium,
        hypotheses=(
            "w <- w - learning_rate (g + decay w), g orthogonal to w",
            "|g| = gradient / |w|, gradient constant",
        ),
        derivation="|w|^2 = (1 - eta lam)^2 |w|^2 + eta^2 G^2/|w|^2, solved for |w|^4.",
        source="derived; van Laarhoven 2017, arXiv:1706.05350, gives the form for small learning rates",
        statistic="|w| after many steps on the sphere",
    ),
    Law(
        name="batch_norm.bias_gradient",
        title="A bias in front of batch norm has gradient zero in training mode",
        quantity="dL/d(bias)",
        formula="0",
        kind=Kind.EXACT,
        domain=Domain(),
        rule=lambda: 0.0,
        hypotheses=("training mode: batch statistics", "a constant per channel before the norm"),
        derivation="The norm subtracts the channel's mean, bias included; the running mean absorbs it.",
        source="derived",
        statistic="max |bias gradient| / sum |output gradient|, against a rounding bound",
        not_to_confuse="evaluation mode with frozen statistics, where the bias acts and learns",
    ),
)
