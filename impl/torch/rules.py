"""Rules of a recipe: which parameters they are about, the law that these are to hold, and what is refused in them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch

from varlaw.impl.arguments import choice, flag, number, refuse, refuse_type
from varlaw.impl.fans import LAYOUTS, MODES, Fans
from varlaw.impl.torch.parts import Box

Index: TypeAlias = int | slice | tuple[int | slice, ...]

# law: those fields of a rule that it reads and that others refuse
LAWS: dict[str, tuple[str, ...]] = {
    "normal": ("mean",),
    "uniform": ("mean", "low", "high"),
    "truncated_normal": ("mean",),
    "log_uniform": ("low", "high", "softplus"),
    "orthogonal": (),
    "identity": (),
    "constant": (),
    "zeros": (),
    "ones": (),
    "keep": (),
}


@dataclass(frozen=True)
class Rule:
    """What the parameters that a glob matches are to hold.

    `names` is a glob over the names of parameters, `law` one of the table, `module` the class (or classes) of the
    module that holds them, `mode` the fan that divides: "fan_in", "fan_out" or "fan_avg".

    `std` is that of the weights themselves; without it the variance is gain**2 / fan, with the fans of the module's
    own arithmetic. What the type of the module does not tell must be said: `layout` names the meaning of the axes (see
    `varlaw.impl.fans`), `groups` and `stride` are those of a convolution that is no module of torch.

    | law | holds |
    |---|---|
    | normal | mean `mean` |
    | uniform | mean `mean`, or U(`low`, `high`) |
    | truncated_normal | mean `mean`, cut at two sigmas of its parent |
    | log_uniform | exp(U(log low, log high)); with `softplus` the number whose softplus is that (Mamba's dt) |
    | orthogonal | `gain` times a Haar (semi-)orthogonal matrix; of a stack, each |
    | identity | `gain` on the diagonal; of a stack or of packed gates, each; a convolution that copies its channels |
    | constant, zeros, ones | `value`, 0, 1 |
    | keep | its values as they are, and the report says so |

    `part` restricts a rule to a box of the parameter: an index as NumPy takes it, in steps of 1, or the name of a part
    that the module packs, "i", "f", "g", "o" (LSTM), "r", "z", "n" (GRU), "q", "k", "v" (attention). The fans are then
    those of the part, and the rest of the parameter is for the rules that follow.

    >>> from varlaw.impl.torch import initialise
    >>> recipe = [
    ...     Rule("bias*", "constant", value=0.5, part="f"),  # two vectors, which torch adds
    ...     Rule("bias*", "zeros"),
    ...     Rule("weight_hh*", "orthogonal", part="g"),
    ...     Rule("weight*", "normal"),
    ... ]
    >>> model = torch.nn.LSTM(3, 2)
    >>> report = initialise(model, recipe, key=0)
    >>> model.bias_ih_l0.tolist()
    [0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]
    >>> norm = torch.nn.BatchNorm2d(8)
    >>> report = initialise(norm, [Rule("weight", "normal", mean=1.0, std=0.02), Rule("bias", "zeros")], key=0)
    """

    names: str
    law: str
    std: float | None = None
    gain: float = 1.0
    mode: str = "fan_in"
    value: float = 0.0
    layout: str | None = None
    module: type[torch.nn.Module] | tuple[type[torch.nn.Module], ...] = torch.nn.Module
    mean: float = 0.0
    low: float | None = None
    high: float | None = None
    softplus: bool = False
    part: str | Index | None = None
    groups: int = 1
    stride: int | tuple[int, ...] = 1


class Initialised(NamedTuple):
    """What was done to one parameter, or to one part of it."""

    name: str
    shape: tuple[int, ...]  # of the whole, when it is sharded
    dtype: torch.dtype
    law: str
    std: float | None  # per weight; None where no number was drawn, and for log_uniform
    fans: Fans | None  # None where the law needs none
    rule: int  # place in the recipe
    aliases: tuple[str, ...]  # other names of the same parameter
    part: Box | None = None  # first and end along each axis; None for all of it


def rules_of(recipe: Any, where: str) -> list[Rule]:
    """The rules of a recipe, each refused when no parameter could obey it."""
    if isinstance(recipe, (str, dict)) or not isinstance(recipe, Iterable):
        refuse_type("recipe", recipe, "a sequence of Rule", where)
    rules = list(recipe)
    for place, rule in enumerate(rules):
        if not isinstance(rule, Rule):
            refuse_type(f"recipe[{place}]", rule, "a Rule", where)
        _check(rule, f"recipe[{place}]", where)
    return rules


def _check(rule: Rule, place: str, where: str) -> None:
    if not isinstance(rule.names, str):
        refuse_type(f"{place}.names", rule.names, "a glob", where)
    kinds = rule.module if isinstance(rule.module, tuple) else (rule.module,)
    if not all(isinstance(kind, type) for kind in kinds):
        refuse_type(f"{place}.module", rule.module, "a class of modules or several", where)
    where = f"{where}: {place}"
    choice("law", rule.law, tuple(LAWS), where)
    choice("mode", rule.mode, MODES, where)
    if rule.layout is not None:
        choice("layout", rule.layout, LAYOUTS, where)
    number("gain", rule.gain, where, low=-math.inf if rule.law in ("orthogonal", "identity") else 0.0)
    number("value", rule.value, where, infinite=True)
    number("mean", rule.mean, where)
    flag("softplus", rule.softplus, where)
    if rule.std is not None:
        number("std", rule.std, where, low=0.0)
    for name, default in (("mean", 0.0), ("low", None), ("high", None), ("softplus", False)):
        if getattr(rule, name) != default and name not in LAWS[rule.law]:
            refuse(name, getattr(rule, name), f"left out with law {rule.law!r}", where)
    _check_range(rule, where)


def _check_range(rule: Rule, where: str) -> None:
    """Refuse half a range, an empty one, and one beside a std or a mean that it has already."""
    if rule.low is None and rule.high is None and rule.law != "log_uniform":
        return
    least = number("low", rule.low, where, low=0.0 if rule.law == "log_uniform" else -math.inf)
    most = number("high", rule.high, where)
    if not least < most or (rule.law == "log_uniform" and least == 0):
        expected = "low < high" if rule.law == "uniform" else "0 < low < high"
        refuse("low, high", (least, most), expected, where)
    if rule.std is not None or rule.mean != 0:
        refuse("std, mean", (rule.std, rule.mean), "left out beside low and high", where)
