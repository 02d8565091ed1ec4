"""One law in two recordings: moved, the same as far as the draws say, or not to be compared; with the reasons.

Exact facts decide first (another kind of law, numbers that are not finite, that repeat, that come from no seed), then
probabilities under one law for both. A law that only one recording knows is a change where the evidence against every
family is beyond the risk of the whole diff, and is open where it is not and nothing else differs.
"""

import math
from collections.abc import Sequence

import msgspec

from varlaw.identify import dependence
from varlaw.identify.baseline import grounds, instances, twosample
from varlaw.identify.baseline.grounds import Tensor
from varlaw.identify.baseline.twosample import Laws, Pair

_TESTS = 4 + dependence.KINDS  # of each case, or of a law: sums or instances, ties, copies, and independence


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is no longer what it was; `ratio` is new over old scale in the case that moved most."""

    kind: str  # moved, appeared, vanished, constant, failed, recovered
    name: str
    before: str = ""
    after: str = ""
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    log_p: float | None = None  # ln of the probability under one law for both
    cases: str = ""  # in which cases, where not in all
    why: list[str] = []  # what shows it beside the scale
    parameters: list[str] = []  # of a model, which play the role
    touches: list[str] = []  # claims that speak of it, with their laws
    subject: str = ""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A law that could not be compared, and why."""

    name: str
    reason: str


def comparisons(tensors: Sequence[Tensor]) -> int:
    """Cases that are compared, each by itself, and once together."""
    return sum(len(t.pairs) + 1 for t in tensors)


def of_all(tensors: Sequence[Tensor], kept: frozenset[str], alpha: float) -> list[Change | Open]:
    """What moved, and what cannot be compared, at a risk of `alpha` for all; `kept` is what both files keep of a case.

    Half of the risk is for probabilities, half for laws that only one recording knows.
    """
    threshold = math.log(alpha / 2 / _TESTS / max(comparisons(tensors), 1))
    doubt = -math.log(alpha / 2 / max(len(tensors), 1))
    logs = twosample.log_ps([Laws(t.before, t.after, () if _by_text(t) else t.pairs) for t in tensors])
    found = (_one(t, own, kept, threshold, doubt) for t, own in zip(tensors, logs, strict=True))
    return [one for one in found if one]


def _by_text(tensor: Tensor) -> bool:
    return tensor.exact or not tensor.pairs


def _one(
    tensor: Tensor, logs: Sequence[float], kept: frozenset[str], threshold: float, doubt: float
) -> Change | Open | None:
    if _by_text(tensor):
        return _of_texts(tensor)
    why = [*grounds.kinds(tensor, doubt), *grounds.facts(tensor, kept), *grounds.evidence(tensor, kept, threshold)]
    by_marks, mark, least = instances.by_marks(tensor.pairs)
    if by_marks < threshold:
        why.append(f"{mark} of the instances is distributed otherwise")
    together = twosample.together_log_p(logs)
    apart = [pair for pair, log in zip(tensor.pairs, logs, strict=True) if log < threshold]
    log_p = min([*logs, together, by_marks])
    if apart or together < threshold or why:
        scale = bool(apart) or together < threshold
        return _change(tensor, apart or list(tensor.pairs), why, log_p if scale or by_marks < threshold else None)
    reason = grounds.why_open(tensor, logs, threshold, least)
    return Open(name=tensor.name, reason=reason) if reason else None


def _of_texts(tensor: Tensor) -> Change | Open | None:
    """Constants, and laws without a case in common, by what they are called."""
    was, now = tensor.texts
    sides = (tensor.before, tensor.after)
    bare = not all(one.cases for one in tensor.records)  # what a text says in full is recorded without cases
    if was == now and all(r.known for r in sides):
        return None
    if was != now and (tensor.exact or bare or all(r.known and not r.note for r in sides)):
        return _change(tensor, [], [grounds.lost(tensor)] if grounds.lost(tensor) else [], None)
    return Open(name=tensor.name, reason=f"no case in common: {was}, and {now}")


def _change(tensor: Tensor, apart: Sequence[Pair], why: Sequence[str], log_p: float | None) -> Change:
    ratios = [r for r in (twosample.ratio(a, b) for a, b in apart) if r]
    strongest = max(ratios, key=lambda r: abs(math.log(r[0])), default=None)
    return Change(
        kind="moved", name=tensor.name, before=tensor.texts[0], after=tensor.texts[1],
        ratio=strongest[0] if strongest else None, interval=strongest[1:] if strongest else None,
        log_p=None if log_p is None else max(log_p, -1e9), cases=_which(ratios, len(apart), len(tensor.pairs)),
        why=list(dict.fromkeys(why)), parameters=tensor.parameters, subject=tensor.records[1].subject,
    )  # fmt: skip


def _which(ratios: Sequence[tuple[float, float, float]], apart: int, pairs: int) -> str:
    values = [r[0] for r in ratios] or [1.0]
    spread = "" if max(values) <= 1.02 * min(values) else f"std x{min(values):.3g} to x{max(values):.3g}"
    some = "" if apart == pairs else f"in {apart} of {pairs} cases"
    return ", ".join(filter(None, [some, spread]))
