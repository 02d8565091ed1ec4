"""JUnit XML: a suite per framework, a testcase per verdict, the numbers as properties.

An undocumented violation is a failure, an error an error; what is undecided or not applicable is skipped with its
reason. A documented deviation has its reason as a property and counts as neither. No time is written: equal records
give equal bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports import words
from varlaw.reports.groups import parted, tally
from varlaw.reports.words import case_text, evidence, likely, number, plain, replay_command, risk, tidy, undecided


def render(run: Run) -> str:
    """The suites of a run as XML."""
    return "".join(pieces(run))


def pieces(run: Run) -> Iterator[str]:
    """The same, verdict by verdict: of a long run no more is in memory than one."""
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield f"<{_tag('testsuites', {'name': 'varlaw', **_totals(run.verdicts)})}>\n"
    for members in sorted(parted(run.verdicts, _framework), key=lambda members: _framework(members[0])):
        named = {"name": plain(" ".join(_framework(members[0])).strip())}
        yield f"  <{_tag('testsuite', named | _totals(members))}>\n"
        yield _properties(_circumstances(run), " " * 4)
        yield from map(_testcase, members)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _framework(verdict: Verdict) -> tuple[str, str]:
    return verdict.framework, verdict.version


# As ElementTree escapes them, which takes ten times as long.
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_VALUE: Final = _TEXT | str.maketrans({'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"})


def _tag(name: str, values: Mapping[str, str]) -> str:
    return "".join([name, *(f' {key}="{value.translate(_VALUE)}"' for key, value in values.items())])


def _totals(verdicts: Sequence[Verdict]) -> dict[str, str]:
    counts = tally(verdicts)
    skipped = counts.get("undecided", 0) + counts.get("not applicable", 0)
    numbers = {"failures": counts.get("VIOLATES", 0), "errors": counts.get("error", 0), "skipped": skipped}
    return {"tests": str(len(verdicts)), **{k: str(v) for k, v in numbers.items()}}


def _circumstances(run: Run) -> dict[str, str]:
    info = run.run
    fixed = {"varlaw": info.varlaw, "python": info.python, "platform": info.platform, "cpu": info.cpu}
    chosen = {"policy": info.policy, "salt": info.salt, "alpha_budget": risk(info.alpha_budget)}
    return fixed | {"threads": str(info.threads)} | info.versions | chosen


def _testcase(verdict: Verdict) -> str:
    name = f"{verdict.claim}[{' '.join(filter(None, [verdict.dtype, verdict.device, case_text(verdict.case)]))}]"
    start = _tag("testcase", {"classname": plain(verdict.subject), "name": plain(name)})
    inside = _properties(_numbers(verdict), " " * 6)
    if problem := _problem(verdict):
        inside += f"      {problem}\n"
    return f"    <{start}>\n{inside}    </testcase>\n"


def _problem(verdict: Verdict) -> str:
    """The element by which a reader of JUnit tells what did not pass; "" for what did."""
    message, state = _message(verdict), verdict.state
    if state in ("VIOLATES", "error"):
        tag = "failure" if state == "VIOLATES" else "error"
        text = "\n".join(filter(None, [message, plain(verdict.statement), replay_command(verdict)]))
        return f"<{_tag(tag, {'message': message, 'type': state})}>{text.translate(_TEXT)}</{tag}>"
    if state in ("undecided", "not applicable"):
        return f"<{_tag('skipped', {'message': f'{state}: {message}'.rstrip(': ')})} />"
    return ""


def _message(verdict: Verdict) -> str:
    measured = ""
    if verdict.ratio is not None:
        got = f"expected {plain(verdict.quantity)} {number(verdict.expected)}, measured {number(verdict.observed)}"
        measured = f"{got}, ratio {evidence(verdict)}"
    certified = undecided(verdict) if verdict.state == "undecided" else ""
    return "; ".join(filter(None, [measured, likely(verdict), certified, plain(verdict.detail)]))


def _numbers(verdict: Verdict) -> dict[str, str]:
    low, high = verdict.interval or (None, None)
    found = {
        "state": verdict.state,
        "law": verdict.law,
        "expected": _full(verdict.expected),
        "observed": _full(verdict.observed),
        "ratio": _full(verdict.ratio),
        "interval": f"[{_full(low) or '-inf'}, {_full(high) or 'inf'}]"
        if verdict.interval
        else words.interval(verdict),
        "samples": str(verdict.samples) if verdict.samples else "",
        "alpha": _full(verdict.alpha),
        "beta": _full(verdict.beta),
        "delta": _full(verdict.delta),
        "certified": _full(verdict.certified),
        "likely": verdict.likely or "",
        "deviation": f"{known.id}: {known.reason} {known.link}".rstrip() if (known := verdict.deviation) else "",
        "replay": verdict.replay,
    }
    return {k: v for k, v in found.items() if v}


def _full(value: float | None) -> str:
    return "" if value is None else tidy(repr(value))


def _properties(values: Mapping[str, str], indent: str) -> str:
    rows = (_tag("property", {"name": plain(name), "value": plain(value)}) for name, value in values.items())
    inside = "".join(f"{indent}  <{row} />\n" for row in rows)
    return f"{indent}<properties>\n{inside}{indent}</properties>\n"
