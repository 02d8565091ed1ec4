"""What a recipe asks of each parameter: the pieces into which rules divide it, with the scale of each."""

import fnmatch
import math
from typing import Any, NamedTuple

import torch
from torch.nn.parameter import UninitializedParameter

from varlaw.impl.arguments import refuse
from varlaw.impl.fans import Fans, fan_of, fans, possible
from varlaw.impl.torch.backend import TORCH
from varlaw.impl.torch.parts import Box, box_of, sizes_of, uncovered, whole_of, written
from varlaw.impl.torch.roles import Role, parts_of
from varlaw.impl.torch.rules import Initialised, Rule
from varlaw.impl.torch.streams import float_tensor, writable


class Use(NamedTuple):
    """One layer that uses a parameter, under the name by which it knows it."""

    layer: torch.nn.Module
    tensor: str
    role: Role | None


class Site(NamedTuple):
    """A parameter of the model, and who uses it."""

    name: str
    aliases: tuple[str, ...]
    parameter: torch.Tensor
    module: torch.nn.Module  # that holds it
    uses: tuple[Use, ...]  # the first is that of its name
    padding: tuple[int, ...]  # rows that an embedding keeps at zero

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole, when it is sharded."""
        return tuple(self.parameter.shape)

    @property
    def role(self) -> Role | None:
        """What the first user whose type tells anything takes it for."""
        return next((use.role for use in self.uses if use.role is not None), None)


class Piece(NamedTuple):
    """A box of a parameter, the rule that it obeys, and the report of it."""

    box: Box
    rule: Rule
    done: Initialised
    layout: str | None  # of the box, where it is known


def pieces_of(site: Site, rules: list[Rule]) -> list[Piece]:
    """The pieces of one parameter in the order of the rules: where they overlap, the first one counts."""
    where = f"initialise({site.name})"
    if isinstance(site.parameter, UninitializedParameter):
        refuse(site.name, "a lazy parameter", "given its shape by a first call of the model", where)
    if site.parameter.is_meta:
        refuse(site.name, "a meta tensor", "in memory: call model.to_empty(device=...) first", where)
    found: list[Piece] = []
    missing: Box | None = whole_of(site.shape)
    for place, rule in enumerate(rules):
        if missing is None:
            break
        if fnmatch.fnmatchcase(site.name, rule.names) and isinstance(site.module, rule.module):
            box = box_of(rule.part, parts_of(*site.uses[0][:2]), site.shape, where)
            if uncovered(box, [piece.box for piece in found]) is not None:
                found.append(_piece(site, place, rule, box, where))
                missing = uncovered(whole_of(site.shape), [piece.box for piece in found])
    if missing is not None:
        rest = written(missing) if found else ""
        refuse("recipe", f"no rule for {site.name}{rest}", "rules that match every parameter", "initialise")
    return found


def _piece(site: Site, place: int, rule: Rule, box: Box, where: str) -> Piece:
    if rule.law != "keep":
        writable("parameter", float_tensor("parameter", site.parameter.detach(), where), where)
    std, both, layout = None, None, _layout(site, rule, box)
    if rule.law in ("normal", "uniform", "truncated_normal"):
        std, both = _scale(site, rule, box, where)
    if rule.law in ("orthogonal", "identity"):
        _refuse_no_matrix(rule, sizes_of(box), layout, where)
        TORCH.representable("gain", float(rule.gain), site.parameter, where)
    if rule.law == "constant" and math.isfinite(rule.value):
        TORCH.representable("value", float(rule.value), site.parameter, where)
    for name in ("mean", "low", "high") if rule.law != "keep" else ():
        TORCH.representable(name, float(getattr(rule, name) or 0.0), site.parameter, where)
    part = None if box == whole_of(site.shape) else box
    kind = site.parameter.dtype
    done = Initialised(site.name, site.shape, kind, rule.law, std, both, place, site.aliases, part)
    return Piece(box, rule, done, layout)


def _layout(site: Site, rule: Rule, box: Box) -> str | None:
    if rule.layout is not None or site.role is None:
        return rule.layout
    parted = box != whole_of(site.shape)
    return "dense" if parted and site.role.layout == "packed_qkv" else site.role.layout


def _refuse_no_matrix(rule: Rule, shape: tuple[int, ...], layout: str | None, where: str) -> None:
    """Two axes are a matrix, whichever comes first; more are one only where it is known how."""
    if len(shape) < 2:
        refuse("shape", shape, f"of at least 2 axes for law {rule.law!r}", where)
    if len(shape) > 2 and layout is None:
        refuse("layout", None, f"what the axes of {shape} are: {possible(shape)}", where)
    if rule.law == "identity" and layout == "bilinear":
        refuse("layout", layout, "one with an identity", where)


def _scale(site: Site, rule: Rule, box: Box, where: str) -> tuple[float, Fans | None]:
    both = None
    if rule.low is not None and rule.high is not None:
        std = (rule.high / 2 - rule.low / 2) / math.sqrt(3)
    elif rule.std is not None:
        std = float(rule.std)
    else:
        both = _fans(site, rule, box, where)
        std = float(rule.gain) / math.sqrt(fan_of(rule.mode, both, where))
    TORCH.representable("std", std * (math.sqrt(3) if rule.law == "uniform" else 1.2), site.parameter, where)
    return std, both


def _fans(site: Site, rule: Rule, box: Box, where: str) -> Fans:
    """By the layout that the rule names, else by that of the modules that use the parameter."""
    shape, parted = sizes_of(box), box != whole_of(site.shape)
    known = {use: use.role for use in site.uses if use.role is not None}
    own = next((role for role in known.values() if role.layout in ("conv", "conv_transpose")), None)
    if (rule.groups, rule.stride) != (1, 1) and (own is not None or rule.layout is None):
        refuse("groups, stride", (rule.groups, rule.stride), "left to torch's module, or given with a layout", where)
    if rule.layout is not None:
        moves = {"groups": rule.groups, "stride": rule.stride} if own is None else _moves(own, parted, where)
        return fans(shape, layout=rule.layout, **moves, where=where)
    if not known and len(shape) >= 2:
        refuse("layout", None, f"what the axes of {shape} are: {possible(shape)}; or give std", where)
    if not known:
        return fans(shape, where=where)  # refused: no fan
    found = {_fans_of(role, shape if parted else role.shape, parted, where): role.layout for role in known.values()}
    if len(found) > 1:
        words = " and ".join(map(repr, found.values()))
        refuse("layout", None, f"said, or std given, where layers share a weight and use it as {words}", where)
    return next(iter(found))


def _fans_of(role: Role, shape: tuple[int, ...], parted: bool, where: str) -> Fans:
    layout = "dense" if parted and role.layout == "packed_qkv" else role.layout
    return fans(shape, layout=layout, **_moves(role, parted, where), where=where)


def _moves(role: Role, parted: bool, where: str) -> dict[str, Any]:
    if parted and role.groups != 1:
        refuse("std", None, "given for a part of a convolution with groups", where)
    return {"groups": role.groups, "stride": role.stride}
