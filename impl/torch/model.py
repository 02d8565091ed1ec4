"""Initialising a whole model: every parameter by a rule that says so, none left out, and a report of what was done.

A recipe is a sequence of rules; each parameter obeys the first whose glob matches its qualified name (and whose module
class matches, if it names one), or is divided among those that are about parts of it. Nothing is written unless every
parameter has a rule and every rule has a parameter: a rule that matches nothing is the usual way in which a scaled
projection keeps its default. Nothing is guessed: where neither a module's type nor the rule says what the axes of a
parameter mean, a rule that needs a fan is refused with the layouts that could be meant.

Values are keyed by the model's key and the parameter's name (see `varlaw.impl.keyed_streams`), so they do not depend on
the order of parameters, the device, or the way they are sharded: a plain model, one made on the meta device and given
memory by `to_empty`, and one whose parameters are DTensors hold the same numbers.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.utils.parametrize
from torch.nn.parameter import UninitializedParameter

from varlaw.impl.arguments import refuse, refuse_type
from varlaw.impl.keyed_streams import stream_key
from varlaw.impl.torch.pieces import Site, Use, pieces_of
from varlaw.impl.torch.roles import EMBEDDINGS, role_of
from varlaw.impl.torch.rules import Initialised, Rule, rules_of
from varlaw.impl.torch.streams import may_ask
from varlaw.impl.torch.writing import write_pieces


def initialise(model: torch.nn.Module, recipe: Sequence[Rule], *, key: int) -> list[Initialised]:
    """Fill every parameter of a model by the first rule that matches it, and report each in the model's order.

    Raises `ValueError` or `TypeError`, with nothing written, for a parameter without a rule, a rule without a
    parameter, a parameter on the meta device, lazy, or in the memory of another, a law that its parameter does not
    fit, and a fan that nothing tells: a stack of experts, say, unless its rule has `layout="experts"` or `std`. Buffers
    are left alone.

    model: any module, on any device, sharded or not.
    recipe: rules, of which each parameter obeys the first that matches it.
    key: an int in [0, 2**64), from which with its name the values of each parameter follow.

    >>> model = torch.nn.Linear(3, 2)
    >>> [done.std for done in initialise(model, [Rule("weight", "normal"), Rule("bias", "zeros")], key=0)]
    [0.5773502691896258, None]
    >>> model.experts = torch.nn.Parameter(torch.empty(8, 48, 64))
    >>> recipe = [Rule("experts", "normal", layout="experts"), Rule("weight", "normal"), Rule("bias", "zeros")]
    >>> initialise(model, recipe, key=0)[2].fans
    Fans(fan_in=64, fan_out=48)
    """
    where = "initialise"
    if not isinstance(model, torch.nn.Module):
        refuse_type("model", model, "a torch.nn.Module", where)
    stream_key(key, "", where)
    rules = rules_of(recipe, where)
    sites = list(_sites(model))
    _refuse_shared(sites, where)
    plan = [(site, pieces_of(site, rules)) for site in sites]
    report = [piece.done for _, pieces in plan for piece in pieces]
    unused = set(range(len(rules))) - {done.rule for done in report}
    if unused:
        refuse("recipe", [rules[i].names for i in sorted(unused)], "rules that each match a parameter", where)
    for site, pieces in plan:
        write_pieces(site, pieces, key)
    return report


def _sites(model: torch.nn.Module) -> Iterator[Site]:
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for name, parameter in model.named_parameters():
        owners = [model.get_submodule(other.rpartition(".")[0]) for other in names[id(parameter)]]
        padding = {owner.padding_idx for owner in owners if isinstance(owner, EMBEDDINGS)} - {None}
        yield Site(
            name,
            tuple(names[id(parameter)][1:]),
            parameter,
            owners[0],
            tuple(_use(model, other, parameter) for other in names[id(parameter)]),
            tuple(int(row) for row in padding if row is not None),
        )


def _use(model: torch.nn.Module, name: str, parameter: torch.Tensor) -> Use:
    """The layer that uses a parameter: of a parametrised weight, the one whose weight is made from it."""
    path, _, tensor = name.rpartition(".")
    layer = model.get_submodule(path)
    if isinstance(layer, torch.nn.utils.parametrize.ParametrizationList):
        path, _, tensor = path.rpartition(".")
        layer = model.get_submodule(path.removesuffix("parametrizations").removesuffix("."))
    lazy = isinstance(parameter, UninitializedParameter)
    return Use(layer, tensor, None if lazy else role_of(layer, tensor, tuple(parameter.shape)))


def _refuse_shared(sites: list[Site], where: str) -> None:
    """Refuse parameters that lie in the same memory without being the same: one would overwrite the other."""
    seen: dict[tuple[int, int], str] = {}
    for site in sites:
        plain = may_ask(site.parameter.data) and not isinstance(site.parameter, UninitializedParameter)
        if plain and site.parameter.layout is torch.strided and site.parameter.numel():
            place = site.parameter.data_ptr(), site.parameter.untyped_storage().nbytes()
            if place in seen:
                refuse(site.name, f"in the memory of {seen[place]}", "the same Parameter, or one of its own", where)
            seen[place] = site.name
