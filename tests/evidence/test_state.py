"""States add up whatever the split, survive JSON, and are reduced in float64 for every dtype and layout."""

import ml_dtypes
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlaw.evidence.state import State, reduce
from varlaw.evidence.streams import Key

_X = Key("tests", "state").generator().standard_normal(50_000)


@given(st.lists(st.integers(0, len(_X)), max_size=8))
def test_any_split_merges_to_one_pass(cuts: list[int]) -> None:
    merged = State()
    for part in np.split(_X, sorted(cuts)):
        merged += reduce(part)
    whole = reduce(_X)
    assert (merged.n, merged.peak) == (whole.n, whole.peak)
    assert merged.squares == pytest.approx(whole.squares, rel=1e-12)
    assert merged.total == pytest.approx(whole.total, abs=1e-12 * np.abs(_X).sum())


def test_json_round_trip() -> None:
    state = reduce(_X, unit=0.1)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_reduction_is_exact_sums_of_the_rounded_numbers(dtype: type) -> None:
    x = _X.astype(dtype)
    exact = x.astype(np.float64)
    state = reduce(x)
    assert state.n == len(x)
    assert state.peak == np.abs(exact).max()
    assert state.squares == pytest.approx(float((exact**2).sum()), rel=1e-13)
    assert state.fourths == pytest.approx(float((exact**4).sum()), rel=1e-13)


def test_strided_and_empty_arrays() -> None:
    grid = _X[:4096].reshape(64, 64)
    assert reduce(grid.T[::2]) == reduce(np.ascontiguousarray(grid.T[::2]))
    assert reduce(np.zeros(0)) == State()


def test_tiny_scales_neither_underflow_nor_overflow() -> None:
    for unit in (1e-200, 1e200):
        assert reduce(_X[:100] * unit, unit).squares == pytest.approx(reduce(_X[:100]).squares, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_torch_tensors_reduce_to_the_same_sums(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(_X).to(getattr(torch, dtype))
    same = reduce(x.double().numpy())
    assert reduce(x).squares == pytest.approx(same.squares, rel=1e-13)
    assert reduce(x).peak == same.peak


@pytest.mark.parametrize("m", [0.0, 0.7, -30.0])
def test_a_state_about_another_mean_is_that_of_the_shifted_numbers(m: float) -> None:
    moved, shifted = reduce(_X).about(m), reduce(_X - m)
    for name in ("n", "total", "squares", "cubes", "fourths"):
        assert getattr(moved, name) == pytest.approx(getattr(shifted, name), rel=1e-9)
    assert moved.peak == reduce(_X).peak
