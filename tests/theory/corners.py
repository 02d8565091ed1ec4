"""Where laws lose precision: the corners of every domain, keyed random points, and the places known to be hard.

The hard places: tiny and huge variances, far-tail and narrow truncation, correlations next to +-1, gamma functions of a
million, logs of what underflows, powers (1 + s)^L with s = 1e-6 and L = 1e6, slopes of 1e8, logits of +-1000.
"""

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.domain import Choice, Interval
from varlaw.theory.law import Law

DRAWS = 40
TINY, HUGE = 1e-12, 1e12
LARGEST_WHOLE = 10**6
# Largest value at which the reference, not the law, stays affordable.
AFFORDABLE: dict[tuple[str, str], float] = {
    ("products.relu_log_mean_alive", "width"): 200,
    ("products.relu_log_variance_alive", "width"): 200,
    ("products.log_det_mean", "n"): 400,
    ("residual.relu_stream_mean", "steps"): 300,
    ("residual.relu_stream_second_moment", "steps"): 40,
    ("residual.relu_stream_zeros", "steps"): 10**4,
    ("residual.relu_block_gradient", "steps"): 40,
    ("marchenko_pastur.moment", "order"): 60,
    ("fuss_catalan.moment", "order"): 60,
    ("rounding.box_muller_variance", "bits"): 60,
    ("rounding.box_muller_loss", "bits"): 60,
    ("maxout.mean", "pieces"): 10000,
    ("attention.uniform_causal_second_moment", "length"): 10**6,
    ("padding.mean_taps", "kernel"): 65,
    ("padding.mean_taps", "size"): 300,
}
ROUNDED = [
    *(
        (f"float8_{kind}", std)
        for kind in ("e3m4", "e4m3fn", "e4m3b11fnuz", "e5m2")
        for std in (1e-8, 1e-3, 0.02, 0.24)
    ),
    ("float16", 1.0),
    ("float16", 1e-7),
    ("bfloat16", 1.0),
]  # the reference sums over every number of the format
VECTORS = {
    "widths": ([3, 17, 64], [1], [1, 2, 3], [1000] * 50, [10**6] * 3),
    "logits": ([-3.0, 0.25, 8.0, 1.5], [1000.0, -1000.0], [-1000.0] * 3, [0.0], [0.0] * 40, [1e-9, -1e-9]),
}
SOFTMAX = [(2, 1e-6), (2, 0.3), (17, 1.0), (1000, 0.3), (10**6, 1.0), (3, 4.0), (50, 2.5)]
HARD: dict[str, dict[str, tuple[Any, ...]]] = {  # group or law -> parameter -> values, taken in all combinations
    "kernel": {"c": (-1.0, 0.0, 1.0, 1e-300, 1e-12, *(s * (1 - 10.0**-k) for k in range(1, 17) for s in (1, -1)))},
    "correlation": {"slope": (-1.0, 0.0, 0.01, 1.0, 1e8, -1e8)},
    "gain.leaky_relu": {"slope": (0.0, -1.0, 1.0, 1e8, 1e200, 1e-200)},
    "clip": {"n": (1, 2, 3, 10, 341, 342, 343, 10**4, 10**6)},
    "residual": {"branch_gain": (0.0, 1e-12, 1e-6, 0.5, 1e6), "branches": (0, 1, 24, 10**6)},
    "batch_norm": {"momentum": (0.0, 1e-12, 1e-5, 0.1, 1.0), "t": (0, 1, 100, 10**6)},
    "norm": {"variance": (0.0, 1e-300, 1e-12, 1.0, 1e12, 1e300), "eps": (0.0, 1e-12, 1e-5, 1e300)},
    "products": {"n": (1, 2, 3, 1000, 10**5, 10**6), "factors": (0, 1, 100)},
    "shards.row_parallel_ratio": {"shards": (2, 4, 8), "input_correlation": (-1 / 7, -1 / 3, -0.1, 0.0, 1e-12, 1.0)},
    "recurrent": {"bias": (-700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0), "steps": (0.0, 1.0, 100.0, 1e12)},
    "alpha_dropout": {"rate": (0.0, 1e-12, 0.1, 0.5, 1 - 1e-12)},
    "marchenko_pastur": {"ratio": (1e-12, 0.5, 1 - 1e-12, 1.0, 1 + 1e-12, 1e12)},
}
HARD["kernel"]["one_minus_c"] = (0.0, *(10.0**-k for k in range(31)), 2.0, *(2 - 10.0**-k for k in range(1, 16)))
HARD["correlation"] |= {k: HARD["kernel"][k] for k in ("c", "one_minus_c")}
for _group in ("layer_norm", "rms_norm", "group_norm", "instance_norm"):
    HARD[_group] = HARD["norm"] | {"mean_square": HARD["norm"]["variance"]}
HARD["batch_norm"] |= HARD["norm"]


def points(law: Law, draws: int = DRAWS) -> list[dict[str, Any]]:
    """Corners, hard places and `draws` keyed random points of a law, all inside its domain."""
    if "normal_mean" in law.formula:
        return _softmax_points(law)
    if "grid(" in law.formula:
        scale = next(name for name in law.domain.ranges if name != "dtype")
        return [p for p in ({"dtype": dtype, scale: size} for dtype, size in ROUNDED) if _accepted(law, p)]
    stream = random.Random(law.name)
    names = list(law.domain.ranges)
    found = [*_product(law, names), *({n: _drawn(law, n, stream) for n in names} for _ in range(draws))]
    different = {repr(p): p for p in map(_adjusted, found)}.values()
    return [p for p in different if _accepted(law, p)]


def _softmax_points(law: Law) -> list[dict[str, Any]]:
    size = next(name for name in ("n", "classes") if name in law.domain.ranges)
    rest = {name: 1.7 for name in law.domain.ranges if name not in (size, "std")}
    return [{size: n, "std": s, **rest} for n, s in SOFTMAX]


def _product(law: Law, names: list[str]) -> Iterator[dict[str, Any]]:
    """Hard values and corners of each parameter, combined; a thinned sweep where the product is large."""
    hard = HARD.get(law.name.partition(".")[0], {}) | HARD.get(law.name, {})
    columns = [_corners(law, name, hard.get(name, ())) for name in names]
    total = math.prod(map(len, columns))
    kept = set(random.Random(law.name).sample(range(total), min(total, 240)))
    for i, combination in enumerate(itertools.product(*columns)):
        if i in kept:
            yield dict(zip(names, combination, strict=True))
        if i > 200_000:
            return


def _corners(law: Law, name: str, hard: tuple[Any, ...]) -> list[Any]:
    allowed = law.domain.ranges[name]
    if name in VECTORS:
        return list(VECTORS[name])
    if isinstance(allowed, Choice):
        return list(allowed.values)
    if not isinstance(allowed, Interval):
        return list(ACTIVATIONS)
    values = [*hard, allowed.at(0.0), allowed.at(0.5), allowed.at(1.0), allowed.low]
    cap = AFFORDABLE.get((law.name, name), math.inf)
    return sorted({v for v in values if math.isfinite(v) and v <= cap and allowed.accepts(v)})


def _drawn(law: Law, name: str, stream: random.Random) -> Any:
    allowed = law.domain.ranges[name]
    if not isinstance(allowed, Interval) or name in VECTORS:
        return stream.choice(_corners(law, name, ()))
    cap = min(allowed.high, AFFORDABLE.get((law.name, name), math.inf))
    if allowed.whole:
        top = min(cap, LARGEST_WHOLE)
        return max(int(allowed.low), round(math.exp(stream.uniform(0, math.log(max(top, 1))))))
    if math.isfinite(allowed.low) and math.isfinite(cap) and cap - allowed.low <= 2000:
        return stream.uniform(allowed.low, cap)
    size = math.exp(stream.uniform(math.log(TINY), math.log(HUGE)))
    return max(allowed.low, 0.0) + size if allowed.low >= 0 else stream.choice((-1, 1)) * size


def _adjusted(params: dict[str, Any]) -> dict[str, Any]:
    """Points moved onto conditions that chance rarely meets: divisors, odd kernels, ordered bounds."""
    params = dict(params)
    for name in ("channels_in", "channels_out", "in_channels", "out_channels"):
        if name in params and "groups" in params:
            params["groups"] = 2 ** (int(params["groups"]).bit_length() % 4)
            params[name] = -(-params[name] // 8) * 8
    if {"kernel", "size"} == params.keys():
        params["kernel"] |= 1
    if {"out_features", "shards"} <= params.keys():
        params["out_features"] *= params["shards"]
    if {"n", "index"} <= params.keys():
        params["index"] = min(params["index"], params["n"])
    return params


def _accepted(law: Law, params: dict[str, Any]) -> bool:
    if not all(law.domain.ranges[k].accepts(v) for k, v in params.items()):
        return False
    given = law.domain.as_floats(params)
    with np.errstate(all="ignore"):
        return all(bool(np.all(relation.holds(**given))) for relation in law.domain.relations)


def intervals(draws: int = 60) -> Iterator[tuple[float, float]]:
    """Random truncation intervals of every kind: around zero, narrow, far, one-sided, lopsided."""
    stream = random.Random("truncation")

    def size(low: float, high: float) -> float:
        return math.exp(stream.uniform(math.log(low), math.log(high)))

    for _ in range(draws):
        yield -size(1e-9, 40), size(1e-9, 40)
        start, sign = size(1e-6, 1e3), stream.choice((-1, 1))
        width = size(1e-6, 30)
        yield (start, start + width) if sign > 0 else (-start - width, -start)
        yield (start, math.inf) if sign > 0 else (-math.inf, -start)
        yield (-start, math.inf) if sign > 0 else (-math.inf, start)
