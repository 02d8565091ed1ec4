"""One thing in its two modes, training and evaluation, whatever its framework calls them.

A torch or nnx module has `train` and `eval`, a Keras layer is called with `training`, flax's modules and haiku's and
plain functions have a flag of one of the usual names, equinox's an attribute `inference`.
"""

import copy
import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.builders.applying import is_functional
from varlaw.subjects.builders.instances import is_keras, made

# What a flag of either mode is called, and what it is in training.
FLAGS = {
    "training": True,
    "train": True,
    "is_training": True,
    "deterministic": False,
    "inference": False,
    "use_running_average": False,
}
_STATISTICS = (("running_mean", "running_var"), ("moving_mean", "moving_variance"), ("mean", "var"))
_MODULES = {("torch", "Module"), ("keras", "Layer"), ("flax", "Module"), ("equinox", "Module")}


def is_module(thing: Any) -> bool:
    """Whether a thing is a module of a framework, or the class of one, and no function of arrays."""
    if is_functional(thing) or is_keras(thing) or _is_pair(thing):
        return True
    return bool(_libraries(thing if isinstance(thing, type) else type(thing)))


def has_modes(thing: Any) -> bool:
    """Whether a thing has two modes to be asked in."""
    return is_module(thing) or _switches(thing) or bool(flags_of(thing))


def flags_of(call: Any, *, training: bool = True) -> dict[str, bool]:
    """The flags among a function's arguments, as they are in a mode.

    >>> flags_of(lambda x, p, seed, deterministic=True: x)
    {'deterministic': False}
    """
    try:
        asked = inspect.signature(call).parameters
    except (TypeError, ValueError):
        return {}
    flags = {name: value is training for name, value in FLAGS.items() if name in asked}
    if "inference" in flags:  # of which equinox's layers have `deterministic` as an older name
        flags.pop("deterministic", None)
    return flags


def weight_of_new(thing: Any) -> float | None:
    """What a norm's attribute `momentum` says of the weight of a new batch: outside torch it is that of the old."""
    momentum = getattr(thing, "momentum", None)  # of a pair of equinox none: its first step is another
    if not isinstance(momentum, float):
        return None
    return 1 - momentum if is_keras(thing) or "flax" in _libraries(type(thing)) else momentum


class Twin:
    """A copy of a thing that computes in either mode, and what it keeps from call to call; of a function itself."""

    def __init__(self, thing: Any, seed: int) -> None:
        self.thing, self.seed = thing, seed

    def __call__(self, *given: Any, training: bool) -> Any:
        """What it gives in a mode."""
        return self.thing(*given, **flags_of(self.thing, training=training))

    def statistics(self) -> list[Any]:
        """The running mean and variance; none where none are kept."""
        return []


class _Switched(Twin):
    """What has `train` and `eval`: modules of torch and nnx, and of one's own."""

    def __init__(self, thing: Any, seed: int) -> None:
        super().__init__(copy.deepcopy(thing), seed)
        if nnx := _nnx(thing):
            tags = {one.tag for _, one in nnx.iter_graph(self.thing) if isinstance(one, nnx.RngStream)}
            nnx.reseed(self.thing, **dict.fromkeys(tags, seed))

    def __call__(self, *given: Any, training: bool) -> Any:
        (self.thing.train if training else self.thing.eval)()
        return super().__call__(*given, training=training)

    def statistics(self) -> list[Any]:
        if hasattr(self.thing, "named_buffers"):
            return _pair_in(self.thing.named_buffers())
        if nnx := _nnx(self.thing):
            kept = nnx.iter_graph(self.thing)
            return _pair_in((".".join(map(str, path)), x[...]) for path, x in kept if isinstance(x, nnx.BatchStat))
        return _pair_in(vars(self.thing).items())


class _Keras(Twin):
    """A layer as a function of its variables, which stay as they are; one without `training` inside a model."""

    kept: list[Any] | None = None

    def __init__(self, thing: Any, seed: int) -> None:
        takes = "training" in inspect.signature(thing.call).parameters
        super().__init__(thing if takes else sys.modules["keras"].Sequential([thing]), seed)

    def __call__(self, *given: Any, training: bool) -> Any:
        if not self.thing.built:
            self.thing(*given, training=False)
        variables = [v.value for v in self.thing.trainable_variables]
        kept = self._seeded() if self.kept is None else self.kept
        y, self.kept = self.thing.stateless_call(variables, kept, *given, training=training)
        return y

    def _seeded(self) -> list[Any]:
        """What it keeps, its generators at the seed."""
        states = [g.state for layer in self.thing._flatten_layers() for g in layer._seed_generators]
        places = {id(state): np.array([self.seed % 2**32, i], "uint32") for i, state in enumerate(states)}
        return [places.get(id(v), v.value) for v in self.thing.non_trainable_variables]

    def statistics(self) -> list[Any]:
        paths = (v.path for v in self.thing.non_trainable_variables)
        return _pair_in(zip(paths, self.kept or (), strict=False))


class _Linen(Twin):
    """A flax module: its flags are arguments of the call, or fields; what it keeps is in collections."""

    kept: Mapping[str, Any] | None = None

    def __call__(self, *given: Any, training: bool) -> Any:
        import jax

        rngs = {name: jax.random.key(self.seed) for name in ("params", "dropout")}
        fields = {n: value is training for n, value in FLAGS.items() if hasattr(self.thing, n)}
        call = {n: v for n, v in flags_of(self.thing.__call__, training=training).items() if n not in fields}
        module = self.thing.clone(**fields)
        if self.kept is None:
            self.kept = module.init(rngs, *given, **call)
        others = [name for name in self.kept if name != "params"]
        y, changed = module.apply(self.kept, *given, rngs=rngs, mutable=others, **call)
        self.kept = {**self.kept, **changed}
        return y

    def statistics(self) -> list[Any]:
        return _pair_in(_leaves({n: x for n, x in (self.kept or {}).items() if n != "params"}))


class _Haiku(Twin):
    """A transformed function, with or without state; averages are kept under the name of what they are of."""

    kept: tuple[Any, ...] = ()

    def __call__(self, *given: Any, training: bool) -> Any:
        import jax

        key, call = jax.random.key(self.seed), flags_of(self.thing.apply, training=training)
        stateful = "state" in inspect.signature(self.thing.apply).parameters
        if not self.kept:
            first = self.thing.init(key, *given, **call)
            self.kept = first if stateful else (first,)
        y = self.thing.apply(*self.kept, key, *given, **call)
        if stateful:
            y, state = y
            self.kept = (self.kept[0], state)
        return y

    def statistics(self) -> list[Any]:
        state = self.kept[1] if len(self.kept) > 1 else {}
        return _pair_in((path.removesuffix("_ema.average"), x) for path, x in _leaves(state))


class _Equinox(Twin):
    """A module of equinox, or the pair that `make_with_state` gives: one that takes single samples, and its state."""

    def __init__(self, thing: Any, seed: int) -> None:
        super().__init__(thing, seed)
        self.module, self.state = thing if isinstance(thing, tuple) else (thing, None)

    def __call__(self, *given: Any, training: bool) -> Any:
        import equinox
        import jax

        module = equinox.nn.inference_mode(self.module, value=not training)
        more: dict[str, Any] = flags_of(module.__call__, training=training)
        if "key" in inspect.signature(module.__call__).parameters:
            more["key"] = jax.random.key(self.seed)
        if self.state is None:
            return module(*given, **more)
        axis = getattr(_batch_norm(module), "axis_name", None)
        whole = jax.vmap(lambda x, s: module(x, s, **more), (0, None), (0, None), axis_name=axis)
        y, self.state = whole(*given, self.state)
        return y

    def statistics(self) -> list[Any]:
        norm = None if self.state is None else _batch_norm(self.module)
        if norm is None:
            return []
        if norm.mode == "ema":
            return list(self.state.get(norm.ema_state_index))
        seen = 1 - norm.momentum ** self.state.get(norm.batch_counter)  # what evaluation divides by
        return [s / seen for s in self.state.get(norm.batch_state_index)]


def twin(thing: Any, seed: int = 0, *made_of: Any) -> Twin:
    """A copy of the thing, or of what its class makes of `made_of`, whose chance comes from the seed."""
    if isinstance(thing, type):
        thing = made(functools.partial(thing, *made_of), {}, seed)
    return _kind(thing)(thing, seed)


def _kind(thing: Any) -> Callable[[Any, int], Twin]:
    if is_keras(thing):
        return _Keras
    if _is_pair(thing) or "equinox" in _libraries(type(thing)):
        return _Equinox
    if is_functional(thing):
        return _Haiku if hasattr(thing, "_fields") else _Linen
    return _Switched if _switches(thing) else Twin


def _libraries(of: type) -> set[str]:
    """Of which libraries a class is a module."""
    names = {(base.__module__.partition(".")[0], base.__name__) for base in of.__mro__}
    return {library for library, name in _MODULES if (library, name) in names}


def _is_pair(thing: Any) -> bool:
    """Whether it is a module of equinox with its state."""
    return isinstance(thing, tuple) and len(thing) == 2 and "equinox" in _libraries(type(thing[0]))


def _switches(thing: Any) -> bool:
    return all(callable(getattr(thing, name, None)) for name in ("train", "eval"))


def _nnx(thing: Any) -> Any:
    nnx: Any = sys.modules.get("flax.nnx")
    return nnx if nnx and isinstance(thing, nnx.Module) else None


def _pair_in(named: Iterable[tuple[str, Any]]) -> list[Any]:
    """The running mean and variance among named arrays; none where there is not one of each."""
    last = [(name.replace("/", ".").rpartition(".")[2], x) for name, x in named]
    for pair in _STATISTICS:
        found = [[x for name, x in last if name == one] for one in pair]
        if [len(each) for each in found] == [1, 1]:
            return [found[0][0], found[1][0]]
    return []


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays of nested mappings, by their paths."""
    if isinstance(tree, Mapping):
        for name, one in tree.items():
            yield from _leaves(one, f"{path}.{name}")
    else:
        yield path, tree


def _batch_norm(module: Any) -> Any:
    """The batch norm that a module of equinox is, or holds; it names the axis of samples."""
    if hasattr(module, "axis_name"):
        return module
    parts = (getattr(module, one.name, None) for one in dataclasses.fields(module))
    found = (_batch_norm(part) for part in parts if "equinox" in _libraries(type(part)))
    return next((norm for norm in found if norm is not None), None)
