"""The one typed boundary to Keras 3: its backend, version, devices, seeding, and arrays in and out.

The backend is fixed for a process when Keras is first imported: by `KERAS_BACKEND`, else by Keras's own configuration
file, else by what is installed. The version names it (`3.15.1+torch`), so that every verdict says what it measured.
"""

import functools
import importlib
import importlib.util
import json
import os
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary, Stream, of_stream
from varlaw.subjects.subject import Floats

_BACKENDS = ("tensorflow", "torch", "jax")  # Keras's own default first


def backend() -> str:
    """The backend that Keras runs on, or would run on, in this process; does not import it."""
    named = os.environ.get("KERAS_BACKEND")
    if named:
        return named
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "keras.json"
    if home.is_file():
        return str(json.loads(home.read_text(encoding="utf-8")).get("backend", _BACKENDS[0]))
    return next((b for b in _BACKENDS if importlib.util.find_spec(b)), _BACKENDS[0])


@functools.cache
def keras() -> Any:
    """Keras itself, on that backend; ImportError when either is not installed."""
    if importlib.util.find_spec("keras"):
        os.environ.setdefault("KERAS_BACKEND", backend())
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notes are no part of a report
    return importlib.import_module("keras")


def version() -> str:
    """Keras's own version with the backend as its local label; ImportError when it is not installed."""
    return f"{keras().__version__}+{keras().backend.backend()}"


@functools.cache
def devices() -> tuple[str, ...]:
    """The devices that the backend has, the CPU first."""
    match keras().backend.backend():
        case "torch":
            count = importlib.import_module("torch").cuda.device_count()
        case "jax":
            count = sum(d.platform == "gpu" for d in importlib.import_module("jax").devices())
        case _:
            count = len(importlib.import_module("tensorflow").config.list_physical_devices("GPU"))
    return ("cpu", *(f"cuda:{i}" for i in range(count)))


def release() -> None:
    """On JAX, free what it has compiled."""
    if keras().backend.backend() == "jax":
        from varlaw.subjects.jax import framework

        framework.release()


class OnBackend(Mapping[str, str]):
    """What is unsupported, by dtype, on the backend of this process.

    >>> "float16" in OnBackend(nothing={"float16": "has no kernel"})
    False
    """

    def __init__(self, **reasons: Mapping[str, str]) -> None:
        self._reasons = reasons

    def __getitem__(self, dtype: str) -> str:
        return self._reasons.get(backend(), {})[dtype]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reasons.get(backend(), {}))

    def __len__(self) -> int:
        return len(self._reasons.get(backend(), {}))


NO_QR = OnBackend(
    torch=dict.fromkeys(("float16", "bfloat16"), "torch.linalg.qr, which Orthogonal calls, has no kernel of 16 bits"),
    jax=dict.fromkeys(("float16", "bfloat16"), "jax.numpy.linalg.qr, which Orthogonal calls, has no kernel of 16 bits"),
    tensorflow={"bfloat16": "tf.linalg.qr, which Orthogonal calls, has no bfloat16 kernel"},
)


@contextmanager
def place(dtype: str, device: str) -> Iterator[None]:
    """Run on `device`; where the backend is JAX, with 64 bits exactly where they are asked for."""
    with ExitStack() as stack:
        if device != "cpu" or len(devices()) > 1:  # where there is a GPU, the CPU has to be asked for
            stack.enter_context(keras().device(device.replace("cuda", "gpu")))
        if keras().backend.backend() == "jax":
            stack.enter_context(_wide(dtype == "float64"))
        yield


def _wide(wanted: bool) -> AbstractContextManager[Any]:
    context: AbstractContextManager[Any] = importlib.import_module("jax").enable_x64(wanted)
    return context


# -- chance ------------------------------------------------------------------------------------------------------------
# Layers and initialisers without a seed take one from Python's `random`; unseeded samplers from Keras's global
# generator, which is made from it as well; dropout without a seed on torch takes torch's global stream.


def _attributes() -> Any:
    """Where Keras keeps its global generator."""
    return importlib.import_module("keras.src.backend.common.global_state")


def _torch_stream() -> Stream | None:
    if keras().backend.backend() != "torch":
        return None
    from varlaw.subjects.torch.framework import STREAM

    return STREAM


def _read(device: str) -> tuple[Any, ...]:
    generator = _attributes().get_global_attribute("global_seed_generator")  # an import may draw: first of all
    torch = _torch_stream()
    return generator, torch.read(device) if torch else None, random.getstate()


def _write(state: tuple[Any, ...], device: str) -> None:
    generator, torchs, pythons = state
    _attributes().set_global_attribute("global_seed_generator", generator)
    if torch := _torch_stream():
        torch.write(torchs, device)
    random.setstate(pythons)


def _seed(seed: int, device: str) -> None:
    _attributes().set_global_attribute("global_seed_generator", None)
    if torch := _torch_stream():
        torch.seed(seed, device)
    random.seed(seed)


# -- arrays in and out -------------------------------------------------------------------------------------------------


def tensor(x: Any, dtype: str, device: str = "") -> Any:
    """A tensor of the backend, rounded to `dtype`, inside `place`."""
    return keras().ops.convert_to_tensor(x, dtype=dtype)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a tensor: exact for every narrower format."""
    x = x.detach() if hasattr(x, "detach") else x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's __array__ takes no copy keyword yet
        shape = tuple(x.shape)
        flat = x if shape else keras().ops.reshape(x, (1,))  # a bfloat16 scalar of TensorFlow is no NumPy array
        return np.asarray(keras().ops.convert_to_numpy(flat)).astype(np.float64).reshape(shape)


def dtype_of(x: Any) -> str:
    """The name of a tensor's dtype, as layers are told it."""
    return str(keras().backend.standardize_dtype(x.dtype))


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    for weight in layer.weights:
        weight.assign(np.full(tuple(weight.shape), 0.0 if "bias" in weight.path else 1.0))
    x = tensor(np.ones(shapes[0]), "float64")
    y, gradient = _differentiated(layer, x)
    return floats(y), floats(gradient)


def _differentiated(layer: Any, x: Any) -> tuple[Any, Any]:
    """The output, and the gradient of its sum at the input, by the backend's own differentiation."""
    match backend():
        case "torch":
            y = layer(x.requires_grad_(True))
            # At the input alone: torch has no gradient at a kernel of one output that Keras hands over transposed.
            return y, importlib.import_module("torch").autograd.grad(y.sum(), x)[0]
        case "jax":
            y, backward = importlib.import_module("jax").vjp(layer, x)
            return y, backward(keras().ops.ones_like(y))[0]
        case _:
            with importlib.import_module("tensorflow").GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            return y, tape.gradient(y, x)


_DRAWS, CHANCE = of_stream(Stream(read=_read, write=_write, seed=_seed), place, floats)

KERAS = Boundary(
    name="keras",
    version=version,
    devices=devices,
    release=release,
    array=tensor,
    floats=floats,
    draws=_DRAWS,
    chance=CHANCE,
    place=place,
    taps=_taps,
    labels=lambda labels, device: tensor(labels, "int32"),
)
