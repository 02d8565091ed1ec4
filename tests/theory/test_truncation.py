"""Truncated normal moments against the textbook form at 400 digits, on the intervals where that form has none."""

import math

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.numerics.truncation import slab_fraction, truncated_moments

from .routes import takes

ULP = 2.0**-53
INF = math.inf
INTERVALS = [
    (-2.0, 2.0), (0.0, 1.0), (-1.0, INF), (-INF, 3.0), (0.0, INF), (-INF, INF),
    (30.0, INF), (1000.0, INF), (-INF, -1e4), (37.5, 40.0), (-40.0, -38.0), (5.0, 6.0), (8.0, 9.0), (-8.0, -7.999),
    (2.0, 2.0001), (2.0, float(np.nextafter(2.0, 3.0))), (1e5, 1e5 + 1), (-1e-8, 1e-8), (1e-300, 1e-5),
    (-9.0, 9.0000001), (-2.0, 2.0000000001), (-1e-3, 2e-3), (-5.0, 40.0), (-38.0, 38.0), (-20.0, 0.5), (0.1, 12.0),
]  # fmt: skip


def reference(low: float, high: float) -> dict[str, mp.mpf]:
    with mp.workdps(400):
        a, b = mp.mpf(low), mp.mpf(high)
        root = mp.sqrt(2)
        if low > 0:
            mass = (mp.erfc(a / root) - mp.erfc(b / root)) / 2
        elif high < 0:
            mass = (mp.erfc(-b / root) - mp.erfc(-a / root)) / 2
        else:
            mass = (mp.erf(b / root) - mp.erf(a / root)) / 2

        def edge(k: int) -> mp.mpf:
            ends = [mp.mpf(0) if mp.isinf(x) else x**k * mp.npdf(x) for x in (a, b)]
            return (ends[0] - ends[1]) / mass

        m1, m2 = edge(0), 1 + edge(1)
        m3, m4 = 2 * m1 + edge(2), 3 * m2 + edge(3)
        variance = m2 - m1**2
        kurtosis = (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / variance**2
        return {"mean": m1, "variance": variance, "kurtosis": kurtosis, "log_mass": mp.log(mass)}


@pytest.mark.parametrize(("low", "high"), INTERVALS)
@takes("truncated_normal.mean", "truncated_normal.variance", "truncated_normal.kurtosis", "truncated_normal.log_mass")
def test_every_interval_to_a_few_ulp(low: float, high: float) -> None:
    for name, want in reference(low, high).items():
        got = LAWS[f"truncated_normal.{name}"].value(low=low, high=high)
        # 60 ulp: 96 positive terms, each with an exponential of an argument up to 47; 1e-307: results flushed to zero.
        assert abs(mp.mpf(got) - want) <= 60 * ULP * abs(want) + mp.mpf(10) ** -307, (name, got, mp.nstr(want, 20))


def test_mirror_images_agree() -> None:
    low, high = np.array([-2.0, 0.3, 4.0, -7.0]), np.array([1.0, 0.9, 12.0, -3.0])
    there, back = truncated_moments(low, high), truncated_moments(-high, -low)
    np.testing.assert_array_equal(there.mean, -back.mean)
    for name in ("variance", "kurtosis", "log_mass"):
        np.testing.assert_array_equal(getattr(there, name), getattr(back, name))


@takes("truncated_normal.std")
def test_the_constant_of_two_sigmas() -> None:
    """0.87962566103423975, printed in many places with a wrong 17th digit, is the same float64."""
    assert LAWS["truncated_normal.std"].value(low=-2.0, high=2.0) == pytest.approx(0.87962566103423978, rel=2 * ULP)


def test_many_at_once_equal_one_by_one() -> None:
    low = np.linspace(-50, 50, 12001)
    together = truncated_moments(low, low + 0.75)
    for i in (0, 5461, 5462, 12000):  # both sides of a block
        assert truncated_moments(low[i], low[i] + 0.75).variance == together.variance[i]


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (3.0, 9.0), (-9.0, -3.0), (30.0, INF), (-0.5, 4.0)])
def test_distribution_function_integrates_the_density(low: float, high: float) -> None:
    near = low if low > 0 else max(low, -5.0) if high > 0 else max(low, high - 3)
    far = min(high, near + 2.0)
    x = np.linspace(near, far, 7)
    got = slab_fraction(low, high, x)
    with mp.workdps(60):
        root = mp.sqrt(2)

        def below(v: float) -> mp.mpf:
            # from the upper tail on the right, from the lower one on the left: no digit is lost at 60
            return mp.erfc(mp.mpf(low) / root) - mp.erfc(mp.mpf(v) / root)

        for v, share in zip(x, got, strict=True):
            want = below(float(v)) / below(high)
            assert abs(mp.mpf(float(share)) - want) < 1e-13 * abs(want) + mp.mpf(10) ** -16


@pytest.mark.parametrize(("low", "high"), [(2.0, 2.0), (3.0, 1.0), (math.nan, 1.0), (INF, INF)])
def test_empty_intervals_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"but should .*\[truncated_normal.mean\]$"):
        LAWS["truncated_normal.mean"].value(low=low, high=high)
