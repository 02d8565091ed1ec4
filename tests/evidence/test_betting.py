"""Bets on the std of a law with limits: their guarantee for any distribution within them, and what they cost."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlaw.evidence import betting
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.state import State, reduce
from varlaw.evidence.streams import Key
from varlaw.theory.variates import TruncatedNormal, Uniform

from .samplers import source

DELTA, BETA = 0.05, 0.05
LAW = Uniform(1.0)
Draw = Callable[[np.random.Generator, int], Any]


def _power(r: float) -> Draw:
    """On the limits of U(-1, 1), with a density that is a power of |x| and a std r times as large."""
    exponent = (3 / r**2 - 1) / 2
    return lambda rng, n: rng.choice([-1.0, 1.0], n) * rng.random(n) ** exponent


def _two_points(r: float) -> Draw:
    """On the limits and at 0: the variance of y is as large as it can be."""
    return lambda rng, n: rng.choice([-1.0, 1.0], n) * (rng.random(n) < r**2 / 3)


def _one_point(r: float) -> Draw:
    """One |x|: the variance of y is 0."""
    return lambda rng, n: rng.choice([-1.0, 1.0], n) * r / math.sqrt(3)


def _changing(r: float) -> Draw:
    """Not one distribution: every entry's second moment is what it should be, its density changes in turn."""
    kinds = (_power(r), _two_points(r), _one_point(r))
    return lambda rng, n: np.concatenate([kinds[i % 3](rng, len(part)) for i, part in enumerate(_parts(n))])


def _parts(n: int) -> list[Any]:
    return np.array_split(np.empty(n), 7)


FAMILIES = {"power": _power, "two points": _two_points, "one point": _one_point, "changing": _changing}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("r", [1 + DELTA, 1 / (1 + DELTA), 1.2])
def test_false_conformity_is_rarer_than_promised_for_any_distribution(family: str, r: float) -> None:
    draw, rng, runs, wrong = FAMILIES[family](r), Key("tests", f"betting.{family}.{r}").generator(), 200, 0
    for _ in range(runs):
        state = State()
        for _ in range(40):
            state += reduce(draw(rng, 100), LAW.std)
            if betting.conformity(state, LAW.kurtosis, 3.0, DELTA) >= math.log(1 / BETA):
                wrong += 1
                break
    assert wrong / runs <= BETA + 6 * math.sqrt(BETA * (1 - BETA) / runs)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_interval_misses_any_distribution_as_rarely_as_promised(family: str) -> None:
    draw, rng, runs, missed, gamma = FAMILIES[family](1.1), Key("tests", f"interval.{family}").generator(), 200, 0, 0.05
    for _ in range(runs):
        state, covered = State(), True
        for n in (20, 50, 200, 800):
            state += reduce(draw(rng, n), LAW.std)
            low, high = betting.interval(state, 3.0, gamma)
            covered &= low <= 1.1 <= high
        missed += not covered
    assert missed / runs <= gamma + 6 * math.sqrt(gamma * (1 - gamma) / runs)


def test_the_interval_narrows_and_knows_the_limit() -> None:
    rng = Key("tests", "betting.narrow").generator()
    few, many = (reduce(rng.uniform(-1, 1, n), LAW.std) for n in (10, 100_000))
    wide, narrow = (betting.interval(state, 3.0, 1e-3) for state in (few, many))
    assert wide[0] < narrow[0] < 1 < narrow[1] < wide[1] <= math.sqrt(3)
    assert narrow[1] - narrow[0] < 0.015
    assert betting.interval(State(), 3.0, 1e-3) == (0.0, math.sqrt(3))


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=20),
    st.floats(0.01, 5),
    st.sampled_from([1, -1]),
    st.floats(0.001, 0.99),
)
def test_the_sums_bound_the_capital_from_below(y: list[float], m: float, sign: int, share: float) -> None:
    loss = max(3.0 - m, 1e-6) if sign > 0 else m
    state = State(n=len(y), squares=math.fsum(y), fourths=math.fsum(v * v for v in y))
    capital = math.fsum(math.log1p(share / loss * sign * (m - v)) for v in y if share / loss * sign * (m - v) > -1)
    stake = share / loss
    bound = float(betting._growth(state, m, sign, stake, betting._penalty(np.asarray(stake * loss))))
    assert bound <= capital + 1e-9 * max(1.0, abs(bound))


def test_the_cost_is_what_the_pages_say() -> None:
    """7.9/delta^2 draws of a lawful uniform on average at beta 1e-6, with a deviation of 3 at most (simulated)."""
    rng, ns = Key("tests", "betting.cost").generator(), []
    for _ in range(40):
        state, n = State(), 1024
        while betting.conformity(state, LAW.kurtosis, 3.0, 0.01) < math.log(1e6):
            state += reduce(rng.uniform(-1, 1, n - state.n), LAW.std)
            n = math.ceil(1.05 * state.n)
        ns.append(state.n * 0.01**2)
    assert 5.5 < np.mean(ns) < 7.9 + 6 * 3 / math.sqrt(len(ns))  # six standard errors above; the bound is 5.5
    assert max(ns) <= betting.cap(LAW.kurtosis, 3.0, 0.01, 1e-12, 1e-6) * 0.01**2


SHAPES = [(16,), (64,), (16, 64)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("r", [1.05, 1 / 1.05])
@pytest.mark.parametrize("family", ["power", "two points"])
def test_another_std_on_the_right_limits_does_not_pass(family: str, r: float, shape: tuple[int, ...]) -> None:
    draw = FAMILIES[family](r)
    drawn = source(lambda rng: draw(rng, math.prod(shape)).reshape(shape))
    found = [decide(LAW, drawn, POLICIES["pr"], Key("t", "std", str(i))) for i in range(5)]
    assert "CONFORMS" not in {one.outcome for one in found}
    assert all(one.interval[0] <= r <= one.interval[1] for one in found)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("law", [LAW, TruncatedNormal(1.0), TruncatedNormal(1.0, 0.0, 2.0)], ids=str)
def test_lawful_small_tensors_conform_and_certify_the_std(law: Any, shape: tuple[int, ...]) -> None:
    def draw(rng: np.random.Generator) -> Any:
        z = rng.uniform(-1, 1, 4096) if law == LAW else rng.standard_normal(4096)
        low, high = law.support
        return z[(low <= z) & (z <= high)][: math.prod(shape)].reshape(shape)

    for i in range(3):
        found = decide(law, source(draw), POLICIES["pr"], Key("t", "lawful", str(i)))
        assert found.outcome == "CONFORMS"
        assert found.certified is not None
        assert found.certified <= 0.05
        assert found.interval[0] <= 1 <= found.interval[1]


def test_a_truncated_normal_of_another_parent_does_not_pass() -> None:
    """30 % too wide a parent, cut at the same limits: 11.7 % too large a std."""
    law, wide = TruncatedNormal(1.0), TruncatedNormal(1.3, -2 / 1.3, 2 / 1.3)
    drawn = source(lambda rng: wide.quantile(rng.random((16, 64))))
    for i in range(3):
        found = decide(law, drawn, POLICIES["pr"], Key("t", "parent", str(i)))
        assert found.outcome == "VIOLATES"
        assert found.ratio == pytest.approx(wide.std / law.std, rel=0.1)


@pytest.mark.parametrize("beyond", [1.01, 3.3, 50.0])
def test_the_observed_std_is_one_beyond_the_limit_too(beyond: float) -> None:
    found = decide(LAW, source(lambda rng: beyond * rng.uniform(-1, 1, 4096)), POLICIES["pr"], Key("t", "beyond"))
    assert found.outcome == "VIOLATES"
    assert found.interval[0] <= beyond <= found.interval[1] < 1.2 * beyond
    assert found.ratio == pytest.approx(beyond, rel=0.05)


def test_normal_draws_have_their_own_std() -> None:
    drawn = source(lambda rng: rng.standard_normal((64, 64)) / math.sqrt(3))
    found = decide(LAW, drawn, POLICIES["pr"], Key("t", "normal"))
    assert found.outcome == "VIOLATES"
    assert found.ratio == pytest.approx(1.0, rel=0.05)
    assert found.certified is None
    assert found.detail == "test that fell: the largest value"


@pytest.mark.parametrize("limit", [6.0, 100.0, 1000.0])
def test_limits_that_nothing_reaches_leave_a_normal_law(limit: float) -> None:
    """The law is then told from other scales of itself: bets would need the square of the limit in draws."""
    law = TruncatedNormal(0.02, -limit, limit)
    outcomes = {}
    for r in (1.0, 1.05, 1 / 1.05):
        drawn = source(lambda rng, r=r: 0.02 * r * rng.standard_normal((16, 64)))
        outcomes[r] = {decide(law, drawn, POLICIES["pr"], Key("t", "far", str(i))).outcome for i in range(3)}
    assert outcomes == {1.0: {"CONFORMS"}, 1.05: {"VIOLATES"}, 1 / 1.05: {"VIOLATES"}}
