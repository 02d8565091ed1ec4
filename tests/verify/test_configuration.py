"""Options kept in pyproject.toml: found upwards, below flags and environment, and refused where there are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from varlaw.cli import main


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
    assert "7 conform" in out
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
        ("[tool.varlaw.verify]\njobs = -2\n", "-2 is not in the range x>=1"),
        ("tool = [", "pyproject.toml cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(run: Any, kept: str, words: str) -> None:
    code, out, err = run(kept, "verify", "varlaw.numpy.zeros")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert words in err


def test_without_a_table_the_defaults_stand(run: Any) -> None:
    assert "policy pr" in run("[project]\nname = 'x'\n", "verify", "varlaw.numpy.zeros", "--no-color")[1]
