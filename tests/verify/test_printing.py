"""What a session prints of a verdict and of the laws can be read: four lines, a notebook's cell, counts by group."""

from typing import Any

import numpy as np
import pytest

import varlaw

LONG = "<script>" + "x" * 5000 + "\nline two"


def _verdict(std: float, **options: Any) -> varlaw.Verdict:
    def draw(shape: tuple[int, ...], seed: int) -> Any:
        return np.random.default_rng(seed).normal(0, std, shape)

    return varlaw.check(draw, varlaw.Normal(1.0), shape=(32, 32), delta=0.1, **options)


@pytest.mark.parametrize(("std", "word"), [(1.0, "conforms"), (2.0, "VIOLATES")])
def test_a_verdict_prints_as_its_four_lines(std: float, word: str) -> None:
    lines = str(_verdict(std, name="mine")).splitlines()
    assert len(lines) == (4 if word == "VIOLATES" else 3)  # what conforms has no cause
    assert lines[0] == ("std x1.978 of Normal(1)" if word == "VIOLATES" else "conforms: Normal(1)")
    assert lines[-3 if word == "VIOLATES" else 1].startswith(f"{word}: std expected 1, observed ")
    assert "draws of mine, case" in lines[-1]


def test_a_notebook_shows_a_verdict_with_every_text_escaped() -> None:
    page = _verdict(2.0, name=LONG)._repr_html_()
    assert "VIOLATES" in page
    assert "replay: salt" in page
    assert "<script>" not in page


def test_the_catalogue_prints_its_groups_and_stays_read_only() -> None:
    text = repr(varlaw.LAWS)
    assert f"{len(varlaw.LAWS)} laws by name" in text
    assert "truncated_normal" in text
    assert len(text) < 5000
    with pytest.raises(TypeError):
        varlaw.LAWS["mine"] = varlaw.LAWS["normal.variance"]  # type: ignore[index]


def test_a_run_prints_its_counts_and_shows_its_findings() -> None:
    from varlaw.verify import plan, run

    done = run.execute(plan.plan(plan.Request(targets=("varlaw.numpy.zeros",), dtypes=("float32",))))
    assert str(done).startswith(f"{len(done.verdicts)} verdicts: {len(done.verdicts)} conforms")
    assert done._repr_html_() == f"<p>{done}</p>"
