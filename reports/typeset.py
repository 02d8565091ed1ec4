"""A law as a page shows it: LaTeX to copy, and MathML, by latex2mathml (extra `charts`), to look at.

Every browser draws MathML with its own fonts, so a page carries no fonts and no script for it; without the extra it
shows the ASCII.
"""

import functools
import re
from importlib.util import find_spec
from typing import Final

from markupsafe import Markup

from varlaw.reports.latex import escaped, formula

_WORDS: Final = {"E", "Var", "Cov", "relu", "ln", "cos", "sqrt", "clip", "phi", "mean", "max"}


def statement(left: str, right: str) -> str:
    """A law, from its quantity and its formula, as LaTeX; "" where the formula cannot be written."""
    written = formula(right)
    return f"{quantity(left)} = {written}" if written else ""


def quantity(text: str) -> str:
    r"""What a law is about, as LaTeX: its mathematics where it begins with such, everything else as text.

    >>> quantity("E[y_i^2]"), quantity("Var[w], w ~ U(-bound, bound)")
    ('\\mathbb{E}[y_{i}^2]', '\\operatorname{Var}[w]\\text{, w ~ U(-bound, bound)}')
    """
    head = re.match(r"[^,]*?(?=,|$| with | from | of )", text)
    first = head[0] if head else ""
    if not first or not set(re.findall(r"[A-Za-z]{2,}", re.sub(r"_\w+", "", first))) <= _WORDS:
        return rf"\text{{{escaped(text)}}}"
    shown = re.sub(r"_(\w+)", lambda m: f"_{{{_subscript(m[1])}}}", first)
    shown = re.sub(r"\bE(?=[\[|( ])", r"\\mathbb{E}", shown)
    shown = re.sub(r"\b(Var|Cov|relu|clip|mean)\b", r"\\operatorname{\1}", shown)
    shown = re.sub(r"\b(ln|cos|max|phi)\b", r"\\\1", shown).replace("*", r"\,")
    shown = re.sub(r"sqrt\(([^()]*)\)", r"\\sqrt{\1}", shown)
    rest = text[len(first) :]
    return shown + (rf"\text{{{escaped(rest)}}}" if rest else "")


def mathml(latex: str) -> Markup | None:
    """LaTeX as MathML; None without the extra, or for what it does not know."""
    plain = re.sub(r"\\text\{((?:[^{}\\]|\\.)*)\}", _literal, latex)
    return Markup(found) if latex and (found := _converted(plain)) else None


def _literal(text: re.Match[str]) -> str:
    """Text as latex2mathml reads it: as it stands."""
    return r"\text{" + re.sub(r"\\(.)", r"\1", text[1]) + "}"


@functools.cache
def _converted(latex: str) -> str:
    if find_spec("latex2mathml") is None:
        return ""
    from latex2mathml.converter import convert

    try:
        return str(convert(latex, display="block"))
    except Exception:  # its errors have no common base, and no page is lost for a formula
        return ""


def _subscript(text: str) -> str:
    word = len(text) > 2 or text in ("in", "up")
    return rf"\mathrm{{{escaped(text)}}}" if word and not text.isdigit() else text
