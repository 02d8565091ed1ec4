"""One forward and backward pass of a model, seen: paths by module hooks, operations by the `Eye`, gradients of all.

>>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
>>> [(c.op, c.path) for c in seen(model, torch.ones(2, 4), None, seed=0).calls]
[('input', ''), ('linear', '0'), ('relu', '1')]
"""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch._dynamo  # `set_stance` would import it, and its first import keeps every frame above it, with their models
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from varlaw.diagnose.records import Sight, Tensor
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch import arriving
from varlaw.diagnose.torch.arriving import Arrived
from varlaw.diagnose.torch.building import CannotSee, seeded
from varlaw.diagnose.torch.eye import Eye
from varlaw.diagnose.torch.feeding import Feeding
from varlaw.diagnose.torch.loose import Loose
from varlaw.diagnose.torch.operations import tensors_in
from varlaw.diagnose.wiring import ranges


def seen(model: torch.nn.Module, batch: Any, loss: Callable[[Any, Any], Any] | None, seed: int) -> Sight:
    """What one pass of `model` in its own mode does; `loss(model, batch)`, or its outputs times random cotangents.

    Raises `CannotSee` where the model does not take the batch or the loss is no scalar.
    """
    paths = {module: name for name, module in model.named_modules()}
    stack: list[torch.nn.Module] = []
    eye = Eye(
        lambda: _named(model),
        lambda: paths.get(stack[-1], f"?{type(stack[-1]).__name__}") if stack else "",
        lambda: any(paths.get(module) == "" for module in stack),
        lambda tensor: _name_in(stack[-1], paths, tensor) if stack else "",
    )
    eye.gauge.rows = _rows(batch)
    given = tensors_in(batch)
    if given and not any(t.numel() for t in given):
        msg = f"batch={[tuple(t.shape) for t in given]}, but should hold numbers [check_model]"
        raise CannotSee(msg)
    loose, feeding = Loose(model), Feeding(model)
    with hooked(eye, stack, paths), seeded(seed), arriving.noted(model, eye.blind) as gradients:
        try:
            with feeding.noted():
                target = _forward(eye, model, batch, loss)
        except CannotSee as error:
            return _broken_off(eye, model, error)
        value = _backward(target, seed)
    eye.through_loops()
    foreign = (*loose.moved(), *_places(model, eye.foreign))
    eye.gauge.meter.read()
    paths.clear()  # the eye lives until garbage is collected, the model need not
    if not tensors_in(target):
        eye.blind.append(f"gradients: the model returns {type(target).__name__}, which holds no tensor: give a loss")
    return Sight(
        calls=eye.calls, tensors=described(model, gradients), blind=eye.blind, foreign=foreign,
        loss=value if loss else None, batch_rows=eye.gauge.rows, output=bool(tensors_in(target)),
        unfed=feeding.unfed(lambda p: p in gradients or p.grad is not None),
        along=tuple(dict.fromkeys(eye.along)), phases=tuple(eye.phases), mixed=tuple(eye.order.mixed),
    )  # fmt: skip


def _broken_off(eye: Eye, model: torch.nn.Module, error: CannotSee) -> Sight:
    """A pass that the model gave up after numbers left their range, which says why; any other failure is raised."""
    eye.gauge.meter.read()
    if not ranges(sight := Sight(calls=eye.calls, tensors={}, blind=[str(error)], output=False), Graph(eye.calls)):
        raise error
    sight.tensors = described(model, {})
    return sight


def call(model: Any, batch: Any) -> Any:
    """The model on a batch: a tensor, a tuple of arguments, or a mapping of named ones."""
    if isinstance(batch, Mapping):
        return model(**batch)
    return model(*batch) if isinstance(batch, (tuple, list)) else model(batch)


def _forward(eye: Eye, model: torch.nn.Module, batch: Any, loss: Callable[[Any, Any], Any] | None) -> Any:
    eye.enter(batch)
    try:
        with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"), torch.enable_grad(), eye:
            warnings.filterwarnings("ignore", "Using `torch.compile.module.` when there are global hooks")
            warnings.filterwarnings("ignore", "Using a target size")  # a finding says it
            made = loss(model, batch) if loss else call(model, batch)
    except (Exception, SystemExit) as error:
        what = "loss(model, batch)" if loss else "the model"
        msg = f"{what} fails on the batch: {type(error).__name__}: {' '.join(str(error).split())} [check_model]"
        raise CannotSee(msg) from error
    if loss and not (isinstance(made, torch.Tensor) and made.numel() == 1 and not made.is_complex()):
        got = type(made).__name__
        if isinstance(made, torch.Tensor):
            got = "a complex number" if made.is_complex() else f"a tensor of shape {tuple(made.shape)}"
        msg = f"loss(model, batch) returns {got}, but should return a scalar [check_model]"
        raise CannotSee(msg)
    return made


def _backward(target: Any, seed: int) -> float:
    """Sends gradients from a scalar, or from every output that has a graph with cotangents of variance 1/n."""
    if isinstance(target, torch.Tensor) and target.numel() == 1 and target.requires_grad:
        total = target.reshape(())
    else:
        outputs = [t for t in tensors_in(target) if t.requires_grad]
        if not outputs:
            return float(target) if isinstance(target, torch.Tensor) and target.numel() == 1 else math.nan
        total = sum((_projected(o, seed + i) for i, o in enumerate(outputs)), torch.zeros(()))
    value = float(total.detach())
    if math.isfinite(value):
        try:
            total.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            msg = f"backward fails: {' '.join(str(error).split())} [check_model]"
            raise CannotSee(msg) from error
    return value


def _projected(output: torch.Tensor, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed % 2**63)
    output = output.values() if output.is_nested else output
    cotangent = torch.randn(output.shape, generator=generator) / math.sqrt(output.numel())
    flat = output.abs() if output.is_complex() else output
    return (flat * cotangent.to(output.device, flat.dtype)).sum().to("cpu")


def _name_in(module: torch.nn.Module, paths: dict[torch.nn.Module, str], tensor: torch.Tensor) -> str:
    """The name of a parameter that a module of the model has now; "" where it has none such."""
    name = next((name for name, parameter in module._parameters.items() if parameter is tensor), None)
    return "" if name is None or module not in paths else f"{paths[module]}.{name}".removeprefix(".")


def _places(model: torch.nn.Module, foreign: list[tuple[str, torch.Tensor]]) -> tuple[str, ...]:
    """Where parameters that are none of the model's lie: in a plain list or dict of a module, or what ran them."""
    names = {id(tensor): path or "the model's forward()" for path, tensor in foreign}
    for owner, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute.startswith("_") and isinstance(value, dict):
                continue
            for place, tensor in _kept(value):
                if id(tensor) in names:
                    names[id(tensor)] = f"{owner}.{attribute}.{place}".removeprefix(".")
    return tuple(dict.fromkeys(names.values()))


def _kept(value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters in a plain list, tuple or dict."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        if isinstance(item, torch.nn.Parameter):
            yield str(key), item
        elif isinstance(item, torch.nn.Module):
            yield from ((f"{key}.{name}", p) for name, p in item.named_parameters())


def _rows(batch: Any) -> int:
    sizes = {t.shape[0] for t in tensors_in(batch) if t.ndim}
    return min(sizes) if sizes else 0


def _named(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters(remove_duplicate=False)


@contextlib.contextmanager
def hooked(eye: Eye, stack: list[torch.nn.Module], paths: dict[torch.nn.Module, str]) -> Iterator[None]:
    """Keeps the stack of running modules; what a module returns unseen becomes a node of its own."""

    def before(module: torch.nn.Module, inputs: Any) -> None:
        stack.append(module)
        if module in paths:
            prefix = f"{paths[module]}." if paths[module] else ""
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    eye.own(prefix + name, parameter)

    def after(module: torch.nn.Module, inputs: Any, output: Any) -> None:
        while stack and stack.pop() is not module:
            pass
        eye.unseen(paths.get(module, ""), inputs, output)

    handles = register_module_forward_pre_hook(before), register_module_forward_hook(after, always_call=True)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def described(model: torch.nn.Module, gradients: Mapping[Any, Arrived]) -> dict[str, Tensor]:
    """Every parameter and buffer, with the gradient that it got and whether its units are all alike."""
    aliases: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append(name)
    found, owners = {}, dict(model.named_modules(remove_duplicate=False))
    for name, parameter in model.named_parameters():
        one = found[name] = _tensor(owners, name, parameter, tuple(aliases[id(parameter)][1:]))
        arrived = gradients.get(parameter) or arriving.of(parameter)
        if arrived:
            one.gradient, one.equal_rows = arrived
    for name, buffer in model.named_buffers():
        found[name] = _tensor(owners, name, buffer, (), buffer=True)
    return found


def _tensor(
    owners: Mapping[str, torch.nn.Module],
    name: str,
    tensor: torch.Tensor,
    aliases: tuple[str, ...],
    *,
    buffer: bool = False,
) -> Tensor:
    owner = owners[name.rpartition(".")[0]]
    return Tensor(
        name=name, aliases=aliases, shape=tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."),
        module=type(owner).__name__, buffer=buffer, trainable=bool(tensor.requires_grad) and not buffer,
        meta=bool(tensor.is_meta),
    )  # fmt: skip
