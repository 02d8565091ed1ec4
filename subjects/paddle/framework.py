"""The one typed boundary to PaddlePaddle: version, devices, default dtype, seeding, and arrays in and out as NumPy."""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Array, Case, Draws, Floats, Framework

Build = Callable[[Case], Any]


def _paddle() -> Any:
    """The module; on import it warns of a missing ccache, which is no business of a measurement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import paddle

    return paddle


def version() -> str:
    """Paddle's own version; ImportError when it is not installed."""
    return str(_paddle().__version__)


PADDLE = Framework(name="paddle", version=version, devices=lambda: ("cpu",))


NO_HALF_KERNEL = dict.fromkeys(("float16", "bfloat16"), "Paddle registers no 16-bit kernel of it on the CPU")


def nn(name: str) -> Any:
    """The class of that name under paddle.nn."""
    return getattr(_paddle().nn, name)


def functional() -> Any:
    """paddle.nn.functional."""
    return _paddle().nn.functional


def top(name: str) -> Any:
    """The thing of that name under paddle itself."""
    return getattr(_paddle(), name)


@contextlib.contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    """Layers take no dtype: they are created in the default one, which is put back afterwards."""
    paddle = _paddle()
    before = paddle.get_default_dtype()
    paddle.set_default_dtype(dtype)
    try:
        yield
    finally:
        paddle.set_default_dtype(before)


def array(x: Floats, dtype: str) -> Any:
    """A Paddle tensor of `x`, rounded to `dtype`."""
    return _paddle().to_tensor(np.ascontiguousarray(x)).astype(dtype)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a Paddle tensor: exact for every narrower format."""
    result: Floats = x.detach().astype("float64").numpy()
    return result


def host(x: Any) -> Any:
    """A NumPy array of the same numbers in the same dtype; bfloat16, whose bits Paddle hands out, as ml_dtypes'."""
    import ml_dtypes

    found = x.numpy()
    return found.view(ml_dtypes.bfloat16) if found.dtype == np.uint16 else found


def seeded(build: Callable[[Case, str], Mapping[str, Any]]) -> Draws:
    """`Draws` from a builder that draws from Paddle's global generator, whose state is put back afterwards."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        paddle = _paddle()
        before = paddle.get_rng_state()
        paddle.seed(seed)
        try:
            with default_dtype(dtype):
                for _ in range(count):
                    yield {name: host(x) for name, x in build(case, dtype).items()}
        finally:
            paddle.set_rng_state(before)

    return draws


def measure_fans(build: Build, dims: int, inputs: Callable[[Case], list[int]]) -> Any:
    """A `Sampler.measure` that runs the layer of `build` on ones with all weights one and biases zero.

    The output counts the taps that reach it, the gradient of its sum the outputs that an input enters; both are
    averaged over one period of the stride in the interior. `dims` counts spatial dimensions.
    """

    @functools.cache
    def measured(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
        paddle = _paddle()
        case = dict(items)
        with default_dtype("float64"):
            layer = build(case)
        for name, parameter in layer.named_parameters():
            paddle.nn.initializer.Constant(0.0 if "bias" in name else 1.0)(parameter)
        period = case.get("stride", 1)
        length = 2 * case.get("kernel_size", 1) + 4 * period
        xs = [paddle.ones([1, n, *[length] * dims], dtype="float64") for n in inputs(case)]
        for x in xs:
            x.stop_gradient = False
        y = layer(*xs)
        (gradient,) = paddle.grad(y.sum(), [xs[0]])
        return _interior(y, period, dims), _interior(gradient, period, dims)

    return lambda case: measured(tuple(sorted(case.items())))


def _interior(x: Any, period: int, dims: int) -> float:
    found = floats(x)
    centre = tuple(slice(n // 2, n // 2 + period) for n in found.shape[found.ndim - dims :])
    index: tuple[Any, ...] = (..., *centre)
    return float(found[index].mean())
