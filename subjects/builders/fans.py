"""The true fans of one parameter, counted by the layer itself, and the inputs on which it is run.

With one parameter at ones and every other at zero, a layer that is linear in it returns on ones the number of taps that
reach each output, its fan_in; what an input of one at the centre adds up to over all outputs is its fan_out. Nothing is
assumed of how axes are ordered. A layer that is not linear in a parameter has no fans of it: `LookupError`.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from varlaw.subjects.builders.instances import weights_of_keras
from varlaw.subjects.subject import Floats

Run = Callable[[Floats], Floats]
Set = Callable[[float], None]
Periods = tuple[int, ...]  # of each axis after the first, after which positions are alike

_LENGTHS = 4  # of an input's axis beyond twice the kernel's


def counted(run: Run, level: Set, shape: Sequence[int], period: int | None) -> tuple[float, float]:
    """(fan_in, fan_out) of the parameter that `level` sets, of a layer that takes inputs of `shape`.

    period: after how many positions they are alike again, the stride; None reads it off how the sides change.
    """
    ones = np.ones(tuple(shape))
    level(1.0)
    y = run(ones)
    if not _linear(run, level, ones, y):
        msg = "the layer is not linear in it"
        raise LookupError(msg)
    periods = _periods(ones.shape, y.shape) if period is None else (period,) * max(ones.ndim, y.ndim)
    impulse = np.zeros(ones.shape)
    impulse[_centre(ones.shape, periods)] = 1.0
    level(1.0)
    return float(y[_centre(y.shape, periods)].mean()), float(run(impulse).sum() / impulse.sum())


def of_arrays(
    apply: Callable[[Mapping[str, Floats], Floats], Any], shapes: Mapping[str, tuple[int, ...]], name: str, inputs: Any
) -> tuple[float, float]:
    """The fans of one of the arrays of a layer that `apply(arrays, x)` computes."""
    now: dict[str, Floats] = {}

    def level(value: float) -> None:
        now.update({n: np.full(shape, value if n == name else 0.0) for n, shape in shapes.items()})

    tried = [tuple(inputs)] if inputs is not None else _suggested(shapes[name])
    return _first(name, tried, lambda shape: counted(lambda x: _floats(apply(now, x)), level, shape, None))


def _suggested(sides: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Inputs that a weight's own sides suggest, of a kernel with channels last and first, of matrices side by side."""
    if len(sides) < 3:
        yield from ((1, side) for side in dict.fromkeys(sides))
        return
    for kernel, channels in ((sides[:-2], sides[-2]), (sides[2:], sides[1])):
        length = next(n for n in range(2 * max(kernel) + _LENGTHS, 10**9) if n not in sides)
        space = (length,) * len(kernel)
        yield (1, *space, channels)
        yield (1, channels, *space)
    yield from ((1, side) for side in dict.fromkeys(sides[::-1]))  # no kernel but matrices side by side


def of_keras(layer: Any, name: str, inputs: Sequence[int] | None) -> tuple[float, float]:
    """The fans of a weight of a Keras layer, in the innermost layer that has it."""
    mine = weights_of_keras(layer)[name]
    owners = [one for one in layer._flatten_layers() if any(w is mine for w in one.weights)]
    owner = min(owners, key=lambda one: len(one.weights))

    def level(value: float) -> None:
        for weight in owner.weights:
            weight.assign(np.full(weight.shape, value if weight is mine else 0.0))

    strides = getattr(owner, "strides", 1)
    period = int(max(strides)) if isinstance(strides, tuple) else int(strides)
    run: Run = lambda x: np.moveaxis(_floats(owner(np.moveaxis(x, 1, -1).astype("float32"))), -1, 1)  # noqa: E731
    sides = inputs if owner is layer and inputs is not None else owner.get_build_config()["input_shape"]
    length = 2 * max(mine.shape[:-2], default=1) + _LENGTHS * period  # of a side that is not fixed
    space = tuple(length if n is None else n for n in sides[1:-1])
    with _linearly(owner):
        return _first(name, [(1, sides[-1], *space)], lambda s: counted(run, level, s, period))  # channels come last


@contextmanager
def _linearly(layer: Any) -> Iterator[None]:
    """Without the activation that a Keras layer has besides its weights, which it has again afterwards."""
    activation, weights = getattr(layer, "activation", None), [_floats(w.value) for w in layer.weights]
    if activation is not None:
        layer.activation = lambda x: x
    try:
        yield
    finally:
        for weight, value in zip(layer.weights, weights, strict=True):
            weight.assign(value)
        if activation is not None:
            layer.activation = activation


def _floats(y: Any) -> Floats:
    y = y.detach() if hasattr(y, "detach") else y
    y = y.numpy() if hasattr(y, "numpy") else y
    return np.asarray(y).astype(np.float64)


def _first(
    name: str, shapes: Iterable[tuple[int, ...]], count: Callable[[tuple[int, ...]], tuple[float, float]]
) -> tuple[float, float]:
    """The fans on the first shape that fits; `LookupError` in one line where none does."""
    failed = "no input fits"
    for shape in shapes:
        try:
            return count(shape)
        except LookupError as error:
            failed = str(error)
        except Exception as error:  # an input that does not fit
            failed = failed if "linear" in failed else f"{type(error).__name__} on inputs of {shape}"
    msg = f"the fans of {name} cannot be counted ({failed}): give inputs=, or name shape_fan_in, those of its shape"
    raise LookupError(msg)


def _linear(run: Run, level: Set, ones: Floats, y: Floats) -> bool:
    """Whether twice the input and twice the weight double the output, none gives nothing, and neither sign is cut."""
    doubled, negative, nothing = run(2 * ones), run(-ones), run(0 * ones)
    level(2.0)
    weighted = run(ones)
    same = [np.allclose(a, b, rtol=1e-5) for a, b in ((doubled, 2 * y), (weighted, 2 * y), (negative, -y))]
    return all(same) and not nothing.any() and bool(y.any())


def _centre(shape: Sequence[int], periods: Periods) -> tuple[slice, ...]:
    """One period of every axis but the batch, in the middle: free of borders. Of a matrix, all features."""
    if len(shape) <= 2:
        return (slice(0, 1), slice(None))
    return (slice(0, 1), *(_middle(n, p) for n, p in zip(shape[1:], periods, strict=False)))


def _middle(n: int, period: int) -> slice:
    return slice(n // 2, n // 2 + min(period, n - n // 2))


def _periods(before: Sequence[int], after: Sequence[int]) -> Periods:
    """The stride along each axis, down or up, as the sides show it; of channels, which are alike, it says nothing."""
    ratios = (max(a / b, b / a) for a, b in zip(before[1:], after[1:], strict=False))
    return tuple(max(1, int(ratio + 0.4)) for ratio in ratios)  # a border makes the ratio of a stride a little larger


# -- torch -------------------------------------------------------------------------------------------------------------


def of_torch(module: Any, name: str, inputs: Sequence[int] | None) -> tuple[float, float]:
    """The fans of a torch module's parameter, run alone in the submodule that owns it.

    inputs: the shape that the whole module takes; without it the shapes that the parameter's own sides suggest.
    """
    module = copy.deepcopy(module).eval().double()  # somebody's own is left as it was
    owner, _, short = name.rpartition(".")
    inner = module.get_submodule(owner)
    parameter = dict(inner.named_parameters(recurse=False))[short]
    period = _period(inner)
    run = _runner(inner)
    shapes = _shapes(module, inner, parameter, inputs, period)
    return _first(name, shapes, lambda shape: counted(run, _setter(inner, parameter), shape, period))


def _period(module: Any) -> int:
    stride = getattr(module, "stride", 1)
    return int(max(stride) if isinstance(stride, tuple) else stride) if isinstance(stride, int | tuple) else 1


def _runner(module: Any) -> Run:
    import torch

    def run(x: Floats) -> Floats:
        with torch.no_grad():
            y = module(torch.from_numpy(x))
        found: Floats = y.detach().double().numpy()
        return found

    return run


def _setter(module: Any, parameter: Any) -> Set:
    import torch

    def level(value: float) -> None:
        with torch.no_grad():
            for p in module.parameters():
                p.fill_(value if p is parameter else 0.0)

    return level


def _shapes(
    module: Any, inner: Any, parameter: Any, inputs: Sequence[int] | None, period: int
) -> Iterator[tuple[int, ...]]:
    """Shapes to run a submodule on: what it is given inside the whole, else what its sides suggest."""
    sides = tuple(parameter.shape)
    if inputs is not None:
        yield tuple(inputs) if inner is module else _given(module, inner, inputs)
    channels = [getattr(inner, n, None) for n in ("in_features", "in_channels")]
    for features in dict.fromkeys([c for c in channels if isinstance(c, int)] + list(sides[1::-1])):
        length = 2 * max(sides[2:], default=1) + 4 * period
        yield (1, features, *(length for _ in sides[2:]))
    if len(sides) > 2:  # no kernel but matrices side by side, as of experts or heads
        yield from ((1, side) for side in dict.fromkeys(sides[::-1]))


def _given(module: Any, inner: Any, inputs: Sequence[int]) -> tuple[int, ...]:
    """The shape that a submodule receives when the whole runs."""
    seen: list[tuple[int, ...]] = []
    handle = inner.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape)))
    try:
        _runner(module)(np.ones(tuple(inputs)))
    finally:
        handle.remove()
    if not seen or not math.prod(seen[0]):
        msg = "it is not run"
        raise LookupError(msg)
    return (1, *seen[0][1:])
