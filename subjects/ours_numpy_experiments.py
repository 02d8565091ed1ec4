"""Experiments on varlaw's own NumPy functions: clips of random gradients, norms and their gradients, weights in depth.

Jacobians are rows of our backward functions. Numbers are drawn by NumPy in float64 and rounded to the dtype once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.impl import numpy as ours
from varlaw.subjects.subject import Case, Experiment, Floats, Framework

Normal = Callable[..., Any]  # shape -> standard normal numbers of the dtype


def _branches(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    """He's blocks in a residual stream: plain, divided by the root of their number, and dropped."""
    width, layers, dtype = c["width"], c["layers"], normal(1).dtype.name

    def weights(std: float) -> Any:
        return ours.normal((n, width, width), std / width**0.5, seed=rng, dtype=dtype)

    def times(w: Any, h: Any) -> Any:
        return np.einsum("nij,nj->ni", w, h)

    def branch(h: Any, gain: float) -> Any:
        return times(weights((2 * gain) ** 0.5), np.maximum(times(weights(1.0), h), 0))

    start = plain = scaled = normal(n, width)
    for _ in range(layers):
        plain = plain + branch(plain, c["gain"])
    for _ in range(2 * layers):
        scaled = scaled + branch(scaled, 1 / (2 * layers))
    kept = (rng.random((n, 1)) >= c["rate"]) / (1 - c["rate"])
    dropped = start + kept * branch(start, c["gain"])
    size = np.square(start).sum(1)
    return {"growth": _square(plain) / size, "scaled": _square(scaled) / size, "dropped": _square(dropped) / size}


def _square(h: Any) -> Any:
    return np.square(h).sum(1)


def _chain(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    """ln of how much longer or shorter a vector becomes in a product of our matrices."""
    size, variance, dtype = c["n"], c["variance"], normal(1).dtype.name
    x, log = np.full((n, size), size**-0.5, dtype=dtype), np.zeros(n)
    for _ in range(c["factors"]):
        w = ours.normal((n, size, size), variance**0.5, seed=rng, dtype=dtype)
        x = np.einsum("nij,nj->ni", w, x)
        norm = np.linalg.norm(x, axis=1)
        x, log = x / norm[:, None], log + np.log(norm)
    return {"log": log, "drift": 2 * log - c["factors"] * np.log(size * variance)}


def _clips(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    g = normal(n, c["n"])
    clips: list[Any] = [ours.clip_by_global_norm([row], c["limit"])[0][0] for row in g]
    after = np.stack(clips)
    before, norm = np.linalg.norm(g, axis=1), np.linalg.norm(after, axis=1)
    clipped = np.any(after != g, axis=1)
    return {"clipped": clipped, "coefficient": norm / before, "norm": norm, "square": norm**2}


def _two_points(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    g: Any = np.array([c["low"], c["high"]], dtype=normal(1).dtype)[(rng.random(n) < c["share"]).astype(int)]
    return {"clipped": ours.clip_by_value([g], c["limit"])[0]}


def _groups(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    x = normal(n, c["n"])
    y, r, v = ours.layer_norm(x, eps=0.0), ours.rms_norm(x, eps=0.0), np.var(x, axis=1)
    return {
        "fourth": np.mean(y**4, axis=1),
        "rms fourth": np.mean(r**4, axis=1),
        "product": y[:, 0] * y[:, 1],
        "relu": np.maximum(y, 0).mean(1),
        "inverse variance": 1 / v,
        "inverse std": v**-0.5,
    }


def _jacobians(c: Case, n: int, rng: np.random.Generator, normal: Normal) -> dict[str, Any]:
    size, eps = c["n"], c["eps"]
    x, g = normal(n, size), normal(n, size)
    ends = np.broadcast_to(np.eye(size, dtype=x.dtype), (n, size, size))
    rows = np.broadcast_to(x[:, None], (n, size, size))
    norm = ours.layer_norm_backward(ends, rows, eps=eps).x
    rms = ours.rms_norm_backward(ends, rows, eps=eps).x
    centred = x - x.mean(1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    back = ours.layer_norm_backward(g, x, eps=eps).x
    wide = x.astype(np.float64)
    return {
        "variance": np.var(wide, axis=1),
        "mean_square": np.mean(wide**2, axis=1),
        "frobenius": np.square(norm).sum((1, 2)),
        "rms frobenius": np.square(rms).sum((1, 2)),
        "leak": np.einsum("bi,bij,bj->b", unit, norm, unit),
        "shortfall": 1 - np.mean(ours.layer_norm(x, eps=eps) ** 2, axis=1),
        "gradient sum": back.sum(1),
        "gradient size": np.abs(back).sum(1) + np.abs(g).sum(1),
    }


_CALLS: tuple[tuple[str, str, Callable[..., dict[str, Any]]], ...] = (
    ("normal(residual)", "residual_stream", _branches),
    ("normal(chain)", "chain", _chain),
    ("clip_by_global_norm(random)", "clip_random", _clips),
    ("clip_by_value(two points)", "clip_two_points", _two_points),
    ("layer_norm(moments)", "norm_groups", _groups),
    ("layer_norm_backward(Jacobian)", "norm_jacobians", _jacobians),
)


def _experiment(framework: Framework, name: str, op: str, call: Callable[..., dict[str, Any]]) -> Experiment:
    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        rng = np.random.default_rng(seed)

        def normal(*shape: int) -> Any:
            return rng.standard_normal(shape).astype(dtype)

        return {of: np.asarray(x, dtype=np.float64) for of, x in call(case, count, rng, normal).items()}

    return Experiment(name=f"{framework.name}.{name}", framework=framework, op=op, run=run)


def experiments(framework: Framework) -> tuple[Experiment, ...]:
    """The rows of varlaw on NumPy."""
    return tuple(_experiment(framework, *row) for row in _CALLS)
