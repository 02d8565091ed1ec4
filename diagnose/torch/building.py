"""Who gave each parameter its values: a build watched operation by operation, with unwritten memory made visible.

While the model is built, memory that `torch.empty` and its kin hand out is filled with NaN, and every operation that
writes is noted on the storage that it writes to, with the function of `torch.nn.init` and the line of code that asked
for it. The values that the model ends with are those of an unwatched build, bit for bit.
"""

import contextlib
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import UninitializedParameter
from torch.utils._python_dispatch import TorchDispatchMode

from varlaw.diagnose.records import Written
from varlaw.diagnose.torch.vanishing import Vanished, Vanishing

_EMPTY = {
    f"aten::{name}"
    for name in ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "empty_permuted", "resize_")
}
# What draws random numbers; whatever is computed from them is drawn, too.
_RANDOM = frozenset(
    (
        "normal", "uniform", "rand", "randn", "rand_like", "randn_like", "bernoulli", "exponential", "cauchy",
        "log_normal", "geometric",
    )
)  # fmt: skip
_OVERWRITE = frozenset(("aten::zero_", "aten::fill_", "aten::copy_"))  # nothing stays of what they write to
_COPIED = "copy.py:"  # the author's line of a copy.deepcopy
_TORCH = str(Path(torch.__file__).parent)
_LAYERS = str(Path(torch.__file__).parent / "nn" / "modules")
_INIT = str(Path(torch.__file__).parent / "nn" / "init.py")


class CannotSee(ValueError):
    """The model, its batch or its loss do not fit together: one line that says what was got and expected."""


class _Writer(NamedTuple):
    function: str
    where: str
    default: bool
    scope: torch.nn.Module | None = None
    drawn: bool = False
    at: int = 0

    @property
    def sets(self) -> bool:
        """Whether the author asked for it, by a function of torch.nn.init or a draw."""
        asked = bool(self.where) and not self.default and not self.where.startswith(_COPIED)
        return asked and (self.function in vars(torch.nn.init) or self.function.rstrip("_") in _RANDOM)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Fills empty memory with NaN and keeps the last writer of every storage."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.writers: dict[int, _Writer] = {}
        self.made: dict[int, int] = {}  # by storage: the number of the operation after which it was there
        self.copies = Vanishing()
        self._operations = 0
        self._alive: dict[int, StorageWeakRef] = {}  # so that no address is used twice

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self._operations += 1
        with contextlib.suppress(RuntimeError, NotImplementedError, TypeError):  # watching never breaks a build
            self._note(func, args, kwargs or {}, out)
        return out

    def _note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        schema = func._schema
        if schema.name in _EMPTY:
            _mark(out)
            self._keep(out, None)
            return
        bound = [(a.alias_info, t) for a, value in _bound(schema, args, kwargs) for t in _tensors_of(value)]
        written = [tensor for alias, tensor in bound if alias is not None and alias.is_write]
        self.copies.noted(schema.name, (tensor for alias, tensor in bound if alias is None), out)
        fresh = not written and isinstance(out, torch.Tensor) and out.untyped_storage()._cdata not in self._alive
        for tensor in [*written, *([out] if fresh else [])]:
            self._keep(tensor, author := self._author(schema.name, args))
            if written and author.sets:
                self.copies.written(tensor, author.where, self._operations)

    def _author(self, operation: str, args: Any) -> _Writer:
        """Who writes now: a copy has the author of what is copied, and what is made of random numbers is drawn."""
        sources = args[1:] if operation in _OVERWRITE else args
        known = [w for t in sources if isinstance(t, torch.Tensor) and (w := self.of(t)) is not None]
        author = _writer(operation)
        if author.where.startswith(_COPIED) and known:
            return known[-1]
        random = operation.removeprefix("aten::").rstrip("_") in _RANDOM
        return author._replace(drawn=random or any(w.drawn for w in known))

    def _keep(self, tensor: torch.Tensor, writer: _Writer | None) -> None:
        storage = tensor.untyped_storage()
        self._alive.setdefault(storage._cdata, StorageWeakRef(storage))  # type: ignore[no-untyped-call]
        self.made.setdefault(storage._cdata, self._operations)
        if writer is None:
            self.writers.pop(storage._cdata, None)
        else:
            self.writers[storage._cdata] = writer._replace(at=self._operations)

    def vanished(self, kept: Iterable[torch.Tensor]) -> dict[int, Vanished]:
        """By storage, tensors a copy of which was initialised for nothing, and which nobody has written since."""
        storages = frozenset(t.untyped_storage()._cdata for t in kept if t.layout == torch.strided)
        found = self.copies.of(storages, lambda storage: self._alive[storage].expired())  # type: ignore[no-untyped-call]
        return {s: one for s, one in found if s not in self.writers or self.writers[s].at < one.at}

    def of(self, tensor: torch.Tensor) -> _Writer | None:
        if tensor.layout != torch.strided:
            return None
        return self.writers.get(tensor.untyped_storage()._cdata)


# A NaN that nothing computes: bits of a fraction of our own, so that a NaN which the author wrote is not taken for it.
_MARKS = {
    torch.float32: (torch.int32, 0x7FC12345),
    torch.float64: (torch.int64, 0x7FF8000123450000),
    torch.float16: (torch.int16, 0x7E55),
    torch.bfloat16: (torch.int16, 0x7FD5),
}


def _mark(memory: torch.Tensor) -> None:
    """Makes memory that nobody has written visible."""
    if memory.dtype in _MARKS:
        integer, bits = _MARKS[memory.dtype]
        memory.view(integer).fill_(bits)
    elif memory.is_floating_point() or memory.is_complex():
        memory.fill_(float("nan"))


def _marked(x: torch.Tensor) -> float:
    """Share of the entries that hold the mark."""
    if x.dtype not in _MARKS:
        return float(torch.isnan(x).double().mean())
    integer, bits = _MARKS[x.dtype]
    return float((x.view(integer) == bits).double().mean())


def _tensors_of(value: Any) -> list[torch.Tensor]:
    """An argument's tensors: _foreach_ operations take lists."""
    return [t for t in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(t, torch.Tensor)]


def _bound(schema: Any, args: Any, kwargs: Any) -> Iterator[tuple[Any, Any]]:
    yield from zip(schema.arguments, args, strict=False)
    yield from ((a, kwargs[a.name]) for a in schema.arguments if a.name in kwargs)


def _writer(operation: str) -> _Writer:
    """The function of torch.nn.init and the author's line behind the operation that runs now."""
    function, default = operation.removeprefix("aten::"), False
    frame: FrameType | None = sys._getframe(1)
    own = __file__
    while frame is not None:
        file = frame.f_code.co_filename
        if file == _INIT and not frame.f_code.co_name.startswith("_"):
            function = frame.f_code.co_name
        elif file.startswith(_LAYERS):
            default = True
        elif file != own and not file.startswith(_TORCH) and not file.startswith("<"):
            return _Writer(function, f"{Path(file).name}:{frame.f_lineno}", default, _scope(frame))
        frame = frame.f_back
    return _Writer(function, "", default)


def _scope(frame: FrameType | None) -> torch.nn.Module | None:
    """The module in whose method the author's line stands, or that called the function where it stands."""
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and not code.co_filename.startswith(_TORCH):
            owner = frame.f_locals.get(code.co_varnames[0])
            if isinstance(owner, torch.nn.Module) and _method_of(type(owner), code):
                return owner
        frame = frame.f_back
    return None


def _method_of(kind: type, code: CodeType) -> bool:
    """Whether this is the code of a method of the class, however it names itself."""
    return any(getattr(vars(c).get(code.co_name), "__code__", None) is code for c in kind.__mro__)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds every generator that a model may draw from, and puts their states back."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002 - the user's
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    cuda = [torch.cuda.get_rng_state(i) for i in devices]
    try:
        torch.manual_seed(seed)
        np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002
        random.seed(seed)
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
        for i, state in zip(devices, cuda, strict=True):
            torch.cuda.set_rng_state(state, i)


def built(build: Callable[[], Any], seed: int) -> torch.nn.Module:
    """A fresh model from `build`, with every generator seeded; `ValueError` where it returns something else."""
    with seeded(seed):
        try:
            model = build()
        except (Exception, SystemExit) as error:  # whatever the user's constructor raises
            msg = f"build fails: {type(error).__name__}: {' '.join(str(error).split())} [check_model]"
            raise CannotSee(msg) from error
    if not isinstance(model, torch.nn.Module):
        msg = f"build returns {type(model).__name__}, but should return a torch.nn.Module [check_model]"
        raise CannotSee(msg)
    refuse_lazy(model)
    return model


def refuse_lazy(model: torch.nn.Module) -> None:
    """Refuses parameters that have no shape yet."""
    for name, parameter in model.named_parameters():
        if isinstance(parameter, UninitializedParameter):
            msg = f"{name} is a lazy parameter, but should have its shape: call the model once first [check_model]"
            raise CannotSee(msg)


def watched(build: Callable[[], Any], seed: int) -> tuple[torch.nn.Module, list[Written]]:
    """A fresh model and the last writer of each parameter and float buffer; none where it cannot be watched."""
    watch = _Watch()
    try:
        with watch:
            model = built(build, seed)
    except CannotSee:  # a constructor that computes with memory it has not written may not bear NaN
        return built(build, seed), []
    names = {module: name for name, module in model.named_modules()}
    lost = watch.vanished(tensor for _, tensor in _tensors(model))
    return model, [_written(name, tensor, watch, names, lost) for name, tensor in _tensors(model)]


def _tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters()
    yield from ((n, b) for n, b in model.named_buffers() if b.is_floating_point())


def _written(
    name: str, tensor: torch.Tensor, watch: _Watch, names: dict[torch.nn.Module, str], lost: dict[int, Vanished]
) -> Written:
    plain = tensor.detach()
    writer = None if plain.is_meta else watch.of(plain)
    known = not plain.is_meta and plain.numel() and plain.layout == torch.strided
    share = _marked(plain) if known else 0.0
    if writer is None:
        return Written(name=name, function="", where="", default=False, unwritten=share)
    scope = names.get(writer.scope, "") if writer.scope is not None else ""
    storage = plain.untyped_storage()._cdata
    return Written(
        name=name, function=writer.function, where=writer.where, default=writer.default, unwritten=share, scope=scope,
        drawn=writer.drawn, made=watch.made.get(storage, 0), at=writer.at,
        vanished=lost[storage].where if storage in lost else "",
    )  # fmt: skip
