"""The blocks of transformers and timm obey the laws of depth; with branches of twice the variance they do not."""

import importlib
from typing import Any

import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.experiments import ROWS, judging
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import named
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.blocks import Build, Stack, blocks


def _row(name: str) -> Experiment:
    """The row of that name, where its framework is."""
    subject = named(name)
    assert isinstance(subject, Experiment)
    try:
        subject.framework.version()
    except ImportError as error:
        pytest.skip(str(error))
    return subject


def _outcome(subject: Experiment) -> str:
    row = next(row for row in ROWS[subject.op] if row.name == "law.blocks.scaled_stream")
    case = CASES[subject.op].corners[0]
    claim = judging.claim(subject, subject.run, row)
    return claim.judge(Trial(dict(case), "float32", "cpu", POLICIES["pr"], Key("teeth", subject.name))).outcome


def _louder(build: Build) -> Build:
    """1/sqrt(L) where 1/sqrt(2L) is meant."""

    def wrong(t: Any, c: Case, on: dict[str, Any]) -> Stack:
        stack = build(t, c, on)
        for weight in stack.last:
            weight.mul_(2**0.5)
        return stack

    return wrong


def test_timm_conforms() -> None:
    assert _outcome(_row("timm.models.VisionTransformer(by depth)")) == "CONFORMS"


def test_gpt2_conforms_and_branches_of_twice_the_variance_violate() -> None:
    subject = _row("transformers.GPT2Model(by depth)")
    assert _outcome(subject) == "CONFORMS"
    wrong = _louder(importlib.import_module("varlaw.subjects.transformers.blocks").gpt2)
    assert _outcome(blocks("louder", subject.op, wrong, subject.framework)) == "VIOLATES"
