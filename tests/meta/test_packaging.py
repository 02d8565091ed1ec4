"""Rooms install as `varlaw.<room>` and never bare; importing is light; every docstring example runs."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import varlaw

from .imports import ROOMS, ROOT

_PACKAGE = ROOT / "src" / "varlaw"


def test_links_are_exactly_the_rooms() -> None:
    links = {path.name: path.readlink() for path in _PACKAGE.iterdir() if path.is_symlink()}
    assert links == {room: Path("../..") / room for room in ROOMS}


def test_no_room_is_importable_bare() -> None:
    assert not set(ROOMS) & set(sys.modules)


def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "banned"),
    [
        ("import varlaw", {"numpy", "scipy", "torch", "rich", "msgspec"}),
        ("import varlaw.cli", {"numpy", "scipy", "torch", "rich"}),
        ("import varlaw.theory; varlaw.theory.LAWS", {"torch", "scipy.stats"}),
        ("import varlaw.evidence.decide", {"torch", "scipy.stats"}),
        ("from varlaw.subjects.registry import select; select(['*'])", {"torch", "scipy.stats"}),
    ],
)
def test_imports_stay_light(statement: str, banned: set[str]) -> None:
    assert not banned & _loaded_by(statement)


def test_the_light_import_test_can_fail() -> None:
    assert "json" in _loaded_by("import json")


def _modules() -> list[str]:
    found = pkgutil.walk_packages([str(_PACKAGE)], prefix="varlaw.")
    return sorted(m.name for m in found if not m.name.endswith("__main__"))


def test_the_walk_reaches_every_room() -> None:
    assert {name.split(".")[1] for name in _modules()} >= set(ROOMS)


@pytest.mark.parametrize("name", _modules())
def test_docstring_examples_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert varlaw.__version__ == version("varlaw")
