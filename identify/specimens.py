"""Draws of a subject's tensors in cases that tell formulas apart: sizes spread so that no two names move together.

The cases depend on the op alone, so that two recordings of a framework look at the same ones; the draws on the salt.
What is drawn in a case is a prefix of one keyed stream: as many instances as the smallest random tensor needs, fewer
where the framework takes its time.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlaw.claims.domains import CASES
from varlaw.claims.fans import fans_of
from varlaw.evidence.state import float64
from varlaw.evidence.streams import Key, canonical
from varlaw.identify.records import Refused
from varlaw.identify.sample import Floats, Sample
from varlaw.subjects.subject import Model, Sampler, Tensor
from varlaw.theory.laws.schemes import MODES, fan
from varlaw.theory.layouts import Fans, shape_fans

Case = Mapping[str, Any]
Draw = Callable[[tuple[int, ...], int], Any]

_POOL = 60  # cases to choose from
_CASES = (6, 10)  # fewest and most
_ENTRIES = 20_000  # wanted of each random tensor in a case
_INSTANCES = 2000  # at most
_SETTLED = 8  # instances after which a tensor that never changed is taken for fixed
_FEWEST, _PATIENCE = 5, 4.0  # cases that are always drawn, and seconds after which no further one is
_SECONDS = 2.7  # for all cases of a subject, but at least two instances of each
_COMPARED = 4  # instances whose tensors are held against each other
_EPOCH = "cases"  # the cases are the same for every salt
SHAPES = ((64, 48), (96, 20), (24, 160), (50, 36, 3, 3), (12, 40, 5, 5), (150, 28), (30, 90, 2, 2), (40, 256))


@dataclass(frozen=True)
class Specimen:
    """One tensor with its samples; of a model's role, `members` are the parameters that play it."""

    tensor: str
    samples: list[Sample]
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """The instances of one tensor in one case, one a row; `again`: the same seed gave the same first one once more."""

    shape: tuple[int, ...]
    values: Floats
    again: bool


def of_sampler(subject: Sampler, salt: str) -> list[Specimen]:
    """Every tensor of a sampler, also one that it does not list."""
    drawn: dict[str, list[Sample]] = {}
    chosen = cases_of(subject, *_CASES)
    start = time.perf_counter()
    for i, case in enumerate(chosen):
        if i >= _FEWEST and time.perf_counter() - start > _PATIENCE:
            break  # a framework that compiles for every case: the cases that tell most apart come first
        found = instances(subject, case, stream(subject.name, salt, case), len(chosen))
        copies = _copies(found)
        for name, one in found.items():
            names = names_of(subject, name, case, one.shape)
            sample = Sample(case, names, one.shape, one.values, one.again, *copies.get(name, (0, 0)))
            drawn.setdefault(name, []).append(sample)
    return [Specimen(name, samples) for name, samples in drawn.items()]


def of_function(draw: Draw, name: str, salt: str, shapes: Sequence[tuple[int, ...]] = SHAPES) -> tuple[Specimen, str]:
    """A function from (shape, seed) to an array, on matrices and kernels or those that it takes; and what it refused.

    Raises `Refused` where it takes neither.
    """
    samples: list[Sample] = []
    refused: dict[int, str] = {}
    for shape in sorted(shapes, key=len):
        if len(shape) in refused:
            continue
        try:
            samples.append(_of_shape(draw, name, shape, salt))
        except Exception as error:
            refused[len(shape)] = " ".join(f"{type(error).__name__}: {error} [shape {shape}]".split())[:300]
    samples = [s for s in samples if len(s.shape) not in refused]
    if not samples:
        raise Refused("; ".join(refused.values()))
    said = [f"shapes of rank {rank} were refused: {error}" for rank, error in refused.items()]
    return Specimen("", samples), "; ".join(said)


def _of_shape(draw: Draw, name: str, shape: tuple[int, ...], salt: str) -> Sample:
    key = Key(salt, f"identify:{name}", canonical({"shape": list(shape)}))
    seeds = [key.at(block=i).seed & 0xFFFFFFFF for i in range(max(4, -(-_ENTRIES // int(np.prod(shape)))))]
    values = np.stack([float64(draw(shape, seed)) for seed in seeds])
    if values.shape[1:] != shape:
        msg = f"{name} returns shape {values.shape[1:]}, but should return {shape}"
        raise ValueError(msg)
    return Sample({"shape": list(shape)}, numbers(of_shape(shape)), shape, values)


# -- cases -------------------------------------------------------------------------------------------------------------


def cases_of(subject: Sampler | Model, fewest: int, most: int) -> list[dict[str, Any]]:
    """The cases in which a subject is drawn: its own, where it has them, else some of its op."""
    usual = cases(subject.op, fewest, most) if subject.op in CASES else []
    if subject.cases:
        return [dict(sorted(case.items())) for case in subject.cases("", usual, "float32")] or _any(subject)
    return usual


def _any(subject: Sampler | Model) -> list[dict[str, Any]]:
    """The cases of what is not asked in float32."""
    assert subject.cases
    found = (subject.cases("", (), dtype) for dtype in ("float64", "bfloat16", "float16"))
    return [dict(sorted(case.items())) for case in next((cases for cases in found if cases), ())]


def cases(op: str, fewest: int, most: int) -> list[dict[str, Any]]:
    """Cases of an op, their sizes as independent of each other as its domain allows; the most telling ones first."""
    pool = CASES[op].enumerate(Key(_EPOCH, "identify", canonical({"op": op})), _POOL)
    matrices = [c for c in pool if len(c.get("shape", (0, 0))) > 1 and _size(c) > 1]
    pool = matrices or pool
    features = _features(pool)
    count = min(max(features.shape[1] + 1, fewest), most)
    chosen: list[int] = []
    information = 1e-3 * np.eye(features.shape[1])
    while len(chosen) < min(count, len(pool)):
        inverse = np.linalg.inv(information)
        gains = np.einsum("ij,jk,ik->i", features, inverse, features)
        gains[chosen] = -1.0
        best = int(np.argmax(gains))
        chosen.append(best)
        information += np.outer(features[best], features[best])
    return [dict(sorted(pool[i].items())) for i in chosen]


def _size(case: Case) -> float:
    return float(np.prod(case["shape"])) if "shape" in case else 2.0


def _features(pool: Sequence[Case]) -> Floats:
    """One row for each case: 1, ln of its numbers, ln of the sides of its shape, and which words it holds."""
    rows = []
    words = sorted({(k, str(v)) for c in pool for k, v in c.items() if isinstance(v, str | bool)})
    numbers = sorted({k for c in pool for k, v in c.items() if _number(v)})
    for case in pool:
        row = [1.0] + [np.log(case[k]) if _number(case.get(k)) else 0.0 for k in numbers]
        sides = case.get("shape", ())
        row += [np.log(s) for s in (*sides, 1, 1)[:2]] + [float(np.sum(np.log(sides[2:])))] if sides else []
        rows.append(row + [float(str(case.get(k)) == v) for k, v in words])
    return np.array(rows, dtype=np.float64)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


# -- names -------------------------------------------------------------------------------------------------------------


def names_of(subject: Sampler, tensor: str, case: Case, shape: tuple[int, ...]) -> dict[str, float]:
    """The numbers of the case, the fans of the subject's weight, and those read off this tensor's own shape."""
    row = next((t for t in subject.tensors if t.name == tensor), Tensor(name=tensor, documented=""))
    weight = row if row.layout or subject.measure else next((t for t in subject.tensors if t.layout), row)
    true, stored = fans_of(subject, weight, case)
    known: dict[str, Any] = {**case, **of_shape(shape)}
    for prefix, pair in (("shape_", stored), ("", true)):
        if pair is not None:
            known |= {f"{prefix}fan_in": pair[0], f"{prefix}fan_out": pair[1]}
    for prefix, pair in (("", true), ("shape_", stored)):
        if pair is not None and case.get("mode") in MODES:
            known[f"{prefix}fan(mode)"] = fan(Fans(*pair), case["mode"])
    return numbers(known)


def of_shape(shape: tuple[int, ...]) -> dict[str, float]:
    """Fans by the convention of the shape, for either order of the axes, and the sides."""
    known = {f"side{i}": float(side) for i, side in enumerate(shape[:2])}
    if len(shape) >= 2:
        first, last = shape_fans(shape), float(np.prod(shape[:-2]))
        known |= {"shape_fan_in": first.fan_in, "shape_fan_out": first.fan_out}
        known |= {"shape_last_fan_in": shape[-2] * last, "shape_last_fan_out": shape[-1] * last}
    return known


def numbers(known: Mapping[str, Any]) -> dict[str, float]:
    """What of these can stand in a formula."""
    return {name: float(v) for name, v in known.items() if _number(v)}


# -- draws -------------------------------------------------------------------------------------------------------------


def stream(subject: str, salt: str, case: Case) -> Key:
    """The key of the draws in one case."""
    return Key(salt, f"identify:{subject}", canonical(case))


def instances(subject: Sampler | Model, case: Case, key: Key, shares: int, most: int = _INSTANCES) -> dict[str, Drawn]:
    """Tensor -> its instances."""
    kept: dict[str, list[Floats]] = {}
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on defaults is no evidence about them
        for i, instance in enumerate(subject.draws(case, "float32", "cpu", key.seed, most)):
            for name, x in instance.items():
                rows = kept.setdefault(name, [])
                if i < 2 or not _enough(rows):
                    rows.append(float64(x))
            slow = time.perf_counter() - start > _SECONDS / shares
            if i > 0 and (slow or all(map(_enough, kept.values()))):
                break
        # One more from another seed: what is the same in every instance should not owe that to the seed.
        for instance in subject.draws(case, "float32", "cpu", key.at(block=1).seed, 1):
            for name, x in instance.items():
                rows = kept.get(name, [])
                if rows and rows[0].shape == tuple(x.shape):
                    rows.append(float64(x))
        once_more = next(iter(subject.draws(case, "float32", "cpu", key.seed, most)))
    return {
        name: Drawn(rows[0].shape, np.stack(rows), _equal(rows[0], once_more.get(name)))
        for name, rows in kept.items()
        if rows[0].size
    }


def _equal(x: Floats, other: Any) -> bool:
    return other is not None and np.array_equal(x, float64(other), equal_nan=True)


def _copies(found: Mapping[str, Drawn]) -> dict[str, tuple[int, int]]:
    """Of each tensor with chance in it: how many entries an earlier one of the same instance holds, of how many."""
    random = {name: one.values for name, one in found.items() if not (one.values == one.values[0]).all()}
    counts = dict.fromkeys(random, (0, 0))
    for i in range(min([_COMPARED, *(len(values) - 1 for values in random.values())])):
        earlier = np.empty(0)
        for name, values in random.items():
            mine = np.abs(values[i].ravel()[:_ENTRIES])
            mine = mine[mine != 0]
            copied, looked = counts[name]
            counts[name] = copied + int(np.isin(mine, earlier).sum()), looked + (mine.size if earlier.size else 0)
            earlier = np.concatenate([earlier, mine])
    return counts


def _enough(rows: Sequence[Floats]) -> bool:
    if len(rows) < 2:
        return False
    if len(rows) >= _SETTLED and all((r == rows[0]).all() for r in rows[1:_SETTLED]):
        return True
    return rows[0].size * len(rows) >= _ENTRIES
