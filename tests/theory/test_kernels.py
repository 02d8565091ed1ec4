"""Kernels and correlation maps: identities that need no oracle, and 700-digit references next to c = +-1."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.law import Law
from varlaw.theory.laws.kernels import k0, k1, k2, one_minus_k0, one_minus_k1, one_minus_k2

from . import formulas

ULP = 2.0**-53
ZERO = mp.mpf(10) ** -60  # what 80 digits leave of an exact zero, times the variances
CORRELATIONS = (
    -1.0, -1 + 1e-16, -1 + 1e-12, -1 + 1e-8, -1 + 1e-4, -0.9, -0.36, -1e-10, 0.0, 1e-5, 0.3, 0.77,
    1 - 1e-4, 1 - 1e-8, 1 - 1e-12, 1 - 1.2e-16, 1.0,
)  # fmt: skip
GAPS = (0.0, 1e-300, 1e-100, 1e-30, 1e-16, 1e-12, 1e-8, 1e-4, 0.1, 0.5, 1.0, 1.5, 1.9, 2.0)
PAIRS = list(
    itertools.product((1e-12, 1e-4, 1.0, 9.0, 1e6, 1e12), (1e-6, 0.3, 1.0), (-1.0, -0.999, -0.5, 0.5, 1 - 1e-14))
)


def relative(law: Law, digits: int, **params: float) -> float:
    with mp.workdps(digits):
        names = formulas.namespace() | {k: mp.mpf(v) for k, v in params.items()}
        want = eval(law.formula, {"__builtins__": {}} | names)
        got = law.value(**params)
        if got == 0 or abs(want) < mp.mpf(10) ** (20 - digits):
            return 0.0 if got == 0 and abs(want) < mp.mpf(10) ** (20 - digits) else math.inf
        return float(abs((got - want) / want))


@pytest.mark.parametrize("name", ["k0", "k1", "k2"])
def test_kernels_near_both_ends(name: str) -> None:
    for c in CORRELATIONS:
        assert relative(LAWS[f"kernel.{name}"], 100, c=c) < 16 * ULP, c


@pytest.mark.parametrize("name", ["k0", "k1", "k2"])
def test_complements_down_to_1e_300(name: str) -> None:
    for gap in GAPS:
        assert relative(LAWS[f"kernel.one_minus_{name}"], 700, one_minus_c=gap) < 16 * ULP, gap


def test_naive_complement_has_no_digits_left() -> None:
    """What the one_minus forms are for."""
    gap = 1e-12
    naive = 1 - k1(1 - gap)
    assert abs(naive / one_minus_k1(gap) - 1) > 1e-6


def test_reflection() -> None:
    """step(x) + step(-x) = 1, relu(x) - relu(-x) = x, and both squares sum to x^2."""
    c = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(k0(c) + k0(-c), 1.0, rtol=4 * ULP)
    np.testing.assert_allclose(k1(c) - k1(-c), c, rtol=0, atol=4 * ULP)
    np.testing.assert_allclose(k2(c) + k2(-c), (1 + 2 * c**2) / 3, rtol=8 * ULP)


def test_complement_completes() -> None:
    c = np.linspace(-1, 1, 41)
    for kernel, complement in ((k0, one_minus_k0), (k1, one_minus_k1), (k2, one_minus_k2)):
        np.testing.assert_allclose(kernel(c) + complement(1 - c), 1.0, rtol=8 * ULP)


def test_price_links_neighbouring_kernels() -> None:
    """dk1/dc = k0 and dk2/dc = (4/3) k1, by mpmath's differences of the printed formulas."""
    with mp.workdps(40):
        for c in (-0.8, -0.1, 0.4, 0.95):
            for upper, lower, factor in (("k1", k0, 1.0), ("k2", k1, 4 / 3)):
                slope = mp.diff(lambda v, n=upper: formulas.evaluate_at(LAWS[f"kernel.{n}"].formula, c=v), mp.mpf(c))
                assert float(slope) == pytest.approx(factor * float(lower(c)), rel=1e-14)


@pytest.mark.parametrize("slope", [0.0, 0.2, -1.0, 1.0, -0.5, 1e8, -1e8])
def test_leaky_maps(slope: float) -> None:
    law, complement = LAWS["correlation.leaky_relu"], LAWS["correlation.one_minus_leaky_relu"]
    for c in CORRELATIONS:
        with mp.workdps(80):
            want = formulas.evaluate_at(law.formula, c=mp.mpf(c), slope=mp.mpf(slope))
            assert abs(mp.mpf(law.value(c=c, slope=slope)) - want) <= 8 * ULP * (abs(want) + 0.1 * (1 + c)) + ZERO
    for gap in GAPS[:-1]:
        assert relative(complement, 700, one_minus_c=gap, slope=slope) < 20 * ULP


@pytest.mark.parametrize("name", ["erf", "gelu", "relu"])
def test_products_at_any_variances(name: str) -> None:
    law = LAWS[f"correlation.{name}_product"]
    for q, ratio, c in PAIRS:
        q2 = q * ratio
        with mp.workdps(80):
            want = formulas.evaluate_at(law.formula, q1=mp.mpf(q), q2=mp.mpf(q2), c=mp.mpf(c))
            scale = abs(want) + (0 if name != "gelu" else 1e-3 * math.sqrt(q * q2) * (1 + c))  # next to GELU's zero
            assert abs(mp.mpf(law.value(q1=q, q2=q2, c=c)) - want) <= 40 * ULP * scale + ZERO, (q, q2, c)


def test_products_at_equal_inputs_are_second_moments() -> None:
    q = np.geomspace(1e-12, 1e12, 13)
    for name, activation in (("gelu", "gelu"), ("erf", "erf"), ("relu", "relu"), ("sin", "sin")):
        got = LAWS[f"correlation.{name}_product"].value(q1=q, q2=q, c=1.0)
        want = LAWS["activation.second_moment"].value(activation=activation, q=q)
        np.testing.assert_allclose(got, want, rtol=20 * ULP)


def test_sine_product_does_not_overflow() -> None:
    law = LAWS["correlation.sin_product"]
    assert law.value(q1=1e6, q2=1e6, c=1.0) == pytest.approx(0.5, rel=1e-15)
    assert law.value(q1=1e6, q2=1e6, c=-1.0) == pytest.approx(-0.5, rel=1e-15)


@pytest.mark.parametrize("c", [1.1, -1.0000000001, math.nan])
def test_no_correlation_beyond_one(c: float) -> None:
    with pytest.raises(ValueError, match=r"^c=.*>= -1 and <= 1 \[kernel.k1\]$"):
        LAWS["kernel.k1"].value(c=c)
