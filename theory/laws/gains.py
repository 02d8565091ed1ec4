"""Gains as frameworks and papers state them, the constants behind them, and what they do to a deep network.

A gain g gives weights of variance g**2/fan_in. The gain that keeps the second moment at q is `activation.forward_gain`;
the laws here are conventions, and the exact consequences of following them.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, under_normal
from varlaw.theory.activations.rows.rectifiers import SELU_ALPHA, SELU_LAMBDA
from varlaw.theory.domain import Domain, Interval, one_of
from varlaw.theory.law import Kind, Law
from varlaw.theory.laws.meanfield import fixed_point, map_slope
from varlaw.theory.numerics.quadrature import Floats

TORCH_GAINS = {"linear": 1.0, "conv": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
_ACTIVATION_OF = {"linear": "identity", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "selu": "selu"}
_Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
_SLOPE = Interval(low=-1e300, high=1e300, typical=(-2.0, 2.0))
_TORCH = "torch.nn.init.calculate_gain"


def leaky_gain(slope: Any) -> Floats:
    """sqrt(2/(1 + slope**2)), without overflow for any slope.

    >>> float(leaky_gain(0.0)) == math.sqrt(2)
    True
    """
    return np.asarray(math.sqrt(2) / np.hypot(1.0, slope))


def gain_ratio(activation: str, q: Any) -> Floats:
    """Backward over forward gain."""
    return 1 / np.sqrt(under_normal("chi", activation, q))


def _settled(quantity: Callable[[str, float], float], nonlinearity: str) -> float:
    """A quantity of a network with torch's gain, at the variance that it settles at without biases."""
    name, gain = _ACTIVATION_OF[nonlinearity], TORCH_GAINS[nonlinearity]
    return quantity(name, float(fixed_point(name, gain**2, 0.0)))


def _chi_settled(nonlinearity: str) -> float:
    square = TORCH_GAINS[nonlinearity] ** 2
    return _settled(lambda name, q: square * float(under_normal("slope_second", name, q)), nonlinearity)


_law = functools.partial(
    Law,
    kind=Kind.IN_EXPECTATION,
    hypotheses=("z ~ N(0, q)",),
    statistic="second moments before and after a layer over fresh normal pre-activations",
)


_SETTLES = Domain(nonlinearity=one_of("tanh", "selu", "sigmoid"))
_DEEP = ("weights of variance gain^2/fan_in, gain from torch's table", "zero bias", "infinite width")
_GAIN_SQUARE = "{'tanh': mpf(25) / 9, 'selu': mpf(9) / 16, 'sigmoid': mpf(1)}[nonlinearity]"
_ROOT = (
    "findroot(lambda q: gain2 * E(lambda z: phi(nonlinearity, sqrt(q) * z)**2) - q,"
    " {'tanh': mpf('1.2'), 'selu': mpf('0.02'), 'sigmoid': mpf('0.3')}[nonlinearity])"
)

ENTRIES: tuple[Law, ...] = (
    _law(
        name="gain.torch",
        title="torch's table of gains",
        quantity="calculate_gain(nonlinearity)",
        formula=(
            "{'linear': 1, 'conv': 1, 'sigmoid': 1, 'tanh': mpf(5) / 3, 'relu': sqrt(2), "
            "'selu': mpf(3) / 4}[nonlinearity]"
        ),
        rule=lambda nonlinearity: TORCH_GAINS[nonlinearity],
        domain=Domain(nonlinearity=one_of(*TORCH_GAINS)),
        derivation=(
            "A table. Only linear and relu are forward gains; conv stands for all convolutions and their transposes."
        ),
        kind=Kind.CONVENTION,
        source=_TORCH,
        statistic="value returned",
        not_to_confuse="variance-preserving gains: at q = 1 tanh needs 1.5925, sigmoid 1.8462, selu 1",
    ),
    _law(
        name="gain.leaky_relu",
        title="Gain of leaky ReLU",
        quantity="g with g^2 E[phi^2] = q, forward and backward at every q",
        formula="sqrt(2 / (1 + mpf(slope)**2))",
        rule=leaky_gain,
        domain=Domain(slope=_SLOPE),
        derivation="E phi^2 = q (1 + slope^2)/2 for any symmetric z; homogeneity makes the backward gain the same.",
        source="He et al. 2015, arXiv:1502.01852",
        not_to_confuse="sqrt(2/(1 + slope**2)) in floating point, which overflows for slopes beyond 1e154",
    ),
    _law(
        name="gain.ratio",
        title="Backward gain over forward gain",
        quantity="1/sqrt(chi_1)",
        formula=(
            "sqrt(E(lambda z: phi(activation, sqrt(q) * z)**2) / (q * E(lambda z: slope(activation, sqrt(q) * z)**2)))"
        ),
        rule=gain_ratio,
        domain=Domain(activation=ActivationName(), q=_Q),
        derivation="g_b/g_f = sqrt(E phi^2/(q E phi'^2)). 1 at every q exactly for positively homogeneous phi.",
        precision="as activation.chi",
        not_to_confuse="one gain serves both directions: only for ReLU, leaky ReLU, abs and identity",
    ),
    _law(
        name="gain.torch_fixed_point",
        title="Variance at which a network with torch's gain settles",
        quantity="q with q = gain^2 E[phi^2]",
        formula=f"(lambda gain2: {_ROOT})({_GAIN_SQUARE})",
        rule=lambda nonlinearity: _settled(lambda _, q: q, nonlinearity),
        domain=_SETTLES,
        derivation="Fixed point of the variance map: 1.178 for tanh, 0.0230 for selu, 0.265 for sigmoid.",
        kind=Kind.ASYMPTOTIC,
        error="O(1/width)",
        hypotheses=_DEEP,
        source=_TORCH,
        statistic="mean square of pre-activations deep in a wide network",
        precision="1e-13 for selu, whose map has slope close to 1 there",
        not_to_confuse="1, as a gain that preserves unit variance would give",
    ),
    _law(
        name="gain.torch_chi",
        title="Gradient factor of a network with torch's gain",
        quantity="chi_1 at the variance it settles at",
        formula=(
            f"(lambda gain2: (lambda q: gain2 * E(lambda z: slope(nonlinearity, sqrt(q) * z)**2))({_ROOT}))"
            f"({_GAIN_SQUARE})"
        ),
        rule=_chi_settled,
        domain=_SETTLES,
        derivation=(
            "gain^2 E[phi'^2] at the fixed point: 1.2098 for tanh (chaotic), 1.0037 for selu, 0.0557 for sigmoid."
        ),
        kind=Kind.ASYMPTOTIC,
        error="O(1/width)",
        hypotheses=_DEEP,
        source=_TORCH,
        statistic="ratio of mean-square gradients of neighbouring layers",
    ),
    _law(
        name="gain.selu_alpha",
        title="SELU's alpha",
        quantity="alpha with E[elu(z)] = 0 at q = 1",
        formula="1 / (sqrt(2 * pi) * (1 / mpf(2) - exp(mpf(1) / 2) * Phi(-1)))",
        rule=lambda: SELU_ALPHA,
        derivation="E[elu] = 1/sqrt(2 pi) + alpha (sqrt(e) Phi(-1) - 1/2) = 0.",
        source="Klambauer et al. 2017, arXiv:1706.02515",
        statistic="mean of selu(z) over fresh normal z",
    ),
    _law(
        name="gain.selu_lambda",
        title="SELU's lambda",
        quantity="lambda with E[selu(z)^2] = 1 at q = 1",
        formula="selu_lambda",
        rule=lambda: SELU_LAMBDA,
        derivation="lambda^2 [1/2 + alpha^2 (e^2 Phi(-2) - 2 sqrt(e) Phi(-1) + 1/2)] = 1.",
        source="Klambauer et al. 2017, arXiv:1706.02515",
        statistic="mean of selu(z)^2 over fresh normal z",
    ),
    _law(
        name="gain.selu_variance_slope",
        title="Attraction of SELU's fixed point",
        quantity="d q'/d q at q = 1, unit weight variance",
        formula="E(lambda z: z * phi('selu', z) * slope('selu', z))",
        rule=lambda: float(map_slope("selu", 1.0, 1.0)),
        derivation="0.78 < 1: variances near 1 return to 1.",
        source="Klambauer et al. 2017, arXiv:1706.02515",
        statistic="finite difference of the second moment",
        not_to_confuse="stable gradients: chi_1 at the same point is 1.0716, above 1",
    ),
)
