"""The count of false alarms: lawful samplers conform, a batch on record is not done again, an alarm fails the run."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from . import alarms

_SCRIPT = Path(__file__).with_name("alarms.py")


def _run(folder: Path, decisions: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_SCRIPT), str(folder), "--decisions", str(decisions)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_thousand_lawful_samplers_raise_no_alarm(tmp_path: Path) -> None:
    done = _run(tmp_path, 1000)
    assert done.returncode == 0, done.stderr
    (batch,) = alarms.finished(tmp_path / "alarms.jsonl", "pr").values()
    assert sum(batch.outcomes.values()) == 1000
    assert not any(words.endswith("VIOLATES") for words in batch.outcomes)
    assert "1,000 decisions on lawful samplers" in (tmp_path / "alarms.md").read_text()


def test_what_is_on_record_is_kept_and_a_torn_line_is_not(tmp_path: Path) -> None:
    kept = alarms.Batch(0, "pr", {"normal, float32, CONFORMS": 1000}, 7, [])
    line = msgspec.json.encode(kept)
    (tmp_path / "alarms.jsonl").write_bytes(line + b"\n" + line[: len(line) // 2])
    assert alarms.finished(tmp_path / "alarms.jsonl", "pr") == {0: kept}
    assert _run(tmp_path, 1000).returncode == 0
    assert "| normal | float32 | 1,000 | 0 | 0 |" in (tmp_path / "alarms.md").read_text()


def test_an_alarm_fails_the_run(tmp_path: Path) -> None:
    alarm = alarms.Batch(0, "pr", {"normal, float32, VIOLATES": 1}, 7, ["17: normal float32"])
    (tmp_path / "alarms.jsonl").write_bytes(msgspec.json.encode(alarm) + b"\n")
    done = _run(tmp_path, 1000)
    assert done.returncode == 1
    assert "17: normal float32" in done.stderr


@pytest.mark.parametrize("family", alarms.FAMILIES)
def test_every_family_draws_its_shape(family: str) -> None:
    import numpy as np

    drawn = alarms.FAMILIES[family][1](np.random.default_rng(0), (33, 31))
    assert drawn.size == (8 if family == "Haar" else 33 * 31)
