"""The one typed boundary to PaddlePaddle: version, devices, default dtype, seeding, and arrays in and out as NumPy."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary, Stream, of_stream
from varlaw.subjects.subject import Floats


def _paddle() -> Any:
    """The module; on import it warns of a missing ccache, which is no business of a measurement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import paddle

    return paddle


def version() -> str:
    """Paddle's own version; ImportError when it is not installed."""
    return str(_paddle().__version__)


NO_HALF_KERNEL = dict.fromkeys(("float16", "bfloat16"), "Paddle registers no 16-bit kernel of it on the CPU")


def nn() -> Any:
    """paddle.nn."""
    return _paddle().nn


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


def array(x: Floats, dtype: str, device: str = "cpu") -> Any:
    """A Paddle tensor of `x`, rounded to `dtype`."""
    return _paddle().to_tensor(np.ascontiguousarray(x).reshape(np.shape(x))).astype(dtype)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a Paddle tensor: exact for every narrower format."""
    result: Floats = x.detach().astype("float64").numpy()
    return result


def host(x: Any) -> Any:
    """A NumPy array of the same numbers in the same dtype; bfloat16, whose bits Paddle hands out, as ml_dtypes'."""
    import ml_dtypes

    found = x.numpy()
    return found.view(ml_dtypes.bfloat16) if found.dtype == np.uint16 else found


@contextlib.contextmanager
def _place(dtype: str, device: str) -> Iterator[None]:
    with default_dtype(dtype):
        yield


def _seed(seed: int, device: str) -> None:
    _paddle().seed(seed)


def _write(state: Any, device: str) -> None:
    _paddle().set_rng_state(state)


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    paddle = _paddle()
    for name, parameter in layer.named_parameters():
        paddle.nn.initializer.Constant(0.0 if "bias" in name else 1.0)(parameter)
    xs = [paddle.ones(list(shape), dtype="float64") for shape in shapes]
    for x in xs:
        x.stop_gradient = False
    y = layer(*xs)
    (gradient,) = paddle.grad(y.sum(), [xs[0]])
    return floats(y), floats(gradient)


_DRAWS, _CHANCE = of_stream(
    Stream(read=lambda device: _paddle().get_rng_state(), write=_write, seed=_seed), _place, host
)


def _vjp(function: Callable[[Any], Any], x: Any, dy: Any) -> Any:
    x.stop_gradient = False
    return _paddle().grad(function(x).reshape(dy.shape), x, dy)[0]


PADDLE = Boundary(
    name="paddle",
    version=version,
    devices=lambda: ("cpu",),
    array=array,
    floats=floats,
    draws=_DRAWS,
    chance=_CHANCE,
    place=_place,
    taps=_taps,
    vjp=_vjp,
    labels=lambda labels, device: _paddle().to_tensor(labels),
)
