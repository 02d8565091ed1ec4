"""Where a norm belongs, and which: batch norm where the batch carries it, layer norm else; and how it is put in.

It stands between a map and its activation. A batch carries it where its statistics are good to 5 %: with N values a
channel E[1/s^2] is N/(N - 3) of 1/sigma^2 (norm.inverse_variance_mean), so from N = 63 on. A layer norm keeps the size
of each row, but takes off no mean that all rows share: behind a sigmoid, whose output is more mean than anything else,
rows become alike whatever their size, and no layer norm is advised.
"""

from typing import Any

import torch

from varlaw.diagnose.advising import following
from varlaw.diagnose.advising.looking import Look
from varlaw.diagnose.advising.profile import weight_of
from varlaw.diagnose.advising.records import Step
from varlaw.diagnose.records import Call
from varlaw.theory.activations.named import under_normal
from varlaw.theory.catalogue import LAWS

CURED = frozenset((
    "signal.grows", "signal.shrinks", "signal.residual", "signal.collapse", "gradient.grows", "gradient.shrinks",
    "unit.dead", "unit.saturated", "number.range",
))  # fmt: skip
_EXCESS = 0.05


def places(look: Look) -> list[tuple[str, str, int]]:
    """(path of the module whose output is normalised, kind of norm, its size): maps in front of an activation."""
    found = []
    modules = dict(look.model.named_modules())
    for call in look.sight.calls:
        after = following.follower(call.number, look.graph, look.seconds)
        if call.kind != "linear" or weight_of(call, look.sight) is None or after.kind != "activation":
            continue
        kind = _kind(call)
        if not kind.startswith("batch") and _mostly_mean(after.activation):
            continue
        if call.path in modules and not list(modules[call.path].children()):
            found.append((call.path, kind, call.shape[1] if call.op.startswith("conv") else call.shape[-1]))
    return list(dict.fromkeys(found))


def _mostly_mean(activation: str) -> bool:
    """Whether more than half of what the activation makes of standard normals is one number for all."""
    mean, second = (float(under_normal(of, activation, 1.0)) for of in ("mean", "second"))
    return mean**2 > second / 2


def _kind(call: Call) -> str:
    """batch1d, batch2d, ..., or layer."""
    conv = call.op.startswith("conv")
    values = call.shape[0]
    for side in call.shape[2:] if conv else ():
        values *= side
    carried = values > 3 and float(LAWS["norm.inverse_variance_mean"].value(n=values)) <= 1 + _EXCESS
    if conv:
        return f"batch{len(call.shape) - 2}d" if carried else "group"
    return "batch1d" if carried and len(call.shape) == 2 else "layer"


def steps(look: Look) -> list[Step]:
    """What to write where."""
    groups: dict[tuple[str, int], list[str]] = {}
    for path, kind, size in places(look):
        groups.setdefault((kind, size), []).append(path)
    return [_step(kind, size, tuple(paths)) for (kind, size), paths in groups.items()]


def _step(kind: str, size: int, paths: tuple[str, ...]) -> Step:
    why = "the batch carries its statistics" if kind.startswith("batch") else "too few values for batch statistics"
    says = f"a norm between the map and its activation holds the signal at any depth; {why}; the map's bias goes"
    return Step(stage="norm", where=paths, says=says, source="norm.inverse_variance_mean", code=_code(kind, size))


def _code(kind: str, size: int) -> str:
    made = {"layer": f"LayerNorm({size})", "group": f"GroupNorm(1, {size})"}
    return f"torch.nn.{made.get(kind, f'BatchNorm{kind[5:]}({size})')}"


def put_in(model: torch.nn.Module, where: list[tuple[str, str, int]]) -> torch.nn.Module:
    """Gives each of these modules a norm of its output, as its submodule `advised_norm`: names stay as they are."""
    for path, kind, size in where:
        module = model.get_submodule(path)
        like = next(module.parameters())
        module.add_module("advised_norm", _made(kind, size).to(like.device, like.dtype))
        module.register_forward_hook(_normed)
    return model


def _made(kind: str, size: int) -> torch.nn.Module:
    if kind == "layer":
        return torch.nn.LayerNorm(size)
    if kind == "group":
        return torch.nn.GroupNorm(1, size)
    made: torch.nn.Module = getattr(torch.nn, f"BatchNorm{kind[5:]}")(size)
    return made


def _normed(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    normed: torch.Tensor = module.advised_norm(output)
    return normed
