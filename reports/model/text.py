"""A model's report as plain text: what is wrong first, with cause and remedy, then the table by depth.

Guarantee: no line is longer than the width, from 60 columns on; names that are longer are broken.
"""

import textwrap
from collections.abc import Iterator, Sequence

from varlaw.diagnose.records import Diagnosis, Finding, ModelRecord, Row
from varlaw.reports.texts import plain

_NAMES = 6  # parameters that a finding names
_ROWS = 48  # rows of the table, beyond which its middle is left out
_MARK = 22  # columns for the word of a finding behind its row
_WORDS = {"NOTE": "note", "UNDECIDED": "undecided", "NOT_APPLICABLE": "not seen"}


def render(record: ModelRecord, width: int = 80, *, verbose: bool = False) -> str:
    """The report in lines of at most `width` columns; `verbose` shows every row of the table."""
    lines = [*_heading(record, width), ""]
    explained = {signal for one in record.diagnoses for signal in one.signals}
    for finding in record.findings:
        lines += [*_finding(finding, width, advised=finding.signal not in explained), ""]
    if record.diagnoses:
        lines += [*diagnosed(record.diagnoses, width), ""]
    if record.rows:
        lines += [*_table(record.rows, record.findings, width, verbose=verbose), ""]
    lines += _closing(record, width)
    return "\n".join(lines)


def _heading(record: ModelRecord, width: int) -> Iterator[str]:
    if record.policy == "watch":
        risk = f"at most one false alarm of change or spike in {1 / record.alpha:.2g} steps on average"
        yield from textwrap.wrap(
            f"{plain(record.name)}: {record.numbers:,} parameters, {record.draws} steps | {risk}", width
        )
        return
    draws = "1 draw" if record.draws == 1 else f"{record.draws} draws"
    risk = f"finds {100 * record.delta:.0f} % of a std, false alarm {record.alpha:.0e} for the whole report".replace(
        "e-0", "e-"
    )
    text = f"{plain(record.name)}: {record.numbers:,} parameters, {draws} | {risk} | salt {plain(record.salt)}"
    yield from textwrap.wrap(text, width)


def _finding(finding: Finding, width: int, *, advised: bool) -> Iterator[str]:
    names = [plain(name) for name in finding.where]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    word = _WORDS.get(finding.outcome, finding.outcome)
    yield from _wrapped(f"{word} {finding.signal} ({finding.kind})", f"{', '.join(names[:_NAMES])}{more}", width, "  ")
    yield from textwrap.wrap(plain(finding.says), width, initial_indent="    ", subsequent_indent="    ")
    if advised and finding.outcome in ("VIOLATES", "UNDECIDED"):
        yield from _wrapped("    look at", "; ".join(finding.hypotheses), width, "    ")
        yield from _wrapped("    try    ", "; ".join(finding.remedies), width, "    ")


def _wrapped(head: str, text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(f"{head}  {text}", width, subsequent_indent=indent + "  ", break_on_hyphens=False)


def diagnosed(found: Sequence[Diagnosis], width: int = 80) -> list[str]:
    """What the findings of a run add up to: causes and remedies, in the order in which to look and try."""
    shown = []
    for one in found:
        shown += textwrap.wrap(f"{one.says}, by {', '.join(one.signals)}", width, subsequent_indent="    ")
        shown += _item(f"look at {one.look}", width, 4)
        shown += _item(f"causes, {'those that were seen' if one.shown else 'the usual'} first:", width, 4)
        shown += [line for i, says in enumerate(one.hypotheses, 1) for line in _item(f"{i}. {says}", width, 6)]
        shown += _item("try, in this order:", width, 4)
        shown += [line for i, says in enumerate(one.advice, 1) for line in _item(f"{i}. {says}", width, 6)]
    return shown


def _item(text: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 3))


def _table(rows: Sequence[Row], findings: Sequence[Finding], width: int, *, verbose: bool) -> Iterator[str]:
    place = max(12, min(max(len(r.path) for r in rows), width - 42 - _MARK))
    op = max(10, min(max(len(r.op) for r in rows), width - 32 - place - _MARK))
    yield f"  {'module':{place}} {'operation':{op}} {'rms':>9} {'/ law':>6} {'gradient':>9}"
    left_out = 0 if verbose else max(0, len(rows) - _ROWS)
    half = _ROWS // 2
    shown = rows if not left_out else [*rows[:half], *rows[-half:]]
    for i, row in enumerate(shown):
        if left_out and i == half:
            yield f"  ... {left_out} rows more (-v shows them)"
        yield _row(row, (place, op), findings, width)


def _row(row: Row, columns: tuple[int, int], findings: Sequence[Finding], width: int) -> str:
    (place, op), path = columns, plain(row.path) or "(model)"
    name = row.op if len(row.op) <= op else row.op[: op - 1] + "~"
    path = path if len(path) <= place else "~" + path[-(place - 1) :]
    rms = f"{row.second**0.5:.3g}" if row.second else "-"
    law = f"{(row.second / row.law) ** 0.5:.3f}" if row.second and row.law else ""
    gradient = f"{row.gradient**0.5:.2g}" if row.gradient else ""
    wrong = [findings[i].signal for i in row.findings if findings[i].outcome == "VIOLATES"]
    line = f"  {path:{place}} {name:{op}} {rms:>9} {law:>6} {gradient:>9}"
    mark = f"  <- {wrong[0]}" if wrong else ""
    return (line + (mark if len(line) + len(mark) <= width else " !")).rstrip()


def _closing(record: ModelRecord, width: int) -> Iterator[str]:
    if record.loss is not None:
        law = f", where zero logits give {record.loss_law:.4g}" if record.loss_law is not None else ""
        yield f"  first loss {record.loss:.4g}{law}"
    counts = {word: sum(f.outcome == word for f in record.findings) for word in ("VIOLATES", "UNDECIDED", "NOTE")}
    words = [f"{counts['VIOLATES']} violate" if counts["VIOLATES"] != 1 else "1 violates"]
    words += [f"{counts['UNDECIDED']} undecided"] if counts["UNDECIDED"] else []
    words += [f"{counts['NOTE']} notes" if counts["NOTE"] > 1 else "1 note"] if counts["NOTE"] else []
    yield "  " + (", ".join(words) if record.findings else "nothing is wrong by law in what was seen")
    for reason in dict.fromkeys(record.blind):
        yield from textwrap.wrap(f"not seen: {plain(reason)}", width, initial_indent="  ", subsequent_indent="    ")
