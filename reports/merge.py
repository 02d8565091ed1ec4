"""Several runs as one: their verdicts side by side, their risks added, their circumstances named together."""

import bisect
import hashlib
import itertools
import re
from array import array
from collections.abc import Iterable, Sequence

import msgspec

from varlaw.claims.verdict import Run, RunInfo, Verdict
from varlaw.reports.records import Records


def merged(runs: Sequence[Run]) -> Run:
    """One run that holds the verdicts of all, equal ones once; a single run is returned as it is."""
    if len(runs) == 1:
        return runs[0]
    return Run(run=_together([r.run for r in runs]), verdicts=_distinct([r.verdicts for r in runs]))


def _distinct(parts: Sequence[Sequence[Verdict]]) -> Records:
    """Equal keys repeat equal decisions: a verdict that stands in two runs is shown once."""
    places = [array("I") for _ in parts]
    seen: set[bytes] = set()
    for part, verdicts in enumerate(parts):
        for place, verdict in enumerate(verdicts):
            mark = hashlib.blake2b(msgspec.json.encode(verdict), digest_size=16).digest()
            if mark not in seen:
                seen.add(mark)
                places[part].append(place)
    ends = list(itertools.accumulate(map(len, places)))

    def get(place: int) -> Verdict:
        part = bisect.bisect_right(ends, place)
        return parts[part][places[part][place - (ends[part - 1] if part else 0)]]

    return Records(len(seen), get)


def _together(infos: Sequence[RunInfo]) -> RunInfo:
    names = dict.fromkeys(name for info in infos for name in info.versions)
    return RunInfo(
        varlaw=_both(i.varlaw for i in infos),
        versions={name: _both(i.versions[name] for i in infos if name in i.versions) for name in names},
        python=_both(i.python for i in infos),
        platform=_both(i.platform for i in infos),
        cpu=_both(i.cpu for i in infos),
        threads=max(i.threads for i in infos),
        devices=list(dict.fromkeys(d for i in infos for d in i.devices)),
        dtypes=list(dict.fromkeys(d for i in infos for d in i.dtypes)),
        policy=_both(i.policy for i in infos),
        delta=max(i.delta for i in infos),
        pooled=max(i.pooled for i in infos),
        redraws=min(i.redraws for i in infos),
        redraw_samples=min(i.redraw_samples for i in infos),
        blas=_both(i.blas for i in infos),
        hardware=_both(filter(None, (i.hardware for i in infos))),
        commit=_both(i.commit for i in infos),
        alpha=max(i.alpha for i in infos),
        beta=max(i.beta for i in infos),
        decisions=sum(i.decisions for i in infos),
        alpha_budget=sum(i.alpha_budget for i in infos),
        salt=_both(i.salt for i in infos),
        targets=list(dict.fromkeys(t for i in infos for t in i.targets)),
        wall_time=sum(i.wall_time for i in infos),
        complete=all(i.complete for i in infos),
    )


def _both(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def version_order(version: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts versions as people count them: 2.9 before 2.13.

    >>> sorted(["2.13.0", "2.9.1"], key=version_order)
    ['2.9.1', '2.13.0']
    """
    parts = re.findall(r"\d+|[^\d.]+", version)
    return tuple((1, int(p)) if p.isdecimal() else (0, p) for p in parts)
