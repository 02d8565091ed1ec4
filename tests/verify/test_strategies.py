"""The strategies reach the corners where defects hide, leave nothing out of their bounds, shrink and steer."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings

import varlaw
from varlaw import strategies
from varlaw.evidence.likelihood import separation
from varlaw.theory.activations.named import resolve
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform

QUIET = settings(max_examples=1000, deadline=None, database=None, derandomize=True)


@given(shape=strategies.shapes(min_rank=2, max_rank=4, min_size=6, max_size=500))
def test_shapes_keep_within_their_bounds(shape: tuple[int, ...]) -> None:
    assert 2 <= len(shape) <= 4
    assert 6 <= math.prod(shape) <= 500


CORNERS = {
    **{f"rank {n}": (lambda s, n=n: len(s) == n) for n in (1, 2, 3, 4, 5)},
    **{f"side {n}": (lambda s, n=n: n in s and len(s) > 1) for n in strategies.CORNER_SIDES},
    "1 : 4096": lambda s: len(s) > 1 and max(s) >= 1000 * min(s),
    "4096 : 1": lambda s: len(s) == 2 and s[0] >= 1000 * s[1],
    "all sides 1": lambda s: len(s) > 2 and set(s) == {1},
    "nearly square": lambda s: len(s) == 2 and abs(s[0] - s[1]) == 1 and s[0] > 8,
}


@pytest.mark.parametrize("corner", CORNERS)
def test_shapes_reach_every_corner(corner: str) -> None:
    find(strategies.shapes(), CORNERS[corner], settings=QUIET)


def test_shapes_shrink_to_few_short_sides() -> None:
    assert find(strategies.shapes(), lambda s: math.prod(s) >= 1, settings=QUIET) == (1,)
    assert math.prod(find(strategies.shapes(min_rank=2), lambda s: max(s) > 16, settings=QUIET)) == 17


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_rank": 0}, "min_rank=0, max_rank=5, but should be 1 <= min_rank <= max_rank"),
        ({"min_rank": 3, "max_rank": 2}, "min_rank=3, max_rank=2"),
        ({"min_size": 0}, "min_size=0, max_size=65536, but should be 1 <= min_size"),
        ({"min_size": 10, "max_size": 9}, "min_size=10, max_size=9"),
    ],
)
def test_impossible_shapes_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strategies.shapes(**options)


@given(gain=strategies.gains(), mode=strategies.modes(), dtype=strategies.dtypes())
def test_parameters_lie_in_their_ranges(gain: float, mode: str, dtype: str) -> None:
    assert 2.0**-10 <= gain <= 2.0**5
    assert mode in {"fan_in", "fan_out", "fan_avg"}
    assert dtype in {"float64", "float32", "float16", "bfloat16"}


@given(name=strategies.activations())
def test_activations_are_in_the_table(name: str) -> None:
    resolve(name)


@given(case=strategies.cases("conv2d"))
def test_groups_divide_the_channels(case: dict[str, Any]) -> None:
    assert case["in_channels"] % case["groups"] == case["out_channels"] % case["groups"] == 0


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(ValueError, match="op='lstm9', but should be one of"):
        strategies.cases("lstm9")


# -- steering ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "mutant"),
    [
        (Normal(1.0), Normal(1.1)),
        (Normal(1.0), Uniform(3**0.5)),
        (Normal(0.5), TruncatedNormal(0.5)),
        (Uniform(1.0), Uniform(0.9)),
        (TruncatedNormal(1.0), Uniform(1.5)),
    ],
)
def test_separation_is_the_divergence_of_the_densities(law: Any, mutant: Any) -> None:
    import mpmath

    def density(of: Any, x: Any) -> Any:
        if abs(x) > of.bound:
            return mpmath.mpf(0)
        if isinstance(of, Uniform):
            return 1 / mpmath.mpf(2 * of.bound)
        if isinstance(of, Normal):
            return mpmath.npdf(x, 0, of.std)
        mass = mpmath.ncdf(of.high) - mpmath.ncdf(of.low)
        return mpmath.npdf(x, 0, of.parent_std) / mass

    end = min(mutant.bound, 12 * mutant.std)
    ends = [-end, 0, end]
    nats = mpmath.quad(lambda x: density(mutant, x) * mpmath.log(density(mutant, x) / density(law, x)), ends)
    # Closed forms of a few float64 operations on numbers near 1.
    assert abs(separation(law, mutant) - float(nats)) <= 16 * 2.0**-53 * 4


def test_separation_is_infinite_outside_the_support_and_zero_at_the_law() -> None:
    assert separation(Uniform(1.0), Normal(0.1)) == math.inf
    assert separation(Uniform(1.0), Uniform(1.1)) == math.inf
    assert separation(Normal(0.3), Normal(0.3)) == 0.0


def test_steering_finds_power_without_a_draw() -> None:
    """The search is sent to lopsided shapes, where fans swapped by mistake lie far apart."""
    farthest = 0.0

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(shape=strategies.shapes(min_rank=2, max_rank=2))
    def look(shape: tuple[int, int]) -> None:
        nonlocal farthest
        law, swapped = Normal(shape[1] ** -0.5), Normal(shape[0] ** -0.5)
        strategies.steer(law, {"fans swapped": swapped}, math.prod(shape))
        farthest = max(farthest, max(shape) / min(shape))

    look()
    assert farthest >= 1000


@settings(max_examples=5)
@given(shape=strategies.shapes(max_size=50))
def test_mutants_that_coincide_do_not_steer(shape: tuple[int, ...]) -> None:
    strategies.steer(Normal(1.0), {"the same": Normal(1.0), "outside": Uniform(9.0)}, 1)
    strategies.steer(Uniform(1.0), {"outside": Normal(1.0)}, math.prod(shape), label="another")


# -- shrinking ---------------------------------------------------------------------------------------------------------


def test_a_failing_property_shrinks_to_the_smallest_shape_that_violates_and_prints_its_address() -> None:
    """fan_out taken for fan_in: right on squares, wrong elsewhere; what is left of a failure is as small as it gets."""

    def swapped(shape: tuple[int, ...], seed: int) -> Any:
        return np.random.default_rng(seed).normal(0, shape[0] ** -0.5, shape)

    @settings(max_examples=50, deadline=None, database=None, derandomize=True, report_multiple_bugs=False)
    @given(shape=strategies.shapes(min_rank=2, max_rank=2, max_size=2**12))
    def follows_its_law(shape: tuple[int, int]) -> None:
        varlaw.assert_law(swapped, Normal(shape[1] ** -0.5), shape=shape, delta=0.05, beta=1e-3, name="swapped")

    with pytest.raises(AssertionError) as failure:
        follows_its_law()
    text = str(failure.value)
    assert "VIOLATES: std" in text
    assert "salt '" in text
    assert "name 'swapped'" in text
    assert 'case {"shape":[1,2]}' in text or 'case {"shape":[2,1]}' in text
