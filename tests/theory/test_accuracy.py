"""The accuracy table: it measures what it says, fails on an undocumented error, and reaches every law."""

import dataclasses

import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.law import Law

from ..each import each
from . import accuracy, corners, references


@each("law", LAWS)
def test_every_law_has_points_inside_its_domain(law: Law) -> None:
    found = accuracy.OWN_POINTS.get(law.name) or corners.points(law, 3)
    assert found
    for params in found:
        law.domain.check(params, where=law.name)


def test_a_wrong_rule_is_measured_and_fails() -> None:
    law = LAWS["lecun_normal.variance"]
    wrong = dataclasses.replace(law, rule=lambda fan_in: (1 + 1e-11) / np.asarray(fan_in))
    row = accuracy._row(wrong, list(accuracy.by_formula(wrong)))
    assert row.worst == pytest.approx(1e-11, rel=1e-3)
    assert not row.passes
    assert accuracy._row(law, list(accuracy.by_formula(law))).worst < 2e-16
    said = accuracy._row(dataclasses.replace(wrong, precision="1e-11"), list(accuracy.by_formula(wrong)))
    assert said.passes


def test_a_law_without_points_fails_unless_a_reason_is_given() -> None:
    assert not accuracy._row(LAWS["lecun_normal.variance"], []).passes
    assert accuracy.WITHOUT_REFERENCE.keys() <= LAWS.keys()


@pytest.mark.parametrize(
    ("got", "want", "found"), [(1.0, 1.0, 0.0), (np.inf, "1e400", 0.0), (0.0, "1e-320", 0.0), (np.inf, 1.0, np.inf)]
)
def test_relative_error_at_the_ends_of_float64(got: float, want: object, found: float) -> None:
    assert references.relative(got, want) == found


def test_table_names_every_law_and_its_worst_place() -> None:
    law = LAWS["lecun_normal.variance"]
    text = accuracy.markdown([accuracy._row(law, list(accuracy.by_formula(law)))])
    assert "| lecun_normal.variance | " in text
    assert text.startswith("<!-- Generated")
