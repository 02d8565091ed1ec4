"""The true fans of one parameter, counted by the layer itself, and the inputs on which it is run.

With one parameter at ones and every other at zero, a layer that is linear in it returns on ones the number of taps that
reach each output, its fan_in; what an input of one at the centre adds up to over all outputs is its fan_out. Nothing is
assumed of how axes are ordered. A layer that is not linear in a parameter has no fans of it: `LookupError`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.subject import Floats

Run = Callable[[Floats], Floats]
Set = Callable[[float], None]


def counted(run: Run, level: Set, shape: Sequence[int], period: int) -> tuple[float, float]:
    """(fan_in, fan_out) of the parameter that `level` sets, of a layer that takes inputs of `shape`."""
    ones = np.ones(tuple(shape))
    level(1.0)
    y = run(ones)
    if not _linear(run, level, ones, y):
        msg = "the layer is not linear in it"
        raise LookupError(msg)
    centre = _centre(ones.shape, period)
    impulse = np.zeros(ones.shape)
    impulse[centre] = 1.0
    level(1.0)
    return float(y[_centre(y.shape, period)].mean()), float(run(impulse).sum() / impulse.sum())


def of_arrays(
    apply: Callable[[Mapping[str, Floats], Floats], Any], shapes: Mapping[str, tuple[int, ...]], name: str, inputs: Any
) -> tuple[float, float]:
    """The fans of one of the arrays of a layer that `apply(arrays, x)` computes."""
    now: dict[str, Floats] = {}

    def level(value: float) -> None:
        now.update({n: np.full(shape, value if n == name else 0.0) for n, shape in shapes.items()})

    tried = [tuple(inputs)] if inputs is not None else [(1, side) for side in dict.fromkeys(shapes[name][:2])]
    return _first(name, tried, lambda shape: counted(lambda x: _floats(apply(now, x)), level, shape, 1))


def of_keras(layer: Any, name: str, inputs: Sequence[int]) -> tuple[float, float]:
    """The fans of a Keras layer's weight, by the end of its path."""
    mine = next(w for w in layer.weights if w.path.replace("/", ".").endswith(name))

    def level(value: float) -> None:
        for weight in layer.weights:
            weight.assign(np.full(weight.shape, value if weight is mine else 0.0))

    strides = getattr(layer, "strides", 1)
    period = int(max(strides)) if isinstance(strides, tuple) else int(strides)
    run: Run = lambda x: np.moveaxis(_floats(layer(np.moveaxis(x, 1, -1).astype("float32"))), -1, 1)  # noqa: E731
    shape = (1, inputs[-1], *inputs[1:-1])  # Keras puts channels last
    return _first(name, [shape], lambda s: counted(run, level, s, period))


def _floats(y: Any) -> Floats:
    y = y.detach() if hasattr(y, "detach") else y
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
    msg = f"the fans of {name} cannot be counted ({failed}); shape_fan_in and shape_fan_out are those of its shape"
    raise LookupError(msg)


def _linear(run: Run, level: Set, ones: Floats, y: Floats) -> bool:
    """Whether twice the input and twice the weight double the output, none gives nothing, and neither sign is cut."""
    doubled, negative, nothing = run(2 * ones), run(-ones), run(0 * ones)
    level(2.0)
    weighted = run(ones)
    same = [np.allclose(a, b, rtol=1e-5) for a, b in ((doubled, 2 * y), (weighted, 2 * y), (negative, -y))]
    return all(same) and not nothing.any() and bool(y.any())


def _centre(shape: Sequence[int], period: int) -> tuple[slice, ...]:
    """One period of every axis after the second, in the middle: free of borders."""
    return (slice(0, 1), slice(0, 1) if len(shape) > 2 else slice(None), *(_middle(n, period) for n in shape[2:]))


def _middle(n: int, period: int) -> slice:
    return slice(n // 2, n // 2 + min(period, n - n // 2))


# -- torch -------------------------------------------------------------------------------------------------------------


def of_torch(module: Any, name: str, inputs: Sequence[int] | None) -> tuple[float, float]:
    """The fans of a torch module's parameter, run alone in the submodule that owns it.

    inputs: the shape that the whole module takes; without it the shapes that the parameter's own sides suggest.
    """
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
