"""Findings that say the same of many members of one role, as one: the farthest member speaks, all are named."""

import math
import re
from collections.abc import Sequence

import msgspec

from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Finding

_ALIKE = 1.25  # ratios of one cause, measured on different tensors, agree to that


def folded(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those of one signal on one role with ratios of one size, or with the same words, put together.

    Findings, and the names in each, keep their order.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        groups.setdefault(_key(one), []).append(one)
    return [_joined(group) for group in groups.values()]


def _key(one: Finding) -> tuple[object, ...]:
    if len(one.where) != 1:
        return one.signal, one.outcome, one.where, one.says
    if one.ratio is None or not 0 < one.ratio < math.inf:
        return one.signal, one.outcome, pattern(one.where[0]), one.law, re.sub(r"\d+", "*", one.says)
    size = round(math.log(one.ratio) / math.log(_ALIKE) / 2)
    return one.signal, one.outcome, pattern(one.where[0]).rpartition(".")[2], one.law, size


def _joined(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    farthest = max(group, key=lambda f: abs(math.log(f.ratio)) if f.ratio and f.ratio < math.inf else 0.0)
    names = tuple(name for one in group for name in one.where)
    return msgspec.structs.replace(farthest, where=names, says=f"{farthest.says} ({len(group)} parameters alike)")
