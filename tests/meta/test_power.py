"""The measurement of power runs, writes its table, and fails when something that should be found is not."""

import json
import subprocess
import sys
from pathlib import Path

from varlaw.evidence.budget import POLICIES

_SCRIPT = Path(__file__).with_name("power.py")


def test_every_defect_that_the_engine_claims_to_see_is_found_at_nightly(tmp_path: Path) -> None:
    command = [sys.executable, str(_SCRIPT), str(tmp_path), "--runs", "1", "--samplers-only"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "power.json").read_text())["rows"]
    assert all(row["found"] == row["tried"] == 1 for row in rows if not row["unseen"])
    assert "Survivors: none." in (tmp_path / "power.md").read_text()


def test_a_survivor_fails_the_measurement(tmp_path: Path) -> None:
    """A policy that finds 5 % lets a scale that is 1 % off pass."""
    assert POLICIES["pr"].delta == 0.05
    command = [sys.executable, str(_SCRIPT), str(tmp_path), "--runs", "1", "--samplers-only", "--policy", "pr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "std +1 % (check, 0 of 1)" in done.stderr
    assert "**survives**" in (tmp_path / "power.md").read_text()
