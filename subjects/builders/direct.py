"""A row of a class or a function itself, as `varlaw verify package.layers:MyLinear --case ...` names it."""

import inspect
from collections.abc import Mapping
from typing import Any

from varlaw.subjects.builders.layers import SHAPES, initialiser, layer
from varlaw.subjects.subject import Sampler


def row_of(thing: Any, name: str, options: Mapping[str, Any]) -> Sampler:
    """The row of a layer's class, of a function that makes one, or of an initialiser (shape, ...) -> array.

    options: "cases", a list of them, and "laws", tensor -> law, of a function of a shape under "".
    """
    if not callable(thing):
        msg = f"{name} is {type(thing).__name__}, but should be rows, a class, or a function"
        raise TypeError(msg)
    cases, laws = options.get("cases") or [{}], options.get("laws") or {}
    if _takes(thing, "shape"):
        shapes = [case["shape"] for case in cases if "shape" in case]
        return initialiser(name, thing, laws.get("", ""), shapes=shapes or SHAPES)
    if _takes(thing, "inputs"):
        return layer(name, thing, laws, cases=cases)
    inputs = [tuple(case["inputs"]) for case in cases if "inputs" in case]  # the shape that the layer takes
    plain = [{k: v for k, v in case.items() if k != "inputs"} for case in cases]
    return layer(name, thing, laws, cases=plain, inputs=inputs[0] if inputs else None)


def _takes(thing: Any, parameter: str) -> bool:
    try:
        return parameter in inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return False
