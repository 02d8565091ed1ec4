"""The walls between the rooms stand, and the test that says so can fail."""

import pytest

from .imports import ALLOWED, FLOORS, ROOMS, ROOT, climbs, violations


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_what_the_table_allows(room: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.parent.name != "reproductions"  # scripts kept as data, which nothing imports: each runs its framework
        if (found := violations(room, path.read_text(encoding="utf-8")))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("impl", "from varlaw.theory.laws.schemes import he_normal"),
        ("impl", "def f():\n    import varlaw.theory"),
        ("theory", "import torch"),
        ("theory", "def f():\n    from numpy.random import default_rng"),
        ("evidence", "from varlaw.theory.laws.schemes import SCHEMES"),
        ("verify", "import torch.nn"),
        ("reports", "import numpy as np"),
        ("reports", "from varlaw.verify.campaign import run"),
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
    ],
)
def test_the_reader_lets_lawful_imports_pass(room: str, line: str) -> None:
    assert not violations(room, line)


def test_every_room_has_a_row() -> None:
    assert set(ALLOWED) == set(ROOMS)


def test_no_import_of_theory_leads_upwards() -> None:
    wrong = {
        str(path.relative_to(ROOT)): found
        for floor in FLOORS
        for path in [*(ROOT / "theory" / floor).rglob("*.py"), *(ROOT / "theory").glob(f"{floor}.py")]
        if (found := climbs(floor, path.read_text(encoding="utf-8")))
    }
    assert not wrong
    assert climbs("numerics", "from varlaw.theory.laws.norms import share")
    assert {p.stem for p in (ROOT / "theory").iterdir() if p.name[0] not in "_."} == {*FLOORS}
