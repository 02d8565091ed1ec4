"""The command as a newcomer meets it: tables, files, and one line with the right code for every mistake."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

_SCHEMA = Path(__file__).resolve().parents[2] / "reports" / "run.schema.json"


def _varlaw(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "140", "NO_COLOR": "1", **env},
        check=False,
    )


def test_ours_conform_and_the_run_is_written_whole(tmp_path: Path) -> None:
    run, report = tmp_path / "run.json", tmp_path / "report"
    done = _varlaw("verify", "varlaw.numpy.he_*", "--dtype", "float32", "--json", str(run), "--report", str(report))
    assert done.returncode == 0, done.stderr
    assert "conform" in done.stdout
    assert "passed" not in done.stdout
    written = json.loads(run.read_text())
    jsonschema.validate(written, json.loads(_SCHEMA.read_text()))
    assert {v["outcome"] for v in written["verdicts"]} == {"CONFORMS"}
    assert {p.name for p in report.iterdir()} >= {"index.html", "run.json", "summary.md", "junit.xml"}


def test_the_budget_is_the_sum_of_what_each_verdict_risks(tmp_path: Path) -> None:
    """Draws and sums of more than 1,024 terms have a risk; a short norm and an exact tensor have none."""
    run = tmp_path / "run.json"
    done = _varlaw("verify", "varlaw.torch.layer_norm", "varlaw.numpy.he_normal", "--json", str(run))
    assert done.returncode == 0, done.stderr
    written = json.loads(run.read_text())
    risks = [v["alpha"] for v in written["verdicts"] if v["alpha"]]
    assert written["run"]["decisions"] == len(risks)
    assert written["run"]["alpha_budget"] == pytest.approx(sum(risks), rel=1e-12)
    assert {"init.documented", "norm.second_moment"} <= {v["claim"] for v in written["verdicts"] if v["alpha"]}


def test_documented_deviations_exit_zero_and_name_their_issue() -> None:
    done = _varlaw("verify", "torch.nn.Linear", "--dtype", "float32")
    assert done.returncode == 0, done.stderr
    assert "deviation" in done.stdout
    assert "pytorch/pytorch#57109" in done.stdout


def test_same_salt_same_bytes_of_report(tmp_path: Path) -> None:
    for name in ("a", "b"):
        target = ("verify", "varlaw.numpy.glorot_normal", "--report", str(tmp_path / name))
        assert _varlaw(*target).returncode == 0
    for page in ("index.html", "summary.md", "junit.xml", "verdicts.csv"):
        assert (tmp_path / "a" / page).read_bytes() == (tmp_path / "b" / page).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["verify", "torch.nn.Liner"], 5, "no subject matches 'torch.nn.Liner'; did you mean torch.nn.Linear"),
        (["verify", "varlaw.numpy.*", "--policy", "weekly"], 2, "policy='weekly', but should be one of pr"),
        (["verify", "--device", "tpu"], 2, "device='tpu', but should be cpu"),
        (["verify", "varlaw.numpy.*", "--device", "cuda:7"], 3, "could not run: varlaw.numpy has no device cuda:7"),
        (["verify", "--dtype", "int8"], 2, "int8"),
        (["verify", "--salt", "a:b"], 2, "salt='a:b', but should be"),
        (["verify", "--jobs", "0"], 2, "jobs"),
        (["verify", "--frobnicate"], 2, "--frobnicate"),
        (["frobnicate"], 2, "frobnicate"),
        (["replay", "nonsense"], 2, "not a replay key"),
        (["verify", "varlaw.numpy.zeros", "--report", "/dev/null/report"], 2, "cannot write"),
        (["verify", "varlaw.numpy.zeros", "--json", "/dev/null/run.json"], 2, "cannot write"),
    ],
)
def test_a_mistake_is_one_line_and_the_documented_code(arguments: list[str], code: int, words: str) -> None:
    done = _varlaw(*arguments)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("varlaw: ")
    assert words in line
    assert not done.stdout


def test_replay_prints_the_verdict_that_the_key_names(tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    _varlaw("verify", "varlaw.numpy.lecun_normal", "--dtype", "bfloat16", "--json", str(run))
    verdict = json.loads(run.read_text())["verdicts"][0]
    done = _varlaw("replay", verdict["replay"], "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] == [verdict]


def test_a_violation_exits_one(tmp_path: Path) -> None:
    """One percent too wide, found at the nightly policy, and nothing but that initialiser turns."""
    patch = "import varlaw.impl.numpy as n; he = n.he_normal; n.he_normal = lambda *a, **k: 1.01 * he(*a, **k)"
    code = f"{patch}\nfrom varlaw.cli import main; main()"
    arguments = ["verify", "varlaw.numpy.he_*", "--policy", "nightly", "--dtype", "float64"]
    run = tmp_path / "run.json"
    command = [sys.executable, "-c", code, *arguments, "--json", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    decided = [v for v in json.loads(run.read_text())["verdicts"] if v["claim"].startswith("init.")]
    states = {(v["subject"], v["outcome"]) for v in decided}
    assert states == {("varlaw.numpy.he_normal", "VIOLATES"), ("varlaw.numpy.he_uniform", "CONFORMS")}
    assert "replay" in done.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_leaves_the_old_files_whole(tmp_path: Path, jobs: str) -> None:
    run = tmp_path / "run.json"
    run.write_text("old")
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", "verify", "varlaw.numpy.*"]
    process = subprocess.Popen(
        [*command, "--policy", "nightly", "--jobs", jobs, "--json", str(run)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip().splitlines() == ["varlaw: interrupted; nothing was written"]
    assert run.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who can be refused")
def test_a_folder_without_permission_is_refused_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = _varlaw("verify", "varlaw.numpy.zeros", "--report", str(tmp_path / "r"))
    tmp_path.chmod(stat.S_IRWXU)
    assert done.returncode == 2
    assert "permission denied" in done.stderr
