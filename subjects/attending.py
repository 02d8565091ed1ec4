"""Scaled dot-product attention of any framework as an experiment: its weights, seen through one-hot values.

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


def attention(of: Boundary, name: str, attend: Attend, **rest: Any) -> Experiment:
    """The row of one function; it takes as many positions as its vectors are long."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        d, rng = case["d"], np.random.default_rng(seed)
        with of.chance(seed, dtype, device):
            q, k, v = (of.array(x[None], dtype, device) for x in (*rng.standard_normal((2, d, d)), np.eye(d)))
            logits = (of.floats(q) @ of.floats(k).transpose(0, 2, 1))[0]
            later = np.tril(np.ones((d, d), bool))
            some = rng.random((d, d)) < 0.6
            some[:, 0] = True
            calls = ((None, False, np.ones((d, d), bool)), (None, True, later), (some, False, some))
            weights = [of.floats(attend(q, k, v, mask, causal)).reshape(d, d) for mask, causal, _ in calls]
        seen = [may for *_, may in calls]
        return {
            "ratio": np.concatenate([(w / w[:, :1])[may] for w, may in zip(weights, seen, strict=True)]),
            "logit": np.concatenate([logits[may] for may in seen]),
            "first": np.concatenate([np.broadcast_to(logits[:, :1], (d, d))[may] for may in seen]),
            "sum": np.concatenate([w.sum(axis=1) for w in weights]),
            "masked": np.concatenate([w[~may] for w, may in zip(weights, seen, strict=True)]),
        }

    return Experiment(name=f"{of.name}.{name}", framework=of, op="attend", run=run, **rest)
