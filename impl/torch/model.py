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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.utils.parametrize
from torch.nn.parameter import UninitializedParameter

from varlaw.impl.addresses import stream_key
from varlaw.impl.arguments import choice, number, refuse, refuse_type
from varlaw.impl.fans import MODES, Fans, fan_of, fans
from varlaw.impl.torch.draws import representable
from varlaw.impl.torch.initialisers import orthogonal
from varlaw.impl.torch.keyed import keyed_normal, keyed_truncated_normal, keyed_uniform
from varlaw.impl.torch.shards import local_part
from varlaw.impl.torch.streams import float_tensor, may_ask, writable, write_

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
    module: torch.nn.Module  # that holds it
    layer: torch.nn.Module  # that uses it: of a parametrised weight, the layer whose weight is made from it
    padding: tuple[int, ...]  # rows that an embedding keeps at zero


_EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)
_RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase)
_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)


def initialise(model: torch.nn.Module, recipe: Sequence[Rule], *, key: int) -> list[Initialised]:
    """Fill every parameter of a model by the first rule that matches it, and report each in the model's order.

    Raises `ValueError` or `TypeError`, with nothing written, for a parameter without a rule, a rule without a
    parameter, a parameter on the meta device, lazy, or in the memory of another, and a law that its parameter does not
    fit. Buffers are left alone.

    >>> model = torch.nn.Linear(3, 2)
    >>> [done.std for done in initialise(model, [Rule("weight", "normal"), Rule("bias", "zeros")], key=0)]
    [0.5773502691896258, None]
    """
    where = "initialise"
    if not isinstance(model, torch.nn.Module):
        refuse_type("model", model, "a torch.nn.Module", where)
    stream_key(key, "", where)
    rules = _rules(recipe, where)
    sites = list(_sites(model))
    _refuse_shared(sites, where)
    plan = [(site, *_rule_for(site, rules, where)) for site in sites]
    unused = set(range(len(rules))) - {place for _, place, _ in plan}
    if unused:
        refuse("recipe", [rules[i].names for i in sorted(unused)], "rules that each match a parameter", where)
    report = [_planned(site, place, rule) for site, place, rule in plan]
    for (site, _, rule), done in zip(plan, report, strict=True):
        _write(site, rule, done, key)
    return report


def _rules(recipe: Any, where: str) -> list[Rule]:
    if isinstance(recipe, (str, dict)) or not isinstance(recipe, Iterable):
        refuse_type("recipe", recipe, "a sequence of Rule", where)
    rules = list(recipe)
    for place, rule in enumerate(rules):
        if not isinstance(rule, Rule):
            refuse_type(f"recipe[{place}]", rule, "a Rule", where)
        if not isinstance(rule.names, str):
            refuse_type(f"recipe[{place}].names", rule.names, "a glob", where)
        kinds = rule.module if isinstance(rule.module, tuple) else (rule.module,)
        if not all(isinstance(kind, type) for kind in kinds):
            refuse_type(f"recipe[{place}].module", rule.module, "a class of modules or several", where)
    return rules


def _sites(model: torch.nn.Module) -> Iterator[_Site]:
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for name, parameter in model.named_parameters():
        module = model.get_submodule(name.rpartition(".")[0])
        owners = [model.get_submodule(other.rpartition(".")[0]) for other in names[id(parameter)]]
        padding = {owner.padding_idx for owner in owners if isinstance(owner, _EMBEDDINGS)} - {None}
        layer = model.get_submodule(name.rpartition("parametrizations.")[0].removesuffix("."))
        parametrised = isinstance(module, torch.nn.utils.parametrize.ParametrizationList)
        yield _Site(
            name,
            tuple(names[id(parameter)][1:]),
            parameter,
            module,
            layer if parametrised else module,
            tuple(int(row) for row in padding if row is not None),
        )


def _refuse_shared(sites: list[_Site], where: str) -> None:
    """Refuse parameters that lie in the same memory without being the same: one would overwrite the other."""
    seen: dict[tuple[int, int], str] = {}
    for site in sites:
        plain = may_ask(site.parameter.data) and not isinstance(site.parameter, UninitializedParameter)
        if plain and site.parameter.layout is torch.strided and site.parameter.numel():
            place = site.parameter.data_ptr(), site.parameter.untyped_storage().nbytes()
            if place in seen:
                refuse(site.name, f"in the memory of {seen[place]}", "the same Parameter, or one of its own", where)
            seen[place] = site.name


def _rule_for(site: _Site, rules: list[Rule], where: str) -> tuple[int, Rule]:
    if isinstance(site.parameter, UninitializedParameter):
        refuse(site.name, "a lazy parameter", "given its shape by a first call of the model", where)
    if site.parameter.is_meta:
        refuse(site.name, "a meta tensor", "in memory: call model.to_empty(device=...) first", where)
    for place, rule in enumerate(rules):
        if fnmatch.fnmatchcase(site.name, rule.names) and isinstance(site.module, rule.module):
            return place, rule
    refuse("recipe", f"no rule for {site.name}", "rules that match every parameter", where)


def _planned(site: _Site, place: int, rule: Rule) -> Initialised:
    where = f"initialise({site.name})"
    choice("law", rule.law, LAWS, where)
    if rule.law != "keep":
        writable("parameter", float_tensor("parameter", site.parameter.detach(), where), where)
    shape = tuple(site.parameter.shape)
    std, both = None, None
    choice("mode", rule.mode, MODES, where)
    gain = number("gain", rule.gain, where, low=-math.inf if rule.law == "orthogonal" else 0.0)
    if rule.law in ("normal", "uniform", "truncated_normal"):
        if rule.std is not None:
            std = number("std", rule.std, where, low=0.0)
        else:
            both = _fans(site, rule, where)
            std = gain / math.sqrt(fan_of(rule.mode, both, where))
        representable("std", std * (math.sqrt(3) if rule.law == "uniform" else 1.2), site.parameter, where)
    if rule.law == "orthogonal":
        if len(shape) < 2:
            refuse("shape", shape, "of at least 2 axes for an orthogonal weight", where)
        representable("gain", gain, site.parameter, where)
    value = number("value", rule.value, where, infinite=True)
    if rule.law == "constant" and math.isfinite(value):
        representable("value", value, site.parameter, where)
    return Initialised(site.name, shape, site.parameter.dtype, rule.law, std, both, place, site.aliases)


def _fans(site: _Site, rule: Rule, where: str) -> Fans:
    shape, module = tuple(site.parameter.shape), site.layer
    given: dict[str, Any] = {"layout": rule.layout}
    if isinstance(module, (*_CONVOLUTIONS, *_TRANSPOSED)):
        given |= {"groups": module.groups, "stride": module.stride}
    if rule.layout is None:
        given["layout"] = _layout_of(site)
    if rule.layout is None and isinstance(module, _RECURRENT) and "weight_hr" not in site.name:
        shape = (int(module.hidden_size), *shape[1:])  # the gates lie one below the other: one output is one gate's
    return fans(shape, **given, where=where)


def _layout_of(site: _Site) -> str | None:
    if isinstance(site.layer, _TRANSPOSED):
        return "conv_transpose"
    if isinstance(site.layer, _EMBEDDINGS):
        return "embedding"
    if isinstance(site.layer, torch.nn.MultiheadAttention) and site.name.endswith("in_proj_weight"):
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
        for row in site.padding if done.law != "keep" else ():
            _clear_row(local, offset, row)


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
    return stream_key(key, name, "initialise")[0] >> 1


def _clear_row(local: torch.Tensor, offset: tuple[int, ...], row: int) -> None:
    if offset[0] <= row < offset[0] + local.shape[0]:
        local.narrow(0, row - offset[0], 1).zero_()
