"""The search index and the addresses of findings: small, whole, and what does not conform is never left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from varlaw.claims.verdict import Outcome, Run, Verdict
from varlaw.reports import deviations, ratio_axis, search, site
from varlaw.reports.groups import grouped
from varlaw.reports.pages import anchor


def index(data: bytes) -> dict[str, Any]:
    first, rest = data.split(b"\n", 1)
    assert first == search.SIGN
    found: dict[str, Any] = json.loads(rest.removeprefix(b"varlawSearch(").removesuffix(b")\n"))
    return found


def names(data: dict[str, Any]) -> dict[str, str]:
    """The subjects of an index with their letters, read as the page reads them."""
    found: dict[str, str] = {}
    for _, lines in data["subjects"]:
        name = ""
        for line in lines.split("\n"):
            same = line[: next(k for k, c in enumerate(line) if not c.isdigit())]
            name = name[: int(same)] + line[len(same) + 1 :]
            found[name] = line[len(same)]
    return found


def made(run: Run) -> bytes:
    return search.file(run, search.on_page(run), search.in_matrix(run), (), ())


def test_every_subject_is_found_with_its_worst_state(run: Run) -> None:
    worst: dict[str, list[str]] = {}
    for group in grouped(run.verdicts):
        worst.setdefault(group.subject, []).append(group.state)
    found = names(index(made(run)))
    assert found.keys() == worst.keys()
    assert found["torch.nn.ConvTranspose2d.weight"] == "v"
    assert found["torch.nn.Linear"] == "d"
    assert [row[0] for row in index(made(run))["findings"]] == ["torch.linear.sqrt5"]


def test_an_index_that_would_be_too_large_keeps_what_does_not_conform(
    large_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(made(large_run)) < 40 * len(names(index(made(large_run))))
    monkeypatch.setattr(search, "LIMIT", 8000)
    data = made(large_run)
    assert len(data) <= 8000
    assert set(names(index(data)).values()) == {"v", "e", "u"}
    assert index(data)["left"] > 900


def test_hostile_names_stay_data(hostile_run: Run, tmp_path: Path) -> None:
    data = made(hostile_run)
    assert data.isascii()
    assert set(names(index(data))) >= {"<script>alert(1)</script>"}
    paths = site.write_site([hostile_run], tmp_path, library=site.Library(laws={}))
    pages = [path for path in paths if path.parent.name == "deviations"]
    assert len(pages) == 1 + len(deviations.addresses(hostile_run))
    assert not any("<script>alert" in path.read_text(encoding="utf-8") for path in pages)


def test_a_deviation_has_a_page(run: Run) -> None:
    pages = deviations.pages(run, {"linear.second_moment": "laws/linear.second_moment.html"})
    page = pages["deviations/torch.linear.sqrt5.html"]
    assert set(pages) == {"deviations/index.html", "deviations/torch.linear.sqrt5.html"}
    for phrase in ("a third of the variance", "pytorch/pytorch#57109", 'href="../laws/linear.second_moment.html"',
                   "0.5774", "Another start", "varlaw replay", 'class="foreseen"'):  # fmt: skip
        assert phrase in page
    assert 'href="torch.linear.sqrt5.html"' in pages["deviations/index.html"]


def test_what_has_no_logarithm_has_a_place_of_its_own(make_verdict: Callable[..., Verdict]) -> None:
    wrong = {"outcome": Outcome.VIOLATES, "interval": None}
    ratios = (0.0, -1.0, None, 0.5, 1.0, 1e9)
    places = [ratio_axis.position(make_verdict(ratio=r, observed=r, **wrong)) for r in ratios]
    slots = ratio_axis.SLOTS
    assert places[:3] == [slots["0"], slots["sign"], slots["NaN"]]
    assert places[3:] == sorted(places[3:])
    assert max(slots.values()) < ratio_axis.START < places[3]
    assert (
        places[5]
        == ratio_axis.END
        == ratio_axis.position(make_verdict(expected=0.0, observed=8.6, ratio=None, **wrong))
    )


def test_an_anchor_is_what_javascript_makes_of_a_name() -> None:
    assert anchor("a b/<ü>'(1)*!~") == "a%20b%2F%3C%C3%BC%3E'(1)*!~"
