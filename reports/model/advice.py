"""Advice as plain text: what is wrong, what each layer gets and why, the way before and after, the code, the trials.

Guarantee: no line is longer than the width, from 60 columns on, but for the lines of code, which are to be pasted.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence

import msgspec
from markupsafe import escape

from varlaw.diagnose.advising.records import AdviceRecord, Calibrated, Choice, Depth, Trial
from varlaw.diagnose.records import Finding
from varlaw.reports.texts import plain

_NAMES = 4
_ROWS = 16  # rows of the way, beyond which its middle is left out
_WORDS = {"REMOVES": "removes it", "DOES_NOT": "does not remove it", "UNDECIDED": "undecided", "REFUSED": "refused"}


def render(record: AdviceRecord, width: int = 80, *, verbose: bool = False) -> str:
    """The advice in lines of at most `width` columns; `verbose` shows every row of the way."""
    lines = textwrap.wrap(f"{plain(record.name)}: {verdict(record)}", width)
    lines += [*_findings("wrong", record.symptoms, width), *_findings("first", record.untreated, width)]
    parts = (_choices(record.changes, width), _kept(record, width), _steps(record, width), _trials(record, width))
    for part in map(list, parts):
        lines += ["", *part] if part else []
    lines += ["", *_way(record, width, verbose=verbose)] if record.depths and (record.changes or verbose) else []
    lines += ["", *record.code.splitlines()] if record.code else []
    lines += _findings("still", record.remaining, width)
    return "\n".join(lines)


def calibration(rows: Sequence[Calibrated], width: int = 80) -> str:
    """What became of each map of a calibrated model."""
    place = max(12, min(max((len(r.name) for r in rows), default=0), width - 60))
    lines = [f"  {'map':{place}} {'':10} {'factor':>8} {'E y^2':>9} {'target':>8}  {'over the target':18}"]
    for row in rows:
        name = plain(row.name) if len(row.name) <= place else "~" + plain(row.name)[-(place - 1) :]
        if row.outcome == "REFUSED":
            lines += _wrapped(f"{name:{place}} refused: {row.reason}", width, "  ", "    ")
            continue
        low, high = row.interval or (math.nan, math.nan)
        word = row.outcome.lower()
        lines.append(
            f"  {name:{place}} {word:10} {row.factor:8.3g} {row.after or math.nan:9.3g} {row.target or math.nan:8.3g}"
            f"  [{low:.3f}, {high:.3f}]"
        )
    reasons = dict.fromkeys(r.reason for r in rows if r.outcome != "REFUSED")
    return "\n".join([*lines, *(line for why in reasons for line in _wrapped(why, width, "  ", "    "))])


def fragment(record: AdviceRecord) -> str:
    """The advice as text in a block of HTML: what a notebook shows."""
    return f"<pre>{escape(render(record))}</pre>"


def encode(record: AdviceRecord) -> str:
    """The record as JSON text."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode()


def verdict(record: AdviceRecord) -> str:
    """What is advised, in a line."""
    count, changed = len({c.name for c in record.choices}), len({c.name for c in record.changes})
    if changed:
        return f"{changed} of {count} parameters change, the others keep their values"
    if record.symptoms:
        return "no initial values remove what is wrong"
    if record.untreated:
        return "nothing to initialise anew; what is wrong is not a matter of initial values"
    return "nothing to change"


def _findings(word: str, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """One entry a signal: its first finding, and how many more there are."""
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        groups.setdefault(one.signal, []).append(one)
    for signal, group in groups.items():
        one, more = group[0], f" (and {len(group) - 1} more)" if len(group) > 1 else ""
        names = ", ".join(map(plain, one.where[:_NAMES])) + (" ..." if len(one.where) > _NAMES else "")
        remedy = f" (try: {'; '.join(one.remedies)})" if word == "first" and one.remedies else ""
        yield from _wrapped(f"{word}  {signal}  {names}: {plain(one.says)}{more}{remedy}", width, "  ", "         ")


def grouped(changes: Sequence[Choice]) -> list[list[Choice]]:
    """All parameters with one reason and one law are one group; maps first."""
    groups: dict[tuple[object, ...], list[Choice]] = {}
    for choice in changes:
        groups.setdefault((choice.reason, choice.law, choice.part), []).append(choice)
    return sorted(groups.values(), key=lambda g: g[0].law != "normal")


def _choices(changes: Sequence[Choice], width: int) -> Iterator[str]:
    for group in grouped(changes):
        first = group[0]
        yield from _wrapped(f"{names_of(group)}  {law_of(group)}", width, "  ", "    ")
        yield from _wrapped(f"{first.reason}{f' [{first.source}]' if first.source else ''}", width, "      ", "      ")


def names_of(group: Sequence[Choice]) -> str:
    """The first and the last parameter of a group, and how many there are."""
    first, last = plain(group[0].name), plain(group[-1].name)
    return first if len(group) == 1 else f"{first} ... {last} ({len(group)})"


def law_of(group: Sequence[Choice]) -> str:
    """What a group of parameters gets, beside what it has."""
    return f"{_law(group)}{_factors(group)}"


def _law(group: Sequence[Choice]) -> str:
    part = group[0].part
    where = f"[{part[0]}:{part[1]}] " if isinstance(part, tuple) else f"[{part}] " if part else ""
    if group[0].law == "constant":
        return f"{where}{group[0].value:.3g}"
    if group[0].law != "normal":
        return where + group[0].law
    fan = _range([c.fan for c in group if c.fan], "{:.4g}")
    return f"{where}N(0, std {_range([c.std for c in group if c.std], '{:.3g}')}){f', fan {fan}' if fan else ''}"


def _factors(group: Sequence[Choice]) -> str:
    factors = [c.std / c.before for c in group if c.std and c.before]
    return f", {_range(factors, 'x{:.3g}')}" if factors else ""


def _range(values: Sequence[float], form: str) -> str:
    """One number, or two where they differ by more than 5 %."""
    if not values:
        return ""
    low, high = min(values), max(values)
    return form.format(low) if high < 1.05 * low else f"{form.format(low)} to {form.format(high)}"


def _kept(record: AdviceRecord, width: int) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for choice in record.choices:
        if choice.law == "keep" and choice.reason:
            reasons.setdefault(choice.reason, []).append(plain(choice.name))
    for reason, names in reasons.items() if record.changes else ():
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield from _wrapped(f"kept  {', '.join(names[:_NAMES])}{more}: {reason}", width, "  ", "    ")


def _steps(record: AdviceRecord, width: int) -> Iterator[str]:
    if not (record.symptoms or record.untreated):
        return
    for step in record.steps:
        where = (
            f"{', '.join(map(plain, step.where[:_NAMES]))}{' ...' if len(step.where) > _NAMES else ''}: "
            if step.where
            else ""
        )
        law = f" [{step.source}]" if step.source else ""
        yield from _wrapped(f"{step.stage}  {where}{step.says}{law}", width, "  ", "    ")
        if step.code:
            yield f"      {step.code}"


def _trials(record: AdviceRecord, width: int) -> Iterator[str]:
    for trial in record.trials:
        yield from _wrapped(f"tried {trial.stage}: {trial.says}", width, "  ", "    ")
        if trial.pairs:
            yield from _wrapped(losses(trial), width, "    ", "    ")


def losses(trial: Trial) -> str:
    """The loss of the short runs on both sides."""
    without, behind = (("not finite" if x is None else f"{x:.4g}") for x in (trial.loss_without, trial.loss_with))
    return f"median loss after {trial.steps} steps: {without} without, {behind} with it" if trial.steps else ""


def _way(record: AdviceRecord, width: int, *, verbose: bool) -> Iterator[str]:
    rows = record.depths
    columns = min(len(_COLUMNS), (width - 24) // 9)
    place = max(10, min(max(len(r.path) for r in rows), width - 13 - 9 * columns))
    for line in (0, 1):
        heads = "".join(f"{head[line]:>9}" for head in _COLUMNS[:columns])
        yield f"  {('', 'module')[line]:{place}} {('', 'operation')[line]:10}{heads}"
    left_out = 0 if verbose else max(0, len(rows) - _ROWS)
    half = _ROWS // 2
    for i, row in enumerate(rows if not left_out else [*rows[:half], *rows[-half:]]):
        if left_out and i == half:
            yield f"  ... {left_out} rows more (-v shows them)"
        yield _row(row, place, columns)


_COLUMNS = (("before", "rms"), ("before", "by law"), ("after", "rms"), ("after", "by law"), ("gradient", "x before"))


def _row(row: Depth, place: int, columns: int) -> str:
    path = plain(row.path) or "(model)"
    path = path if len(path) <= place else "~" + path[-(place - 1) :]
    change = row.gradient_after / row.gradient_before if row.gradient_after and row.gradient_before else None
    numbers = (row.before, row.foreseen_before, row.after, row.foreseen_after, change)
    return f"  {path:{place}} {row.op[:10]:10}{''.join(f'{_short(x):>9}' for x in numbers[:columns])}".rstrip()


def _short(x: float | None) -> str:
    return "" if x is None else f"{x:.3g}"


def _wrapped(text: str, width: int, indent: str, further: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False)
