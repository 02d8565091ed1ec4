"""The laws `activation.*`: what each activation of the table makes of a normal pre-activation, and what follows.

All of them hold for z ~ N(0, q) exactly; that a pre-activation is normal is the hypothesis (exact for Gaussian weights
and one fixed input, otherwise asymptotic in fan_in).
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.activations.closed.rectifiers import leaky_relu
from varlaw.theory.activations.named import ActivationName, under_normal
from varlaw.theory.domain import Domain, Interval, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats, floats, legendre

Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
_DOMAIN = Domain(activation=ActivationName(), q=Q)
_HYPOTHESES = ("z ~ N(0, q)",)
_METHOD = (
    "Closed form where the activation has one (piecewise linear and polynomial, ELU family, GELU, erf, sin, cos, "
    "Gaussian); otherwise Gauss-Legendre panels whose error, measured at 40 digits for q from 1e-12 to 1e30, is below "
    "1e-14. "
)
_PRECISION = (
    "next to a zero of the result (the mean of SELU at q = 1) the error is 1e-15 of the largest term; "
    "values beyond 1e308 are inf, below 1e-308 lose digits or are 0"
)


def _law(name: str, title: str, quantity: str, formula: str, field: str, derivation: str, **more: Any) -> Law:
    return Law(
        name=f"activation.{name}",
        title=title,
        quantity=quantity,
        formula=formula,
        kind=Kind.IN_EXPECTATION,
        domain=_DOMAIN,
        rule=functools.partial(under_normal, field),
        hypotheses=_HYPOTHESES,
        derivation=_METHOD + derivation,
        precision=_PRECISION,
        **more,
    )


_E = "E(lambda z: phi(activation, sqrt(q) * z)"
_D = "E(lambda z: slope(activation, sqrt(q) * z)"

_MOMENTS = (
    _law(
        "mean",
        "Mean of an activation",
        "E[phi(z)]",
        f"{_E})",
        "mean",
        "Only the even part of phi counts; for x S(x) with S(x) + S(-x) = 1 Stein gives q E S'(z).",
        statistic="mean of phi(z) over fresh normal z",
    ),
    _law(
        "second_moment",
        "Second moment of an activation",
        "E[phi(z)^2]",
        f"{_E}**2)",
        "second",
        "This, not the variance, is what the next layer's pre-activations inherit.",
        statistic="mean of phi(z)^2 over fresh normal z",
        not_to_confuse="Var[phi(z)]: for ReLU the second moment is q/2 and the variance 0.341 q",
    ),
    _law(
        "fourth_moment",
        "Fourth moment of an activation",
        "E[phi(z)^4]",
        f"{_E}**4)",
        "fourth",
        "It sets the sampling error of the second moment: Var of the mean of N squares is (E phi^4 - (E phi^2)^2)/N.",
        statistic="mean of phi(z)^4 over fresh normal z",
    ),
    _law(
        "variance",
        "Variance of an activation",
        "Var[phi(z)]",
        f"{_E}**2) - {_E})**2",
        "variance",
        "Computed from the odd part and the centred even part, never as a difference of nearly equal numbers.",
        statistic="variance of phi(z) over fresh normal z",
        not_to_confuse="E[phi(z)^2], which is what propagates",
    ),
    _law(
        "derivative_mean",
        "Mean derivative of an activation",
        "E[phi'(z)]",
        f"{_D})",
        "slope_mean",
        "Stein: E[z phi(z)] = q E[phi'(z)] where phi is continuous; 1/2 for x S(x) with S(x) + S(-x) = 1.",
        statistic="mean of phi'(z) over fresh normal z",
        not_to_confuse="E[z phi(z)]/q for a phi that jumps (hardshrink): jumps are not part of phi'",
    ),
    _law(
        "derivative_second_moment",
        "Second moment of an activation's derivative",
        "E[phi'(z)^2]",
        f"{_D}**2)",
        "slope_second",
        "The mean-square factor by which a gradient passes the activation.",
        statistic="mean of phi'(z)^2 over fresh normal z",
    ),
)

_GAINS = (
    _law(
        "forward_gain",
        "Gain that keeps the second moment",
        "g with g^2 E[phi(z)^2] = q",
        f"sqrt(q / {_E}**2))",
        "forward_gain",
        "Weights of variance g^2/fan_in map q to g^2 E phi^2; equality makes q a fixed point with zero bias.",
        source="derived; He et al. 2015, arXiv:1502.01852 for ReLU",
        statistic="ratio of the second moments before and after a layer",
        not_to_confuse="torch.nn.init.calculate_gain: tanh 5/3, selu 3/4 and sigmoid 1 are not forward gains at q = 1",
    ),
    _law(
        "backward_gain",
        "Gain that keeps the mean-square gradient",
        "g with g^2 E[phi'(z)^2] = 1",
        f"1 / sqrt({_D}**2))",
        "backward_gain",
        "A gradient is multiplied by fan_out Var[w] E phi'^2 in mean square. Equal to the forward gain at every q only "
        "for positively homogeneous phi.",
        statistic="ratio of the mean-square gradients after and before a layer",
        not_to_confuse="the forward gain: at q = 1 they differ for every phi that is not piecewise linear through 0",
    ),
    _law(
        "chi",
        "Gradient factor of a layer with the forward gain",
        "chi_1 = q E[phi'(z)^2] / E[phi(z)^2]",
        f"q * {_D}**2) / {_E}**2)",
        "chi",
        "The forward gain has g^2 = q/E phi^2, and chi_1 = g^2 E phi'^2. Above 1 gradients grow, below 1 they vanish.",
        statistic="ratio of mean-square gradients of neighbouring layers in a wide network",
        not_to_confuse="stable gradients because activations are stable: SELU has chi_1 = 1.0716 at its fixed point",
    ),
)


def _relu_kurtosis() -> float:
    m1, m2, m3, m4 = 1 / math.sqrt(2 * math.pi), 0.5, math.sqrt(2 / math.pi), 1.5
    central = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return central / (m2 - m1**2) ** 2


def _gated(field: str, by_q: bool, activation: str, q: Any) -> Floats:
    value = under_normal(field, activation, q)
    with np.errstate(over="ignore"):
        return q * value if by_q else value


_PIECES = between(1, 10000, whole=True)
_CUTS = np.arange(-10.0, 10.5, 0.5)


def maximum_moment(pieces: Any, power: int) -> Floats:
    """E[max(z_1, ..., z_k)^power], k = `pieces`, by 16-node panels of half a standard deviation; error below 1e-14."""
    from scipy.special import log_ndtr

    u, w = legendre(16)
    z = (_CUTS[:-1, None] + 0.5 * u).ravel()
    weight = np.tile(0.5 * w, len(_CUTS) - 1) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    k = floats(pieces)[..., None]
    with np.errstate(under="ignore"):
        value = (k * np.exp((k - 1) * log_ndtr(z)) * weight * z**power).sum(axis=-1)
    return np.where(k[..., 0] == 1, 0.0 if power == 1 else 1.0, value)


def _glu(name: str, title: str, quantity: str, formula: str, field: str, by_q: bool, derivation: str) -> Law:
    return Law(
        name=f"glu.{name}",
        title=title,
        quantity=quantity,
        formula=formula,
        kind=Kind.IN_EXPECTATION,
        domain=_DOMAIN,
        rule=functools.partial(_gated, field, by_q),
        hypotheses=("a and b independent N(0, q)", "GLU: sigmoid, ReGLU: relu, GEGLU: gelu, SwiGLU: silu"),
        derivation=derivation,
        source="derived; Shazeer 2020, arXiv:2002.05202",
        statistic="mean square over fresh normal pairs",
        precision=_PRECISION,
    )


def _maxout(name: str, quantity: str, power: int, closed: str) -> Law:
    return Law(
        name=f"maxout.{name}",
        title=f"{name.replace('_', ' ').capitalize()} of a maxout unit",
        quantity=quantity,
        formula=f"pieces * E(lambda z: z**{power} * Phi(z)**(pieces - 1))",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(pieces=_PIECES),
        rule=functools.partial(maximum_moment, power=power),
        hypotheses=("the pieces are independent N(0, 1)",),
        derivation=f"The maximum has density k pdf(z) Phi(z)^(k-1). {closed}",
        source="derived; Goodfellow et al. 2013, arXiv:1302.4389",
        statistic=f"mean of the maximum to the power {power} over fresh normal tuples",
    )


ENTRIES: tuple[Law, ...] = (
    *_MOMENTS,
    *_GAINS,
    Law(
        name="relu.second_moment",
        title="ReLU halves the second moment of any symmetric law",
        quantity="E[relu(z)^2]",
        formula="q / 2",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(q=Q),
        rule=lambda q: 0.5 * q,
        hypotheses=("z and -z have the same law, normal or not", "E[z^2] = q"),
        derivation="z^2 = relu(z)^2 + relu(-z)^2, and the two summands have the same mean.",
        source="He et al. 2015, arXiv:1502.01852",
        statistic="mean of relu(z)^2 over fresh symmetric z",
        not_to_confuse="Var[relu(z)] = q/2, as often written: for normal z it is (pi-1)/(2 pi) q = 0.341 q",
    ),
    Law(
        name="relu.variance",
        title="Variance of ReLU of a normal pre-activation",
        quantity="Var[relu(z)]",
        formula="q * (pi - 1) / (2 * pi)",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(q=Q),
        rule=lambda q: leaky_relu(0.0).variance(q),
        hypotheses=_HYPOTHESES,
        derivation="q/2 - (sqrt(q/(2 pi)))^2.",
        statistic="variance of relu(z) over fresh normal z",
        not_to_confuse="E[relu(z)^2] = q/2, the quantity that propagates",
    ),
    Law(
        name="relu.kurtosis",
        title="Kurtosis of ReLU of a normal pre-activation",
        quantity="E[(y - E y)^4] / Var[y]^2, y = relu(z)",
        formula="(3 / mpf(2) - 4 / pi + 3 / (2 * pi) - 3 / (4 * pi**2)) / ((pi - 1) / (2 * pi))**2",
        kind=Kind.IN_EXPECTATION,
        rule=_relu_kurtosis,
        hypotheses=_HYPOTHESES,
        derivation="Raw moments 1/sqrt(2 pi), 1/2, sqrt(2/pi), 3/2 in m4 - 4 m1 m3 + 6 m1^2 m2 - 3 m1^4.",
        statistic="fourth central moment of relu(z) over its squared variance",
    ),
    _glu(
        "second_moment",
        "Second moment of a gated unit",
        "E[(a phi(b))^2]",
        f"q * {_E}**2)",
        "second",
        True,
        "a and b are independent, so the second moments multiply; the mean is 0.",
    ),
    _glu(
        "value_derivative_second_moment",
        "Mean-square gradient factor of a gated unit's value path",
        "E[(d/da a phi(b))^2]",
        f"{_E}**2)",
        "second",
        False,
        "The derivative in a is phi(b).",
    ),
    _glu(
        "gate_derivative_second_moment",
        "Mean-square gradient factor of a gated unit's gate path",
        "E[(d/db a phi(b))^2]",
        f"q * {_D}**2)",
        "slope_second",
        True,
        "The derivative in b is a phi'(b), and a is independent of b.",
    ),
    _maxout("mean", "E max(z_1, ..., z_k)", 1, "k = 2: 1/sqrt(pi); 3: 3/(2 sqrt(pi)); 4: 6 atan(sqrt 2)/pi^(3/2)."),
    _maxout("second_moment", "E max(z_1, ..., z_k)^2", 2, "k = 2: 1; 3: 1 + sqrt(3)/(2 pi); 4: 1 + sqrt(3)/pi."),
)
