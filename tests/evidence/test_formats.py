"""The formats round as NumPy and ml_dtypes do, and Higham's bound holds where it is used."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS, LONG, accumulated, gamma

_CASTS = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("name", _CASTS)
@given(x=st.floats(width=32, allow_nan=False))
def test_round_is_the_cast(name: str, x: float) -> None:
    with np.errstate(over="ignore"):
        cast = float(np.float32(x).astype(_CASTS[name]))
    assert FORMATS[name].round(x) == cast or (name != "float32" and abs(x) > float(ml_dtypes.finfo(_CASTS[name]).max))


@pytest.mark.parametrize("name", ["float64", *_CASTS])
@given(x=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_round_all_is_round(name: str, x: float) -> None:
    assert FORMATS[name].round_all(np.array([x]))[0] == FORMATS[name].round(x)


@pytest.mark.parametrize("name", _CASTS)
@given(x=st.floats(min_value=2**-10, max_value=100))
def test_cell_end_separates_what_rounds_up(name: str, x: float) -> None:
    fmt = FORMATS[name]
    seen = fmt.round(x)
    end = fmt.cell_end(seen)
    assert fmt.round(end * (1 - 2**-40)) <= seen < fmt.round(end * (1 + 2**-40))


def test_gamma() -> None:
    assert gamma(10, 2**-24) == pytest.approx(10 * 2**-24, rel=1e-6)
    assert gamma(2**24, 2**-24) == math.inf


def test_comparison_finds_the_worst_and_nan_never_holds() -> None:
    assert compare([1.0, 2.0], [1.0, 2.5], [0.0, 1.0]).holds
    assert not compare([1.0, math.nan], [1.0, 1.0], [0.1, 0.1]).holds
    assert compare([0.0], [0.0], [0.0]).ratio == 1
    assert compare([1.0], [0.0], [0.5]).ratio == math.inf
    assert compare([math.inf], [math.inf], [0.0]).holds


def test_long_sums_are_held_to_the_probabilistic_bound() -> None:
    """Sums of random terms keep to it, one after the other in float32; a sum that stagnates does not."""
    assert accumulated(LONG, 2 * LONG, 2**-24) == gamma(2 * LONG, 2**-24)
    n = 1 << 18
    bound = accumulated(n, n, 2**-24)
    assert bound < gamma(n, 2**-24) / 10
    random = np.random.default_rng(1).random(n).astype(np.float32)
    equal = np.full(n, np.float32(0.1))
    off = [abs(float(np.cumsum(x, dtype=np.float32)[-1]) / float(x.sum(dtype=np.float64)) - 1) for x in (random, equal)]
    assert off[0] <= bound < off[1]
    assert bound < accumulated(n, n, 2**-24, sums=1000) < 1.1 * bound  # one risk for all of them
