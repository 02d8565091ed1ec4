"""One operation beside what its own measured input foresees: linear maps, attention, losses, sums."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from varlaw.diagnose.records import Call
from varlaw.diagnose.torch import gates, measuring, operations, through_time
from varlaw.diagnose.torch.measuring import Meter

Moments = tuple[torch.Tensor, torch.Tensor]
_BIAS_FIRST = frozenset(("addmm", "baddbmm", "addbmm"))  # whose first argument is what is added


class Asked(NamedTuple):
    """A call with the arguments and the output that it had; `before`: moments of an input that it wrote over."""

    call: Call
    func: Any
    args: Any
    kwargs: Any
    given: list[Any]
    out: torch.Tensor
    before: Moments | None


def against_its_law(
    asked: Asked, calls: Sequence[Call], meter: Meter, of_parameters: Callable[[torch.Tensor], bool]
) -> None:
    """Notes the input's moments, and what the kind of the operation has laws for."""
    call = asked.call
    _inputs(asked, meter)
    if call.kind in ("softmax", "attention") and call.op != "gumbel_softmax":
        _weights(asked, meter)
    if call.kind == "linear" and len(call.parents) == 2 and calls[call.parents[0]].kind == "softmax":
        off, rounding = measuring.off_one(asked.given[0])
        meter.later(lambda x: call.options.update(weights_off=x, weights_rounding=rounding), off)
    if call.op in ("cross_entropy", "nll_loss"):
        _shuffled(asked, meter)
    if call.op in ("kl_div", "ctc_loss"):
        total = measuring.log_total(asked.given[0], "any" if call.op == "kl_div" else "last")
        meter.later(lambda x: call.options.update(log_total=x), total)
    if call.op == "binary_cross_entropy_with_logits":  # the other refuses such labels itself
        ends = measuring.real(asked.given[1]).aminmax()
        meter.later(lambda *x: call.options.update(zip(("least", "largest"), x, strict=True)), *ends)
    if call.kind == "recurrent":
        _gates(asked, meter)
    if call.kind == "linear" and len(call.parents) == 1:
        _step(asked, meter, of_parameters)
    if call.kind == "add" and len(call.parents) == 2 and asked.before is None:
        a, b = asked.given[:2]
        if a.shape == b.shape:
            meter.later(lambda c: setattr(call, "cosine", c), measuring.cosine_of(a, b))


def _inputs(asked: Asked, meter: Meter) -> None:
    place = 1 if asked.call.op in _BIAS_FIRST else 0
    first = asked.given[place] if len(asked.given) > place else asked.out
    known = asked.before
    if known is None and first.numel() and (first.is_floating_point() or first.is_complex()):
        known = measuring.moments_of(first)
    if known is not None:
        call, count = asked.call, first.numel()
        meter.later(lambda q, m: setattr(call, "inputs", (measuring.moments(q, m, count),)), *known)


def _weights(asked: Asked, meter: Meter) -> None:
    """How much of an attention's weight lies on few keys."""
    call = asked.call
    if call.kind == "softmax":
        dim = call.options.get("dim", call.options.get("argument_1"))
        if call.op != "softmax" or not isinstance(dim, int) or asked.out.shape[dim] < 2:
            return
        weights = asked.out.movedim(dim, -1)
    else:
        weights = measuring.attention_of(*asked.args, **asked.kwargs)
        if any(m is not None for m in (*asked.args[3:4], asked.kwargs.get("attn_mask"))):
            seen = (weights != 0).sum(-1).double().mean()  # keys that the mask leaves a query
            meter.later(lambda n: call.options.update(keys=n), seen)
    meter.later(lambda c: setattr(call, "concentration", c), measuring.concentration_of(weights))


def _shuffled(asked: Asked, meter: Meter) -> None:
    """The loss of the same logits with their labels dealt anew."""
    call, names = asked.call, ("input", "target", "weight")
    given = dict(zip(names, asked.args, strict=False)) | {k: v for k, v in asked.kwargs.items() if k in names}
    ignored = call.options.get("ignore_index", -100)
    with torch.autocast(given["input"].device.type, enabled=False):
        numbers = measuring.shuffled(given["input"], given["target"], given.get("weight"), ignored)
    words = ("shuffled", "spread", "labels", "log_total")
    meter.later(lambda *x: call.options.update(zip(words, x, strict=True)), *numbers)


def _gates(asked: Asked, meter: Meter) -> None:
    call, rows = asked.call, asked.out.numel() // asked.out.shape[-1]
    share = gates.saturated_of(asked.func, call.op, asked.args)
    if share is not None:
        units = asked.out.shape[-1]
        meter.later(lambda s: setattr(call, "units", measuring.units(units, rows, 0.0, s)), share)
    if gains := through_time.gains_of(asked.func, call.op, asked.args):
        call.options["through_time"] = gains


def _step(asked: Asked, meter: Meter, of_parameters: Callable[[torch.Tensor], bool]) -> None:
    """A map whose second argument is made of parameters, from its own measured input."""
    call, args, kwargs = asked.call, list(asked.args), asked.kwargs
    op, first = call.op, None
    if op == "addmm" and len(args) == 3 and not kwargs:  # transformers' Conv1D
        op, first, args = "mm", args[0], args[1:]
    product = op in ("matmul", "mm")
    if op not in operations.CONVOLUTIONS and op != "linear" and not product:
        return
    weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
    if not isinstance(weight, torch.Tensor) or not of_parameters(weight):
        return
    bias = kwargs.get("bias", args[2] if len(args) > 2 and not product else first)
    with torch.autocast(args[0].device.type, enabled=False):
        rest = {name: value for name, value in kwargs.items() if name not in ("input", "weight", "bias")}
        expected, w2, effective = measuring.one_step(asked.func, op, [args[0], weight, *args[2:]], rest, weight)
    b2 = measuring.moments_of(bias)[0] if isinstance(bias, torch.Tensor) else torch.zeros(())
    units = weight.shape[-1] if product else weight.shape[0]
    meter.later(
        lambda e, w, r, b: setattr(call, "step", measuring.step(e, w, r, b, units)), expected, w2, effective, b2
    )
