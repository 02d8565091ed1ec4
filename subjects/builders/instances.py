"""One fresh instance of somebody's layer: every seed set and put back; its tensors by name, of any library."""

import contextlib
import functools
import inspect
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from varlaw.subjects.subject import Array, Case, Draws

Build = Callable[..., Any]


class Source(NamedTuple):
    """What makes a thing, `build(**case)`, and the tensors that are read off it in a case."""

    build: Build
    tensors: Callable[[Any, Case], Mapping[str, Array]]


def draws_of(source: Source) -> Draws:
    """Fresh instances, each from a seed of its own, as the tensors that are read off them."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        for i in range(count):
            one = int(np.random.SeedSequence([seed, i]).generate_state(1)[0]) >> 1
            with seeded(one, dtype, device):  # nothing stays open while a caller holds the instance
                found = source.tensors(made(source.build, case, one), case)
            yield found

    return draws


def made(build: Build, case: Case, seed: int) -> Any:
    """`build(**case)`, which gets the seed in whatever form it asks for by the name of a parameter."""
    return build(**{k: tuple(v) if isinstance(v, list) else v for k, v in case.items()}, **_seeds(build, case, seed))


def _seeds(build: Build, case: Case, seed: int) -> dict[str, Any]:
    asked = _asked(build)
    return {name: form(seed) for name, form in _FORMS.items() if name in asked and name not in case}


def _asked(build: Build) -> set[str]:
    """The parameters of a function or a class, of which nnx's hide theirs behind a metaclass."""
    inner = build.func if isinstance(build, functools.partial) else build
    asked: set[str] = set()
    for one in (build, getattr(inner, "__init__")) if isinstance(inner, type) else (build,):  # noqa: B009 (unsound for mypy)
        with contextlib.suppress(TypeError, ValueError):
            asked |= set(inspect.signature(one).parameters)
    return asked


def _key(seed: int) -> Any:
    import jax

    return jax.random.key(seed)


def _rngs(seed: int) -> Any:
    from flax import nnx

    return nnx.Rngs(seed)


def _generator(seed: int) -> Any:
    torch = sys.modules.get("torch")
    return torch.Generator().manual_seed(seed) if torch else np.random.default_rng(seed)


_FORMS: dict[str, Callable[[int], Any]] = {
    "seed": lambda seed: seed,
    "rng": np.random.default_rng,
    "key": _key,
    "rngs": _rngs,
    "generator": _generator,
}


@contextlib.contextmanager
def seeded(seed: int, dtype: str, device: str) -> Iterator[None]:
    """Every global generator that is there starts from the seed and is put back; of torch the dtype and device, too."""
    with contextlib.ExitStack() as kept:
        state, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 - the one that users draw from
        kept.callback(random.setstate, state)
        kept.callback(np.random.set_state, numpys)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        if torch := sys.modules.get("torch"):
            _torch(torch, kept, seed, dtype, device)
        if keras := sys.modules.get("keras"):
            keras.utils.set_random_seed(seed % 2**32)
        yield


def _torch(torch: Any, kept: contextlib.ExitStack, seed: int, dtype: str, device: str) -> None:
    from varlaw.subjects.modules import default_dtype, poisoned

    kept.enter_context(torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []))
    kept.enter_context(default_dtype(dtype))
    kept.enter_context(poisoned())
    if device != "cpu":
        kept.enter_context(torch.device(device))
    torch.manual_seed(seed)


# -- tensors by name ---------------------------------------------------------------------------------------------------


def tensors_of(thing: Any) -> dict[str, Array]:
    """The parameters of a module, a layer, a tree of arrays or an object that holds arrays; one array is called "".

    >>> sorted(tensors_of({"dense": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}}))
    ['dense.bias', 'dense.kernel']
    """
    if is_keras(thing):
        return _of_keras(thing)
    if is_torch(thing):
        return {name: p.detach() for name, p in thing.named_parameters()}
    if (torch := sys.modules.get("torch")) and isinstance(thing, torch.Tensor):
        return {"": thing.detach()}
    return {place.name: _value(place.value) for place in places(thing)}


def buffers_of(thing: Any) -> dict[str, Array]:
    """What a torch module or a Keras layer keeps and does not train, in floating numbers: running statistics."""
    if is_keras(thing):
        found = _by_path(thing, thing.non_trainable_weights)
        return {name: _of_variable(w.value) for name, w in found.items() if "float" in str(w.dtype)}
    if is_torch(thing):
        return {name: b.detach() for name, b in thing.named_buffers() if b.is_floating_point()}
    return {}


def is_torch(thing: Any) -> bool:
    """Whether a thing is a torch module; a Keras layer on torch is one of Keras."""
    torch: Any = sys.modules.get("torch")
    return bool(torch) and isinstance(thing, torch.nn.Module) and not is_keras(thing)


def is_keras(thing: Any) -> bool:
    """Whether a thing is a layer or model of Keras."""
    keras: Any = sys.modules.get("keras")
    return bool(keras) and isinstance(thing, keras.layers.Layer)


def _of_keras(layer: Any) -> dict[str, Array]:
    """Its trainable weights by their paths below the layer."""
    if not layer.built:
        msg = f"{type(layer).__name__} is not built, so it has no weights: give inputs=(batch, ..., features)"
        raise ValueError(msg)
    return {name: _of_variable(w.value) for name, w in weights_of_keras(layer).items()}


def _of_variable(value: Any) -> Array:
    """The array in a variable of Keras, of whichever backend."""
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def weights_of_keras(layer: Any) -> dict[str, Any]:
    """The trainable weights of a Keras layer by their paths below it.

    Keras numbers layers without a name of their own through the whole process: here they count from the layer on.
    """
    return _by_path(layer, layer.trainable_weights)


def _by_path(layer: Any, weights: list[Any]) -> dict[str, Any]:
    numbered = dict(_numbered(layer))
    paths = [[numbered.get(step, step) for step in w.path.split("/")] for w in weights]
    below = 1 if all(len(path) > 1 for path in paths) else 0
    return {".".join(path[below:]): w for path, w in zip(paths, weights, strict=True)}


def _numbered(layer: Any) -> Iterator[tuple[str, str]]:
    """The name of each layer that Keras named, and its name as of a fresh process."""
    seen: dict[str, int] = {}
    for one in layer._flatten_layers(include_self=False):
        kind = re.sub(r"_\d+$", "", one.name)
        if kind.replace("_", "") == type(one).__name__.lower():
            count = seen[kind] = seen.get(kind, -1) + 1
            yield one.name, f"{kind}_{count}" if count else kind


class Place(NamedTuple):
    """Where an array stands in a thing: its name, what holds it, and under which key."""

    name: str
    value: Array
    holder: Any
    key: Any

    def put(self, value: Array) -> None:
        """Another array in its place."""
        if self.key is _HELD:
            _put(self.holder, value)
        elif isinstance(self.holder, dict | list):
            self.holder[self.key] = value
        else:
            object.__setattr__(self.holder, self.key, value)


def places(thing: Any) -> Iterator[Place]:
    """Arrays in mappings, sequences and the attributes of objects, in their order."""
    yield from _walk(thing, "", {}, "", set())


def _walk(thing: Any, path: str, holder: Any, key: Any, seen: set[int]) -> Iterator[Place]:
    if hasattr(thing, "shape") and hasattr(thing, "dtype"):
        value = _held(thing)
        yield Place(path, thing, holder, key) if value is None else Place(path, value, thing, _HELD)
        return
    if id(thing) in seen or isinstance(thing, str | bytes | type) or callable(getattr(thing, "__code__", None)):
        return
    seen.add(id(thing))
    for name, inner in _inside(thing):
        yield from _walk(inner, f"{path}.{name}".lstrip("."), thing, name, seen)


_HELD: Any = object()  # the key of an array that is a variable's own


def _held(thing: Any) -> Any:
    """The array that a variable of a library holds; None where the thing is an array."""
    get = getattr(thing, "get_value", None)
    value = get() if callable(get) else getattr(thing, "value", thing)
    return value if value is not thing and hasattr(value, "shape") else None


def _put(variable: Any, value: Array) -> None:
    if callable(getattr(variable, "set_value", None)):
        variable.set_value(value)
    else:
        variable.value = value


def _value(array: Array) -> Array:
    return np.asarray(array) if type(array).__module__.startswith("jax") else array


def _inside(thing: Any) -> list[tuple[Any, Any]]:
    if isinstance(thing, Mapping):
        return list(thing.items())
    if isinstance(thing, list | tuple):
        return list(enumerate(thing))
    return [(name, inner) for name, inner in getattr(thing, "__dict__", {}).items() if not name.startswith("_")]
