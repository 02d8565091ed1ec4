"""From a promise in ASCII Python to the distribution it states, with the case's numbers put in.

A subject says `"Uniform(1/sqrt(in_features))"` or `"he_normal(fan(mode))"`; here the names are given their meaning: the
variates and schemes of the theory room, the case, the true fans and the fans read off the weight's shape.
"""

import difflib
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.subjects import sources
from varlaw.theory import variates
from varlaw.theory.domain import printable
from varlaw.theory.laws.schemes import SCHEMES, fan


@dataclass(frozen=True)
class Identity:
    """The identity matrix, rectangular where the shape is, times a gain."""

    gain: float = 1.0


@dataclass(frozen=True)
class Dirac:
    """A convolution that copies its input, channel by channel within each of `groups` groups."""

    groups: int = 1


Distribution = Any  # a variate, Orthogonal, Identity or Dirac
Fans = tuple[float, float]


def _between(low: float, high: float) -> Any:
    return variates.Uniform(high) if low == -high else variates.UniformRange(low, high)


# torch's names of the schemes.
_ALIASES = {
    f"{torchs}_{kind}": f"{ours}_{kind}"
    for torchs, ours in (("kaiming", "he"), ("xavier", "glorot"))
    for kind in ("normal", "uniform")
}
_NAMES: dict[str, Any] = {
    "U": _between,
    "N": variates.Normal,
    **{
        name: getattr(variates, name)
        for name in ("Normal", "Uniform", "UniformRange", "TruncatedNormal", "Constant", "SparseNormal", "Orthogonal")
    },
    **{law.__name__: law for law in (*variates.STRUCTURED, *variates.CURVES, *variates.COUNTS, variates.Rademacher)},
    "Identity": Identity,
    "Dirac": Dirac,
    **SCHEMES,
    **{theirs: SCHEMES[ours] for theirs, ours in _ALIASES.items()},
    "sqrt": math.sqrt,
    "inf": math.inf,
    "scaled": lambda law, std: law.scaled(std / law.std),
}

# The law in the catalogue that each outermost name instantiates; schemes are named as their laws are.
_LAWS = {
    "N": "normal.variance",
    "U": "uniform.variance",
    "UniformRange": "uniform_range.variance",
    "Normal": "normal.variance",
    "Uniform": "uniform.variance",
    "TruncatedNormal": "truncated_normal.variance",
    "Constant": "constant.value",
    "SparseNormal": "sparse_normal.variance",
    "Orthogonal": "orthogonal.entry_variance",
    "Identity": "identity.isometry",
    "Dirac": "dirac.isometry",
    **{theirs: f"{ours}.variance" for theirs, ours in _ALIASES.items()},
}


def law_name(formula: str) -> str:
    """The catalogue's name of the law that a promise instantiates.

    >>> law_name("he_normal(fan(mode))")
    'he_normal.variance'
    """
    outermost = re.match(r"\w+", formula)
    assert outermost, formula
    return _LAWS.get(outermost[0], f"{outermost[0]}.variance")


def resolve(formula: str, case: Mapping[str, Any], true: Fans | None = None, shape: Fans | None = None) -> Distribution:
    """The distribution that `formula` promises in `case`, with (fan_in, fan_out) true and read off the shape.

    >>> resolve("Uniform(1/sqrt(in_features))", {"in_features": 16})
    Uniform(bound=0.25)
    >>> resolve("he_normal", {}, (50.0, 20.0))
    Normal(std=0.2, mean=0.0)
    """
    known = {**_NAMES, **dict(_of_others()), **names(case, true, shape)}
    try:
        return eval(
            _called(formula), {"__builtins__": {}}, known
        )  # rows of our own tables, or those of whoever runs them
    except NameError as error:
        close = difflib.get_close_matches(str(error.name), list(known), n=1)
        there = ", ".join(names(case, true, shape)) or "no number"
        meant = f" (did you mean {close[0]}?)" if close else ""
        msg = f"the law {formula!r} names {error.name}{meant}, but in this case there is {there}"
        raise ValueError(msg) from error
    except SyntaxError as error:
        msg = f"the law {printable(formula)} cannot be read: {error.msg}"
        raise ValueError(msg) from error
    except (TypeError, ArithmeticError, AttributeError, RecursionError, MemoryError) as error:
        msg = f"the law {formula!r} cannot be computed: {error}"
        raise ValueError(msg) from error


def _called(formula: str) -> str:
    """A scheme by its name alone is that of fan_in, or of both fans where it takes both.

    >>> _called("xavier_uniform"), _called("he_normal(fan_out)")
    ('xavier_uniform(fan_in, fan_out)', 'he_normal(fan_out)')
    """
    if scheme := SCHEMES.get(_ALIASES.get(formula, formula)):
        needed = [p.name for p in inspect.signature(scheme).parameters.values() if p.default is p.empty]
        if set(needed) <= {"fan", "fan_in", "fan_out"}:
            return f"{formula}({'fan_in, fan_out' if len(needed) > 1 else 'fan_in'})"
    return formula


def number(formula: str, names: Mapping[str, Any]) -> float:
    """A number in ASCII Python over `names`, as deviations and gains state it."""
    return float(eval(formula, {"__builtins__": {}}, {"sqrt": math.sqrt, "inf": math.inf, "min": min, **names}))


def names(case: Mapping[str, Any], true: Fans | None, shape: Fans | None) -> dict[str, Any]:
    """The case with the fans beside it."""
    known: dict[str, Any] = dict(case)
    for prefix, pair in (("", true), ("shape_", shape)):
        if pair is not None:
            known[f"{prefix}fan_in"], known[f"{prefix}fan_out"] = pair
            known[f"{prefix}fan"] = _mode(pair)
    return known


def _of_others() -> Iterator[tuple[str, Any]]:
    """Laws of one's own, by name: what the modules whose rows are loaded list as LAWS."""
    for one in sources.listed("LAWS"):
        yield from one.items() if isinstance(one, Mapping) else ()  # what is none is a fault of its source


def _mode(pair: Fans) -> Callable[[str], float]:
    from varlaw.theory.layouts import Fans as TrueFans

    return lambda mode: fan(TrueFans(*pair), mode)
