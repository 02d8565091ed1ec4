"""The one typed boundary to MLX: version, devices, dtypes, seeding, and arrays in and out as NumPy."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Array, Case, Draws, Floats, Framework

Build = Callable[[Case], Any]


def version() -> str:
    """MLX's own version; ImportError when it is not installed."""
    import mlx.core as mx

    return str(mx.__version__)


MLX = Framework(name="mlx", version=version, devices=lambda: ("cpu",))

NO_FLOAT64 = {"float64": "mlx.core.random.uniform has no float64 kernel: [uniform] Unsupported type"}
FLOAT32_FIRST = {"float64": "layers are created in float32, and set_dtype casts what was drawn"}


def dtype_of(name: str) -> Any:
    """MLX's dtype of that name."""
    import mlx.core as mx

    return getattr(mx, name)


def array(x: Floats, dtype: str) -> Any:
    """An MLX array of `x`, rounded once to `dtype`."""
    import mlx.core as mx

    return mx.array(np.ascontiguousarray(x), dtype=mx.float64).astype(dtype_of(dtype))


def floats(x: Any) -> Floats:
    """A float64 NumPy array of an MLX array: exact for every narrower format."""
    import mlx.core as mx

    return np.array(x.astype(mx.float64))


def host(x: Any) -> Any:
    """A NumPy array of the same numbers in the same dtype; bfloat16, which NumPy does not know, as ml_dtypes'."""
    import ml_dtypes
    import mlx.core as mx

    if x.dtype == mx.bfloat16:
        return np.array(x.view(mx.uint16)).view(ml_dtypes.bfloat16)
    return np.array(x)


def seeded(build: Callable[[Case, str], Mapping[str, Any]]) -> Draws:
    """`Draws` from a builder that draws from MLX's global stream, as layers do when they are constructed.

    The stream's key is put back afterwards. `mlx.core.random.seed(n)` sets the key to the two halves of n, so the key
    itself is the seed that restores it.
    """

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        import mlx.core as mx

        high, low = (int(half) for half in np.array(mx.random.state[0]))
        mx.random.seed(seed)
        try:
            for _ in range(count):
                yield {name: host(x) for name, x in build(case, dtype).items()}
        finally:
            mx.random.seed(high << 32 | low)

    return draws


def parameters(layer: Any, dtype: str = "float32") -> dict[str, Any]:
    """The parameters of a layer by their dotted names, in the dtype that `set_dtype` gives them."""
    from mlx.utils import tree_flatten

    layer.set_dtype(dtype_of(dtype))
    return dict(tree_flatten(layer.parameters()))


def measure_fans(build: Build, dims: int, inputs: Callable[[Case], list[int]]) -> Any:
    """A `Sampler.measure` that runs the layer of `build` on ones with all weights one and biases zero.

    Channels are last. The output counts the taps that reach it, the gradient of its sum the outputs that an input
    enters; both are averaged over one period of the stride in the interior. `dims` counts spatial dimensions.
    """

    @functools.cache
    def measured(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
        import mlx.core as mx

        case = dict(items)
        layer = build(case)
        layer.update({n: mx.zeros_like(p) if n == "bias" else mx.ones_like(p) for n, p in layer.parameters().items()})
        period = case.get("stride", 1)
        length = 2 * case.get("kernel_size", 1) + 4 * period
        xs = [mx.ones((1, *[length] * dims, n)) for n in inputs(case)]
        gradient = mx.grad(lambda x, *others: layer(x, *others).sum())(*xs)
        return _interior(layer(*xs), period, dims), _interior(gradient, period, dims)

    return lambda case: measured(tuple(sorted(case.items())))


def _interior(x: Any, period: int, dims: int) -> float:
    found = floats(x)
    index: tuple[Any, ...] = (0, *(slice(n // 2, n // 2 + period) for n in found.shape[1 : 1 + dims]))
    return float(found[index].mean())
