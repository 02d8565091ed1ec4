"""Activations by name: `leaky_relu`, or with its parameter after a colon, `leaky_relu:0.2`, `elu:1.5`, `sin:30`."""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.activations.moments import Moments
from varlaw.theory.activations.pointwise import Functions
from varlaw.theory.activations.table import ACTIVATIONS
from varlaw.theory.domain import nearest
from varlaw.theory.numerics.quadrature import Floats

_BY_ALIAS = {alias: name for name, row in ACTIVATIONS.items() for alias in (name, *row.aliases)}


def resolve(name: str) -> tuple[str, dict[str, float]]:
    """The table's name of an activation and its parameter, e.g. `resolve("swish")` or `resolve("leaky_relu:0.2")`.

    Raises `ValueError` in one line for an unknown name, a parameter that is no number, or one out of range.

    >>> resolve("leaky_relu:0.2"), resolve("swish")
    (('leaky_relu', {'slope': 0.2}), ('silu', {'beta': 1.0}))
    """
    stem, colon, text = name.partition(":")
    known = _BY_ALIAS.get(stem)
    if known is None:
        msg = f"activation={name!r}{nearest(name, _BY_ALIAS)}, but should be one of {', '.join(ACTIVATIONS)}"
        raise ValueError(msg)
    parameter = ACTIVATIONS[known].parameter
    if parameter is None:
        if colon:
            msg = f"activation={name!r}, but {known} takes no parameter"
            raise ValueError(msg)
        return known, {}
    if not colon:
        return known, {parameter.name: parameter.default}
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not parameter.range.accepts(value):
        msg = f"activation={name!r}, but {parameter.name} should be {parameter.range}"
        raise ValueError(msg)
    return known, {parameter.name: value}


@functools.lru_cache(maxsize=256)
def moments(name: str) -> Moments:
    """The moments of an activation by name.

    >>> float(moments("relu").second(np.float64(3.0)))
    1.5
    """
    stem, parameter = resolve(name)
    return ACTIVATIONS[stem].moments(*parameter.values())


@functools.lru_cache(maxsize=256)
def functions(name: str) -> Functions:
    """The functions of an activation by name.

    >>> functions("leaky_relu:0.2").phi(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    stem, parameter = resolve(name)
    return ACTIVATIONS[stem].functions(*parameter.values())


class ActivationName:
    """The range of the parameter `activation`: a name of the table, with its parameter after a colon if it has one."""

    values = tuple(_BY_ALIAS)

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            resolve(value)
        except ValueError:
            return False
        return True

    def at(self, u: float) -> str:
        names = tuple(ACTIVATIONS)
        return names[min(int(u * len(names)), len(names) - 1)]

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, ACTIVATIONS))}, such as 'leaky_relu:0.2' with a parameter"


def under_normal(quantity: str, activation: str, q: Any) -> Floats:
    """One field or method of `Moments` at an array of q >= 0; overflow gives inf and underflow 0, without a warning."""
    with np.errstate(over="ignore", under="ignore"):
        result: Floats = getattr(moments(activation), quantity)(np.asarray(q, dtype=np.float64))
    return result
