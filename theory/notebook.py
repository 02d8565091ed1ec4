"""Laws as HTML, for the cell of a notebook: one law with its hypotheses, or a table of all with a search field."""

from collections.abc import Iterable
from html import escape
from typing import Any, Protocol


class Stated(Protocol):
    """What is shown of a law."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def quantity(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def kind(self) -> Any: ...
    @property
    def hypotheses(self) -> tuple[str, ...]: ...
    @property
    def derivation(self) -> str: ...
    @property
    def not_to_confuse(self) -> str: ...
    @property
    def source(self) -> str: ...


# Each keystroke hides the rows that do not hold what was typed; the table is there without it, too.
_SEARCH = (
    "for(const r of this.parentNode.querySelectorAll('tbody tr'))"
    "r.hidden=!r.textContent.toLowerCase().includes(this.value.toLowerCase())"
)


def law_as_html(law: Stated) -> str:
    """One law: what it says, how exactly, when, why, from where, and what it is not to be confused with."""
    rows = [
        ("formula", f"<code>{escape(law.quantity)} = {escape(law.formula)}</code>"),
        ("holds", escape(str(law.kind.value))),
        ("assumes", "<br>".join(map(escape, law.hypotheses))),
        ("because", escape(law.derivation)),
        ("not", escape(law.not_to_confuse)),
        ("source", escape(law.source)),
    ]
    cells = "".join(f"<tr><th>{name}</th><td style='text-align:left'>{text}</td></tr>" for name, text in rows if text)
    return f"<div><b>{escape(law.title)}</b> <code>{escape(law.name)}</code><table>{cells}</table></div>"


def laws_as_html(laws: Iterable[Stated]) -> str:
    """A table of laws by name, with a field that leaves those that hold what is typed."""
    rows = "".join(
        f"<tr><td><code>{escape(law.name)}</code></td><td style='text-align:left'>{escape(law.title)}</td>"
        f"<td style='text-align:left'><code>{escape(law.quantity)} = {escape(law.formula)}</code></td></tr>"
        for law in laws
    )
    field = f'<input type="search" placeholder="search laws" aria-label="search laws" oninput="{_SEARCH}">'
    head = "<thead><tr><th>law</th><th>says</th><th>formula</th></tr></thead>"
    return f"<div>{field}<table>{head}<tbody>{rows}</tbody></table></div>"
