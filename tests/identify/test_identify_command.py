"""`varlaw identify` and `varlaw baseline` as a newcomer meets them: tables, files, one line and a code for mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _varlaw(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", *arguments]
    env = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False)


def test_laws_with_their_evidence_and_json(tmp_path: Path) -> None:
    out = tmp_path / "laws.json"
    done = _varlaw(
        "identify", "varlaw.numpy.he_normal", "varlaw.numpy.he_uniform", "varlaw.numpy.zeros", "--json", str(out)
    )
    assert done.returncode == 0, done.stderr
    assert "he_normal(fan(mode))" in done.stdout
    assert "Constant(0)" in done.stdout
    assert " nats" in done.stdout
    written = json.loads(out.read_text())
    assert written["schema"] == "varlaw.identify/1"
    assert [one["reading"]["family"] for one in written["identified"]] == ["normal", "uniform", "constant"]


def test_a_function_of_ones_own(tmp_path: Path) -> None:
    source = (
        "import numpy as np\ndef draw(shape, seed):\n    return np.random.default_rng(seed).normal(0, 0.02, shape)\n"
    )
    (tmp_path / "mine.py").write_text(source)
    done = _varlaw("identify", "mine:draw", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Normal(0.02)" in done.stdout


def test_a_function_that_raises_is_named_and_could_not_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def draw(shape, seed):\n    raise RuntimeError('no')\n")
    done = _varlaw("identify", "mine:draw", "varlaw.numpy.zeros", folder=tmp_path)
    assert done.returncode == 3
    assert "error: RuntimeError: no" in done.stdout
    assert "Constant(0)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["identify"], 2, "SUBJECT"),
        (["identify", "torch.nn.Liner"], 5, "no subject with tensors matches 'torch.nn.Liner'"),
        (["identify", "nowhere:draw"], 2, "is no function that can be imported"),
        (["identify", "varlaw.numpy.zeros", "--json", "/dev/null/x.json"], 2, "cannot write"),
        (["baseline", "record", "nothing", "-o", "b.json"], 5, "no subject matches 'nothing'"),
        (["baseline", "record", "varlaw.numpy.zeros", "-o", "/dev/null/b.json"], 2, "cannot write"),
        (["baseline", "diff", "gone.json", "gone.json"], 2, "cannot read gone.json"),
        (["baseline", "diff", "torn.json", "torn.json"], 2, "is not JSON, or was cut off"),
        (["baseline", "diff", "other.json", "other.json"], 2, "has the schema 'varlaw.run/1'"),
    ],
)
def test_a_mistake_is_one_line_and_the_documented_code(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "torn.json").write_text('{"schema": "varlaw.base')
    (tmp_path / "other.json").write_text('{"schema": "varlaw.run/1"}')
    done = _varlaw(*arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("varlaw: ")
    assert not (tmp_path / "b.json").exists()


def test_no_change_is_0_and_a_change_is_1_in_every_format(tmp_path: Path) -> None:
    names = {"a": "varlaw.numpy.zeros", "b": "varlaw.numpy.zeros", "c": "varlaw.numpy.normal"}
    for name, subject in names.items():
        done = _varlaw("baseline", "record", subject, "-o", f"{name}.json", "--salt", name, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    same = _varlaw("baseline", "diff", "a.json", "b.json", folder=tmp_path)
    assert same.returncode == 0
    assert "no change" in same.stdout
    other = _varlaw("baseline", "diff", "a.json", "c.json", "--json", "d.json", "--markdown", folder=tmp_path)
    assert other.returncode == 1
    assert "| vanished | `varlaw.numpy.zeros` | `Constant(0)` |" in other.stdout
    changes = json.loads((tmp_path / "d.json").read_text())["changes"]
    assert {(c["kind"], c["name"]) for c in changes} == {
        ("vanished", "varlaw.numpy.zeros"),
        ("appeared", "varlaw.numpy.normal"),
    }


def test_a_hand_edited_baseline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert _varlaw("baseline", "record", "varlaw.numpy.zeros", "-o", str(path)).returncode == 0
    path.write_text(path.read_text().replace("Constant(0)", "Constant(1)"))
    done = _varlaw("baseline", "diff", str(path), str(path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "changed after it was recorded" in done.stderr
