"""Second, independent routes to the numbers of laws, and who has one.

A *route* returns cases: numbers that must equal the law's to a rounding bound, or draws whose mean must lie within 6.2
standard errors of it (two-sided false alarm 6e-10 each). Streams are keyed by the law's name. Where a test takes the
second route by itself, `takes` names the laws that it asks, and sees that it asks them.
"""

import functools
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from varlaw.theory import LAWS
from varlaw.theory.law import Law

SIGMAS, DRAWS = 6.2, 4000


class Case(NamedTuple):
    """One case of a law: its parameters, and numbers that equal it or draws whose mean is it."""

    params: dict[str, Any]
    got: Any
    draws: bool = False
    tolerance: float = 1e-12  # relative, for numbers
    absolute: float = 0.0


Route = Callable[[np.random.Generator], list[Case]]
ROUTES: dict[str, Route] = {}
TAKEN: set[str] = set()  # laws whose second route is a test of its own


def route(*names: str) -> Callable[[Route], Route]:
    """Enter a route; one shared by several laws returns one case for each in turn, over and over."""

    def add(function: Route) -> Route:
        assert not ROUTES.keys() & set(names), f"{names} have a route already"
        ROUTES.update(dict.fromkeys(names, function))
        return function

    return add


def takes(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say that a test is the second route of these laws; it fails where it asks none of them for its value."""

    def add(test: Callable[..., None]) -> Callable[..., None]:
        TAKEN.update(names)

        @functools.wraps(test)
        def run(**given: Any) -> None:
            asked, value = set(), Law.value

            def asking(law: Law, **params: Any) -> Any:
                asked.add(law.name)
                return value(law, **params)

            with mock.patch.object(Law, "value", asking):
                test(**given)
            assert asked & set(names), f"asked {sorted(asked)} only"

        return run

    return add


def stream(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[zlib.crc32(name.encode()), 2026]))


@functools.cache
def _results(name: str) -> list[Case]:
    """The cases of the route that `name` was the first to name."""
    return ROUTES[name](stream(name))


def cases(name: str) -> list[Case]:
    """The cases of one law."""
    names = [n for n, f in ROUTES.items() if f is ROUTES[name]]
    return _results(names[0])[names.index(name) :: len(names)]


def agree(name: str, case: Case) -> bool:
    """Whether the law's number is that of the second route."""
    want, got = LAWS[name].value(**case.params), case.got
    if case.draws:
        return bool(abs(np.mean(got) - want) < SIGMAS * np.std(got) / np.sqrt(len(got)) + case.absolute)
    return bool(got == want or abs(got - want) <= case.tolerance * abs(want) + case.absolute)
