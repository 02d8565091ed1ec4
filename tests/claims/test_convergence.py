"""What rows state beside their law: bands, which are derived or shrink as sizes double, and limits of kurtosis."""

from collections.abc import Mapping
from typing import Any

import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.experiments import ROWS, judging
from varlaw.claims.experiments.rows import Row, Shows
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Experiment

BANDED = [(op, row) for op, rows in ROWS.items() for row in rows if row.band]
SUBJECTS = {s.op: s for s in select(["torch.*"]) if isinstance(s, Experiment)}
# What is multiplied, and by what, so that a band shrinks; where a law has no such sizes here, its stacks are elsewhere.
LARGER: Mapping[str, Mapping[str, int]] = {
    "spread_stream": {"width": 2},
    "normed_stream": {"width": 2},
    "resnet_stream": {"width": 2},
    "mean_field_stack": {"width": 2},
    "batch_norm_branch": {"width": 2, "batch": 2},
    "batch_norm_gradients": {"width": 2},
    "spectrum": {"p": 2, "n": 2},
    "product_spectrum": {"width": 2},
}
# tests/claims/test_blocks.py; a library's ResNet blocks have the rows of resnet_stream
ELSEWHERE = {"gpt2_stream", "llama_stream", "vit_stream", "basic_block_stream", "bottleneck_stream"}


def _larger(op: str) -> dict[str, Any]:
    case = CASES[op].enumerate(Key("teeth", "cases"), 0)[0]
    return case | {name: times * case[name] for name, times in LARGER[op].items()}


def test_every_band_says_where_it_comes_from() -> None:
    assert [(op, row.law) for op, row in BANDED if not row.basis.startswith(("derived: ", "measured: "))] == []
    assert {op for op, row in BANDED if row.basis.startswith("measured")} == LARGER.keys() | ELSEWHERE
    assert [row.law for rows in ROWS.values() for row in rows if row.basis and not row.band] == []


@pytest.mark.parametrize("op", LARGER)
def test_a_measured_band_shrinks_as_sizes_double(op: str) -> None:
    pytest.importorskip("torch")
    subject, larger = SUBJECTS[op], _larger(op)
    rows: list[Row] = [row for row in ROWS[op] if row.basis.startswith("measured")]
    found = {}
    for row in rows:
        (claim,) = judging.of_experiment(subject, (row,))
        trial = Trial(larger, "float32", "cpu", POLICIES["pr"], Key("teeth", f"{claim.name}:{claim.target}"))
        found[claim.name] = claim.judge(trial).outcome
    assert found == dict.fromkeys(found, "CONFORMS")


def test_no_numbers_have_a_larger_kurtosis_than_their_row_allows() -> None:
    pytest.importorskip("torch")
    over = {}
    for subject in SUBJECTS.values():
        case = CASES[subject.op].enumerate(Key("teeth", "cases"), 0)[0]
        for row in ROWS[subject.op]:
            if row.shows in (Shows.MEAN, Shows.VARIANCE):
                trial = Trial(case, "float32", "cpu", POLICIES["pr"], Key("kurtosis", subject.name))
                seen = judging.kurtosis(subject.run, row, trial)
                if seen > row.kurtosis:
                    over[subject.name, row.law] = seen
    assert over == {}
