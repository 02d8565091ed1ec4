"""paddle.optimizer under constant gradients.

Adamax has no row: it is documented with an eps in a place of its own, max(beta2 u + eps, |g|).
"""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.optimising import RATE_IN_32_BITS, Optimisers, Walk
from varlaw.subjects.paddle.framework import NO_HALF_KERNEL, PADDLE, top
from varlaw.subjects.subject import Case, Experiment, Floats

Make = Callable[[Any, Case, Any], Any]  # (paddle.optimizer, case, parameters) -> an optimiser


def _walk(make: Make) -> Walk:
    def walk(w: Floats, g: Floats, case: Case, dtype: str, device: str) -> Floats:
        with PADDLE.place(dtype, device):
            part = top("create_parameter")(list(w.shape), dtype)
            part.set_value(PADDLE.array(w, dtype, device))
            optimiser = make(top("optimizer"), case, [part])
            for _ in range(case.get("steps", 1)):
                (part * PADDLE.array(g, dtype, device)).sum().backward()
                optimiser.step()
                optimiser.clear_grad()
            return PADDLE.floats(part)

    return walk


_of = Optimisers(PADDLE, "optimizer.", _walk, RATE_IN_32_BITS | NO_HALF_KERNEL)

EXPERIMENTS: tuple[Experiment, ...] = (
    _of.moved("Adam", "adam", lambda o, c, p: o.Adam(c["rate"], epsilon=c["eps"], parameters=p)),
    _of.moved("AdamW", "adam", lambda o, c, p: o.AdamW(c["rate"], epsilon=c["eps"], parameters=p, weight_decay=0.0)),
    _of.moved(
        "Adagrad", "adagrad",
        lambda o, c, p: o.Adagrad(c["rate"], c["eps"], p, initial_accumulator_value=c["start"]),
    ),
    _of.moved("Adam(amsgrad)", "adam", lambda o, c, p: o.Adam(c["rate"], epsilon=c["eps"], parameters=p, amsgrad=True)),
    _of.moved("RMSProp", "rmsprop_inside", lambda o, c, p: o.RMSProp(c["rate"], c["decay"], c["eps"], parameters=p)),
    _of.moved("Adadelta", "adadelta", lambda o, c, p: o.Adadelta(c["rate"], c["eps"], c["decay"], parameters=p)),
    _of.moved(
        "NAdam", "nadam", lambda o, c, p: o.NAdam(c["rate"], epsilon=c["eps"], momentum_decay=1.0, parameters=p)
    ),
    _of.moved("RAdam", "plain", lambda o, c, p: o.RAdam(c["rate"], parameters=p)),
    _of.moved("ASGD", "plain", lambda o, c, p: o.ASGD(c["rate"], batch_num=1, parameters=p)),
    _of.moved(
        "Rprop", "rprop", lambda o, c, p: o.Rprop(c["rate"], (1e-6, 50), parameters=p, etas=(0.5, c["growth"]))
    ),
    _of.moved("SGD", "plain", lambda o, c, p: o.SGD(c["rate"], parameters=p)),
    _of.moved(
        "Momentum(nesterov)", "nesterov",
        lambda o, c, p: o.Momentum(c["rate"], c["momentum"], p, use_nesterov=True),
    ),
    _of.moved("Momentum", "momentum", lambda o, c, p: o.Momentum(c["rate"], c["momentum"], p)),
    _of.decayed("AdamW", lambda o, c, p: o.AdamW(c["rate"], parameters=p, weight_decay=c["decay"])),
    _of.decayed("Momentum", lambda o, c, p: o.Momentum(c["rate"], 0.0, p, weight_decay=c["decay"])),
    _of.trusted("Lamb", lambda o, c, p: o.Lamb(c["rate"], lamb_weight_decay=0.0, parameters=p, always_adapt=True)),
)  # fmt: skip
