"""Initialising a whole model: every parameter by a rule that says so, none left out, and a report of what was done.

A recipe is a sequence of rules; each parameter obeys the first whose glob matches its qualified name (and whose module
class matches, if it names one). Nothing is written unless every parameter has a rule and every rule has a parameter:
a rule that matches nothing is the usual way in which a scaled projection keeps its default.

Values are keyed by the model's key and the parameter's name (see `varlaw.impl.addresses`), so they do not depend on
the order of parameters, the device, or the way they are sharded: a plain model, one made on the meta device and given
memory by `to_empty`, and one whose parameters are DTensors hold the same numbers.
"""

import fnmatch
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from varlaw.impl.arguments import choice, number, refuse, refuse_type
from varlaw.impl.fans import Fans, fan_of, fans
from varlaw.impl.torch.initialisers import orthogonal
from varlaw.impl.torch.keyed import keyed_normal, keyed_truncated_normal, keyed_uniform
from varlaw.impl.torch.shards import local_part
from varlaw.impl.torch.streams import write_

LAWS = ("normal", "uniform", "truncated_normal", "orthogonal", "constant", "zeros", "ones", "keep")


@dataclass(frozen=True)
class Rule:
    """What the parameters that a glob matches are to hold.

    `std` is that of the weights themselves; without it the variance is gain**2 / fan, with the fans of the module's
    own arithmetic (`layout` overrides). "truncated_normal" cuts at two sigmas of its parent. "keep" leaves the values
    as they are, and the report says so.
    """

    names: str
    law: str
    std: float | None = None
    gain: float = 1.0
    mode: str = "fan_in"
    value: float = 0.0
    layout: str | None = None
    module: type[torch.nn.Module] | tuple[type[torch.nn.Module], ...] = torch.nn.Module


class Initialised(NamedTuple):
    """What was done to one parameter."""

    name: str
    shape: tuple[int, ...]  # of the whole, when it is sharded
    dtype: torch.dtype
    law: str
    std: float | None  # per weight; None where no number was drawn
    fans: Fans | None  # None where the law needs none
    rule: int  # place in the recipe
    aliases: tuple[str, ...]  # other names of the same parameter


class _Site(NamedTuple):
    name: str
    aliases: tuple[str, ...]
    parameter: torch.Tensor
    module: torch.nn.Module


_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)


def initialise(model: torch.nn.Module, recipe: Sequence[Rule], *, key: int) -> list[Initialised]:
    """Fill every parameter of a model by the first rule that matches it, and report each in the model's order.

    Raises `ValueError`, with nothing written, for a parameter without a rule, a rule without a parameter, a parameter
    on the meta device, and a law that its parameter does not fit. Buffers are left alone.

    >>> model = torch.nn.Linear(3, 2)
    >>> [done.std for done in initialise(model, [Rule("weight", "normal"), Rule("bias", "zeros")], key=0)]
    [0.5773502691896258, None]
    """
    where = "initialise"
    if not isinstance(model, torch.nn.Module):
        refuse_type("model", model, "a torch.nn.Module", where)
    sites = list(_sites(model))
    plan = [(site, *_rule_for(site, recipe, where)) for site in sites]
    unused = set(range(len(recipe))) - {place for _, place, _ in plan}
    if unused:
        refuse("recipe", [recipe[i].names for i in sorted(unused)], "rules that each match a parameter", where)
    report = [_planned(site, place, rule) for site, place, rule in plan]
    for (site, _, rule), done in zip(plan, report, strict=True):
        _write(site, rule, done, key)
    return report


def _sites(model: torch.nn.Module) -> Iterator[_Site]:
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for name, parameter in model.named_parameters():
        owner, _, _ = name.rpartition(".")
        yield _Site(name, tuple(names[id(parameter)][1:]), parameter, model.get_submodule(owner))


def _rule_for(site: _Site, recipe: Sequence[Rule], where: str) -> tuple[int, Rule]:
    if site.parameter.is_meta:
        refuse(site.name, "a meta tensor", "in memory: call model.to_empty(device=...) first", where)
    for place, rule in enumerate(recipe):
        if not isinstance(rule, Rule):
            refuse_type(f"recipe[{place}]", rule, "a Rule", where)
        if fnmatch.fnmatchcase(site.name, rule.names) and isinstance(site.module, rule.module):
            return place, rule
    refuse("recipe", f"no rule for {site.name}", "rules that match every parameter", where)


def _planned(site: _Site, place: int, rule: Rule) -> Initialised:
    where = f"initialise({site.name})"
    choice("law", rule.law, LAWS, where)
    shape = tuple(site.parameter.shape)
    std, both = None, None
    if rule.law in ("normal", "uniform", "truncated_normal"):
        if rule.std is not None:
            std = number("std", rule.std, where, low=0.0)
        else:
            both = _fans(site, rule, where)
            std = number("gain", rule.gain, where, low=0.0) / math.sqrt(fan_of(rule.mode, both, where))
    if rule.law == "orthogonal" and len(shape) < 2:
        refuse("shape", shape, "of at least 2 axes for an orthogonal weight", where)
    number("value", rule.value, where, infinite=True)
    return Initialised(site.name, shape, site.parameter.dtype, rule.law, std, both, place, site.aliases)


def _fans(site: _Site, rule: Rule, where: str) -> Fans:
    shape, module = tuple(site.parameter.shape), site.module
    given: dict[str, Any] = {"layout": rule.layout}
    if isinstance(module, (*_CONVOLUTIONS, *_TRANSPOSED)):
        given |= {"groups": module.groups, "stride": module.stride}
    if rule.layout is None:
        given["layout"] = _layout_of(site)
    return fans(shape, **given, where=where)


def _layout_of(site: _Site) -> str | None:
    if isinstance(site.module, _TRANSPOSED):
        return "conv_transpose"
    if isinstance(site.module, torch.nn.Embedding | torch.nn.EmbeddingBag):
        return "embedding"
    if isinstance(site.module, torch.nn.MultiheadAttention) and site.name.endswith("in_proj_weight"):
        return "packed_qkv"
    return None


def _write(site: _Site, rule: Rule, done: Initialised, key: int) -> None:
    local, offset = local_part(site.parameter)
    with torch.no_grad():
        if done.law in ("constant", "zeros", "ones"):
            local.fill_({"constant": rule.value, "zeros": 0.0, "ones": 1.0}[done.law])
        elif done.law == "orthogonal":
            _write_orthogonal(local, offset, rule, done, key)
        elif done.std is not None:
            _draw(local, offset, done, done.std, key)
        if isinstance(site.module, torch.nn.Embedding) and site.module.padding_idx is not None and done.law != "keep":
            _clear_row(local, offset, site.module.padding_idx)


def _draw(local: torch.Tensor, offset: tuple[int, ...], done: Initialised, std: float, key: int) -> None:
    address: dict[str, Any] = {"key": key, "name": done.name, "offset": offset, "within": done.shape, "out": local}
    shape = tuple(local.shape)
    if done.law == "uniform":
        keyed_uniform(shape, math.sqrt(3) * std, **address)
    elif done.law == "normal" or std == 0:
        keyed_normal(shape, std, **address)
    else:
        keyed_truncated_normal(shape, std, std_of="result", bounds="sigmas", **address)


def _write_orthogonal(local: torch.Tensor, offset: tuple[int, ...], rule: Rule, done: Initialised, key: int) -> None:
    """The whole matrix is made on every shard: its entries depend on one another."""
    seed = _seed_of(key, done.name)
    matrix = orthogonal(done.shape, rule.gain, seed=seed, dtype=done.dtype, device=local.device)
    for axis, (first, size) in enumerate(zip(offset, local.shape, strict=True)):
        matrix = matrix.narrow(axis, first, size)
    write_(local, matrix)


def _seed_of(key: int, name: str) -> int:
    """A seed below 2**63 for draws that a slice cannot make alone."""
    from varlaw.impl.addresses import stream_key

    return stream_key(key, name, "initialise")[0] >> 1


def _clear_row(local: torch.Tensor, offset: tuple[int, ...], row: int) -> None:
    if offset[0] <= row < offset[0] + local.shape[0]:
        local.narrow(0, row - offset[0], 1).zero_()
