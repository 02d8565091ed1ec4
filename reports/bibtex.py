"""How to cite a law: an entry for the law itself, and one for each source that it names, as BibTeX."""

import re
from typing import Final

_SOURCE: Final = re.compile(r"(?P<who>[A-Z][^;,]*?) (?P<year>(?:18|19|20)\d\d)\b(?: \([^)]*\))?(?:, (?P<what>[^;]+))?")
_ARXIV: Final = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def entries(name: str, title: str, latex: str, source: str) -> str:
    """The entries of one law; what its source calls derived or defined is this catalogue's own."""
    law = {"title": f"{title} (law {name})", "author": "{the varlaw developers}", "howpublished": "varlaw"}
    if latex:
        law["note"] = f"${latex}$"
    return "\n\n".join([_entry(f"varlaw:{name}", law), *map(_cited, _SOURCE.finditer(source))])


def _cited(found: re.Match[str]) -> str:
    """One source: its authors, year, and arXiv number or title."""
    who, what = found["who"].removeprefix("and "), (found["what"] or "").strip()
    fields = {"author": re.sub(r",? et al\.?", " and others", re.sub(r" ?& ?|, ", " and ", who)), "year": found["year"]}
    if number := _ARXIV.search(what):
        fields |= {"eprint": number[1], "archiveprefix": "arXiv", "url": f"https://arxiv.org/abs/{number[1]}"}
    elif what:
        fields["title"] = what
    first = re.sub(r"[^A-Za-z]", "", re.split(r" and | & |,| et ", who)[0])
    return _entry(f"{first.lower()}{found['year']}", fields)


def _entry(key: str, fields: dict[str, str]) -> str:
    return "\n".join([f"@misc{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"])
