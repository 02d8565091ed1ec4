"""timm.optim's own optimisers under constant gradients: its copies of torch's are torch's matter."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.optimising import Optimisers, Walk
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.timm.framework import TIMM, optim
from varlaw.subjects.torch.optimisers import walking

Make = Callable[[Any, Any, Case], Any]  # (timm.optim, parameters, case) -> an optimiser


def _walk(make: Make) -> Walk:
    def made(parts: Any, case: Case) -> Any:
        return make(optim(), parts, case)

    return walking(made)


_of = Optimisers(TIMM, "optim.", _walk)

OPTIMISERS: tuple[Experiment, ...] = (
    _of.moved("AdamP", "adam", lambda o, p, c: o.AdamP(p, c["rate"], eps=c["eps"])),
    _of.moved("AdamP(nesterov)", "nadam_plain", lambda o, p, c: o.AdamP(p, c["rate"], eps=c["eps"], nesterov=True)),
    _of.moved(
        "NAdamW", "nadam_plain",
        lambda o, p, c: o.NAdamW(p, c["rate"], eps=c["eps"], weight_decay=0.0, foreach=False),
    ),
    _of.moved(
        "NAdamW(foreach)", "nadam_plain",
        lambda o, p, c: o.NAdamW(p, c["rate"], eps=c["eps"], weight_decay=0.0, foreach=True),
    ),
    _of.moved(
        "LaProp", "adam", lambda o, p, c: o.LaProp(p, c["rate"], eps=c["eps"]),
        {"float64": "the correction of the second moment is kept in the default dtype, of 32 bits"},
    ),
    _of.moved("Lion", "sign", lambda o, p, c: o.Lion(p, c["rate"], foreach=False)),
    _of.moved("Lion(foreach)", "sign", lambda o, p, c: o.Lion(p, c["rate"], foreach=True)),
    _of.moved(
        "RMSpropTF", "rmsprop_started", lambda o, p, c: o.RMSpropTF(p, c["rate"], c["decay"], c["eps"], momentum=0.0)
    ),
    _of.moved("SGDP", "dampened", lambda o, p, c: o.SGDP(p, c["rate"], c["momentum"], c["dampening"])),
    _of.moved("SGDW", "momentum", lambda o, p, c: o.SGDW(p, c["rate"], c["momentum"])),
    _of.moved(
        "SGDW(nesterov)", "nesterov", lambda o, p, c: o.SGDW(p, c["rate"], c["momentum"], nesterov=True)
    ),
    _of.decayed("SGDW", lambda o, p, c: o.SGDW(p, c["rate"], weight_decay=c["decay"])),
    _of.decayed("Lion", lambda o, p, c: o.Lion(p, c["rate"], weight_decay=c["decay"])),
    _of.decayed("Adan", lambda o, p, c: o.Adan(p, c["rate"], weight_decay=c["decay"])),
    _of.decayed("NAdamW", lambda o, p, c: o.NAdamW(p, c["rate"], weight_decay=c["decay"])),
    _of.decayed("AdaBelief", lambda o, p, c: o.AdaBelief(p, c["rate"], weight_decay=c["decay"])),
    _of.decayed("Lamb", lambda o, p, c: o.Lamb(p, c["rate"], weight_decay=c["decay"], decoupled_decay=True)),
)  # fmt: skip
