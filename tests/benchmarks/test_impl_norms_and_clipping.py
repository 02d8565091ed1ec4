"""Cost of our norms and clips against the straightforward call, as pairs of rows in one group.

Each group holds a row "ours" and a row "theirs" over the same values; the ratio of their best times is the figure, and
`goal` (in the extra info) the ratio aimed at. Where memory bounds both, a row "copy" copies the same bytes. Nothing
here asserts a time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pytest_benchmark")
torch = pytest.importorskip("torch")

import varlaw.impl.numpy as on_numpy  # noqa: E402 (needs the skips above)
import varlaw.impl.torch as on_torch  # noqa: E402

SIZES = tuple(2**k for k in (14, 18, 22, 24))
WIDTH, EPS = 1024, 1e-5
BOUND = 2**22  # entries that no cache holds


def plain_layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Two passes over the statistics, as the definition reads."""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + EPS) * gamma + beta


def plain_rms_norm(x: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS) * gamma


def plain_batch_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    mean, variance = x.mean(axis=(0, 2), keepdims=True), x.var(axis=(0, 2), keepdims=True)
    return (x - mean) / np.sqrt(variance + EPS) * gamma[:, None] + beta[:, None]


def norm_pairs(size: int) -> dict[str, tuple[float, Callable[[], Any], Callable[[], Any]]]:
    """Name: (goal, ours, theirs), for `size` float32 numbers."""
    x = np.random.default_rng(0).standard_normal((size // WIDTH, WIDTH), dtype=np.float32)
    gamma, beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
    images, scale, shift = x.reshape(-1, 64, 16), np.ones(64, np.float32), np.zeros(64, np.float32)
    t, g = torch.from_numpy(x), torch.from_numpy(gamma)
    functional = torch.nn.functional
    return {
        "NumPy layer norm": (
            1.0 if size == 2**14 else 0.5,
            lambda: on_numpy.layer_norm(x, -1, gamma, beta),
            lambda: plain_layer_norm(x, gamma, beta),
        ),
        "NumPy RMS norm": (
            1.0 if size == 2**14 else 0.5,
            lambda: on_numpy.rms_norm(x, -1, gamma),
            lambda: plain_rms_norm(x, gamma),
        ),
        "NumPy batch norm": (
            0.5,
            lambda: on_numpy.batch_norm(images, gamma=scale, beta=shift),
            lambda: plain_batch_norm(images, scale, shift),
        ),
        "torch RMS norm": (
            {2**14: 1.0, 2**18: 0.8}.get(size, 0.7),
            lambda: on_torch.rms_norm(t, -1, g, eps=EPS),
            lambda: functional.rms_norm(t, (WIDTH,), g, EPS),
        ),
    }


# What makes ours dear beyond the price of a call.
WHY = {
    "torch RMS norm": "squares that may overflow are summed in short pieces and looked at, a microsecond each",
    "NumPy RMS norm": "a pass for the squares, one for the scale, one for gamma, as theirs; below 2^16 calls count",
    "NumPy layer norm": "the mean is taken twice, so that it may be a million standard deviations",
    "NumPy batch norm": "channels are brought together and back again, two copies of everything",
}
CLIPPING = "both read everything once and, to clip, write it once more: as fast as memory, and so never much faster"


ROLES = [(size, role) for size in SIZES for role in ("ours", "theirs", *(("copy",) if size >= BOUND else ()))]


@pytest.mark.benchmark(max_time=0.3, min_rounds=5, disable_gc=True)
@pytest.mark.parametrize(("size", "role"), ROLES, ids=lambda x: x if isinstance(x, str) else f"2^{x.bit_length() - 1}")
@pytest.mark.parametrize("name", norm_pairs(SIZES[0]))
def test_norms(benchmark, name, size, role):
    goal, ours, theirs = norm_pairs(size)[name]
    source, place = np.ones(size, np.float32), np.empty(size, np.float32)
    benchmark.group = f"{name} 2^{size.bit_length() - 1}"
    benchmark.extra_info.update(pair=name, size=size, role=role, goal=goal, why=WHY.get(name, ""))
    benchmark({"ours": ours, "theirs": theirs, "copy": lambda: np.copyto(place, source)}[role])


@pytest.mark.benchmark(max_time=1.0, min_rounds=5, disable_gc=True)
@pytest.mark.parametrize("role", ["ours", "theirs", "copy"])
@pytest.mark.parametrize(("case", "limit", "goal"), [("clips", 1.0, 1.0), ("does not clip", 1e9, 0.55)])
def test_clip_by_global_norm(benchmark, case, limit, goal, role):
    """100 MB of gradients in 124 tensors, the same before each call: clipped again and again they would vanish."""
    parameters = [torch.nn.Parameter(torch.zeros(202_000)) for _ in range(124)]
    generator = torch.Generator().manual_seed(0)
    fresh = [torch.randn(202_000, generator=generator) for _ in parameters]
    for parameter, gradient in zip(parameters, fresh, strict=True):
        parameter.grad = gradient.clone()
    grads = [parameter.grad for parameter in parameters]
    elsewhere = [torch.empty_like(gradient) for gradient in fresh]

    def unclip() -> None:
        torch._foreach_copy_(grads, fresh)

    calls = {
        "ours": lambda: on_torch.clip_by_global_norm_(grads, limit),
        "theirs": lambda: torch.nn.utils.clip_grad_norm_(parameters, limit),
        "copy": lambda: torch._foreach_copy_(elsewhere, grads),
    }
    benchmark.group = name = f"torch clip by global norm, {case}"
    benchmark.extra_info.update(pair=name, size=124 * 202_000, role=role, goal=goal, why=CLIPPING)
    benchmark.pedantic(calls[role], setup=unclip, rounds=20, warmup_rounds=2)
