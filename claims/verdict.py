"""Records of a run: what was claimed, what was seen, at what risk, and how to see it again.

These are the only objects that reports read. They are written as one JSON object with a published schema; every
number in them carries its interval or is marked exact (`interval` null, `samples` counts entries compared).
"""

import enum
import html
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec

from varlaw.evidence.streams import canonical

SCHEMA = "varlaw.run/1"
_MOST = 20  # findings that a cell of a notebook shows


Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Chance = Annotated[float, msgspec.Meta(ge=0, le=1)]
Size = Annotated[float, msgspec.Meta(ge=0)]


class Outcome(enum.StrEnum):
    """What a claim came to. CONFORMS is a positive statement: the ratio lies within `delta`, but for a risk of beta."""

    CONFORMS = "CONFORMS"
    VIOLATES = "VIOLATES"
    UNDECIDED = "UNDECIDED"
    ERROR = "ERROR"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """A documented, expected violation: the row of `verify/deviations` that foresaw a verdict."""

    id: str
    reason: str
    link: str  # upstream issue or documentation, "" when there is none
    ratio: float | None  # the foreseen ratio, which a second measurement confirmed; null when it is infinite
    # Where no ratio is foreseen: the least and greatest ratio (or number, where 0 is expected) foreseen in this
    # case, from those that were measured; an end that is not finite is null, and the range where none was measured.
    range: tuple[float | None, float | None] | None = None
    sized: bool = True  # false where no size was ever measured: any violation of the claim was taken as this one
    # What is violated: "broken", a promise of the framework, "choice", a law that it says it does not follow, or "law",
    # one of ours, of which it promises nothing. Only the first is a defect.
    standing: str = "law"
    promise: str = ""  # of a broken one and of a choice: the words of the framework,
    promised_at: str = ""  # and where they stand: an address, or the name whose docstring or source has them
    versions: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one claim in one case."""

    claim: str  # e.g. "init.documented": law x subject x domain, the row of the matrix
    law: str  # name in the catalogue, e.g. "he_normal.variance"
    statement: str  # the law for this subject in words or ASCII mathematics, for people
    subject: str  # e.g. "torch.nn.Linear.weight"
    framework: str
    version: str
    op: str
    dtype: str
    device: str
    case: dict[str, Any]  # the parameters drawn, canonical order
    outcome: Outcome
    quantity: str  # what expected and observed measure, e.g. "std"
    expected: float | None = None
    observed: float | None = None
    ratio: float | None = None  # observed / expected
    interval: tuple[float | None, float | None] | None = None  # of the ratio, 99.9 %, always valid; null when exact
    samples: Count = 0
    delta: Size  # smallest relative error that had to be found; for exact claims the rounding bound
    certified: Size | None = None  # smallest delta that these samples exclude; null when none
    alpha: Chance
    beta: Chance
    log_evidence: float | None = None  # natural log of the e-value against the law
    likely: str | None = None  # the named wrong law that explains a violation best
    likely_log_ratio: float | None = None  # its log likelihood ratio against the law
    deviation: Deviation | None = None
    detail: str = ""  # one line: what was found, or why there is no number
    # Of a sampler, how many of the first numbers fell below -3.75, between -3.75, -3.5, ..., 3.75, above, as normal
    # scores, which are standard normal under the law: its histogram, and its quantiles. Absent where none was seen.
    cells: tuple[Count, ...] | msgspec.UnsetType = msgspec.UNSET
    replay: str  # `varlaw replay KEY` repeats this decision bit for bit
    reproduction: str = ""  # a violation in a few lines of Python, without the engine; "" where there is no such script

    @property
    def state(self) -> str:
        """The word a person reads: conforms, deviation, VIOLATES, undecided, error, not applicable."""
        if self.outcome is Outcome.VIOLATES:
            return "deviation" if self.deviation else "VIOLATES"
        return self.outcome.value.lower().replace("_", " ")

    @property
    def error(self) -> float:
        """What `delta` comes to in the ratio: the same, unless `delta` is the error of a root of what is measured."""
        root = re.search(r"delta of its (?:(\d+)th )?root", self.quantity)
        return float((1 + self.delta) ** int(root[1] or 2) - 1) if root else self.delta

    def __str__(self) -> str:
        """The finding, the numbers, the likely cause, the address: up to four lines; `repr` has every field."""
        return explained(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def explained(verdict: Verdict) -> str:
    """The finding, which is what pytest's summary shows; the numbers; the likely cause; the risk and the address.

    verdict: of any outcome.
    """
    head = _headline(verdict)
    said = [verdict.likely and f"most likely: {verdict.likely}", verdict.detail]
    cause = "; ".join(text for text in said if text and text not in head)
    return "\n".join(filter(None, [head, _numbers(verdict), cause, _address(verdict)]))


def as_html(verdict: Verdict) -> str:
    """The same for a notebook, every text escaped; the colour repeats what the first word says.

    White on a colour can be read on a light page and on a dark one.
    """
    colour = {Outcome.CONFORMS: "#1a7f37", Outcome.VIOLATES: "#b42318"}.get(verdict.outcome, "#7a5c00")
    state, text = html.escape(verdict.state), html.escape(f"{verdict.subject}\n{explained(verdict)}")
    style = f"color:#fff;background:{colour};padding:0 .4em;border-radius:3px"
    return f'<div><b style="{style}">{state}</b><pre style="white-space:pre-wrap">{text}</pre></div>'


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


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to repeat a run, and the risk it took."""

    varlaw: str
    versions: dict[str, str]  # frameworks and libraries
    python: str
    platform: str
    cpu: str
    threads: Count
    devices: list[str]
    dtypes: list[str]
    policy: str
    delta: Size
    alpha: Chance
    beta: Chance
    decisions: Count  # verdicts that spent alpha: on draws, and on sums too long for a bound without a risk
    alpha_budget: Size  # the sum of their alphas: the chance of any false alarm in this run
    salt: str
    targets: list[str]
    wall_time: Size  # seconds; no report prints it, so equal runs give equal bytes
    redraws: Count = 0  # tensors of one sampler, at most, that are drawn for patterns which all of them share,
    redraw_samples: Count = 0  # as long as they hold no more scalars than that
    pooled: Size = 1.0  # smallest error that a claim pooled over its cases looks for; 1: none is pooled
    blas: str = ""
    hardware: str = ""  # accelerator and the switches that change its arithmetic
    commit: str = ""  # of the repository that the run was started in, with "+changes" where files differ from it
    laws: list[str] = []  # globs over the laws that the run was about; none: all
    complete: bool = True  # False when interrupted: the verdicts are those reached before


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the command: its circumstances and its verdicts in claim order."""

    schema: str = SCHEMA
    run: RunInfo
    verdicts: Sequence[Verdict]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __str__(self) -> str:
        """How many verdicts are in each state; `varlaw report` shows them."""
        counts = Counter(verdict.state for verdict in self)
        return f"{len(self.verdicts):,} verdicts: " + ", ".join(f"{n:,} {state}" for state, n in counts.most_common())

    def _repr_html_(self) -> str:
        found = [v for v in self if v.state in ("VIOLATES", "error", "undecided")]
        more = f"<p>and {len(found) - _MOST:,} more</p>" if len(found) > _MOST else ""
        return f"<p>{html.escape(str(self))}</p>" + "".join(map(as_html, found[:_MOST])) + more
