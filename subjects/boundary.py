"""The boundary to a framework, written once: how numbers get in and out, in which dtype and where, and from which seed.

A framework's own module says how its library does each of these things, as one `Boundary`: the typed edge of the house,
behind which arrays are `Any`. What follows from it for every framework stands here: streams that are put back, fresh
instances drawn one after the other, true fans counted on the layer itself.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.kept import kept
from varlaw.subjects.subject import Array, Case, Draws, Floats, Framework

Build = Callable[[Case, str, str], Mapping[str, Any]]  # (case, dtype, device) -> tensors by name
Place = Callable[[str, str], AbstractContextManager[Any]]  # (dtype, device) -> a context that computes there, so
Measure = Callable[[Case], tuple[float, float]]
Forward = Callable[[Case], tuple[Any, Sequence[Sequence[int]]]]


@dataclass(frozen=True, kw_only=True)
class Boundary(Framework):
    """A framework, and how its numbers are reached."""

    array: Callable[[Floats, str, str], Any]  # (x, dtype, device) -> a tensor of x, rounded once
    floats: Callable[[Any], Floats]  # exact for every narrower format
    draws: Callable[[Any], Draws]  # of a builder: that of a framework with a global stream is a `Build`
    # (seed, dtype, device) -> a context where chance depends on the seed alone; it gives the key, where there are keys.
    chance: Callable[[int, str, str], AbstractContextManager[Any]]
    place: Place = lambda dtype, device: nullcontext()
    # (layer, shapes) -> of a layer whose weights are set to one and its biases to zero, run on ones of these shapes:
    # the output, and the gradient of its sum at the first input.
    taps: Callable[[Any, Sequence[Sequence[int]]], tuple[Floats, Floats]] | None = None
    # (function, x, dy) -> the gradient at x of the function's output times dy, where the framework differentiates.
    vjp: Callable[[Callable[[Any], Any], Any, Any], Any] | None = None
    labels: Callable[[NDArray[np.int64], str], Any] = lambda labels, device: labels  # classes, for a loss


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A framework's global stream of random numbers."""

    read: Callable[[str], Any]  # of a device: the state
    write: Callable[[Any, str], None]  # (state, device)
    seed: Callable[[int, str], None]  # (seed, device)

    @contextmanager
    def at(self, seed: int, device: str) -> Iterator[None]:
        """The stream starts at `seed`; the state that it had is put back."""
        before = self.read(device)
        self.seed(seed, device)
        try:
            yield
        finally:
            self.write(before, device)


def of_stream(
    stream: Stream,
    place: Place = lambda dtype, device: nullcontext(),
    host: Callable[[Any], Array] = lambda x: x,
) -> tuple[Callable[[Build], Draws], Callable[[int, str, str], AbstractContextManager[Any]]]:
    """`draws` and `chance` of a framework that draws from a global stream; `host` keeps a tensor as evidence reads it.

    Nothing stays open while a caller holds an instance, so streams may be drawn from in turns.
    """

    def draws_of(build: Build) -> Draws:
        def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
            state: Any = None
            for i in range(count):
                before = stream.read(device)
                try:
                    with place(dtype, device):
                        if i == 0:
                            stream.seed(seed, device)
                        else:
                            stream.write(state, device)
                        instance = {name: host(x) for name, x in build(case, dtype, device).items()}
                    state = stream.read(device)
                finally:
                    stream.write(before, device)
                yield instance

        return kept(draws)

    @contextmanager
    def chance(seed: int, dtype: str, device: str) -> Iterator[None]:
        with stream.at(seed, device), place(dtype, device):
            yield

    return draws_of, chance


def measure_fans(of: Boundary, forward: Forward, dims: int, *, channels_last: bool = False) -> Measure:
    """A `Sampler.measure` that runs a real layer on ones, with all weights one and biases zero.

    `forward(case)` gives the layer and the shapes of its inputs, with zeros for the `dims` spatial sides. A layer that
    is linear in weights and inputs then returns at each output the number of taps that reach it, its true fan_in, with
    groups, stride and dilation as the framework really computes them; the vector-Jacobian product of ones is the true
    fan_out. Both are averaged over one period of the stride in the interior.
    """

    @functools.cache
    def measured(items: str) -> tuple[float, float]:
        case = json.loads(items)
        period = case.get("stride", 1)
        length = case.get("length", 2 * case.get("kernel_size", 1) + 4 * period)
        assert of.taps
        with of.place("float64", "cpu"):
            layer, shapes = forward(case)
            counted = of.taps(layer, [[side or length for side in shape] for shape in shapes])
        fan_in, fan_out = (_interior(x, period, dims, channels_last) for x in counted)
        return fan_in, fan_out

    return lambda case: measured(json.dumps(dict(case), sort_keys=True))


def _interior(x: Floats, period: int, dims: int, channels_last: bool) -> float:
    end = x.ndim - 1 if channels_last else x.ndim
    sides = x.shape[end - dims : end] if dims else ()
    centre = tuple(slice(n // 2, n // 2 + period) for n in sides)
    index: Any = (..., *centre, slice(None)) if channels_last and dims else (..., *centre)
    return float(x[index].mean())
