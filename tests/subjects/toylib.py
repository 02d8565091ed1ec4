"""A small library of somebody else, as it is installed: layers with and without mistakes, and its rows."""

import numpy as np

from varlaw.rows import claim, clipper, initialiser, layer, model, norm

CASES = [{"inputs": 64, "outputs": 24}, {"inputs": 20, "outputs": 72}]


def dense(inputs, outputs, rng):
    weight = rng.normal(0, (2 / inputs) ** 0.5, (outputs, inputs))
    return {"weight": weight.astype(np.float32), "bias": np.zeros(outputs, np.float32)}


def swapped(inputs, outputs, rng):
    return {"weight": rng.normal(0, (2 / outputs) ** 0.5, (outputs, inputs)).astype(np.float32)}


def forgotten(inputs, outputs, rng):
    return {**dense(inputs, outputs, rng), "gate": np.ones(outputs, np.float32)}


def half(inputs, outputs, rng):
    return {"weight": 0.5 * dense(inputs, outputs, rng)["weight"]}


def raises(inputs, outputs):
    msg = "out of ideas"
    raise RuntimeError(msg)


def rms(x, eps=1e-6):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def clip(grads, limit):
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))
    return [g * (limit / norm) if norm > limit else g for g in grads]


def stack(depth, rng):
    return {f"{i}": dense(32, 48, rng) for i in range(depth)}


def ours(fan):
    from varlaw import Normal

    return Normal((2 / fan) ** 0.5)


def product(arrays, x):
    return x @ arrays["weight"].T + arrays.get("bias", 0)


LAW = {"weight": "he_normal(fan_in)", "bias": "Constant(0)"}
ROWS = [
    layer("toylib.dense", dense, LAW, cases=CASES, apply=product),
    layer("toylib.swapped", swapped, {"weight": "he_normal(fan_in)"}, cases=CASES, apply=product),
    layer("toylib.forgotten", forgotten, {"weight": "ours(inputs)", "bias": "Constant(0)"}, cases=CASES),
    layer("toylib.half", half, {"weight": "he_normal(inputs)"}, cases=CASES),
    layer("toylib.raises", raises, {"weight": "Normal(1)"}, cases=CASES),
    initialiser("toylib.init", lambda shape, seed: np.random.default_rng(seed).normal(0, 0.02, shape), "Normal(0.02)"),
    norm("toylib.rms", rms, "rms"),
    clipper("toylib.clip", clip),
    model("toylib.stack", stack, {"*.weight": "Normal(sqrt(2/32))", "*.bias": "Constant(0)"}, cases=[{"depth": 3}]),
]
LAWS = {"ours": ours}
CLAIMS = [claim("toylib.finite", "toylib.dense", lambda w, case: bool(np.isfinite(w["weight"]).all()), "no NaN")]
DEVIATIONS = [
    {
        "id": "toylib-half", "claim": "init.*", "subject": "toylib.half.weight", "ratio": "0.5", "versions": ">=1",
        "reason": "Half the std, kept for compatibility.", "link": "https://example.org/1",
    }
]  # fmt: skip
