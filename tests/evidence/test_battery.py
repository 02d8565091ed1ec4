"""The battery: exact under the law in every format, and sight of what no variance shows."""

import math
from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from varlaw.evidence import lines, places, scores
from varlaw.evidence.battery import _PROCESSES, Battery
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform

from .samplers import source

SHAPE = (64, 64)
ALARM = math.log(1e12)
_DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def _truncated(rng: np.random.Generator, n: int) -> np.ndarray:
    z = rng.standard_normal(2 * n)
    return z[np.abs(z) <= 2][:n]


_LAWFUL = {
    "normal": (Normal(0.02), lambda rng: rng.normal(0, 0.02, SHAPE)),
    "uniform": (Uniform(0.3), lambda rng: rng.uniform(-0.3, 0.3, SHAPE)),
    "truncated": (TruncatedNormal(1.0), lambda rng: _truncated(rng, 4096).reshape(SHAPE)),
}


def _after(law: object, draw: Callable[[np.random.Generator], np.ndarray], n: int, dtype: str = "float64") -> Battery:
    battery, rng = Battery(law, FORMATS[dtype], n), Key("tests", "battery").generator()
    while battery.room:
        battery.update([draw(rng).astype(_DTYPES[dtype])], Key("tests", "spread", block=battery.n).generator())
    return battery


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize("name", _LAWFUL)
def test_lawful_draws_raise_no_process(name: str, dtype: str) -> None:
    law, draw = _LAWFUL[name]
    battery = _after(law, draw, 100_000, dtype)
    assert battery.violation() < ALARM
    assert all(log_e < ALARM for log_e in battery.processes().values()), battery.strongest()


@pytest.mark.parametrize("alpha", [0.1, 0.01])
def test_supremum_stays_below_its_level(alpha: float) -> None:
    runs, alarms, rng = 1500, 0, Key("tests", "battery.sup").generator()
    for _ in range(runs):
        battery = Battery(Uniform(1.0), FORMATS["float64"], 1 << 20)
        for _ in range(8):
            battery.update([rng.uniform(-1, 1, (8, 8))], rng)
            if battery.violation() >= math.log(1 / alpha):
                alarms += 1
                break
    assert alarms / runs <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / runs)


def test_scores_have_the_cumulants_that_are_used() -> None:
    t, w = np.polynomial.legendre.leggauss(64)
    gram = (scores.legendre(t) * w / 2) @ scores.legendre(t).T
    # 64 terms of size at most 17 w each, the weights adding up to 1.
    assert np.abs(gram - np.eye(8)).max() <= 17 * gamma(64 + 40, 2.0**-53)
    assert np.all(scores.legendre_cumulants() >= 0)  # E exp(lambda s) >= exp(lambda E s) = 1
    assert np.all(lines.square_cumulants() >= 0)


def test_the_quartic_score_has_its_moments_and_its_cumulants() -> None:
    """Routes beside the quadrature: moments in closed form but for the mass beyond 5 sigmas, and mpmath."""
    import mpmath

    with mpmath.workdps(30):
        at = [float(rung) for rung in scores.LADDER[6:]]  # up to 0.05: above, the level rules

        def integrand(z: mpmath.mpf, rung: float) -> mpmath.mpf:
            score = (min(z, 5) ** 4 - 6 * min(z, 5) ** 2 + 3) / mpmath.sqrt(24)
            return 2 * mpmath.npdf(z) * mpmath.exp(rung * score)

        exact = [float(mpmath.log(mpmath.quad(lambda z, r=r: integrand(z, r), [0, 1, 2, 3, 4, 5, 30]))) for r in at]
    assert np.abs(scores.quartic_cumulants()[6:] - exact).max() <= gamma(800, 2.0**-53)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_cells_round_to_their_number_and_tile_the_line(name: str) -> None:
    x = np.unique(Key("tests", "cells").generator().standard_normal(4000).astype(_DTYPES[name]).astype(float))
    x = np.concatenate([x, [0.0, 1.0, -1.0, 0.5, -2.0]])
    low, high = FORMATS[name].cells(x)
    for edge in (low, high):
        within, beyond = x + (edge - x) * (1 - 2.0**-6), x + (edge - x) * (1 + 2.0**-6)
        assert np.array_equal(within.astype(_DTYPES[name]).astype(float), x)
        assert np.all(beyond.astype(_DTYPES[name]).astype(float) != x)


def _autoregressive(rho: float) -> Callable[[np.random.Generator], np.ndarray]:
    def draw(rng: np.random.Generator) -> np.ndarray:
        from scipy.signal import lfilter

        noise = rng.standard_normal(4096) * math.sqrt(1 - rho**2)
        noise[0] /= math.sqrt(1 - rho**2)
        return lfilter([1.0], [1.0, -rho], noise).reshape(SHAPE)

    return draw


def _eight_bits(rng: np.random.Generator) -> np.ndarray:
    """Box-Muller from 8-bit uniforms: std 0.7 % low, nothing beyond 3.33 sigmas (pytorch/pytorch#166853)."""
    u, v = (rng.integers(0, 256, SHAPE) + 1) / 256, rng.integers(0, 256, SHAPE) / 256
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def test_a_normal_cut_after_rounding_is_lawful_too() -> None:
    """torch's trunc_normal_ rejects among 16-bit numbers: its limit holds three times the mass of the other order."""

    def cut(rng: np.random.Generator) -> np.ndarray:
        z = rng.standard_normal(8192).astype(ml_dtypes.bfloat16).astype(float)
        return z[np.abs(z) <= 2][:4096].reshape(SHAPE)

    assert _after(TruncatedNormal(1.0), cut, 100_000, "bfloat16").violation() < ALARM
    assert _after(TruncatedNormal(1.0), _SPIKE, 100_000, "bfloat16").violation() > ALARM


_SPIKE = lambda rng: np.where(rng.random(4096) < 0.004, -2.0, _truncated(rng, 4096)).reshape(SHAPE)  # noqa: E731
_WRONG: dict[str, tuple[object, Callable[[np.random.Generator], np.ndarray]]] = {
    "uniform of the same variance": (Normal(1.0), lambda rng: rng.uniform(-math.sqrt(3), math.sqrt(3), SHAPE)),
    "Laplace of the same variance": (Normal(1.0), lambda rng: rng.laplace(0, math.sqrt(0.5), SHAPE)),
    "triangular on the same support": (Uniform(1.0), lambda rng: rng.triangular(-1, 0, 1, SHAPE)),
    "truncated, same variance": (Normal(TruncatedNormal(1.0).std), lambda rng: _truncated(rng, 4096).reshape(SHAPE)),
    "neighbours correlated 0.1": (Normal(1.0), _autoregressive(0.1)),
    "one entry in 500 is 0": (Normal(1.0), lambda rng: rng.standard_normal(SHAPE) * (rng.random(SHAPE) > 0.002)),
    "every value twice": (Normal(1.0), lambda rng: np.repeat(rng.standard_normal((64, 32)), 2, axis=1)),
    "rows share a shift": (
        Normal(1.0),
        lambda rng: 0.3 * rng.normal(size=(64, 1)) + 0.91**0.5 * rng.normal(size=SHAPE),
    ),
    "a part of rank one, 5 %": (
        Normal(1.0),
        lambda rng: 0.95**0.5 * rng.normal(size=SHAPE) + 0.05**0.5 * rng.normal(size=(64, 1)) * rng.normal(size=64),
    ),
    "a grid of 256 values": (Uniform(1.0), lambda rng: (rng.integers(0, 256, SHAPE) + 0.5) / 128 - 1),
    "a grid of 4096 values": (Uniform(1.0), lambda rng: (rng.integers(0, 4096, SHAPE) + 0.5) / 2048 - 1),
    "0.4 % on the lower limit": (TruncatedNormal(1.0), _SPIKE),
    "mean shifted by 5 %": (Normal(1.0), lambda rng: 0.05 + rng.standard_normal(SHAPE)),
    "Box-Muller from 8 bits": (Normal(1.0), _eight_bits),
}


@pytest.mark.parametrize("name", _WRONG)
def test_what_no_variance_shows_violates_under_nightly(name: str) -> None:
    law, draw = _WRONG[name]
    decision = decide(law, source(draw), POLICIES["nightly"], Key("t", name))  # type: ignore[arg-type]
    assert decision.outcome == "VIOLATES"


@pytest.mark.parametrize("axis", [0, 1])
def test_lines_that_are_wider_in_every_tensor_are_told_from_lines_wider_by_chance(axis: int) -> None:
    wider = np.where(np.arange(64) < 4, 1.3, 1.0)
    battery, rng = Battery(Normal(1.0), FORMATS["float64"], 1 << 20), Key("tests", "wider").generator()
    for _ in range(24):
        z = rng.standard_normal(SHAPE)
        battery.update([z * wider if axis else z * wider[:, None]], rng)
    processes = battery.processes()
    line, other = ("columns", "rows") if axis else ("rows", "columns")
    assert processes[f"scale of {line} of the tensor before"] > ALARM
    assert processes[f"scale of {other} of the tensor before"] < ALARM


@pytest.mark.parametrize(("shape", "seen"), [((1000, 100), 1000), ((1, 100_000), 1000), ((300, 2), 600)])
def test_of_a_huge_tensor_only_the_leading_rows_are_looked_at(shape: tuple[int, ...], seen: int) -> None:
    battery, rng = Battery(Normal(1.0), FORMATS["float64"], 1000), Key("tests", "huge").generator()
    battery.update([rng.standard_normal(shape)], rng)
    assert battery.n == seen
    assert battery.room == 1000 - seen


_STACKED = (8, 12, 20)
_PLACED: dict[str, tuple[object, Callable[[np.random.Generator], np.ndarray]]] = {
    "any means of 4 %": (Normal(1.0), lambda rng: _PATTERN / 2 + rng.standard_normal(SHAPE)),
    "one entry of a uniform, off by 0.6 std": (
        Uniform(3**0.5),
        lambda rng: np.where(np.arange(4096).reshape(SHAPE) == 99, _wrapped(rng), rng.uniform(-1, 1, SHAPE) * 3**0.5),
    ),
    "one of 8 experts, 5 %": (
        Normal(1.0),
        lambda rng: 0.05 * (np.arange(8) == 3)[:, None, None] + rng.standard_normal(_STACKED),
    ),
}


def _wrapped(rng: np.random.Generator) -> np.ndarray:
    """Within the limits, with a mean of 0.6."""
    return 3**0.5 * (2 * rng.uniform(0, 1, SHAPE) ** 0.485 - 1)


@pytest.mark.parametrize("name", _PLACED)
def test_a_sampler_whose_scale_conforms_is_drawn_on_for_patterns_of_places(name: str) -> None:
    """Each violates after more draws than the scale and the shape of one tensor take."""
    law, draw = _PLACED[name]
    found = decide(law, source(draw), POLICIES["nightly"], Key("t", name))  # type: ignore[arg-type]
    assert found.outcome == "VIOLATES"
    assert "the same in all tensors" in found.detail
    short = decide(law, source(draw), replace(POLICIES["nightly"], redraws=0), Key("t", name))  # type: ignore[arg-type]
    assert short.outcome == "CONFORMS"
    assert short.state.n < found.state.n


def test_what_is_drawn_for_patterns_is_bounded() -> None:
    policy, draw = POLICIES["nightly"], lambda rng: rng.standard_normal((32, 32), dtype=np.float32)
    found = decide(Normal(1.0), source(draw), policy, Key("t", "bounded"))
    assert (found.outcome, found.state.n) == ("CONFORMS", policy.redraws * 1024)
    few = replace(policy, max_samples=300_000)
    assert decide(Normal(1.0), source(draw), few, Key("t", "bounded")).state.n <= 301_056


@pytest.mark.parametrize("shape", [(4, 6), (40,), (3, 4, 5)])
def test_means_of_bins_and_groups_keep_the_supremum_below_its_level(shape: tuple[int, ...]) -> None:
    """Of whole batteries that tensors reach in batches of several sizes, at a tenth."""
    runs, alpha, alarms, rng = 400, 0.1, 0, Key("tests", f"sup {shape}").generator()
    for _ in range(runs):
        battery = Battery(Normal(1.0), FORMATS["float64"], 400, places=1 << 20)
        for count in (1, 3, 1, 8, 20):
            battery.update([rng.standard_normal(shape) for _ in range(count)], rng)
            if battery.violation() >= math.log(1 / alpha):
                alarms += 1
                break
    assert alarms / runs <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize("shape", [(2, 3), (7,), (17, 40), (16, 16), (5, 4, 3, 3), (2, 33, 8), (1, 9)])
def test_cells_of_every_view_add_up_to_variance_one(shape: tuple[int, ...]) -> None:
    """Each cell of unit vectors' sums: squared, over all entries, they add up to 1 where the view takes them all."""
    size = math.prod(shape)
    for view, cells in places.sums(np.eye(size).reshape(size, *shape)):
        assert np.abs((cells**2).sum(axis=0) - 1).max() <= gamma(2 * size, 2.0**-53), view


def test_tensors_equal_to_the_one_before_violate() -> None:
    def pairs(seed: int, count: int) -> object:
        return (np.random.default_rng([seed, i // 2]).standard_normal(SHAPE) for i in range(count))

    decision = decide(Normal(1.0), pairs, POLICIES["nightly"], Key("t", "twins"))  # type: ignore[arg-type]
    assert decision.outcome == "VIOLATES"
    assert "tensor before" in decision.detail


def test_the_stream_that_spreads_is_none_of_the_samplers() -> None:
    """A sampler on default_rng(seed) must not meet its own numbers again in the spread of its 16-bit values."""

    def draw(seed: int, count: int) -> object:
        rng = np.random.default_rng(seed)
        return (rng.uniform(-0.3, 0.3, SHAPE).astype(ml_dtypes.bfloat16) for _ in range(count))

    decision = decide(Uniform(0.3), draw, POLICIES["nightly"], Key("t", "stream"), dtype="bfloat16")  # type: ignore[arg-type]
    assert decision.outcome == "CONFORMS"


_EIGHT = np.indices((64, 64)).sum(axis=0) % 2 * 0.16 - 0.08
_PATTERN = 0.08 * np.random.default_rng(3).standard_normal((64, 64))


def _stuck(rng: np.random.Generator) -> np.ndarray:
    z = rng.standard_normal(SHAPE)
    z[5, 7] = 0.37
    return z


def _one_off(rng: np.random.Generator) -> np.ndarray:
    z = rng.standard_normal(SHAPE)
    z[5, 7] += 2.0
    return z


def _rows_again(dtype: type) -> Callable[[np.random.Generator], np.ndarray]:
    def draw(rng: np.random.Generator) -> np.ndarray:
        z = rng.standard_normal(SHAPE).astype(dtype)
        z[50] = -z[3]
        return z

    return draw


def _shuffled(rng: np.random.Generator) -> np.ndarray:
    z = np.random.default_rng(rng.integers(30)).standard_normal(SHAPE)
    return rng.permutation(z.ravel()).reshape(SHAPE)


_FIXED: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], str]] = {
    "a checkerboard of means": (lambda rng: _EIGHT + rng.standard_normal(SHAPE), "mean of a checkerboard"),
    "means of halves": (
        lambda rng: np.where(np.arange(64) < 32, 0.05, -0.05)[:, None] + rng.standard_normal(SHAPE),
        "mean of halves",
    ),
    "widths in turn": (
        lambda rng: np.where(np.arange(64) % 2, 1.05, 0.95) * rng.standard_normal(SHAPE),
        "magnitude of every second entry",
    ),
    "any matrix of means": (lambda rng: _PATTERN + rng.standard_normal(SHAPE), "mean of each entry"),
    "a pattern of widths": (lambda rng: (1 + 2 * _PATTERN) * rng.standard_normal(SHAPE), "magnitude of each entry"),
    "one entry that is off": (_one_off, "mean of one entry"),
    "one row that is off": (
        lambda rng: 0.3 * (np.arange(64) == 9)[:, None] + rng.standard_normal(SHAPE),
        "mean of one part, rows",
    ),
    "lanes that are wider": (
        lambda rng: np.tile(np.where(np.arange(32) % 5, 1.0, 1.1), 128).reshape(SHAPE) * rng.standard_normal(SHAPE),
        "magnitude of each part, lanes",
    ),
    "one entry that is always the same": (_stuck, "entries of the tensor before"),
    "a row that comes again": (_rows_again(np.float32), "repeated values"),
    "a row that comes again, bfloat16": (_rows_again(ml_dtypes.bfloat16), "repeated rows"),
    "thirty tensors, shuffled": (_shuffled, "repeated shuffled tensors"),
}


@pytest.mark.parametrize("name", _FIXED)
def test_what_all_tensors_share_is_found_and_by_its_name(name: str) -> None:
    draw, process = _FIXED[name]
    rng = Key("tests", name).generator()
    dtype = "bfloat16" if name.endswith("bfloat16") else "float32"
    battery = Battery(Normal(1.0), FORMATS[dtype], 1 << 20)
    while battery.n < 160_000:
        battery.update([draw(rng).astype(_DTYPES[dtype])], rng)
    assert battery.violation() > ALARM
    assert battery.strongest()[0] == process


def _parity(kind: str, told: bool) -> list[np.ndarray]:
    """Tensors in which a third of the signs are the products of two others, of which any two are independent."""
    z = np.random.default_rng(9).standard_normal((36, 24, 24))
    parts = {
        "signs of two before": z.reshape(-1, 3).T,
        "signs of two rows above": np.moveaxis(z.reshape(-1, 3, 24), 1, 0),
        "signs of two thirds before": np.moveaxis(z.reshape(36, 3, -1), 1, 0),
        "signs of two tensors before": np.moveaxis(z.reshape(12, 3, -1), 1, 0),
    }[kind]
    signs = np.sign(parts[0] * parts[1]) if told else np.sign(np.random.default_rng(8).standard_normal(parts[0].shape))
    parts[2] = np.abs(parts[2]) * signs
    return list(z)


_NEAR = ["signs of two before", "signs of two rows above"]


@pytest.mark.parametrize("kind", [f"signs of two {what} before" for what in ("thirds", "tensors")] + _NEAR)
def test_a_sign_that_is_the_product_of_two_others_is_found_and_none_of_a_twin(kind: str) -> None:
    for told in (True, False):
        battery = Battery(Normal(1.0), FORMATS["float32"], 1 << 20)
        battery.update(_parity(kind, told), np.random.default_rng(1))
        assert (battery.violation() > ALARM) is told
        assert battery.strongest()[0] == kind or not told


def test_the_average_is_over_all_processes_there_are() -> None:
    """One that begins with a later shape has stood at 1 so far: the average never jumps."""
    battery, rng = Battery(Normal(1.0), FORMATS["float32"], 1 << 20), np.random.default_rng(1)
    battery.update([rng.standard_normal(48)], rng)
    few = len(battery.processes())
    battery.update([rng.standard_normal((24, 24)) for _ in range(3)], rng)
    assert few < len(battery.processes()) == _PROCESSES
