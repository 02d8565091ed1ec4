"""Rows of others are asked in the format that their numbers come in, whatever the run asks for."""

from pathlib import Path

import pytest

from varlaw.subjects.targets import NothingSelected
from varlaw.verify import plan, run

ROWS = """
import numpy
from varlaw.rows import initialiser

def draw(shape, seed):
    return numpy.random.default_rng(seed).normal(0, {std}, shape)

ROWS = [initialiser("own.draw", draw, "Normal(0.02)", shapes=[(64, 48)])]
"""


@pytest.mark.parametrize("dtypes", [("float32",), ("bfloat16", "float16"), plan.DTYPES])
@pytest.mark.parametrize(("std", "state"), [("0.02", "conforms"), ("0.03", "VIOLATES")])
def test_float64_numbers_are_decided_whatever_is_asked(
    dtypes: tuple[str, ...], std: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"own_{state.lower()}.py"
    Path(name).write_text(ROWS.replace("{std}", std), encoding="utf-8")
    found = run.execute(plan.plan(plan.Request(targets=(name,), dtypes=dtypes)), strict=False)
    assert {v.dtype for v in found} == {"float64"}
    assert [v.state for v in found if v.claim == "init.documented"] == [state]
    assert run.exit_code(found) == (state == "VIOLATES")


def test_a_run_that_decides_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "tasks", lambda *args: iter(()))
    with pytest.raises(NothingSelected, match="nothing to decide: no claim on these subjects has a case in float32"):
        plan.plan(plan.Request(targets=("varlaw.numpy.zeros",), dtypes=("float32",)))
