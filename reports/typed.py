r"""The markup of a quotation as typed text: what another project's documentation says, without roles and LaTeX.

Guarantee: a text without a role is given back as it is, but for its backquotes.
"""

import re
from typing import Final

_ROLE: Final = re.compile(r":(?:\w+:)?\w+:`([^`]*)`_?")
_BARE: Final = re.compile(r"\\(?:frac|sqrt|log|max|sigma|mathrm)\b")  # a formula that stands without a role
_QUOTED: Final = re.compile(r"``?([^`]+)`{1,2}_{0,2}")
_GROUP: Final = r"\s*\{([^{}]*)\}"
_COMMANDS: Final = (
    (re.compile(rf"\\(?:text[a-z]*|math[a-z]+|operatorname)(?:{_GROUP})"), lambda m: m[1].strip()),
    (re.compile(rf"\\frac{_GROUP}{_GROUP}"), lambda m: f"{_factor(m[1])}/{_factor(m[2])}"),
    (re.compile(rf"\\sqrt{_GROUP}"), lambda m: f"sqrt({m[1].strip()})"),
    (re.compile(rf"([_^]){_GROUP}(?=(\w?))"), lambda m: m[1] + _factor(m[2]) + (" " if m[3] else "")),
)
_SIGNS: Final = {
    r"\leq": "<=",
    r"\le": "<=",
    r"\geq": ">=",
    r"\ge": ">=",
    r"\times": "*",
    r"\cdot": "*",
    r"\Vert": "|",
    r"\left": "",
    r"\right": "",
}


def typed(text: str) -> str:
    r"""A quotation in reStructuredText as one would type it.

    >>> typed(r"from :math:`\mathcal{U}(-\sqrt{k}, \sqrt{k})`, where :math:`k = \frac{1}{\text{in\_features}}`")
    'from U(-sqrt(k), sqrt(k)), where k = 1/in_features'
    """
    if _BARE.search(text) and not _ROLE.search(text):
        return _formula(text)
    said = _ROLE.sub(lambda m: _formula(m[1]), text)
    return _QUOTED.sub(lambda m: m[1], said)


def _formula(latex: str) -> str:
    """LaTeX from its innermost braces outwards; a command without a sign of its own keeps its name."""
    said, before = latex.replace(r"\_", "_"), ""
    while said != before:
        before = said
        for pattern, shown in _COMMANDS:
            said = pattern.sub(shown, said)
    return re.sub(r"\\([A-Za-z]+)", lambda m: _SIGNS.get(m[0], m[1]), re.sub("[{}]", "", said))


def _factor(text: str) -> str:
    r"""`text` in brackets, unless it is one number or name."""
    said = text.strip()
    return said if re.fullmatch(r"-?\\?[\w.]+", said) else f"({said})"
