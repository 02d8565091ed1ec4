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

from varlaw.theory.domain import Domain, Relation, above
from varlaw.theory.law import Kind, Law
from varlaw.theory.laws.norms import EPS, SIZE, VARIANCE, share

_POSITIVE = above(0, typical=(1e-6, 1e6))
_NOT_BOTH_0 = Relation("variance + eps > 0", lambda variance, eps, **_: np.maximum(variance, eps) > 0)
_NOT_BOTH_0_RMS = Relation("mean_square + eps > 0", lambda mean_square, eps, **_: np.maximum(mean_square, eps) > 0)


def _spoke(n: Any, variance: Any, eps: Any) -> Any:
    """(eps / s^2)^2 on the direction of xhat, which exists from n = 2 on."""
    return np.where(n > 1, np.square(share(eps, variance)), 0.0)


def _equilibrium(learning_rate: Any, decay: Any, gradient: Any) -> Any:
    rate, decay = learning_rate, decay
    return np.power(rate, 0.25) / np.power(decay * (2 - rate * decay), 0.25) * np.sqrt(gradient)


_law = functools.partial(Law, kind=Kind.EXACT)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="norm.jacobian_frobenius",
        title="Squared size of the Jacobian of a mean-subtracting norm",
        quantity="squared Frobenius norm of d(output)/d(input), per group",
        formula="(n - 2 + (eps / (variance + eps))**2) / (variance + eps) if n > 1 else 0",
        domain=Domain(_NOT_BOTH_0, n=SIZE, variance=VARIANCE, eps=EPS),
        rule=lambda n, variance, eps: (np.maximum(n - 2, 0) + _spoke(n, variance, eps)) / (variance + eps),
        hypotheses=(
            "before the affine part",
            "n entries in the group, biased variance v > 0, or eps > 0",
            "weight standardisation is the same law over the n = fan_in weights of a unit",
        ),
        derivation="Eigenvalues: 0, eps/s^3, and 1/s with multiplicity n - 2; s^2 = v + eps.",
        statistic="squared Frobenius norm of the Jacobian, against a rounding bound",
        not_to_confuse="n / v: two directions are projected out",
    ),
    _law(
        name="rms_norm.jacobian_frobenius",
        title="Squared size of the Jacobian of RMS norm",
        quantity="squared Frobenius norm of d(output)/d(input), per sample",
        formula="(n - 1 + (eps / (mean_square + eps))**2) / (mean_square + eps)",
        domain=Domain(_NOT_BOTH_0_RMS, n=SIZE, mean_square=VARIANCE, eps=EPS),
        rule=lambda n, mean_square, eps: (n - 1 + np.square(share(eps, mean_square))) / (mean_square + eps),
        hypotheses=("before the gain",),
        derivation="Eigenvalues: eps/r^3 on x, and 1/r with multiplicity n - 1; r^2 = mean_square + eps.",
        statistic="squared Frobenius norm of the Jacobian, against a rounding bound",
    ),
    _law(
        name="norm.jacobian_leak",
        title="eps lets a little gradient through along the normalised input itself",
        quantity="eigenvalue of the Jacobian on the direction of the output",
        formula="eps / (variance + eps)**1.5",
        domain=Domain(_NOT_BOTH_0, variance=VARIANCE, eps=EPS),
        rule=lambda variance, eps: share(eps, variance) / np.sqrt(variance + eps),
        hypotheses=("for RMS norm, variance stands for the mean square", "n >= 2"),
        derivation="(1/s)(1 - |xhat|^2/n) = (1/s)(1 - v/s^2) = eps/s^3.",
        statistic="<xhat, J xhat> / |xhat|^2, against a rounding bound",
        not_to_confuse="0: gradient orthogonal to the normalised input (scale invariance) holds for eps = 0 only",
    ),
    _law(
        name="norm.gradient_sum",
        title="The gradient behind a mean-subtracting norm sums to zero over the group",
        quantity="sum over the group of dL/dx",
        formula="0",
        rule=lambda: 0.0,
        hypotheses=("any eps", "not RMS norm"),
        derivation="J 1 = 0 and J is symmetric.",
        statistic="sum of the gradient over each group, against a rounding bound",
    ),
    _law(
        name="weight_norm.gradient_ratio",
        title="Weight normalisation: the gradient of v is the projected gradient of w, scaled",
        quantity="|grad_v| / |part of grad_w orthogonal to v|",
        formula="gain / norm",
        domain=Domain(gain=_POSITIVE, norm=_POSITIVE),
        rule=lambda gain, norm: gain / norm,
        hypotheses=("w = gain v / |v|", "norm = |v|"),
        derivation="dw/dv = (gain/|v|)(I - v v^T/|v|^2), so grad_v is orthogonal to v.",
        source="derived; Salimans and Kingma 2016, arXiv:1602.07868",
        statistic="ratio of norms, against a rounding bound",
    ),
    _law(
        name="scale_invariance.gradient_ratio",
        title="Weights in front of a norm: c times the weights, 1/c times the gradient",
        quantity="|grad f(c w)| / |grad f(w)|",
        formula="1 / factor",
        domain=Domain(factor=_POSITIVE),
        rule=lambda factor: 1 / factor,
        hypotheses=("f(c w) = f(w) for c > 0: a norm with eps = 0 follows, without bias in between",),
        derivation="Differentiate f(c w) = f(w) in w: c grad f(c w) = grad f(w). In c at 1: <w, grad f(w)> = 0.",
        source="derived; van Laarhoven 2017, arXiv:1706.05350",
        statistic="ratio of norms, against a rounding bound",
    ),
    _law(
        name="scale_invariance.norm_growth",
        title="Without decay every SGD step lengthens scale-invariant weights",
        quantity="increase of |w|^2 in one step",
        formula="(learning_rate * gradient)**2",
        domain=Domain(learning_rate=above(0, typical=(1e-4, 1.0)), gradient=above(0, typical=(1e-3, 1e3))),
        rule=lambda learning_rate, gradient: np.square(learning_rate * gradient),
        hypotheses=("w <- w - learning_rate g with |g| = gradient", "scale-invariant loss: <w, g> = 0"),
        derivation="|w - eta g|^2 = |w|^2 - 2 eta <w, g> + eta^2 |g|^2.",
        source="derived; van Laarhoven 2017, arXiv:1706.05350",
        statistic="|w|^2 before and after a step, against a rounding bound",
    ),
    _law(
        name="scale_invariance.equilibrium_norm",
        title="SGD with weight decay settles scale-invariant weights at one norm",
        quantity="|w| at equilibrium",
        formula="(learning_rate * gradient**2 / (decay * (2 - learning_rate * decay)))**(1 / 4)",
        domain=Domain(
            Relation("learning_rate * decay < 2", lambda learning_rate, decay, **_: learning_rate * decay < 2),
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
    _law(
        name="batch_norm.bias_gradient",
        title="A bias in front of batch norm has gradient zero in training mode",
        quantity="dL/d(bias)",
        formula="0",
        rule=lambda: 0.0,
        hypotheses=("training mode: batch statistics", "a constant per channel before the norm"),
        derivation="The norm subtracts the channel's mean, bias included; the running mean absorbs it.",
        statistic="max |bias gradient| / sum |output gradient|, against a rounding bound",
        not_to_confuse="evaluation mode with frozen statistics, where the bias acts and learns",
    ),
)
