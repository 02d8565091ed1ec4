"""Rounding: the error of a fixed step, and which formats are known."""

import mpmath as mp
import pytest

from varlaw.theory import LAWS
from varlaw.theory.numerics.formats import FORMATS


@pytest.mark.parametrize(("spacing", "std"), [(4.0, 4.0), (0.5, 0.5), (1.0, 0.8), (2.0, 3.0)])
def test_the_error_of_a_fixed_step_is_what_the_law_states(spacing: float, std: float) -> None:
    """Its next term is the fourth power of the exponential, with a prefactor of the same size."""
    names = {"std": mp.mpf(std), "spacing": mp.mpf(spacing), "pi": mp.pi, "exp": mp.exp}
    with mp.workdps(120):
        u, s = mp.mpf(spacing), mp.mpf(std)
        size = int(40 * std / spacing)
        mass = [(k, mp.ncdf((k + 0.5) * u / s) - mp.ncdf((k - 0.5) * u / s)) for k in range(-size, size + 1)]
        excess = mp.fsum((k * u) ** 2 * p for k, p in mass) - s**2 - u**2 / 12
        stated = LAWS["rounding.fixed_step"].error.partition(" for ")[0].replace("^", "**").replace("2 pi", "2 * pi")
        stated = stated.replace("4 std", "4 * std").replace("pi**2 (", "pi**2 * (").replace(") exp", ") * exp")
        next_term = (4 * s**2 + u**2) * mp.exp(-8 * (mp.pi * s / u) ** 2)
        assert abs(excess - eval(stated, names)) <= next_term


def test_formats_cover_the_dtypes_of_the_frameworks() -> None:
    assert {"float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"} <= set(FORMATS)
