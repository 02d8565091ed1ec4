"""The one typed boundary to torch: version, devices, dtypes, seeding, and arrays in and out."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary, Stream, of_stream
from varlaw.subjects.subject import Array, Case, Draws, Floats


def version() -> str:
    """torch's own version; ImportError when it is not installed."""
    import torch

    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    """The devices that are there, the CPU first."""
    import torch

    return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())))


def hardware(device: str) -> str:
    """A GPU's name and driver API, and the switches that change what it computes; empty on the CPU."""
    import torch

    if not device.startswith("cuda"):
        return ""
    switches = {
        "TF32 matmul": torch.backends.cuda.matmul.allow_tf32,
        "TF32 convolution": torch.backends.cudnn.allow_tf32,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    states = ", ".join(f"{name} {'on' if on else 'off'}" for name, on in switches.items())
    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}, {states}"


def dtype_of(name: str) -> Any:
    """torch's dtype of that name."""
    import torch

    return getattr(torch, name)


@contextlib.contextmanager
def place(dtype: str, device: str) -> Iterator[None]:
    """Without gradients, and without advice on speed: it is none on how a layer starts."""
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(device: str) -> list[Any]:
    """The state of torch's global generators."""
    import torch

    own = [torch.cuda.get_rng_state(device)] if device.startswith("cuda") else []
    return [torch.default_generator.get_state(), *own]


def _write(state: list[Any], device: str) -> None:
    import torch

    torch.default_generator.set_state(state[0])
    for kept in state[1:]:
        torch.cuda.set_rng_state(kept, device)


def _seed(seed: int, device: str) -> None:
    import torch

    # torch.manual_seed formats a stack trace for each accelerator that is not there: 85 us against 5.
    torch.default_generator.manual_seed(seed)
    if device.startswith("cuda"):
        torch.cuda.manual_seed(seed)


def tensor(x: Floats, dtype: str, device: str) -> Any:
    """A torch tensor of `x`, rounded to `dtype`."""
    import torch

    whole = np.ascontiguousarray(x).reshape(np.shape(x))  # a scalar stays one
    return torch.from_numpy(whole).to(device=device, dtype=dtype_of(dtype))


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a torch tensor: exact for every narrower format."""
    import torch

    result: Floats = x.detach().to(device="cpu", dtype=torch.float64).numpy()
    return result


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    import torch

    for name, parameter in layer.named_parameters():
        torch.nn.init.constant_(parameter, 0.0 if "bias" in name else 1.0)
    with torch.enable_grad():
        xs = [torch.ones(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
        y = layer(*xs)
        y.sum().backward()
    return floats(y), floats(xs[0].grad)


def vjp(function: Callable[[Any], Any], x: Any, dy: Any) -> Any:
    """The gradient at x, of dy at the output, that autograd finds."""
    import torch

    with torch.enable_grad():
        given = x.detach().requires_grad_()
        return torch.autograd.grad(function(given).reshape(dy.shape), given, dy)[0]


def _labels(labels: Any, device: str) -> Any:
    import torch

    return torch.from_numpy(labels).to(device)


STREAM = Stream(read=_read, write=_write, seed=_seed)
_DRAWS, _CHANCE = of_stream(STREAM, place)

TORCH = Boundary(
    name="torch",
    version=version,
    devices=devices,
    hardware=hardware,
    array=tensor,
    floats=floats,
    draws=_DRAWS,
    chance=_CHANCE,
    place=place,
    taps=_taps,
    labels=_labels,
    vjp=vjp,
)


def library(name: str) -> Boundary:
    """A library on torch, on the CPU; its version raises ImportError where it, or torch, is not installed."""
    return replace(TORCH, name=name, version=lambda: _installed(name), devices=lambda: ("cpu",))


def _installed(name: str) -> str:
    version()
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError as error:
        raise ImportError(str(error)) from error


def seeded(build: Callable[[Case, dict[str, Any]], Mapping[str, Array]]) -> Draws:
    """`Draws` from a builder that is given torch's own words for dtype and device."""
    return _DRAWS(lambda case, dtype, device: build(case, factory(dtype, device)))


def factory(dtype: str, device: str) -> dict[str, Any]:
    """Where a layer or a tensor is made, and of which dtype, as torch's constructors take it."""
    return {"dtype": dtype_of(dtype), "device": device}
