"""Names that no page was made for: thousands of characters, code points that are none, reserved file names."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Outcome, Run, Verdict
from varlaw.reports import frameworks, html, junit, schema, site
from varlaw.reports.glossary import FAMILIES
from varlaw.reports.pages import LIMIT
from varlaw.reports.shorten import MOST, abridged, cut
from varlaw.reports.site import Library
from varlaw.subjects import registry

LONG = 10_000


@pytest.fixture
def endless(make_run: Callable[..., Run], make_verdict: Callable[..., Verdict]) -> Run:
    """Three hundred violations, each text of which has ten thousand characters."""
    names = [f"{k}{'x' * LONG}" for k in range(300)]
    fields = ("subject", "claim", "statement", "detail", "likely", "reproduction", "replay")
    return make_run(
        [
            make_verdict(
                outcome=Outcome.VIOLATES, ratio=0.5, case={"name": name}, law=name, **dict.fromkeys(fields, name)
            )
            for name in names
        ]
    )


def test_endless_names_make_pages_of_a_readable_size_in_time(endless: Run, tmp_path: Path) -> None:
    start = time.process_time()
    for path in site.write_site([endless], tmp_path, library=Library(laws={})):
        if path.suffix == ".html":
            assert path.stat().st_size <= LIMIT, path
    assert time.process_time() - start < 60


def test_what_is_cut_stays_apart_and_short_texts_stay_whole(endless: Run, run: Run) -> None:
    assert abridged(run) == run
    short = abridged(endless)
    assert len({v.subject for v in short}) == len({v.subject for v in endless})
    assert max(len(v.subject) for v in short) < MOST + 60
    assert cut("a" * LONG) != cut("a" * LONG + "b")
    assert endless.verdicts[0].replay.endswith("x" * 100)
    assert schema.as_recorded(endless).verdicts[0].detail == endless.verdicts[0].detail  # the records keep all


@pytest.mark.parametrize("odd", ["\ufffe", "\uffff", "\ufdd0", "\U0001fffe"])
def test_what_is_no_character_breaks_nothing(
    odd: str, make_run: Callable[..., Run], make_verdict: Callable[..., Verdict]
) -> None:
    """The library that draws the charts ends the whole process when it is given one."""
    odd_run = make_run([make_verdict(subject=f"a{odd}b", outcome=Outcome.VIOLATES, ratio=0.5, detail=odd)])
    page = html.render(odd_run)
    assert odd not in page
    assert odd not in junit.render(odd_run)
    assert f"a{odd.encode('unicode_escape').decode()}b" in page


def test_a_framework_of_ten_thousand_subjects_keeps_what_does_not_conform(
    make_run: Callable[..., Run], make_verdict: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = [make_verdict(subject=f"m{k:05d}.{'q' * 200}") for k in range(10_000)]
    wrong = make_verdict(subject="m99999.wrong", outcome=Outcome.VIOLATES, ratio=0.5)
    monkeypatch.setattr(frameworks, "PARTS", 5)
    parts = frameworks.parts(make_run([*verdicts, wrong]))
    assert [len(part.subjects) for part in parts] == [frameworks.SUBJECTS] * 5
    assert parts[-1].address == "frameworks/torch.5.html"
    page = parts[-1].render()
    assert len(page.encode()) <= LIMIT
    assert "m99999.<wbr>wrong" in page
    assert 'href="torch.4.html"' in page
    assert "more subjects in the records" in page


@pytest.mark.parametrize("name", ["con", "NUL", "..", "../../x", "", "<b>"])
def test_no_framework_names_a_file_that_cannot_be(
    name: str, make_run: Callable[..., Run], make_verdict: Callable[..., Verdict]
) -> None:
    (address,) = [part.address for part in frameworks.parts(make_run([make_verdict(framework=name)]))]
    stem = address.removeprefix("frameworks/").removesuffix(".html")
    assert stem
    assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert stem not in ("con", "nul")


def test_every_family_of_claims_is_explained() -> None:
    claims = {claim.name for subject in registry.select(["*"]) for claim in claims_of(subject)}
    assert {name.partition(".")[0] for name in claims} <= FAMILIES.keys()
