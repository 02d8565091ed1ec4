"""The tables agree with each other: every claim names a law of the catalogue, every op has cases, no row is dead."""

import msgspec

from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import MODULES, named, select, subjects
from varlaw.theory import LAWS
from varlaw.verify import deviations

from ..each import each

SUBJECTS = select(["*"])


@each("subject", {subject.name: subject for subject in SUBJECTS})
def test_every_claim_names_a_law_and_has_cases(subject: object) -> None:
    claims = claims_of(subject)  # type: ignore[arg-type]
    assert claims
    for claim in claims:
        assert claim.law in LAWS, claim.law
        assert CASES[claim.op].enumerate(Key("s", "c"), 2)
    assert len({(c.name, c.target) for c in claims}) == len(claims)


def test_names_are_unique_and_begin_with_their_framework() -> None:
    names = [s.name for s in SUBJECTS]
    assert len(set(names)) == len(names)
    for prefix in MODULES:
        assert all(s.name.startswith(prefix + ".") for s in subjects(prefix))
    assert named("torch.nn.Linear") is not None
    assert named("torch.nn.Liner") is None


def test_no_domain_is_dead() -> None:
    of_users = {"clip_adaptive"}  # asked of no framework's row, but of one's own clip
    assert set(CASES) - of_users == {c.op for s in SUBJECTS for c in claims_of(s)}


def test_every_deviation_points_at_a_claim_of_its_framework() -> None:
    targets = [(c.name, c.target, s.framework.name) for s in SUBJECTS for c in claims_of(s)]
    for row in deviations.rows():
        version = row.versions.removeprefix(">=").partition(",")[0] + (f"+{row.backend}" if row.backend else "")
        reached = [t for t in targets if row.foresees(t[0], t[1], version, (row.dtypes or ("float32",))[0])]
        assert reached, row.id
        assert {framework for *_, framework in reached} == {row.framework}, row.id


def test_globs_select_subjects_and_their_tensors() -> None:
    assert [s.name for s in select(["torch.nn.LSTM.bias*"])] == ["torch.nn.LSTM"]
    assert {s.name for s in select(["torch.nn.Conv?d"])} == {f"torch.nn.Conv{d}d" for d in (1, 2, 3)}
    assert not select(["nothing.*"])


def test_cases_are_keyed_and_lawful() -> None:
    for op, cases in CASES.items():
        first, again, other = (cases.enumerate(Key(salt, "cases"), 3) for salt in ("a", "a", "b"))
        assert first == again
        assert op == "gain" or not cases.domain.ranges or first[0] == other[0]  # corners do not depend on the salt
        for case in first:
            if "groups" in case and "in_channels" in case:
                assert case["in_channels"] % case["groups"] == case["out_channels"] % case["groups"] == 0


def test_a_condition_on_a_parameter_that_the_case_lacks_does_not_hold() -> None:
    row = deviations.rows()[0]
    assert not msgspec.structs.replace(row, when="no_such_parameter > 1").applies({"p": 1.0})
    assert msgspec.structs.replace(row, when="p == 1").applies({"p": 1.0})
