"""A torch module run alone, as a row: a norm in one of the layouts that modules take, and a convolution's weight.

Shared by the frameworks whose layers are torch modules. Every norm takes x of shape (batch, channels, length); a view
hands it to the module in the layout that the module asks for, and back.
"""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.defaults import constants_of, with_default
from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Case, Floats, Framework, Norm

Build = Callable[[Case, dict[str, Any]], Any]  # (case, eps and momentum under the module's names) -> module
View = Callable[[Any, Any], Any]  # (module, x) -> y


def last(module: Any, x: Any) -> Any:
    """Normalised over the last axis."""
    return module(x)


def channels(module: Any, x: Any) -> Any:
    """Normalised over the channels of an image of one pixel, (N, C, 1, 1)."""
    return module(x.reshape(-1, x.shape[-1], 1, 1))


def spatial(module: Any, x: Any) -> Any:
    """An image of one column, (N, C, H, 1): for norms over channels and space."""
    return module(x[..., None])


def one_channel(module: Any, x: Any) -> Any:
    """Each set is an image of one channel, (N, 1, H, 1)."""
    return module(x.reshape(-1, 1, x.shape[-1], 1))


def norm(
    name: str, framework: Framework, op: str, build: Build, view: View = last, *, eps: str = "eps", momentum: str = ""
) -> Norm:
    """The row of a module; `eps` and `momentum` are its constructor's names for them."""

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        import torch

        with torch.no_grad(), default_dtype(dtype):
            module = build(case, constants_of(case, eps=eps, momentum=momentum)).train()
            for _ in range(case.get("steps", 1)):
                y = view(module, torch.as_tensor(x.copy()).to(getattr(torch, dtype)))
        running = {n: b.double().numpy() for n, b in module.named_buffers() if n.startswith("running")}
        return {"output": y.double().numpy().reshape(x.shape)} | running

    return with_default(Norm(name=name, framework=framework, op=op, apply=apply, steps=op == "batch_norm"))


def weight_used(convolution: Any, image: Any) -> Any:
    """The weight with which a convolution really convolves, as it hands it to torch: standardised, scaled."""
    import torch
    from torch.overrides import TorchFunctionMode

    seen: list[Any] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.nn.functional.conv2d:
                seen.append(args[1])
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Watch():
        convolution(image)
    (weight,) = seen
    return weight
