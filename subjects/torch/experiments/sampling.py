"""torch's samplers, with the moments of what they draw beyond the variance, and statistics of a few samples."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 64  # draws behind one number


def _plain(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Powers of draws of scale 1; of the families without a unit variance, over their documented scale."""
    many = (n, _INNER)
    families = t.distributions
    one = t.ones((), **on)
    uniform = t.empty(many, **on).uniform_(-1, 1)
    sign = 2.0 * t.empty(many, **on).bernoulli_(0.5) - 1
    laplace = families.Laplace(0 * one, one).sample(many)
    triangular = uniform + t.empty(many, **on).uniform_(-1, 1)
    u = t.empty(many, **{**on, "dtype": t.float64}).uniform_().clamp_(1e-300)
    logistic = u.log() - t.log1p(-u)
    arcsine = t.cos(3.141592653589793 * u)
    kept = t.empty(many, **on).bernoulli_(c["density"])
    sparse = sign * kept / c["density"] ** 0.5
    thinned = t.empty(many, **on).normal_() * kept
    found = {
        "uniform": uniform, "normal": t.empty(many, **on).normal_(), "sign": sign, "laplace": laplace,
        "triangular": triangular, "logistic": logistic, "arcsine": arcsine, "sparse sign": sparse, "thinned": thinned,
    }  # fmt: skip
    fourths = {f"{of} fourth": x.double().pow(4).mean(1) for of, x in found.items()}
    return {**fourths, "sign square": (c["scale"] * sign).square().mean(1)}


def _range(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    x = t.nn.init.uniform_(t.empty(n, _INNER, **on), c["low"], c["high"])
    return {"one": x[:, 0], "mean": x.mean(1), "square": x.square().mean(1)}


def _cut(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A truncated normal of unit parent, one clipped in place of that, and a parent that is kept where it falls."""
    x = t.nn.init.trunc_normal_(t.empty(n, _INNER, **on), 0.0, 1.0, c["low"], c["high"])
    z = t.empty(n, _INNER, **on).normal_()
    clipped = z.clamp(-c["high"], c["high"])
    return {
        "one": x[:, 0],
        "mean": x.mean(1),
        "square": x.square().mean(1),
        "central fourth": (x - c["centre"]).pow(4).mean(1),
        "inside": ((z >= c["low"]) & (z <= c["high"])).to(on["dtype"]).mean(1),
        "clipped square": clipped.square().mean(1),
        "clipped": (z.abs() >= c["high"]).to(on["dtype"]).mean(1),
        "needless": (z / c["std"]).square().mean(1),
    }


def _length(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    x = t.empty(n, c["n"], **on).normal_(0.0, c["std"])
    return {"norm": t.linalg.vector_norm(x, dim=1)}


def _samples(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Statistics of a few uniform samples of unit variance."""
    x = t.empty(n, c["samples"], **on).uniform_(-(3**0.5), 3**0.5)
    return {
        "mean square": x.square().mean(1),
        "unbiased": t.var(x, dim=1, correction=1),
        "biased": t.var(x, dim=1, correction=0),
    }


def _sparse(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    columns = n * 8 // c["rows"] + n  # every column is drawn on its own
    x = t.nn.init.sparse_(t.empty(c["rows"], columns, **on), c["sparsity"], c["std"])
    return {"square": x[:, :n].square().mean(0)}


def _complex(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    kind = {t.float64: t.complex128}.get(on["dtype"], t.complex64)
    w = t.randn(n, _INNER, dtype=kind, device=on["device"])
    parts = t.view_as_real(w)
    scaled = t.complex(c["real"] * parts[..., 0], c["imaginary"] * parts[..., 1])
    short = parts.square().sum(-1)
    kept = short < c["cut"] ** 2
    inside = (short * kept).sum(1) / kept.sum(1)
    return {"square": 2 * scaled.abs().square().mean(1), "cut": inside}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("Tensor.uniform_(moments)", "plain_draws", _plain),
    experiment("nn.init.uniform_(range)", "range_draws", _range),
    experiment("nn.init.trunc_normal_(moments)", "cut_draws", _cut),
    experiment("linalg.vector_norm(normal)", "normal_length", _length),
    experiment("var(samples)", "few_samples", _samples),
    experiment("nn.init.sparse_(columns)", "sparse_columns", _sparse),
    experiment("view_as_real(randn)", "complex_draws", _complex),
)
