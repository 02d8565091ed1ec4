"""Mean-field laws of deep networks: how variance, correlation and gradients move with depth at infinite width.

One layer maps the pre-activation variance q to weight_variance E[phi^2] + bias_variance, where weight_variance is
fan_in Var[w]; chi_1 = weight_variance E[phi'^2] is the factor of a mean-square gradient and the slope of the
correlation map at 1. At chi_1 = 1, the edge of chaos, both signals and gradients travel farthest.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.activations.named import ActivationName, functions, resolve, under_normal
from varlaw.theory.activations.pairs import elementwise, product, single, variance_slope
from varlaw.theory.law import Domain, Interval, Kind, Law, at_least, between
from varlaw.theory.laws.kernels import leaky_map
from varlaw.theory.numerics.quadrature import Floats, floats

_Q = Interval(low=0.0, high=1e75, typical=(1e-6, 1e6))
_Q_NUMERIC = Interval(low=0.0, high=1e30, open_low=True, typical=(1e-3, 1e3))
_WEIGHT = Interval(low=0.0, high=1e75, open_low=True, typical=(0.1, 10.0))
_BIAS = Interval(low=0.0, high=1e75, typical=(1e-3, 1.0))
_CORRELATION = between(-1, 1)
_WIDE = ("weights of mean 0 and variance weight_variance/fan_in, biases of variance bias_variance", "infinite width")
_PANELS = "Nested Gauss-Legendre panels; the error, measured at 25 digits, is below 1e-12."
_SCHOENHOLZ = "Schoenholz et al. 2017, arXiv:1611.01232"
_POOLE = "Poole et al. 2016, arXiv:1606.05340"


def variance_map(activation: str, q: Any, weight_variance: Any, bias_variance: Any) -> Floats:
    """The next layer's pre-activation variance."""
    return np.asarray(floats(weight_variance) * under_normal("second", activation, q) + bias_variance)


def chi(activation: str, q: Any, weight_variance: Any) -> Floats:
    """weight_variance E[phi'^2]."""
    return floats(weight_variance) * under_normal("slope_second", activation, q)


def map_slope(activation: str, q: Any, weight_variance: Any) -> Floats:
    """d q'/d q."""
    return elementwise(lambda v, w: w * _second_slope(activation, v), q, weight_variance)


def _second_slope(activation: str, q: float) -> float:
    """d/dq E phi^2, in closed form where panels see nothing: fast oscillation and far tails."""
    stem, parameter = resolve(activation)
    if stem in ("sin", "cos"):
        rate = parameter["frequency"] ** 2
        return rate * math.exp(-2 * rate * q) * (1 if stem == "sin" else -1)
    if stem == "softshrink":
        return float(under_normal("slope_mean", activation, q))  # phi phi' = phi, and Stein
    if stem == "hardshrink":  # E phi^2 = 2 q (v pdf(v) + Phi(-v)), v = threshold/sqrt(q): its jump adds v^3 pdf(v)
        v = min(parameter["threshold"] / math.sqrt(q), 1e10)
        jump = v**3 * math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
        return float(under_normal("second", activation, q)) / q + jump
    row = functions(activation)
    if stem in ("sigmoid", "hardsigmoid"):  # mean 1/2 at every q: only the odd part changes
        return variance_slope(row._replace(phi=lambda x: row.phi(x) - 0.5), q)
    if stem in ("softplus", "logsigmoid"):  # log(2 cosh(x/2)) +- x/2: the even part and q/4, no halves that cancel
        scaled = parameter.get("beta", 1.0) ** 2 * max(q, 1e-24)
        even = single(lambda x: 0.5 * x * np.tanh(0.5 * x) * np.logaddexp(0.5 * x, -0.5 * x), scaled, ())
        return 0.25 + even / scaled
    return variance_slope(row, q)


def _mean_product(activation: str, which: str, c: float, q: float) -> float:
    """E[f(u) f(v)] for f = phi or phi'; NaN where a shrinking activation's threshold lies beyond 6 deviations."""
    stem, parameter = resolve(activation)
    if stem in ("sin", "cos"):
        rate = parameter["frequency"] ** 2
        near, far = math.exp(-rate * q * (1 - c)), math.exp(-rate * q * (1 + c))
        odd = (stem == "sin") == (which == "phi")
        return (rate if which == "slope" else 1.0) * 0.5 * (near - far if odd else near + far)
    if c == 1.0:
        return float(under_normal("second" if which == "phi" else "slope_second", activation, q))
    if stem in ("softshrink", "hardshrink") and parameter["threshold"] > 6 * math.sqrt(q):
        return math.nan
    row = functions(activation)
    return product(getattr(row, which), q, c, row.kinks)


def correlation_map(activation: str, c: Any, q: Any, weight_variance: Any, bias_variance: Any) -> Floats:
    """(weight_variance E[phi(u) phi(v)] + bias_variance) over the same at c = 1, both inputs of variance q."""

    def rule(corr: float, v: float, w: float, b: float) -> float:
        v = max(v, 1e-60) if b == 0 else v  # flat limit: without bias the scale drops out
        w = 1.0 if b == 0 else w
        whole = w * float(under_normal("second", activation, v)) + b
        return (w * _mean_product(activation, "phi", corr, v) + b) / whole

    return elementwise(rule, c, q, weight_variance, bias_variance)


def covariance_slope(activation: str, c: Any, q: Any, weight_variance: Any) -> Floats:
    """weight_variance E[phi'(u) phi'(v)], the derivative of the covariance map in the covariance."""
    return elementwise(lambda corr, v, w: w * _mean_product(activation, "slope", corr, v), c, q, weight_variance)


def fixed_point(activation: str, weight_variance: Any, bias_variance: Any) -> Floats:
    """The variance that the map settles at from q = 1: 0 when it dies out, inf when it grows without bound."""
    return elementwise(lambda w, b: _settle(activation, w, b), weight_variance, bias_variance)


def _settle(activation: str, weight: float, bias: float) -> float:
    def step(v: float) -> float:
        return float(variance_map(activation, v, weight, bias))

    q, low, high = 1.0, 0.0, math.inf
    for _ in range(2000):
        after = step(q)
        if after > q:
            low = q  # the limit lies above, for a map that does not decrease
        elif after < q:
            high = q
        else:
            return q
        slope = weight * _second_slope(activation, q) if 1e-24 < q < 1e28 else 0.0
        newton = q + (after - q) / (1 - slope) if slope < 1 else after
        nearer = newton if low < newton < high else after
        if abs(nearer - q) <= 2e-16 * q:
            return nearer
        q = nearer
        if q < 1e-60:
            return 0.0
        if q > 1e60:
            return math.inf
    return q


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


_law = functools.partial(
    Law,
    kind=Kind.ASYMPTOTIC,
    hypotheses=_WIDE,
    statistic="mean square over units of a wide layer, fresh weight draws",
    error="O(1/width)",
)


_NAME = ActivationName()
_PAIR = "(lambda x, y: {f}(activation, sqrt(q) * x) * {f}(activation, sqrt(q) * (c * x + sqrt(1 - mpf(c)**2) * y)))"
_E2 = "E(lambda z: phi(activation, sqrt(q) * z)**2)"
_D2 = "E(lambda z: slope(activation, sqrt(q) * z)**2)"

_MAPS = (
    _law(
        name="meanfield.variance_map",
        title="Variance of the next layer's pre-activations",
        quantity="q' = weight_variance E[phi^2] + bias_variance",
        formula=f"weight_variance * {_E2} + bias_variance",
        rule=variance_map,
        domain=Domain(activation=_NAME, q=_Q, weight_variance=_WEIGHT, bias_variance=_BIAS),
        derivation="The linear law with E[x^2] = E[phi(z)^2], z normal by the central limit theorem in fan_in.",
        source=_POOLE,
    ),
    _law(
        name="meanfield.chi",
        title="Gradient factor of a layer",
        quantity="chi_1 = weight_variance E[phi'^2]",
        formula=f"weight_variance * {_D2}",
        rule=chi,
        domain=Domain(activation=_NAME, q=_Q, weight_variance=_WEIGHT),
        derivation=(
            "Backward linear law times E[phi'^2]; also the correlation map's slope at 1. Above 1: chaos, gradients "
            "grow."
        ),
        source=_POOLE,
        statistic="ratio of mean-square gradients of neighbouring layers",
        not_to_confuse="stable activations mean stable gradients: tanh with gain 5/3 settles at chi_1 = 1.21",
    ),
    _law(
        name="meanfield.variance_slope",
        title="Slope of the variance map",
        quantity="d q'/d q",
        formula=(
            "weight_variance * E(lambda z: z * phi(activation, sqrt(q) * z) * slope(activation, sqrt(q) * z)) / sqrt(q)"
        ),
        rule=map_slope,
        domain=Domain(activation=_NAME, q=_Q_NUMERIC, weight_variance=_WEIGHT),
        derivation="d/dq E phi^2 = E[z phi phi']/sqrt(q); jumps of phi itself, as hardshrink's, count besides. "
        + _PANELS,
        statistic="finite difference of the second moment in q",
        not_to_confuse="chi_1 + weight_variance E[phi phi''] with phi'' taken pointwise: the kink of ReLU is a delta",
    ),
    _law(
        name="meanfield.correlation_map",
        title="Correlation of two inputs after a layer",
        quantity="c' with equal variances q",
        formula=(
            f"(weight_variance * E2{_PAIR.format(f='phi')} + bias_variance) / (weight_variance * {_E2} + bias_variance)"
        ),
        rule=correlation_map,
        domain=Domain(activation=_NAME, c=_CORRELATION, q=_Q_NUMERIC, weight_variance=_WEIGHT, bias_variance=_BIAS),
        derivation=(
            "Jointly normal pre-activations have next covariance weight_variance E[phi(u) phi(v)] + bias_variance. "
            + _PANELS
        ),
        source=_POOLE,
        statistic="cosine of two inputs' pre-activations over units",
        precision="the error is 1e-12, absolute; refused for a shrinking activation with threshold > 6 sqrt(q)",
    ),
    _law(
        name="meanfield.correlation_slope",
        title="Slope of the correlation map",
        quantity="weight_variance E[phi'(u) phi'(v)]",
        formula=f"weight_variance * E2{_PAIR.format(f='slope')}",
        rule=covariance_slope,
        domain=Domain(activation=_NAME, c=_CORRELATION, q=_Q_NUMERIC, weight_variance=_WEIGHT),
        derivation="Price's theorem; at a fixed point of the variance map it is the derivative of c'. " + _PANELS,
        source=_SCHOENHOLZ,
        statistic="finite difference of the correlation map",
        precision="absolute error 1e-12 where phi' jumps; refused for shrinking activations with threshold > 6 sqrt(q)",
    ),
    _law(
        name="meanfield.fixed_point",
        title="Variance at which a deep network settles",
        quantity="q with q = weight_variance E[phi^2] + bias_variance",
        formula=(
            "findroot(lambda q: weight_variance * E(lambda z: phi(activation, sqrt(q) * z)**2) + bias_variance - q, 1)"
        ),
        rule=fixed_point,
        domain=Domain(activation=_NAME, weight_variance=_WEIGHT, bias_variance=_BIAS),
        derivation=(
            "Iterated from q = 1 with Newton steps inside the bracket; 0 when the signal dies out, inf when it "
            "explodes."
        ),
        source=_POOLE,
        statistic="mean square deep in a wide network",
        precision="the error is that of the map over 1 - slope: at a critical point half the digits are lost",
        not_to_confuse="1: tanh with gain 5/3 settles at 1.178, selu with torch's gain 3/4 at 0.0230",
    ),
)

_SCALES = (
    _law(
        name="meanfield.critical_weight_variance",
        title="Weight variance at the edge of chaos",
        quantity="weight_variance with chi_1 = 1 at q",
        formula=f"1 / {_D2}",
        rule=critical_weight,
        domain=Domain(activation=_NAME, q=_Q),
        derivation="chi_1 = weight_variance E[phi'^2] = 1.",
        source=_SCHOENHOLZ,
    ),
    _law(
        name="meanfield.critical_bias_variance",
        title="Bias variance at the edge of chaos",
        quantity="bias_variance that makes q a fixed point there",
        formula=f"q - {_E2} / {_D2}",
        rule=critical_bias,
        domain=Domain(activation=_NAME, q=_Q),
        derivation=(
            "q = weight_variance E[phi^2] + bias_variance with weight_variance = 1/E[phi'^2]. Negative: no such "
            "network. ReLU gives 0 for every q: its edge is the single point (2, 0)."
        ),
        source=_SCHOENHOLZ,
        precision="a few 1e-16 of q, absolute: where chi is near 1 digits go (softsign at q = 3e-6: 2e-10 relative)",
    ),
    _law(
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
        source=_SCHOENHOLZ,
        statistic="slope of the log deviation against depth",
    ),
    _law(
        name="meanfield.gradient_depth_scale",
        title="Depth over which gradients grow",
        quantity="1/log(chi), in layers; negative when they vanish",
        formula="1 / log(mpf(chi))",
        rule=lambda chi: -depth_scale(chi),
        domain=Domain(chi=Interval(low=0.0, high=1e75, typical=(1.001, 3.0))),
        derivation="The mean-square gradient is multiplied by chi_1 per layer.",
        source=_SCHOENHOLZ,
        statistic="slope of the log mean-square gradient against depth",
    ),
    _law(
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
    _law(
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
    _law(
        name="meanfield.relu_kernel_expansion",
        title="ReLU's correlation map next to 1",
        quantity="1 - k1(1 - d)",
        formula="mpf(one_minus_c) - 2 * sqrt(2) / (3 * pi) * mpf(one_minus_c)**1.5",
        rule=lambda one_minus_c: _expansion(one_minus_c),
        domain=Domain(one_minus_c=Interval(low=0.0, high=1.0, typical=(1e-8, 0.1))),
        derivation="sin t - t cos t = t^3/3 + ... with t = sqrt(2 d) + ...",
        hypotheses=("ReLU", "infinite width"),
        error="O(d^(5/2))",
        statistic="cosine of two inputs before and after a layer",
    ),
    _law(
        name="meanfield.leaky_correlation_map",
        title="Correlation of two inputs after a leaky ReLU layer with bias",
        quantity="c' with equal variances q",
        formula=(
            "(weight_variance * q / 2 "
            "* (2 * slope * c + (1 - slope)**2 * (sin(acos(mpf(c))) + (pi - acos(mpf(c))) * c) / pi) + bias_variance) "
            "/ (weight_variance * q * (1 + mpf(slope)**2) / 2 + bias_variance)"
        ),
        rule=lambda c, q, slope, weight_variance, bias_variance: _leaky(c, q, slope, weight_variance, bias_variance),
        domain=Domain(
            c=_CORRELATION,
            q=_Q_NUMERIC,
            slope=Interval(low=-1e30, high=1e30, typical=(-1.0, 2.0)),
            weight_variance=Interval(low=0.0, high=1e30, open_low=True, typical=(0.1, 10.0)),
            bias_variance=_BIAS,
        ),
        derivation="The closed form behind meanfield.correlation_map for slope 0 (ReLU), -1 (abs) and all between.",
        source="Cho & Saul 2009, Kernel methods for deep learning",
        statistic="cosine of two inputs' pre-activations over units",
        precision="near a zero of the map the error is a few 1e-16, absolute",
    ),
)


def _expansion(d: Floats) -> Floats:
    return d * (1 - (2 * math.sqrt(2) / (3 * math.pi)) * np.sqrt(d))


def _leaky(c: Any, q: Any, slope: Any, weight: Any, bias: Any) -> Floats:
    share = 0.5 * weight * q * (1 + slope * slope)
    mixed = (share * leaky_map(c, slope) + bias) / np.where(bias == 0, 1.0, share + bias)
    # without bias the scale drops out, even if it vanishes
    return np.where(bias == 0, leaky_map(c, slope), mixed)


ENTRIES: tuple[Law, ...] = (*_MAPS, *_SCALES)
