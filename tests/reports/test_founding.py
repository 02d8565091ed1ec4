"""The four laws on the first page: a line for each that the run measured, with a picture for each framework."""

import msgspec

from varlaw.claims.verdict import Outcome, Run, RunInfo, Verdict
from varlaw.reports import founding, html
from varlaw.reports.groups import grouped


def _verdict(law: str, framework: str, ratio: float | None = 1.01) -> Verdict:
    return Verdict(
        claim=f"law.{law}", law=law, statement="what it says", subject=f"{framework}.founding", framework=framework,
        version="1.0", op="founding", dtype="float32", device="cpu", case={"q": 2.0}, outcome=Outcome.CONFORMS,
        quantity="mean", expected=1.0, observed=ratio, ratio=ratio, interval=(0.95, 1.06) if ratio else None,
        samples=4096, delta=0.05, alpha=1e-12, beta=1e-3, replay=f"v1:{framework}:{law}",
    )  # fmt: skip


def _run(*verdicts: Verdict) -> Run:
    info = RunInfo(
        varlaw="0.1.0", versions={}, python="3", platform="", cpu="", threads=1, devices=["cpu"], dtypes=["float32"],
        policy="pr", delta=0.05, alpha=1e-12, beta=1e-3, decisions=1, alpha_budget=1e-12, salt="s", targets=[],
        wall_time=0.0,
    )  # fmt: skip
    return Run(run=info, verdicts=list(verdicts))


def test_each_law_has_a_line_with_all_frameworks_that_measured_it() -> None:
    seen = [_verdict(law, framework) for framework in ("numpy", "torch") for law in founding.LAWS]
    found = founding.lines(grouped(seen))
    assert [line.law for line in found] == list(founding.LAWS)
    assert all([platform for platform, _ in line.measured] == ["numpy 1.0", "torch 1.0"] for line in found)


def test_what_was_not_measured_has_no_line() -> None:
    other = msgspec.structs.replace(_verdict("relu.second_moment", "torch"), op="activation")
    assert founding.lines(grouped([other])) == []
    assert founding.lines(grouped([_verdict("relu.second_moment", "torch", None)])) == []
    assert 'id="founding"' not in html.render(_run(other))


def test_the_page_shows_them_with_pictures() -> None:
    page = html.render(_run(*(_verdict(law, "torch") for law in founding.LAWS)))
    section = page.partition('id="founding"')[2].partition("</section>")[0]
    assert section.count('<svg class="strip') == 4
    assert "E relu(z)^2 = E z^2 / 2" in section
    assert "torch 1.0" in section
