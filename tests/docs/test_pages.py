"""The built documentation: every link leads somewhere, every picture has words, axe-core finds nothing.

Skipped where it is not built: `nox -s docs` first. The check by axe-core also needs Chromium: `nox -s browser`.
"""

import importlib.util
import json
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urldefrag, urlparse

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "_build" / "html"

built = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="not built: nox -s docs")


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"top"}
        self.links: list[str] = []
        self.wordless: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.add(found.get("id") or "")
        self.links += [link for name in ("href", "src") if (link := found.get(name))]
        if tag == "img" and not (found.get("alt") or "").strip():
            self.wordless.append(str(found.get("src")))


@built
def test_every_link_leads_somewhere_and_every_picture_has_words() -> None:
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in SITE.rglob("*.html")}
    assert len(pages) > 20
    wrong = [f"{path.relative_to(SITE)}: {src} has no words" for path, page in pages.items() for src in page.wordless]
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            if urlparse(link).scheme:
                continue
            target = (path.parent / unquote(address.partition("?")[0])).resolve() if address else path
            if not target.exists() or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                wrong.append(f"{path.relative_to(SITE)}: {link} leads nowhere")
    assert not wrong


def test_what_the_theme_leaves_out_is_put_in_once() -> None:
    accessible = _module("accessible", ROOT / "docs" / "accessible.py")
    page = '<article role="main"><pre>x</pre><p class="caption" role="heading">How to</p></article>'
    once = accessible.fixed(page)
    assert 'tabindex="0"' in once
    assert 'aria-level="2"' in once
    assert once.count("<h1>") == 1
    assert accessible.fixed(once) == once


@built
def test_axe_finds_nothing(tmp_path: Path) -> None:
    browser = _module("browser", ROOT / "tests" / "reports" / "browser.py")
    if browser.EXECUTABLE is None or not browser.AXE.exists():
        pytest.skip("needs chromium and axe-core: nox -s browser")
    axe = browser.AXE.read_text(encoding="utf-8")
    rules = "axe.run(document, {resultTypes: ['violations'], preload: false})"
    wrong = {}
    with browser.Page(tmp_path) as page:
        for path in sorted(SITE.glob("*.html")) + sorted((SITE / "_generated").glob("*.html")):
            page.visit(path)
            page.evaluate(f"{axe}; 0")
            found = page.evaluate(f"{rules}.then((r) => r.violations.map((v) => [v.id, v.nodes[0].html]))")
            wrong |= {path.name: found} if found else {}
    assert not wrong, json.dumps(wrong, indent=1)
