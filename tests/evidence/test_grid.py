"""Laws on the grid of their format: right samplers of every mean, scale and format conform, wrong ones do not."""

import math

import ml_dtypes
import numpy as np
import pytest
from scipy.special import ndtr

from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.grid import POINT, Grid, likeliest, moved, visible
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, UniformRange, Variate

from .samplers import Draw, source

PR, SHAPE = POLICIES["pr"], (64, 64)
_DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}

# Laws far from 0, small beside a spacing, or one-sided, with the formats that hold them.
_LAWS: list[tuple[Variate, tuple[str, ...]]] = [
    (Normal(1.0, mean=100.0), ("float64", "float32", "float16", "bfloat16")),
    (Normal(1.0, mean=1e6), ("float64", "float32")),
    (Normal(1.0, mean=-1e10), ("float64",)),
    (Normal(0.02, mean=1.0), ("float64", "float32", "float16", "bfloat16")),
    (Normal(0.5, mean=-3.0), ("float32", "float16", "bfloat16")),
    (Normal(1.0, mean=1000.0), ("float32", "float16")),
    (Normal(1e-40), ("float32", "bfloat16")),
    (Normal(1e-44), ("float64", "float32")),
    (Normal(5e-8), ("float32", "float16")),
    (Normal(1e-6), ("float16",)),
    (Normal(1e299, mean=-1e300), ("float64",)),
    (Uniform(1e-6), ("float16",)),
    (Uniform(2e-7), ("float16",)),
    (TruncatedNormal(1e-40), ("float32",)),
    (UniformRange(2.0, 5.0), ("float64", "float32", "float16", "bfloat16")),
    (UniformRange(0.0, 1.0), ("float32", "float16", "bfloat16")),
    (UniformRange(-5.0, -2.0), ("float32", "float16", "bfloat16")),
    (UniformRange(0.98, 1.02), ("float32", "float16", "bfloat16")),
    (UniformRange(0.999, 1.001), ("float64", "float32")),
    (UniformRange(0.99999, 1.00001), ("float64", "float32")),
    (UniformRange(1000.0, 1001.1), ("float64", "float32")),
    (UniformRange(1e6, 1e6 + 1), ("float64", "float32")),
    (UniformRange(-1e-40, 3e-40), ("float32",)),
    (TruncatedNormal(1.0, 2.0, 3.0), ("float32", "float16", "bfloat16")),
    (TruncatedNormal(0.02, 5.0, 6.0), ("float32", "bfloat16")),
    (TruncatedNormal(1.0, 9.0, 9.5), ("float32", "float16")),
    (TruncatedNormal(0.5, -2.0, 2.0, 1.0), ("float32", "float16", "bfloat16")),
    (TruncatedNormal(3.0, -1.0, 3.0, -0.5), ("float32", "bfloat16")),
]
_CASES = [pytest.param(law, dtype, id=f"{law!r}, {dtype}") for law, dtypes in _LAWS for dtype in dtypes]


def _rounded(law: Variate, dtype: str) -> Draw:
    return lambda rng: law.quantile(rng.random(SHAPE)).astype(_DTYPES[dtype])


@pytest.mark.parametrize(("law", "dtype"), _CASES)
def test_right_samplers_conform(law: Variate, dtype: str) -> None:
    decision = decide(law, source(_rounded(law, dtype)), PR, Key("t", "right"), dtype=dtype)
    assert decision.outcome == "CONFORMS", decision
    assert decision.interval[0] <= 1 <= decision.interval[1]


@pytest.mark.parametrize(("law", "dtype"), _CASES)
@pytest.mark.parametrize("r", [1.05, 1 / 1.05])
def test_the_same_five_percent_off_violate(law: Variate, dtype: str, r: float) -> None:
    centre = Grid(law, FORMATS[dtype]).centre
    wrong = moved(moved(law, -centre).scaled(r), centre)
    decision = decide(law, source(_rounded(wrong, dtype)), PR, Key("t", "wrong", f"{r}"), dtype=dtype)
    assert decision.outcome == "VIOLATES", decision


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_coarser_grid_than_the_format_violates_away_from_0(dtype: str) -> None:
    law = Normal(0.1, mean=1.0)
    coarse = source(lambda rng: (np.round(32 * rng.normal(1.0, 0.1, SHAPE)) / 32).astype(_DTYPES[dtype]))
    assert decide(law, coarse, POLICIES["nightly"], Key("t", "coarser"), dtype=dtype).outcome == "VIOLATES"


@pytest.mark.parametrize(
    ("law", "dtype"),
    [(Normal(1.0, mean=1e17), "float64"), (Normal(1e-9), "float16"), (UniformRange(100.0, 100.1), "bfloat16")],
)
def test_what_a_format_cannot_show_is_undecided_and_nothing_is_drawn(law: Variate, dtype: str) -> None:
    def never(seed: int, count: int) -> list[object]:
        raise AssertionError

    decision = decide(law, never, PR, Key("t", "blind"), dtype=dtype)
    assert (decision.outcome, decision.state.n) == ("UNDECIDED", 0)
    assert f"{dtype} is too coarse" in decision.detail


def test_scales_below_float64_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"law=Uniform\(bound=1e-320\) has std 5.\d*e-321, but should have one of"):
        Grid(Uniform(1e-320), FORMATS["float64"])


@pytest.mark.parametrize(
    ("law", "dtype"), [(Normal(1.0, mean=100.0), "bfloat16"), (UniformRange(0.98, 1.02), "float16")]
)
def test_numbers_are_spread_to_the_law_itself(law: Variate, dtype: str) -> None:
    """Kolmogorov's distance of a million spread numbers from the law: within the limit that one in 1e12 passes."""
    rng, n, grid = Key("tests", f"spread.{dtype}").generator(), 1_000_000, Grid(law, FORMATS[dtype])
    x = law.quantile(rng.random(n)).astype(_DTYPES[dtype]).astype(np.float64)
    u = np.sort(grid.law.cdf(grid.spread(x, rng)))
    assert np.abs(u - (np.arange(n) + 0.5) / n).max() <= math.sqrt(math.log(2 / 1e-12) / (2 * n))


@pytest.mark.parametrize(("law", "dtype"), _CASES)
def test_no_value_is_likelier_than_the_likeliest(law: Variate, dtype: str) -> None:
    fmt = FORMATS[dtype]
    x = np.unique(law.quantile(Key("tests", "likeliest").generator().random(20_000)).astype(_DTYPES[dtype]))
    grid = Grid(law, fmt)
    low, high = grid.cells(x.astype(np.float64))
    p = grid.law.cdf(high) - grid.law.cdf(low)
    assert p.max() <= likeliest(law, fmt) + 2.0**-50
    assert likeliest(law, fmt) <= 4 * p.max() + 2.0**-40  # and the bound is no idle one


def test_zero_mean_laws_of_ordinary_scale_are_taken_as_they_are() -> None:
    for fmt in FORMATS.values():
        for law in (Normal(1.0), Normal(0.02), Uniform(0.3), TruncatedNormal(1.0)):
            assert not Grid(law, fmt).coarse
    assert likeliest(Normal(1.0), FORMATS["float32"]) < POINT < likeliest(Normal(1.0), FORMATS["float16"])


@pytest.mark.parametrize("spacings", [0.84, 1.0, 2.5, 10.0])
def test_the_error_that_is_seen_through_cells(spacings: float) -> None:
    """By Sheppard's route: of an error of the std the share 1 - 2c is left, c = spacing^2 / (12 std^2), up to c^2."""
    fmt = FORMATS["float16"]
    law = Normal(spacings * 2.0**-24)
    left = visible(Grid(law, fmt), 0.01) / 0.01
    c = 1 / (12 * spacings**2)
    assert 1 - 2 * c - 0.02 <= left <= 1 - 2 * c + 4 * c**2
    assert visible(Grid(Normal(1.0), fmt), 0.01) == 0.01


def test_beta_holds_through_cells() -> None:
    """The std is off by delta, seen in cells of its own size: CONFORMS no more often than promised."""
    law, runs, rule = Normal(6e-8), 300, Policy("loose", delta=0.1, beta=0.05, alpha=0.05, first=256)
    passed = 0
    for r in (1.1, 1 / 1.1):
        wrong = source(lambda rng, r=r: rng.normal(0, r * 6e-8, (16, 16)).astype(np.float16))  # type: ignore[misc]
        keys = [Key("t", "beta", f"{r} {i}") for i in range(runs)]
        passed += sum(decide(law, wrong, rule, k, dtype="float16", shape=False).outcome == "CONFORMS" for k in keys)
    assert passed / (2 * runs) <= 0.05 + 6 * math.sqrt(0.05 * 0.95 / (2 * runs))


def test_the_battery_holds_its_levels_on_coarse_grids() -> None:
    runs, alarms, rng = 400, 0, Key("tests", "coarse.sup").generator()
    law = Normal(1.0, mean=1000.0)
    for _ in range(runs):
        battery, highest = Battery(law, FORMATS["float16"], 1 << 20), -math.inf
        for _ in range(4):
            battery.update([rng.normal(1000, 1, (8, 16)).astype(np.float16) for _ in range(3)], rng)
            highest = max(highest, battery.violation())
        alarms += highest >= math.log(10)
    assert alarms / runs <= 0.1 + 6 * math.sqrt(0.1 * 0.9 / runs)


def test_mutants_keep_their_place_beside_the_law() -> None:
    assert moved(Normal(2.0, mean=3.0), -3.0) == Normal(2.0)
    assert moved(UniformRange(0.0, 2.0), -3.0) == UniformRange(-3.0, -1.0)
    law, drawn = Normal(0.5, mean=3.0), source(lambda rng: rng.normal(3.2, 0.5, SHAPE))
    mutants = {"another mean": Normal(0.5, mean=3.2), "wider": Normal(0.6, mean=3.0), "range": UniformRange(2.0, 4.0)}
    assert decide(law, drawn, PR, Key("t", "mutants"), mutants=mutants).likely == "another mean"


def test_cells_are_those_of_the_rounded_number() -> None:
    """The mass of each cell is the share of draws that round to its number, by another route: counts."""
    law, fmt, n = Normal(0.02, mean=1.0), FORMATS["bfloat16"], 400_000
    x = Key("tests", "cells.mean").generator().normal(1.0, 0.02, n).astype(ml_dtypes.bfloat16).astype(np.float64)
    values, counts = np.unique(x, return_counts=True)
    low, high = Grid(law, fmt).cells(values)
    p = ndtr(high / 0.02) - ndtr(low / 0.02)
    assert np.all(np.abs(counts - n * p) <= 7.2 * np.sqrt(n * p * (1 - p)) + 30)  # Bernstein, one in 1e10 a value
