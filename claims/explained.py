"""A verdict in four lines, for who reads one: the finding first, then the numbers, the cause, the address."""

import html
import math

from varlaw.claims.verdict import Outcome, Verdict
from varlaw.evidence.streams import canonical


def explained(verdict: Verdict) -> str:
    """The finding, which is what pytest's summary shows; the numbers; the likely cause; the risk and the address."""
    head = _headline(verdict)
    said = [verdict.likely and f"most likely: {verdict.likely}", verdict.detail]
    cause = "; ".join(text for text in said if text and text not in head)
    return "\n".join(filter(None, [head, _numbers(verdict), cause, _address(verdict)]))


def as_html(verdict: Verdict) -> str:
    """The same for a notebook, every text escaped; the colour repeats what the first word says."""
    colour = {Outcome.CONFORMS: "#1a7f37", Outcome.VIOLATES: "#b42318"}.get(verdict.outcome, "#7a5c00")
    state, text = html.escape(verdict.state), html.escape(f"{verdict.subject}\n{explained(verdict)}")
    return f'<div><b style="color:{colour}">{state}</b><pre style="white-space:pre-wrap">{text}</pre></div>'


def _headline(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.UNDECIDED:
        return f"undecided: {verdict.statement}"
    if verdict.outcome is not Outcome.VIOLATES:
        return f"{verdict.state}: {verdict.statement}"
    if _off(verdict):
        return f"{verdict.quantity} x{verdict.ratio:.4g} of {verdict.statement}"
    return f"not {verdict.statement}: {verdict.likely or verdict.detail or verdict.quantity}"


def _off(verdict: Verdict) -> bool:
    """Whether the ratio itself is what is wrong."""
    if verdict.ratio is None or not math.isfinite(verdict.ratio) or verdict.quantity == "different values":
        return False
    low, high = verdict.interval or (verdict.ratio, verdict.ratio)
    return (low or 0.0) > 1 or (high is not None and high < 1)


def _numbers(verdict: Verdict) -> str:
    if verdict.ratio is None:
        return verdict.state
    ends = [f"{x:.6g}" if x is not None else "inf" for x in verdict.interval or ()]
    interval = f", 99.9 % interval [{', '.join(ends)}]" if ends else ", exact"
    numbers = f"expected {verdict.expected:.6g}, observed {verdict.observed:.6g}, ratio {verdict.ratio:.6g}"
    return f"{verdict.state}: {verdict.quantity} {numbers}{interval}"


def _address(verdict: Verdict) -> str:
    risk = f"delta {verdict.delta:g}, alpha {verdict.alpha:g}, beta {verdict.beta:g}"
    what = f"{verdict.samples:,} draws of {verdict.subject}, case {canonical(verdict.case)}"
    return f"{what}, {verdict.dtype}; {risk}; replay: {verdict.replay}"
