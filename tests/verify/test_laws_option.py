"""`varlaw verify --law GLOB`: the claims that measure a law, on whatever subject they stand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")


def _verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", "verify", *arguments]
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "140"}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_a_law_selects_the_claims_that_measure_it(tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    done = _verify("torch.*", "--law", "kernel.k?", "--law", "correlation.abs", "--json", str(run))
    assert done.returncode == 0, done.stderr
    written = json.loads(run.read_text())
    assert {v["law"] for v in written["verdicts"]} == {"kernel.k0", "kernel.k1", "kernel.k2", "correlation.abs"}
    assert {v["outcome"] for v in written["verdicts"]} == {"CONFORMS"}
    assert written["run"]["laws"] == ["kernel.k?", "correlation.abs"]


def test_a_law_that_is_none_is_one_line() -> None:
    done = _verify("torch.*", "--law", "kernel.k9")
    assert done.returncode == 5
    assert "no law matches 'kernel.k9'; did you mean" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_law_that_the_subject_is_not_held_to_is_one_line() -> None:
    done = _verify("torch.nn.Linear", "--law", "kernel.k0")
    assert done.returncode == 5
    assert "no claim on these subjects is about kernel.k0" in done.stderr
