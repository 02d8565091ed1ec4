"""Variates: moments against quadrature of the density, distribution functions against each other, refusals."""

import math
from typing import Any

import numpy as np
import pytest

from varlaw.theory.numerics.quadrature import legendre
from varlaw.theory.variates import (
    COUNTS,
    CURVES,
    Beta,
    Binomial,
    Categorical,
    Cauchy,
    Constant,
    Continuous,
    Curve,
    Exponential,
    Gamma,
    Geometric,
    Gumbel,
    HaarEntry,
    Integers,
    Laplace,
    Logistic,
    LogNormal,
    Normal,
    Orthogonal,
    Poisson,
    Rademacher,
    SparseNormal,
    StudentT,
    TruncatedNormal,
    Uniform,
    UniformRange,
    Variate,
)

CONTINUOUS = [
    Normal(0.5, 0.1),
    Uniform(2.0),
    UniformRange(-1.0, 3.0),
    TruncatedNormal(0.5),
    TruncatedNormal(2.0, 3.0, 9.0),
    TruncatedNormal(1.0, -math.inf, -2.5),
    TruncatedNormal.from_bounds(0.02, -2.0, 2.0),
    TruncatedNormal.with_std(1.0, -1.0, 3.0),
    TruncatedNormal(2.0, -3.0, -2.0, 1.0),
    TruncatedNormal.from_bounds(2.0, -1.0, 3.0, 1.0),
    HaarEntry(9, 2.0),
]
DISCRETE = [
    Constant(1.5),
    Constant(-2.0),
    Rademacher(2.0),
    SparseNormal(2.0, 0.3),
    SparseNormal(1.0, 0.0),
    HaarEntry(1),
]
ALL = [*CONTINUOUS, *DISCRETE]


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_is_a_variate(law: Variate) -> None:
    assert isinstance(law, Variate)
    assert law.variance == pytest.approx(law.std**2, rel=1e-15)
    assert law.second_moment == pytest.approx(law.variance + law.mean**2, rel=1e-15)
    low, high = law.support
    assert law.bound == max(abs(low), abs(high))
    assert low <= law.mean <= high


@pytest.mark.parametrize("law", CONTINUOUS, ids=repr)
def test_moments_integrate_the_density(law: Continuous) -> None:
    low = max(law.support[0], law.mean - 40 * law.std)
    high = min(law.support[1], law.mean + 40 * law.std)
    u, w = legendre(40)
    edges = np.linspace(low, high, 161)
    x = (edges[:-1, None] + np.diff(edges)[:, None] * u).ravel()
    weight = (np.diff(edges)[:, None] * w).ravel() * np.exp(law.logpdf(x))
    centred = x - law.mean
    # 160 panels of 40 nodes leave 1e-13 of smooth densities.
    assert weight.sum() == pytest.approx(1.0, rel=1e-12)
    assert (weight * centred).sum() == pytest.approx(0.0, abs=1e-12 * law.std)
    assert (weight * centred**2).sum() == pytest.approx(law.variance, rel=1e-12)
    assert (weight * centred**4).sum() == pytest.approx(law.kurtosis * law.variance**2, rel=1e-11)


@pytest.mark.parametrize("law", CONTINUOUS, ids=repr)
def test_quantile_inverts_the_distribution_function(law: Variate) -> None:
    u = np.array([1e-9, 1e-3, 0.2, 0.5, 0.77, 0.999])
    np.testing.assert_allclose(law.cdf(law.quantile(u)), u, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_tails_complete_each_other(law: Variate) -> None:
    x = np.concatenate([law.quantile(np.linspace(0.01, 0.99, 21)), [0.0, -1.5, 1.5, 2.0, -2.0]])
    np.testing.assert_allclose(law.cdf(x) + law.survival(x), 1.0, rtol=1e-15)
    c = np.abs(x)
    at_minus = sum((p * (-c == v) for v, p in law.atoms), np.zeros_like(c))
    np.testing.assert_allclose(law.abs_cdf(c), law.cdf(c) - law.cdf(-c) + at_minus, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_scaling_scales(law: Variate) -> None:
    half = law.scaled(0.5)
    assert type(half) is type(law)
    assert half.std == pytest.approx(0.5 * law.std, rel=1e-15)
    assert half.mean == pytest.approx(0.5 * law.mean, rel=1e-15)
    assert half.support == pytest.approx(tuple(0.5 * v for v in law.support))


def test_truncated_normal_speaks_of_the_result() -> None:
    law = TruncatedNormal(0.02)
    assert law.parent_std == 0.02
    assert law.std == pytest.approx(0.02 * 0.8796256610342398, rel=1e-15)
    assert TruncatedNormal.with_std(0.02).std == pytest.approx(0.02, rel=1e-15)
    # torch's trunc_normal_(std=0.02) has bounds of 100 sigmas: nothing is cut
    assert TruncatedNormal.from_bounds(0.02, -2.0, 2.0).std == pytest.approx(0.02, rel=1e-15)


def test_far_tails_keep_their_digits() -> None:
    law = TruncatedNormal(1.0, 30.0, math.inf)
    assert law.survival(30.1) == pytest.approx(math.exp(-0.1 * 30.05) * 30 / 30.1, rel=1e-4)
    assert Normal(1.0).survival(30.0) == pytest.approx(4.906713927148187e-198, rel=1e-12)


def test_atoms() -> None:
    assert Rademacher(2.0).atoms == ((-2.0, 0.5), (2.0, 0.5))
    assert SparseNormal(1.0, 0.25).atoms == ((0.0, 0.25),)
    assert Normal(1.0).atoms == Uniform(1.0).atoms == ()
    assert math.isnan(Constant(1.0).kurtosis)


def test_haar_entry_of_two_dimensions_is_the_arcsine_law() -> None:
    law = HaarEntry(2)
    x = np.linspace(-0.99, 0.99, 11)
    np.testing.assert_allclose(law.cdf(x), 0.5 + np.arcsin(x) / math.pi, rtol=1e-14)
    assert Orthogonal(2.0).entry(3, 8) == HaarEntry(8, 2.0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Normal(0.0), "std"),
        (lambda: Normal(-1.0), "std"),
        (lambda: Normal(math.nan), "std"),
        (lambda: Normal(1.0, math.inf), "mean"),
        (lambda: Uniform(-1.0), "bound"),
        (lambda: Uniform(math.nan), "bound"),
        (lambda: UniformRange(1.0, 1.0), "low, high"),
        (lambda: UniformRange(0.0, math.nan), "low, high"),
        (lambda: TruncatedNormal(0.0), "std"),
        (lambda: TruncatedNormal(1.0, 2.0, 1.0), "low, high"),
        (lambda: TruncatedNormal(1.0, math.nan, 1.0), "low, high"),
        (lambda: TruncatedNormal.from_bounds(-1.0, 0.0, 1.0), "std"),
        (lambda: Constant(math.inf), "value"),
        (lambda: Rademacher(0.0), "scale"),
        (lambda: SparseNormal(1.0, 1.0), "zeros"),
        (lambda: SparseNormal(0.0, 0.5), "std"),
        (lambda: HaarEntry(0), "size"),
        (lambda: Orthogonal(-1.0), "gain"),
        (lambda: Normal(1.0).scaled(0.0), "factor"),
        (lambda: Normal(1.0).scaled(10**400), "factor"),
        (lambda: Normal(10**400), "std"),
        (lambda: Normal(1.0, -(10**5000)), "mean"),
        (lambda: Normal("1"), "std"),  # type: ignore[arg-type]
        (lambda: Uniform(np.ones(3)), "bound"),  # type: ignore[arg-type]
        (lambda: UniformRange(0.0, 10**400), "low, high"),
        (lambda: TruncatedNormal(1.0, -2.0, 10**400), "low, high"),
        (lambda: Constant(10**400), "value"),
        (lambda: Constant(np.zeros(3)), "value"),  # type: ignore[arg-type]
        (lambda: HaarEntry(10**400), "size"),
        (lambda: Exponential(0.0), "scale"),
        (lambda: Laplace(math.inf), "scale"),
        (lambda: LogNormal(-1.0), "std"),
        (lambda: Gamma(math.nan), "shape"),
        (lambda: Beta(2.0, 1.0), "b"),
        (lambda: StudentT(0.0), "freedom"),
        (lambda: Geometric(1.0), "p"),
        (lambda: Poisson(-1.0), "rate"),
        (lambda: Binomial(0, 0.5), "n"),
        (lambda: Binomial(3, 0.0), "p"),
        (lambda: Categorical(1.0), "weights"),
        (lambda: Categorical(0.0, 0.0), "weights"),
        (lambda: Integers(3, 3), "low, high"),
    ],
)
def test_bad_input_is_named_in_one_line(make: object, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}=.*but should be .*\[\w+(\.\w+)?\]$"):
        make()  # type: ignore[operator]


CURVED = [
    Exponential(2.0), Gumbel(), Laplace(1.5), Logistic(), Cauchy(), LogNormal(0.5), Gamma(2.5), Beta(2.0, 3.0),
    StudentT(5.0),
]  # fmt: skip
COUNTED = [Geometric(0.3), Poisson(4.0), Binomial(10, 0.2), Binomial(1, 0.25), Categorical(1, 0, 3), Integers(2, 9)]


def test_every_law_of_random_numbers_is_tried() -> None:
    assert {type(law) for law in CURVED} == set(CURVES)
    assert {type(law) for law in COUNTED} == set(COUNTS)
    assert all(isinstance(law, Curve) for law in (*CURVED, *COUNTED, Normal(1.0), Uniform(1.0)))


@pytest.mark.parametrize("law", CURVED, ids=repr)
def test_far_away_no_value_is_likely(law: Any) -> None:
    """At the ends of float64, where a density might be computed as a difference of large numbers."""
    far = np.clip([-1e305, -1e3, 1e305], *law.support)
    beyond = far[np.abs(far) > 1e200]
    assert (law.logpdf(beyond) < -600).all()


@pytest.mark.parametrize("law", CURVED, ids=repr)
def test_a_curve_integrates_its_density_and_inverts(law: Any) -> None:
    u, w = legendre(40)
    edges = law.quantile(np.linspace(0.01, 0.99, 41))
    x = (edges[:-1, None] + np.diff(edges)[:, None] * u).ravel()
    mass = ((np.diff(edges)[:, None] * w).ravel() * np.exp(law.logpdf(x))).reshape(40, 40).sum(axis=1)
    # Panels of 40 nodes leave 1e-14 of smooth densities; Laplace's kink lies at the end of two of them.
    np.testing.assert_allclose(mass, np.diff(law.cdf(edges)), rtol=1e-11)
    chances = np.array([1e-9, 1e-3, 0.2, 0.5, 0.77, 0.999])
    np.testing.assert_allclose(law.cdf(law.quantile(chances)), chances, rtol=1e-9)
    np.testing.assert_allclose(law.cdf(x) + law.survival(x), 1.0, rtol=1e-14)
    at = law.logpdf(law.mode + np.array([0.0, 1e-3, -1e-3]))
    assert at[0] >= at.max()
    assert law.cdf(law.support[0]) == 0 == law.survival(law.support[1])


@pytest.mark.parametrize("law", COUNTED, ids=repr)
def test_counts_invert_and_add_up(law: Any) -> None:
    k = np.arange(-2.0, 40.0)
    np.testing.assert_allclose(law.cdf(k) + law.survival(k), 1.0, rtol=1e-14)
    assert (law.cdf(k + 0.5) == law.cdf(k)).all()
    assert law.cdf(law.support[0] - 1) == 0 < law.cdf(law.support[0])
    u = np.array([0.01, 0.3, 0.6, 0.99])
    at = law.quantile(u)
    assert (law.cdf(at) >= u).all()
    assert (law.cdf(at - 1) < u).all()
