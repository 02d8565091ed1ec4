"""Modules that did not run because the batch holds nothing for them: the image tower of a model that was given text.

A module that no pass reaches is a mistake, unless the code of the module that holds it names it in one breath with an
argument that was left out there, and by the call of the whole model too.
"""

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

import torch

_MAKES = ("__init__", "_init_weights", "__repr__", "extra_repr")
_HOLDERS = (torch.nn.ModuleList, torch.nn.ModuleDict)


class Feeding:
    """Which modules run, and what was left out in every call of each."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._left_out: dict[torch.nn.Module, set[str]] = {}
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

    def unfed(self) -> dict[str, tuple[str, ...]]:
        """What did not run for want of an argument, modules and parameters by name, and what may be missing."""
        return dict(self._below(self._model, "", self._left_out.get(self._model, set())))

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
