"""optax's optimisers under constant gradients, and its exponential average."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.optax.framework import OPTAX
from varlaw.subjects.optimising import Optimisers, Walk
from varlaw.subjects.subject import Case, Experiment, Floats

Make = Callable[[Any, Case], Any]  # (optax, case) -> a transformation of gradients


def _walk(make: Make) -> Walk:
    def walk(w: Floats, g: Floats, case: Case, dtype: str, device: str) -> Floats:
        import optax

        with OPTAX.place(dtype, device):
            weights, gradient = (OPTAX.array(x, dtype, device) for x in (w, g))
            optimiser = make(optax, case)
            state = optimiser.init(weights)
            for _ in range(case.get("steps", 1)):
                updates, state = optimiser.update(gradient, state, weights)
                weights = optax.apply_updates(weights, updates)
            return OPTAX.floats(weights)

    return walk


class _Accumulated:
    """Four calls for a step, of half and of one and a half times the gradient in turns: their mean is the gradient."""

    def __init__(self, steps: Any) -> None:
        self.init, self.inner = steps.init, steps

    def update(self, gradient: Any, state: Any, weights: Any) -> Any:
        for share in (0.5, 1.5, 0.5, 1.5):
            updates, state = self.inner.update(share * gradient, state, weights)
        return updates, state


def _ema(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
    """optax.ema starts at 0: undebiased, under a constant input, it is the average from there."""
    import optax

    with OPTAX.place(dtype, device):
        x = OPTAX.array(np.array([case["w"] - case["start"]]), dtype, device)
        average = optax.ema(case["decay"], debias=False)
        state, found = average.init(x), x
        for _ in range(case["updates"]):
            found, state = average.update(x, state)
        return {"average": case["start"] + OPTAX.floats(found)}


_of = Optimisers(OPTAX, "", _walk)

EXPERIMENTS: tuple[Experiment, ...] = (
    _of.moved("adam(steps)", "adam", lambda o, c: o.adam(c["rate"], eps=c["eps"])),
    _of.moved("adamw(steps)", "adam", lambda o, c: o.adamw(c["rate"], eps=c["eps"], weight_decay=0.0)),
    _of.moved("amsgrad(steps)", "adam", lambda o, c: o.amsgrad(c["rate"], eps=c["eps"])),
    _of.moved("adamax(steps)", "adam", lambda o, c: o.adamax(c["rate"], eps=c["eps"])),
    _of.moved(
        "adafactor(steps)", "sign",
        lambda o, c: o.adafactor(c["rate"], multiply_by_parameter_scale=False, eps=1e-40),
    ),
    _of.moved(
        "rmsprop(steps)", "rmsprop",
        lambda o, c: o.rmsprop(c["rate"], decay=c["decay"], eps=c["eps"], eps_in_sqrt=False),
    ),
    _of.moved(
        "rmsprop(eps_in_sqrt)", "rmsprop_inside", lambda o, c: o.rmsprop(c["rate"], decay=c["decay"], eps=c["eps"])
    ),
    _of.moved(
        "rmsprop(initial_scale)", "rmsprop_started",
        lambda o, c: o.rmsprop(c["rate"], decay=c["decay"], eps=c["eps"], initial_scale=1.0),
    ),
    _of.moved(
        "rmsprop(centered)", "rmsprop_centred",
        lambda o, c: o.rmsprop(c["rate"], decay=c["decay"], eps=c["eps"], eps_in_sqrt=False, centered=True),
    ),
    _of.moved("adadelta(steps)", "adadelta", lambda o, c: o.adadelta(c["rate"], rho=c["decay"], eps=c["eps"])),
    _of.moved(
        "adagrad(steps)", "adagrad",
        lambda o, c: o.adagrad(c["rate"], initial_accumulator_value=c["start"], eps=c["eps"]),
    ),
    _of.moved(
        "adabelief(steps)", "adabelief", lambda o, c: o.adabelief(c["rate"], eps=c["eps"], eps_root=0.0)
    ),
    _of.moved("nadam(steps)", "nadam_plain", lambda o, c: o.nadam(c["rate"], eps=c["eps"])),
    _of.moved("radam(steps)", "plain", lambda o, c: o.radam(c["rate"])),
    _of.moved("rprop(steps)", "rprop", lambda o, c: o.rprop(c["rate"], eta_plus=c["growth"])),
    _of.moved("sgd(steps)", "momentum", lambda o, c: o.sgd(c["rate"], momentum=c["momentum"])),
    _of.moved("sgd(nesterov)", "nesterov", lambda o, c: o.sgd(c["rate"], momentum=c["momentum"], nesterov=True)),
    _of.moved("lion(steps)", "sign", lambda o, c: o.lion(c["rate"], weight_decay=0.0)),
    _of.moved("sign_sgd(steps)", "sign", lambda o, c: o.sign_sgd(c["rate"])),
    _of.moved(
        "MultiSteps(adam)", "adam", lambda o, c: _Accumulated(o.MultiSteps(o.adam(c["rate"], eps=c["eps"]), 4)),
        unsupported={"float64": "gradients are added up in float32, unless an accumulator_dtype says otherwise"},
    ),
    _of.decayed("adamw", lambda o, c: o.adamw(c["rate"], weight_decay=c["decay"])),
    _of.decayed("lion", lambda o, c: o.lion(c["rate"], weight_decay=c["decay"])),
    _of.decayed("adan", lambda o, c: o.adan(c["rate"], weight_decay=c["decay"])),
    _of.trusted("lamb(steps)", lambda o, c: o.lamb(c["rate"])),
    _of.trusted("lars(steps)", lambda o, c: o.lars(c["rate"], trust_coefficient=1.0, momentum=0.0)),
    Experiment(name="optax.ema", framework=OPTAX, op="average_exponential", run=_ema),
)  # fmt: skip
