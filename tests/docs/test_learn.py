"""The pages to learn from: each has its picture, command, laws and folklore; pictures are the same bytes."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from varlaw.diagnose.signals import TABLE
from varlaw.diagnose.symptoms import REMEDIES, SYMPTOMS
from varlaw.theory.catalogue import LAWS
from varlaw.theory.folklore import CLAIMS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [p for p in sorted((DOCS / "learn").glob("*.md")) if p.stem not in ("index", "questions")]


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The build's own module, as docs/conf.py finds it, and only here."""
    names = {path.stem for path in DOCS.glob("*.py")}
    monkeypatch.syspath_prepend(DOCS)
    import learning

    yield learning
    for name in names & set(sys.modules):
        del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_has_all_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert text.split("\n", 1)[0].endswith("?")
    assert re.search(rf"!\[[^\]]+\]\(\.\./_generated/pictures/learn-{page.stem}\.svg\)", text)
    assert "```console\n$ varlaw " in text or "```python" in text
    laws = re.findall(r"\{ref\}`([a-z0-9_.]+) <law-", text)
    assert laws
    assert set(laws) <= set(LAWS)
    said = {f"{c.claim} <folklore-{c.slug.replace('_', '-')}>" for c in CLAIMS}
    folklore = re.findall(r"\{ref\}`([^`]* <folklore-[^`]*>)`", text)
    assert folklore
    assert set(folklore) <= said


def test_there_is_a_picture_for_every_page_and_a_place_in_the_contents(learning: ModuleType) -> None:
    assert set(learning.PICTURES) == {p.stem for p in PAGES}
    listed = re.findall(r"^([a-z-]+)$", (DOCS / "learn" / "index.md").read_text(), re.MULTILINE)
    assert [name for name in listed if name != "questions"] == list(learning.PICTURES)


def test_pictures_are_the_same_numbers_each_time(learning: ModuleType) -> None:
    for chart in learning.PICTURES.values():
        assert json.dumps(chart(), allow_nan=False) == json.dumps(chart(), allow_nan=False)


def test_pictures_are_the_same_bytes(learning: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    for folder in ("one", "two"):
        learning.write(tmp_path / folder)
    drawn = sorted((tmp_path / "one" / "pictures").glob("*.svg"))
    assert len(drawn) == len(PAGES)
    again = [tmp_path / "two" / "pictures" / p.name for p in drawn]
    numbers = re.compile(r"(?<=clip)\d+|(?<=gradient_)\d+")  # counted through one process
    for a, b in zip(drawn, again, strict=True):
        assert numbers.sub("", a.read_text()) == numbers.sub("", b.read_text()), a.name


def test_the_table_has_every_symptom_and_remedy(learning: ModuleType) -> None:
    table = learning.table()
    assert all(f"| {row.says} |" in table for row in SYMPTOMS)
    assert all(REMEDIES[key] in table for row in SYMPTOMS for key in row.remedies)
    assert all(f"| `{signal.name}` | {signal.says} |" in learning.words() for signal in TABLE)


def test_the_pictures_show_what_the_pages_say(learning: ModuleType) -> None:
    def last(name: str, line: str) -> float:
        rows = learning.PICTURES[name]()["data"]["values"]
        return float([r["y"] for r in rows if r["line"] == line][-1])

    assert last("symmetry", "equal weights") == 0
    assert last("symmetry", "equal, dropout") > 0
    assert last("lora-zero", "A = B = 0") == 1
    assert last("lora-zero", "A drawn, B = 0") < 0.1
    assert round(last("gaussian-products", "typical, by law"), 1) == 24.2


def test_ten_questions_have_ten_commands() -> None:
    text = (DOCS / "learn" / "questions.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^## \d+\. .*\?$", text, re.MULTILINE)) == 10
    assert text.count("\n$ varlaw ") == 10
