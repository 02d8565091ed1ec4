"""A torch module run alone, as a row: a norm in one of the layouts that modules take, and a convolution's weight.

Shared by the frameworks whose layers are torch modules. Every norm takes x of shape (batch, channels, length); a view
hands it to the module in the layout that the module asks for, and back.
"""

from collections.abc import Callable
from typing import Any

from varlaw.subjects import norm_rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Case, Norm

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
    of: Boundary, name: str, op: str, build: Build, view: View = last, *, eps: str = "eps", momentum: str = ""
) -> Norm:
    """The row of a module; `eps` and `momentum` are its constructor's names for them."""

    def call(x: Any, case: Case) -> tuple[Any, ...]:
        with default_dtype(str(x.dtype).removeprefix("torch.")):
            module = build(case, constants_of(case, eps=eps, momentum=momentum)).train()
            for _ in range(case.get("steps", 1)):
                y = view(module, x.clone())  # some write into what they are given
        return (y, *(b for n, b in module.named_buffers() if n.startswith("running")))

    return norm_rows.norm(of, name, op, call, steps=op == "batch_norm")


def weight_used(convolution: Any, weight: Any) -> Any:
    """What a convolution of one input channel makes of a weight before it convolves: standardised, scaled.

    weight: (outputs, taps). It takes the parameter's place, so a derivative reaches it.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    seen: list[Any] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.nn.functional.conv2d:
                seen.append(args[1])
            return func(*args, **(kwargs or {}))

    shape = convolution.weight.shape
    del convolution.weight
    convolution.weight = weight.reshape(shape)
    with Watch():
        convolution(torch.zeros(1, *shape[1:]))
    (used,) = seen
    return used
