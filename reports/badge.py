"""The badge of a run: one line of SVG that says how many laws hold."""

from typing import Final
from xml.sax.saxutils import escape

from varlaw.claims.verdict import Run
from varlaw.reports.counts import looser, tally, unmeasured

COLOURS: Final = {"VIOLATES": "#b3400a", "error": "#8a2467", "undecided": "#7a5c00", "conforms": "#1b5e8f", "": "#555"}
ADVANCE: Final = 6.6  # width of a character, in pixels; textLength holds every font to it


def render(run: Run) -> str:
    """A badge such as `varlaw | 287 conform, 21 deviations`, 20 pixels high."""
    counts, loosely = tally(run.verdicts), looser(run)[0]
    state = next((s for s in ("VIOLATES", "error", "undecided", "conforms") if counts.get(s)), "")
    unsized = unmeasured(run.verdicts)
    apart = {"conforms": counts.get("conforms", 0) - loosely, "loosely": loosely}
    apart |= {"deviation": counts.get("deviation", 0) - unsized, "unsized": unsized}
    left, right = "varlaw", _message(counts | apart, complete=run.run.complete)
    wide, narrow = round(len(right) * ADVANCE), round(len(left) * ADVANCE)
    total = narrow + wide + 24
    title = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{narrow + 12}" height="20" fill="#444"/>'
        f'<rect x="{narrow + 12}" width="{wide + 12}" height="20" fill="{COLOURS[state]}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{narrow}">{escape(left)}</text>'
        f'<text x="{narrow + 18}" y="14" textLength="{wide}">{escape(right)}</text></g></svg>\n'
    )


def _message(counts: dict[str, int], *, complete: bool) -> str:
    words = {"VIOLATES": "violate", "error": "errors", "conforms": "conform", "deviation": "deviations"}
    words |= {"undecided": "undecided", "loosely": "only to within larger errors", "unsized": "deviations not measured"}
    order = ("VIOLATES", "error", "conforms", "loosely", "deviation", "unsized", "undecided")
    found = ", ".join(f"{counts[s]:,} {_word(words[s], counts[s])}" for s in order if counts.get(s))
    return (found or "no verdicts") + ("" if complete else " (interrupted)")


def _word(word: str, n: int) -> str:
    singular = {"violate": "violates", "errors": "error", "conform": "conforms", "deviations": "deviation"}
    singular |= {"deviations not measured": "deviation not measured"}
    return singular.get(word, word) if n == 1 else word
