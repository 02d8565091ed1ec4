"""The command `varlaw laws`: what it prints, in which digits, and how it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from varlaw.commands.laws import laws
from varlaw.reports.law_picture import HEIGHT, plot, sweep
from varlaw.theory.catalogue import LAWS
from varlaw.theory.folklore import CLAIMS

from ..each import each


def run(*arguments: str) -> Result:
    return CliRunner().invoke(laws, list(arguments), env={"COLUMNS": "120"})


def strict(text: str) -> Any:
    """JSON without the NaN and Infinity that Python would let through."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def test_list_names_every_law() -> None:
    shown = run("list")
    assert shown.exit_code == 0
    assert {row["name"] for row in strict(run("list", "--json").stdout)} == set(LAWS)
    assert "clip.probability" in shown.stdout


@each("name", sorted(LAWS))
def test_show_renders_every_law(name: str) -> None:
    shown = run("show", name)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(name)
    assert LAWS[name].source.split(";")[0].split()[0] in shown.stdout


def test_show_draws_the_law() -> None:
    found = sweep(LAWS["norm.range"], {})
    assert found is not None
    picture = plot(found).splitlines()
    assert len(picture) == HEIGHT + 2
    assert "█" in picture[0]
    assert strict(run("show", "norm.range", "--json").stdout)["sweep"]["parameter"] == "n"


def test_eval_prints_seventeen_digits_and_arrays() -> None:
    assert (
        run("eval", "loss.zero_logits", "classes=1000").stdout.strip()
        == f"{LAWS['loss.zero_logits'].value(classes=1000):.17g}"
    )
    lines = run("eval", "activation.second_moment", "activation=leaky_relu:0.2", "q=1e-3,1").stdout.split()
    assert [float(v) for v in lines] == LAWS["activation.second_moment"].value(
        activation="leaky_relu:0.2", q=[1e-3, 1.0]
    ).tolist()
    found = strict(run("eval", "batch_norm.linear_explosion", "batch=2,3,4", "--json").stdout)
    assert found["value"] == [0.0, "inf", 2.0]


def test_folklore_shows_every_claim() -> None:
    rows = strict(run("folklore", "--json").stdout)
    assert [row["claim"] for row in rows] == [claim.claim for claim in CLAIMS]
    assert "refuted" in run("folklore").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "clip.probabilty"), "did you mean clip.probability"),
        (("eval", "xavier"), "glorot_normal.variance, glorot_uniform.variance"),
        (("show", "kaiming_uniform"), "did you mean he_uniform.variance"),
        (("eval", "clip.norm", "norm=-1", "limit=1"), "norm=-1, but should be a number >= 0 [clip.norm]"),
        (("eval", "clip.norm", "norm=nan", "limit=1"), "norm=nan"),
        (("eval", "clip.norm", "limit=1"), "norm is missing"),
        (("eval", "clip.norm", "norm=1", "limit=1", "x=2"), "x=, but should be one of"),
        (("eval", "clip.norm", "norm"), "should be key=value"),
        (("eval", "clip.norm", "norm=1", "norm=2"), "given twice"),
        (("eval", "activation.mean", "activation=reul", "q=1"), "activation='reul'"),
        (("show", "clip.norm", "limit=-1"), "limit=-1, but should be"),
        (("list", "-o", f"{__file__}/laws.txt"), "is a file, but should be a folder"),
    ],
)
def test_errors_are_one_line_with_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    failed = run(*arguments)
    assert failed.exit_code == 2
    assert words in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
    assert failed.stdout == ""


def test_output_goes_to_the_file(tmp_path: Path) -> None:
    target = tmp_path / "law.txt"
    assert run("show", "norm.range", "-o", str(target)).exit_code == 0
    assert "sqrt(n - 1)" in target.read_text(encoding="utf-8")
    assert "█" in target.read_text(encoding="utf-8")
