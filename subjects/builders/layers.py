"""`layer` and `initialiser`: somebody's layer, or function of a shape, with the law of each of its tensors."""

import functools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.subjects.builders.applying import alone, initialised, is_functional
from varlaw.subjects.builders.fans import of_arrays, of_keras, of_torch
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.builders.instances import (
    Build,
    Source,
    buffers_of,
    is_keras,
    is_torch,
    made,
    seeded,
    tensors_of,
)
from varlaw.subjects.builders.parts import Part, cut, is_glob, matches, part_of, parts_in, written
from varlaw.subjects.builders.texts import text_of
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Array, Case, Sampler

Laws = Mapping[str, Any]
Inputs = Sequence[int] | Callable[..., Sequence[int]] | None

SHAPES = ((64, 48), (24, 160), (50, 36, 3, 3))
_FORMATS = ("float64", "float32", "float16", "bfloat16")


def layer(
    name: str,
    build: Build,
    laws: Laws | str,
    *,
    cases: Sequence[Case] = ({},),
    inputs: Inputs = None,
    apply: Callable[..., Array] | None = None,
    claims: Mapping[str, Laws] | None = None,
    dtypes: Sequence[str] | None = None,
) -> Sampler:
    """A row for the layer that `build(**case)` makes: a class, or a function that returns one.

    name: under which it is verified, such as "mylib.Linear".
    build: returns a torch module, a Keras layer, a flax or haiku module (with `inputs`), a mapping or tree of arrays,
        or an object that holds arrays. Global generators are seeded; parameters named seed, rng (NumPy), key (JAX),
        rngs (flax) or generator get the seed.
    laws: one for all tensors, or tensor -> law: a text over the case and the fans ("he_normal(fan_in)",
        "0.5*Uniform(1/sqrt(in_features))"), or a law such as `varlaw.Normal(0.02)`. A name may be a glob;
        "qkv.weight[0/3]" is the first third along the first axis, "kernel[0/3, axis=1]" along the second,
        "weight[:width]" a slice. A tensor without a law violates.
    cases: the arguments of `build`, by name, each of them a case. Asymmetric sizes tell fans apart.
    inputs: the shape that the layer takes, or a function of the case that returns it: where the layer cannot be run on
        inputs of the shape that its weight suggests, and for layers of Keras, which it builds.
    apply: `apply(tensors, x)` computes the layer from float64 arrays by name, so that it counts its own fans; needed of
        plain arrays alone: what is called, or has `forward`, or `init` and `apply`, computes by itself.
    claims: claim -> tensor -> another law that it is held to besides.
    dtypes: in which it is asked; float32 for torch, else that of its arrays, unless given.
    """
    texts = {"*": laws} if not isinstance(laws, Mapping) else laws
    if not cases:
        msg = f"cases={cases!r}, but should hold one case or more [layer {name}]"
        raise ValueError(msg)
    given = tuple(dict(c) for c in cases)
    wholly = tuple(part.whole if (part := part_of(n)) else n for n in texts)
    known = _Layer(name, build, given, inputs, apply, tuple(dtypes) if dtypes else None, parts_in(texts), wholly)
    more = {claim: known.spread(of) for claim, of in (claims or {}).items()}
    documented = known.spread(texts)
    by_tensor = {n: {claim: of[n] for claim, of in more.items() if n in of} for n in documented}
    source = Source(build, known.tensors)
    return sampler(
        framework_of(name), name, "layer", source, documented, claims=by_tensor, own=known.own, cases=known.asked
    )


def initialiser(
    name: str,
    draw: Callable[..., Array],
    law: Any,
    *,
    shapes: Sequence[Sequence[int]] = SHAPES,
    arguments: Sequence[Case] = ({},),
    axes: str = "out_in",
    claims: Mapping[str, Any] | None = None,
    dtypes: Sequence[str] | None = None,
) -> Sampler:
    """A row for `draw(shape, seed, **arguments)`; instead of a seed it may take rng, key or generator, as `layer`.

    name: under which it is verified, such as "mylib.init.he".
    draw: the function; its array is NumPy's, torch's, JAX's or of any array-API library.
    law: a text over the arguments, fan_in and fan_out, or a law.
    shapes: those that it is asked for.
    arguments: further arguments, by name, each of them a case.
    axes: "out_in" where shapes are (out, in, *kernel), as torch's, "in_out" where they are (*kernel, in, out).
    claims: claim -> another law that it is held to besides.
    dtypes: in which it is asked; those of its arrays unless given.
    """
    if axes not in ("out_in", "in_out"):
        msg = f"axes={axes!r}, but should be out_in or in_out [initialiser {name}]"
        raise ValueError(msg)
    cases = [{"shape": list(map(int, shape)), **more} for shape in shapes for more in arguments]
    row = layer(
        name, draw, {"": law}, cases=cases, dtypes=dtypes, claims={c: {"": of} for c, of in (claims or {}).items()}
    )
    (tensor,) = row.tensors
    measured = replace(tensor, measure=functools.partial(_fans, axes))
    return replace(row, op="initialiser", tensors=(measured,), shape=lambda case: tuple(case["shape"]))


def _fans(axes: str, case: Case) -> tuple[float, float]:
    shape = case["shape"]
    if len(shape) < 2:
        msg = f"shape {tuple(shape)} has no fans"
        raise LookupError(msg)
    out, into, kernel = (shape[0], shape[1], shape[2:]) if axes == "out_in" else (shape[-1], shape[-2], shape[:-2])
    taps = float(np.prod(kernel))
    return into * taps, out * taps


@dataclass(frozen=True, eq=False)
class _Layer:
    """What a row knows of its layer beyond its laws."""

    name: str
    build: Build
    cases: tuple[Case, ...]
    inputs: Inputs
    apply: Callable[..., Array] | None
    dtypes: tuple[str, ...] | None
    parts: tuple[Part, ...]  # of tensors that are looked at in parts
    wholly: tuple[str, ...]  # the tensors that laws name, as globs

    def tensors(self, thing: Any, case: Case) -> Mapping[str, Array]:
        """The tensors of an instance, or their parts; `ValueError` where there are none."""
        return {n: x for whole, y in self.wholes(thing, case).items() for n, x in cut(whole, y, self.parts, case)}

    def wholes(self, thing: Any, case: Case) -> Mapping[str, Array]:
        """The tensors of an instance as it holds them."""
        if is_functional(thing):
            thing = initialised(thing, None if self.inputs is None else self.input_shape(case))
        if is_keras(thing) and not thing.built and self.inputs is not None:
            thing.build(self.input_shape(case))
        found = tensors_of(thing)
        found |= {n: x for n, x in buffers_of(thing).items() if self._named_beside(n, found) or _unfilled(x)}
        if not found:
            msg = f"{self.name} has no tensors: {type(thing).__name__} holds none"
            raise ValueError(msg)
        return found

    def _named_beside(self, buffer: str, parameters: Mapping[str, Array]) -> bool:
        """Whether a law is of this buffer: one whose name is no parameter's."""
        return any(matches(buffer, w) and not any(matches(p, w) for p in parameters) for w in self.wholly)

    def parted(self, case: Case, dtype: str) -> Mapping[str, Array]:
        """The tensors of one instance, or their parts."""
        found = _instance(self, json.dumps(case), dtype)[1]
        return {n: x for whole, y in found.items() for n, x in cut(whole, y, self.parts, case)}

    def input_shape(self, case: Case) -> tuple[int, ...]:
        """The shape that the layer takes in a case."""
        assert self.inputs is not None
        return tuple(self.inputs(**case) if callable(self.inputs) else self.inputs)

    def spread(self, laws: Laws) -> dict[str, str]:
        """Tensor -> law in text, globs replaced by the names that they match in the first case."""
        texts = {written(n): text_of(law) for n, law in laws.items()}
        if not any(map(is_glob, texts)):
            return texts
        try:
            there = list(self.parted(self.cases[0], "float32"))
        except (Exception, SystemExit):  # it is said where the layer is drawn, and the rows beside it are there
            return texts
        found = {n: next((law for glob, law in texts.items() if matches(n, glob)), None) for n in there}
        return {n: law for n, law in found.items() if law is not None}

    def asked(self, claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
        """The row's cases in the dtypes that it is asked in."""
        return self.cases if dtype in (self.dtypes or (self._native,)) else ()

    @property
    def _native(self) -> str:
        try:
            found = _instance(self, json.dumps(self.cases[0]), "float32")[1]
        except (Exception, SystemExit):  # it is said where the layer is drawn
            return "float32"
        kinds = {str(getattr(x, "dtype", "")).removeprefix("torch.") for x in found.values()} & set(_FORMATS)
        return "float32" if "float32" in kinds or not kinds else sorted(kinds)[0]

    def own(self, tensor: str) -> Mapping[str, Any]:
        """What a tensor's row knows of it alone."""
        of = {"measure": functools.partial(self.fans, tensor), "shape": functools.partial(self.shape, tensor)}
        part = part_of(tensor)
        return {**of, "whole": functools.partial(self.fans, part.whole)} if part else of

    def shape(self, tensor: str, case: Case) -> tuple[int, ...]:
        """The shape of one tensor in a case."""
        found = self.parted(case, "float32")
        if tensor not in found:
            msg = f"{self.name} has no tensor {tensor!r}, but {', '.join(found)}"
            raise ValueError(msg)
        return tuple(found[tensor].shape)

    def fans(self, tensor: str, case: Case) -> tuple[float, float]:
        """Its true fans, as the layer counts them; `LookupError` where it cannot."""
        part = part_of(tensor)
        whole = part.whole if part else tensor
        fan_in, fan_out = _counted(self, whole, json.dumps(case))
        if part is None:
            return fan_in, fan_out
        full = _instance(self, json.dumps(case), "float64")[1][whole].shape
        return fan_in, fan_out * math.prod(self.shape(tensor, case)) / math.prod(full)  # it is some of the outputs


def _unfilled(buffer: Array) -> bool:
    """Whether memory that nobody wrote is all there is in a buffer."""
    return 0 not in buffer.shape and bool((buffer != buffer).all())


@functools.lru_cache(maxsize=64)
def _instance(known: _Layer, case: str, dtype: str) -> tuple[Any, Mapping[str, Array]]:
    """An instance in a case, and its whole tensors."""
    given = json.loads(case)
    with seeded(0, dtype, "cpu"):
        thing = made(known.build, given, 0)
        return thing, known.wholes(thing, given)


@functools.lru_cache(maxsize=4096)
def _counted(known: _Layer, tensor: str, case: str) -> tuple[float, float]:
    thing, found = _instance(known, case, "float64")
    shape = None if known.inputs is None else known.input_shape(json.loads(case))
    if tensor not in found or len(found[tensor].shape) < 2:
        msg = f"{tensor} has no fans: it is no matrix"
        raise LookupError(msg)
    with seeded(0, "float64", "cpu"):
        if is_torch(thing) and known.apply is None:
            return of_torch(thing, tensor, shape)
        if is_keras(thing) and known.apply is None:
            return of_keras(thing, tensor, shape)
        shapes = {n: tuple(x.shape) for n, x in found.items()}
        if known.apply is not None:
            return of_arrays(known.apply, shapes, tensor, shape)
        part = alone(thing, tensor, shape)
        if part is None:
            msg = f"{type(thing).__name__} does not say what it computes: give apply=f(arrays, x), or name the fans"
            raise LookupError(msg)
        start = f"{part.prefix}." if part.prefix else ""
        mine = {n.removeprefix(start): sides for n, sides in shapes.items() if n.startswith(start)}
        return of_arrays(part.apply, mine, tensor.removeprefix(start), part.inputs)
