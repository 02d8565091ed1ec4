"""JUnit XML: a suite per framework, a testcase per verdict, the numbers as properties.

An undocumented violation is a failure, an error an error; what is undecided or not applicable is skipped with its
reason. A documented deviation has its reason as a property and counts as neither. No time is written: equal records
give equal bytes.
"""

import itertools
from xml.etree import ElementTree as ET

from varlaw.reports.groups import tally
from varlaw.reports.words import case_text, evidence, likely, number, plain, replay_command, risk, tidy, undecided
from varlaw.verify.verdict import Run, Verdict


def render(run: Run) -> str:
    """The suites of a run as XML."""
    root = ET.Element("testsuites", {"name": "varlaw", **_totals(run.verdicts)})
    ordered = sorted(run.verdicts, key=lambda v: (v.framework, v.version))
    for (framework, version), members in itertools.groupby(ordered, key=lambda v: (v.framework, v.version)):
        verdicts = list(members)
        named = {"name": plain(f"{framework} {version}".strip())}
        suite = ET.SubElement(root, "testsuite", named | _totals(verdicts))
        _properties(suite, _circumstances(run))
        for verdict in verdicts:
            _testcase(suite, verdict)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _totals(verdicts: list[Verdict]) -> dict[str, str]:
    counts = tally(verdicts)
    skipped = counts.get("undecided", 0) + counts.get("not applicable", 0)
    numbers = {"failures": counts.get("VIOLATES", 0), "errors": counts.get("error", 0), "skipped": skipped}
    return {"tests": str(len(verdicts)), **{k: str(v) for k, v in numbers.items()}}


def _circumstances(run: Run) -> dict[str, str]:
    info = run.run
    fixed = {"varlaw": info.varlaw, "python": info.python, "platform": info.platform, "cpu": info.cpu}
    chosen = {"policy": info.policy, "salt": info.salt, "alpha_budget": risk(info.alpha_budget)}
    return fixed | {"threads": str(info.threads)} | info.versions | chosen


def _testcase(suite: ET.Element, verdict: Verdict) -> None:
    name = f"{verdict.claim}[{' '.join(filter(None, [verdict.dtype, verdict.device, case_text(verdict.case)]))}]"
    case = ET.SubElement(suite, "testcase", classname=plain(verdict.subject), name=plain(name))
    _properties(case, _numbers(verdict))
    message = _message(verdict)
    state = verdict.state
    if state in ("VIOLATES", "error"):
        tag = "failure" if state == "VIOLATES" else "error"
        problem = ET.SubElement(case, tag, message=message, type=state)
        problem.text = "\n".join(filter(None, [message, plain(verdict.statement), replay_command(verdict)]))
    elif state in ("undecided", "not applicable"):
        ET.SubElement(case, "skipped", message=f"{state}: {message}".rstrip(": "))


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
        "interval": "exact" if verdict.interval is None else f"[{_full(low) or '-inf'}, {_full(high) or 'inf'}]",
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


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    holder = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(holder, "property", name=plain(name), value=plain(value))
