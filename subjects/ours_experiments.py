"""Experiments on varlaw's own torch functions, beyond the samplers, norms and clips of the table."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment, Framework
from varlaw.subjects.torch.experiments.running import experiment


def _name(on: dict[str, Any]) -> dict[str, Any]:
    """Our keywords for a place: a dtype by its name."""
    return {"dtype": str(on["dtype"]).removeprefix("torch."), "device": on["device"]}


def _seed(t: Any) -> int:
    return int(t.randint(2**62, ()).item())


def _weights(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Squared entries of truncated weights and of a delta-orthogonal kernel."""
    from varlaw.impl.torch import delta_orthogonal, variance_scaling

    shape, draws = (c["fan_out"], c["fan_in"]), -(-n // (c["fan_out"] * c["fan_in"]))

    def squares(scale: float, mode: str = "fan_in") -> Any:
        given = {"distribution": "truncated_normal", "mode": mode, **_name(on)}
        drawn = [variance_scaling(shape, scale, seed=_seed(t), **given).flatten() for _ in range(draws)]
        return t.cat(drawn)[:n].square()

    kernel = delta_orthogonal((c["fan_out"], c["fan_in"], 3), seed=_seed(t), **_name(on))
    return {
        "he": squares(2.0),
        "lecun": squares(1.0),
        "glorot": squares(1.0, "fan_avg"),
        "scaled": squares(c["scale"], "fan_out"),
        "delta": kernel.square().mean().reshape(1),
    }


def _lora(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """LoRA as it starts, and with entries of B as some training might leave them."""
    from varlaw.impl.scales import lora_scale
    from varlaw.impl.torch import lora

    rows, inputs, rank = c["out_features"], c["in_features"], c["rank"]
    pairs = [lora((rows, inputs), rank, seed=_seed(t), **_name(on)) for _ in range(n)]
    a, b = (t.stack([pair[k] for pair in pairs]).requires_grad_() for k in (0, 1))
    x, g = t.randn(inputs, 1, **on), t.randn(rows, 1, **on)
    scale, stable = (lora_scale(c["alpha"], rank, rank_stable=even) for even in (False, True))
    of_a, of_b = t.autograd.grad((scale * (b @ (a @ x)) * g).sum(), (a, b))
    size = x.square().sum()
    trained = c["std_b"] * t.randn(n, rows, rank, **on)
    change = (trained @ (a @ x)).detach().square().sum((1, 2)) / size
    return {
        "gradient a": of_a.abs().amax((1, 2)),
        "gradient b": of_b.square().sum((1, 2)) / (g.square().sum() * size),
        "change": scale**2 * change,
        "stable change": stable**2 * change,
        "numerical rank": t.linalg.matrix_rank((trained[:16] @ a[:16]).detach()),
    }


def _tokens(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """New rows of an output embedding: their logits, and what they take from the old distribution."""
    from varlaw.impl.torch import new_embeddings

    old, h = t.randn(c["vocabulary"], 8, **on), t.randn(8, **on)
    added = new_embeddings(old, c["count"], seed=_seed(t), **_name(on))
    zeros = t.zeros(c["count"], 8, **on)
    logits = old @ h
    before = t.log_softmax(logits.double(), 0)
    after = t.log_softmax(t.cat([logits, added @ h]).double(), 0)[: c["vocabulary"]]
    share = t.softmax(t.cat([logits, zeros @ h]).double(), 0)[c["vocabulary"] :].sum()
    kl = (before.exp() * (before - after)).sum().reshape(1)
    return {
        "logits": logits.double(),
        "logit": added @ h,
        "kl": kl,
        "share": share.reshape(1),
        "size": logits.abs().max(),
    }


def _clips(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Parameters clipped one by one, and units clipped by the size of their weights."""
    from varlaw.impl.torch import clip_adaptive, clip_per_parameter

    grads = list(t.randn(c["parameters"], 6, **on) * t.logspace(-1, 1, c["parameters"], **on)[:, None])
    after, _ = clip_per_parameter(grads, c["limit"])
    norms = t.stack([t.linalg.vector_norm(g.double()) for g in after if g is not None])
    w = t.randn(8, 5, **on) * t.logspace(-4, 0, 8, **on)[:, None]
    g = t.randn(8, 5, **on)
    clipped: Any
    (clipped,) = clip_adaptive([g], [w], c["ratio"], floor=1e-3)
    size = t.linalg.vector_norm(g.double(), dim=1)
    return {
        "before": t.stack([t.linalg.vector_norm(x.double()) for x in grads]),
        "after": norms,
        "together": t.linalg.vector_norm(norms).reshape(1),
        "weight_norm": t.linalg.vector_norm(w.double(), dim=1),
        "gradient_norm": size,
        "factor": t.linalg.vector_norm(clipped.double(), dim=1) / size,
    }


def _chrono(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Chrono biases in a real LSTM cell: the memory that its cell state shows."""
    from varlaw.impl.torch import chrono_bias

    units = 16
    bias = chrono_bias(units, c["longest"], cell="lstm", seed=_seed(t), shares=1, **_name(on))
    cell = t.nn.LSTMCell(1, units, **on)
    for parameter in cell.parameters():
        t.nn.init.zeros_(parameter)
    with t.no_grad():
        cell.bias_ih.copy_(bias)
        state = t.zeros(1, units, **on), t.ones(1, units, **on)
        kept = cell(t.zeros(1, 1, **on), state)[1][0].double()
    return {"bias": bias[units : 2 * units], "memory": 1 / (1 - kept)}


def experiments(framework: Framework) -> tuple[Experiment, ...]:
    """The rows of varlaw on torch."""
    return (
        experiment("variance_scaling(truncated)", "our_weights", _weights, framework),
        experiment("lora(start)", "our_lora", _lora, framework),
        experiment("new_embeddings", "our_tokens", _tokens, framework),
        experiment("clip_per_parameter", "our_clips", _clips, framework),
        experiment("chrono_bias", "our_chrono", _chrono, framework),
    )
