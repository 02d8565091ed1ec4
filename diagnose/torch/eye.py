"""One pass seen operation by operation: a function mode that runs each operation once and notes what it did.

A tensor carries a tag: the number of the call that made it, or, where only parameters and constants went into it, the
names of those parameters. Tags are kept by identity with weak references, so nothing is held alive and no name, class
or architecture is assumed. A failure to note never reaches the model: its reason goes to `blind`.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from varlaw.diagnose.records import Call
from varlaw.diagnose.torch import measuring, operations
from varlaw.diagnose.torch.gauging import Gauge, chosen
from varlaw.diagnose.torch.lawful import Asked
from varlaw.diagnose.torch.operations import tensors_in
from varlaw.diagnose.torch.rows import Rows
from varlaw.diagnose.torch.through_time import Loops


class Tag(NamedTuple):
    """Where a tensor comes from: `node` is None for what is made of parameters and constants alone."""

    node: int | None
    parameters: tuple[str, ...] = ()
    axis: int = -1  # where its units lie


class Before(NamedTuple):
    """What an in-place operation was about to change: the tags of its inputs, and the moments of the first."""

    tags: list[Tag]
    moments: tuple[torch.Tensor, torch.Tensor] | None


_CONSTANT = Tag(None)
# The first argument of these is a signal by its place, even where it is made of parameters: learned queries.
_BY_PLACE = operations.CONVOLUTIONS | {"linear", "embedding", "embedding_bag", "scaled_dot_product_attention"}
_USES = frozenset(("linear", "embedding", "recurrent", "norm", "attention", "add", "product"))  # that use parameters
_COARSE = (torch.float16, torch.bfloat16)
_PLAIN = (torch.Tensor, torch.nn.Parameter)


class Eye(TorchFunctionMode):
    """The mode; `calls` grows while the pass runs, `gauge.meter.read()` fills in the numbers afterwards."""

    def __init__(
        self,
        names: Callable[[], Iterator[tuple[str, torch.Tensor]]],
        path: Callable[[], str],
        inside: Callable[[], bool] = lambda: False,
        running: Callable[[torch.Tensor], str] = lambda _: "",
        lean: bool = False,
    ) -> None:
        """`names` are the parameters, `path` that of the module that runs, `inside` whether the model runs at all.

        `running` names a parameter of the module that runs: one that a hook put there after the module was entered.
        A `lean` eye takes moments from a part of large tensors, and holds no operation against its own law.
        """
        super().__init__()
        self.calls: list[Call] = []
        self.blind: list[str] = []
        self.gauge = Gauge(lean, self._guarded)
        self._lean = lean
        self.foreign: list[tuple[str, torch.Tensor]] = []
        self.along: list[tuple[str, int, int]] = []  # paths of what runs along the rows of the batch: steps, sequences
        self.phases: list[tuple[str, str, float]] = []  # of sines and cosines in 16 bits: path, format, largest
        self.order = Rows()
        self._loops = Loops()
        self._path, self._inside, self._running = path, inside, running
        self._tags = WeakTensorKeyDictionary()
        for name, tensor in names():
            known = self._tags.get(tensor)  # type: ignore[no-untyped-call]
            self._tags[tensor] = Tag(None, (*(known.parameters if known else ()), name))

    def enter(self, values: Any) -> None:
        """The tensors of a batch are nodes of their own."""
        for tensor in tensors_in(values):
            call = self._new("input", "input", tensor, ())
            self._tags[tensor] = Tag(call.number)

    def own(self, name: str, tensor: torch.Tensor) -> None:
        """A parameter that was replaced by another tensor while the pass runs."""
        if tensor not in self._tags:
            self._tags[tensor] = Tag(None, (name,))

    def unseen(self, path: str, inputs: Any, output: Any) -> None:
        """What a module returns without an operation that was seen is a node of its own, fed by the module's inputs."""
        made = [t for t in tensors_in(output) if t not in self._tags and (t.is_floating_point() or t.is_complex())]
        tags = [self.tag_of(t) for t in tensors_in(inputs)]
        parents = tuple(dict.fromkeys(tag.node for tag in tags if tag.node is not None))
        if not made or not parents:
            return
        call = self._new("opaque", "opaque", made[0], parents)
        call.path = path
        for tensor in made:
            self._tags[tensor] = Tag(call.number)
        if len(self.blind) < 100:
            self.blind.append(f"{path or 'model'}: runs operations that cannot be seen")

    def tag_of(self, tensor: torch.Tensor) -> Tag:
        found: Tag = self._tags.get(tensor, _CONSTANT)  # type: ignore[no-untyped-call]
        return found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        op = operations.name_of(func)
        kind = operations.kind_of(op)
        if kind == "ignored" or torch._C._current_graph_task_id() != -1:  # the second: recomputed in backward
            return func(*args, **kwargs)
        if op == "multi_head_attention_forward" or (kind == "recurrent" and args[-1] is False):
            self._guarded(self._runs_along, op, args[0])
        if op == "multi_head_attention_forward" and all(type(t) in _PLAIN for t in tensors_in((args, kwargs))):
            return self._opened(func, args, kwargs)
        given = tensors_in((args, kwargs))
        if kind in _USES and torch.is_grad_enabled() and self._inside():
            self._strangers(given)
        before = self._guarded(self._before, op, kind, given) if operations.in_place(func) else None
        if op in ("sin", "cos") and given[0].dtype in _COARSE:
            self._guarded(self._phase, op, given[0])
        out = func(*args, **kwargs)
        self._guarded(self._note, func, op, kind, args, kwargs, given, out, before)
        if not self._lean and given and args:
            self._guarded(self.order.note, op, kind, args, out, self.gauge.rows, self.tag_of(given[0]).node)
        return out

    def _phase(self, op: str, x: torch.Tensor) -> None:
        if x.numel() and not x.is_meta:
            self.phases.append((self._path(), str(x.dtype).removeprefix("torch."), float(x.abs().max())))

    def _runs_along(self, op: str, x: Any) -> None:
        """Sequences are given as (steps, sequences, units), here with as many steps as the batch has rows."""
        if isinstance(x, torch.Tensor) and x.ndim == 3 and x.shape[0] == self.gauge.rows != x.shape[1] > 1:
            self.along.append((self._path(), x.shape[0], x.shape[1]))

    def _opened(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Runs the body of torch's attention under this mode, as its own caller would."""
        functional: Any = torch.nn.functional
        original = functional.has_torch_function

        def once(tensors: Any) -> bool:
            functional.has_torch_function = original
            return False

        functional.has_torch_function = once
        try:
            with self:
                return func(*args, **kwargs)
        finally:
            functional.has_torch_function = original

    def _guarded(self, note: Callable[..., Any], *args: Any) -> Any:
        try:
            with torch.no_grad():
                return note(*args)
        except Exception as error:  # whatever cannot be measured is named in the report, and the model runs on
            text = f"{self._path() or 'model'}: {args[0] if isinstance(args[0], str) else args[1]}: {error}"
            if len(self.blind) < 100:
                self.blind.append(" ".join(text.split())[:200])
            return None

    def _before(self, op: str, kind: str, given: list[torch.Tensor]) -> Before:
        first = next((t for t in given[:1] if t.numel()), None)
        return Before([self.tag_of(t) for t in given], None if first is None else measuring.moments_of(first))

    def _note(
        self, func: Any, op: str, kind: str, args: Any, kwargs: Any, given: list[Any], out: Any, before: Before | None
    ) -> None:
        made = [t for t in tensors_in(out) if t.is_floating_point() or t.is_complex()]
        if operations.in_place(func) and given and not made:  # setitem returns nothing
            made = given[:1]
        if not made:
            return
        if kind == "factory":
            for tensor in made:
                self._tags[tensor] = _CONSTANT
            return
        tags = before.tags if before else [self.tag_of(t) for t in given]
        parents = tuple(dict.fromkeys(tag.node for tag in tags if tag.node is not None))
        used = tuple(dict.fromkeys(itertools.chain.from_iterable(tag.parameters for tag in tags if tag.node is None)))
        if not parents and not (op in _BY_PLACE and used):
            for tensor in made:
                self._tags[tensor] = Tag(None, used)
            return
        axis = next((tag.axis for tag in tags if tag.node is not None), -1)
        if kind == "view" and len(parents) <= 1:
            for tensor in made:
                self._tags[tensor] = Tag(parents[0] if parents else None, (), axis)
            return
        axis = 1 if op in operations.CONVOLUTIONS else -1 if kind in ("linear", "attention", "recurrent") else axis
        options = chosen(func, op, kind, args, kwargs, given)
        call = self._new(op, kind, made[0], parents, used, options)
        call.offsets = {
            tag.node: int(t.storage_offset())
            for tag, t in zip(tags, given, strict=True) if tag.node is not None and t.layout == torch.strided
        }  # fmt: skip
        for tensor in made:
            self._tags[tensor] = Tag(call.number, (), axis)
        asked = Asked(call, func, args, kwargs, given, made[0], None if before is None else before.moments)
        self.gauge.made(asked, self.calls, axis, lambda t: self.tag_of(t).node is None)
        if op.endswith("_cell") and not self._lean:
            self._loops.note(call, func, args, {self.tag_of(t).node for t in tensors_in(args[1])})

    def through_loops(self) -> None:
        """After the pass: how a gradient comes back through the cells that it called step by step."""
        self._guarded(lambda op: self._loops.measure(), "through time")

    def _strangers(self, given: list[Any]) -> None:
        """Trainable parameters that have no name are none of the model's."""
        for tensor in given:
            if not (isinstance(tensor, torch.nn.Parameter) and tensor.requires_grad):
                continue
            if not self.tag_of(tensor).parameters:
                name = self._running(tensor)
                self._tags[tensor] = Tag(None, (name,) if name else ())
                if not name and all(tensor is not known for _, known in self.foreign):
                    self.foreign.append((self._path(), tensor))

    def _new(
        self,
        op: str,
        kind: str,
        out: torch.Tensor,
        parents: tuple[int, ...],
        used: tuple[str, ...] = (),
        options: Any = None,
    ) -> Call:
        call = Call(
            number=len(self.calls), path=self._path(), op=op, kind=kind, parameters=used, parents=parents,
            shape=measuring.sides(out), dtype=str(out.dtype).removeprefix("torch."), graph=bool(out.requires_grad),
            options=options or {},
        )  # fmt: skip
        self.calls.append(call)
        if kind == "input" and out.numel() and (out.is_floating_point() or out.is_complex()):
            self.gauge.begins(call, out)
        return call
