"""Recipes by name: the law of every parameter of a model, read off how the pass uses it, not off its name.

A recipe is a function of a `Part`, one parameter and the place it has in the pass; a new one is a row of `RECIPES`.
Parameters for which a recipe gives None are not asked.
"""

import fnmatch
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.diagnose.expect import Unasked, fans_of
from varlaw.diagnose.orthogonal import Orthogonal
from varlaw.diagnose.records import Call, Sight, Tensor
from varlaw.diagnose.structure import Graph
from varlaw.theory.domain import printable
from varlaw.theory.variates import Constant, Normal, Uniform, UniformRange

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
        return _of_rules(list(expect), sight)
    msg = f"expect={printable(expect)}, but should be laws by name, rules, or the name of a recipe [check_model]"
    raise TypeError(msg)


def _of_rules(rules: list[Any], sight: Sight) -> dict[str, Law]:
    """What the first of the rules that is about a parameter promises of it, as `initialise` takes them."""
    for rule in rules:
        if not hasattr(rule, "names") or not hasattr(rule, "law"):
            msg = f"expect has {printable(rule)}, but should have rules as for initialise [check_model]"
            raise TypeError(msg)
    classes = [_classes(rule.module) for rule in rules]
    named = [t for t in sight.tensors.values() if not t.buffer]
    found: dict[str, Law] = {}
    for tensor in named:
        about = (r for r, names in zip(rules, classes, strict=True) if _is_about(r, tensor, names))
        law = next(map(_of_rule, about), None)
        if law is not None:
            found[tensor.name] = law
    unused = [r for r in rules if not any(fnmatch.fnmatchcase(t.name, r.names) for t in named)]
    if unused:
        msg = f"expect={unused[0].names!r} matches no parameter of the model [check_model]"
        raise ValueError(msg)
    return found


def _is_about(rule: Any, tensor: Tensor, classes: frozenset[str] | None) -> bool:
    return fnmatch.fnmatchcase(tensor.name, rule.names) and (classes is None or tensor.module in classes)


def _classes(kinds: Any) -> frozenset[str] | None:
    """The names of these classes of modules and of all below them; None for every module."""
    import torch

    given = kinds if isinstance(kinds, tuple) else (kinds,)
    if torch.nn.Module in given:
        return None
    below = [name for kind in given for sub in kind.__subclasses__() for name in _classes(sub) or ()]
    return frozenset((*(kind.__name__ for kind in given), *below))


def _of_rule(rule: Any) -> Law:
    """What a rule promises; None of one that keeps what is there."""
    scale = repr(rule.std) if rule.std is not None else f"{rule.gain!r}/sqrt(fan({rule.mode!r}))"
    if rule.part is not None and rule.law != "keep":
        return Unasked("a rule about a part: parts are not told apart")
    match rule.law:
        case "normal":
            return f"Normal({scale}, {rule.mean!r})" if rule.mean else f"Normal({scale})"
        case "uniform" if rule.low is not None:
            return UniformRange(rule.low, rule.high)
        case "uniform" | "truncated_normal" if rule.mean:
            return Unasked(f"no test for {rule.law} about {rule.mean:g}")
        case "uniform":
            return f"Uniform(sqrt(3)*{scale})"
        case "truncated_normal":
            return f"TruncatedNormal.with_std({scale})"
        case "orthogonal":
            return Orthogonal(rule.gain)
        case "zeros" | "ones" | "constant":
            return Constant({"zeros": 0.0, "ones": 1.0}.get(rule.law, rule.value))
        case "keep":
            return None
    return Unasked(f"no test for {rule.law} on one tensor")


def parts(sight: Sight, graph: Graph) -> Iterator[Part]:
    """Every parameter with its place in the pass."""
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
