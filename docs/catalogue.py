"""The catalogue of laws and the folklore as Markdown: a page for each module of laws, linked and indexed.

Everything is read from `varlaw.theory`; a law that is added there appears here by itself.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from varlaw.reports.typeset import mathml, statement
from varlaw.theory.catalogue import GROUPS, LAWS
from varlaw.theory.folklore import CLAIMS, Claim
from varlaw.theory.law import Law

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")


def write(folder: Path) -> None:
    """Write `catalogue/index.md`, one page for each module, and `folklore.md` below a folder."""
    pages = folder / "catalogue"
    pages.mkdir(parents=True, exist_ok=True)
    for stale in set(pages.glob("*.md")) - {pages / f"{name}.md" for name in (*GROUPS, "index")}:
        stale.unlink()
    _save(pages / "index.md", index())
    for group in GROUPS:
        _save(pages / f"{group}.md", page(group))
    _save(folder / "folklore.md", folklore())


def index() -> str:
    """All laws on one page, by module: name, quantity, how exactly it holds."""
    lines = [
        "# The law catalogue",
        "",
        f"{len(LAWS)} laws in {len(GROUPS)} groups. A law is data: a formula in ASCII Python, the hypotheses under",
        "which it holds, how exactly it holds, why, who said so, and the statistic of draws that shows it. The same",
        "catalogue answers at the prompt: `varlaw laws list`, `varlaw laws show NAME`,",
        "`varlaw laws eval NAME key=value`. All names in alphabetical order: {ref}`genindex`.",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        ":hidden:",
        "",
        *GROUPS,
        "```",
        "",
    ]
    for group, module in GROUPS.items():
        lines += [f"## {title(group)}", "", "| law | quantity | holds |", "|---|---|---|"]
        lines += [f"| {link(law.name)} | {prose(law.quantity)} | {law.kind.value} |" for law in module.ENTRIES]
        lines.append("")
    return "\n".join(lines)


def page(group: str) -> str:
    """The laws of one group in full."""
    head = (GROUPS[group].__doc__ or "").splitlines()[0]
    return "\n".join([f"# {title(group)}", "", prose(head), "", *map(entry, GROUPS[group].ENTRIES)])


def entry(law: Law) -> str:
    """One law: title, name, formula and everything that it says of itself."""
    domain = [f"{name}: {allowed}" for name, allowed in law.domain.ranges.items()]
    domain += [relation.text for relation in law.domain.relations]
    rows = {
        "States": prose(law.quantity),
        "Holds": law.kind.value + (f", error {prose(law.error)}" if law.error else ""),
        "Assumes": _points(law.hypotheses),
        "Domain": _points(domain),
        "Because": prose(law.derivation),
        "Not to be confused with": prose(law.not_to_confuse),
        "Seen in": prose(law.statistic),
        "Not measured": prose(law.unmeasured),
        "Digits": prose(law.precision),
        "Source": prose(law.source),
    }
    lines = [
        f"({label(law.name)})=",
        f"## {prose(law.title, linked=False)}",
        "",
        "```{index} single: " + law.name,
        "```",
        "",
        f"`{law.name}`",
        "",
        *_typeset(law),
        "```python",
        law.formula,
        "```",
        "",
    ]
    for term, text in rows.items():
        if text:
            lines += [term, f": {text}", ""]
    return "\n".join(lines)


def _typeset(law: Law) -> list[str]:
    """The law as mathematics, which browsers draw by themselves; none where it cannot be written."""
    shown = mathml(statement(law.quantity, law.formula))
    return [] if shown is None else ["```{raw} html", f'<div class="law" tabindex="0">{shown}</div>', "```", ""]


def folklore() -> str:
    """Popular claims, each with what became of it, the law that decides and a number."""
    lines = [
        "# Folklore",
        "",
        "What people say about initial variance, and what a law makes of it. *Corrected* claims hold under conditions",
        "that people leave out, or with another constant; *refuted* ones do not hold as a rule. The numbers are",
        "computed from the laws when this page is built; `varlaw laws folklore` prints them too.",
        "",
    ]
    return "\n".join([*lines, *map(_said, CLAIMS)])


def _said(claim: Claim) -> str:
    case = ", ".join(f"{name}={value!r}" for name, value in claim.params.items())
    number = f"{claim.number():.6g}" + ("" if claim.popular is None else f"; the claim would have {claim.popular:.6g}")
    return "\n".join(
        [
            f"(folklore-{claim.slug.replace('_', '-')})=",
            f"## {prose(claim.claim, linked=False)}",
            "",
            f"**{claim.finding.value.capitalize()}.** {prose(claim.truth)}",
            "",
            f"{link(claim.law)} at `{case}`: {number}.",
            "",
        ]
    )


def title(group: str) -> str:
    """The heading of a group's laws."""
    return group.replace("_", " ").capitalize()


def label(name: str) -> str:
    """The target that links to a law.

    >>> label("he_normal.variance")
    'law-he-normal-variance'
    """
    return "law-" + re.sub(r"[._]", "-", name)


def link(name: str) -> str:
    """A link to a law, as Markdown; the bare name where there is no such law."""
    return f"{{ref}}`{name} <{label(name)}>`" if name in LAWS else f"`{name}`"


def prose(text: str, *, linked: bool = True) -> str:
    """Text as Markdown that shows it as it is, with names of laws and arXiv numbers as links.

    >>> prose("E[x^2] * w_i")
    'E\\\\[x\\\\^2\\\\] \\\\* w\\\\_i'
    """
    written, end = [], 0
    for found in _NAME.finditer(text) if linked else ():
        if found[0] in LAWS:
            written += [_escaped(text[end : found.start()]), link(found[0])]
            end = found.end()
    shown = "".join([*written, _escaped(text[end:])])
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", shown)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$~^])", r"\\\1", re.sub(r"\s+", " ", text))


def _points(texts: Iterable[str]) -> str:
    return "; ".join(map(prose, texts))


def _save(path: Path, text: str) -> None:
    path.write_text(f"{text.rstrip()}\n", encoding="utf-8")
