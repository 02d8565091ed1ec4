"""Recipes by name: the law of every parameter of a model, read off how the pass uses it.

A recipe is a function of the sight and its graph; a new one is a row of `RECIPES`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.diagnose.records import Sight
from varlaw.diagnose.structure import Graph
from varlaw.theory.variates import Constant, Normal

Laws = dict[str, Any]


def as_laws(expect: Any, sight: Sight, graph: Graph) -> Mapping[str, Any]:
    """A mapping from globs to laws, whatever form the expectation has."""
    if isinstance(expect, Mapping):
        return expect
    if isinstance(expect, str):
        if expect not in RECIPES:
            msg = f"expect={expect!r}, but should be one of {', '.join(RECIPES)}, or laws by name [check_model]"
            raise ValueError(msg)
        return RECIPES[expect](sight, graph)
    msg = f"expect={expect!r}, but should be laws by name or the name of a recipe [check_model]"
    raise TypeError(msg)


def _gpt2(sight: Sight, graph: Graph) -> Laws:
    """N(0, 0.02) everywhere, positions too; 1/sqrt(2L) on the maps that end a residual branch; zeros and ones else."""
    residuals = graph.residuals()
    ends = {sight.calls[r.weight].parameters[0] for r in residuals if r.weight is not None}
    laws: Laws = {}
    for name, tensor in sight.tensors.items():
        if tensor.buffer:
            continue
        if len(tensor.shape) > 1:
            laws[name] = Normal(0.02 / max(1, len(residuals)) ** 0.5) if name in ends else Normal(0.02)
        else:
            laws[name] = Constant(1.0 if _is_scale(name, sight) else 0.0)
    return laws


def _is_scale(name: str, sight: Sight) -> bool:
    """Whether a vector is the weight of a norm: the first of its parameters."""
    return any(c.kind == "norm" and c.parameters[:1] == (name,) for c in sight.calls)


RECIPES: dict[str, Callable[[Sight, Graph], Laws]] = {"gpt2": _gpt2}
