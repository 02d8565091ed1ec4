"""What a layer itself computes from arrays that it is given: an object that is called, a pair of `init` and `apply`.

So that a layer of NumPy, JAX, flax, haiku or equinox counts its own fans as one of torch does. A mapping of arrays, or
an array, does not say what it computes: there the user's `apply(arrays, x)` does.
"""

import copy
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from varlaw.subjects.subject import Array, Floats

Apply = Callable[[Mapping[str, Floats], Floats], Any]


def is_functional(thing: Any) -> bool:
    """Whether a thing makes its parameters by `init(key, x)` and computes by `apply`: a flax or haiku module."""
    torch: Any = sys.modules.get("torch")
    if torch and isinstance(thing, torch.nn.Module):  # all have an `apply`, and somebody's may have an `init`
        return False
    return all(callable(getattr(thing, name, None)) for name in ("init", "apply"))


def initialised(thing: Any, shape: tuple[int, ...] | None) -> Any:
    """The parameters that its `init` makes for inputs of `shape`, from the seed that NumPy's generator gives."""
    if shape is None:
        msg = f"{type(thing).__name__} makes its parameters for inputs: give inputs=(batch, ..., features)"
        raise ValueError(msg)
    import jax

    key = jax.random.key(int(np.random.randint(1 << 31)))  # noqa: NPY002 - the one that is seeded
    return _parameters(thing.init(key, np.zeros(shape, np.float32)))


def _parameters(made: Any) -> Any:
    return made["params"] if isinstance(made, Mapping) and "params" in made else made


class Alone(NamedTuple):
    """The innermost part of a thing that holds a tensor: how it computes, what its names begin with, its inputs."""

    apply: Apply
    prefix: str
    inputs: tuple[int, ...] | None


def alone(thing: Any, name: str, shape: tuple[int, ...] | None) -> Alone | None:
    """The part that holds the tensor and computes by itself; None where there is none."""
    if is_functional(thing):
        return None if shape is None else _functional(thing, name.rpartition(".")[0], shape)
    for prefix in _prefixes(name):
        inner = _at(thing, prefix)
        if (callable(inner) or callable(getattr(inner, "forward", None))) and not isinstance(inner, type):
            return Alone(functools.partial(_called, inner), prefix, None if prefix else shape)
    return None


def _prefixes(name: str) -> Iterator[str]:
    """What a name begins with, the longest first."""
    while name:
        name = name.rpartition(".")[0]
        yield name


def _at(thing: Any, path: str) -> Any:
    """The part of a thing at a path, as `places` names it."""
    for step in filter(None, path.split(".")):
        if isinstance(thing, Mapping):
            thing = next((one for key, one in thing.items() if str(key) == step), None)
        else:
            thing = thing[int(step)] if isinstance(thing, list | tuple) else getattr(thing, step, None)
    return thing


def _functional(thing: Any, owner: str, shape: tuple[int, ...]) -> Alone:
    import jax

    if hasattr(thing, "_fields"):  # haiku: the whole function
        tree = thing.init(jax.random.key(0), np.zeros(shape, np.float32))
        return Alone(lambda arrays, x: thing.apply(_replaced(tree, "", arrays), jax.random.key(0), x), "", shape)
    inner, inputs = _of_linen(thing, owner, shape)
    made = inner.init(jax.random.key(0), np.zeros(inputs, np.float32))
    others = {name: one for name, one in made.items() if name != "params"}

    def apply(arrays: Mapping[str, Floats], x: Floats) -> Any:
        return inner.apply({"params": _replaced(made["params"], "", arrays), **others}, x)

    return Alone(apply, owner, inputs)


def _of_linen(thing: Any, owner: str, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """The module at a path within a flax module, and the shape that it is given there."""
    import jax
    from flax import linen

    found: list[tuple[Any, tuple[int, ...]]] = [(thing, shape)] if not owner else []

    def look(run: Any, args: Any, kwargs: Any, context: Any) -> Any:
        if ".".join(context.module.path) == owner and context.method_name == "__call__" and not found:
            found.append((context.module.clone(parent=None), (1, *args[0].shape[1:])))
        return run(*args, **kwargs)

    with linen.intercept_methods(look):
        thing.init(jax.random.key(0), np.zeros(shape, np.float32))
    if not found:
        msg = f"{owner} is not run"
        raise LookupError(msg)
    return found[0]


def _replaced(tree: Any, path: str, arrays: Mapping[str, Floats]) -> Any:
    if isinstance(tree, Mapping):
        return {name: _replaced(one, f"{path}.{name}".lstrip("."), arrays) for name, one in tree.items()}
    return _like(tree, arrays[path])


def _called(thing: Any, arrays: Mapping[str, Floats], x: Floats) -> Any:
    """What a copy of the object that holds these arrays gives; of one that takes no batches, row by row."""
    from varlaw.subjects.builders.instances import places

    twin = copy.deepcopy(thing)
    for place in list(places(twin)):
        place.put(_like(place.value, arrays[place.name]))
        like = place.value
    forward = twin if callable(twin) else twin.forward
    given = _like(like, x)
    try:
        return forward(given)
    except Exception:
        rows = [np.asarray(forward(given[i])) for i in range(len(x))]
        return np.stack(rows)


def _like(array: Array, values: Floats) -> Array:
    """The values as an array of the same library and dtype."""
    torch: Any = sys.modules.get("torch")
    if torch and isinstance(array, torch.Tensor):
        return torch.as_tensor(values).to(array.dtype)
    if type(array).__module__.startswith("jax"):
        import jax.numpy as jnp

        return jnp.asarray(values, array.dtype)
    return np.asarray(values, array.dtype)
