"""Which arguments decide whether a part of a module runs, and from what its caller makes them: read off the source.

No order of statements is followed: a variable is made of all that any of its assignments names, and of the tests
around them.
"""

import ast
import contextlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

_MADE_OF = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)
Names = frozenset[str]
Roots = Mapping[str, tuple[str, ...]]  # variable -> arguments of the model


class Branches:
    """The methods of a class that its forward() reaches."""

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self._made: dict[str, set[str]] = {}  # variable -> names
        self._tests: dict[str, set[str]] = {}  # attribute -> names in the tests around where it is named
        self._within: dict[str, set[str]] = {}  # attribute -> the methods that name it
        self._calls: list[tuple[str, ast.Call]] = []  # attribute ("" for a local variable), and its call
        waiting = ["forward"]
        for method in waiting:
            for node in _body(cls, method):
                self._read(node, method, frozenset())
            waiting += [a for a in self._tests if a not in waiting and inspect.isfunction(getattr(cls, a, None))]

    def deciding(self, attribute: str) -> list[str]:
        """The names in tests around an attribute, then those around the methods that name it."""
        found: list[str] = []
        waiting = [attribute]
        for name in waiting:
            found += sorted(self._tests.get(name, set()).difference(found))
            waiting += [m for m in self._within.get(name, ()) if m not in waiting]
        return found

    def given(self, child: str, parameters: Sequence[str]) -> dict[str, Names]:
        """What calls of a part, by its own name or by that of a local variable, name for each of its parameters."""
        found: dict[str, Names] = {}
        for attribute, call in self._calls:
            if attribute in (child, ""):
                bound: dict[str, ast.expr] = dict(zip(parameters, call.args, strict=False))
                bound |= {k.arg: k.value for k in call.keywords if k.arg is not None and k.arg in parameters}
                for name in bound:
                    found[name] = found.get(name, frozenset()) | _names(bound[name])
        return found

    def sources(self, names: Iterable[str]) -> list[str]:
        """The names and all that they are made of, the nearest first."""
        found = sorted(set(names))
        for name in found:
            found += sorted(self._made.get(name, set()).difference(found))
        return found

    def _read(self, node: ast.AST, method: str, tests: Names) -> None:
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            self._read(node.test, method, tests)
            tests |= _names(node.test)
        if isinstance(node, _MADE_OF) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in _names(target):
                    self._made.setdefault(name, set()).update(_names(node.value) | tests)
        if (attribute := _own(node)) is not None:
            self._tests.setdefault(attribute, set()).update(tests)
            self._within.setdefault(attribute, set()).add(method)
        if isinstance(node, ast.Call):
            called = "" if isinstance(node.func, ast.Name) else _own(node.func)
            self._calls += [] if called is None else [(called, node)]
        for child in ast.iter_child_nodes(node):
            self._read(child, method, tests)
            if isinstance(child, ast.If) and isinstance(child.body[-1], ast.Return):
                tests |= _names(child.test)  # what follows runs where it did not return


branches = lru_cache(maxsize=256)(Branches)


def traced(caller: type, child: str, parameters: Sequence[str], roots: Roots) -> Roots:
    """Of each parameter of a part, the roots of what its caller makes it of."""
    code = branches(caller)
    found = {
        name: tuple(dict.fromkeys(r for s in code.sources(names) for r in roots.get(s, ())))
        for name, names in code.given(child, parameters).items()
    }
    return {name: of for name, of in found.items() if of}


def _body(cls: type, method: str) -> Iterator[ast.AST]:
    with contextlib.suppress(OSError, TypeError, ValueError, SyntaxError):  # no source
        function: Any = inspect.unwrap(getattr(cls, method))
        yield from ast.parse(textwrap.dedent(inspect.getsource(function))).body


def _names(node: ast.AST) -> Names:
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id != "self")


def _own(node: ast.AST) -> str | None:
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if own and isinstance(node, ast.Attribute) else None
