"""The false alarms of a watched run, counted, and the steps until a change is found, beside two rules in common use.

`python tests/meta/watch_alarms.py PAGE [--steps N] [--signals N] [--jobs N]` writes the page that the documentation
shows, and fails when healthy runs raise more alarms than the stated rate explains. A monitored step is one call of the
whole judge of a run: loss, gradients and updates of eight tensors, every rule. The other rules are set to the rate that
ours states: once on the very noise on which changes are then looked for, which nobody knows beforehand, and once on all
of the healthy streams.
"""

import argparse
import math
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from varlaw.diagnose.watching.detectors import Detectors
from varlaw.diagnose.watching.judge import ALPHA, Judge
from varlaw.diagnose.watching.records import Step
from varlaw.diagnose.watching.spikes import Spikes
from varlaw.diagnose.watching.tracker import Tracker
from varlaw.evidence.streams import Key

Floats = np.ndarray
RUN = 4000  # steps of one healthy run
TENSORS = 8
_RISES = {"loss.grows", "gradient.grows", "update.large"}
STREAMS = "watch-alarms-4"  # healthy runs that nobody had seen when the rules were last changed
_RISK = 1e-6  # of calling a judge at its stated rate too loud


# -- healthy runs: ln loss, ln gradient norms by tensor, ln update norms over the rate, at each step -------------------


def _white(rng: np.random.Generator, sd: float) -> Floats:
    """Noise that all signals share, and noise of their own."""
    return sd * (0.7 * rng.standard_normal((RUN, 1)) + 0.7 * rng.standard_normal((RUN, 1 + 2 * TENSORS)))


def _gaussian(rng: np.random.Generator) -> Floats:
    return np.log(np.maximum(1 + _white(rng, 0.15), 1e-3))


def _autoregressive(rng: np.random.Generator, phi: float) -> Floats:
    noise, x = _white(rng, 0.3 * math.sqrt(1 - phi * phi)), np.zeros((RUN, 1 + 2 * TENSORS))
    for t in range(1, RUN):
        x[t] = phi * x[t - 1] + noise[t]
    return x


def _growing(rng: np.random.Generator) -> Floats:
    return _white(rng, 0.15) * np.linspace(1, 3, RUN)[:, None]


def _learning(rng: np.random.Generator) -> Floats:
    """A loss that falls by a power of the step, gradients that fall half as fast."""
    fall = -0.3 * np.log(np.arange(1, RUN + 1) / 32 + 1)
    drift = np.concatenate([fall[:, None], np.repeat(fall[:, None] / 2, 2 * TENSORS, axis=1)], axis=1)
    return drift + _white(rng, 0.2)


NULLS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "Gaussian, 15 %": _gaussian,
    "log-normal, 0.3": lambda rng: _white(rng, 0.3),
    "log-normal, 0.7": lambda rng: _white(rng, 0.7),
    "AR(1), 0.5": lambda rng: _autoregressive(rng, 0.5),
    "AR(1), 0.9": lambda rng: _autoregressive(rng, 0.9),
    "noise that grows threefold": _growing,
    "falling loss": _learning,
}


def alarms(name: str, index: int) -> Counter[str]:
    """The words that the judge says of one healthy run; a rise counts as a note already, which it is until it lasts."""
    logs = NULLS[name](Key(STREAMS, name, block=index).generator())
    judge = Judge([f"t{i}" for i in range(TENSORS)])
    said: Counter[str] = Counter()
    for t, row in enumerate(np.exp(logs)):
        loss, gradients, updates = float(row[0]), row[1 : 1 + TENSORS], 1e-3 * row[1 + TENSORS :]
        norms = [float(np.sqrt((v**2).sum())) for v in (gradients, updates)]
        record = Step(
            step=t + 1, loss=loss, gradient=norms[0], update=norms[1], weight=10.0, rate=1e-3, trained=TENSORS
        )
        said.update(
            f.signal for f in judge.step(record, gradients, updates) if f.outcome == "VIOLATES" or f.signal in _RISES
        )
    said.pop("loss.stuck", None)  # true of noise that does not fall: a fact here, no false alarm
    return said


def bound(count: int, level: float) -> float:
    """Upper end of a Poisson mean with `count` seen."""
    from scipy.special import gammaincinv

    return float(gammaincinv(count + 1, level))


# -- the steps until a change is found, on many signals at once --------------------------------------------------------

SD = 0.3
_BEFORE, _AFTER = 1400, 1000
_CHANGES: dict[str, Callable[[Floats, Floats], Floats]] = {  # noise, steps since the change -> what is seen
    "level +1 sd": lambda z, t: z + SD,
    "level +2 sd": lambda z, t: z + 2 * SD,
    "level +3 sd": lambda z, t: z + 3 * SD,
    "level +4 sd": lambda z, t: z + 4 * SD,
    "doubles in 50 steps": lambda z, t: z + math.log(2) * t / 50,
    "doubles in 100 steps": lambda z, t: z + math.log(2) * t / 100,
    "doubles in 200 steps": lambda z, t: z + math.log(2) * t / 200,
    "alternates by 1 sd": lambda z, t: z + SD * (-1.0) ** t,
    "alternates by 2 sd": lambda z, t: z + 2 * SD * (-1.0) ** t,
    **{f"one step x{k}": partial(lambda k, z, t: z + math.log(k) * (t == 0), k) for k in (3, 10, 30, 100)},
}


class Found(NamedTuple):
    """Share of signals on which a rule alarmed after the change, and the median of the steps it took."""

    share: float
    steps: float


def ours(x: Floats, single: bool) -> Floats:
    """Step of the first alarm of each signal from `_BEFORE` on, by the rules as the judge sets them for the loss."""
    signals = x.shape[1]
    tracker, rules = Tracker(signals), Detectors(signals, np.full(signals, 0.2))
    spikes = [Spikes(ALPHA / 24) for _ in range(signals)] if single else []
    first = np.full(signals, np.inf)
    threshold = math.log(2 * 12 / ALPHA)
    for t, row in enumerate(x):
        centre = tracker.centre().copy()
        logs = rules.step(*tracker.step(row))
        hit = (logs["up"] >= threshold) | (logs["turns"] >= threshold)
        for name in ("up", "turns"):
            rules.reset(name, logs[name] >= threshold)
        if spikes and t >= 128:
            hit |= np.array([s.step(float(v)) is not None for s, v in zip(spikes, row - centre, strict=True)])
        if t >= _BEFORE:
            first = np.where(hit & np.isinf(first), t, first)
    return first


def sigmas(x: Floats, k: float) -> Floats:
    """Alarms of the rule: k standard deviations above the mean of the last 128."""
    mean, sd = _window(np.exp(x))
    return np.exp(x[128:]) > mean + k * sd


def times_mean(x: Floats, k: float) -> Floats:
    """Alarms of the rule: k times the mean of the last 128, five steps in a row."""
    over = np.exp(x[128:]) > k * _window(np.exp(x))[0]
    row = over.copy()
    for back in range(1, 5):
        row[back:] &= over[:-back]
    row[:4] = False
    return row


def _window(y: Floats) -> tuple[Floats, Floats]:
    sums, squares = (np.cumsum(np.concatenate([np.zeros((1, y.shape[1])), v]), axis=0) for v in (y, y * y))
    mean = (sums[128:-1] - sums[:-129]) / 128
    return mean, np.sqrt(np.maximum((squares[128:-1] - squares[:-129]) / 128 - mean**2, 1e-12))


def calibrated(rule: Callable[[Floats, float], Floats], noise: Floats) -> float:
    """The smallest constant at which a rule alarms on this noise no more than once in 1 / ALPHA steps."""
    low, high = 1.0, 128.0
    for _ in range(12):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if rule(noise, middle).mean() <= ALPHA else (middle, high)
    return high


def constants(runs: int) -> list[float]:
    """For each of both rules the constant for the noise at hand, and that for all healthy streams."""
    rng = Key("watch-alarms", "delays", block=1).generator()
    own = SD * rng.standard_normal((RUN, 17 * runs))
    streams = [np.concatenate([make(rng) for _ in range(runs)], axis=1) for make in NULLS.values()]
    return [c for rule in RULES for c in (calibrated(rule, own), max(calibrated(rule, x) for x in streams))]


RULES = (sigmas, times_mean)


def delays(signals: int, settings: list[float]) -> Iterator[tuple[str, list[Found]]]:
    """For each change, how soon each rule finds it."""
    rng = Key("watch-alarms", "delays", block=0).generator()
    for name, change in _CHANGES.items():
        single = name.startswith("one step")
        z = SD * rng.standard_normal((_BEFORE + _AFTER, signals))
        z[_BEFORE:] = change(z[_BEFORE:], np.arange(_AFTER)[:, None])
        firsts = [ours(z, single)]
        for i, constant in enumerate(settings):
            hits = RULES[i // 2](z, constant)[_BEFORE - 128 :]
            firsts.append(np.where(hits.any(0), _BEFORE + hits.argmax(0), np.inf))
        yield name, [_found(first, 1 if single else _AFTER) for first in firsts]


def _found(first: Floats, within: int) -> Found:
    seen = first[first < _BEFORE + within] - _BEFORE
    return Found(len(seen) / len(first), float(np.median(seen)) + 1 if len(seen) else math.inf)


# -- the page ----------------------------------------------------------------------------------------------------------


def page(counts: dict[str, Counter[str]], runs: int, signals: int) -> str:
    """Both tables."""
    head = ["<!-- generated by `nox -s alarms`: do not edit -->", "# How often a watched run is wrong", ""]
    return "\n".join([*head, *_alarms_table(counts, runs * RUN), "", *_delays_table(signals)]) + "\n"


def _alarms_table(counts: dict[str, Counter[str]], steps: int) -> list[str]:
    total = sum(sum(c.values()) for c in counts.values())
    whole = steps * len(counts)
    rate, most = 1e5 * total / whole, 1e5 * bound(total, 0.99) / whole
    lines = [
        _paragraph(
            f"""The whole judge of a run (loss, gradients and updates of eight tensors, every rule) on healthy streams
            of {RUN:,} steps. Stated: at most {1e5 * ALPHA:.0f} false alarm in 100,000 steps on average. Measured:
            {total} in {whole:,} steps, {rate:.2g} in 100,000 (less than {most:.2g} at 99 %)."""
        ),
        "",
        "| noise, on the log scale where it has a number | steps | alarms | in 1e5 steps, 99 % bound | which |",
        "|---|---|---|---|---|",
    ]
    for name, said in counts.items():
        n = sum(said.values())
        which = ", ".join(f"{word} {c}" for word, c in said.most_common()) or "none"
        lines.append(f"| {name} | {steps:,} | {n} | {1e5 * bound(n, 0.99) / steps:.2g} | {which} |")
    return lines


def _delays_table(signals: int) -> list[str]:
    settings = constants(10)
    k, k_all, m, m_all = (f"{c:.3g}" for c in settings)
    lines = [
        "## Steps until a change is found",
        "",
        _paragraph(
            f"""One signal with noise of {SD} on the log scale, {signals} times: median steps to the alarm, and the
            share found within {_AFTER:,} steps (a single step: at that step). The rules in common use look back on 128
            steps, and are set to one false alarm in {1 / ALPHA:,.0f} steps, which ours states: on this very noise,
            which nobody knows beforehand, and on all of the streams above. A rise is a note at its alarm, which is
            counted here, and a violation 128 steps later where it lasts and, of a loss, takes back a quarter of what
            was learnt; an oscillation is said 64 steps after its alarm, when its cause is known."""
        ),
        "",
        f"| change | varlaw | {k} sigma | {k_all} sigma | {m} x mean | {m_all} x mean |",
        "|---|---|---|---|---|---|",
        "| *set on* | *stated* | *this noise* | *all streams* | *this noise* | *all streams* |",
    ]
    return lines + [f"| {name} | {' | '.join(map(_cell, cells))} |" for name, cells in delays(signals, settings)]


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 118)


def _cell(found: Found) -> str:
    if not found.share:
        return "-"
    return f"{found.steps:.0f}" + ("" if found.share > 0.995 else f" ({found.share:.0%})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--steps", type=int, default=1_000_000, help="monitored steps, over all kinds of noise")
    parser.add_argument("--signals", type=int, default=200, help="times each change is made")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    runs = max(1, -(-options.steps // RUN // len(NULLS)))
    counts: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in NULLS:
            counts[name] = sum(pool.map(partial(alarms, name), range(runs)), Counter())
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(page(counts, runs, options.signals), encoding="utf-8")
    total, steps = sum(sum(c.values()) for c in counts.values()), runs * RUN * len(NULLS)
    from scipy.special import pdtrc

    loud = total > 0 and pdtrc(total - 1, ALPHA * steps) < _RISK
    print(f"{total} alarms in {steps:,} monitored steps, stated {ALPHA * steps:.3g} at most")
    return 1 if loud else 0


if __name__ == "__main__":
    sys.exit(main())
