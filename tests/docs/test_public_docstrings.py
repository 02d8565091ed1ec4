"""What is public says in its docstring, where an editor shows it, what it is and what each of its arguments is."""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("hypothesis")

MODULES = (
    "varlaw",
    "varlaw.impl.numpy",
    "varlaw.impl.torch",
    "varlaw.rows",
    "varlaw.strategies",
    "varlaw.theory.domain",
    "varlaw.theory.law",
    "varlaw.theory.laws.schemes",
    "varlaw.theory.layouts",
    "varlaw.theory.lookup",
    "varlaw.theory.variates",
)
# Records that calls return and nobody else makes: what their fields are, the comments beside them say.
RETURNED = {"Advice", "Hit", "Initialised", "ModelProfile", "ModelReport", "SamplerError", "Verdict", "WidthsReport"}


def _public(module: Any) -> Iterator[tuple[str, Any]]:
    own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__ and n[0] != "_"]
    for name in getattr(module, "__all__", own):
        thing = getattr(module, name)
        if inspect.isclass(thing):
            yield from ((f"{name}.{n}", v) for n, v in vars(thing).items() if inspect.isfunction(v) and n[0] != "_")
            if name in RETURNED or issubclass(thing, BaseException) or getattr(thing, "_is_protocol", False):
                continue
        if inspect.isfunction(thing) or dataclasses.is_dataclass(thing) or hasattr(thing, "_fields"):
            yield name, thing


def _unexplained(thing: Any) -> list[str]:
    text = inspect.getdoc(thing) or ""
    names = [n for n in inspect.signature(thing).parameters if n not in ("self", "other")]
    return [n for n in names if f"`{n}`" not in text and not re.search(rf"^ *(\w+, )*{n}(, \w+)*: ", text, re.M)]


def test_each_argument_of_what_is_public_is_explained() -> None:
    bad = []
    for module in map(importlib.import_module, MODULES):
        for name, thing in _public(module):
            # A law's cdf, quantile, scaled ... are those of `Variate` and `Range`, which say what they take.
            inherited = "." in name and thing.__module__.startswith("varlaw.theory.") and not thing.__doc__
            if not inherited and (lacking := _unexplained(thing)):
                bad.append(f"{module.__name__}.{name}: {', '.join(lacking)}")
    assert not bad, "\n".join(bad)
