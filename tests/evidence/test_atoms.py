"""Single values: lawful samplers of every format pass, grids, zeros and heaps are found."""

import ml_dtypes
import numpy as np
import pytest

from varlaw.evidence.atoms import atoms
from varlaw.evidence.formats import FORMATS
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange

_DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
_LAWS = [Normal(1.0), Uniform(1.0), TruncatedNormal(0.02), Normal(0.02)]
N, ALPHA = 1 << 17, 1e-12


def _drawn(law, dtype, seed=1):  # type: ignore[no-untyped-def]
    u = np.random.default_rng(seed).random(N)
    return np.asarray(law.quantile(u)).astype(_DTYPES[dtype]).astype(np.float64)


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize("law", _LAWS, ids=repr)
def test_lawful_draws_pass(law: object, dtype: str) -> None:
    found = atoms(law, FORMATS[dtype], _drawn(law, dtype), ALPHA)
    assert found.lawful
    assert found.fewest < found.expected < 1.02 * found.distinct


@pytest.mark.parametrize("dtype", _DTYPES)
def test_a_grid_is_found(dtype: str) -> None:
    for bits in (8, 10):
        x = np.floor(np.random.default_rng(2).random(N) * 2**bits) / 2**bits * 2 - 1
        assert not atoms(Uniform(1.0), FORMATS[dtype], x, ALPHA).lawful


@pytest.mark.parametrize("dtype", _DTYPES)
def test_a_heap_is_found(dtype: str) -> None:
    for value, share in ((0.0, 1e-3), (2.0, 4e-3)):
        x = _drawn(TruncatedNormal(1.0), dtype)
        x[: int(share * N)] = value
        found = atoms(TruncatedNormal(1.0), FORMATS[dtype], x, ALPHA)
        assert not found.lawful
        assert found.value == value


def test_finite_numbers_and_their_cells() -> None:
    for name in ("float16", "bfloat16"):
        fmt, every = FORMATS[name], FORMATS[name].finite()
        with np.errstate(invalid="ignore"):
            real = np.arange(2**16, dtype=np.uint16).view(_DTYPES[name]).astype(np.float64)
        assert np.array_equal(every, np.unique(real[np.isfinite(real)]))
        low, high = fmt.cells(every)
        assert np.array_equal(high[:-1], low[1:])


@pytest.mark.parametrize("std", [0.008, 0.01, 0.02])
def test_a_value_may_hold_most_of_a_law(std: float) -> None:
    law, fmt = Normal(std, mean=5.0), FORMATS["bfloat16"]
    assert atoms(law, fmt, _drawn(law, "bfloat16"), ALPHA).lawful
    assert not atoms(law, fmt, np.full(100_000, 5.0), ALPHA).lawful


def test_a_few_values_are_counted_to_the_last() -> None:
    """U(1, 2) in bfloat16 has 128 values, and an end that a half-open interval lacks; two more that lack are found."""
    half_open = 1 + np.floor(128 * np.random.default_rng(3).random(N)) / 128
    law, fmt = UniformRange(1.0, 2.0), FORMATS["bfloat16"]
    assert atoms(law, fmt, half_open, ALPHA).lawful
    found = atoms(law, fmt, np.where(np.isin(half_open, (1.25, 1.5)), 1.75, half_open), ALPHA)
    assert found.distinct < found.fewest
