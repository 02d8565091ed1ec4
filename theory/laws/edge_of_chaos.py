"""The edge of chaos: its weights and biases, the depths that signals reach, and ReLU's maps in closed form.

At chi_1 = 1 (see `meanfield`) a deviation neither grows nor decays exponentially; what is left is a power of the depth.
"""

import math
from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, under_normal
from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Law
from varlaw.theory.laws.correlations import leaky_map
from varlaw.theory.laws.meanfield import BIAS, CORRELATION, Q_NUMERIC, SCHOENHOLZ, Q, meanfield_law
from varlaw.theory.numerics.quadrature import Floats, floats


def critical_weight(activation: str, q: Any) -> Floats:
    """weight_variance with chi_1 = 1 at q."""
    with np.errstate(divide="ignore"):
        return 1 / under_normal("slope_second", activation, q)


def critical_bias(activation: str, q: Any) -> Floats:
    """bias_variance that makes q a fixed point at the critical weight_variance; negative where there is none."""
    ratio = under_normal("chi", activation, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = floats(q) * (1 - 1 / ratio)
    return np.where(np.asarray(q) == 0, 0.0, value)


def depth_scale(factor: Any) -> Floats:
    """-1/log(factor): the number of layers in which exp(-1) of a deviation remains; inf at 1, negative above."""
    f = floats(factor)
    with np.errstate(divide="ignore"):
        return np.where(f == 1, math.inf, np.where(f == 0, 0.0, -1 / np.log(np.where(f == 1, 2.0, f))))


def _expansion(one_minus_c: Floats) -> Floats:
    return one_minus_c * (1 - (2 * math.sqrt(2) / (3 * math.pi)) * np.sqrt(one_minus_c))


def _leaky(c: Any, q: Any, slope: Any, weight_variance: Any, bias_variance: Any) -> Floats:
    share, bias = 0.5 * weight_variance * q * (1 + slope * slope), bias_variance
    mixed = (share * leaky_map(c, slope) + bias) / np.where(bias == 0, 1.0, share + bias)
    # without bias the scale drops out, even if it vanishes
    return np.where(bias == 0, leaky_map(c, slope), mixed)


_NAME = ActivationName()
_E2 = "E(lambda z: phi(activation, sqrt(q) * z)**2)"
_D2 = "E(lambda z: slope(activation, sqrt(q) * z)**2)"

ENTRIES: tuple[Law, ...] = (
    meanfield_law(
        name="meanfield.critical_weight_variance",
        title="Weight variance at the edge of chaos",
        quantity="weight_variance with chi_1 = 1 at q",
        formula=f"1 / {_D2}",
        rule=critical_weight,
        domain=Domain(activation=_NAME, q=Q),
        derivation="chi_1 = weight_variance E[phi'^2] = 1.",
        source=SCHOENHOLZ,
    ),
    meanfield_law(
        name="meanfield.critical_bias_variance",
        title="Bias variance at the edge of chaos",
        quantity="bias_variance that makes q a fixed point there",
        formula=f"q - {_E2} / {_D2}",
        rule=critical_bias,
        domain=Domain(activation=_NAME, q=Q),
        derivation=(
            "q = weight_variance E[phi^2] + bias_variance with weight_variance = 1/E[phi'^2]. Negative: no such "
            "network. ReLU gives 0 for every q: its edge is the single point (2, 0)."
        ),
        source=SCHOENHOLZ,
        precision="a few 1e-16 of q, absolute: where chi is near 1 digits go (softsign at q = 3e-6: 2e-10 relative)",
    ),
    meanfield_law(
        name="meanfield.depth_scale",
        title="Depth over which a deviation decays",
        quantity="xi = -1/log(factor), in layers",
        formula="-1 / log(mpf(factor))",
        rule=depth_scale,
        domain=Domain(factor=Interval(low=0.0, high=1e75, typical=(0.1, 0.999))),
        derivation=(
            "A deviation shrinks by factor per layer, so it is exp(-l/xi). factor: the variance map's slope for xi_q, "
            "the correlation map's slope at its fixed point for xi_c. Infinite at 1."
        ),
        source=SCHOENHOLZ,
        statistic="slope of the log deviation against depth",
    ),
    meanfield_law(
        name="meanfield.gradient_depth_scale",
        title="Depth over which gradients grow",
        quantity="1/log(chi), in layers; negative when they vanish",
        formula="1 / log(mpf(chi))",
        rule=lambda chi: -depth_scale(chi),
        domain=Domain(chi=Interval(low=0.0, high=1e75, typical=(1.001, 3.0))),
        derivation="The mean-square gradient is multiplied by chi_1 per layer.",
        source=SCHOENHOLZ,
        statistic="slope of the log mean-square gradient against depth",
    ),
    meanfield_law(
        name="meanfield.relu_correlation_decay",
        title="How slowly ReLU networks forget: correlation at depth",
        quantity="1 - c_l",
        formula="9 * pi**2 / (2 * mpf(depth)**2)",
        rule=lambda depth: 4.5 * math.pi**2 / depth**2,
        domain=Domain(depth=at_least(1, typical=(10, 10000))),
        derivation=(
            "1 - k1(1 - d) = d - (2 sqrt(2)/(3 pi)) d^1.5 + ..., so d_l ~ ((sqrt(2)/(3 pi)) l)^-2 = (9 pi^2/2)/l^2."
        ),
        hypotheses=("ReLU, weight_variance 2, bias_variance 0", "infinite width, then large depth"),
        source="Hayou et al. 2019, arXiv:1902.06853",
        statistic="cosine of two inputs against depth",
        error="O(log(depth)/depth^3): 3 % at 1000 layers",
        unmeasured="it holds where depth is so large that what finite widths add per layer outweighs it",
        not_to_confuse="exponential convergence: at the edge of chaos it is polynomial",
    ),
    meanfield_law(
        name="meanfield.tanh_variance_decay",
        title="Variance of a tanh network at its edge of chaos",
        quantity="q_l",
        formula="1 / (2 * mpf(depth))",
        rule=lambda depth: 0.5 / depth,
        domain=Domain(depth=at_least(1, typical=(10, 10000))),
        derivation="E tanh^2 = q - 2 q^2 + O(q^3), so 1/q grows by 2 per layer.",
        hypotheses=("tanh, weight_variance 1, bias_variance 0", "infinite width, then large depth"),
        statistic="mean square of pre-activations against depth",
        error="O(log(depth)/depth^2)",
        unmeasured="it holds where depth is so large that what finite widths add per layer outweighs it",
        not_to_confuse="the edge of chaos preserves variance: chi_1 = 1 only at q = 0, which is reached as 1/(2 l)",
    ),
    meanfield_law(
        name="meanfield.relu_kernel_expansion",
        title="ReLU's correlation map next to 1",
        quantity="1 - k1(1 - d)",
        formula="mpf(one_minus_c) - 2 * sqrt(2) / (3 * pi) * mpf(one_minus_c)**1.5",
        rule=_expansion,
        domain=Domain(one_minus_c=Interval(low=0.0, high=1.0, typical=(1e-8, 0.1))),
        derivation="sin t - t cos t = t^3/3 + ... with t = sqrt(2 d) + ...",
        hypotheses=("ReLU", "infinite width"),
        error="O(d^(5/2))",
        statistic="cosine of two inputs before and after a layer",
    ),
    meanfield_law(
        name="meanfield.leaky_correlation_map",
        title="Correlation of two inputs after a leaky ReLU layer with bias",
        quantity="c' with equal variances q",
        formula=(
            "(weight_variance * q / 2 "
            "* (2 * slope * c + (1 - slope)**2 * (sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi) + bias_variance) "
            "/ (weight_variance * q * (1 + mpf(slope)**2) / 2 + bias_variance)"
        ),
        rule=_leaky,
        domain=Domain(
            c=CORRELATION,
            q=Q_NUMERIC,
            slope=Interval(low=-1e30, high=1e30, typical=(-1.0, 2.0)),
            weight_variance=Interval(low=0.0, high=1e30, open_low=True, typical=(0.1, 10.0)),
            bias_variance=BIAS,
        ),
        derivation="The closed form behind meanfield.correlation_map for slope 0 (ReLU), -1 (abs) and all between.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        statistic="cosine of two inputs' pre-activations over units",
        precision="near a zero of the map the error is a few 1e-16, absolute",
    ),
)
