"""Activations that are the cause: no weights in front of them hold a signal and its gradient over the depth.

A map that makes E z^2 = q in front of phi changes a squared gradient by chi(q) = q E phi'^2 / E phi^2. Sigmoid's
quarter, squared, leaves chi at 0.15 for q = 1: over eight maps a gradient falls to 5e-4. At q = 20 it is 0.69, beyond
units saturate. Where no q holds the gradient within ten over the depth, another activation of the same shape does.
"""

import math

import torch

from varlaw.diagnose.advising import following
from varlaw.diagnose.advising.looking import Look
from varlaw.diagnose.advising.profile import Profile
from varlaw.diagnose.advising.records import Step
from varlaw.diagnose.advising.targets import LARGER, Targets
from varlaw.theory.activations.named import under_normal

# Class of module -> that of its remedy, and why.
_INSTEAD = {
    "Sigmoid": ("Tanh", "tanh(x) = 2 sigmoid(2 x) - 1 has no mean and the slope 1"),
    "Hardsigmoid": ("Hardtanh", "hardtanh has no mean and the slope 1"),
    "Softplus": ("ReLU", "relu is softplus without its mean at 0"),
    "LogSigmoid": ("ReLU", "relu has no mean of -0.8 at 0"),
}


def places(look: Look) -> dict[str, str]:
    """Path of a module -> class of what should stand there: activations between two maps that are the cause."""
    targets, modules = (
        Targets(Profile(look.sight, look.graph, dict(look.seconds)).run()),
        dict(look.model.named_modules()),
    )
    found = {}
    for call in look.sight.calls:
        after = following.follower(call.number, look.graph, look.seconds)
        if call.kind != "linear" or after.call is None or after.kind != "activation":
            continue
        instead = _INSTEAD.get(type(modules.get(after.call.path)).__name__)
        if instead and not targets.holds(after.activation) and _between(look, after.call.number):
            found[after.call.path] = instead[0]
    return found


def _between(look: Look, number: int) -> bool:
    """Whether a later map takes it: no gate, and no probability at the end."""
    behind = look.graph.behind(number)
    return behind is not None and behind.kind in ("linear", "norm")


def steps(look: Look) -> list[Step]:
    """What to write where."""
    groups: dict[tuple[str, str], list[str]] = {}
    modules = dict(look.model.named_modules())
    for path, instead in places(look).items():
        groups.setdefault((type(modules[path]).__name__, instead), []).append(path)
    return [_step(old, instead, tuple(paths)) for (old, instead), paths in groups.items()]


def _step(old: str, instead: str, paths: tuple[str, ...]) -> Step:
    chi = float(under_normal("chi", old.lower(), LARGER[-1]))
    lost = (
        f"no weights hold the gradient through {old.lower()}, x{math.sqrt(chi):.2g} a map at E z^2 = {LARGER[-1]:.0f}"
    )
    says = f"{lost}; {_INSTEAD[old][1]}"
    return Step(stage="layer", where=paths, says=says, source="meanfield.chi", code=f"torch.nn.{instead}()")


def put_in(model: torch.nn.Module, where: dict[str, str]) -> torch.nn.Module:
    """Gives the model these activations, in place."""
    for path, name in where.items():
        owner, _, leaf = path.rpartition(".")
        setattr(model.get_submodule(owner), leaf, getattr(torch.nn, name)())
    return model
