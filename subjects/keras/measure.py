"""True fans, counted by the layer itself: the real layer run on ones with all its weights one."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.subjects.keras.framework import backend, floats, place, tensor
from varlaw.subjects.subject import Case

Build = Callable[[Case, str], Any]
Shape = Callable[[Case], tuple[int, ...]]


def measured(build: Build, dims: int, channels: Shape) -> Callable[[Case], tuple[float, float]]:
    """A `Sampler.measure`: a layer that is linear in weights and inputs, all weights one and biases zero.

    On ones it returns at each output the number of terms that reach it, its fan_in. On ones at the input positions of
    one period of the stride, and zero elsewhere, its outputs add up to the terms that these positions enter, fan_out
    each. Both are means over one period in the interior. `dims` counts the spatial axes, which come before the axes
    of `channels`; sums of a few thousand ones are exact in float32.
    """

    @functools.cache
    def measuring(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
        case = dict(items)
        period, taps = case.get("stride", 1), case.get("kernel_size", 1)
        x = np.zeros((1, *[2 * taps + 4 * period] * dims, *channels(case)))
        with place("float32", "cpu"):
            layer = build(case, "float32")
            ones(layer)
            y = _run(layer, np.ones_like(x))
            _centre(x, period, dims)[...] = 1.0
            entered = _run(layer, x).sum() / x.sum()
        return float(_centre(y, period, dims).mean()), float(entered)

    return lambda case: measuring(tuple(sorted(case.items())))


def ones(layer: Any) -> None:
    """Every weight one, every bias zero."""
    for weight in layer.weights:
        weight.assign(np.full(tuple(weight.shape), 0.0 if "bias" in weight.path else 1.0, dtype="float32"))


def _run(layer: Any, x: Any) -> Any:
    return floats(detached(layer(tensor(x, "float32"))))


def detached(x: Any) -> Any:
    """A tensor without its graph, on the backend that keeps one."""
    return x.detach() if backend() == "torch" else x


def _centre(x: Any, period: int, dims: int) -> Any:
    return x[(0, *(slice(n // 2, n // 2 + period) for n in x.shape[1 : dims + 1]))]
