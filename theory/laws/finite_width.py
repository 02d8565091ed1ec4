"""Deep nets of finite width: a preserved mean square is not a preserved norm.

Along one fixed input a Gaussian layer multiplies the squared norm by an independent chi-square variate, so every moment
and every log moment of a linear net is exact at every width; a He-initialised ReLU net first halves the degrees of
freedom at random. Means are carried by rare large draws while the typical draw shrinks.

Vocabulary: *widths*: layer widths along the last axis; *alive*: no layer has all its units off.
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import digamma_gap, trigamma
from varlaw.theory.numerics.relu_counts import alive_log_mean, alive_log_variance

_N = at_least(1, typical=(1, 1e5))
_COUNTED = Interval(low=1, high=1e9, whole=True, typical=(1, 1e5))  # sums of 40 sqrt(width) terms
_FACTORS = at_least(0, typical=(1, 1e4))
_LINEAR = ("linear layers, no bias", "weights iid N(0, 1 / fan_in)", "one fixed input")
_RELU = ("z = W h, h' = relu(z), no bias", "weights iid N(0, 2 / fan_in) (He)", "one fixed input")
_ALIVE = (*_RELU, "given that some unit of the layer is on (probability 1 - 2^-width)")
_HANIN = "Hanin and Nica 2020, arXiv:1812.05994"


def _power(width: Any, layers: Any, *steps: float) -> Any:
    """prod over steps of (1 + step / width)^layers."""
    with np.errstate(over="ignore"):
        return np.exp(layers * sum(np.log1p(step / width) for step in steps))


def _sum(term: Any, widths: Any) -> Any:
    return np.sum(term(np.atleast_1d(widths)), axis=-1)


def _dead_network(widths: Any) -> Any:
    # 1 - prod(1 - q) of numbers q <= 1/2, without cancellation
    return -np.expm1(_sum(lambda n: np.log1p(-np.exp2(-n)), widths))


_WIDTH_LAYERS = Domain(width=_N, layers=_FACTORS)


def _moments_law(
    name: str, title: str, power: str, formula: str, steps: tuple[float, ...], holds: Any, why: str
) -> Law:
    return Law(
        name=f"products.{name}",
        title=title,
        quantity=f"E|h_L|^{power} / |h_0|^{power}",
        formula=formula,
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTH_LAYERS,
        rule=lambda width, layers: _power(width, layers, *steps),
        hypotheses=(*holds, "all layers of one width"),
        derivation=why,
        source=f"derived; {_HANIN}",
        statistic=f"mean of |h_L|^{power} over fresh weights (heavy-tailed: only shallow nets are measurable)",
        not_to_confuse="1, which holds for the second moment only",
    )


_MOMENTS = (
    _moments_law(
        "linear_fourth_moment",
        "Fourth moment of the norm in a linear net",
        "4",
        "(1 + 2 / width)**layers",
        (2.0,),
        _LINEAR,
        "E chi^4(n) / n^2 = n (n + 2) / n^2 in each layer.",
    ),
    _moments_law(
        "linear_eighth_moment",
        "Eighth moment of the norm in a linear net",
        "8",
        "((width + 2) * (width + 4) * (width + 6) / width**3)**layers",
        (2.0, 4.0, 6.0),
        _LINEAR,
        "E chi^8(n) / n^4 = n (n + 2)(n + 4)(n + 6) / n^4 in each layer.",
    ),
    _moments_law(
        "relu_fourth_moment",
        "Fourth moment of the norm in a He-initialised ReLU net",
        "4",
        "(1 + 5 / width)**layers",
        (5.0,),
        _RELU,
        "(4/n^2) (n E relu^4 + n (n-1) (E relu^2)^2) = (4/n^2) (3n/2 + n (n-1)/4) = (n + 5)/n.",
    ),
)

_WIDTHS = Domain(widths=at_least(1, typical=(1, 1e5)))
_log_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, domain=_WIDTHS)
_LOGS = (
    _log_law(
        name="products.linear_log_mean",
        title="Mean log squared norm of a linear net of finite width",
        quantity="E ln(mean square of h_L / mean square of h_0)",
        formula="fsum([psi(0, n / 2) - log(n / 2) for n in widths])",
        rule=lambda widths: _sum(lambda n: digamma_gap(n / 2), widths),
        hypotheses=(*_LINEAR, "widths: of all layers but the input"),
        derivation="The mean square is multiplied by chi^2(n)/n in each layer.",
        statistic="mean of ln |h_L|^2 over fresh weights",
    ),
    _log_law(
        name="products.linear_log_variance",
        title="Spread of the log squared norm of a linear net of finite width",
        quantity="Var ln(|h_L|^2 / |h_0|^2)",
        formula="fsum([psi(1, n / 2) for n in widths])",
        rule=lambda widths: _sum(lambda n: trigamma(n / 2), widths),
        hypotheses=("linear layers, no bias", "Gaussian weights, any variance", "one fixed input"),
        derivation="Var ln chi^2(n) = psi1(n/2), about 2/n; independent over the layers.",
        source=f"derived; {_HANIN}",
        statistic="variance of ln |h_L|^2 over fresh weights",
    ),
    _log_law(
        name="products.linear_log_variance_leading",
        title="Leading term of the spread of the log squared norm of a linear net",
        quantity="Var ln(|h_L|^2 / |h_0|^2)",
        formula="2 * layers / width",
        kind=Kind.ASYMPTOTIC,
        error="2 layers / width^2, and O(layers / width^3)",
        domain=_WIDTH_LAYERS,
        rule=lambda width, layers: 2 * (layers / width),
        hypotheses=(
            "linear layers, no bias",
            "Gaussian weights, any variance",
            "one fixed input",
            "all layers of one width",
        ),
        derivation="psi1(n/2) = 2/n + 2/n^2 + O(1/n^3) in products.linear_log_variance.",
        source=f"derived; {_HANIN}",
        statistic="variance of ln |h_L|^2 over fresh weights",
        not_to_confuse="5 layers / width, that of ReLU nets (products.relu_log_variance)",
    ),
    _log_law(
        name="products.relu_log_variance",
        title="Spread of the log squared norm of a He-initialised ReLU net",
        quantity="Var ln(|h_L|^2 / |h_0|^2), given alive",
        formula="5 * fsum([1 / n for n in widths])",
        kind=Kind.ASYMPTOTIC,
        error="O(sum 1/n^2)",
        rule=lambda widths: _sum(lambda n: 5 / n, widths),
        hypotheses=_RELU,
        derivation="4/n from chi^2(n/2), 1/n from the number of units on. The mean is about minus half of it.",
        source=_HANIN,
        statistic="variance of ln |h_L|^2 over fresh weights, dead draws left out",
    ),
    _log_law(
        name="products.relu_log_mean_alive",
        title="Mean log squared norm across one He-initialised ReLU layer, given alive",
        quantity="E[ln(|h'|^2 / |h|^2)]",
        formula=(
            "fsum([binomial(width, k) * (psi(0, mpf(k) / 2) + log(4 / width)) for k in range(1, int(width) + 1)]) "
            "/ (2**width - 1)"
        ),
        domain=Domain(width=_COUNTED),
        rule=alive_log_mean,
        hypotheses=_ALIVE,
        derivation=(
            "k ~ Binomial(n, 1/2) units are on; |h'|^2 = (2/n) |h|^2 chi^2(k). About -5/(2n). Layers are independent."
        ),
        statistic="mean of ln(|h'|^2 / |h|^2) over fresh weights, dead draws left out",
    ),
    _log_law(
        name="products.relu_log_variance_alive",
        title="Spread of the log squared norm across one He-initialised ReLU layer, given alive",
        quantity="Var[ln(|h'|^2 / |h|^2)]",
        formula=(
            "fsum([binomial(width, k) * (psi(1, mpf(k) / 2) + psi(0, mpf(k) / 2)**2) "
            "for k in range(1, int(width) + 1)]) / (2**width - 1) "
            "- (fsum([binomial(width, k) * psi(0, mpf(k) / 2) for k in range(1, int(width) + 1)]) / (2**width - 1))**2"
        ),
        domain=Domain(width=_COUNTED),
        rule=alive_log_variance,
        hypotheses=_ALIVE,
        derivation="E Var + Var E over k: psi1(k/2) and the spread of psi(k/2). About 5/n. Layers are independent.",
        statistic="variance of ln(|h'|^2 / |h|^2) over fresh weights, dead draws left out",
    ),
)

_SYMMETRIC = (
    "zero biases",
    "weights independent, within a layer and between layers, each symmetric about 0 and without atoms",
    "input not zero",
)
_DEAD = (
    Law(
        name="products.dead_layer",
        title="A ReLU layer is dead for one input with probability 2^-n",
        quantity="P(all units off)",
        formula="2**(-width)",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(width=_N),
        rule=lambda width: np.exp2(-width),
        hypotheses=_SYMMETRIC,
        derivation="Each pre-activation is negative with probability 1/2, independently given the input.",
        source="derived; Lu et al. 2020, arXiv:1903.06733",
        statistic="share of dead layers over fresh weights",
        not_to_confuse="layers whose rows depend on each other: equal rows are dead together with probability 1/2",
    ),
    Law(
        name="products.dead_network",
        title="A deep ReLU net puts out exactly 0 with this probability",
        quantity="P(output = 0) for one input",
        formula="1 - fprod([1 - 2**(-n) for n in widths])",
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTHS,
        rule=_dead_network,
        hypotheses=(*_SYMMETRIC, "widths: of all ReLU layers"),
        derivation="The net is alive when no layer is dead; given an alive past, dead_layer applies.",
        source="derived; Lu et al. 2020, arXiv:1903.06733",
        statistic="share of zero outputs over fresh weights",
        not_to_confuse="0: hence E ln|h|^2 is -infinite at every finite width, products.relu_log_mean",
    ),
    Law(
        name="products.relu_log_mean",
        title="The mean log norm of a ReLU net is minus infinity",
        quantity="E ln|h_L|^2",
        formula="-inf",
        kind=Kind.IN_EXPECTATION,
        domain=_WIDTHS,
        rule=lambda widths: _sum(lambda n: np.full_like(n, -np.inf), widths),
        hypotheses=_SYMMETRIC,
        derivation="ln 0 = -inf has positive probability (products.dead_network).",
        statistic="share of zero outputs over fresh weights",
        not_to_confuse="products.relu_log_mean_alive, the mean given alive",
        unmeasured="no draws have an infinite mean; what makes it infinite, products.dead_network, is measured",
    ),
)

ENTRIES: tuple[Law, ...] = (*_MOMENTS, *_LOGS, *_DEAD)
