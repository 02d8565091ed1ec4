"""Modules that did not run because the batch holds nothing for them: the image tower of a model that was given text.

A module that no pass reaches is a mistake, unless the code of the module that holds it names it in one breath with an
argument that was left out there, and by the call of the whole model too; or an argument that is None or False decides
it, which the callers make of one that was left out.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

import torch

from varlaw.diagnose.torch.branching import Roots, branches, traced

_MAKES = ("__init__", "_init_weights", "__repr__", "extra_repr")
_HOLDERS = (torch.nn.ModuleList, torch.nn.ModuleDict)


class Feeding:
    """Which modules run, and what was left out in every call of each."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._left_out: dict[torch.nn.Module, set[str]] = {}
        self._off: dict[torch.nn.Module, set[str]] = {}  # arguments that were None or False in every call
        self._keys: set[str] = set()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Notes what each module of the model is given."""
        handles = [
            module.register_forward_pre_hook(self._enters, with_kwargs=True)
            for module in self._model.modules()
            if not isinstance(module, torch.jit.ScriptModule)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enters(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if module is self._model:
            self._keys.update(kwargs, *(a for a in args if isinstance(a, Mapping)))
        missing = _missing(module, args, kwargs) if module._modules else set()
        self._left_out[module] = self._left_out.get(module, missing) & missing
        off = _off(module, args, kwargs)
        self._off[module] = self._off.get(module, off) & off

    def unfed(self, arrived: Callable[[torch.nn.Parameter], bool] = lambda _: False) -> dict[str, tuple[str, ...]]:
        """What did not run for want of an argument, modules and parameters by name, and what may be missing.

        arrived: whether a parameter got a gradient, so that it is not asked about.
        """
        missing = self._left_out.get(self._model, set())
        found = dict(self._below(self._model, "", missing))
        return {**dict(self._decided(self._model, "", {n: (n,) for n in missing}, arrived)), **found}

    def _decided(
        self, holder: torch.nn.Module, path: str, roots: Roots, arrived: Callable[[torch.nn.Parameter], bool]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """roots: of each argument of the holder, what the model was not given and what its callers make it of."""
        cls: type = type(holder)
        off = roots.keys() & self._off.get(holder, set())
        owned = [n for n, p in holder.named_parameters(recurse=False) if p.requires_grad and not arrived(p)]
        idle = [n for n, m in holder.named_children() if not any(part in self._off for part in m.modules())]
        for name in (*owned, *idle) if off else ():
            deciding = [n for n in branches(cls).deciding(name) if n in off]
            if wants := tuple(dict.fromkeys(r for n in deciding for r in roots[n])):
                yield f"{path}{name}", wants
        for name, child in holder.named_children():
            if name in idle or not roots or all(arrived(p) for p in child.parameters() if p.requires_grad):
                continue
            for below, part in _parts(child):
                handed = traced(cls, name, _parameters(part), roots)
                yield from self._decided(part, f"{path}{name}.{below}", handed, arrived)

    def _below(self, holder: torch.nn.Module, path: str, missing: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """missing: what neither the model nor any module on the way to this one was given."""
        for name, _ in holder.named_parameters(recurse=False):
            if wants := missing & _named_with(type(holder), name):
                yield f"{path}{name}", tuple(sorted(wants))
        fed = self._keys & set(holder._modules) if isinstance(holder, torch.nn.ModuleDict) else set()
        for name, child in holder.named_children():
            if any(module in self._left_out for module in child.modules()):
                yield from self._below(child, f"{path}{name}.", missing & self._left_out.get(child, missing))
            elif wants := {name} - fed if fed else missing & _named_with(type(holder), name):
                yield f"{path}{name}", tuple(sorted(wants))


def _missing(module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> set[str]:
    """Arguments whose default is None and that are None, and words of the code that a mapping it was given lacks."""
    try:
        signature = inspect.signature(module.forward)
        given = signature.bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return set()
    optional = {n for n, p in signature.parameters.items() if p.default is None and given.get(n) is None}
    mappings = [given[n] for n, p in signature.parameters.items() if p.kind != p.VAR_KEYWORD and n in given]
    keys = {key for mapping in mappings if isinstance(mapping, Mapping) for key in mapping}
    return optional | ({w for code in _codes(type(module)) for w in _words(code)} - keys if keys else set())


def _parameters(module: torch.nn.Module) -> list[str]:
    try:
        return list(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return []


def _off(module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> set[str]:
    """Arguments that are None or False, as they are given or by default."""
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return set()
    bound.apply_defaults()
    return {name for name, value in bound.arguments.items() if value is None or value is False}


def _parts(child: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """A module, or those that a plain list or dict of modules holds."""
    if not isinstance(child, _HOLDERS):
        yield "", child
        return
    for name, part in child.named_children():
        for below, deeper in _parts(part):
            yield f"{name}.{below}", deeper


def _named_with(cls: type, attribute: str) -> set[str]:
    """The variables and words of the methods that name an attribute, beside those that make it."""
    return {
        word
        for code in _codes(cls)
        if attribute in code.co_names
        for word in (*code.co_varnames, *code.co_freevars, *_words(code))
    }


def _words(code: CodeType) -> set[str]:
    return {c for c in code.co_consts if isinstance(c, str) and c.isidentifier()}


def _codes(cls: type) -> Iterator[CodeType]:
    """The code of a module's own methods, and of what is defined in them."""
    for base in cls.__mro__[: cls.__mro__.index(torch.nn.Module)]:
        for name, value in vars(base).items():
            function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
            code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
            if code is not None and name not in _MAKES:
                yield from _nested(code)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _nested(value)
