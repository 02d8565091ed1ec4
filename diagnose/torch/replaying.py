"""A step's own inputs once more: to see where a NaN came from, and what activations and gradients do by depth.

The arguments of the model's last call are kept by reference, and copied for a replay. Everything that the replay
changes is put back; a wrapper for several processes is left out of it, so that no process waits for another.
"""

import contextlib
import math
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import torch
from torch.utils._pytree import tree_map_only

from varlaw.diagnose.records import Sight
from varlaw.diagnose.torch.eye import Eye
from varlaw.diagnose.torch.modes import mark
from varlaw.diagnose.torch.operations import tensors_in
from varlaw.diagnose.torch.passing import hooked
from varlaw.diagnose.torch.restoring import untouched


class _Call(NamedTuple):
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    state: torch.Tensor  # of the generator, before the call
    autocast: tuple[str, torch.dtype] | None
    training: bool  # whether the model was in train()


class Replayed(NamedTuple):
    """What was seen, and by call which units were 0 on every row."""

    sight: Sight
    silent: dict[int, torch.Tensor]


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The author's own module, without what torch.compile and data parallelism put around it."""
    while True:
        inner = getattr(model, "_orig_mod", None) or (
            model.module
            if isinstance(model, torch.nn.parallel.DistributedDataParallel | torch.nn.DataParallel)
            else None
        )
        if inner is None:
            return model
        model = inner


class LastCall:
    """Keeps the arguments of the model's last call that a gradient may flow through, and the generator before it."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._outer, self._model = model, unwrapped(model)
        self._present: _Call | None = None
        self._closed: _Call | None = None

    @property
    def sharded(self) -> bool:
        """Whether other processes hold parts of the model: then it cannot be run by one alone."""
        return any(hasattr(p, "to_local") for p in self._model.parameters())

    @property
    def called(self) -> bool:
        """Whether the model was called at all."""
        return self._present is not None or self._closed is not None

    def attach(self) -> Any:
        """Puts the hook on the model; the handle takes it off."""
        return self._outer.register_forward_pre_hook(self._keep, with_kwargs=True)

    def _keep(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return
        device = next((t.device.type for t in tensors_in((args, kwargs))), "cpu")
        mixed = (device, torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else None
        self._present = _Call(args, kwargs, torch.get_rng_state(), mixed, module.training)

    def used(self) -> tuple[bool, tuple[Hashable, Hashable] | None] | None:
        """Of the call of the step at hand, whether it was in train(), and a mark of its batch; None without a call."""
        call = self._present
        return (call.training, mark((call.args, call.kwargs))) if call else None

    def close(self) -> None:
        """The step is over: its last call is the one that can be run again."""
        self._closed, self._present = self._present or self._closed, None

    def replayed(
        self, weights: dict[int, torch.Tensor], *, backward: bool = False, lean: bool = False
    ) -> Replayed | None:
        """One pass of the kept call, with other weights by id, seen; None where it cannot be repeated."""
        if self._closed is None or self.sharded:
            return None
        call, model = self._closed, self._model
        given = _aliases(model, weights)
        args, kwargs = tree_map_only(torch.Tensor, lambda t: t.detach().clone(), (call.args, call.kwargs))
        paths = {module: name for name, module in model.named_modules()}
        stack: list[torch.nn.Module] = []
        eye = Eye(lambda: iter(given.items()), lambda: paths.get(stack[-1], "") if stack else "", lean=lean)
        eye.gauge.rows = min((t.shape[0] for t in tensors_in((args, kwargs)) if t.ndim), default=0)
        try:
            with untouched(model, 0), hooked(eye, stack, paths), _mixed(call), torch.set_grad_enabled(backward):
                torch.set_rng_state(call.state)
                eye.enter((args, kwargs))
                with torch.compiler.set_stance("force_eager"), eye:
                    out = torch.func.functional_call(model, given, args, kwargs)
                if backward:
                    _send_back(out, [p for p in given.values() if p.requires_grad])
            eye.gauge.meter.read()
        except Exception:  # a call that cannot be repeated tells nothing
            return None
        return Replayed(
            Sight(calls=eye.calls, tensors={}, blind=eye.blind, batch_rows=eye.gauge.rows), eye.gauge.silent
        )


def _aliases(model: torch.nn.Module, weights: dict[int, torch.Tensor]) -> dict[str, torch.Tensor]:
    """By name, the weights of a replay: tensors of their own, so that no hook of a parameter runs; tied is one."""
    made = {
        id(p): weights.get(id(p), p).detach().view_as(p).requires_grad_(p.requires_grad) for p in model.parameters()
    }
    return {name: made[id(p)] for name, p in model.named_parameters(remove_duplicate=False)}


@contextlib.contextmanager
def _mixed(call: _Call) -> Iterator[None]:
    if call.autocast is None:
        yield
        return
    device, dtype = call.autocast
    with torch.autocast(device, dtype=dtype, cache_enabled=False):
        yield


def _send_back(out: Any, parameters: list[torch.Tensor]) -> None:
    """Random cotangents of variance 1/n to every output; the gradients of parameters go nowhere."""
    outputs = [t for t in tensors_in(out) if t.requires_grad and (t.is_floating_point() or t.is_complex())]
    if not outputs or not parameters:
        return
    generator = torch.Generator().manual_seed(0)
    sent = [torch.randn(o.shape, generator=generator) / math.sqrt(max(1, o.numel())) for o in outputs]
    cotangents = [c.to(o.device, o.dtype) for c, o in zip(sent, outputs, strict=True)]
    torch.autograd.grad(outputs, parameters, cotangents, allow_unused=True)
