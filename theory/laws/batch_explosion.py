"""Batch norm at initialisation bounds activations and makes gradients explode: the rate per layer, exactly.

Each layer multiplies the squared gradient by E phi'^2 / Var phi (large batch), which the Gaussian Poincare inequality
keeps at 1 or above, with equality for affine phi only. Small batches make it worse.

>>> from varlaw.theory.laws.batch_explosion import ENTRIES
>>> round({law.name: law for law in ENTRIES}["batch_norm.relu_explosion"].value(batch=8), 3)
1.788
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, under_normal
from varlaw.theory.domain import Domain, at_least
from varlaw.theory.law import Kind, Law

_BATCH = at_least(2, typical=(4, 1e6))
_DEPTH = at_least(0, typical=(0, 1000))
_VANILLA = (
    "W, then batch norm (eps = 0, training mode), then phi; no skip connections",
    "iid zero-mean weights of any variance",
    "gradient with respect to a layer's input, many layers away from both ends",
)
_ERROR = "O(batch / width), negative"
_YANG = "derived; Yang et al. 2019, arXiv:1902.08129"


def _linear(batch: Any) -> Any:
    # At batch 2 every output is +-1 and no gradient passes; at 3 the mean of 1/variance is infinite.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(batch == 2, 0.0, (batch - 2) / np.maximum(batch - 3, 0))


def _relu(batch: Any) -> Any:
    c = -1 / (batch - 1)
    angle = np.arccos(c)
    off = angle / np.pi  # 1 - k0
    kernel_gap = 1 - (np.sqrt((1 - c) * (1 + c)) + (np.pi - angle) * c) / np.pi  # 1 - k1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(batch == 2, 0.0, (batch - off - kernel_gap) / (np.maximum(batch - 3, 0) * kernel_gap))


@functools.partial(np.vectorize, otypes=[np.float64])
def _rate(activation: str) -> float:
    one = np.float64(1.0)
    return float(under_normal("slope_second", activation, one) / under_normal("variance", activation, one))


_law = functools.partial(
    Law,
    kind=Kind.ASYMPTOTIC,
    quantity="E|dL/dh_(l-1)|^2 / E|dL/dh_l|^2",
    statistic="ratio of mean squared gradients over fresh weights",
    source=_YANG,
)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="batch_norm.linear_explosion",
        title="Linear layers with batch norm: the squared gradient grows by (B - 2)/(B - 3) per layer",
        formula="0 if batch == 2 else (inf if batch == 3 else (batch - 2) / (batch - 3))",
        error=_ERROR,
        domain=Domain(batch=_BATCH),
        rule=_linear,
        hypotheses=(*_VANILLA, "phi = identity", "batch: independent values per channel"),
        derivation=(
            "Of the B - 1 directions left by the mean the norm projects out one more, (B-2)/(B-1), and divides by the "
            "batch variance, E[1/v] = (B-1)/(B-3) in units of the normalised input. Infinite at B = 3; at B = 2 no "
            "gradient passes."
        ),
        not_to_confuse="1: batch norm does not keep gradients from exploding",
    ),
    _law(
        name="batch_norm.relu_explosion",
        title="ReLU layers with batch norm: the squared gradient grows by at least pi/(pi - 1) per layer",
        formula=(
            "0 if batch == 2 else (inf if batch == 3 "
            "else (batch - acos(-1 / (batch - 1)) / pi "
            "- (1 - (sqrt(1 - 1 / (batch - 1)**2) - (pi - acos(-1 / (batch - 1))) / (batch - 1)) / pi)) "
            "/ ((batch - 3) * (1 - (sqrt(1 - 1 / (batch - 1)**2) - (pi - acos(-1 / (batch - 1))) / (batch - 1)) / pi)))"
        ),
        error=_ERROR,
        domain=Domain(batch=_BATCH),
        rule=_relu,
        hypotheses=(*_VANILLA, "phi = relu", "batch: independent values per channel"),
        derivation=(
            "[B - (1 - k0) - (1 - k1)] / [(B - 3)(1 - k1)] with the arc-cosine kernels k0, k1 at the correlation "
            "-1/(B-1) that the norm leaves between members of a batch. Tends to pi/(pi - 1) = E relu'^2 / Var relu."
        ),
        not_to_confuse="1: batch norm does not keep gradients from exploding",
    ),
    _law(
        name="batch_norm.explosion",
        title="Batch norm in large batches: the squared gradient grows by E phi'^2 / Var phi >= 1 per layer",
        formula="derivative_second_moment(activation, 1) / variance(activation, 1)",
        error="O(1 / batch + batch / width)",
        domain=Domain(activation=ActivationName()),
        rule=_rate,
        hypotheses=_VANILLA,
        derivation=(
            "Behind the norm z ~ N(0, 1); phi multiplies the squared gradient by E phi'^2 and the next norm divides it "
            "by Var phi, whatever the weight variance. Var phi <= E phi'^2 is the Gaussian Poincare inequality."
        ),
        not_to_confuse="chi of the same net without norm: E phi'^2 / E phi^2",
    ),
    _law(
        name="batch_norm.residual_explosion",
        title="Residual connections tame the explosion: one branch behind l others",
        formula="1 + rate / (branches + 1)",
        error="O(1 / batch + batch / width)",
        domain=Domain(rate=at_least(0, whole=False, typical=(1.0, 3.0)), branches=_DEPTH),
        rule=lambda rate, branches: 1 + rate / (branches + 1),
        hypotheses=(
            "h' = h + branch, the branch begins with a norm and ends with unit variance",
            "the stream starts at variance 1 and has passed `branches` branches; rate: gain of the branch on "
            "squared gradients",
        ),
        derivation=(
            "The norm divides the branch's gradient by the variance 1 + l of the stream; summed over l: a power of "
            "depth."
        ),
        not_to_confuse="rate per layer, which holds without residual connections",
    ),
)
