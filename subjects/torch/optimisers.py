"""torch.optim's optimisers under constant gradients, in each of their implementations, and averages of weights."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.optimising import Optimisers, Walk
from varlaw.subjects.subject import Case, Experiment, Floats
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor

# How torch runs a step on the CPU: one parameter after the other, lists of them at once, one kernel for all.
_WAYS: Mapping[str, Mapping[str, bool]] = {
    "": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}
}  # fmt: skip
_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")


def _copied(gradient: Any) -> Any:
    """Nesterov's momentum on lists of parameters is written into their gradients."""
    return gradient.clone()


def walking(make: Callable[[Any, Case], Any], given: Callable[[Any], Any] = _copied) -> Walk:
    """The steps of an optimiser of torch's kind, made of parameters and a case; `given` is the gradient it is shown."""

    def walk(w: Floats, g: Floats, case: Case, dtype: str, device: str) -> Floats:
        import torch

        # In two parameters, so that a list of them is more than one.
        parts = [torch.nn.Parameter(tensor(x, dtype, device)) for x in np.split(w, [len(w) // 3])]
        gradients = [tensor(x, dtype, device) for x in np.split(g, [len(g) // 3])]
        optimiser = make(parts, case)
        for _ in range(case.get("steps", 1)):
            for part, gradient in zip(parts, gradients, strict=True):
                part.grad = given(gradient)
            optimiser.step()
        return np.concatenate([floats(part) for part in parts])

    return walk


def _walk(name: str, way: Mapping[str, bool], arguments: Any, given: Callable[[Any], Any] = _copied) -> Walk:
    def make(parts: Any, case: Case) -> Any:
        import torch

        return getattr(torch.optim, name)(parts, **arguments(case), **way)

    return walking(make, given)


def _rate(case: Case) -> dict[str, Any]:
    return {"lr": case["rate"], **({"eps": case["eps"]} if "eps" in case else {})}


_of = Optimisers(TORCH, "optim.", lambda walk: walk)


def _moved(
    name: str, op: str, arguments: Any = _rate, label: str = "", unsupported: Mapping[str, str] | None = None
) -> list[Experiment]:
    """An optimiser in each of its implementations."""
    return [
        _of.moved(f"{name}{_label(label, way)}", op, _walk(name, flags, arguments), unsupported)
        for way, flags in _WAYS.items()
        if way != "fused" or name in _FUSED
    ]


def _label(*words: str) -> str:
    said = ", ".join(filter(None, words))
    return f"({said})" if said else ""


def _with(**more: Any) -> Any:
    return lambda case: {**_rate(case), **more}


def _momentum(**more: Any) -> Any:
    return lambda case: {"lr": case["rate"], "momentum": case["momentum"], **more}


def _decay(case: Case) -> dict[str, Any]:
    return {"lr": case["rate"], "weight_decay": case["decay"]}


def _adagrad(case: Case) -> dict[str, Any]:
    return {**_rate(case), "initial_accumulator_value": case["start"]}


def _adam_decay(case: Case) -> dict[str, Any]:
    return {**_decay(case), "decoupled_weight_decay": True}


def _averages() -> list[Experiment]:
    """torch.optim.swa_utils.AveragedModel: of weights that stand still and of weights that rise."""

    def averaged(case: Case, dtype: str, device: str, rule: Any, rise: float) -> Floats:
        import torch

        model = torch.nn.Linear(1, 1, bias=False, dtype=dtype_of(dtype), device=device)
        average = None
        for t in range(case["updates"] + (rise == 0)):
            with torch.no_grad():
                start = case["start"] if rise == 0 and t == 0 else case["w"]
                model.weight.fill_(start + rise * t)
            if average is None:
                average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=rule(case))
            average.update_parameters(model)
        assert average is not None
        return floats(average.module.weight).ravel()

    def equal(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        return {"average": averaged(case, dtype, device, lambda c: None, case["step"])}

    def exponential(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        import torch

        rule: Any = torch.optim.swa_utils.get_ema_multi_avg_fn
        return {"average": averaged(case, dtype, device, lambda c: rule(c["decay"]), 0.0)}

    name = "torch.optim.swa_utils.AveragedModel"
    return [
        Experiment(name=name, framework=TORCH, op="average_equal", run=equal),
        Experiment(name=f"{name}(ema)", framework=TORCH, op="average_exponential", run=exponential),
    ]


EXPERIMENTS: tuple[Experiment, ...] = (
    *_moved("Adam", "adam"),
    *_moved("Adam", "adam", _with(amsgrad=True), "amsgrad"),
    *_moved("AdamW", "adam", _with(weight_decay=0.0)),
    *_moved("Adamax", "adam"),
    *_moved(
        "NAdam", "nadam", _with(momentum_decay=1.0),
        unsupported={"float64": "the product of the momenta is kept in the default dtype, of 32 bits"},
    ),
    *_moved(
        "Adafactor", "sign", lambda c: {"lr": c["rate"], "eps": (1e-18, 1.0)},
        unsupported={"float16": "eps here, beside which no gradient is small, is 0 there; the default, 1e-3, is not"},
    ),
    *_moved("RMSprop", "rmsprop", lambda c: {**_rate(c), "alpha": c["decay"]}),
    *_moved("Adagrad", "adagrad", _adagrad),
    *_moved(
        "RMSprop", "rmsprop_centred", lambda c: {**_rate(c), "alpha": c["decay"], "centered": True}, "centered"
    ),
    *_moved("Adadelta", "adadelta", lambda c: {**_rate(c), "rho": c["decay"]}),
    *_moved("RAdam", "plain"),
    *_moved("ASGD", "plain"),
    *_moved("Rprop", "rprop", lambda c: {"lr": c["rate"], "etas": (0.5, c["growth"])}),
    *_moved("SGD", "momentum", _momentum()),
    *_moved("SGD", "dampened", lambda c: _momentum(dampening=c["dampening"])(c), "dampening"),
    *_moved("SGD", "nesterov", _momentum(nesterov=True), "nesterov"),
    *(
        _of.decayed(name, _walk(name, flags, arguments), _label("decay", way))
        for name, arguments in (("AdamW", _decay), ("SGD", _decay), ("Adam", _adam_decay))
        for way, flags in _WAYS.items()
    ),
    *_averages(),
    _of.moved("Adam(maximize)", "adam", _walk("Adam", {"maximize": True}, _rate, lambda g: -g)),
    _of.moved("SparseAdam", "adam", _walk("SparseAdam", {}, _rate, lambda g: g.to_sparse())),
)  # fmt: skip
