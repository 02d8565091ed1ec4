"""Networks, tensors in parts and samplers with a generator, in NumPy, as they should be and with one mistake each."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Case, Framework, LayerSignals, Network, Sampler, Sharded, Tensor

OURS = Framework(name="numpy", version=lambda: np.__version__, devices=lambda: ("cpu",))
Filled = Callable[[np.random.Generator, int, int, int], Any]  # (rng, fan_in, fan_out, index of the map) -> weights

# -- networks ----------------------------------------------------------------------------------------------------------


def he(rng: np.random.Generator, fan_in: int, fan_out: int, index: int) -> Any:
    """What the networks here claim of every map."""
    return rng.normal(0, (2 / fan_in) ** 0.5, (fan_out, fan_in))


def network(fill: Filled = he, back: Callable[[Any, Any], Any] = lambda w, v: w.T @ v) -> Network:
    """A ReLU network of float64, whose gradient passes a map with weights w as `back(w, v)`."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[list[LayerSignals]]:
        rng = np.random.default_rng(seed)
        return (_signals(case, rng, fill, back) for _ in range(count))

    return Network(name="numpy.network", framework=OURS, op="network", documented="he_normal(fan_in)", draws=draws)


def _signals(case: Case, rng: np.random.Generator, fill: Filled, back: Callable[[Any, Any], Any]) -> list[LayerSignals]:
    h, trace, found = rng.standard_normal(case["in_features"]), [], []
    for index in range(case["depth"]):
        w = fill(rng, len(h), case["hidden_size"], index)
        trace.append((w, h, w @ h))
        h = np.maximum(w @ h, 0)
    gradient = rng.standard_normal(len(h))
    for w, h, y in reversed(trace):
        v = gradient * (y > 0)
        gradient = back(w, v)
        found.append(LayerSignals(h, y, v, gradient))
    return found[::-1]


def _half(rng: np.random.Generator, fan_in: int, fan_out: int, index: int) -> Any:
    return he(rng, fan_in, fan_out, index) * (0.5 if index == 1 else 1.0)


def wrong_networks() -> dict[str, tuple[str, str, Network]]:
    """By name: the claim that must see it, a dtype in which it must, and the network with the mistake."""
    swapped = network(lambda rng, m, n, i: rng.normal(0, (2 / n) ** 0.5, (n, m)))
    no_gain = network(lambda rng, m, n, i: he(rng, m, n, i) / 2**0.5)
    one_map = network(_half)
    return {
        **{f"fan of the other side, {way}": (f"network.{way}", "float32", swapped) for way in _WAYS},
        **{f"no gain, {way}": (f"network.{way}", "bfloat16", no_gain) for way in _WAYS},
        **{f"the second map halved, {way}": (f"network.{way}", "float32", one_map) for way in _WAYS},
        "gradient scaled by 0.9": ("network.backward", "float32", network(back=lambda w, v: 0.9 * (w.T @ v))),
    }


_WAYS = ("forward", "backward")

# -- parts -------------------------------------------------------------------------------------------------------------


def sharded(make: Callable[[np.random.Generator, int, int], Mapping[str, Any]], *, replicated: bool = False) -> Sharded:
    """A tensor of (out_features, in_features) in two parts, made from one seed."""
    return Sharded(
        name="numpy.sharded", framework=OURS, op="sharded", replicated=replicated,
        apply=lambda case, dtype, device, seed: make(
            np.random.default_rng(seed), case["out_features"], case["in_features"]
        ),
    )  # fmt: skip


def halves(rng: np.random.Generator, rows: int, columns: int, share: float = 0.0) -> Mapping[str, Any]:
    """Two halves whose entries have correlation `share`."""
    a, b = rng.normal(size=(2, rows // 2, columns))
    whole = np.concatenate([a, share * a + (1 - share**2) ** 0.5 * b])
    return {"parts": list(np.split(whole, 2)), "whole": whole, "plain": whole}


def replicas(rng: np.random.Generator, rows: int, columns: int, off: float = 0.0) -> Mapping[str, Any]:
    """Two copies, the second `off` in one entry."""
    x = rng.normal(size=(rows, columns))
    y = x.copy()
    y[0, 0] += off
    return {"parts": [x, y], "whole": y, "plain": x}


def wrong_shards() -> dict[str, tuple[str, str, Sharded]]:
    """By name: the claim that must see it, a dtype, and the tensor in parts with the mistake."""
    copies, related = (sharded(lambda rng, m, n, s=share: halves(rng, m, n, s)) for share in (1.0, 0.3))
    split = sharded(lambda rng, m, n: replicas(rng, m, n, 1e-9), replicated=True)
    return {
        "parts are copies": ("shards.rank", "float64", copies),
        "parts correlate by 0.3": ("shards.independent", "float64", related),
        "replicas differ in one entry": ("shards.replicas", "float64", split),
        "the mesh changes one entry": ("shards.mesh", "float64", split),
    }


# -- generators --------------------------------------------------------------------------------------------------------


def handed(beside: float = 0.0) -> Sampler:
    """Normals from the generator that is handed over, but for the share `beside`, which comes from the global one."""

    def drawn(case: Case, dtype: str, device: str, seed: int, elsewhere: int) -> Mapping[str, Any]:
        own, shared = (np.random.default_rng(n) for n in (seed, elsewhere))
        x, y = own.standard_normal(case["shape"]), shared.standard_normal(case["shape"])
        return {"": np.where(own.random(case["shape"]) < beside, y, x)}

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        return (drawn(case, dtype, device, one, 0) for one in np.random.SeedSequence(seed).generate_state(count))

    tensor = Tensor(name="", documented="Normal(1)")
    return Sampler(name="numpy.handed", framework=OURS, op="shape", tensors=(tensor,), draws=draws, handed=drawn)


def wrong_generators() -> dict[str, tuple[str, str, Sampler]]:
    """By name: the claim that must see it, a dtype, and the sampler with the mistake."""
    return {"a tenth drawn from the global generator": ("structure.repeats", "float64", handed(0.1))}


WRONG: dict[str, tuple[str, str, Any]] = {**wrong_networks(), **wrong_shards(), **wrong_generators()}
RIGHT = {"network": network(), "parts": sharded(halves), "replicas": sharded(replicas, replicated=True)}
