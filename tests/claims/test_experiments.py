"""Every row of an experiment conforms on torch, and violates where the experiment's numbers are off."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.experiments import ROWS, judging
from varlaw.claims.experiments.rows import Row, Shows
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Experiment
from varlaw.verify import deviations

pytest.importorskip("torch")

PR = POLICIES["pr"]
SUBJECTS = [s for s in select(["torch.*", "varlaw.*"]) if isinstance(s, Experiment)]
OTHERS = {s.op for s in select(["*"]) if isinstance(s, Experiment)}


def first(claim: Claim) -> str:
    """The first dtype of a claim that its subject supports."""
    return next(dtype for dtype in claim.dtypes if dtype not in claim.subject.unsupported)


def found(claim: Claim, case: Mapping[str, Any]) -> Finding:
    return claim.judge(Trial(case, first(claim), "cpu", PR, Key("teeth", f"{claim.name}:{claim.target}")))


def documented(claim: Claim, case: Mapping[str, Any]) -> bool:
    """Whether a deviation foresees that it violates, which a run confirms."""
    version = claim.subject.framework.version()
    return deviations.foreseen(claim.name, claim.target, version, first(claim), case) is not None


def remembered(subject: Experiment) -> Experiment:
    """The experiment, each of whose runs is made once: the truth and its mutants look at the same ones."""
    runs: dict[str, Mapping[str, Any]] = {}

    def run(case: Mapping[str, Any], *address: Any) -> Mapping[str, Any]:
        name = canonical({"case": dict(case), "address": list(address)})
        if name not in runs:
            runs[name] = subject.run(case, *address)
        return runs[name]

    return dataclasses.replace(subject, run=run)


def spoiled(subject: Experiment, row: Row, off: Finding, case: Mapping[str, Any]) -> Experiment:
    """The experiment with the quantity of a row off by twice the error that must be found."""

    def run(*arguments: Any) -> Mapping[str, Any]:
        seen = subject.run(*arguments)
        x = seen[row.of]
        statistical = row.shows in (Shows.MEAN, Shows.VARIANCE)
        scale = row.scale(case) if statistical and row.scale else abs(off.expected or 0.0)
        size = 2 * ((1 + off.delta) ** row.power - 1) * scale
        if row.shows is Shows.VARIANCE:
            wrong = x * np.sqrt(1 + size / (off.expected or 1.0))
        elif row.shows is Shows.MEAN:
            wrong = x + size
        else:
            with np.errstate(over="ignore"):
                wrong = x + 1e-3 if off.expected == 0 else 3 * x
            wrong = np.maximum(wrong, 1.01 * (off.expected or 0.0)) if row.shows is Shows.LIMIT else wrong
        return {**seen, row.of: wrong}

    return dataclasses.replace(subject, run=run)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda s: s.name)
def test_the_truth_conforms_and_what_is_off_violates(subject: Experiment) -> None:
    case = CASES[subject.op].enumerate(Key("teeth", "cases"), 0)[0]
    subject = remembered(subject)
    for row in ROWS[subject.op]:
        (claim,) = judging.of_experiment(subject, (row,))
        lawful = found(claim, case)
        assert lawful.outcome == "CONFORMS" or documented(claim, case), (row.law, lawful)
        (wrong,) = judging.of_experiment(spoiled(subject, row, lawful, case), (row,))
        assert found(wrong, case).outcome == "VIOLATES", row.law


def test_no_table_has_dead_rows() -> None:
    assert set(ROWS) == OTHERS


def test_rows_of_an_experiment_share_its_runs() -> None:
    subject = next(s for s in SUBJECTS if s.op == "pairs")
    count = 0

    def run(*arguments: Any) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        return subject.run(*arguments)

    counted = dataclasses.replace(subject, run=run)
    case = CASES["pairs"].enumerate(Key("teeth", "cases"), 0)[0]
    first, second, *_ = judging.of_experiment(counted, ROWS["pairs"])
    found(first, case)
    before = count
    found(second, case)
    assert count - before <= 3, "the second row reads the runs of the first, but for the guard on seeds"
