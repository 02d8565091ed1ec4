"""Nothing of a framework is left out silently: every public name has a row, or a reason in `LEFT_OUT`."""

import fnmatch
import importlib
import warnings
from collections.abc import Iterable, Mapping

import pytest

from varlaw.subjects import registry

THEIRS = [prefix for prefix in registry.MODULES if not prefix.startswith("varlaw.")]


def uncovered(public: Iterable[str], rows: Iterable[str], left_out: Mapping[str, str]) -> set[str]:
    """The public names with neither a row nor a reason."""
    names = tuple(rows)
    return {
        name
        for name in public
        if not any(row == name or row.startswith((f"{name}.", f"{name}(")) for row in names)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in left_out)
    }


def stale(public: Iterable[str], left_out: Mapping[str, str]) -> set[str]:
    """The reasons that speak of no public name."""
    names = tuple(public)
    return {pattern for pattern in left_out if not fnmatch.filter(names, pattern)}


@pytest.mark.parametrize("prefix", THEIRS)
def test_every_public_name_has_a_row_or_a_reason(prefix: str) -> None:
    rows = registry.subjects(prefix)
    for framework in {row.framework.name: row.framework for row in rows}.values():
        try:
            framework.version()  # importing it can ask for more than its rows do: timm's asks for torchvision
        except ImportError as error:
            pytest.skip(str(error))
    module = importlib.import_module(registry.MODULES[prefix])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated names warn when they are looked at
        public = sorted(set(module.PUBLIC()))
    assert len(public) > 5, "an enumeration that finds next to nothing is broken"
    assert uncovered(public, [row.name for row in rows], module.LEFT_OUT) == set()
    assert all(reason.strip() for reason in module.LEFT_OUT.values())
    assert stale(public, module.LEFT_OUT) == set()


def test_a_new_public_name_and_a_stale_reason_are_seen() -> None:
    rows = ["jax.nn.relu", "jax.nn.init.he.normal", "jax.nn.Attention(kdim)"]
    assert uncovered(["jax.nn.relu", "jax.nn.init.he", "jax.nn.Attention"], rows, {}) == set()
    assert uncovered(["jax.nn.relu", "jax.nn.rel"], rows, {}) == {"jax.nn.rel"}
    assert uncovered(["jax.nn.silu"], rows, {"jax.nn.s*": "no parameters"}) == set()
    assert stale(["jax.nn.relu"], {"jax.nn.silu": "no parameters"}) == {"jax.nn.silu"}
