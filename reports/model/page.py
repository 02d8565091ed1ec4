"""A model's report as one page that loads nothing, and as a fragment for notebooks."""

from markupsafe import escape

from varlaw.diagnose.records import Finding, ModelRecord
from varlaw.reports.model import charts, text
from varlaw.reports.pages import responsive, template

_COLOURS = {"VIOLATES": "v", "UNDECIDED": "u", "NOTE": "d", "NOT_APPLICABLE": "n"}


def render(record: ModelRecord) -> str:
    """The page: what is wrong with cause and remedy, signals and gradients by depth, the table."""
    pictures = [
        (caption, drawn)
        for caption, spec in (
            (
                "What each operation made; tick and bar: what its own input foresees; dashes: theory from the start.",
                charts.profile(record.rows),
            ),
            ("The gradient at each output.", charts.profile(record.rows, gradient=True)),
            ("The first loss.", charts.loss_ruler(record)),
        )
        if spec and (drawn := responsive(spec))
    ]
    return template("model.html.j2").render(
        record=record, verdict=_verdict(record), pictures=pictures, state=state_of, number=number,
        marked={i for row in record.rows for i in row.findings},
    )  # fmt: skip


def fragment(record: ModelRecord) -> str:
    """The report as text in a block of HTML: what a notebook shows."""
    return f"<pre>{escape(text.render(record))}</pre>"


def state_of(finding: Finding) -> str:
    """The class of the style sheet by which a finding is coloured."""
    return _COLOURS.get(finding.outcome, "c")


def _verdict(record: ModelRecord) -> str:
    wrong = [f for f in record.findings if f.outcome == "VIOLATES"]
    if not wrong:
        return "Nothing is wrong by law in what was seen"
    return "1 thing is wrong by law" if len(wrong) == 1 else f"{len(wrong)} things are wrong by law"


def number(value: float | None, digits: int = 3) -> str:
    """A number in a table; nothing where there is none."""
    return "" if value is None else f"{value:.{digits}g}"
