"""Cost of our draws against the plain call they stand for, as pairs of rows in one group.

Each group holds a row "ours" and a row "theirs" over the same memory; the ratio of their best times is the figure, and
`goal` (in the extra info) the ratio aimed at. Nothing here asserts a time.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pytest_benchmark")
torch = pytest.importorskip("torch")

import varlaw.impl.numpy as on_numpy  # noqa: E402 (needs the skips above)
import varlaw.impl.torch as on_torch  # noqa: E402

SIZES = tuple(2**k for k in (10, 14, 18, 22, 24))
CUT = {"std_of": "parent", "bounds": "sigmas"}
init = torch.nn.init


def torch_pairs(size: int) -> dict[str, tuple[float, Callable[[], Any], Callable[[], Any]]]:
    """Name: (goal, ours, theirs), for one tensor of `size` float32 numbers."""
    t, g = torch.empty(size // 32, 32), torch.Generator().manual_seed(1)
    shape = tuple(t.shape)
    return {
        "torch uniform": (
            1.05,
            lambda: on_torch.uniform(shape, 1.0, seed=g, out=t),
            lambda: init.uniform_(t, -1.0, 1.0, generator=g),
        ),
        "torch normal": (
            1.05,
            lambda: on_torch.normal(shape, 1.0, seed=g, out=t),
            lambda: init.normal_(t, 0.0, 1.0, generator=g),
        ),
        "torch truncated normal": (
            0.7,
            lambda: on_torch.truncated_normal(shape, 1.0, seed=g, out=t, **CUT),
            lambda: init.trunc_normal_(t, 0.0, 1.0, -2.0, 2.0, generator=g),
        ),
        "torch He normal": (
            1.05,
            lambda: on_torch.he_normal(shape, seed=g, out=t),
            lambda: init.kaiming_normal_(t, generator=g),
        ),
        "torch Glorot uniform": (
            1.05,
            lambda: on_torch.glorot_uniform(shape, seed=g, out=t),
            lambda: init.xavier_uniform_(t, generator=g),
        ),
        "torch keyed normal": (
            4.0 if size == 2**10 else 2.0,
            lambda: on_torch.keyed_normal(shape, 1.0, key=1, name="w", out=t),
            lambda: t.normal_(generator=g),
        ),
        "torch keyed uniform": (
            4.0 if size == 2**10 else 2.0,
            lambda: on_torch.keyed_uniform(shape, 1.0, key=1, name="w", out=t),
            lambda: t.normal_(generator=g),
        ),
    }


def numpy_pairs(size: int) -> dict[str, tuple[float, Callable[[], Any], Callable[[], Any]]]:
    """As `torch_pairs`, against one `Generator` filling the same array."""
    a, mine, theirs = np.empty(size, np.float32), np.random.default_rng(1), np.random.default_rng(2)
    return {
        "NumPy uniform": (
            1.5 if size == 2**10 else 0.6,
            lambda: on_numpy.uniform(size, 1.0, seed=mine, out=a),
            lambda: theirs.random(out=a, dtype=np.float32),
        ),
        "NumPy normal": (
            1.5 if size == 2**10 else 0.6,
            lambda: on_numpy.normal(size, 1.0, seed=mine, out=a),
            lambda: theirs.standard_normal(out=a, dtype=np.float32),
        ),
    }


# What makes ours dear beyond the price of a call.
WHY = {
    "torch keyed normal": "each normal comes from its own counter by a logarithm, a sine and a cosine in float64",
    "torch uniform": "arguments are looked at before anything is written, about half a microsecond",
    "torch keyed uniform": "Philox words of NumPy, on as many threads as pay",
    "NumPy normal": "arguments are looked at, and from 2^16 numbers on a stream of its own for each block",
    "NumPy uniform": "arguments are looked at, and the draws moved and scaled, as against 2 µs for the draws alone",
}
NAMES = (*torch_pairs(64), *numpy_pairs(64))


@pytest.mark.benchmark(max_time=0.3, min_rounds=5, disable_gc=True)
@pytest.mark.parametrize("role", ["ours", "theirs"])
@pytest.mark.parametrize("size", SIZES, ids=lambda n: f"2^{n.bit_length() - 1}")
@pytest.mark.parametrize("name", NAMES)
def test_draws(benchmark, name, size, role):
    goal, ours, theirs = (torch_pairs(size) | numpy_pairs(size))[name]
    benchmark.group = f"{name} 2^{size.bit_length() - 1}"
    benchmark.extra_info.update(pair=name, size=size, role=role, goal=goal, why=WHY.get(name, ""))
    benchmark(ours if role == "ours" else theirs)


@pytest.mark.benchmark(max_time=0.5, min_rounds=3, disable_gc=True)
@pytest.mark.parametrize("role", ["ours", "theirs"])
@pytest.mark.parametrize("side", [32, 256, 1024])
def test_orthogonal(benchmark, side, role):
    t, g = torch.empty(side, side), torch.Generator().manual_seed(1)
    benchmark.group = f"torch orthogonal 2^{2 * int(math.log2(side))}"
    benchmark.extra_info.update(pair="torch orthogonal", size=side * side, role=role, goal=1.0 if side == 32 else 1.05)
    if role == "ours":
        benchmark(lambda: on_torch.orthogonal((side, side), seed=g, out=t))
    else:
        benchmark(lambda: init.orthogonal_(t, generator=g))


@pytest.mark.benchmark(max_time=1.0, min_rounds=3, disable_gc=True)
@pytest.mark.parametrize("role", ["ours", "theirs", "copy"])
def test_initialise(benchmark, role):
    """A model of 2^24 bfloat16 parameters in 16 layers, against torch's own init of each."""
    model = torch.nn.Sequential(*(torch.nn.Linear(1024, 1024, bias=False, dtype=torch.bfloat16) for _ in range(16)))
    weights, elsewhere = list(model.parameters()), [torch.empty_like(w) for w in model.parameters()]
    recipe = [on_torch.Rule("*", "normal")]
    calls = {
        "ours": lambda: on_torch.initialise(model, recipe, key=1),
        "theirs": lambda: [init.kaiming_normal_(w) for w in weights],
        "copy": lambda: torch._foreach_copy_(elsewhere, [w.detach() for w in weights]),
    }
    why = "each value comes from its own counter, the same in every shard, by functions in float64"
    benchmark.group = name = "initialise a bfloat16 model"
    benchmark.extra_info.update(pair=name, size=2**24, role=role, goal=1.1, why=why)
    benchmark(calls[role])
