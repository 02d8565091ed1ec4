"""What evidence costs beside the draws: reducing a float32 tensor to its state, deciding, and the alternatives.

Compare within a group: the goal for reducing is at most a quarter of the time of drawing.
"""

import numpy as np
import pytest
import torch

from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import reduce
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal

N = 1 << 22


@pytest.mark.benchmark(group="state-torch")
def test_draw_torch(benchmark: object) -> None:
    x = torch.empty(N)
    benchmark(x.normal_)  # type: ignore[operator]


@pytest.mark.benchmark(group="state-torch")
def test_reduce_torch(benchmark: object) -> None:
    x = torch.empty(N).normal_(generator=torch.Generator().manual_seed(0))
    benchmark(reduce, x)  # type: ignore[operator]


@pytest.mark.benchmark(group="state-numpy")
def test_draw_numpy(benchmark: object) -> None:
    rng = np.random.default_rng(0)
    benchmark(rng.standard_normal, N, dtype=np.float32)  # type: ignore[operator]


@pytest.mark.benchmark(group="state-numpy")
def test_reduce_numpy(benchmark: object) -> None:
    x = np.random.default_rng(0).standard_normal(N, dtype=np.float32)
    benchmark(reduce, x)  # type: ignore[operator]


@pytest.mark.benchmark(group="decision")
def test_decide_nightly(benchmark: object) -> None:
    """One percent, beta 1e-6, on 64 x 64 float32 tensors: draws and decision together."""

    def source(seed: int, count: int) -> object:
        rng = np.random.default_rng(seed)
        return (rng.standard_normal((64, 64), dtype=np.float32) for _ in range(count))

    benchmark(lambda: decide(Normal(1.0), source, POLICIES["nightly"], Key("bench", "d"), dtype="float32"))  # type: ignore[operator, arg-type]


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


@pytest.mark.benchmark(group="battery")
def test_draw_for_the_battery(benchmark: object) -> None:
    generator = torch.Generator().manual_seed(0)
    benchmark(lambda: torch.empty(100_000).normal_(generator=generator))  # type: ignore[operator]


@pytest.mark.benchmark(group="battery")
def test_battery(benchmark: object) -> None:
    """All features of 1e5 float32 normals in tensors of 64 x 64; the goal is four times the time of drawing them."""
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal((64, 64), dtype=np.float32) for _ in range(25)]

    def decided() -> float:
        battery = Battery(Normal(1.0), FORMATS["float32"], 100_000)
        battery.update(tensors, rng)
        return battery.violation()

    benchmark(decided)  # type: ignore[operator]
