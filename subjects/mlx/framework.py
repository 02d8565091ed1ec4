"""The one typed boundary to MLX: version, devices, dtypes, seeding, and arrays in and out as NumPy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary, Stream, of_stream
from varlaw.subjects.subject import Floats


def version() -> str:
    """MLX's own version; ImportError when it is not installed."""
    import mlx.core as mx

    return str(mx.__version__)


NO_FLOAT64 = {"float64": "mlx.core.random.uniform has no float64 kernel: [uniform] Unsupported type"}
FLOAT32_FIRST = {"float64": "layers are created in float32, and set_dtype casts what was drawn"}


def dtype_of(name: str) -> Any:
    """MLX's dtype of that name."""
    import mlx.core as mx

    return getattr(mx, name)


def array(x: Floats, dtype: str, device: str) -> Any:
    """An MLX array of `x`, rounded once to `dtype`."""
    import mlx.core as mx

    return mx.array(np.ascontiguousarray(x).reshape(np.shape(x)), dtype=mx.float64).astype(dtype_of(dtype))


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


def _read(device: str) -> int:
    """The stream's key: `mlx.core.random.seed(n)` sets it to the two halves of n, so it is the seed to go back to."""
    import mlx.core as mx

    high, low = (int(half) for half in np.array(mx.random.state[0]))
    return high << 32 | low


def _seed(seed: int, device: str) -> None:
    import mlx.core as mx

    mx.random.seed(seed)


def parameters(layer: Any, dtype: str = "float32") -> dict[str, Any]:
    """The parameters of a layer by their dotted names, in the dtype that `set_dtype` gives them."""
    from mlx.utils import tree_flatten

    layer.set_dtype(dtype_of(dtype))
    return dict(tree_flatten(layer.parameters()))


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    import mlx.core as mx

    layer.update({n: mx.zeros_like(p) if n == "bias" else mx.ones_like(p) for n, p in layer.parameters().items()})
    xs = [mx.ones(shape) for shape in shapes]
    gradient = mx.grad(lambda x, *others: layer(x, *others).sum())(*xs)
    return floats(layer(*xs)), floats(gradient)


def _labels(labels: Any, device: str) -> Any:
    import mlx.core as mx

    return mx.array(labels)


_DRAWS, _CHANCE = of_stream(Stream(read=_read, write=_seed, seed=_seed), host=host)


def _vjp(function: Callable[[Any], Any], x: Any, dy: Any) -> Any:
    import mlx.core as mx

    return mx.vjp(lambda x: function(x).reshape(dy.shape), [x], [dy])[1][0]


MLX = Boundary(
    name="mlx",
    version=version,
    devices=lambda: ("cpu",),
    array=array,
    floats=floats,
    draws=_DRAWS,
    chance=_CHANCE,
    taps=_taps,
    labels=_labels,
    vjp=_vjp,
)
