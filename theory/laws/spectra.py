"""Spectra of random weight matrices and deep products: Marchenko-Pastur, Fuss-Catalan, and isometry.

>>> from varlaw.theory.laws.spectra import ENTRIES
>>> {law.name: law for law in ENTRIES}["marchenko_pastur.high"].value(ratio=1.0)
4.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law

_RATIO = above(0, typical=(1e-3, 1e3))
_SIZE = at_least(1, typical=(1, 1e5))
_LAYERS = at_least(1, typical=(1, 1e4))
_ORDER = Interval(low=0, high=1e4, whole=True, typical=(0, 8))
_WISHART = (
    "W of shape (p, n), entries iid of mean zero and variance 1/n, finite fourth moment",
    "ratio = p/n; p, n to infinity",
)
_WIDE = "O(1 / width)"
_MP = "Marchenko and Pastur 1967, Mathematics of the USSR-Sbornik 1"
_PENNINGTON = "Pennington et al. 2017, arXiv:1711.04735"
_DEEP = ("square layers, weights iid N(0, 1/width)", "width to infinity at fixed depth")


def _low(ratio: Any) -> Any:
    return np.square((1 - ratio) / (1 + np.sqrt(ratio)))  # (1 - sqrt(g))^2 without cancellation


@functools.partial(np.vectorize, otypes=[np.float64])
def _moment(order: float, ratio: float) -> float:
    # Narayana numbers N(k, r+1) = binom(k, r) binom(k-1, r) / (r + 1), by the ratio of neighbours
    k, term, total = int(order), 1.0, 1.0
    for r in range(1, k):
        term *= ratio * (k - r + 1) * (k - r) / (r * (r + 1))
        total += term
    return total


def _density(x: Any, ratio: Any) -> Any:
    # x - (1 + ratio), the larger part first: the distance from the middle of the support keeps its digits
    offset, half = (x - np.maximum(ratio, 1)) - np.minimum(ratio, 1), 2 * np.sqrt(ratio)
    low = np.where(x < 0.25 * np.maximum(ratio, 1), x - _low(ratio), half + offset)
    inside = (half - offset) * low
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((inside > 0) & (x > 0), np.sqrt(np.maximum(inside, 0)) / (2 * np.pi * ratio) / x, 0.0)


@functools.partial(np.vectorize, otypes=[np.float64])
def _fuss_catalan(order: float, layers: float) -> float:
    j = np.arange(2, order + 1)
    return float(np.prod((layers * order + j) / j))


_marchenko_pastur_law = functools.partial(Law, kind=Kind.ASYMPTOTIC, hypotheses=_WISHART, domain=Domain(ratio=_RATIO))
_MARCHENKO_PASTUR = (
    _marchenko_pastur_law(
        name="marchenko_pastur.low",
        title="Lower edge of the spectrum of W W^T",
        quantity="smallest non-zero eigenvalue",
        formula="(1 - sqrt(ratio))**2",
        error="O(p^(-2/3)) away from ratio 1",
        rule=_low,
        derivation="Support of the Marchenko-Pastur law.",
        source=_MP,
        statistic="smallest non-zero eigenvalue of W W^T",
    ),
    _marchenko_pastur_law(
        name="marchenko_pastur.high",
        title="Upper edge of the spectrum of W W^T",
        quantity="largest eigenvalue",
        formula="(1 + sqrt(ratio))**2",
        error="O(p^(-2/3))",
        rule=lambda ratio: np.square(1 + np.sqrt(ratio)),
        derivation="Support of the Marchenko-Pastur law; the largest singular value tends to 1 + sqrt(p/n).",
        source=_MP,
        statistic="largest eigenvalue of W W^T",
    ),
    _marchenko_pastur_law(
        name="marchenko_pastur.atom",
        title="Share of zero eigenvalues of W W^T",
        quantity="mass at 0",
        formula="1 - 1 / ratio if ratio > 1 else 0",
        kind=Kind.EXACT,
        rule=lambda ratio: np.where(ratio > 1, (ratio - 1) / np.maximum(ratio, 1), 0.0),
        hypotheses=("W of shape (p, n) of full rank", "ratio = p/n"),
        derivation="rank W = min(p, n), so p - n of p eigenvalues are 0.",
        statistic="share of eigenvalues below rounding",
    ),
    _marchenko_pastur_law(
        name="marchenko_pastur.moment",
        title="Moments of the spectrum of W W^T",
        quantity="mean over the eigenvalues of x^order",
        formula=(
            "fsum([binomial(order, r) * binomial(order - 1, r) * ratio**r / (r + 1) for r in range(int(order))]) "
            "if order > 0 else 1"
        ),
        error="O(1 / n)",
        domain=Domain(order=_ORDER, ratio=_RATIO),
        rule=_moment,
        derivation="Non-crossing partitions, counted by Narayana numbers: 1, 1 + g, 1 + 3g + g^2, ...",
        source=_MP,
        statistic="trace of (W W^T)^order / p",
    ),
    _marchenko_pastur_law(
        name="marchenko_pastur.density",
        title="Density of the spectrum of W W^T",
        quantity="density at x > 0",
        formula=(
            "sqrt((x - (1 - sqrt(ratio))**2) * ((1 + sqrt(ratio))**2 - x)) / (2 * pi * ratio * x) "
            "if (1 - sqrt(ratio))**2 < x < (1 + sqrt(ratio))**2 else 0"
        ),
        error="weak convergence, O(1 / n)",
        domain=Domain(x=above(0, typical=(0.05, 4.0)), ratio=_RATIO),
        rule=_density,
        derivation="Stieltjes transform of the limit law; the atom at 0 is marchenko_pastur.atom.",
        source=_MP,
        statistic="histogram of the eigenvalues of W W^T",
        precision="next to an edge the distance to it is rounded: relative error 1e-16 x / distance",
    ),
    _marchenko_pastur_law(
        name="spectra.second_moment",
        title="Second moment of the spectrum of W W^T at finite size, any weight law",
        quantity="E[trace of (W W^T)^2] / p",
        formula="(p + n - 2 + kurtosis) / n",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(p=_SIZE, n=_SIZE, kurtosis=at_least(1, whole=False, typical=(1.0, 30.0))),
        rule=lambda p, n, kurtosis: (p + n - 2 + kurtosis) / n,
        hypotheses=("entries iid of mean zero, variance 1/n and this kurtosis",),
        derivation=(
            "sum over i, k of (sum_j w_ij w_kj)^2: p-1 pairs of rows give 1/n each, a row with itself (n - 1 + "
            "kurtosis)/n."
        ),
        statistic="mean of trace of (W W^T)^2 / p over fresh weights",
    ),
)

_product_law = functools.partial(
    Law,
    kind=Kind.ASYMPTOTIC,
    hypotheses=_DEEP,
    statistic="variance over the spectrum of s^2 / mean",
    source=_PENNINGTON,
    domain=Domain(layers=_LAYERS),
)
_PRODUCTS = (
    _product_law(
        name="fuss_catalan.moment",
        title="Moments of the squared singular values of a deep linear net",
        quantity="mean of s^(2 order)",
        formula="binomial((layers + 1) * order, order) / (layers * order + 1)",
        error=_WIDE,
        domain=Domain(order=_ORDER, layers=_LAYERS),
        rule=_fuss_catalan,
        derivation=(
            "Free multiplicative convolution of `layers` Marchenko-Pastur laws of ratio 1: Fuss-Catalan numbers."
        ),
        source=f"derived; {_PENNINGTON}",
        statistic="trace of (M M^T)^order / width",
    ),
    _product_law(
        name="fuss_catalan.edge",
        title="Largest squared singular value of a deep linear net grows linearly with depth",
        quantity="upper edge of s^2",
        formula="(layers + 1)**(layers + 1) / layers**layers",
        error="O(width^(-2/3))",
        rule=lambda layers: (layers + 1) * np.exp(layers * np.log1p(1 / layers)),
        derivation="Growth rate of the Fuss-Catalan numbers; about e (L + 1/2).",
        statistic="largest squared singular value",
    ),
    _product_law(
        name="fuss_catalan.variance",
        title="Spread of the squared singular values of a deep linear net",
        quantity="variance of s^2 (mean 1)",
        formula="layers",
        error=_WIDE,
        rule=lambda layers: layers,
        derivation="Second Fuss-Catalan moment L + 1, less 1.",
        source=f"derived; {_PENNINGTON}",
    ),
    _product_law(
        name="spectra.relu_gaussian_variance",
        title="Spread of the squared singular values of a He-initialised Gaussian ReLU net",
        quantity="variance of s^2 / mean^2",
        formula="2 * layers",
        error=_WIDE,
        rule=lambda layers: 2 * layers,
        hypotheses=("Jacobian at a fixed input, weights iid N(0, 2/width), relu", "width to infinity at fixed depth"),
        derivation=(
            "Normalised spreads of free factors add: 1 from each matrix, 1 from each random half of units (2^2/2 - 1)."
        ),
    ),
    _product_law(
        name="spectra.relu_orthogonal_variance",
        title="Orthogonal weights do not make a ReLU net an isometry",
        quantity="variance of s^2 / mean^2",
        formula="layers",
        error=_WIDE,
        rule=lambda layers: layers,
        hypotheses=(
            "Jacobian at a fixed input, Haar orthogonal weights times sqrt(2), relu",
            "width to infinity at fixed depth",
        ),
        derivation=(
            "As spectra.relu_gaussian_variance without the matrices' part; half of all units are off in each layer."
        ),
        not_to_confuse="0, which orthogonal weights give in a linear net",
    ),
    _product_law(
        name="spectra.orthogonal_linear_variance",
        title="A deep linear net of square orthogonal layers is an isometry",
        quantity="variance of s^2",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda layers: np.zeros_like(layers),
        hypotheses=("square orthogonal weights, no nonlinearity",),
        derivation="A product of orthogonal matrices is orthogonal: all singular values are 1.",
        source="Saxe et al. 2014, arXiv:1312.6120",
        statistic="singular values, against a rounding bound",
    ),
)

ENTRIES: tuple[Law, ...] = (*_MARCHENKO_PASTUR, *_PRODUCTS)
