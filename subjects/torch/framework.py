"""The one typed boundary to torch: version, devices, dtypes, seeding, and arrays in and out."""

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Array, Case, Draws, Floats, Framework


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


TORCH = Framework(name="torch", version=version, devices=devices, hardware=hardware)


def dtype_of(name: str) -> Any:
    """torch's dtype of that name."""
    import torch

    return getattr(torch, name)


def seeded(build: Callable[[Case, dict[str, Any]], Mapping[str, Array]]) -> Draws:
    """`Draws` from a builder that draws from torch's global generator, as layers do when they are constructed.

    The generator's state is put back afterwards, so a run leaves the user's stream as it found it.
    """

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        import torch

        factory = {"dtype": dtype_of(dtype), "device": device}
        ours = [device] if device.startswith("cuda") else []
        state: list[Any] = []
        for i in range(count):
            # Nothing stays open while a caller holds the instance: streams may be drawn from in turns.
            with torch.random.fork_rng(devices=ours), torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # advice on speed is none on how a layer starts
                if i == 0:
                    _seed(seed, ours)
                else:
                    _resume(state, ours)
                instance = build(case, factory)
                state = _kept(ours) if i + 1 < count else []
            yield instance

    return draws


def _seed(seed: int, devices: list[str]) -> None:
    import torch

    # torch.manual_seed formats a stack trace for each accelerator that is not there: 85 us against 5.
    torch.default_generator.manual_seed(seed)
    if devices:
        torch.cuda.manual_seed(seed)


def _kept(devices: list[str]) -> list[Any]:
    """The state of torch's global generators, to go on from."""
    import torch

    return [torch.default_generator.get_state(), *(torch.cuda.get_rng_state(d) for d in devices)]


def _resume(state: list[Any], devices: list[str]) -> None:
    import torch

    torch.default_generator.set_state(state[0])
    for kept, device in zip(state[1:], devices, strict=True):
        torch.cuda.set_rng_state(kept, device)


def tensor(x: Floats, dtype: str, device: str) -> Any:
    """A torch tensor of `x`, rounded to `dtype`."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(x)).to(device=device, dtype=dtype_of(dtype))


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a torch tensor: exact for every narrower format."""
    import torch

    result: Floats = x.detach().to(device="cpu", dtype=torch.float64).numpy()
    return result


def measure_fans(build: Callable[[Case, dict[str, Any]], Any], dims: int, inputs: Callable[[Case], list[int]]) -> Any:
    """A `Sampler.measure` that runs the layer of `build` on ones with all weights one and biases zero.

    A layer that is linear in weights and inputs then returns at each output the number of taps that reach it, its true
    fan_in, with groups, stride and dilation as torch really computes them; the vector-Jacobian product of ones is the
    true fan_out. Both are averaged over one period of the stride in the interior. `dims` counts spatial dimensions.
    """

    @functools.cache
    def measured(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
        import torch

        case = dict(items)
        layer = build(case, {"dtype": torch.float64, "device": "cpu"})
        for name, parameter in layer.named_parameters():
            torch.nn.init.constant_(parameter, 0.0 if "bias" in name else 1.0)
        period = case.get("stride", 1)
        length = 2 * case.get("kernel_size", 1) + 4 * period
        xs = [torch.ones(1, n, *[length] * dims, dtype=torch.float64, requires_grad=True) for n in inputs(case)]
        y = layer(*xs)
        y.sum().backward()
        return _interior(y.detach(), period, dims), _interior(xs[0].grad, period, dims)

    return lambda case: measured(tuple(sorted(case.items())))


def _interior(x: Any, period: int, dims: int) -> float:
    centre = tuple(slice(n // 2, n // 2 + period) for n in x.shape[x.ndim - dims :])
    return float(x[(..., *centre)].mean())
