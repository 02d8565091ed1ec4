"""Attention of torch as it starts: logits of independent queries and keys, the weights' entropy, the output."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 16


def _logits(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    d, f = c["d"], t.nn.functional
    q, k = (c[std] * t.randn(n, _INNER, d, **on) for std in ("query", "key"))
    logits = t.einsum("bid,bid->bi", q, k)
    even = [f.rms_norm(x, (d,), eps=0.0) for x in (q, k)]
    x, w = t.randn(n, 8, **on), c["query"] / 8**0.5 * t.randn(n, d, 8, **on)
    keys = t.stack(
        [k, k.roll(1, 1)], 2
    )  # the weights of two keys differ by the exponential of their logits' difference
    p = f.scaled_dot_product_attention(q[:, :, None], keys, t.eye(2, **on).expand(n, _INNER, 2, 2))
    apart = (p[..., 0] / p[..., 1]).log()[..., 0]
    own = t.stack([even[0], t.zeros_like(even[0])], 2)  # the query itself, and a key of logit 0
    p = f.scaled_dot_product_attention(even[0][:, :, None], own, t.eye(2, **on).expand(n, _INNER, 2, 2))
    tied = t.bmm(w, (x / x.square().mean(1, keepdim=True).sqrt())[..., None])[..., 0]
    return {
        "square": logits.square().mean(1),
        "scaled square": apart.square().mean(1) / 2,
        "fourth": (logits / (c["query"] * c["key"] * d**0.5)).pow(4).mean(1),
        "cosine": f.cosine_similarity(q, k, dim=2).square().mean(1),
        "even": (even[0] * even[1]).sum(2).square().mean(1),
        "aligned": (p[..., 0] / p[..., 1]).log()[:, 0, 0],
        "tied": tied.square().sum(1) / d**0.5,
    }


def _weights(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Weights and output of scaled_dot_product_attention: for one query of a fixed length the logits are normal."""
    d, keys = 4, c["n"]
    q = c["std"] * t.ones(n, 1, d, **on)  # q.k / sqrt(d) is N(0, std^2)
    k = t.randn(n, keys, d, **on)
    values = c["value_std"] * t.randn(n, keys, 8, **on)
    attend = t.nn.functional.scaled_dot_product_attention
    p = attend(q, k, t.eye(keys, **on).expand(n, keys, keys))[:, 0]
    output = attend(q, k, values)
    entropy = -t.special.xlogy(p, p).sum(1)
    return {
        "weight square": p.square().sum(1),
        "entropy": entropy,
        "output": output.square().mean((1, 2)),
    }


def _many(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Weights over many keys, straight from the softmax."""
    p = t.softmax(c["std"] * t.randn(n, c["n"], **on), 1)
    entropy = -t.special.xlogy(p, p).sum(1)
    return {"missing entropy": entropy - t.log(t.tensor(float(c["n"]))), "long": c["n"] * p.square().sum(1)}


def _causal(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    length = c["length"]
    zeros = t.zeros(n, length, 2, **on)
    values = t.randn(n, length, 2, **on)
    y = t.nn.functional.scaled_dot_product_attention(zeros, zeros, values, is_causal=True)
    return {"output": y.square().mean((1, 2))}


def _positions(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Sines and cosines of positions, and products of rows at a distance."""
    half = t.arange(c["dim"] // 2, **{**on, "dtype": t.float64})
    angles = t.arange(64, **{**on, "dtype": t.float64})[:, None] * c["base"] ** (-2 * half / c["dim"])
    table = t.cat([t.sin(angles), t.cos(angles)], 1).to(on["dtype"])
    apart = (table[c["distance"] :] * table[: -c["distance"]]).sum(1)
    return {"norm": table.square().sum(1), "product": apart}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("einsum(logits)", "logits", _logits),
    experiment("nn.functional.scaled_dot_product_attention(weights)", "attention_weights", _weights),
    experiment("nn.functional.scaled_dot_product_attention(few)", "attention_small", _weights),
    experiment("softmax(many)", "attention_long", _many),
    experiment("nn.functional.scaled_dot_product_attention(causal)", "causal", _causal),
    experiment("sin(positions)", "positions", _positions),
)
