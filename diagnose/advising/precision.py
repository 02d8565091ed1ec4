"""Layers that are to compute in float32: where float16 ends at 65,504, and no initial value is to blame.

A module gets its parameters and inputs in float32 and gives back float16; so a norm that squares and adds up has room,
while a number that is itself too large for float16 comes back as inf: then the whole model is the place.
"""

from typing import Any

import torch

from varlaw.diagnose.advising.looking import Look
from varlaw.diagnose.advising.records import Step
from varlaw.diagnose.records import Finding


def places(look: Look, findings: list[Finding]) -> list[str]:
    """Paths of modules whose own operation left float16; "" where only the model as a whole is such a place."""
    modules = dict(look.model.named_modules())
    short = any(c.dtype == "float16" for c in look.sight.calls)
    found = [name for f in findings if f.signal == "number.range" for name in f.where]
    return list(dict.fromkeys(n if n in modules else "" for n in found)) if short else []


def steps(where: list[str]) -> list[Step]:
    """What to write."""
    says = "float16 ends at 65,504: compute this in float32"
    return [Step(stage="layer", where=(path or "(model)",), says=says, code="module.float()") for path in where]


def put_in(model: torch.nn.Module, where: list[str]) -> torch.nn.Module:
    """Lets these modules compute in float32, in place; the root hands on float32, so that a loss has it, too."""
    for path in where:
        module = model.get_submodule(path).float()
        module.register_forward_pre_hook(_widened, with_kwargs=True)
        if path:
            module.register_forward_hook(_narrowed)
    return model


def _widened(module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    return _cast(args, torch.float32), _cast(kwargs, torch.float32)


def _narrowed(module: Any, args: Any, output: Any) -> Any:
    return _cast(output, torch.float16)


def _cast(values: Any, dtype: torch.dtype) -> Any:
    """Tensors of numbers in containers, in this dtype."""
    if isinstance(values, torch.Tensor):
        return values.to(dtype) if values.is_floating_point() else values
    if isinstance(values, (tuple, list)) and type(values) in (tuple, list):
        return type(values)(_cast(v, dtype) for v in values)
    return {k: _cast(v, dtype) for k, v in values.items()} if type(values) is dict else values
