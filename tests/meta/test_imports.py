"""The walls between the rooms stand, no module of a room goes in a circle, and the tests that say so can fail."""

import pytest

from varlaw.subjects import registry

from .imports import ALLOWED, FLOORS, FRAMEWORKS, ROOMS, circles, climbs, modules, violations


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_what_the_table_allows(room: str) -> None:
    assert not {name: found for name, source in modules(room).items() if (found := violations(room, source))}


def test_no_module_reaches_itself_through_its_imports() -> None:
    assert circles({name: source for room in ROOMS for name, source in modules(room).items()}) == []


def test_every_framework_of_the_registry_is_kept_out() -> None:
    assert {prefix.partition(".")[0] for prefix in registry.MODULES} == {*FRAMEWORKS, "varlaw"}
    for framework in FRAMEWORKS:
        assert all(violations(room, f"import {framework}.x") for room in ROOMS if room not in OPEN), framework


OPEN = ("impl", "subjects", "diagnose")  # the rooms that may import a framework


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("impl", "from varlaw.theory.laws.schemes import he_normal"),
        ("impl", "def f():\n    import varlaw.theory"),
        ("theory", "import torch"),
        ("theory", "def f():\n    from numpy.random import default_rng"),
        ("evidence", "from varlaw.theory.laws.schemes import SCHEMES"),
        ("verify", "import torch.nn"),
        ("claims", "import mlx.core as mx"),
        ("identify", "def f():\n    from paddle import nn"),
        ("claims", "from varlaw.verify.network import judged"),
        ("identify", "from varlaw.verify import run"),
        ("verify", "from varlaw.identify import identify"),
        ("verify", "import importlib\nimportlib.import_module('jax.numpy')"),
        ("theory", "from importlib import import_module\nimport_module('varlaw.impl.numpy')"),
        ("theory", "HOMES = {'laws': 'varlaw.subjects.registry'}"),
        ("reports", "COMMANDS = {'verify': 'varlaw.verify.check:check'}"),
        ("evidence", "SAMPLER = 'torch.nn.init:normal_'"),
        ("claims", "import importlib\nimportlib.import_module(f'{__name__}.{name}')"),
        ("claims", "import importlib\nimportlib.import_module(f'varlaw.claims.{name}')"),
        ("reports", "import numpy as np"),
        ("reports", "from varlaw.verify.run import execute"),
        ("subjects", "from theory.law import Law"),
    ],
)
def test_the_reader_sees_a_breach(room: str, line: str) -> None:
    assert violations(room, line)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("evidence", "from varlaw.theory.variates import Normal"),
        ("reports", "from varlaw.claims.verdict import Run"),
        ("subjects", "import torch"),
        ("verify", "from varlaw.theory.catalogue import LAWS"),
        ("claims", "NAME = 'torch.nn.Linear'"),
        ("claims", "LAW = 'varlaw.numpy.he_normal'"),
        ("subjects", "import importlib\nimportlib.import_module(f'transformers.models.{family}')"),
    ],
)
def test_the_reader_lets_lawful_imports_pass(room: str, line: str) -> None:
    assert not violations(room, line)


def test_every_room_has_a_row() -> None:
    assert set(ALLOWED) == set(ROOMS)


@pytest.mark.parametrize(
    "line",
    [
        "from varlaw.claims.c import x",
        "from varlaw.claims import c",
        "def f():\n    import varlaw.claims.c",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from varlaw.claims.c import X",
        "TABLE = {'c': 'varlaw.claims.c:x'}",
        "import importlib\nimportlib.import_module('varlaw.claims.c')",
    ],
)
def test_a_circle_is_seen_whatever_closes_it(line: str) -> None:
    chain = {
        "varlaw.claims.a": line,
        "varlaw.claims.c": "from varlaw.claims import b",
        "varlaw.claims.d": "import math",
    }
    assert circles({**chain, "varlaw.claims.b": "from varlaw.claims.d import x"}) == []
    (group,) = circles({**chain, "varlaw.claims.b": "from varlaw.claims.a import x"})
    assert group == ["varlaw.claims.a", "varlaw.claims.b", "varlaw.claims.c"]


def test_no_import_of_theory_leads_upwards() -> None:
    floors = {name: name.split(".")[2] for name in modules("theory") if name != "varlaw.theory"}
    wrong = {name: found for name, floor in floors.items() if (found := climbs(floor, modules("theory")[name]))}
    assert not wrong
    assert climbs("numerics", "from varlaw.theory.laws.norms import share")
    assert set(floors.values()) == {*FLOORS}
