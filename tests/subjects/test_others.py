"""Rows of other libraries: by entry point, file or place; decided, replayed, identified, recorded, reported."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
_TOYLIB = Path(__file__).with_name("toylib.py")


def _install(folder: Path, name: str, points: str, version: str = "1.2") -> None:
    """What an installer leaves of a library: its module, and its entry points."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[varlaw.subjects]\n{points}\n")
    (info / "top_level.txt").write_text(f"{name}\n")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    _install(folder, "toylib", "toylib = toylib:ROWS")
    shutil.copy(_TOYLIB, folder / "toylib.py")
    return folder


@pytest.fixture
def varlaw(tmp_path: Path, site: Path) -> Run:
    """The command in a fresh process, in a folder of its own, beside the library."""
    here = tmp_path / "work"
    here.mkdir()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        paths = [str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "250", "NO_COLOR": "1"}
        command = [sys.executable, "-c", "from varlaw.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=here, check=False)

    return run


def _verdicts(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(done.stdout)["verdicts"]
    return found


def test_a_library_with_an_entry_point_is_verified_and_replayed(varlaw: Run) -> None:
    done = varlaw("verify", "toylib.*", "--json", "-")
    verdicts = _verdicts(done)
    assert done.returncode == 1
    bad = {(v["claim"], v["subject"]) for v in verdicts if v["outcome"] == "VIOLATES" and not v["deviation"]}
    assert bad == {
        ("init.documented", "toylib.swapped.weight"),
        ("init.pooled", "toylib.swapped.weight"),
        ("structure.complete", "toylib.forgotten"),
    }
    swapped = next(v for v in verdicts if v["subject"] == "toylib.swapped.weight" and v["likely"])
    assert swapped["likely"] == "fan_out taken for fan_in"
    assert swapped["version"] == "1.2"
    half = [v for v in verdicts if v["subject"] == "toylib.half.weight" and v["deviation"]]
    assert {v["claim"] for v in half} == {"init.documented", "init.pooled"}
    errors = {v["subject"]: v["detail"] for v in verdicts if v["outcome"] == "ERROR"}
    assert {name.rpartition(".")[0] or name for name in errors} <= {"toylib.raises", "toylib"}
    assert "RuntimeError: out of ideas" in set(errors.values())
    assert ("toylib.finite", "CONFORMS") in {(v["claim"], v["outcome"]) for v in verdicts}
    again = varlaw("replay", str(swapped["replay"]), "--json")
    (one,) = _verdicts(again)
    assert one["observed"] == swapped["observed"]


def test_rows_at_a_place_and_in_a_file_are_subjects_as_well(varlaw: Run, tmp_path: Path) -> None:
    here = tmp_path / "work"
    text = _TOYLIB.read_text().replace("toylib", "mine")
    (here / "mine.py").write_text(text)
    placed = varlaw("verify", "mine:ROWS", "--json", "-")
    key = next(str(v["replay"]) for v in _verdicts(placed) if v["outcome"] == "VIOLATES")
    assert '"rows":"mine:ROWS"' in key
    assert varlaw("replay", key).returncode == 1
    (here / "tests").mkdir()
    (here / "mine.py").rename(here / "tests" / "rows.py")
    (here / "pyproject.toml").write_text('[tool.varlaw]\nsubjects = ["tests/rows.py"]\n')
    done = varlaw("verify", "mine.*", "--json", "-")
    assert Counter(v["outcome"] for v in _verdicts(done)) == Counter(v["outcome"] for v in _verdicts(placed))
    key = next(str(v["replay"]) for v in _verdicts(done) if v["outcome"] == "VIOLATES")
    assert '"rows"' not in key
    assert varlaw("replay", key).returncode == 1


def test_a_class_is_a_subject_with_its_case_and_its_laws(varlaw: Run) -> None:
    case = ("--case", "inputs=64,outputs=24", "--case", "inputs=24,outputs=96")
    laws = ("--promise", "weight=he_normal(inputs)", "--promise", "bias=Constant(0)")
    assert varlaw("verify", "toylib:dense", *case, *laws).returncode == 0
    done = varlaw("verify", "toylib:swapped", *case, "--promise", "weight=he_normal(inputs)", "--json", "-")
    assert done.returncode == 1
    bad = next(v for v in _verdicts(done) if v["outcome"] == "VIOLATES" and v["claim"] == "init.documented")
    (again,) = _verdicts(varlaw("replay", str(bad["replay"]), "--json"))
    assert again["observed"] == bad["observed"]
    forgot = varlaw("verify", "toylib:dense", *case, *laws[:2])
    assert "without a law: bias" in forgot.stdout


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("broken = no_such_module:ROWS", "rows of no_such_module:ROWS of other 1.2 cannot be loaded"),
        ("broken = toylib:NOTHING", "rows of toylib:NOTHING of other 1.2 cannot be loaded"),
        ("broken = toylib:ROWS", "should be named broken.... after its entry point"),
        (
            "toylib = toylib:ROWS",
            "two libraries give rows of toylib.*: toylib:ROWS of other 1.2 and toylib:ROWS of toy",
        ),
    ],
)
def test_what_cannot_be_loaded_is_an_error_in_the_records_and_the_others_run(
    varlaw: Run, site: Path, points: str, said: str
) -> None:
    _install(site, "other", points)
    prefix = points.partition(" ")[0]
    done = varlaw("verify", "varlaw.numpy.zeros", f"{prefix}.*", "--json", "-")
    verdicts = _verdicts(done)
    assert said in " ".join(str(v["detail"]) for v in verdicts if v["outcome"] == "ERROR")
    assert any(v["subject"] == "varlaw.numpy.zeros" and v["outcome"] == "CONFORMS" for v in verdicts)
    assert varlaw("verify", "varlaw.numpy.zeros").returncode == 0
    alone = varlaw("verify", f"{prefix}.*")
    assert alone.returncode == 3
    assert said.split(" of other")[0] in alone.stderr
    assert len(alone.stderr.splitlines()) == 1
    assert varlaw("identify", f"{prefix}.*").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere:ROWS",), 3, "rows of nowhere:ROWS cannot be loaded"),
        (("toylib:dense", "--case", "inputs"), 2, "should be NAME=VALUE"),
        (("toylib.dense", "--case", "inputs=3"), 2, "there is none"),
        (("toylib:CASES",), 3, "row 1 of toylib:CASES is dict"),
    ],
)
def test_one_line_for_what_is_no_row(varlaw: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = varlaw("verify", *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_row_without_draws_is_named_and_the_others_run(varlaw: Run, tmp_path: Path) -> None:
    (tmp_path / "work" / "rows.py").write_text(
        "import dataclasses, toylib\nROWS = [dataclasses.replace(toylib.ROWS[0], name='mine.none', draws=None),"
        " dataclasses.replace(toylib.ROWS[0], name='mine.dense')]\n"
    )
    done = varlaw("verify", "rows.py", "--claim", "structure.*", "--json", "-")
    assert done.returncode == 3, done.stderr
    details = [str(v["detail"]) for v in _verdicts(done) if v["outcome"] == "ERROR"]
    assert len(details) == 1
    assert details[0].endswith("(mine.none) has draws=None, but should have a function")
    assert "CONFORMS" in {v["outcome"] for v in _verdicts(done)}


def test_a_factory_that_raises_and_a_model_of_nothing_are_errors_of_their_rows_alone(
    varlaw: Run, tmp_path: Path
) -> None:
    (tmp_path / "work" / "rows.py").write_text(
        "from varlaw.rows import layer, model\nfrom toylib import CASES, dense, raises\n"
        "ROWS = [layer('mine.raises', raises, {'*': 'N(1)'}, cases=CASES), "
        "model('mine.none', lambda: 3, {'*': 'N(1)'}), layer('mine.dense', dense, {'*': 'N(1)'}, cases=CASES)]\n"
    )
    done = varlaw("verify", "rows.py", "--claim", "structure.*", "--claim", "model.*", "--json", "-")
    assert done.returncode == 3, done.stderr
    details = {str(v["subject"]): v["detail"] for v in _verdicts(done) if v["outcome"] == "ERROR"}
    assert details["mine.raises"] == "RuntimeError: out of ideas"
    assert "ValueError: int holds no parameters" in details.values()
    assert ("mine.dense", "CONFORMS") in {(v["subject"], v["outcome"]) for v in _verdicts(done)}


def test_it_is_identified_recorded_compared_and_reported(varlaw: Run, tmp_path: Path) -> None:
    done = varlaw("identify", "toylib.dense", "toylib.init")
    assert done.returncode == 0, done.stderr
    assert re.search(r"toylib\.dense\.weight +he_normal\(fan_in\)", done.stdout)
    assert varlaw("baseline", "record", "toylib", "-o", "old.json").returncode == 0
    source = tmp_path / "site" / "toylib.py"
    source.write_text(source.read_text().replace("0.02, shape", "0.03, shape"))
    assert varlaw("baseline", "record", "toylib", "-o", "new.json").returncode == 0
    moved = varlaw("baseline", "diff", "old.json", "new.json")
    assert moved.returncode == 1
    assert "toylib.init" in moved.stdout
    assert "toylib.dense" not in moved.stdout
    assert varlaw("verify", "toylib.dense", "--report", "out").returncode == 0
    assert "toylib.dense" in (tmp_path / "work" / "out" / "junit.xml").read_text()


def test_claims_are_items_of_pytest(site: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    paths = [str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    command = [sys.executable, "-m", "pytest", "-q", "--varlaw-policy", "pr", "--junitxml", "junit.xml"]
    done = subprocess.run(
        [*command, "--varlaw-verify", "toylib.dense", "--varlaw-verify", "toylib.swapped"],
        capture_output=True, text=True, cwd=tmp_path / "empty", check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "toylib.swapped.weight::init.documented" in done.stdout
    assert "most likely: fan_out taken for fan_in" in done.stdout
    assert "2 failed" in done.stdout
    written = (tmp_path / "empty" / "junit.xml").read_text()
    assert "toylib.dense.weight" in written
    assert "varlaw.1.outcome" in written


def test_a_first_file_is_written_and_runs(varlaw: Run, tmp_path: Path) -> None:
    done = varlaw("new", "subjects", "toylib", "-o", "rows.py")
    assert done.returncode == 0, done.stderr
    assert "no row of toylib.raises: RuntimeError: out of ideas" in done.stdout
    text = (tmp_path / "work" / "rows.py").read_text()
    assert '"weight": "Normal(sqrt(2/inputs))"' in text
    assert varlaw("new", "subjects", "toylib", "-o", "rows.py").returncode == 2
    assert varlaw("new", "subjects", "no_such_library").returncode == 3
    (tmp_path / "work" / "rows.py").write_text(text.replace('"toylib.', '"mine.'))
    assert varlaw("verify", "rows.py", "--claim", "structure.*").returncode == 0


def test_a_deviation_of_a_project_is_strict(varlaw: Run, tmp_path: Path) -> None:
    here = tmp_path / "work"
    (here / "pyproject.toml").write_text('[tool.varlaw]\ndeviations = ["known.toml"]\n')
    row = (
        '[[deviation]]\nid = "mine"\nclaim = "init.*"\nsubject = "toylib.{}.weight"\nratio = "{}"\nversions = ">=1"\n'
        'reason = "Meant."\n'
    )
    (here / "known.toml").write_text(row.format("swapped", "sqrt(inputs/outputs)"))
    documented = varlaw("verify", "toylib.swapped", "--json", "-")
    assert {v["claim"] for v in _verdicts(documented) if v["deviation"]} == {"init.documented"}
    (here / "known.toml").write_text(row.format("dense", "2"))
    assert varlaw("verify", "toylib.dense").returncode == 1
    (here / "known.toml").write_text("[[deviation]]\nid = 3\n" + row.format("swapped", "sqrt(inputs/outputs)"))
    done = varlaw("verify", "toylib.swapped", "--claim", "init.documented", "--json", "-")
    assert done.returncode == 3, "a row that is none is an error, and the others hold"
    assert [v["deviation"]["id"] for v in _verdicts(done) if v["deviation"]][:1] == ["mine"]
    (error,) = (v for v in _verdicts(done) if v["outcome"] == "ERROR")
    assert "row 1 of" in error["detail"]
    assert "is no deviation: Expected `str`, got `int` - at `$.id`" in error["detail"]


ODD = """
import numpy as np
from varlaw.rows import claim, initialiser, layer

def fine(shape, seed): return np.random.default_rng(seed).normal(0, 0.1, shape)
def leaves(shape, seed): raise SystemExit(0)
def dense(rng): return {"w": rng.normal(0, 0.1, (40, 40))}
def zeros(): return {"w": np.zeros((40, 40))}

ROWS = [
    initialiser("odd.fine", fine, "Normal(0.1)"),
    initialiser("odd.leaves", leaves, "Normal(0.1)"),
    layer("odd.misspelt", dense, {"w": "kaimin_normal(40)"}),
    layer("odd.lacks", dense, {"w": "Normal(0.1)", "bias": "Constant(0)"}),
]
CLAIMS = [claim("odd.small", "odd.nothing", lambda w, case: True, "small")]
"""


def test_rows_that_leave_lack_a_tensor_or_misspell_a_law_are_errors_beside_the_others(
    varlaw: Run, tmp_path: Path
) -> None:
    (tmp_path / "work" / "odd.py").write_text(ODD)
    done = varlaw("verify", "odd.py", "--json", "-")
    verdicts = _verdicts(done)
    assert done.returncode == 3
    assert not [v for v in verdicts if v["outcome"] == "VIOLATES"]
    said = {(v["subject"], v["detail"]) for v in verdicts if v["outcome"] == "ERROR" and v["claim"] != "init.pooled"}
    assert ("odd.leaves", "SystemExit: 0") in said
    assert ("odd.lacks", "ValueError: odd.lacks has no tensor 'bias', but w") in said
    assert ("odd.py", "the claim odd.small is of 'odd.nothing', which names no row of odd.py") in said
    (misspelt,) = (text for name, text in said if name == "odd.misspelt.w")
    assert "names kaimin_normal (did you mean kaiming_normal?)" in str(misspelt)
    assert "say what it computes" not in str(misspelt)  # it names no fan
    assert {v["outcome"] for v in verdicts if v["subject"] == "odd.fine"} == {"CONFORMS"}
    (tmp_path / "work" / "zero.py").write_text(ODD.replace("dense, {", "zeros, {"))
    zero = [v for v in _verdicts(varlaw("verify", "zero.py", "--json", "-")) if v["subject"] == "odd.lacks.w"]
    assert {v["claim"]: v["detail"] for v in zero if v["claim"] == "init.pooled"} == {
        "init.pooled": "all 6,400 values are 0"
    }
    (tmp_path / "work" / "none.py").write_text("ROWS = [")
    (record,) = _verdicts(varlaw("verify", "none.py", "--json", "-"))
    assert (record["outcome"], record["claim"]) == ("ERROR", "framework.present")
