"""The generated pages: every law, claim and deviation is on one, and every reproduction prints what it says."""

import contextlib
import io
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from varlaw.subjects.registry import FRAMEWORKS
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.theory.catalogue import LAWS
from varlaw.theory.folklore import CLAIMS
from varlaw.verify import deviations

DOCS = Path(__file__).parents[2] / "docs"
REPRODUCTIONS = deviations.reproduction_files()


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The build's own modules, as docs/conf.py finds them, and only here."""
    names = {path.stem for path in DOCS.glob("*.py")}
    monkeypatch.syspath_prepend(DOCS)
    yield
    for name in names & set(sys.modules):
        del sys.modules[name]


def test_every_law_has_its_entry(tmp_path: Path) -> None:
    import catalogue

    catalogue.write(tmp_path)
    pages = "".join(p.read_text() for p in (tmp_path / "catalogue").glob("*.md"))
    for law in LAWS.values():
        assert f"({catalogue.label(law.name)})=\n" in pages
        assert f"\n{law.formula}\n" in pages
    assert len({catalogue.label(name) for name in LAWS}) == len(LAWS)


def test_every_claim_is_told(tmp_path: Path) -> None:
    import catalogue

    catalogue.write(tmp_path)
    assert (tmp_path / "folklore.md").read_text().count("\n## ") == len(CLAIMS)


def test_prose_shows_as_it_is() -> None:
    import catalogue

    assert catalogue.prose("<b>[x](y)*`") == "\\<b\\>\\[x\\](y)\\*\\`"
    assert catalogue.prose("see he_normal.variance.") == "see {ref}`he_normal.variance <law-he-normal-variance>`."


def test_every_deviation_is_on_the_page() -> None:
    import findings

    pages = findings.pages()
    assert all(f"findings/{name}.md" in findings.index() for name in pages)
    page = "".join(pages.values())
    assert all(page.count(f"\n`{row.id}`\n") == 1 for row in deviations.rows())
    shown = {name for text in REPRODUCTIONS.values() for name in deviations.ids_in(text)}
    assert shown <= {row.id for row in deviations.rows()}


def test_the_layers_compared_are_those_recorded() -> None:
    import compared

    tensors = compared.recorded()
    for layer in compared.LAYERS.values():
        assert {name.partition(".")[0] for name in layer.weights} >= {"torch", "keras", "flax", "paddle"}
        found = list(compared.points(layer, tensors))
        assert {point["name"] for point in found} == {tensors[name][1].subject for name in layer.weights}
    linear = [p["value"] for p in compared.points(compared.LAYERS["linear"], tensors) if p["name"] == "torch.nn.Linear"]
    assert all(0.5 < value < 0.65 for value in linear)  # a third of the variance that keeps the signal
    changes = compared.pages_of(compared.files())
    assert "18 moved" in compared.versions(changes)
    texts = [row for row in compared.lanes(changes)["layer"][-1]["data"]["values"] if row["lane"] == "keras"]
    assert texts == [{"lane": "keras", "at": 0.5, "text": "18 moved, 3 recovered"}]


def test_costs_are_told_or_said_to_be_missing(tmp_path: Path) -> None:
    import performance

    from varlaw.reports.benchmarks import Measured, Pair, Times

    assert performance.newest(tmp_path) is None
    assert "Nothing was measured" in performance.page(None)
    pair = Pair("clip", 1 << 20, 1.0, Times(1e-3, 1.1e-3, 1.2e-3), Times(2e-3, 2.1e-3, 2.4e-3), "")
    shown = performance.page(Measured(pairs=(pair,), singles=(), cpu="CPU", commit="", when="now", growths=()))
    assert "| clip | 1,048,576 | 1 ms | 2 ms | 0.50 |" in shown
    assert performance.chart((pair,))["data"]["values"][0]["met"]


@pytest.mark.parametrize("file", list(REPRODUCTIONS))
def test_a_reproduction_prints_what_it_says(file: str) -> None:
    from .test_blocks import first_missing  # type: ignore[import-not-found]

    name = max((n for n in FRAMEWORKS if f"{file}_".startswith(f"{n}_")), key=len)
    if name in ("peft", "timm", "transformers"):  # they import torchvision, made for another torch
        pytest.importorskip("torch")
        stub_torchvision()
    framework = pytest.importorskip(name)
    text = REPRODUCTIONS[file]
    if (shown := re.search(r"\((\w+) backend\)", text)) and framework.config.backend() != shown[1]:
        pytest.skip(f"shows what the {shown[1]} backend does")
    said = [line.removeprefix("# ") for line in text.splitlines()[2:] if line.startswith("# ")]
    assert said
    with contextlib.redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, file, "exec"), {})
    assert len(printed.getvalue().splitlines()) == len(said)
    assert first_missing(said, printed.getvalue()) is None, printed.getvalue()


def test_docstrings_stay_prose() -> None:
    import doctest

    import docstrings

    assert doctest.testmod(docstrings).failed == 0


def test_paths_follow_the_law() -> None:
    import pictures

    from varlaw.evidence.budget import POLICIES

    pr = POLICIES["pr"]
    assert [pictures.decision(ratio, pr, "test")[0] for ratio in (1.0, 1.1, 0.9)] == ["CONFORMS", *["VIOLATES"] * 2]
    assert list(pictures.path(1.0, pr, "test")) == list(pictures.path(1.0, pr, "test"))
