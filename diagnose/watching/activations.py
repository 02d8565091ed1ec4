"""What sampled passes show: units that are dead or saturated, signals and gradients that leave their band by depth.

A unit that one input in a hundred makes active is silent on N rows with probability 0.99^N at most; a layer whose
silent units no such half explains is dead by a binomial law, and one of which all are silent by a single such unit. The
other statements are measured facts that two samples in a row show; growth from sample to sample is judged by the
detector of levels.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose import flow
from varlaw.diagnose.collapse import collapse
from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.watching.detectors import RULES, Detectors, merged
from varlaw.diagnose.watching.tracker import Tracker

_ACTIVE = 0.01  # share of inputs on which a unit is active that is not dead
_MOST = 0.5  # share of units, and of entries
_SURELY, _RARE = 0.6, 0.02  # share of a layer's units that are each shown to be active on less of the inputs than that
_SILENT = frozenset(["relu", "relu6", "threshold"])  # no gradient passes where these give 0
_FLOOR = 0.1  # of ln second moment: what is too small to matter


class Activations:
    """Fed with every sampled pass; `alpha` is the chance of a false statement by each of them."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._rows: dict[int, NDArray[np.int64]] = {}  # by call: rows on which each unit has been silent, to the last
        self._shape: tuple[Any, ...] = ()
        self._last: dict[
            bool, set[tuple[str, tuple[str, ...]]]
        ] = {}  # what the last pass showed, with gradients or not
        self._tracker: Tracker | None = None
        self._detectors: Detectors | None = None

    def step(self, sight: Sight, silent: dict[int, NDArray[np.bool_]]) -> Iterator[Finding]:
        """What is said after this pass."""
        shape = tuple((c.op, c.path) for c in sight.calls)
        if shape != self._shape:
            self._shape, self._rows, self._last, self._tracker = shape, {}, {}, None
        if any(c.output is not None and c.output.nonfinite for c in sight.calls):
            return  # a fact that the loss tells
        graph = Graph(sight.calls)
        yield from self._dead(sight, graph, silent)
        forward = [
            *_saturated(sight, graph),
            *flow.signals([sight], graph, self._alpha),
            *collapse([sight], graph, False),
        ]
        yield from self._again(forward, backward=False)
        if any(c.gradient is not None for c in sight.calls):
            yield from self._again(flow.gradients([sight], graph, self._alpha), backward=True)
        yield from self._growing(sight)

    def _again(self, found: Sequence[Finding], *, backward: bool) -> Iterator[Finding]:
        """Those that the pass before showed, too."""
        wrong = [f for f in found if f.outcome == "VIOLATES"]
        before = self._last.get(backward, set())
        self._last[backward] = {(f.signal, f.where[:1]) for f in wrong}
        yield from (f for f in wrong if (f.signal, f.where[:1]) in before)

    def _dead(self, sight: Sight, graph: Graph, silent: dict[int, NDArray[np.bool_]]) -> Iterator[Finding]:
        layers = [c for c in sight.calls if c.op in _SILENT and c.units and c.number in silent and _within(c, graph)]
        for call in layers:
            assert call.units
            quiet = silent[call.number]
            before = self._rows.get(call.number)
            if before is None or before.shape != quiet.shape:
                before = np.zeros(len(quiet), dtype=np.int64)
            rows = self._rows[call.number] = np.where(quiet, before + call.units.rows, 0)
            found = _explained(rows)
            if found.p < self._alpha / max(1, len(layers)):
                says = (
                    f"{found.units} of {len(rows)} units of {call.op} are 0 on all of {found.rows} sampled rows or more"
                )
                law = f"that {found.one} is active on {100 * found.active:.0f} % of inputs"
                yield finding(
                    "unit.dead", "VIOLATES", f"{says}; {law} is excluded", call.path or call.op,
                    observed=found.units / len(rows), expected=_MOST, samples=found.rows, alpha=self._alpha,
                )  # fmt: skip

    def _growing(self, sight: Sight) -> Iterator[Finding]:
        calls = [c for c in sight.calls if c.kind in ("linear", "add", "attention", "recurrent")]
        x = np.array([math.log(c.output.second) if c.output and c.output.second > 0 else math.nan for c in calls])
        if not len(x):
            return
        if self._tracker is None or self._detectors is None:
            self._tracker, self._detectors = Tracker(len(x), _FLOOR), Detectors(len(x), np.full(len(x), 0.2), ("up",))
        g, excess, turned, ready = self._tracker.step(x)
        logs = self._detectors.step(g, excess, turned, ready)["up"]
        if ready.any() and merged(logs, ready) >= -math.log(self._alpha):
            worst = int(np.argmax(np.where(ready, logs, -np.inf)))
            self._detectors.reset("up", ready)
            says = f"its second moment {RULES['up'].says} from sample to sample; {RULES['up'].assumes}"
            says += f"; at most one false alarm in {1 / self._alpha:.2g} samples, on average"
            yield finding("signal.grows", "VIOLATES", says, calls[worst].path or calls[worst].op, alpha=self._alpha)


class _Silence(NamedTuple):
    """So many units were silent on so many rows or more; luck explains it with probability `p` at most."""

    units: int
    rows: int
    p: float
    one: str = "half of them"
    active: float = _ACTIVE


def _explained(silent_rows: NDArray[np.int64]) -> _Silence:
    """The least likely of the counts, over the numbers of rows; each has its share of p."""
    from scipy.special import bdtrc

    total, lengths = len(silent_rows), np.unique(silent_rows[silent_rows > 0])
    best = _Silence(0, 0, 1.0)
    for rows in lengths.tolist():
        count = int((silent_rows >= rows).sum())
        missed, looks = (1 - _ACTIVE) ** rows, 3 * len(lengths)
        half = float(bdtrc(count - 1, total, _MOST + (1 - _MOST) * missed))
        found = [_Silence(count, rows, looks * half)]
        if count == total:
            found.append(_Silence(count, rows, looks * missed, "one of them"))
        if count > _SURELY * total:
            found.append(_Silence(count, rows, looks * total * (1 - _RARE) ** rows, "any of them", _RARE))
        best = min([best, *found], key=_p)
    return best


def _p(silence: _Silence) -> float:
    return silence.p


def _within(call: Call, graph: Graph) -> bool:
    """Whether a later map with parameters takes what the call made: else it is an output, which may saturate."""
    return any(
        c.kind in ("linear", "recurrent") and c.parameters and graph.leads(call.number, c.number)
        for c in graph.calls[call.number + 1 :]
    )


def _saturated(sight: Sight, graph: Graph) -> list[Finding]:
    found = []
    for call in sight.calls:
        gate = any(sight.calls[n].kind == "product" for n in graph.children[call.number])
        if call.units is None or gate or call.units.saturated <= _MOST or not _within(call, graph):
            continue
        share = call.units.saturated
        says = f"{100 * share:.0f} % of the entries of {call.op} lie where its derivative is below 2 % of its largest"
        where = call.path or call.op
        found.append(finding("unit.saturated", "VIOLATES", says, where, observed=share, samples=call.units.rows))
    return found


def due(step: int, every: int) -> bool:
    """Whether this step is sampled: powers of two up to `every`, then every so many."""
    return step % every == 0 or (step < every and step & (step - 1) == 0)


def in_order(where: Sequence[str], sight: Sight) -> tuple[str, ...]:
    """Names of parameters in the order in which the pass uses them; those that it does not use come first."""
    place = {name: c.number for c in sight.calls for name in c.parameters}
    return tuple(sorted(where, key=lambda name: place.get(name, -1)))
