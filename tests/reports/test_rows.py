"""What a row shows is of one case, every documented deviation that a run met is shown, and no delta is glossed over."""

import io
import math
import re
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from tests.reports.conftest import DEVIATION
from varlaw.claims.verdict import Deviation, Outcome, Run, Verdict
from varlaw.reports import badge, forms, html, junit, markdown, sarif, terminal
from varlaw.reports.charts import strip
from varlaw.reports.counts import headline
from varlaw.reports.groups import consequence, grouped

Making = Callable[..., Verdict]


def _terminal(run: Run, verbosity: int = 0) -> str:
    stream = io.StringIO()
    terminal.render(run, Console(file=stream, width=140, no_color=True), verbosity=verbosity)
    return " ".join(stream.getvalue().split())


def _findings(run: Run) -> str:
    page = html.render(run)
    return page[page.index('id="findings"') : page.index('id="matrix"')]


FORMS: dict[str, Callable[[Run], str]] = {
    "terminal": _terminal,
    "terminal -v": lambda run: _terminal(run, 1),
    "Markdown": markdown.render,
    "HTML findings": _findings,
    "JUnit": junit.render,
}


@pytest.fixture
def folded(make_verdict: Making, make_run: Callable[..., Run]) -> Run:
    """One row of two cases: the larger one is further from its law, and each has numbers of its own."""
    broken = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None}
    near = make_verdict(
        case={"fan": 2}, ratio=0.9, expected=3.25, observed=2.925, samples=21, replay="v1:near", **broken
    )
    far = make_verdict(case={"fan": 64}, ratio=0.5, expected=4.5, observed=2.25, samples=77, replay="v1:far", **broken)
    return make_run([near, far])


@pytest.mark.parametrize("form", ["terminal", "Markdown", "HTML findings"])
def test_all_that_a_row_shows_is_of_one_case(folded: Run, form: str) -> None:
    text = FORMS[form](folded)
    assert all(word in text for word in ("fan=64", "v1:far", "0.5000", "4.5", "2.25"))
    assert not any(word in text for word in ("fan=2 ", "v1:near", "0.9000", "3.25", "2.925"))


def test_the_worst_of_equals_is_the_smallest_case_and_nan_is_worse_than_any_ratio(make_verdict: Making) -> None:
    off = [make_verdict(outcome=Outcome.VIOLATES, ratio=0.5, case={"n": n}) for n in (9, 2, 5)]
    lost = make_verdict(outcome=Outcome.VIOLATES, ratio=None, observed=None, case={"n": 7})
    assert grouped(off)[0].worst.case == {"n": 2}
    assert grouped([*off, lost])[0].worst is lost


def _known(k: int) -> Deviation:
    return Deviation(id=f"known-{k}", reason=f"because of {k}", link="", ratio=None, range=(0.25, 0.75), versions=">=1")


@pytest.fixture
def documented(make_verdict: Making, make_run: Callable[..., Run]) -> Run:
    """Deviations in rows of their own, behind a worse one, behind a violation, and of a size that cannot be seen."""
    broken = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None}
    return make_run(
        [
            make_verdict(deviation=_known(0), ratio=0.5, **broken),
            make_verdict(deviation=_known(1), ratio=0.7, **broken),
            make_verdict(subject="torch.b", deviation=_known(2), ratio=0.5, **broken),
            make_verdict(subject="torch.b", ratio=0.4, **broken),
            make_verdict(subject="torch.c", deviation=_known(3)),
            make_verdict(subject="torch.d", deviation=_known(4), ratio=None, observed=None, **broken),
            *(make_verdict(subject=f"torch.e{k}", deviation=DEVIATION, ratio=0.6, **broken) for k in range(500)),
        ]
    )


@pytest.mark.parametrize("form", list(FORMS))
def test_every_deviation_that_a_run_met_is_shown(documented: Run, form: str) -> None:
    text = FORMS[form](documented)
    met = {v.deviation.id for v in documented if v.deviation}
    assert {name for name in met if name in text} == met


def test_what_was_foreseen_is_shown_as_a_range(documented: Run) -> None:
    assert "0.25 to 0.75" in _findings(documented)
    assert re.search(r"documented as known-0, 0\.25 to 0\.75 foreseen", _terminal(documented, 1))


def test_a_deviation_whose_size_nobody_measured_is_counted_apart(
    make_verdict: Making, make_run: Callable[..., Run]
) -> None:
    known = [msgspec.structs.replace(_known(k), range=None, sized=False) for k in range(2)]
    off = {"outcome": Outcome.VIOLATES, "ratio": 0.5}
    run = make_run([make_verdict(deviation=_known(3), **off), *(make_verdict(deviation=k, **off) for k in known)])
    assert "1 documented deviation, 2 documented deviations of a size that nobody measured" in headline(run)
    assert "documented as known-0, any size foreseen: because of 0" in " ".join(_terminal(run).split())
    assert "except that of 2 verdicts" in _findings(run)
    assert "any size" in _findings(run)
    apart = "1 deviation, 2 deviation of a size that nobody measured"
    assert apart in junit.render(run)
    assert 'skipped="1"' in junit.render(run)
    assert re.search(r"<skipped message=.deviation: .*ratio 0.5", junit.render(run))
    assert '"deviation of a size that nobody measured": 2' in "\n".join(sarif.lines(run, []))
    assert "1 deviation, 2 deviations not measured" in badge.render(run)
    assert "nobody measured" not in headline(make_run([make_verdict(deviation=_known(3), **off)]))


def test_a_conforming_verdict_of_a_larger_delta_is_counted_apart(
    make_verdict: Making, make_run: Callable[..., Run]
) -> None:
    run = make_run([make_verdict(delta=delta) for delta in (0.05, 0.01, 0.1, 0.99)])
    assert "2 conform, 2 conform to within 10 % to 99 % only" in headline(run)
    assert "conform to within" not in headline(make_run([make_verdict(delta=0.05)]))
    assert "2 of the conforming verdicts only of 10 % to 99 %" in html.render(run)
    apart = "2 conform, 2 conform to within 10 % to 99 % only"
    for form, lines in forms.FORMS.items():
        assert apart in "\n".join(lines(run, [])).replace("%25", "%"), form
    assert "verdicts: 2 conforms, 2 conforms to within 10 % to 99 % only" in junit.render(run)
    assert "2 conform, 2 only to within larger errors" in badge.render(run)


def test_a_number_where_0_is_expected_is_no_lost_signal_but_nan_is(make_verdict: Making) -> None:
    broken = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None, "ratio": None, "claim": "norm.mean"}
    off = make_verdict(subject="torch.off", expected=0.0, observed=0.08, **broken)
    nan = make_verdict(subject="torch.nan", expected=1.0, observed=None, **broken)
    assert [consequence(group) for group in grouped([off, nan])] == [2, 0]


def test_a_framework_that_is_not_there_is_a_line_and_no_row(make_verdict: Making, make_run: Callable[..., Run]) -> None:
    away = make_verdict(
        claim="framework.present", subject="elsewhere", framework="elsewhere", outcome=Outcome.NOT_APPLICABLE,
        detail="elsewhere is not installed",
    )  # fmt: skip
    page = html.render(make_run([make_verdict(), away]))
    assert "elsewhere is not installed" in page
    assert "elsewhere" not in page[page.index('id="glance"') : page.index('id="findings"')]


def test_findings_come_by_what_follows_for_a_user(make_verdict: Making, make_run: Callable[..., Run]) -> None:
    """Lost gradients before weights that are off, those before copies, and the last bits at the end."""
    broken = {"outcome": Outcome.VIOLATES, "interval": None, "certified": None}
    bits = make_verdict(subject="torch.bits", claim="norm.mean", ratio=1 + 1e-5, **broken)
    twins = make_verdict(subject="torch.twins", claim="structure.distinct", ratio=0.0, **broken)
    weights = make_verdict(subject="torch.weights", claim="init.documented", ratio=0.5, **broken)
    lost = make_verdict(subject="torch.lost", claim="clip.norm", ratio=0.0, **broken)
    run = make_run([bits, twins, weights, lost])
    for form in FORMS.values():
        text = form(run)
        places = [text.index(f"torch.{name}") for name in ("lost", "weights", "twins", "bits")]
        assert places == sorted(places) or form is junit.render


@pytest.mark.parametrize(
    ("quantity", "error"),
    [("std", 0.05), ("mean, delta of its root", 0.1025), ("mean, delta of its 4th root", 1.05**4 - 1)],
)
def test_the_band_beside_a_ratio_is_of_what_was_measured(make_verdict: Making, quantity: str, error: float) -> None:
    verdict = make_verdict(quantity=quantity, ratio=1.0, interval=(0.99, 1.01), delta=0.05)
    found = strip(verdict)
    assert verdict.error == pytest.approx(error, rel=1e-12)
    assert found is not None
    assert found["band"][1] == pytest.approx(50 + 50 * math.log1p(error) / math.log(found["reach"]), abs=0.01)


def test_the_counts_of_conforming_verdicts_add_up(make_verdict: Making, make_run: Callable[..., Run]) -> None:
    """A row with a finding holds verdicts that conform; the folded line of the others says how many."""
    rows = [make_verdict(subject=f"torch.nn.L{i}.weight", observed=1.0) for i in range(40)]
    mixed = [make_verdict(subject="torch.nn.M.weight", case={"in": i}, observed=1.0) for i in range(3)]
    bad = make_verdict(subject="torch.nn.M.weight", outcome=Outcome.VIOLATES, case={"in": 9})
    run = make_run([*rows, *mixed, bad])
    assert "43 conform" in headline(run)
    assert "40 verdicts on 40 rows of 40 subjects (-v lists them), and 3 on rows with a finding" in _terminal(run)
    assert "40 subjects conform, and 3 on rows with a finding." in markdown.render(run)
