"""What the theme leaves out for readers who use a keyboard or a screen reader, put into the finished pages.

axe-core names what is missing; `tests/docs/test_pages.py` holds every page of the built site to it.
"""

import html
import re
from pathlib import Path
from typing import Final

_MENDED: Final = (
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="This page">'),
    ('<aside class="toc-drawer no-toc">', '<aside class="toc-drawer no-toc" aria-label="This page">'),
    ("<pre>", '<pre tabindex="0">'),  # a wide block scrolls, which the arrow keys do only in what has the focus
    ('<div class="table-wrapper ', '<div tabindex="0" class="table-wrapper '),
    ('<th class="head"><p></p></th>', '<td class="head"></td>'),
)
_TABLE: Final = re.compile(r'<table class="docutils.*?</table>', re.DOTALL)
_HEAD: Final = re.compile(r'<t[hd] class="head">(.*?)</t[hd]>', re.DOTALL)
_ROW: Final = re.compile(r"<tr.*?</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<td(?=>| class=\"text)")
_ARTICLE: Final = re.compile(r"<article[^>]*>")


def fixed(page: str) -> str:
    """A page with names for its landmarks, levels for its headings, and a focus for what scrolls.

    >>> fixed("<pre>x</pre>")
    '<pre tabindex="0">x</pre>'
    """
    for old, new in _MENDED:
        page = page.replace(old, new)
    page = _TABLE.sub(lambda found: labelled(found[0]), page)
    if "<h1" not in page:
        page = _ARTICLE.sub(lambda found: f"{found[0]}<h1>Search</h1>", page, count=1)
    return page


def labelled(table: str) -> str:
    """A table whose cells name their column, which a style sheet shows where a telephone has no room for columns.

    >>> labelled('<table class="docutils"><tr><th class="head">law</th></tr><tr><td>x</td></tr></table>')
    '<table class="docutils"><tr><th class="head">law</th></tr><tr><td data-label="law">x</td></tr></table>'
    """
    names = [html.escape(html.unescape(re.sub(r"<[^>]*>", "", head)).strip()) for head in _HEAD.findall(table)]

    def row(found: re.Match[str]) -> str:
        left = iter(names)
        return _CELL.sub(lambda _: f'<td data-label="{next(left, "")}"', found[0])

    return _ROW.sub(row, table)


def fix(folder: Path) -> None:
    """Fix every page of a built site; a page that is fixed stays as it is."""
    for path in sorted(folder.rglob("*.html")):
        page = path.read_text(encoding="utf-8")
        if (found := fixed(page)) != page:
            path.write_text(found, encoding="utf-8")
