"""The sizes that rows without a ratio were measured to have: what lies outside is no documented deviation.

`<framework>.sizes.toml` is recorded by `nox -s deviations` from some keyed inputs in each case. A *size* is observed /
expected, or what was observed where 0 is expected, or their difference as a share of a scale where what is expected may
be about 0 by chance; NaN and the infinities are sizes of their own. A *band* is the least
and the greatest size seen in some corners of a domain. The rule by which it is widened needs no judgement:

- by its own length on each side, on a logarithmic scale where the greatest is more than twice the least: after 40
  inputs a new value of a normal law lies outside with a probability of 1e-6; fewer inputs widen it in proportion (on
  the logarithmic scale by that factor).
- an exact size may miss the band by the rounding bound of its comparison, an estimated one must have an interval that
  meets the band.

A corner that no band names conformed in each input, and none of more than twice its rounding bound is foreseen there.
The keyed points of a run, such corners after fewer than 40 inputs, and all corners after fewer than 12 are held against
all bands of the claim together. Where no size was recorded any violation of the claim is taken as the documented one,
and the verdict says so.
"""

import functools
import math
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import msgspec
from packaging.version import Version

from varlaw.claims.claim import Finding
from varlaw.evidence.streams import canonical

INPUTS = 40
# Inputs below which the cases of a claim are not told apart: on a fresh salt 4 of 1,100 deviations of timm, recorded
# from 5, lay outside the range of their own case, of mlx, from 12, none of 780.
FEW = 12
POLICY = "pr"  # at which sizes are recorded: what a closer look finds in other cases is foreseen there as well
UNMEASURED = "size not measured: any violation of this claim is taken as the documented one"
_DIGITS = 1e-6  # of a size, to which it is written
KEYED = "*"  # in the place of a case: the keyed points
ANYWHERE = "*"  # in the place of a target: some places of the row, drawn by chance, speak for all where draws decide
POOLED = {"init.pooled": "init.documented"}  # what pools the cases of a claim lies within their sample


class Band(NamedTuple):
    """The sizes seen in some cases; in every corner where none is named."""

    low: float
    high: float
    cases: tuple[str, ...] = ()

    def widened(self, inputs: int) -> tuple[float, float]:
        """The range foreseen from what `inputs` inputs showed.

        >>> Band(1.25, 1.5).widened(40)
        (1.0, 1.75)
        >>> Band(1.0, 4.0).widened(40)
        (0.25, 16.0)
        """
        often = max(1.0, INPUTS / inputs)
        if 0 < 2 * self.low < self.high < math.inf:
            wider = self.high / self.low * often
            return self.low / wider, self.high * wider
        reach = often * (self.high - self.low) if self.low < self.high else 0.0
        return self.low - reach, self.high + reach


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a row was recorded: from how many inputs, in which dtypes and backends."""

    inputs: int
    dtypes: tuple[str, ...]
    backends: tuple[str, ...] = ()  # empty for a framework that has but one


class Sizes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: how it was recorded, and by row id the bands of each "claim target dtype"."""

    inputs: int
    versions: tuple[str, ...]
    backends: tuple[str, ...] = ()
    dtypes: tuple[str, ...]
    apart: dict[str, Recording] = {}  # rows that were recorded in another way
    rows: dict[str, dict[str, tuple[tuple[float | str, ...], ...]]]

    def recording(self, row: str) -> Recording:
        """How a row was recorded."""
        return self.apart.get(row) or Recording(inputs=self.inputs, dtypes=self.dtypes, backends=self.backends)


@functools.cache
def sizes(framework: str) -> Sizes | None:
    """What was recorded of a framework; None where nothing was."""
    file = resources.files("varlaw.verify.deviations") / f"{framework}.sizes.toml"
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Sizes) if file.is_file() else None


def recorded(row: str, framework: str, version: str, dtype: str) -> bool:
    """Whether the sizes of a row were measured: of versions that are not to be had they were not.

    A row that was measured in one version speaks for all of its versions, but not for another backend.
    """
    found = sizes(framework)
    if found is None or row not in found.rows:
        return False
    how = found.recording(row)
    return dtype in how.dtypes and (not how.backends or Version(version).local in how.backends)


def bands(row: str, framework: str, claim: str, target: str, dtype: str, *, drawn: bool = True) -> list[Band]:
    """The bands of a row in one place, or, where draws decide, of a sample; none where each measurement conformed."""
    found = sizes(framework)
    places = found.rows.get(row, {}) if found else {}
    named = ((claim, target), (claim, ANYWHERE), (POOLED.get(claim, claim), ANYWHERE))[: 3 if drawn else 1]
    lines = next((places[at] for name, where in named if (at := f"{name} {where} {dtype}") in places), ())
    return [Band(float(low), float(high), tuple(map(str, cases))) for low, high, *cases in lines]


def case_name(case: Mapping[str, Any]) -> str:
    """The few letters by which a band names a case.

    >>> case_name({"rows": 3})
    'def9'
    """
    return f"{zlib.crc32(canonical(dict(sorted(case.items()))).encode()) & 0xFFFF:04x}"


def size(finding: Finding) -> float:
    """The size of what was found; NaN where it has none."""
    if finding.size is not None:
        return finding.size
    found = finding.observed if finding.expected == 0 else finding.ratio
    return math.nan if found is None else found


def _centre(finding: Finding) -> float:
    """The size where nothing deviates."""
    return 0.0 if finding.size is not None or finding.expected == 0 else 1.0


def foreseen(of_row: Sequence[Band], finding: Finding, case: str | None, inputs: int) -> list[Band]:
    """The ranges that a finding may lie in: those of its corner, or all from no effect on.

    All where `case` is None, after fewer than `FEW` inputs, and, in a corner that no band names, after fewer than
    `INPUTS`: a violation may be met by chance there.
    """
    centre = _centre(finding)
    chosen = [b for b in of_row if case in b.cases or not b.cases]
    if case is None or inputs < (FEW if chosen else INPUTS):
        numbers = [b for b in of_row if not math.isnan(b.low)]
        ends = [end for band in numbers for end in band.widened(inputs)] or [centre]
        if centre == 0:  # what should be 0 has either sign
            ends += [-end for end in ends]
        return [Band(min(centre, *ends), max(centre, *ends)), *(b for b in of_row if math.isnan(b.low))]
    if not chosen and of_row and not finding.alpha:
        return [Band(centre - finding.delta, centre + finding.delta)]
    return [Band(*band.widened(inputs)) for band in chosen]


def meets(finding: Finding, ranges: Sequence[Band]) -> bool:
    """Whether a size, or its interval, lies in one of the ranges."""
    value = size(finding)
    if math.isnan(value):
        return any(math.isnan(band.low) for band in ranges)
    counted = finding.beta and finding.size is None and finding.interval is None  # what delta speaks of is no share
    slack = (0.0 if counted else finding.delta) + (_DIGITS * abs(value) if math.isfinite(value) else 0.0)
    low, high = value - slack, value + slack
    if finding.interval is not None and finding.size is None:
        low, high = (min(finding.interval[0], value), max(finding.interval[1], value))
    return any(band.low <= high and low <= band.high for band in ranges)


def hull(ranges: Sequence[Band]) -> tuple[float | None, float | None] | None:
    """The least and the greatest size of some ranges, None for an end that is not finite; None without any range."""
    if not ranges:
        return None
    low, high = min(b.low for b in ranges), max(b.high for b in ranges)
    return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def told(ranges: Sequence[Band]) -> str:
    """Ranges in words.

    >>> told([Band(0.5, 0.75), Band(math.nan, math.nan)])
    '0.5 to 0.75 or NaN'
    """
    return " or ".join(dict.fromkeys(map(_in_words, ranges))) or "no violation"


def _in_words(band: Band) -> str:
    if math.isnan(band.low):
        return "NaN"
    return f"{band.low:.4g}" if band.low == band.high else f"{band.low:.4g} to {band.high:.4g}"
