"""Claims on experiments: laws of computations on random input, a topic a file, a law a row."""

from collections.abc import Mapping
from types import ModuleType

from varlaw.claims.cases import Cases
from varlaw.claims.claim import Claim
from varlaw.claims.experiments import (
    attending,
    blocks,
    clipped,
    formats,
    founding,
    gates,
    geometry,
    judging,
    maps,
    normalising,
    optimising,
    ours,
    pairs,
    products,
    recurrent,
    sampling,
    scoring,
    spectra,
    stacks,
    stages,
    starting,
)
from varlaw.claims.experiments.rows import Row
from varlaw.subjects.subject import Experiment

_TOPICS: tuple[ModuleType, ...] = (
    attending,
    blocks,
    clipped,
    formats,
    founding,
    gates,
    geometry,
    maps,
    normalising,
    optimising,
    ours,
    pairs,
    products,
    recurrent,
    sampling,
    scoring,
    spectra,
    stages,
    stacks,
    starting,
)

CASES: Mapping[str, Cases] = {op: cases for topic in _TOPICS for op, cases in topic.CASES.items()}
ROWS: Mapping[str, tuple[Row, ...]] = {op: rows for topic in _TOPICS for op, rows in topic.ROWS.items()}


def claims(subject: Experiment) -> tuple[Claim, ...]:
    """Every claim on one experiment: a row for each law that it shows."""
    return judging.of_experiment(subject, ROWS[subject.op])
