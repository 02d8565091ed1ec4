"""A row of a class or a function itself, as `varlaw verify package.layers:MyLinear --case ...` names it."""

import inspect
from collections.abc import Mapping
from typing import Any

from varlaw.subjects.builders.layers import initialiser, layer
from varlaw.subjects.subject import Sampler


def row_of(thing: Any, name: str, options: Mapping[str, Any]) -> Sampler:
    """The row of a layer's class, of a function that makes one, or of an initialiser (shape, ...) -> array.

    options: "cases", a list of them, and "laws", tensor -> law, of a function of a shape under "".
    """
    if not callable(thing):
        msg = f"{name} is {type(thing).__name__}, but should be rows, a class, or a function"
        raise TypeError(msg)
    cases, laws = options.get("cases") or [{}], options.get("laws") or {}
    if _of_shape(thing):
        shapes = [case["shape"] for case in cases if "shape" in case]
        given = {"shapes": shapes} if shapes else {}
        return initialiser(name, thing, laws.get("", ""), **given)
    inputs = {tuple(case.pop("inputs")) for case in map(dict, cases) if "inputs" in case}
    plain = [{k: v for k, v in case.items() if k != "inputs"} for case in cases]
    return layer(name, thing, laws, cases=plain, inputs=next(iter(inputs), None))


def _of_shape(thing: Any) -> bool:
    try:
        return "shape" in inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return False
