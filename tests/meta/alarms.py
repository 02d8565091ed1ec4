"""The false alarms of the engine, counted: lawful samplers of every family and format, decided a million times.

`python tests/meta/alarms.py DIRECTORY [--decisions N] [--jobs N] [--policy NAME]` writes alarms.md there and
fails when there is a VIOLATES. Batches that are finished lie in alarms.jsonl: a run that is killed goes on from it.
At alpha = 1e-12 no alarm is expected in a million decisions; one refutes alpha itself.
"""

import argparse
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import msgspec
import numpy as np

from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import decide
from varlaw.evidence.haar import gaussian
from varlaw.evidence.streams import Key
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform

BATCH = 1000
SHAPES = ((64, 16), (33, 31), (3, 5, 7, 11), (4096,), (1, 2048))
FORMATS = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def _truncated(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """By rejection: 95 % of a normal's draws lie within two sigmas."""
    n = math.prod(shape)
    z = rng.standard_normal(n + n // 8 + 32)
    z = z[np.abs(z) <= 2]
    return z[:n].reshape(shape) if len(z) >= n else _truncated(rng, shape)


def _haar(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """The diagonal of R behind a Haar matrix, given back as normals: what decides orthogonal initialisers."""
    q, r = np.linalg.qr(rng.standard_normal((8, 8)))
    return np.diagonal(gaussian(q * np.sign(np.diag(r)), rng))


# Family -> its law at unit scale, and draws that follow it. Truncated and Haar draws cost most: every fifth is one.
FAMILIES: Mapping[str, tuple[Any, Callable[[np.random.Generator, tuple[int, ...]], Any]]] = {
    "normal": (Normal(1.0), lambda rng, shape: rng.standard_normal(shape)),
    "uniform": (Uniform(1.0), lambda rng, shape: rng.uniform(-1, 1, shape)),
    "truncated normal": (TruncatedNormal(1.0, -2, 2), _truncated),
    "Haar": (Normal(1.0), _haar),
}
_FAMILY = ("normal", "uniform") * 8 + ("truncated normal",) * 3 + ("Haar",)


class Batch(msgspec.Struct, frozen=True):
    """What `BATCH` decisions came to."""

    index: int
    policy: str
    outcomes: dict[str, int]  # "family, format, OUTCOME" -> how often
    samples: int
    alarms: list[str]  # replay words of each


def batch(index: int, policy: str) -> Batch:
    """Decide `BATCH` lawful samplers: family, format, shape and scale all change from one to the next."""
    outcomes: Counter[str] = Counter()
    samples, alarms = 0, []
    for i in range(index * BATCH, (index + 1) * BATCH):
        family = _FAMILY[i % len(_FAMILY)]
        dtype = list(FORMATS)[i // len(_FAMILY) % 4]
        law, draw = FAMILIES[family]
        scale = FORMATS[dtype](2.0 ** (i // 400 % 9 - 4) * (1.37 if family == "normal" else 1.0))
        shape = SHAPES[i // 80 % len(SHAPES)]
        kind = "float64" if family == "Haar" else dtype
        factor = 1.0 if family == "Haar" else float(scale)
        drawn = partial(_drawn, draw, shape, factor, FORMATS[kind])
        found = decide(law.scaled(factor), drawn, POLICIES[policy], Key("alarms", family, f"{i}"), dtype=kind)
        outcomes[f"{family}, {dtype}, {found.outcome}"] += 1
        samples += found.state.n
        if found.outcome == "VIOLATES":
            alarms.append(f"{i}: {family} {dtype} {shape} {scale}: {found.detail or found.ratio}")
    return Batch(index, policy, dict(outcomes), samples, alarms)


def _drawn(draw: Any, shape: tuple[int, ...], factor: float, dtype: Any, seed: int, count: int) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    return ((factor * draw(rng, shape)).astype(dtype) for _ in range(count))


def finished(path: Path, policy: str) -> dict[int, Batch]:
    """The batches on record; a line that was cut off by a kill is done again."""
    found = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            one = msgspec.json.decode(line, type=Batch)
        except msgspec.DecodeError:
            continue
        if one.policy == policy:
            found[one.index] = one
    return found


def run(path: Path, batches: int, policy: str, jobs: int) -> dict[int, Batch]:
    """Every batch that is not on record, put there as it finishes."""
    done = finished(path, policy)
    missing = [i for i in range(batches) if i not in done]
    with ProcessPoolExecutor(jobs) as pool, path.open("ab") as record:
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            record.write(b"\n")
        for one in pool.map(partial(batch, policy=policy), missing):
            record.write(msgspec.json.encode(one) + b"\n")
            record.flush()
            done[one.index] = one
            print(f"\r{len(done)} of {batches} batches, {_alarms(done)} alarms", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {i: done[i] for i in range(batches)}


def _alarms(done: Mapping[int, Batch]) -> int:
    return sum(len(one.alarms) for one in done.values())


def markdown(done: Mapping[int, Batch], policy: str) -> str:
    """The counts by family and format."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in done.values():
        for words, n in one.outcomes.items():
            family, dtype, outcome = words.split(", ")
            counts[family, dtype][outcome] += n
    risk = POLICIES[policy]
    total, samples = BATCH * len(done), sum(one.samples for one in done.values())
    head = f"# False alarms\n\nPolicy {policy}: delta {risk.delta:g}, alpha {risk.alpha:g}, beta {risk.beta:g}. "
    head += f"{total:,} decisions on lawful samplers, {samples:,} scalars, {_alarms(done)} alarms.\n\n"
    rows = [
        f"| {family} | {dtype} | {c['CONFORMS']:,} | {c['UNDECIDED']:,} | {c['VIOLATES']:,} |"
        for (family, dtype), c in sorted(counts.items())
    ]
    table = "| family | format | CONFORMS | UNDECIDED | VIOLATES |\n|---|---|---|---|---|\n"
    return head + table + "\n".join(rows) + "\n"


def main() -> None:
    """Decide, write, and leave with 1 at an alarm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--policy", default="pr", choices=POLICIES)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    batches = -(-options.decisions // BATCH)
    done = run(options.directory / "alarms.jsonl", batches, options.policy, options.jobs)
    (options.directory / "alarms.md").write_text(markdown(done, options.policy), encoding="utf-8")
    alarms = [words for one in done.values() for words in one.alarms]
    print(f"{BATCH * batches:,} decisions, {len(alarms)} alarms: {options.directory / 'alarms.md'}")
    if alarms:
        sys.exit("\n".join(alarms))


if __name__ == "__main__":
    main()
