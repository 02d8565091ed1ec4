"""The page in a real browser, from disk, without a network: no error, no request, and everything can be used."""

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from varlaw.reports import site
from varlaw.reports.folklore import FolkText
from varlaw.reports.lawbook import LawText
from varlaw.verify.verdict import Run

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
PATIENCE = 60.0  # seconds for one answer; a machine may be busy
AXE = Path(os.environ.get("VARLAW_AXE", "node_modules/axe-core/axe.min.js"))

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no chromium here: apt-get install chromium")

READY = "document.documentElement.dataset.ready === 'yes'"
SHOWN = "[...document.querySelectorAll('.row:not([hidden]) th')].map((e) => e.textContent)"


class Page:
    """One tab: `visit` a file, `evaluate` JavaScript; `events` keeps all that the browser reported meanwhile."""

    def __init__(self, profile: Path, *, width: int = 1280, height: int = 900) -> None:
        assert EXECUTABLE is not None
        self.events: list[dict[str, Any]] = []
        self._last, self._buffer = 0, b""
        reading, self._out = os.pipe()
        self._in, writing = os.pipe()
        size = f"--window-size={width},{height}"
        command = [EXECUTABLE, *FLAGS, size, f"--user-data-dir={profile}", "about:blank"]
        # The protocol fixes descriptors 3 and 4, which a shell redirects without a fork in Python.
        wrapped = ["bash", "-c", f'exec "$@" 3<&{reading} 4>&{writing}', "chromium", *command]
        self._process = subprocess.Popen(
            wrapped, pass_fds=(reading, writing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(reading)
        os.close(writing)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    _session: str | None = None

    def __enter__(self) -> "Page":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._out)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (found := self._next()).get("id") != self._last:
            self.events.append(found)
        if "error" in found:
            msg = f"{method}: {found['error']}"
            raise RuntimeError(msg)
        result: dict[str, Any] = found["result"]
        return result

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                msg = "the browser does not answer"
                raise TimeoutError(msg)
            received = os.read(self._in, 1 << 20)
            if not received:
                msg = "the browser is gone"
                raise RuntimeError(msg)
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def visit(self, path: Path) -> None:
        """Open a file and wait until its script says that it is ready."""
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            time.sleep(0.02)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            msg = f"{expression}: {answer['exceptionDetails']}"
            raise RuntimeError(msg)
        return answer["result"].get("value")

    def named(self, *methods: str) -> list[dict[str, Any]]:
        """The parameters of the events of some kinds, so far."""
        return [event["params"] for event in self.events if event.get("method") in methods]


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
    assert page.evaluate("document.querySelectorAll('script').length") == 2
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


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm install axe-core, or name its file in VARLAW_AXE")
def test_accessibility_of_the_other_pages(browser: Page, run: Run, hostile_run: Run, tmp_path: Path) -> None:
    law = LawText(
        **{name: name for name in ("title", "quantity", "formula", "kind", "derivation", "source", "statistic")},
        name="uniform.variance",
        domain=(("bound", "a number > 0"),),
        hypotheses=("none",),
        parameter="bound",
        curve=tuple((k / 10, (k / 10) ** 2 / 3) for k in range(1, 40)),
    )
    claims = [
        FolkText(claim=c, finding=c, law=law.name, case={"q": 1.0}, popular=0.5, number=0.34, truth="<b>halved</b>")
        for c in ("refuted", "corrected", "confirmed")
    ]
    site.write_site(
        [run, hostile_run], tmp_path, library=site.Library(laws={law.name: law}, folklore=claims), pointer=True
    )
    browser.events.clear()
    pages = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.html"))
    assert {"charts.html", "folklore.html", "laws/uniform.variance.html", "frameworks/torch.html"} < set(pages)
    for page in pages:
        browser.visit(tmp_path / page)
        if page == "charts.html":
            browser.wait(READY)
            assert browser.evaluate("document.querySelectorAll('.live svg.marks').length") == 2
        assert violations(browser) == [], page
    assert browser.named("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown") == []
    assert len(browser.named("Network.requestWillBeSent")) == len(pages)


def violations(page: Page) -> list[list[str]]:
    """What axe-core finds wrong with a page: the rule and the elements."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found: list[list[str]] = page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    return found
