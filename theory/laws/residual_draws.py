"""Residual streams beyond their mean square: how much it varies from draw to draw, and streams that pass ReLUs.

A ResNet adds a branch that batch norm has given the variance 1, and takes ReLU of the sum: along one channel the stream
is a random walk reflected at 0 (Lindley's recursion), which has the law of the walk's greatest value. Its moments are
sums over the walk (Spitzer), and its share of zeros is that of any symmetric continuous steps (Sparre Andersen).

Vocabulary: *steps*: sums that ReLU followed; where the stream starts as ReLU of normed numbers, that is the first.
"""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import half_step

_STEPS = Interval(low=1, high=1e5, whole=True, typical=(1, 100))  # sums of as many terms
_WIDTH = at_least(1, typical=(8, 1e5))
_DEPTH = at_least(0, typical=(1, 1e4))
_GAIN = at_least(0, whole=False, typical=(1e-4, 2.0))
_MOMENT = at_least(0, whole=False, typical=(1e-4, 1e4))
_WALK = (
    "h' = relu(h + f(h)); f ends with a batch norm of scale 1 and shift 0, fresh weights",
    "infinite width and batch: f is N(0, 1) in every channel, independent of h",
    "independent inputs",
)
_LINDLEY = "Lindley 1952; Spitzer 1956, Transactions of the AMS 82; derived"
_FINITE = "O(1 / width + 1 / batch)"


@functools.partial(np.vectorize, otypes=[np.float64])
def _mean(steps: float) -> float:
    return math.fsum(np.arange(1, steps + 1) ** -0.5) / math.sqrt(2 * math.pi)


@functools.partial(np.vectorize, otypes=[np.float64])
def _second(steps: float) -> float:
    roots = np.arange(1, steps) ** -0.5
    pairs = math.fsum(roots * np.cumsum(roots)[::-1])  # of j, k >= 1 with j + k <= steps
    return float(steps) / 2 + pairs / (2 * math.pi)


def _zeros(steps: Any) -> Any:
    return half_step(steps) / (steps * np.sqrt(np.pi))


def _gradient(steps: Any, hidden: Any) -> Any:
    variance = _second(steps - 1) - _mean(steps - 1) ** 2
    return (1 - _zeros(steps)) * (1 + (np.pi / (np.pi - 1)) ** hidden / variance)


def _linear_spread(branch_gain: Any, branches: Any, width: Any) -> Any:
    grown = branch_gain / (1 + branch_gain)
    return 2 * branches * grown * (1 + 1 / (1 + branch_gain)) / width


def _prenorm_spread(second_moment: Any, branches: Any, branch_variance: Any, branch_spread: Any, width: Any) -> Any:
    whole = second_moment + branches * branch_variance
    return 2 / width + branches * branch_spread / whole / whole


_MEAN = "fsum([1 / sqrt(2 * pi * k) for k in range(1, int({n}) + 1)])"
_SECOND = (
    "({n} / mpf(2) + fsum([1 / sqrt(mpf(j) * k) for j in range(1, int({n})) for k in range(1, int({n}) - j + 1)]) "
    "/ (2 * pi))"
)
_law = functools.partial(Law, kind=Kind.ASYMPTOTIC)
_walk = functools.partial(_law, hypotheses=_WALK, source=_LINDLEY, error=_FINITE)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="residual.linear_log_variance",
        title="Spread of the log norm of a residual stream of linear branches",
        quantity="Var ln(|h_L|^2 / |h_0|^2)",
        formula="2 * branches * branch_gain * (2 + branch_gain) / (width * (1 + branch_gain)**2)",
        error="O(branches / width^2)",
        domain=Domain(branch_gain=_GAIN, branches=_DEPTH, width=_WIDTH),
        rule=_linear_spread,
        hypotheses=(
            "h' = h + W h, entries of W iid N(0, branch_gain / width), fresh in each branch",
            "one fixed input",
        ),
        derivation=(
            "|h'|^2 / |h|^2 = 1 + 2 sqrt(s/n) z_1 + (s/n) |z|^2, independently in each branch: of mean 1 + s "
            "and variance (4 s + 2 s^2) / n, over the squared mean."
        ),
        statistic="variance of ln |h_L|^2 over fresh weights",
        not_to_confuse="2 branches / width, of a stack without the identity, which is the limit of large gains",
    ),
    _law(
        name="residual.prenorm_log_variance",
        title="Spread of the log norm of a pre-norm stream: depth adds little",
        quantity="Var ln |h_L|^2",
        formula="2 / mpf(width) + branches * mpf(branch_spread) / (second_moment + branches * mpf(branch_variance))**2",
        error="O(1 / width^2)",
        domain=Domain(
            second_moment=above(0, typical=(1e-4, 1e4)),
            branches=_DEPTH,
            branch_variance=_MOMENT,
            branch_spread=_MOMENT,
            width=_WIDTH,
        ),
        rule=_prenorm_spread,
        hypotheses=(
            "every branch begins with a norm and ends with a map of normal weights",
            "branch_spread: the variance, over draws, of the mean square of a branch given what its last map reads",
            "h_0 normal",
        ),
        derivation=(
            "Given what the last maps read, h_L is normal of variance S = q0 + sum of the branches' mean squares, so "
            "|h_L|^2 = S chi^2(n) / n; Var ln chi^2(n) is near 2/n, and Var ln S near Var S / (E S)^2."
        ),
        statistic="variance of ln |h_L|^2 over fresh weights and inputs",
        not_to_confuse="a spread that grows with the depth, as without norms (residual.linear_log_variance)",
    ),
    _walk(
        name="residual.relu_stream_mean",
        title="Mean of a stream that passes ReLU behind every sum",
        quantity="E h after so many sums",
        formula=_MEAN.format(n="steps"),
        domain=Domain(steps=_STEPS),
        rule=_mean,
        derivation="h is max(0, S_1, ..., S_n) in law; E of it is the sum of E max(S_k, 0) / k = 1 / sqrt(2 pi k).",
        statistic="mean of h over fresh weights",
        not_to_confuse="0, which batch norm gives each branch: the mean grows as sqrt(2 steps / pi)",
    ),
    _walk(
        name="residual.relu_stream_second_moment",
        title="Second moment of a stream that passes ReLU behind every sum",
        quantity="E h^2 after so many sums",
        formula=_SECOND.format(n="steps"),
        domain=Domain(steps=_STEPS),
        rule=_second,
        derivation=(
            "The greatest value of the walk has the cumulant generating series of Spitzer's identity: sum of "
            "E max(S_k, 0)^2 / k = 1/2, and products of the means of two times that fit into n."
        ),
        statistic="mean of h^2 over fresh weights",
        not_to_confuse="steps, without the ReLUs, which it nears as steps grow; half of it, as if ReLU halved it anew",
    ),
    _walk(
        name="residual.relu_stream_zeros",
        title="Share of a ResNet's stream that is 0",
        quantity="P(h = 0) after so many sums",
        formula="binomial(2 * steps, steps) / mpf(4)**steps",
        domain=Domain(steps=_STEPS),
        rule=_zeros,
        derivation="The walk has never been above 0: binom(2n, n) / 4^n for symmetric continuous steps of any law.",
        source="Sparre Andersen 1954, Mathematica Scandinavica 2; derived",
        statistic="share of zeros over fresh weights",
        not_to_confuse="1/2, which holds behind the first ReLU only: it falls as 1 / sqrt(pi steps)",
    ),
    _walk(
        name="residual.relu_block_gradient",
        title="Gradient through the last block of a ResNet",
        quantity="E|dL/dh_(n-1)|^2 / E|dL/dh_n|^2",
        formula=(
            "(1 - binomial(2 * steps, steps) / mpf(4)**steps) * (1 + (pi / (pi - 1))**hidden / ("
            f"{_SECOND.format(n='(steps - 1)')} - {_MEAN.format(n='(steps - 1)')}**2))"
        ),
        domain=Domain(
            steps=Interval(low=2, high=1e5, whole=True, typical=(2, 100)), hidden=at_least(0, typical=(1, 2))
        ),
        rule=_gradient,
        derivation=(
            "ReLU lets through what is not 0. The branch divides by the std of h at its first norm and multiplies by "
            "(1/2) / ((1 - 1/pi) / 2) at each hidden ReLU with the norm behind it; the identity adds 1."
        ),
        statistic="mean squared gradient ratio over fresh weights, of a gradient that depends on none",
        not_to_confuse="1 + 1/steps: the norm subtracts the stream's mean, and ReLU behind a norm multiplies by 1.47",
    ),
)
