"""Attention and rotary positions of any framework as experiments: weights are seen through one-hot values.

Values are the unit vectors, one for each key, so that the output of a query is its weights. Each function is called
three times: as it is, causal, and with a mask that hides some keys from each query and leaves it at least the first.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Experiment, Floats

# (queries, keys, values, each (1, positions, d); which keys a query sees, (positions, positions), or None; whether it
# is asked to be causal) -> outputs of the same shape
Attend = Callable[[Any, Any, Any, NDArray[np.bool_] | None, bool], Any]


# (queries, keys, values, what is added to the logits, (positions, positions), or None; the case) -> outputs
Chosen = Callable[[Any, Any, Any, NDArray[np.float64] | None, Case], Any]
# (queries of four heads, keys and values of two, each (heads, positions, d)) -> outputs of the queries' shape
Grouped = Callable[[Any, Any, Any], Any]
# (vectors, (positions, dim), of positions first, first + 1, ...; the first, base) -> the vectors turned
Rotate = Callable[[Any, int, float], Any]
Table = Callable[[int], Any]  # dim -> sines and cosines of positions that follow each other, (positions, dim)


def attention(of: Boundary, name: str, attend: Attend, *, queries: float = 1.0, **rest: Any) -> Experiment:
    """The row of one function; it takes as many positions as its vectors are long.

    Where it takes fewer `queries`, a share of the positions, they are the first: the causal query i sees keys 0 to i.
    """

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d, rng = case["d"], np.random.default_rng(seed)
        n = int(queries * d)
        with of.chance(seed, dtype, device):
            q, k, v = (of.array(x[None], dtype, device) for x in (*rng.standard_normal((2, d, d)), np.eye(d)))
            q = q[:, :n]
            logits = (of.floats(q) @ of.floats(k).transpose(0, 2, 1))[0]
            later = np.tril(np.ones((n, d), bool))
            some = rng.random((d, d))[:n] < 0.6
            some[:, 0] = True
            calls = ((None, False, np.ones((n, d), bool)), (None, True, later), (some, False, some))
            weights = [of.floats(attend(q, k, v, mask, causal)).reshape(n, d) for mask, causal, _ in calls]
        seen = [may for *_, may in calls]
        return {
            "ratio": np.concatenate([(w / w[:, :1])[may] for w, may in zip(weights, seen, strict=True)]),
            "logit": np.concatenate([logits[may] for may in seen]),
            "first": np.concatenate([np.broadcast_to(logits[:, :1], (n, d))[may] for may in seen]),
            "sum": np.concatenate([w.sum(axis=1) for w in weights]),
            "masked": np.concatenate([w[~may] for w, may in zip(weights, seen, strict=True)]),
        }

    return Experiment(name=f"{of.name}.{name}", framework=of, op="attend", run=run, **rest)


def chosen(of: Boundary, name: str, op: str, attend: Chosen, *, biased: bool = True, **rest: Any) -> Experiment:
    """The row of a function that takes a scale or a cap: without a bias and, where it takes one, with it."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d, rng = case["d"], np.random.default_rng(seed)
        with of.chance(seed, dtype, device):
            q, k, v = (of.array(x[None], dtype, device) for x in (*rng.standard_normal((2, d, d)), np.eye(d)))
            logits = (of.floats(q) @ of.floats(k).transpose(0, 2, 1))[0]
            added = of.floats(of.array(rng.standard_normal((d, d)), dtype, device))
            biases = (None, added) if biased else (None,)
            weights = [of.floats(attend(q, k, v, bias, case)).reshape(d, d) for bias in biases]
        more = [np.zeros((d, d)) if bias is None else bias - bias[:, :1] for bias in biases]
        return {
            "ratio": np.concatenate([w / w[:, :1] for w in weights]),
            "logit": np.concatenate([logits] * len(biases)),
            "first": np.concatenate([np.broadcast_to(logits[:, :1], (d, d))] * len(biases)),
            "bias": np.concatenate(more),
        }

    return Experiment(name=f"{of.name}.{name}", framework=of, op=op, run=run, **rest)


def grouped(of: Boundary, name: str, attend: Grouped, **rest: Any) -> Experiment:
    """The row of four heads of queries, of which the first two see one head of keys and values and the others another.

    The values of the second head are the unit vectors one place on, so that a head that is given the other's shows.
    """

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d, rng = case["d"], np.random.default_rng(seed)
        with of.chance(seed, dtype, device):
            q, k = (of.array(rng.standard_normal((heads, d, d)), dtype, device) for heads in (4, 2))
            v = of.array(np.stack([np.eye(d), np.roll(np.eye(d), 1, axis=1)]), dtype, device)
            logits = of.floats(q) @ of.floats(k).repeat(2, axis=0).transpose(0, 2, 1)
            seen = of.floats(attend(q, k, v)).reshape(4, d, d)
        weights = np.concatenate([seen[:2], np.roll(seen[2:], -1, axis=2)])
        first = np.broadcast_to(logits[..., :1], logits.shape)
        found = {"ratio": weights / weights[..., :1], "logit": logits, "first": first, "sum": weights.sum(axis=-1)}
        return {n: x.ravel() for n, x in found.items()}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="attend_grouped", run=run, **rest)


def edges(of: Boundary, name: str, attend: Attend, **rest: Any) -> tuple[Experiment, ...]:
    """The rows of one function where a query sees no key, and where q.k overflows float16 but q.k/sqrt(d) does not."""

    def blind(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d, rng = case["d"], np.random.default_rng(seed)
        seen = np.ones((d, d), bool)
        seen[1] = False
        with of.chance(seed, dtype, device):
            q, k, v = (of.array(x[None], dtype, device) for x in (*rng.standard_normal((2, d, d)), np.eye(d)))
            return {"blind": of.floats(attend(q, k, v, seen, False)).reshape(d, d)[1]}

    def large(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d = case["d"]
        with of.chance(seed, dtype, device):
            q, v = (of.array(x[None], dtype, device) for x in (np.full((d, d), (1e5 / d) ** 0.5), np.eye(d)))
            return {"sum": of.floats(attend(q, q, v, None, False)).reshape(d, d).sum(axis=1)}

    rows = (("blind", blind), ("large", large))
    return tuple(
        Experiment(name=_called(of, name, op), framework=of, op=f"attend_{op}", run=run, **rest) for op, run in rows
    )


def _called(of: Boundary, name: str, op: str) -> str:
    """The row's name: a word more in its brackets."""
    return f"{of.name}.{name[:-1]}, {op})" if name.endswith(")") else f"{of.name}.{name}({op})"


def rotary(of: Boundary, name: str, rotate: Rotate, **rest: Any) -> Experiment:
    """The row of rotary positions: vectors of ones turn, and two of them meet at their distance."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.chance(seed, dtype, device):
            ones = of.array(np.ones((8, case["dim"])), dtype, device)
            turned = of.floats(rotate(ones, case["position"], case["base"])).reshape(8, -1)
        apart = np.sum(turned[case["distance"] :] * turned[: -case["distance"]], axis=1)
        # A phase has the digits that float32 leaves of a position: an error of so many roundings of the dtype.
        digits = {"float32": 1.0, "bfloat16": 2.0**-16, "float16": 2.0**-13}[dtype]
        phase = np.full(apart.shape, 1 + case["position"] / 4 * digits)
        return {"norm": np.square(turned).sum(axis=1) / 2, "product": apart / 2, "phase": phase}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="rotary", run=run, **rest)


def alibi(of: Boundary, name: str, biases: Callable[[int, int, str, str], Any]) -> Experiment:
    """`biases(heads, distance, dtype, device)` gives one number for each head, of either sign."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        n = case["heads"]
        whole = 1 << (n.bit_length() - 1)  # heads of the first sequence; others lie between those of twice as many
        with of.place(dtype, device):
            found = of.floats(biases(n, case["distance"], dtype, device)).reshape(n)
        rest = np.arange(n - whole)
        return {
            "bias": np.abs(found),
            "head": np.concatenate([1 + np.arange(whole), 1 + 2 * rest]),
            "of": np.concatenate([np.full(whole, whole), np.full(len(rest), 2 * whole)]),
        }

    return Experiment(name=f"{of.name}.{name}", framework=of, op="alibi", run=run)


def sinusoidal(of: Boundary, name: str, table: Table, base: Callable[[int], float], **rest: Any) -> Experiment:
    """The row of a table of positions, whose slowest frequency is that of the paper's with this base."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        with of.chance(seed, dtype, device):
            rows = of.floats(table(case["dim"]))
        products = np.sum(rows[case["distance"] :] * rows[: -case["distance"]], axis=1)
        return {"norm": np.square(rows).sum(axis=1), "product": products, "base": np.array([base(case["dim"])])}

    return Experiment(name=f"{of.name}.{name}", framework=of, op="sinusoidal", run=run, **rest)
