"""The risks of the engine, measured: every e-process at its levels, whole decisions at 5 %, and tails by importance.

`python tests/meta/calibration.py DIRECTORY [--runs N] [--jobs N]` writes calibration.md there and fails when a measured
risk lies six standard errors above what is promised. `--runs` counts, for each of fifteen pairs of law and format,
lawful samples whose processes are watched; a tenth as many decisions are made on each of three scales.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # a script, beside the samplers and integrals that it uses

import importance
from alarms import FAMILIES, FORMATS
from defects import of_parent, powers

from varlaw.evidence.battery import Battery
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.decide import decide, reduced
from varlaw.evidence.formats import FORMATS as ROUNDING
from varlaw.evidence.grid import Grid
from varlaw.evidence.sequential import test_of
from varlaw.evidence.state import State
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, UniformRange

LEVELS = (0.1, 0.01)
# Laws that their format shows in few values, so that numbers are spread over cells before they are decided on.
COARSE: Mapping[str, tuple[Any, Callable[[np.random.Generator, tuple[int, ...]], Any]]] = {
    "normal about 1000": (Normal(1.0, mean=1000.0), lambda rng, shape: rng.normal(1000.0, 1.0, shape)),
    "uniform from 2 to 5": (UniformRange(2.0, 5.0), lambda rng, shape: rng.uniform(2.0, 5.0, shape)),
    "normal of 1e-40": (Normal(1e-40), lambda rng, shape: rng.normal(0.0, 1e-40, shape)),
}
SAMPLERS = {**FAMILIES, **COARSE}
PAIRS = [(family, dtype) for family in ("normal", "uniform", "truncated normal") for dtype in FORMATS]
PAIRS += [("normal about 1000", "float16"), ("uniform from 2 to 5", "bfloat16"), ("normal of 1e-40", "float32")]
DELTA = 0.05
LOOSE = Policy("loose", delta=DELTA, beta=0.05, alpha=0.05, first=256, battery=4096, min_scalars=1024, min_tensors=4)
# The std off by delta, with the limits of the law.
SAME_LIMITS = {
    "uniform": {f"std x{r:.4g} on the limits": powers(r) for r in (1 + DELTA, 1 / (1 + DELTA))},
    "truncated normal": {"parent 11 % wider, same limits": of_parent(1.11)},
}
_LOOKS, _TENSORS, _SHAPE = 3, 4, (6, 8)  # few numbers: where cumulants and small counts are hardest


class Rate(msgspec.Struct, frozen=True):
    """How often something happened that is promised to happen at most `level` of the time."""

    what: str
    level: float
    hits: float
    runs: int

    @property
    def limit(self) -> float:
        """Six standard errors of a binomial above the level."""
        return self.level + 6 * math.sqrt(self.level * (1 - self.level) / self.runs)

    @property
    def broken(self) -> bool:
        """Whether chance does not explain what was measured."""
        return self.hits / self.runs > self.limit


# -- every process -----------------------------------------------------------------------------------------------------


def suprema(index: int, runs: int) -> dict[tuple[str, float], int]:
    """In how many of `runs` lawful samples of one pair each process passes a level, at whichever look."""
    family, dtype = PAIRS[index % len(PAIRS)]
    law, draw = SAMPLERS[family]
    grid = Grid(law, ROUNDING[dtype])
    rng = Key("calibration", f"{family}, {dtype}", block=index).generator()
    passed: Counter[tuple[str, float]] = Counter()
    for _ in range(runs):
        highest: dict[str, float] = {}
        battery, state = Battery(law, ROUNDING[dtype], 1 << 20), State()
        test = test_of(grid.law, LOOSE, grid.format)
        for _ in range(_LOOKS):
            tensors = [draw(rng, _SHAPE).astype(FORMATS[dtype]) for _ in range(_TENSORS)]
            battery.update(tensors, rng)
            state = sum((reduced(tensor, grid, rng) for tensor in tensors), state)
            for name, log_e in {**battery.processes(), **test.parts(state)}.items():
                highest[name] = max(highest.get(name, log_e), log_e)
        passed.update((name, level) for name, e in highest.items() for level in LEVELS if e >= -math.log(level))
        passed.update((name, 1.0) for name in highest)
    return dict(passed)


# -- whole decisions ---------------------------------------------------------------------------------------------------


def decisions(index: int, runs: int) -> list[Rate]:
    """How often `decide` alarms at the law and conforms where the std is off by delta, at a risk of 5 % each."""
    family, dtype = PAIRS[index]
    law, draw = SAMPLERS[family]
    wide, narrow = (_times(r, law.mean, draw) for r in (1 + DELTA, 1 / (1 + DELTA)))
    drawn = {"law": draw, "too large": wide, "too small": narrow}
    found: dict[str, Counter[str]] = {}
    for name, one in {**drawn, **SAME_LIMITS.get(family, {})}.items():
        found[name] = Counter(
            decide(
                law, partial(_drawn, one, FORMATS[dtype]), LOOSE,
                Key("calibration", f"{family}, {dtype}, {name}, {run}"), dtype=dtype,
            ).outcome
            for run in range(runs)
        )  # fmt: skip
    pair = f"{family}, {dtype}"
    return [
        Rate(f"{pair}: the law VIOLATES", LOOSE.alpha, found["law"]["VIOLATES"], runs),
        *(Rate(f"{pair}: {off} CONFORMS", LOOSE.beta, found[off]["CONFORMS"], runs) for off in list(found)[1:]),
    ]


def _times(factor: float, centre: float, draw: Any) -> Any:
    return lambda rng, shape: centre + factor * (draw(rng, shape) - centre)


def _drawn(draw: Any, dtype: Any, seed: int, count: int) -> Iterator[Any]:
    rng = Key("calibration", "draws", block=seed).generator()
    return (draw(rng, (16, 16)).astype(dtype) for _ in range(count))


# -- the report --------------------------------------------------------------------------------------------------------


def measured(runs: int, jobs: int) -> tuple[list[Rate], list[str]]:
    """Every rate, and what importance sampling says of the risks that no simulation reaches."""
    passed: Counter[tuple[str, float]] = Counter()
    batch = max(1, min(500, runs))
    with ProcessPoolExecutor(jobs) as pool:
        indices = range(len(PAIRS) * -(-runs // batch))
        for i, one in enumerate(pool.map(partial(suprema, runs=batch), indices), 1):
            passed.update(one)
            print(f"\r{i} of {len(indices)} batches of lawful samples", end="", file=sys.stderr, flush=True)
        whole = list(pool.map(partial(decisions, runs=max(1, runs // 10)), range(len(PAIRS))))
    print(file=sys.stderr)
    names = sorted({name for name, _ in passed})
    rates = [Rate(name, level, passed[name, level], passed[name, 1.0]) for name in names for level in LEVELS]
    return rates + [rate for one in whole for rate in one], tails(max(20, runs // 5))


def tails(runs: int) -> list[str]:
    """The scale test's risks at `nightly`, each with its standard error and the share of the promise that it takes."""
    risk = POLICIES["nightly"]
    rng = Key("calibration", "importance").generator()
    alarm = importance.false_alarms(rng, risk.alpha, risk.delta, runs)
    conform = importance.false_conformity(rng, risk.alpha, risk.beta, risk.delta, runs)
    return [
        f"{name}: {rate:.3g} +- {error:.1g}, {rate / level:.2f} of {level:g}"
        for name, (rate, error), level in (
            ("false alarm of the sequential scale test", alarm, risk.alpha),
            ("false conformity of it", conform, risk.beta),
        )
    ]


def markdown(rates: list[Rate], by_importance: list[str]) -> str:
    """What was measured, the broken promises first."""
    broken = [rate.what for rate in rates if rate.broken]
    lines = [
        f"| {rate.what} | {rate.level:g} | {rate.hits / rate.runs:.4f} | {rate.limit:.4f} | {rate.runs:,} |"
        for rate in sorted(rates, key=lambda rate: not rate.broken)
    ]
    head = f"# Calibration\n\nBroken promises: {'; '.join(broken) or 'none'}.\n\n"
    head += "By importance sampling:\n\n" + "".join(f"- {line}\n" for line in by_importance)
    table = "\n| what | at most | measured | six standard errors above | runs |\n|---|---|---|---|---|\n"
    return head + table + "\n".join(lines) + "\n"


def main() -> None:
    """Measure, write, and leave with 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    rates, by_importance = measured(options.runs, options.jobs)
    options.directory.mkdir(parents=True, exist_ok=True)
    path = options.directory / "calibration.md"
    path.write_text(markdown(rates, by_importance), encoding="utf-8")
    broken = [f"{rate.what}: {rate.hits / rate.runs:.4f} > {rate.limit:.4f}" for rate in rates if rate.broken]
    print(f"{len(rates)} rates, {len(broken)} promises broken: {path}")
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
