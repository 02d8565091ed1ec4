"""What evidence costs beside the draws: reducing a float32 tensor to its state, deciding, and the alternatives.

Reducing and the battery are pairs with drawing; compare the others within their group.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import reduce
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, Uniform

N = 1 << 22


def pair(benchmark: Any, name: str, role: str, goal: float, why: str, size: int) -> None:
    benchmark.group = name
    benchmark.extra_info.update(pair=name, size=size, role=role, goal=goal, why=why)


READ = "four powers are summed in float64, in one pass for each"


@pytest.mark.parametrize("role", ["ours", "theirs", "copy"])
def test_reduce_torch(benchmark: Any, role: str) -> None:
    """Reducing against drawing."""
    x, place = torch.randn(N, generator=torch.Generator().manual_seed(0)), torch.empty(N)
    pair(benchmark, "reduce against drawing, torch", role, 0.15, READ, N)
    benchmark({"ours": lambda: reduce(x), "theirs": lambda: place.normal_(), "copy": lambda: place.copy_(x)}[role])


@pytest.mark.parametrize("role", ["ours", "theirs", "copy"])
def test_reduce_numpy(benchmark: Any, role: str) -> None:
    """The same of NumPy arrays."""
    rng, place = np.random.default_rng(0), np.empty(N, np.float32)
    x = rng.standard_normal(N, dtype=np.float32)
    draw = lambda: rng.standard_normal(out=place, dtype=np.float32)  # noqa: E731 (a function to measure)
    pair(benchmark, "reduce against drawing, NumPy", role, 0.15, READ, N)
    benchmark({"ours": lambda: reduce(x), "theirs": draw, "copy": lambda: np.copyto(place, x)}[role])


@pytest.mark.benchmark(group="decision")
def test_decide_nightly(benchmark: object) -> None:
    """One percent, beta 1e-6, on 64 x 64 float32 tensors: draws and decision together."""

    def source(seed: int, count: int) -> object:
        rng = np.random.default_rng(seed)
        return (rng.standard_normal((64, 64), dtype=np.float32) for _ in range(count))

    benchmark(lambda: decide(Normal(1.0), source, POLICIES["nightly"], Key("bench", "d"), dtype="float32"))  # type: ignore[operator, arg-type]


@pytest.mark.parametrize("role", ["ours", "theirs"])
@pytest.mark.parametrize(("law", "tensors"), [(Normal(1.0), 47), (Uniform(1.0), 5)], ids=["normal", "uniform"])
def test_decide_against_drawing(benchmark: Any, law: Any, tensors: int, role: str) -> None:
    """A decision at 1 % on 64 x 64 tensors, patterns of places aside, against drawing as many as are to suffice."""

    def source(seed: int, count: int) -> Any:
        rng = np.random.default_rng(seed)
        return (law.quantile(rng.random((64, 64))).astype(np.float32) for _ in range(count))

    rule = replace(POLICIES["nightly"], redraws=0)
    decided = lambda: decide(law, source, rule, Key("bench", "d"), dtype="float32")  # noqa: E731
    pair(benchmark, f"decide at 1 %, {law.family}", role, 2.0, "the battery looks at 1e5 numbers", tensors * 4096)
    benchmark.extra_info.update(draws=decided().state.n)
    benchmark(decided if role == "ours" else lambda: list(source(1, tensors)))


@pytest.mark.benchmark(group="decision")
def test_kstest_on_as_many_numbers(benchmark: object) -> None:
    from scipy.stats import kstest

    x = np.random.default_rng(0).standard_normal(200_000)
    benchmark(kstest, x, "norm")  # type: ignore[operator]


@pytest.mark.benchmark(group="decision")
def test_describe_as_many_numbers(benchmark: object) -> None:
    from scipy.stats import describe

    x = np.random.default_rng(0).standard_normal(200_000)
    benchmark(describe, x)  # type: ignore[operator]


@pytest.mark.parametrize("role", ["ours", "theirs"])
def test_battery(benchmark: Any, role: str) -> None:
    """All features of 1e5 float32 normals in tensors of 64 x 64, against drawing as many."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    tensors = [rng.standard_normal((64, 64), dtype=np.float32) for _ in range(25)]

    def decided() -> float:
        battery = Battery(Normal(1.0), FORMATS["float32"], 100_000)
        battery.update(tensors, rng)
        return battery.violation()

    why = "a distribution function, Legendre polynomials, sums along lines and spectra, in float64"
    pair(benchmark, "battery against drawing", role, 10.0, why, 100_000)
    benchmark(decided if role == "ours" else lambda: torch.empty(100_000).normal_(generator=generator))
