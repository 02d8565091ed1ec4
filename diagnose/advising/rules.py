"""Choices as a recipe for `initialise`, and as code to paste: parameters of one rule under one glob."""

import fnmatch
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from varlaw.diagnose.advising.records import Choice
from varlaw.diagnose.parameters import pattern
from varlaw.impl.fans import fan_of, fans
from varlaw.impl.torch.roles import role_of
from varlaw.impl.torch.rules import Rule

_DIGITS = 4  # of a gain or a std


def recipe_of(choices: Sequence[Choice], model: torch.nn.Module) -> list[Rule]:
    """The rules that say the choices, most alike ones together; everything else keeps its values. Empty: no change."""
    changes = [c for c in choices if c.law != "keep"]
    if not changes:
        return []
    names = [name for name, _ in model.named_parameters()]
    groups: dict[tuple[str, str], tuple[dict[str, Any], list[str]]] = {}
    for choice in changes:
        fields = _fields(choice, model)
        groups.setdefault((pattern(choice.name), repr(fields)), (fields, []))[1].append(choice.name)
    rules, done = list[Rule](), set[str]()
    for fields, members in sorted(groups.values(), key=lambda group: len(group[1])):
        rules += [Rule(glob, **fields) for glob in _globs(members, done, names)]
        done |= set(members) if "part" not in fields else set()
    rules += [Rule(_escaped(c.name), "zeros") for c in changes if c.part == "f"]  # the other gates of the bias
    covered = {c.name for c in changes if not isinstance(c.part, tuple)}
    return [*rules, Rule("*", "keep")] if len(covered) < len(names) else rules


def _fields(choice: Choice, model: torch.nn.Module) -> dict[str, Any]:
    """The fields of a rule beside its names."""
    fields: dict[str, Any] = {"law": choice.law}
    if choice.law == "normal":
        arithmetic = _fan_in(model, choice.name) if choice.fan is not None else None
        assert choice.std is not None
        if arithmetic:
            fields["gain"] = _short(choice.std * math.sqrt(arithmetic))
        else:
            fields["std"] = _short(choice.std)
        if choice.mean:
            fields["mean"] = choice.mean
    if choice.law == "constant":
        fields["value"] = _short(choice.value)
    if isinstance(choice.part, tuple):
        fields["part"] = slice(*choice.part)
    elif choice.part is not None:
        fields["part"] = choice.part
    return fields


def _fan_in(model: torch.nn.Module, name: str) -> float | None:
    """fan_in as `initialise` would count it, where the type of the one module that holds the parameter tells it."""
    owner, _, leaf = name.rpartition(".")
    parameter = model.get_parameter(name)
    holders = [n for n, p in model.named_parameters(remove_duplicate=False) if p is parameter]
    try:
        role = role_of(model.get_submodule(owner), leaf, tuple(parameter.shape)) if len(holders) == 1 else None
        if role is None:
            return None
        both = fans(role.shape, layout=role.layout, groups=role.groups, stride=role.stride)
        return fan_of("fan_in", both, "advise")
    except (AttributeError, ValueError, TypeError):
        return None


def _short(x: float) -> float:
    return float(f"{x:.{_DIGITS}g}")


def _globs(members: Sequence[str], done: set[str], names: Sequence[str]) -> list[str]:
    """One glob that matches these members and nothing else that no earlier rule fills, or each by its own name."""
    glob = pattern(members[0])
    if len(members) > 1 and set(fnmatch.filter(names, glob)) - done == set(members):
        return [glob]
    return [_escaped(name) for name in members]


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def code_of(recipe: Sequence[Rule], comments: Mapping[str, str], key: int) -> str:
    """The recipe as code to paste, a comment beside each rule that has one."""
    if not recipe:
        return ""
    lines = ["from varlaw.impl.torch import Rule, initialise", "", "recipe = ["]
    for rule in recipe:
        note = comments.get(rule.names, "")
        lines += [f"    # {note}"] if note and note not in lines[-2:] else []
        lines.append(f"    {written(rule)},")
    return "\n".join([*lines, "]", f"initialise(model, recipe, key={key})"])


def written(rule: Rule) -> str:
    """A rule as the call that makes it, without what is left at its default.

    >>> written(Rule("*.weight", "normal", gain=1.5))
    "Rule('*.weight', 'normal', gain=1.5)"
    """
    default = Rule("", "")
    named = [(f, getattr(rule, f)) for f in ("std", "gain", "value", "mean", "part")]
    extra = "".join(f", {name}={value!r}" for name, value in named if value != getattr(default, name))
    return f"Rule({rule.names!r}, {rule.law!r}{extra})"


def comments_of(choices: Sequence[Choice], recipe: Sequence[Rule]) -> dict[str, str]:
    """Glob -> the reason of the first parameter that it is about."""
    found = {}
    for rule in recipe:
        first = next(
            (c for c in choices if c.reason and c.law == rule.law and fnmatch.fnmatchcase(c.name, rule.names)), None
        )
        if first is not None and first.law != "keep":
            found[rule.names] = first.reason
    return found
