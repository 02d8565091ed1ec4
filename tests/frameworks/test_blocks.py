"""The blocks of transformers, timm and torchvision obey the laws of depth; with louder branches they do not."""

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
from varlaw.subjects.torch.experiments.stages import stages
from varlaw.subjects.torch.framework import TORCH
from varlaw.subjects.torchvision import stub_torchvision


def _row(name: str) -> Experiment:
    """The row of that name, where its framework is."""
    subject = named(name)
    assert isinstance(subject, Experiment)
    try:
        subject.framework.version()
    except ImportError as error:
        pytest.skip(str(error))
    return subject


def _outcome(subject: Experiment, of: str = "scaled stream") -> str:
    row = next(row for row in ROWS[subject.op] if row.of == of)
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


def _louder_norm(gain: float) -> Experiment:
    """torchvision's own basic blocks, whose last batch norm has a scale of `gain`."""
    stub_torchvision()
    room = pytest.importorskip("torchvision.models.resnet")

    def build(t: Any, c: Case, on: dict[str, Any]) -> list[Any]:
        found = [room.BasicBlock(c["width"], c["width"]).to(**on) for _ in range(c["layers"])]
        for block in found:
            t.nn.init.constant_(block.bn2.weight, gain)
        return found

    return stages("wrong", "basic_block_stream", build, TORCH)


def test_torchvisions_resnet_conforms_and_a_louder_last_norm_violates() -> None:
    right = _row("torchvision.models.resnet.BasicBlock(by depth)")
    numbers = ("square", "gradient")
    assert {of: _outcome(right, of) for of in numbers} == dict.fromkeys(numbers, "CONFORMS")
    assert _outcome(_louder_norm(1.1), "square") == "VIOLATES"
