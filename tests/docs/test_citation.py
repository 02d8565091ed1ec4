"""What is said on how to cite is one thing, of this version, and what CI systems read of us is well formed."""

from importlib.metadata import version
from pathlib import Path

from click.testing import CliRunner

from varlaw.cli import cli
from varlaw.commands.citing import TITLE

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version() -> None:
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f'title: "{TITLE}"' in lines
    assert f"version: {version('varlaw')}" in lines


def test_the_command_cites() -> None:
    done = CliRunner().invoke(cli, ["--cite"])
    assert done.exit_code == 0
    assert done.output.startswith("@software{varlaw,\n")
    assert TITLE in done.output


def test_the_action_asks_for_options_that_there_are() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8") + (ROOT / ".pre-commit-hooks.yaml").read_text(
        encoding="utf-8"
    )
    helped = CliRunner().invoke(cli, ["verify", "--help"]).output
    for option in ("--policy", "--salt", "--since", "--report", "--json", "--format", "--dtype"):
        assert option in text
        assert option in helped
