"""The page in a real browser, from disk, without a network: no error, no request, and everything can be used."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from varlaw.claims.verdict import Run
from varlaw.reports import site
from varlaw.reports.benchmarks import Measured, Pair, Times
from varlaw.reports.defaults import Default, Defaults, Move, Version, VersionChange
from varlaw.reports.folklore import FolkText
from varlaw.reports.lawbook import LawText

from .browser import AXE, EXECUTABLE, Page, violations

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no chromium here: apt-get install chromium")

READY = "document.documentElement.dataset.ready === 'yes'"
SHOWN = "[...document.querySelectorAll('.row:not([hidden]) th')].map((e) => e.textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with Page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def opened(browser: Page, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Run], Page]:
    def opened(run: Run) -> Page:
        directory = tmp_path_factory.mktemp("report")
        site.write_all(run, directory)
        browser.events.clear()
        browser.visit(directory / "index.html")
        browser.wait(READY)
        return browser

    return opened


def type_into_search(page: Page, text: str) -> None:
    page.evaluate(f"document.querySelector('#search').value = {text!r}")
    page.evaluate("document.querySelector('#search').dispatchEvent(new Event('input'))")


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_no_error_and_no_request(name: str, opened: Callable[[Run], Page], request: pytest.FixtureRequest) -> None:
    page = opened(request.getfixturevalue(name))
    page.evaluate("for (const b of [...document.querySelectorAll('[data-cell]')].slice(0, 20)) b.click()")
    assert page.named("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown") == []
    requests = [e["request"]["url"] for e in page.named("Network.requestWillBeSent")]
    assert len(requests) == 1, requests  # the page itself
    assert page.named("Page.javascriptDialogOpening") == []


def test_search_and_filter(opened: Callable[[Run], Page], run: Run) -> None:
    page = opened(run)
    assert len(page.evaluate(SHOWN)) == 7
    type_into_search(page, "convtranspose fan_in")
    assert page.evaluate(SHOWN) == ["torch.nn.ConvTranspose2d.weight"]
    type_into_search(page, "bfloat16")
    assert set(page.evaluate(SHOWN)) == {"torch.nn.ConvTranspose2d.weight", "torch.nn.Linear.weight"}
    type_into_search(page, "nothing like it")
    assert page.evaluate(SHOWN) == []
    type_into_search(page, "")
    page.evaluate("document.querySelector('.pick.u').click()")
    assert page.evaluate(SHOWN) == ["torch.nn.Bilinear.bias"]
    page.evaluate("document.querySelector('.pick.d').click()")
    assert set(page.evaluate(SHOWN)) == {"torch.nn.Bilinear.bias", "torch.nn.Linear"}
    assert page.evaluate("document.querySelector('#shown').textContent") == "2 of 7 rows match"


def test_sort(opened: Callable[[Run], Page], run: Run) -> None:
    page = opened(run)
    first = "document.querySelector('.matrix .row th').textContent"
    assert page.evaluate(first) == "torch.nn.ConvTranspose2d.weight"
    page.evaluate("document.querySelector('#sort').value = 'name'")
    page.evaluate("document.querySelector('#sort').dispatchEvent(new Event('change'))")
    assert page.evaluate(first) == "torch.nn.Bilinear.bias"


def test_a_cell_opens_its_evidence_with_the_keyboard(opened: Callable[[Run], Page], run: Run) -> None:
    page = opened(run)
    page.evaluate("document.querySelector('.row [data-cell]').focus()")
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.evaluate("document.querySelector('#panel').open")
    text = page.evaluate("document.querySelector('#panel').innerText")
    for phrase in ("torch.nn.ConvTranspose2d.weight", "[0.4980, 0.5020]", "fan_out taken for fan_in", "varlaw replay"):
        assert phrase in text
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="Escape", code="Escape", windowsVirtualKeyCode=27)
    assert not page.evaluate("document.querySelector('#panel').open")
    assert page.evaluate("document.activeElement.dataset.cell") is not None  # focus is where it was


def test_hostile_text_shows_as_text(opened: Callable[[Run], Page], hostile_run: Run) -> None:
    page = opened(hostile_run)
    assert "<script>alert(1)</script>" in page.evaluate("document.body.innerText")
    page.evaluate("document.querySelector('.row [data-cell]').click()")
    assert page.evaluate("document.querySelectorAll('script').length") == 5  # the evidence, and four of ours
    assert page.evaluate("[...document.querySelectorAll('a')].every((a) => /^(https:|file:)/.test(a.href))")


def test_ten_thousand_verdicts_stay_usable(opened: Callable[[Run], Page], large_run: Run) -> None:
    page = opened(large_run)
    spent = page.evaluate(
        "(() => { const s = document.querySelector('#search'), t = performance.now(); s.value = 'Layer0420';"
        "s.dispatchEvent(new Event('input')); return performance.now() - t; })()"
    )
    assert page.evaluate(SHOWN) == ["torch.nn.Layer0420.weight"] * len(page.evaluate(SHOWN))
    assert spent < 2000  # milliseconds, on a busy machine
    page.evaluate("document.querySelector('.row:not([hidden]) [data-cell]').click()")
    assert "Layer0420" in page.evaluate("document.querySelector('#panel').innerText")


def test_an_old_browser_says_what_it_cannot_do(browser: Page, large_run: Run, tmp_path: Path) -> None:
    site.write_all(large_run, tmp_path)
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream")
    try:
        browser.visit(tmp_path / "index.html")
        browser.wait("document.querySelector('#matrix .warning') !== null")
        assert browser.evaluate("document.querySelector('.tools').hidden")
        assert "too old" in browser.evaluate("document.querySelector('#matrix .warning').textContent")
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_conforming_rows_unfold(opened: Callable[[Run], Page], large_run: Run) -> None:
    page = opened(large_run)
    folded = len(page.evaluate(SHOWN))
    page.evaluate("document.querySelector('.more').click()")
    unfolded = len(page.evaluate(SHOWN))
    assert folded < unfolded
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(page.evaluate(SHOWN)) == page.evaluate("document.querySelectorAll('.row').length") > unfolded


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_nothing_is_wider_than_a_phone(
    name: str, opened: Callable[[Run], Page], request: pytest.FixtureRequest
) -> None:
    page = opened(request.getfixturevalue(name))
    page.send("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=False)
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
    finally:
        page.send("Emulation.clearDeviceMetricsOverride")


def test_the_findings_need_no_script(browser: Page, run: Run, tmp_path: Path) -> None:
    site.write_all(run, tmp_path)
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.visit(tmp_path / "index.html")
        text = browser.evaluate("document.body.innerText")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    for phrase in ("fan_out taken for fan_in", "need JavaScript", "pytorch/pytorch#57109", "varlaw replay"):
        assert phrase in text


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm install axe-core, or name its file in VARLAW_AXE")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("panel", [False, True])
def test_accessibility(scheme: str, panel: bool, opened: Callable[[Run], Page], run: Run) -> None:
    page = opened(run)
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    if panel:
        page.evaluate("document.querySelector('.row [data-cell]').click()")
    assert violations(page) == []


@pytest.fixture(scope="module")
def whole(run: Run, hostile_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with pages of every kind."""
    law = LawText(
        **{name: name for name in ("title", "quantity", "formula", "kind", "derivation", "source", "statistic")},
        name="uniform.variance",
        domain=(("bound", "a number > 0"),),
        hypotheses=("none",),
        aliases=("Boxy",),
        parameter="bound",
        curve=tuple((k / 10, (k / 10) ** 2 / 3) for k in range(1, 40)),
    )
    claims = [
        FolkText(claim=c, finding=c, law=law.name, case={"q": 1.0}, popular=0.5, number=0.34, truth="<b>halved</b>")
        for c in ("refuted", "corrected", "confirmed")
    ]
    times = Times(1e-3, 1.1e-3, 1.2e-3)
    pairs = tuple(Pair(f"pair {k}", 2**k, 1.0, times, times, "x" * 200) for k in range(10, 22, 3))
    found = [Version(title=f"torch {k}", defaults=(Default(name="w", law="Normal(1)", known=True),)) for k in (1, 2)]
    versions = [replace(v, failed=(("w", "RuntimeError: " + "x" * 300),)) for v in found]
    move = Move(kind="moved", name="torch.nn.Linear.weight", before="Normal(1)", after="Normal(2)", scale="std x2")
    change = VersionChange(old="torch 1", new="torch 2", summary="1 law compared", moves=(move,))
    library = site.Library(
        laws={law.name: law},
        folklore=claims,
        defaults=Defaults(versions=versions, changes=[change]),
        benchmarks=[Measured(pairs=pairs, singles=(), growths=(), cpu="CPU", commit="0" * 40, when="2026-11-22")],
    )
    directory = tmp_path_factory.mktemp("whole")
    site.write_site([run, hostile_run], directory, library=library, pointer=True)
    return directory


def test_no_other_page_is_wider_than_a_phone(browser: Page, whole: Path) -> None:
    browser.send("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=False)
    try:
        for page in sorted(whole.rglob("*.html")):
            browser.visit(page)
            assert browser.evaluate("document.documentElement.scrollWidth") <= 400, page.name
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")


def test_rows_are_cards_on_a_phone(browser: Page, whole: Path) -> None:
    browser.send("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    try:
        browser.visit(whole / "index.html")
        browser.wait(READY)
        assert browser.evaluate("[...document.querySelectorAll('.board')].every((d) => !d.open)")
        assert browser.evaluate("getComputedStyle(document.querySelector('.known td')).display") == "flow-root"
        assert browser.evaluate("document.querySelector('.known tbody td').dataset.label") == "Law"
        assert browser.evaluate("document.querySelector('#chart figure').getBoundingClientRect().width") == 0
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")


def test_paper_holds_the_whole_matrix(opened: Callable[[Run], Page], run: Run) -> None:
    page = opened(run)
    page.send("Emulation.setDeviceMetricsOverride", width=718, height=1000, deviceScaleFactor=1, mobile=False)
    page.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
    finally:
        page.send("Emulation.setEmulatedMedia", media="")
        page.send("Emulation.clearDeviceMetricsOverride")


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm install axe-core, or name its file in VARLAW_AXE")
def test_accessibility_of_the_other_pages(browser: Page, whole: Path) -> None:
    browser.events.clear()
    pages = sorted(p.relative_to(whole).as_posix() for p in whole.rglob("*.html"))
    assert {"charts.html", "folklore.html", "laws/uniform.variance.html", "frameworks/torch.html"} < set(pages)
    assert {"search.html", "deviations/index.html", "deviations/torch.linear.sqrt5.html"} < set(pages)
    assert {"benchmarks.html", "defaults/torch-1.html", "defaults/torch-1-to-torch-2.html"} < set(pages)
    try:
        for width, scheme in ((1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")):
            browser.send(
                "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
            )
            browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            for page in pages:
                browser.visit(whole / page)
                if page == "charts.html":
                    browser.wait(READY)
                    assert browser.evaluate("document.querySelectorAll('.live svg.marks').length") == 2
                assert violations(browser) == [], (page, width, scheme)
                assert browser.evaluate("document.documentElement.scrollWidth") <= width, (page, width)
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")
    assert browser.named("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown") == []
    assert len(browser.named("Network.requestWillBeSent")) == 4 * len(pages)


def told(browser: Page, page: Path) -> str:
    """The text of a page that is as wide as its window, wide or narrow, loads nothing, and reports no error."""
    browser.events.clear()
    for width in (1280, 400):
        browser.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        try:
            browser.visit(page)
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
        finally:
            browser.send("Emulation.clearDeviceMetricsOverride")
    assert browser.named("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown") == []
    assert browser.named("Page.javascriptDialogOpening") == []
    assert len(browser.named("Network.requestWillBeSent")) == 2  # the page itself, twice
    if AXE.exists():
        assert violations(browser) == []
    text: str = browser.evaluate("document.body.innerText")
    return text


def test_the_page_of_a_model(browser: Page, tmp_path: Path) -> None:
    from torch import nn

    from tests.diagnose.models import batch, classify, dense
    from varlaw import check_model

    model = nn.ModuleDict({"<script>alert(1)</script>": dense(20, lambda w: None)})
    model.forward = lambda x: next(iter(model.values()))(x)  # type: ignore[method-assign,assignment]
    check_model(model, batch("vector"), classify).html(tmp_path / "index.html")
    text = told(browser, tmp_path / "index.html")
    for phrase in ("gradient.shrinks", "<script>alert(1)</script>.0", "initialise by law"):
        assert phrase in text
    assert browser.evaluate("document.querySelectorAll('svg').length") >= 2


def test_the_page_of_advice(browser: Page, tmp_path: Path) -> None:
    """From the record of a model whose residual scale is forgotten, with a trial, under a hostile name."""
    from varlaw.diagnose.advising.records import AdviceRecord
    from varlaw.diagnose.symptoms import diagnoses
    from varlaw.reports.model import advice_page

    path = Path(__file__).parent / "data" / "advise.json"
    record = msgspec.json.decode(path.read_bytes(), type=AdviceRecord)
    page = tmp_path / "index.html"
    hostile = msgspec.structs.replace(record, name="<script>alert(1)</script>")
    page.write_text(advice_page.render(hostile, diagnoses([*record.symptoms, *record.untreated])))
    text = told(browser, page)
    trial, choice = record.trials[0], record.changes[0]
    for phrase in ("<script>alert(1)</script>: ", trial.says, choice.reason, choice.source, record.code.split()[-1]):
        assert phrase in text
    shown = "[...document.querySelectorAll('svg')].filter((e) => e.getBoundingClientRect().width).length"
    assert browser.evaluate(shown) == 3  # of each picture there is one for telephones, too


def go(page: Page, expression: str, until: str) -> None:
    """From a timer: a page that is left while it is asked has no answer."""
    page.evaluate(f"setTimeout(() => {{ {expression} }}, 0); 0")
    page.wait(until)


def back(page: Page, until: str) -> None:
    """One step of the browser's way back, done on both sides of the browser: two at once would be one."""
    before = page.send("Page.getNavigationHistory")["currentIndex"]
    go(page, "history.back()", until)
    for _ in range(500):
        if page.send("Page.getNavigationHistory")["currentIndex"] < before:
            return
        time.sleep(0.02)
    raise AssertionError(until)


def test_the_search_of_any_page_finds_laws_subjects_and_findings(browser: Page, whole: Path) -> None:
    browser.events.clear()
    browser.visit(whole / "laws" / "uniform.variance.html")
    searches = {"uniform": "uniform.variance", "boxy": "uniform.variance", "third of": "uniform.variance",
                "sqrt5": "torch.linear.sqrt5", "convtr": "torch.nn.ConvTranspose2d.weight",
                "halved": "refuted"}  # fmt: skip
    for words, expected in searches.items():
        browser.evaluate(f"document.querySelector('#find').value = {words!r}")
        browser.evaluate("document.querySelector('#find').dispatchEvent(new Event('input'))")
        browser.wait(f"[...document.querySelectorAll('.hits .hit code')].some((e) => e.textContent === {expected!r})")
    assert len(browser.named("Network.requestWillBeSent")) == 3  # the page, its font, and the index for who searches
    go(browser, "document.querySelector('.find').requestSubmit()", "location.pathname.endsWith('folklore.html')")
    browser.visit(whole / "search.html")
    go(
        browser,
        "location.hash = '#q=sqrt5'",
        "document.querySelector('#results code')?.textContent === 'torch.linear.sqrt5'",
    )
    go(
        browser,
        "document.querySelector('#results a').click()",
        "document.querySelector('h1')?.textContent === 'torch.linear.sqrt5'",
    )
    back(browser, "location.hash === '#q=sqrt5' && document.querySelector('#results code') !== null")


def test_every_finding_and_filter_has_an_address(run: Run, tmp_path: Path) -> None:
    site.write_all(run, tmp_path / "report")
    with Page(tmp_path / "profile") as page:  # one that has been nowhere yet: a tab remembers fifty addresses
        page.visit(tmp_path / "report" / "index.html")
        page.wait(READY)
        page.evaluate("history.pushState(null, '', location.pathname)")
        type_into_search(page, "convtr")
        assert page.evaluate("location.hash") == "#q=convtr"
        go(
            page,
            "document.querySelector('.row:not([hidden]) [data-cell]').click()",
            "document.querySelector('#panel').open",
        )
        address = page.evaluate("location.hash")
        assert address == "#evidence/torch%202.13.0/torch.nn.ConvTranspose2d.weight/init.fan_in"
        back(page, "!document.querySelector('#panel').open && location.hash === '#q=convtr'")
        assert page.evaluate(SHOWN) == ["torch.nn.ConvTranspose2d.weight"]
        back(page, f"location.hash === '' && {SHOWN}.length === 7")
        go(page, f"location.hash = {address!r}", "document.querySelector('#panel').open")
        go(page, "document.querySelector('.close').click()", "location.hash === ''")
        go(page, "location.hash = '#show=u'", f"{SHOWN}.length === 1")
        go(page, "location.hash = '#finding/torch.linear.sqrt5'", f"{SHOWN}.length === 1 && scrollY > 0")
        page.evaluate("document.querySelector('.card').open = false")
        card = page.evaluate("document.querySelector('.card').id")
        go(page, f"location.hash = '#' + {card!r}", "document.querySelector('.card').open")
        go(
            page,
            "location.hash = '#finding/nobody'",
            "document.querySelector('#shown').textContent.includes('not on this page')",
        )


def test_an_address_with_a_question_mark_filters_every_page(browser: Page, whole: Path) -> None:
    shown = {
        "index.html": "[...document.querySelectorAll('.row:not([hidden]) th')]",
        "frameworks/torch.html": "[...document.querySelectorAll('.units tbody:not([hidden]) th')]",
        "search.html": "[...document.querySelectorAll('#results code')]",
    }
    for address, found in shown.items():
        browser.send("Page.navigate", url=f"{(whole / address).resolve().as_uri()}?q=convtr+weight")
        browser.wait(f"document.readyState === 'complete' && {found}.length === 1")
        assert browser.evaluate(f"{found}[0].textContent") == "torch.nn.ConvTranspose2d.weight", address


def test_a_long_page_can_be_filtered(browser: Page, whole: Path) -> None:
    browser.visit(whole / "frameworks" / "torch.html")
    shown = "[...document.querySelectorAll('.units tbody:not([hidden]) th')].map((e) => e.textContent)"
    go(browser, "location.hash = '#q=convtr'", f"{shown}.length === 1")
    assert browser.evaluate(shown) == ["torch.nn.ConvTranspose2d.weight"]
    back(browser, f"{shown}.length > 1")
