"""Each claim is asked of each kind of its table, or says why not; and no reason is left over."""

import pytest

from varlaw.claims import matrix
from varlaw.subjects.registry import select

TABLES = matrix.tables(select(["*"]))


def test_every_hole_has_a_reason_and_every_reason_a_hole() -> None:
    holes = [(table.record, *hole) for table in TABLES for hole in table.holes()]
    assert not [hole for hole in holes if not matrix.reason(*hole)]
    assert not matrix.unused(TABLES)


def test_a_hole_is_seen_and_a_reason_that_is_left_over_too() -> None:
    (weights,) = (t for t in TABLES if t.record == "Sampler")
    bare = weights._replace(asked={**weights.asked, "init.new": weights.asked["init.zeros"]})
    assert ("init.new", "dense") in set(bare.holes())
    assert not matrix.reason("Sampler", "init.new", "dense")
    assert "Sampler init.zeros *" in matrix.unused([weights._replace(asked={})])


@pytest.mark.parametrize("claim", ["init.documented", "clip.open", "adapter.identity"])
def test_what_is_asked_of_all_has_no_hole(claim: str) -> None:
    assert claim not in {name for table in TABLES for name, _ in table.holes()}
