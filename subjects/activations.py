"""Activations of any framework: rows from its boundary, a function, and its own automatic differentiation."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Activation, Floats

Function = Callable[[Any], Any]  # of an array of the framework
# (function, x) -> what it makes of x, and the gradient of the sum of that; None where the framework finds none.
Differentiate = Callable[[Function, Any], tuple[Any, Any]]


def activation(
    of: Boundary,
    name: str,
    function: str,
    call: Function,
    differentiate: Differentiate,
    unsupported: Mapping[str, str] | None = None,
    over: Function | None = None,
) -> Activation:
    """The row of one function; `function` is what its documentation says it is, `over` writes in place."""

    def apply(x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
        with of.place(dtype, device):
            y, slope = differentiate(call, of.array(x, dtype, device))
            found = {"output": of.floats(y), "dtype": _name(y.dtype)}
            found |= {} if slope is None else {"slope": of.floats(slope)}
            if over:
                overwritten = of.array(x, dtype, device)
                over(overwritten)
                found["in place"] = of.floats(overwritten)
            return found

    return Activation(
        name=f"{of.name}.{name}", framework=of, op="activation", function=function, apply=apply,
        in_place=over is not None, unsupported=unsupported or {},
    )  # fmt: skip


@dataclass(frozen=True)
class Functions:
    """The functions of one framework's module, and how it differentiates them."""

    of: Boundary
    prefix: str  # the module, as users write it
    module: Callable[[], Any]
    differentiate: Differentiate
    unsupported: Mapping[str, str] = field(default_factory=dict)
    in_place: tuple[str, ...] = ()  # functions with a form of the same name and an underscore, or such a method

    def row(self, name: str, function: str = "", title: str = "", *arguments: Any, **keywords: Any) -> Activation:
        """The function `name` with these arguments; `function` where its documentation calls it something else."""

        def call(x: Any) -> Any:
            return getattr(self.module(), name)(x, *arguments, **keywords)

        def over(x: Any) -> Any:
            form = getattr(self.module(), f"{name}_", None) or getattr(type(x), f"{name}_")
            return form(x, *arguments, **keywords)

        shown, writes = f"{self.prefix}.{title or name}", over if name in self.in_place else None
        return activation(self.of, shown, function or name, call, self.differentiate, self.unsupported, writes)


_IN_C = {"double": "float64", "float": "float32", "half": "float16"}


def _name(dtype: Any) -> str:
    """A dtype by its name, however its library prints it: "float32" of "paddle.float32" and of "dtypes.float"."""
    found = re.search(r"b?float\d+", str(dtype))
    return found[0] if found else _IN_C.get(str(dtype).rpartition(".")[2], str(dtype))
