"""Attention at initialisation: the size of its logits, the flatness of its softmax, and how much averaging shrinks.

1/sqrt(d) gives unit logits for independent queries and keys and for nothing else; and a softmax over nearly equal
logits averages its values, so that attention divides the second moment by about the length of the context.

>>> from varlaw.theory.laws.attention import ENTRIES
>>> {law.name: law for law in ENTRIES}["attention.logit_variance"].value(d=64, query_variance=1.0, key_variance=1.0)
64.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.softmax import WIDEST, softmax_means

_D = at_least(1, typical=(1, 1024))
_N = at_least(1, typical=(1, 1e6))
_VARIANCE = at_least(0, whole=False, typical=(1e-4, 1e4))
_STD = Interval(low=0.0, high=WIDEST, typical=(0.0, 4.0))
_SMALL = Interval(low=0.0, high=1.0)
_INDEPENDENT = "entries of q and k iid with mean zero, q independent of k"
_LOGITS = ("n logits iid N(0, std^2), as at initialisation with n distinct keys",)
_SOFTMAX = Domain(n=_N, std=_STD)
_QUADRATURE = "two nested trapezoidal sums, relative error below 1e-12; costs grow as std^2, hence std <= 32"


@functools.partial(np.vectorize, otypes=[np.float64])
def _square(n: float, std: float) -> float:
    return softmax_means(n, std).square


@functools.partial(np.vectorize, otypes=[np.float64])
def _entropy(n: float, std: float) -> float:
    return softmax_means(n, std).entropy


def _long_square(std: Any) -> Any:
    with np.errstate(over="ignore"):  # e^1024 at the end of the domain
        return np.exp(np.square(std))


def _harmonic_share(length: Any) -> Any:
    from scipy.special import digamma

    return np.where(length == 1, 1.0, (digamma(length + 1) + np.euler_gamma) / length)


_dot_product_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, domain=Domain(d=_D))
_DOT_PRODUCTS = (
    _dot_product_law(
        name="attention.logit_variance",
        title="The dot product of independent q and k has variance d",
        quantity="Var[q.k], before any scaling",
        formula="d * query_variance * key_variance",
        domain=Domain(d=_D, query_variance=_VARIANCE, key_variance=_VARIANCE),
        rule=lambda d, query_variance, key_variance: d * query_variance * key_variance,
        hypotheses=(_INDEPENDENT, "d: head dimension"),
        derivation="A sum of d uncorrelated products, each of variance E q_i^2 E k_i^2.",
        source="derived; Vaswani et al. 2017, arXiv:1706.03762",
        statistic="mean of (q.k)^2 over fresh q, k",
    ),
    _dot_product_law(
        name="attention.scaled_logit_variance",
        title="1/sqrt(d) gives unit logits, at initialisation only",
        quantity="Var[q.k / sqrt(d)]",
        formula="query_variance * key_variance",
        domain=Domain(query_variance=_VARIANCE, key_variance=_VARIANCE),
        rule=lambda query_variance, key_variance: query_variance * key_variance,
        hypotheses=(_INDEPENDENT,),
        derivation="attention.logit_variance divided by d.",
        source="derived; Vaswani et al. 2017, arXiv:1706.03762",
        statistic="mean of squared logits over fresh q, k",
        not_to_confuse="aligned q and k, whose logits are of size sqrt(d): attention.aligned_logit",
    ),
    _dot_product_law(
        name="attention.logit_kurtosis",
        title="Dot products are not Gaussian in small heads",
        quantity="Pearson kurtosis of q.k",
        formula="3 + 6 / d",
        rule=lambda d: 3 + 6 / d,
        hypotheses=(_INDEPENDENT, "normal entries"),
        derivation="One product has kurtosis 3 * 3 = 9; a sum of d has 3 + (9 - 3)/d.",
        statistic="mean of (q.k)^4 over fresh q, k",
    ),
    _dot_product_law(
        name="attention.cosine_variance",
        title="Cosine of two independent directions",
        quantity="E[cos^2]",
        formula="1 / d",
        rule=lambda d: 1 / d,
        hypotheses=("one of the two directions uniform on the sphere, independent of the other",),
        derivation="The squares of the d coordinates of a unit vector sum to 1 and are exchangeable.",
        statistic="mean of cos^2 over fresh directions",
    ),
    _dot_product_law(
        name="attention.normalised_logit_variance",
        title="Queries and keys behind RMS norm: the dot product has variance exactly d",
        quantity="Var[q.k], |q|^2 = |k|^2 = d",
        formula="d",
        rule=lambda d: d,
        hypotheses=("one of the two directions uniform on the sphere, independent of the other", "eps = 0, unit gains"),
        derivation="d^2 times the variance 1/d of the cosine.",
        statistic="mean of (q.k)^2 over fresh directions",
    ),
    _dot_product_law(
        name="attention.aligned_logit",
        title="Aligned q and k: the scaled logit is sqrt(d), not 1",
        quantity="q.k / sqrt(d) for q = k, |q|^2 = d",
        formula="sqrt(d)",
        kind=Kind.EXACT,
        rule=lambda d: np.sqrt(d),
        hypotheses=("q = k with unit mean square, what training tends to",),
        derivation="d / sqrt(d). muP therefore divides by d.",
        source="derived; Yang et al. 2022, arXiv:2203.03466",
        statistic="the logit itself",
    ),
    _dot_product_law(
        name="attention.tied_logit_mean",
        title="Tied query and key matrices: every token prefers itself from the start",
        quantity="E[q.k / sqrt(d)] of a token with itself, W_q = W_k",
        formula="sqrt(d) * variance",
        domain=Domain(d=_D, variance=_VARIANCE),
        rule=lambda d, variance: np.sqrt(d) * variance,
        hypotheses=("variance: mean square of the entries of q",),
        derivation="E|q|^2 = d variance.",
        statistic="mean of diagonal logits over fresh weights",
    ),
)

_weight_law = functools.partial(Law, kind=Kind.ASYMPTOTIC, hypotheses=_LOGITS)
_WEIGHTS = (
    _weight_law(
        name="attention.weight_square",
        title="How concentrated the softmax of random logits is",
        quantity="E[sum of squared attention weights]",
        formula=(
            "n * quad(lambda t: normal_mean(lambda x: exp(2 * (t + x) - exp(t + x)), std) "
            "* normal_mean(lambda x: exp(-exp(t + x)), std)**(n - 1), [-inf, inf])"
        ),
        kind=Kind.IN_EXPECTATION,
        domain=_SOFTMAX,
        rule=_square,
        derivation=(
            "p^2 = e^(2x) int u e^(-uS) du with u = e^t; f(t) = E exp(-e^(t+x)) and B(t) = E exp(2(t+x) - e^(t+x)), x "
            "~ N(0, std^2)."
        ),
        statistic="mean of sum p^2 over fresh logits",
        precision=_QUADRATURE,
    ),
    _weight_law(
        name="attention.entropy",
        title="Entropy of the softmax of random logits",
        quantity="E[-sum p ln p], nats",
        formula=(
            "-n * quad(lambda t: normal_mean(lambda x: (t + x + euler) * exp(t + x - exp(t + x)), std) "
            "* normal_mean(lambda x: exp(-exp(t + x)), std)**(n - 1), [-inf, inf])"
        ),
        kind=Kind.IN_EXPECTATION,
        domain=_SOFTMAX,
        rule=_entropy,
        derivation=(
            "The derivative of E sum p^a at a = 1, with p^a as a Gamma integral: A(t) = E[(w + gamma) exp(w - e^w)], w "
            "= t + x, gamma Euler's constant. Also E ln S - std^2 (1 - E sum p^2), by Stein's lemma."
        ),
        statistic="mean entropy over fresh logits",
        precision=_QUADRATURE,
    ),
    _weight_law(
        name="attention.weight_square_small",
        title="Concentration of the softmax for small logits",
        quantity="E[sum of squared attention weights]",
        formula="1 / n + std**2 * (n - 1) / n**2",
        error="O(std^4 / n)",
        domain=Domain(n=_N, std=_SMALL),
        rule=lambda n, std: (1 + np.square(std) * (1 - 1 / n)) / n,
        derivation="Expansion of the softmax about equal logits.",
        statistic="mean of sum p^2 over fresh logits",
    ),
    _weight_law(
        name="attention.entropy_small",
        title="Entropy of the softmax for small logits",
        quantity="E[-sum p ln p], nats",
        formula="log(n) - std**2 / 2 * (1 - 1 / n)",
        error="O(std^4)",
        domain=Domain(n=_N, std=_SMALL),
        rule=lambda n, std: np.log(n) - np.square(std) / 2 * (1 - 1 / n),
        derivation="Expansion of the softmax about equal logits.",
        statistic="mean entropy over fresh logits",
    ),
    _weight_law(
        name="attention.weight_square_long",
        title="Concentration of the softmax over a long context",
        quantity="n E[sum of squared attention weights]",
        formula="exp(std**2)",
        error="O(1/n) at fixed std",
        domain=Domain(std=_STD),
        rule=_long_square,
        hypotheses=(*_LOGITS, "n to infinity at fixed std"),
        derivation="sum e^(2x) / (sum e^x)^2 by the law of large numbers: n^-1 e^(2 std^2) / e^(std^2).",
        statistic="n times the mean of sum p^2 over fresh logits",
    ),
    _weight_law(
        name="attention.entropy_long",
        title="Entropy of the softmax over a long context",
        quantity="E[-sum p ln p] - ln(n), nats",
        formula="-std**2 / 2",
        error="O(1/n) at fixed std",
        domain=Domain(std=_STD),
        rule=lambda std: -np.square(std) / 2,
        hypotheses=(*_LOGITS, "n to infinity at fixed std"),
        derivation="ln S -> ln n + std^2/2 and sum p x -> std^2.",
        statistic="mean entropy over fresh logits, less ln(n)",
    ),
)

_OUTPUTS = (
    Law(
        name="attention.output_second_moment",
        title="Attention at initialisation averages: the second moment falls by about the context length",
        quantity="E[output^2]",
        formula=(
            "value_variance * n * quad(lambda t: normal_mean(lambda x: exp(2 * (t + x) - exp(t + x)), std) "
            "* normal_mean(lambda x: exp(-exp(t + x)), std)**(n - 1), [-inf, inf])"
        ),
        kind=Kind.IN_EXPECTATION,
        domain=Domain(n=_N, std=_STD, value_variance=_VARIANCE),
        rule=lambda n, std, value_variance: value_variance * _square(n, std),
        hypotheses=(*_LOGITS, "values iid with mean zero, independent of the logits"),
        derivation="E(sum p_i v_i)^2 = value_variance E sum p_i^2, see attention.weight_square.",
        statistic="mean of squared outputs over fresh weights",
        precision=_QUADRATURE,
        not_to_confuse="value_variance: attention does not preserve the variance of its values",
    ),
    Law(
        name="attention.uniform_causal_second_moment",
        title="Uniform causal attention: mean second moment over the positions",
        quantity="mean over positions of E[output^2] / E[value^2]",
        formula="(psi(0, length + 1) + euler) / length",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(length=_N),
        rule=_harmonic_share,
        hypotheses=("equal logits", "position t averages its t predecessors, itself included", "values iid, mean zero"),
        derivation="mean of 1/t for t = 1 .. T is H_T / T.",
        statistic="mean of squared outputs over positions and fresh values",
    ),
)

ENTRIES: tuple[Law, ...] = (*_DOT_PRODUCTS, *_WEIGHTS, *_OUTPUTS)
