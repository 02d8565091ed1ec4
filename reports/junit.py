"""JUnit XML: a suite per framework, a testcase per row (a claim about a subject), its worst verdict as output.

An undocumented violation is a failure, an error an error; what is undecided or not applicable is skipped with its
reason, and so is a documented deviation whose size nobody measured: it is no pass. One of a known size has its reason
in the output and counts as none of these. What conforms to within larger errors only than the run's is counted apart in
a row's `verdicts` and in `outcome`, the headline of the run. A row stands for
all of its cases, and of what conforms little is said, which keeps the file near one megabyte where some readers refuse
thirty; the cases that failed are listed in the failure, and every verdict is in the records. The elements are those of
Jenkins' schema, in which a testcase has output but no properties. No time is written: equal records give equal bytes.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports import wording
from varlaw.reports.counts import headline
from varlaw.reports.groups import Group, grouped
from varlaw.reports.texts import number, plain, risk, tidy
from varlaw.reports.wording import case_text, evidence, likely, replay_command, undecided

CASES: Final = 20  # that a failure lists at most
OF_CONFORMING: Final = ("verdicts", "ratio", "interval", "deviation")  # all that is said of a row that conforms


def render(run: Run) -> str:
    """The suites of a run as XML."""
    return "".join(pieces(run))


def pieces(run: Run) -> Iterator[str]:
    """The same, row by row: of a long run no more is in memory than one."""
    rows = sorted(grouped(run.verdicts), key=_framework)
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    whole = {name: n for name, n in _totals(rows).items() if name != "skipped"}  # which the schema has in suites alone
    yield f"<{_tag('testsuites', {'name': 'varlaw', **whole})}>\n"
    for framework, those in itertools.groupby(rows, key=_framework):
        members = list(those)
        yield f"  <{_tag('testsuite', {'name': plain(' '.join(framework).strip()), **_totals(members)})}>\n"
        yield _properties(_circumstances(run))
        yield from (_testcase(group, run) for group in members)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _framework(group: Group) -> tuple[str, str]:
    return group.key[:2]


# As ElementTree escapes them, which takes ten times as long.
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_VALUE: Final = _TEXT | str.maketrans({'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"})


def _tag(name: str, values: Mapping[str, str]) -> str:
    return "".join([name, *(f' {key}="{value.translate(_VALUE)}"' for key, value in values.items())])


def _totals(rows: Sequence[Group]) -> dict[str, str]:
    counts = Counter(group.state for group in rows)
    skipped = sum(_skipped(group) for group in rows)
    numbers = {"failures": counts.get("VIOLATES", 0), "errors": counts.get("error", 0), "skipped": skipped}
    return {"tests": str(len(rows)), **{k: str(v) for k, v in numbers.items()}}


def _skipped(group: Group) -> bool:
    return group.state in ("undecided", "not applicable") or (group.state == "deviation" and group.unsized > 0)


def _circumstances(run: Run) -> dict[str, str]:
    info = run.run
    fixed = {"varlaw": info.varlaw, "python": info.python, "platform": info.platform, "cpu": info.cpu}
    chosen = {"policy": info.policy, "salt": info.salt, "alpha_budget": risk(info.alpha_budget)}
    return {"outcome": headline(run)} | fixed | {"threads": str(info.threads)} | info.versions | chosen


def _testcase(group: Group, run: Run) -> str:
    start = _tag("testcase", {"classname": plain(group.subject), "name": plain(group.claim)})
    numbers = _numbers(group, run)
    if group.state == "conforms":
        numbers = {name: numbers[name] for name in OF_CONFORMING if name in numbers}
    output = "\n".join(f"{name}: {plain(value)}" for name, value in numbers.items()).translate(_TEXT)
    inside = "".join(f"      {part}\n" for part in (_problem(group), f"<system-out>{output}</system-out>") if part)
    return f"    <{start}>\n{inside}    </testcase>\n"


def _problem(group: Group) -> str:
    """The element by which a reader of JUnit tells what did not pass; "" for what did."""
    verdict, state = group.worst, group.state
    message = _message(verdict)
    if state in ("VIOLATES", "error"):
        tag = "failure" if state == "VIOLATES" else "error"
        text = "\n".join(filter(None, [message, plain(verdict.statement), *_cases(group)]))
        return f"<{_tag(tag, {'message': message, 'type': state})}>{text.translate(_TEXT)}</{tag}>"
    if _skipped(group):
        return f"<{_tag('skipped', {'message': f'{state}: {message}'.rstrip(': ')})} />"
    return ""


def _cases(group: Group) -> Iterator[str]:
    """The cases of the worst state, the worst one first, each with what was measured and how to see it again."""
    yield f"in {group.extent}"
    others = (v for v in group.verdicts if v.state == group.state and v.replay != group.worst.replay)
    for verdict in itertools.islice(itertools.chain([group.worst], others), CASES):
        where = " ".join(filter(None, [verdict.dtype, verdict.device, case_text(verdict.case)]))
        yield " ".join(filter(None, [f"{where}:", evidence(verdict), replay_command(verdict)]))


def _message(verdict: Verdict) -> str:
    measured = ""
    if verdict.ratio is not None:
        got = f"expected {plain(verdict.quantity)} {number(verdict.expected)}, measured {number(verdict.observed)}"
        measured = f"{got}, ratio {evidence(verdict)}"
    certified = undecided(verdict) if verdict.state == "undecided" else ""
    return "; ".join(filter(None, [measured, likely(verdict), certified, plain(verdict.detail)]))


def _numbers(group: Group, run: Run) -> dict[str, str]:
    verdict = group.worst
    low, high = verdict.interval or (None, None)
    known = {v.deviation.id: v.deviation for v in group.verdicts if v.deviation}
    found = {
        "state": group.state,
        "verdicts": ", ".join(f"{n} {state}" for state, n in group.told_apart(run.run.delta).items()),
        "case": " ".join(filter(None, [verdict.dtype, verdict.device, case_text(verdict.case)])),
        "law": verdict.law,
        "expected": _full(verdict.expected),
        "observed": _full(verdict.observed),
        "ratio": _full(verdict.ratio),
        "interval": f"[{_full(low) or '-inf'}, {_full(high) or 'inf'}]"
        if verdict.interval
        else wording.interval(verdict),
        "samples": str(verdict.samples) if verdict.samples else "",
        "alpha": _full(verdict.alpha),
        "beta": _full(verdict.beta),
        "delta": _full(verdict.delta),
        "certified": _full(verdict.certified),
        "likely": verdict.likely or "",
        "deviation": "; ".join(f"{d.id}: {d.reason} ({wording.standing(d)}) {d.link}".rstrip() for d in known.values()),
        "replay": verdict.replay,
    }
    return {k: v for k, v in found.items() if v}


def _full(value: float | None) -> str:
    return "" if value is None else tidy(repr(value))


def _properties(values: Mapping[str, str]) -> str:
    rows = (_tag("property", {"name": plain(name), "value": plain(value)}) for name, value in values.items())
    inside = "".join(f"      <{row} />\n" for row in rows)
    return f"    <properties>\n{inside}    </properties>\n"
