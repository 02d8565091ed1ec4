"""Texts, numbers and links as every report writes them.

Guarantee: `plain` leaves no control character, bidirectional override or lone surrogate in a text from outside, so a
name can neither move a terminal's cursor nor break an XML file.
"""

import re
import unicodedata

_SHORTHAND = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)#(\d+)")
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def plain(text: str) -> str:
    r"""`text` with every invisible or controlling character written out as an escape.

    >>> plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSAFE or _is_noncharacter(c) else c for c in text)


def _is_noncharacter(character: str) -> bool:
    """Whether Unicode reserves the code point for good: XML forbids it, and what draws the charts dies of it."""
    code = ord(character)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def number(value: float | None) -> str:
    """A measured number with four significant digits, `-` for none.

    >>> number(0.0011574)
    '0.001157'
    """
    if value is None:
        return "-"
    return tidy(f"{value:.4g}")


def tidy(text: str) -> str:
    """A printed float without the padding of its exponent.

    >>> tidy("1e-03"), tidy("2.5e+07")
    ('1e-3', '2.5e7')
    """
    return re.sub(r"e([+-])0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", text)


def risk(value: float) -> str:
    """A probability of error as a power of ten, with three significant digits where it is none.

    >>> risk(0.001), risk(1e-12), risk(3.12e-10)
    ('1e-3', '1e-12', '3.12e-10')
    """
    return "0" if value == 0 else re.sub(r"\.?0*e", "e", tidy(f"{value:.2e}"))


def percent(value: float) -> str:
    """A relative size in per cent, at most three significant digits; rounding errors as the number they are.

    >>> percent(0.05), percent(0.001), percent(2.22e-16)
    ('5 %', '0.1 %', '2.22e-16')
    """
    if 0 < abs(value) < 1e-6:
        return tidy(f"{value:.3g}")
    return f"{tidy(f'{100 * value:.3g}')} %"


def count(value: int) -> str:
    """How many, in short: whole below ten thousand, else two significant digits.

    >>> count(512), count(46012)
    ('512', '4.6e4')
    """
    return str(value) if value < 10_000 else tidy(f"{value:.1e}")


def quantities(n: int, noun: str, plural: str = "") -> str:
    """A count with its noun in the right number.

    >>> quantities(1, "subject"), quantities(2, "case")
    ('1 subject', '2 cases')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def hyperlink(link: str) -> str:
    """The address behind a link: web addresses as they are, `owner/repo#1` as its issue, "" for anything else.

    >>> hyperlink("pytorch/pytorch#57109")
    'https://github.com/pytorch/pytorch/issues/57109'
    >>> hyperlink("javascript:alert(1)")
    ''
    """
    if re.fullmatch(r"https?://[^\s\"'<>]+", link):
        return link
    short = _SHORTHAND.fullmatch(link)
    return f"https://github.com/{short[1]}/issues/{short[2]}" if short else ""


def link_text(link: str) -> str:
    """A link as people cite it: `owner/repo#1` for an issue or pull request, else the address.

    >>> link_text("https://github.com/pytorch/pytorch/issues/57109")
    'pytorch/pytorch#57109'
    """
    found = re.fullmatch(r"https?://github\.com/([^/]+/[^/]+)/(?:issues|pull)/(\d+)/?", link)
    return f"{found[1]}#{found[2]}" if found else plain(link)
