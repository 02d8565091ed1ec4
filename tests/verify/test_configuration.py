"""Options kept in pyproject.toml: found upwards, below flags and environment, and refused where there are none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from varlaw.cli import cli, main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def at(kept: str, *arguments: str, **env: str) -> tuple[int, str, str]:
        inner = tmp_path / "deep" / "er"
        inner.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pyproject.toml").write_text(kept)
        monkeypatch.chdir(inner)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as left:
            main(arguments)
        return int(left.value.code or 0), *capsys.readouterr()

    return at


ZEROS = '[tool.varlaw.verify]\ntargets = "varlaw.numpy.zeros"\ndtype = "float32"\npolicy = "nightly"\n'


def test_a_file_gives_what_the_command_line_does_not(run: Any) -> None:
    code, out, _ = run(ZEROS, "verify", "--no-color")
    assert code == 0
    assert "policy nightly" in out
    assert " conform " in out
    assert "policy pr" in run(ZEROS, "verify", "--no-color", "--policy", "pr")[1]
    assert "policy release" in run(ZEROS, "verify", "--no-color", VARLAW_VERIFY_POLICY="release")[1]


def test_show_names_the_source_of_each_value(run: Any, tmp_path: Path) -> None:
    code, out, _ = run(ZEROS, "config", "show", "--json", VARLAW_VERIFY_JOBS="2")
    found = json.loads(out)
    assert code == 0
    assert found["verify.policy"] == {"value": "nightly", "source": str(tmp_path / "pyproject.toml")}
    assert found["verify.jobs"] == {"value": "2", "source": "environment"}
    assert found["verify.device"] == {"value": "cpu", "source": "default"}
    assert "verify.dtype" in run(ZEROS, "config", "show")[1]


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ('[tool.varlaw.verify]\npolice = "pr"\n', "[tool.varlaw.verify] has 'police', but should have only targets"),
        ("[tool.varlaw.verfy]\n", "[tool.varlaw] has 'verfy', but should have only verify"),
        ("[tool.varlaw]\nverify = 3\n", "[tool.varlaw.verify] is 3, but should be a table"),
        ("[tool.varlaw.verify]\njobs = -2\n", "-2 is not in the range 1<=x<=1024"),
        ("tool = [", "pyproject.toml cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(run: Any, kept: str, words: str) -> None:
    code, out, err = run(kept, "verify", "varlaw.numpy.zeros")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err


def test_without_a_table_the_defaults_stand(run: Any) -> None:
    assert "policy pr" in run("[project]\nname = 'x'\n", "verify", "varlaw.numpy.zeros", "--no-color")[1]


# -- whose file it is --------------------------------------------------------------------------------------------------

RUN = "[tool.varlaw.verify]\ntargets = 'varlaw.numpy.zeros'\ndtype = 'float32'\njson = %r\n"


def test_a_run_says_whose_options_hold(run: Any, tmp_path: Path) -> None:
    assert run(ZEROS, "verify")[2] == f"varlaw: {tmp_path / 'pyproject.toml'} gives targets, policy, dtype\n"
    assert run(ZEROS, "verify", "varlaw.numpy.zeros", "--policy", "pr", "--dtype", "float32")[2] == ""
    assert run("[tool.varlaw.report]\nquiet = true\n", "verify", "varlaw.numpy.zeros")[2] == ""


def test_a_file_of_a_parent_outside_of_the_project_names_nothing_to_write(run: Any, tmp_path: Path) -> None:
    """Whoever may write there could name any file of the user, or a scheduler that answers with pickles."""
    kept = RUN % "deep/er/run.json" + "ledger = 'ledger'\nreport = 'report'\ndask = 'tcp://127.0.0.1:9'\n"
    code, _, err = run(kept, "verify")
    assert code == 0
    assert err.endswith("pyproject.toml lies outside of this project and gives no json, ledger, report, dask\n")
    assert {path.name for path in tmp_path.rglob("*")} == {"deep", "pyproject.toml", "er"}
    code, out, _ = run(kept, "config", "show", "--json")
    assert json.loads(out)["verify.json"] == {"value": None, "source": "default"}


@pytest.mark.parametrize("boundary", ["repository", "home"])
def test_a_file_of_the_project_names_files_below_its_folder(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundary: str
) -> None:
    if boundary == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        (tmp_path / ".git").mkdir()
    assert run(RUN % "run.json", "verify")[0] == 0
    assert (tmp_path / "deep" / "er" / "run.json").exists()
    (tmp_path / "deep" / "er" / "link").symlink_to(tmp_path.parent / "elsewhere")
    for elsewhere in ("../../../run.json", str(tmp_path.parent / "run.json"), "link"):
        code, out, err = run(RUN % elsewhere, "verify")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"json={elsewhere!r}, but should name a file below {tmp_path}; the command line may name others" in err
        assert not (tmp_path.parent / "elsewhere").exists()


@pytest.mark.parametrize("boundary", ["repository", "home", "worktree"])
def test_the_search_ends_where_the_project_does(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundary: str
) -> None:
    (tmp_path / "deep").mkdir()
    if boundary == "home":
        monkeypatch.setenv("HOME", str(tmp_path / "deep"))
    elif boundary == "worktree":
        (tmp_path / "deep" / ".git").write_text("gitdir: elsewhere")
    else:
        (tmp_path / "deep" / ".git").mkdir()
    code, out, err = run(ZEROS, "verify", "varlaw.numpy.zeros", "--dtype", "float32", "--no-color")
    assert (code, err) == (0, "")
    assert "policy pr" in out


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to give a file away")
def test_a_file_of_another_user_in_a_parent_names_nothing_to_write(run: Any, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").touch()
    os.chown(tmp_path / "pyproject.toml", 12345, 12345)
    assert "gives no json" in run(RUN % "run.json", "verify")[2]


# -- the environment ---------------------------------------------------------------------------------------------------


def test_every_option_has_the_variable_of_its_long_name() -> None:
    """From the command line's own description, and not by what Python calls the option."""
    found = set(_variables(cli, click.Context(cli), "VARLAW"))
    assert {name for name, long in found if not name.endswith(long.upper().replace("-", "_"))} == set()
    assert {"VARLAW_VERIFY_JSON", "VARLAW_VERIFY_DTYPE", "VARLAW_VERIFY_LEDGER", "VARLAW_VERIFY_REPORT"} <= dict(
        found
    ).keys()
    assert {"VARLAW_BASELINE_RECORD_OUTPUT", "VARLAW_LAWS_EVAL_JSON", "VARLAW_IDENTIFY_SALT"} <= dict(found).keys()


def _variables(command: click.Command, context: click.Context, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _variables(inner, context, f"{prefix}_{name.upper()}")
        return
    for option in (p for p in command.params if isinstance(p, click.Option)):
        long = next(word for word in option.opts if word.startswith("--")).removeprefix("--")
        assert f"{prefix}_{long.upper().replace('-', '_')}" in (option.envvar or ()), (prefix, long)
        yield f"{prefix}_{long.upper().replace('-', '_')}", long


def test_variables_do_what_their_options_do(run: Any, tmp_path: Path) -> None:
    here = tmp_path / "deep" / "er"
    variables = {
        "TARGETS": "varlaw.numpy.zeros varlaw.numpy.lecun_normal", "DTYPE": "float32 float64", "JSON": "run.json",
        "LEDGER": "l", "REPORT": "report", "NO_COLOR": "1", "QUIET": "1", "JOBS": "1", "SALT": "tonight",
        "YEARLY_DECISIONS": "100000",
    }  # fmt: skip
    code, out, _ = run("", "verify", **{f"VARLAW_VERIFY_{name}": value for name, value in variables.items()})
    assert code == 0
    assert "salt tonight" in out
    found = json.loads((here / "run.json").read_text())
    assert found["run"]["targets"] == ["varlaw.numpy.zeros", "varlaw.numpy.lecun_normal"]
    assert found["run"]["dtypes"] == ["float32", "float64"]
    assert (here / "report" / "index.html").exists()
    assert (here / "l").exists()


def test_variables_of_verbs_below_verbs(run: Any, tmp_path: Path) -> None:
    here = tmp_path / "deep" / "er"
    code, _, err = run("", "baseline", "record", "varlaw.numpy.zeros", VARLAW_BASELINE_RECORD_OUTPUT="b.json")
    assert (code, err) == (0, "")
    found = run("", "laws", "eval", "he_normal.variance", "fan_in=8", "gain=2", VARLAW_LAWS_EVAL_JSON="1")[1]
    assert json.loads(found)["value"] == 0.5
    assert run("", "report", "--benchmarks", "absent", VARLAW_REPORT_OUTPUT=str(here / "r"))[0] == 3


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("VARLAW_VERIFY_JSON_FILE", "VARLAW_VERIFY_JSON"),
        ("VARLAW_VERIFY_DTYPES", "VARLAW_VERIFY_DTYPE"),
        ("VARLAW_VERIFY_REPORT_DIR", "VARLAW_VERIFY_REPORT"),
        ("VARLAW_BASELINE_RECORD_OUTPT", "VARLAW_BASELINE_RECORD_OUTPUT"),
        ("VARLAW_VERFY_POLICY", "VARLAW_VERIFY_POLICY"),
        ("VARLAW_CONFIG_SHOW_JASON", "VARLAW_CONFIG_SHOW_JSON"),
    ],
)
def test_a_variable_of_no_option_is_refused_with_the_nearest(run: Any, name: str, near: str) -> None:
    code, out, err = run("", "verify", "varlaw.numpy.zeros", **{name: "x"})
    assert (code, out) == (2, "")
    assert err == f"varlaw: the environment has {name}, but no verb has such an option; did you mean {near}?\n"


def test_what_is_no_variable_of_ours_is_left_alone(run: Any) -> None:
    others = {"VARLAW_HOME": "/x", "VARLAW_VERSION": "2", "VARLAW_PROFILE": "ci", "VARLAWS_VERIFY_JASON": "x"}
    assert run("", "verify", "varlaw.numpy.zeros", "--dtype", "float32", VARLAW_VERIFY_JSON="", **others)[0] == 0
