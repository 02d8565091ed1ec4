"""torch's gradient clipping on random gradients, and what its eps does where norms are as small."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _clipped(t: Any, g: Any, limit: float) -> Any:
    """The gradient of one parameter after `clip_grad_norm_`."""
    p = t.nn.Parameter(g)
    p.grad = g.clone()
    t.nn.utils.clip_grad_norm_([p], limit, foreach=False)
    return p.grad


def _random(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    g = t.randn(n, c["n"], **on)
    after = t.stack([_clipped(t, row, c["limit"]) for row in g])
    before, norm = t.linalg.vector_norm(g, dim=1), t.linalg.vector_norm(after, dim=1)
    clipped = (before - norm > 1e-4 * before).to(on["dtype"])  # beyond what its eps of 1e-6 takes away
    return {"clipped": clipped, "coefficient": norm / before, "norm": norm, "square": norm.square()}


def _two_points(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    p = t.nn.Parameter(t.zeros(n, **on))
    low, high = (t.full((n,), c[end], **on) for end in ("low", "high"))
    p.grad = t.where(t.rand(n, device=on["device"]) < c["share"], high, low)
    t.nn.utils.clip_grad_value_([p], c["limit"])
    return {"clipped": p.grad}


def _small(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Gradients about as small as eps: factor and norm, and the growth of the norm between two of them."""
    unit = t.nn.functional.normalize(t.randn(c["n"], **on), dim=0)
    norms = t.tensor(c["norms"], **on)
    after = t.stack([t.linalg.vector_norm(_clipped(t, norm * unit, c["limit"]).double()) for norm in norms])
    before = t.stack([t.linalg.vector_norm((norm * unit).double()) for norm in norms])
    slope = (after[1] - after[0]) / (before[1] - before[0])
    return {"norm_before": before, "factor": after / before, "norm": after, "slope": slope.reshape(1)}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.utils.clip_grad_norm_(random)", "clip_random", _random),
    experiment("nn.utils.clip_grad_value_(two points)", "clip_two_points", _two_points),
    experiment("nn.utils.clip_grad_norm_(small)", "clip_small", _small),
)
