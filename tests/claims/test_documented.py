"""Promises in ASCII Python come to the distributions they state."""

import math

import pytest

from varlaw.claims.documented import Dirac, law_name, number, resolve
from varlaw.theory.variates import Normal, Uniform


def test_names_of_the_case_and_the_fans() -> None:
    assert resolve("Uniform(1/sqrt(in_features))", {"in_features": 16}) == Uniform(0.25)
    case = {"mode": "fan_out"}
    assert resolve("he_normal(fan(mode))", case, true=(9.0, 8.0), shape=(9.0, 32.0)) == Normal(0.5)
    assert resolve("he_normal(shape_fan(mode))", case, true=(9.0, 8.0), shape=(9.0, 32.0)) == Normal(0.25)
    assert resolve("Dirac(groups)", {"groups": 2}) == Dirac(2)


def test_law_names() -> None:
    assert law_name("Uniform(sqrt(3))") == "uniform.variance"
    assert law_name("glorot_uniform(fan_in, fan_out)") == "glorot_uniform.variance"


def test_numbers() -> None:
    assert number("sqrt(1/3)", {}) == math.sqrt(1 / 3)
    assert number("min(1, limit/norm)", {"limit": 1.0, "norm": 2.0}) == 0.5


def test_nothing_but_the_named_functions_can_be_called() -> None:
    with pytest.raises(ValueError, match="names __import__"):
        resolve("__import__('os')", {})
