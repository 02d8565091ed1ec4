"""The power of the engine, measured: every claim against its mutants, and real samplers with the defects of record.

`python tests/meta/power.py DIRECTORY [--runs N] [--policy NAME]` writes power.md and power.json there, and fails when a
mutant survives that the engine claims to see, or when a sampler that is right is called wrong.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))  # a script, beside the tables that it measures

import complexes
import recipes
import test_teeth as teeth
import toy_models
import wholes
from defects import CONTRIVED, CORRECT, RELEASED, Defect
from structured import STRUCTURED

from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.decide import SamplerError
from varlaw.subjects.registry import select
from varlaw.verify.check import check


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """How often one mutant was found, and after how many samples."""

    table: str
    claim: str
    mutant: str
    tried: int
    found: int
    samples: float | None  # median, where found; null where no sample is drawn or none is found
    worst: int | None
    unseen: str = ""  # why the engine does not claim to see it; "" where it does

    @property
    def survived(self) -> bool:
        """Whether this breaks a promise: one that should always be found was not."""
        return not self.unseen and self.found < self.tried


Hit = tuple[str, str, str, bool, int, str]  # table, claim, mutant, found, samples, unseen


# -- claims ------------------------------------------------------------------------------------------------------------


def _weights(policy: Policy) -> Iterator[Hit]:
    """Every tensor with a statistical promise, drawn from its law and from every wrong one."""
    for parameters in teeth.statistical_claims():
        subject, tensor, name = parameters.values
        case, law, wrong = teeth.law_and_mutants(subject, tensor, name)
        for mistake, drawn in {"(the law itself)": law, **wrong}.items():
            claim = teeth.drawn_claim(subject, tensor, name, drawn)
            finding = claim.judge(teeth._trial(claim, case, policy=policy))
            right = drawn is law
            apart = right or teeth.told_apart(law, drawn, policy)
            found = (finding.outcome == "CONFORMS") is right
            table = "correct" if right else "claims"
            yield table, name, mistake, found, finding.samples, "" if apart else "closer to the law than delta"


def _exact(policy: Policy) -> Iterator[Hit]:
    """Norms, structure and clipping with a mistake, and the other tests of teeth as they are."""
    for subject in teeth._NORMS:
        for name, (claim, wrong) in teeth.wrong_norms(subject).items():
            yield "claims", claim, name, "VIOLATES" in teeth.outcomes(wrong, claim), 0, ""
    for name, (claim, _, wrong) in teeth.wrong_structures().items():
        yield "claims", claim, name, "VIOLATES" in teeth.outcomes(wrong, claim, "float64", policy), 0, ""
    for name, (claim, wrong) in teeth.wrong_clips().items():
        yield "claims", claim, name, "VIOLATES" in teeth.outcomes(wrong, claim, "float64"), 0, ""
    for name, (claim, dtype, wrong) in {**recipes.WRONG, **wholes.WRONG, **complexes.WRONG}.items():
        yield "claims", claim, name, "VIOLATES" in teeth.outcomes(wrong, claim, dtype, policy), 0, ""
    for name, (claim, built) in toy_models.WRONG.items():
        yield "claims", claim, name, toy_models.finding_of(built(), claim).outcome == "VIOLATES", 0, ""
    for test, claim in _OTHERS.items():
        yield "claims", claim, test.__name__.removeprefix("test_").replace("_", " "), _passes(test), 0, ""


_OTHERS = {
    teeth.test_exact_tensors_violate_when_one_entry_is_off: "init.documented",
    teeth.test_zeros_of_a_sparse_matrix_are_counted: "init.zeros",
    teeth.test_a_box_one_ulp_too_wide_violates: "clip.value",
    teeth.test_running_statistics_that_stop_violate: "norm.running_steps",
}


def _passes(test: Any) -> bool:
    try:
        test()
    except AssertionError:
        return False
    return True


def untried(rows: Iterable[Row]) -> list[str]:
    """The claims of the registry that no mutant was held against."""
    tried = {row.claim for row in rows}
    return sorted({c.name for s in select(["*"]) for c in claims_of(s)} - tried)


# -- samplers ----------------------------------------------------------------------------------------------------------


def _samplers(defects: Sequence[Defect], table: str, policy: Policy, runs: int) -> Iterator[Hit]:
    for defect in defects:
        for run in range(runs):
            outcome, samples = _checked(defect, policy, f"power-{run}")
            found = outcome == ("CONFORMS" if table == "correct" else "VIOLATES")
            yield table, "check", defect.name, found, samples, defect.unseen


def _checked(defect: Defect, policy: Policy, salt: str) -> tuple[str, int]:
    risk = {"delta": policy.delta, "alpha": policy.alpha, "beta": policy.beta}
    try:
        verdict = check(defect, defect.law, shape=defect.shape, salt=salt, name=defect.name, **risk)
    except SamplerError:
        return "VIOLATES", 0
    return str(verdict.outcome), verdict.samples


SAMPLERS = {"released": RELEASED, "contrived": CONTRIVED, "structured": STRUCTURED, "correct": CORRECT}


# -- the table ---------------------------------------------------------------------------------------------------------


def measured(policy: Policy, runs: int, *, claims: bool = True) -> list[Row]:
    """Every row, in the order of the report."""
    hits = [*_weights(policy), *_exact(policy)] if claims else []
    for table, defects in SAMPLERS.items():
        hits += _samplers(defects, table, policy, runs)
    groups: dict[tuple[str, str, str, str], list[Hit]] = defaultdict(list)
    for hit in hits:
        table, claim, mutant, _, _, unseen = hit
        groups[table, claim, mutant, unseen].append(hit)
    return [_row(key, group) for key, group in groups.items()]


def _row(key: tuple[str, str, str, str], group: list[Hit]) -> Row:
    table, claim, mutant, unseen = key
    samples = [n for _, _, _, found, n, _ in group if found and n]
    return Row(
        table=table, claim=claim, mutant=mutant, unseen=unseen, tried=len(group), found=sum(hit[3] for hit in group),
        samples=statistics.median(samples) if samples else None, worst=max(samples, default=None),
    )  # fmt: skip


_TITLES = {
    "released": "Defects of released frameworks",
    "contrived": "Contrived samplers",
    "structured": "Samplers whose entries are right one by one, and wrong together",
    "claims": "Claims and their mutants",
    "correct": "Samplers that are right (found = called CONFORMS)",
}


def markdown(rows: list[Row], policy: Policy) -> str:
    """The rows as Markdown, survivors first."""
    risk = f"delta {policy.delta:g}, alpha {policy.alpha:g}, beta {policy.beta:g} per decision"
    parts = [f"# Power\n\nPolicy {policy.name}: {risk}. Samples: median and largest number of scalars to the verdict."]
    survivors = [row for row in rows if row.survived]
    parts.append(f"Survivors: {_names(survivors) or 'none'}.")
    parts.append(f"Claims without a mutant here: {', '.join(untried(rows)) or 'none'}.")
    for table, title in _TITLES.items():
        lines = [_line(row) for row in rows if row.table == table]
        if lines:
            head = "| claim | mutant | found | of | median samples | largest | remark |\n|---|---|---|---|---|---|---|"
            parts.append(f"## {title}\n\n{head}\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _names(rows: list[Row]) -> str:
    return "; ".join(f"{row.mutant} ({row.claim}, {row.found} of {row.tried})" for row in rows)


def _line(row: Row) -> str:
    samples = ["" if x is None else f"{x:,.0f}" for x in (row.samples, row.worst)]
    remark = "**survives**" if row.survived else f"not claimed: {row.unseen}" if row.unseen else ""
    return f"| {row.claim} | {row.mutant} | {row.found} | {row.tried} | {samples[0]} | {samples[1]} | {remark} |"


def main() -> None:
    """Measure, write, and leave with 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=20, help="decisions per sampler, each on another salt")
    parser.add_argument("--policy", default="nightly", choices=POLICIES)
    parser.add_argument("--samplers-only", action="store_true", help="leave out the claims")
    options = parser.parse_args()
    policy = POLICIES[options.policy]
    rows = measured(policy, options.runs, claims=not options.samplers_only)
    options.directory.mkdir(parents=True, exist_ok=True)
    (options.directory / "power.md").write_text(markdown(rows, policy), encoding="utf-8")
    record = {"policy": policy, "rows": rows, "untried": untried(rows)}
    (options.directory / "power.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
    survivors = [row for row in rows if row.survived]
    print(f"{len(rows)} rows, {len(survivors)} survivors: {options.directory / 'power.md'}")
    if survivors:
        sys.exit(_names(survivors))


if __name__ == "__main__":
    main()
