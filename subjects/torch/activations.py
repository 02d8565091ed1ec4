"""torch's activations, as functions, with the derivative that autograd finds and the variant that writes in place."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Activation, Floats, Framework
from varlaw.subjects.torch.framework import TORCH, floats, tensor

Call = Callable[..., Any]  # (torch, x) -> activation of x


def differentiate(call: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """What a function makes of x, and the gradient of the sum of that."""
    import torch

    with torch.enable_grad():
        y = call(given := x.detach().requires_grad_())
        return y.detach(), torch.autograd.grad(y.sum(), given)[0]


def activation(
    name: str, function: str, call: Call, in_place: Call | None = None, framework: Framework = TORCH
) -> Activation:
    """The row of a function of torch tensors, of torch or of a library on it."""

    def apply(x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
        import torch

        with torch.enable_grad():
            given = tensor(x, dtype, device).requires_grad_()
            y = call(torch, given)
            found = {"output": floats(y), "dtype": str(y.dtype).removeprefix("torch.")}
            if y.requires_grad:
                found["slope"] = floats(torch.autograd.grad(y.sum(), given)[0])
        if in_place:
            with torch.no_grad():
                overwritten = tensor(x, dtype, device).clone()
                in_place(torch, overwritten)
                found["in place"] = floats(overwritten)
        return found

    return Activation(
        name=f"{framework.name}.{name}", framework=framework, op="activation", function=function, apply=apply,
        in_place=in_place is not None,
    )  # fmt: skip


def _functional(name: str, function: str = "", *arguments: Any, **keywords: Any) -> Activation:
    """A row of torch.nn.functional, with its `inplace` where it has one."""

    def call(torch: Any, x: Any) -> Any:
        return getattr(torch.nn.functional, name)(x, *arguments, **keywords)

    def over(torch: Any, x: Any) -> Any:
        return getattr(torch.nn.functional, name)(x, *arguments, **keywords, inplace=True)

    shown = ", ".join([*map(str, arguments), *map(str, keywords.values())])
    title = f"nn.functional.{name}({shown})" if shown else f"nn.functional.{name}"
    return activation(title, function or name, call, over if name in _IN_PLACE else None)


_IN_PLACE = (
    "relu",
    "leaky_relu",
    "elu",
    "celu",
    "selu",
    "silu",
    "mish",
    "hardtanh",
    "relu6",
    "hardsigmoid",
    "hardswish",
)


def _plain(name: str, function: str = "") -> Activation:
    """A function of torch itself, with the method that writes in place."""
    return activation(
        name, function or name, lambda torch, x: getattr(torch, name)(x), lambda torch, x: getattr(x, f"{name}_")()
    )


ACTIVATIONS: tuple[Activation, ...] = (
    _functional("relu"),
    _functional("leaky_relu"),
    _functional("leaky_relu", "leaky_relu:0.2", 0.2),
    activation("nn.PReLU(0.25)", "prelu", lambda t, x: t.nn.PReLU(dtype=x.dtype, device=x.device)(x)),
    _functional("elu"),
    _functional("elu", "elu:0.5", 0.5),
    _functional("celu", "celu:2.0", 2.0),
    _functional("selu"),
    _functional("gelu"),
    _functional("gelu", "gelu_tanh", approximate="tanh"),
    _functional("silu"),
    _functional("mish"),
    _functional("softplus"),
    _functional("logsigmoid"),
    _functional("softsign"),
    _functional("tanhshrink"),
    _functional("hardtanh"),
    _functional("relu6"),
    _functional("hardsigmoid"),
    _functional("hardswish"),
    _functional("hardshrink"),
    _functional("softshrink"),
    _plain("tanh"),
    _plain("sigmoid"),
    _plain("erf"),
    _plain("sin"),
    _plain("cos"),
    _plain("atan", "arctan"),
    _plain("abs"),
    _plain("square"),
)
