"""Recipes by name: the law of every parameter of a model, read off how the pass uses it, not off its name.

A recipe is a function of a `Part`, one parameter and the place it has in the pass; a new one is a row of `RECIPES`.
Parameters for which a recipe gives None are not asked.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.diagnose.records import Call, Sight, Tensor
from varlaw.diagnose.structure import Graph
from varlaw.theory.variates import Constant, Normal, Uniform

Law = Any


@dataclass(frozen=True)
class Part:
    """One parameter: what uses it first, its true fans, whether its map ends a residual branch, or is the last map."""

    tensor: Tensor
    call: Call | None
    fan_in: float | None
    fan_out: float | None
    ends_branch: bool
    head: bool
    branches: int  # residual branches of the whole model
    scale: bool  # the weight of a norm

    @property
    def kind(self) -> str:
        """embedding, linear, recurrent, norm, ...; "" where no operation uses it."""
        return self.call.kind if self.call else ""

    @property
    def bias(self) -> bool:
        """A vector that is added, of a map or a norm."""
        return len(self.tensor.shape) < 2 and not self.scale


def as_laws(expect: Any, sight: Sight, graph: Graph) -> Mapping[str, Law]:
    """A mapping from globs to laws, whatever form the expectation has."""
    if isinstance(expect, Mapping):
        return expect
    if isinstance(expect, str):
        if expect not in RECIPES:
            msg = f"expect={expect!r}, but should be one of {', '.join(RECIPES)}, or laws by name [check_model]"
            raise ValueError(msg)
        found = {part.tensor.name: RECIPES[expect](part) for part in parts(sight, graph)}
        return {name: law for name, law in found.items() if law is not None}
    if isinstance(expect, Iterable):
        return _of_rules(list(expect))
    msg = f"expect={expect!r}, but should be laws by name, rules, or the name of a recipe [check_model]"
    raise TypeError(msg)


def _of_rules(rules: list[Any]) -> dict[str, Law]:
    """The laws of rules as `initialise` takes them; a rule that keeps values promises nothing."""
    laws: dict[str, Law] = {}
    for rule in rules:
        if not hasattr(rule, "names") or not hasattr(rule, "law"):
            msg = f"expect has {rule!r}, but should have rules as for initialise [check_model]"
            raise TypeError(msg)
        law = _of_rule(rule)
        if law is not None:
            laws.setdefault(rule.names, law)
    return laws


def _of_rule(rule: Any) -> Law:
    scale = repr(rule.std) if rule.std is not None else f"{rule.gain!r}/sqrt(fan({rule.mode!r}))"
    match rule.law:
        case "normal":
            return f"Normal({scale})"
        case "uniform":
            return f"Uniform(sqrt(3)*{scale})"
        case "truncated_normal":
            return f"TruncatedNormal.with_std({scale})"
        case "zeros" | "ones" | "constant":
            return Constant({"zeros": 0.0, "ones": 1.0}.get(rule.law, rule.value))
    return None


def parts(sight: Sight, graph: Graph) -> Iterator[Part]:
    """Every parameter with its place in the pass."""
    from varlaw.diagnose.expect import fans_of

    residuals = graph.residuals()
    ends = {sight.calls[r.weight].parameters[0] for r in residuals if r.weight is not None}
    maps = [c for c in sight.calls if c.kind == "linear" and c.parameters]
    users = graph.users()
    for name, tensor in sight.tensors.items():
        if tensor.buffer:
            continue
        first = min(users.get(name, []), default=None)
        call = None if first is None else sight.calls[first]
        fans = fans_of(name, tensor.shape, sight, graph) or (None, None)
        head = bool(maps) and name == maps[-1].parameters[0]
        scale = call is not None and call.kind == "norm" and call.parameters[0] == name
        yield Part(tensor, call, fans[0], fans[1], name in ends, head, len(residuals), scale)


# -- the recipes -------------------------------------------------------------------------------------------------------


def _plain(part: Part) -> Law:
    """Norms start at 1, biases at 0; None for what a recipe says itself."""
    return Constant(1.0) if part.scale else Constant(0.0) if part.bias else None


def _gpt2(part: Part) -> Law:
    """N(0, 0.02) everywhere, positions too; divided by sqrt(branches) on the maps that end a residual branch."""
    std = 0.02 / math.sqrt(max(1, part.branches)) if part.ends_branch else 0.02
    return _plain(part) or Normal(std)


def _of_002(part: Part) -> Law:
    """N(0, 0.02) everywhere: transformers' Llama and BERT."""
    return _plain(part) or Normal(0.02)


def _vit(part: Part) -> Law:
    """Linear maps from a normal of std 0.02 cut at two absolute units, as timm does it: the cut never bites."""
    if part.head or part.kind not in ("linear", "") or (part.call and part.call.op.startswith("conv")):
        return _plain(part) if not part.head and part.kind == "norm" else None
    return _plain(part) or Normal(0.02)


def _resnet(part: Part) -> Law:
    """Convolutions from N(0, 2 / fan_out), as torchvision counts it; norms at 1 and 0; the head by torch's default."""
    if part.call and part.call.op.startswith("conv") and not part.bias:
        outputs = part.tensor.shape[0] * math.prod(part.tensor.shape[2:])
        return Normal(math.sqrt(2 / outputs))
    return _torch(part) if part.kind == "linear" else _plain(part)


def _torch(part: Part) -> Law:
    """torch's own defaults: U(+-1/sqrt(fan_in)) for maps, N(0, 1) for embeddings, 1 and 0 for norms."""
    if part.kind == "embedding":
        return Normal(1.0)
    if part.kind == "norm":
        return _plain(part)
    if part.kind == "linear" and part.call and not part.bias and part.fan_in:
        return Uniform(1 / math.sqrt(part.fan_in))
    return None


def _mup(part: Part) -> Law:
    """Hidden maps N(0, 1/fan_in), a head at zero: Yang et al. 2022 for Adam; embeddings are not asked."""
    if part.head:
        return Constant(0.0)
    if part.kind == "linear" and not part.bias and part.fan_in:
        return Normal(1 / math.sqrt(part.fan_in))
    return _plain(part)


RECIPES: dict[str, Callable[[Part], Law]] = {
    "torch": _torch,
    "gpt2": _gpt2,
    "llama": _of_002,
    "bert": _of_002,
    "vit": _vit,
    "resnet": _resnet,
    "mup": _mup,
}
