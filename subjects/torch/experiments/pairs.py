"""Two normal inputs of a known correlation through one torch function: kernels, correlations, products."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 32  # pairs behind one number: means of several have lighter tails


def _kernels(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Unit normal pairs of correlation c, and what stands between them after torch's functions."""
    f = t.nn.functional
    u, v = _pair(t, c["c"], n, on)
    ru, rv = f.relu(u), f.relu(v)
    lu, lv = f.leaky_relu(u, c["slope"]), f.leaky_relu(v, c["slope"])
    found = {
        "both on": 2.0 * ((ru > 0) & (rv > 0)).to(on["dtype"]),
        "one on": ((ru > 0) != (rv > 0)).to(on["dtype"]),
        "relu": 2 * ru * rv,
        "relu apart": (ru - rv) ** 2,
        "square": 2 * (ru * rv) ** 2 / 3,
        "square apart": (ru * ru - rv * rv) ** 2 / 3,
        "leaky": lu * lv,
        "leaky apart": (lu - lv) ** 2,
        "abs": u.abs() * v.abs(),
    }
    return {of: x.mean(1) for of, x in found.items()}


def _products(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    u, v = _pair(t, c["c"], n, on)
    u, v = c["q1"] ** 0.5 * u, c["q2"] ** 0.5 * v
    functions = {"erf": t.erf, "sin": t.sin, "gelu": t.nn.functional.gelu, "relu": t.relu}
    return {of: (phi(u) * phi(v)).mean(1) for of, phi in functions.items()}


def _near(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Unit normal pairs that are nearly equal."""
    u, v = _pair(t, 1 - c["one_minus_c"], n, on)
    return {"relu apart": (t.relu(u) - t.relu(v)).square().mean(1)}


def _pair(t: Any, correlation: float, n: int, on: dict[str, Any]) -> tuple[Any, Any]:
    u, w = t.randn(2, n, _INNER, **on)
    return u, correlation * u + (1 - correlation**2) ** 0.5 * w


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.functional.relu(pairs)", "pairs", _kernels),
    experiment("relu(near pairs)", "near_pairs", _near),
    experiment("nn.functional.gelu(pairs)", "pair_products", _products),
)
