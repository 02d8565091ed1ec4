"""Entries that depend on others any number of places before: found at every lag, and nothing is foretold of chance."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import lfilter

from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.echoes import Echo, loudest
from varlaw.evidence.processes import FAR, seen
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, Uniform

ALARM = math.log(1e12)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def _echo(lag: int, rho: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        z = rng.standard_normal(n) * math.sqrt(1 - rho**2)
        z[:lag] /= math.sqrt(1 - rho**2)
        return np.asarray(lfilter([1.0], [1.0, *[0.0] * (lag - 1), -rho], z))

    return draw


def _average(rng: np.random.Generator, n: int) -> np.ndarray:
    """Every entry shares a little with those 20, 45 and 83 places before it."""
    taps = np.zeros(84)
    taps[[0, 20, 45, 83]] = 1.0, 0.15, 0.15, 0.15
    return np.convolve(rng.standard_normal(n + 83), taps / np.linalg.norm(taps), "valid")


def _sizes(z: np.ndarray) -> np.ndarray:
    return seen(z, z.clip(-FAR, FAR)).sizes


def _source(draw: Draw, shape: tuple[int, ...]) -> Callable[[int, int], object]:
    def source(seed: int, count: int) -> object:
        return (draw(np.random.default_rng([seed, k]), math.prod(shape)).reshape(shape) for k in range(count))

    return source


@pytest.mark.parametrize("lag", [5, 7, 12, 100])
@pytest.mark.parametrize("shape", [(64, 64), (16, 16), (1000,), (512, 512)])
def test_a_correlation_of_a_tenth_violates_at_any_lag(lag: int, shape: tuple[int, ...]) -> None:
    key = Key("tests", f"echo {lag} {shape}")
    found = decide(Normal(1.0), _source(_echo(lag, 0.1), shape), POLICIES["nightly"], key)  # type: ignore[arg-type]
    assert found.outcome == "VIOLATES"
    assert f"entries {lag} places apart" in found.detail


def test_several_lags_make_one_filter() -> None:
    rng, echoes = Key("tests", "echoes").generator(), Echo()
    for _ in range(20):
        echoes.update(_average(rng, 4096)[None])
    assert echoes.log_e > 2 * ALARM
    assert echoes.lag in (20, 25, 38, 45, 63, 83)


def test_one_tensor_teaches_by_its_first_half() -> None:
    echoes = Echo()
    echoes.update(_echo(77, 0.1)(Key("tests", "one").generator(), 1 << 16)[None])
    assert (echoes.lag, echoes.log_e > ALARM) == (77, True)


def test_signs_of_echoes_show_in_the_sizes() -> None:
    rng = Key("tests", "sizes").generator()
    z = np.stack([np.abs(_echo(9, 0.6)(rng, 2048)) * rng.choice([-1, 1], 2048) for _ in range(20)])
    values, sizes = Echo(), Echo()
    for scores in np.split(z, 10):
        values.update(scores)
        sizes.update(_sizes(scores))
    assert values.log_e < ALARM < sizes.log_e
    assert sizes.lag == 9


@pytest.mark.parametrize("shape", [(1, 256), (3, 64)])
@pytest.mark.parametrize("sizes", [False, True])
def test_the_supremum_stays_below_its_level(shape: tuple[int, int], sizes: bool) -> None:
    """Of values and of sizes, at 0.1 and 0.01."""
    runs, rng = 800, Key("tests", f"echo sup {shape} {sizes}").generator()
    highest = np.zeros(runs)
    for run in range(runs):
        echoes = Echo()
        for _ in range(25):
            z = rng.standard_normal(shape)
            echoes.update(_sizes(z) if sizes else z)
            highest[run] = max(highest[run], echoes.log_e)
    for alpha in (0.1, 0.01):
        assert (highest >= math.log(1 / alpha)).mean() <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize("shape", [(3,), (15,), (17,), (2, 9), (1, 1)])
def test_short_and_odd_tensors_are_taken(shape: tuple[int, ...]) -> None:
    echoes, rng = Echo(), Key("tests", "short").generator()
    for count in (1, 2, 5):
        echoes.update(rng.standard_normal((count, *shape)))
    assert math.isfinite(echoes.log_e)


def test_lawful_uniforms_conform() -> None:
    source = _source(lambda rng, n: rng.uniform(-1, 1, n), (64, 64))
    assert decide(Uniform(1.0), source, POLICIES["nightly"], Key("tests", "healthy")).outcome == "CONFORMS"  # type: ignore[arg-type]


def test_the_loudest_lag_is_the_one_of_the_largest_correlation() -> None:
    rng = Key("tests", "loudest").generator()
    assert loudest(np.stack([_echo(37, -0.3)(rng, 4096) for _ in range(4)])) == 37
    assert loudest(rng.standard_normal((4, 8))) == 0
