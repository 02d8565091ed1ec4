"""Advice as one page that loads nothing: what is wrong, what to do and why, what was tried, the way on both sides."""

from collections.abc import Sequence

from varlaw.diagnose.advising.records import AdviceRecord, Depth, Trial
from varlaw.diagnose.records import Diagnosis
from varlaw.reports.model import advice, charts, page
from varlaw.reports.pages import responsive, template

_SAYS = "{}: what each operation made (broad), theory from the input (dashes), and where 99.9 % of draws lie (bars)."
_OUTCOMES = {"REMOVES": "c", "DOES_NOT": "v", "UNDECIDED": "u", "REFUSED": "n"}


def render(record: AdviceRecord, diagnoses: Sequence[Diagnosis]) -> str:
    """The page; `diagnoses` are those of its findings."""
    stages = ("before", "after") if record.changes else ("before",)
    drawn = [(_SAYS.format(stage.capitalize()), charts.way(record.depths, stage)) for stage in stages]
    drawn.append(
        (
            "The gradient at each output, relative to the last map's: before (dashes) and after (broad line).",
            charts.gradients(record.depths, stages),
        )
    )
    return template("advice.html.j2").render(
        record=record, verdict=advice.verdict(record),
        pictures=[(c, p) for c, s in drawn if s and (p := responsive(s))],
        state=page.state_of, number=page.number, tried=_tried, losses=advice.losses, change=_change,
        groups=[(advice.names_of(g), advice.law_of(g), g[0]) for g in advice.grouped(record.changes)],
        diagnoses=diagnoses,
    )  # fmt: skip


def _tried(trial: Trial) -> str:
    """The class of the style sheet by which a trial is coloured."""
    return _OUTCOMES[trial.outcome]


def _change(row: Depth) -> float | None:
    """How many times its old size a gradient is."""
    return row.gradient_after / row.gradient_before if row.gradient_after and row.gradient_before else None
