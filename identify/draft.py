"""A first file of rows for a library: what its layers and initialisers are seen to do, to be read and corrected.

Every class that makes a layer and every function of a shape in the library's modules is built with sizes that tell
formulas apart, and identified. What is written is what is, not what should be: the author knows that.
"""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from varlaw.evidence.streams import SALT
from varlaw.identify import of_function
from varlaw.identify.records import Identified, Reading
from varlaw.identify.wholes import of_module
from varlaw.subjects.builders.instances import is_keras, is_torch, made, seeded, tensors_of
from varlaw.subjects.builders.layers import layer
from varlaw.subjects.builders.parts import Part

_SIZES = ((48, 20, 24, 36, 60), (64, 96, 40, 28, 44), (30, 64, 56, 20, 26))  # of whole-numbered arguments, by case
_GENERATORS = ("seed", "rng", "key", "rngs", "generator")


@dataclass(frozen=True)
class Draft:
    """The text of the file, and what could not be looked at, with the reason."""

    text: str
    rows: int
    left_out: Mapping[str, str]


def draft(library: str) -> Draft:
    """The rows of a library; `ImportError` where it cannot be imported."""
    lines: list[str] = []
    left_out: dict[str, str] = {}
    for name, thing in _public(importlib.import_module(library)):
        try:
            lines.append(_row(library, name, thing))
        except Exception as error:  # whatever a class raises: it is named, and the others are there
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            other = "; a norm, clipper, dropout or loss is a row of its own" if _of_arrays(thing) else ""
            left_out[name] = f"{why}{other}"
    names = sorted({word for line in lines for word in ("initialiser", "layer") if f"    {word}(" in line})
    comments = [f"    # {name}: {why}" for name, why in left_out.items()]
    text = "\n".join(
        [
            f'"""What {library} promises of its initial values, for `varlaw verify \'{library}.*\'`.',
            "",
            "Written from what varlaw identified: correct the laws to what you mean; `verify` says where they differ.",
            '"""',
            "",
            f"import {library}",
            f"from varlaw.rows import {', '.join(names) or 'layer'}",
            "",
            "ROWS = [",
            *lines,
            *comments,
            "]",
            "",
        ]
    )
    return Draft(text, len(lines), left_out)


def _public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The classes and functions that a library defines, by the shortest dotted name under which they are found."""
    found: dict[int, tuple[str, Any]] = {}
    submodules = [m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}.")]
    for name in (module.__name__, *(s for s in submodules if not s.rpartition(".")[2].startswith("_"))):
        here = importlib.import_module(name)
        for short, thing in vars(here).items():
            mine = str(getattr(thing, "__module__", "")).partition(".")[0] == module.__name__.partition(".")[0]
            if mine and callable(thing) and not short.startswith("_"):
                found.setdefault(id(thing), (f"{name}.{short}", thing))
    yield from sorted(found.values())


def _row(library: str, name: str, thing: Any) -> str:
    if _takes_shape(thing):
        return _initialiser(name, thing)
    cases = [_case(thing, sizes) for sizes in _SIZES]
    with seeded(0, "float32", "cpu"):
        first = made(thing, cases[0], 0)
    holds = isinstance(thing, type) or is_torch(first) or is_keras(first) or isinstance(first, Mapping)
    if not holds or not tensors_of(first):  # arrays that a function returns may be of anything
        msg = f"makes {type(first).__name__}, no layer with tensors"
        raise TypeError(msg)
    found = list(of_module(layer(name, thing, {"*": "unknown"}, cases=cases), SALT))
    laws = "".join(f'            "{name}": {_law(reading)}\n' for one in found for name, reading in _promises(one))
    told = ", ".join(dict.fromkeys(json.dumps(case) for case in cases))
    head = f'    layer(\n        "{name}",\n        {name},\n'
    return f"{head}        {{\n{laws}        }},\n        cases=[{told}],\n    ),"


def _initialiser(name: str, thing: Any) -> str:
    found = of_function(lambda shape, seed: made(thing, {"shape": list(shape)}, seed), name, SALT)
    return f'    initialiser(\n        "{name}",\n        {name},\n        {_law(found.reading)}\n    ),'


def _promises(one: Identified) -> Iterator[tuple[str, Reading]]:
    """A tensor, or each of its parts as promises name them, with its reading."""
    found = [(which, part) for part in one.reading.parts for which in _slices(part.where)]
    axis = len(one.cases[0].shape) - 1 if any("last axis" in part.where for part in one.reading.parts) else 0
    if not found or not all(which for which, _ in found):
        yield one.tensor, one.reading
        return
    last = any("last of" in part.where for part in one.reading.parts)
    for which, part in found:
        span = {"first": ":1", "last": "-1:", "rest": ":-1" if last else "1:"}.get(which, which)
        yield Part(one.tensor, span, axis).named(one.tensor, span), part


def _slices(where: str) -> list[str]:
    """The blocks that the place of a part speaks of; one without a name where it is no place.

    >>> _slices("0/3..1/3 and 2/3..3/3 of axis 0"), _slices("the rest of the last axis"), _slices("mode=fan_in")
    (['0/3', '2/3'], ['rest'], [''])
    """
    single = re.match(r"the (first|last|rest) of ", where)
    return [single[1]] if single else re.findall(r"(\d+/\d+)\.\.", where) or [""]


def _law(reading: Reading) -> str:
    """The law as it is written, with a question where none fits."""
    if reading.known and not reading.parts:
        return f'"{reading.text}",'
    why = " ".join((reading.reason or reading.text).split())
    return f'"unknown",  # {why[:80]}'


def _takes_shape(thing: Any) -> bool:
    names = list(inspect.signature(thing).parameters)
    return not isinstance(thing, type) and names[:1] == ["shape"] and len(names) > 1 and names[1] in _GENERATORS


def _of_arrays(thing: Any) -> bool:
    """Whether a function may take arrays, and no sizes: nothing says that it makes a layer."""
    return inspect.isfunction(thing) and not set(inspect.signature(thing).parameters) & (set(_GENERATORS) - {"seed"})


def _case(thing: Any, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Whole numbers for every argument that must be given and is no generator."""
    needed = [
        p.name
        for p in inspect.signature(thing).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in _GENERATORS
    ]
    if len(needed) > len(sizes):
        msg = f"takes {len(needed)} arguments: {', '.join(needed)}"
        raise TypeError(msg)
    small = {"kernel_size": 3, "groups": 1, "stride": 1, "num_heads": 4, "heads": 4, "depth": 2}
    return {n: small.get(n, size) for n, size in zip(needed, sizes, strict=False)}
