"""A framework's namespace of layers, as torch.nn is one: rows for its members, built from the sizes of a case.

Most libraries have the same few kinds of layers under nearly the same names. What differs is said once, in a
`Namespace`: how constructors are told a dtype, where a layer keeps its tensors, what convolutions are called.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from varlaw.subjects.boundary import Boundary, Measure, measure_fans
from varlaw.subjects.norm_rows import norm
from varlaw.subjects.rows import dropout, sampler
from varlaw.subjects.subject import Case, Dropout, Norm, Sampler

Make = Callable[[Any, Case, Mapping[str, Any]], Any]  # (namespace, case, what every constructor is given) -> layer


def called(name: str, *sizes: str, **fixed: Any) -> Make:
    """The layer of that name, whose constructor takes `sizes` of the case by position."""
    return lambda nn, c, f: getattr(nn, name)(*(c[size] for size in sizes), **fixed, **f)


def convolution(name: str) -> Make:
    """The convolution of that name; groups are passed where there are any."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        groups = {"groups": c["groups"]} if c["groups"] > 1 else {}
        return getattr(nn, name)(
            c["in_channels"], c["out_channels"], c["kernel_size"], stride=c["stride"], **groups, **f
        )

    return make


def _as_torch(dims: int, transposed: bool) -> Make:
    return convolution(f"Conv{'Transpose' * transposed}{dims}d")


_LINEAR = called("Linear", "in_channels", "out_channels")


@dataclass(frozen=True, kw_only=True, eq=False)
class Namespace:
    """Where layers are found, and how they are built and read."""

    of: Boundary
    name: str  # "torch.nn"
    find: Callable[[], Any]  # the module of that name
    parameters: Callable[[Any, str], Mapping[str, Any]]  # (layer, dtype) -> tensors by name
    linear: Make = _LINEAR
    conv: Callable[[int, bool], Make] = _as_torch  # (spatial sides, transposed) -> a convolution
    weight: str = "weight"  # what layers call it
    keywords: Callable[[str, str], Mapping[str, Any]] = lambda dtype, device: {}  # of every constructor
    like: Callable[[Any, Any], Any] = lambda layer, x: layer  # (layer, x) -> the layer in the dtype of x, where x is
    running: Callable[[Any], Sequence[Any]] = lambda layer: ()  # running mean and variance, where a layer keeps them
    fill: Callable[[Any, Any, Any], Any] | None = (
        None  # (layer, weight, bias): sets them; LookupError where there are none
    )
    evaluating: Callable[[Any], Any] | None = None  # (layer) -> the layer in evaluation mode
    channels_last: bool = False
    unsupported: Callable[[Iterable[str]], Mapping[str, str]] = lambda laws: {}  # of a layer with tensors of these laws

    # -- layers as samplers --------------------------------------------------------------------------------------------

    def layer(
        self,
        name: str,
        op: str,
        make: Make,
        tensors: Mapping[str, str],
        *,
        inputs: Sequence[str] = (),
        dims: int = 0,
        layout: str = "",
        claims: Mapping[str, Mapping[str, str]] | None = None,
        unsupported: Mapping[str, str] | None = None,
        measure: Measure | None = None,
    ) -> Sampler:
        """A layer's tensors as it starts; where `inputs` name the widths of its inputs it measures its own fans.

        `layout` is that of its weight.
        """

        def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
            return self.parameters(make(self.find(), case, self.keywords(dtype, device)), dtype)

        return sampler(
            self.of,
            f"{self.name}.{name}",
            op,
            build,
            tensors,
            layouts={self.weight: layout} if layout else {},
            claims=claims,
            measure=self.measured(make, inputs, dims) if inputs else measure,
            unsupported=self.unsupported(tensors.values()) if unsupported is None else unsupported,
        )

    def simple(self, name: str, op: str, tensors: Mapping[str, str], *sizes: str, **fixed: Any) -> Sampler:
        """A layer without a linear map of its own."""
        return self.layer(name, op, called(name, *sizes, **fixed), tensors)

    def convolution(
        self, name: str, op: str, tensors: Mapping[str, str], dims: int, *, transposed: bool = False, **rest: Any
    ) -> Sampler:
        """A convolution over `dims` spatial sides."""
        return self.layer(name, op, self.conv(dims, transposed), tensors, inputs=("in_channels",), dims=dims, **rest)

    def measured(self, make: Make, inputs: Sequence[str], dims: int) -> Measure:
        """The fans that a layer has when it is run on ones."""

        def shapes(case: Case) -> list[list[int]]:
            widths, sides = [case[n] for n in inputs], [0] * dims
            return [[1, *sides, n] if self.channels_last else [1, n, *sides] for n in widths]

        return self.measured_on(make, shapes, dims)

    def measured_on(self, make: Make, shapes: Callable[[Case], Sequence[Sequence[int]]], dims: int = 0) -> Measure:
        """The same on inputs of these shapes, zero for the spatial sides."""

        def forward(case: Case) -> tuple[Any, Sequence[Sequence[int]]]:
            return make(self.find(), case, self.keywords("float64", "cpu")), shapes(case)

        return measure_fans(self.of, forward, dims, channels_last=self.channels_last)

    # -- the weights that initialisers fill ----------------------------------------------------------------------------

    def fillable(self, nn: Any, case: Case, keywords: Mapping[str, Any]) -> Any:
        """The real layer whose weight an initialiser fills: `case["layer"]` names it."""
        if case["layer"] == "linear":
            return self.linear(nn, case, keywords)
        return self.conv(_sides(case), "transpose" in case["layer"])(nn, case, keywords)

    def shape(self, case: Case) -> tuple[int, ...]:
        """The shape of its weight, as the framework stores it."""
        return _stored(self, json.dumps(dict(case), sort_keys=True))

    def measure(self, case: Case) -> tuple[float, float]:
        """Its true mean (fan_in, fan_out)."""
        return _measures(self, _sides(case))(case)

    def filled(self, op: str, read: Callable[[Case], tuple[int, ...]] | None = None) -> dict[str, Any]:
        """What an initialiser's row knows of the weights of its op; `read` is the shape as fans are read off it."""
        if not op.startswith("fill"):
            return {}
        return {"shape": read or self.shape, "measure": self.measure}

    # -- norms and dropout ---------------------------------------------------------------------------------------------

    def norm(self, name: str, op: str, make: Make, *, call: str = "forward", **rest: Any) -> Norm:
        """A layer that normalises, after as many training steps on x as the case says."""

        options = {"steps": op == "batch_norm", "channels_last": self.channels_last, **rest}
        run = functools.partial(self.trained, make)
        if self.evaluating and op == "batch_norm":
            options.setdefault("evaluated", functools.partial(self.evaluated, make))
        if self.fill:
            options.setdefault("affine", functools.partial(self.weighted, make))
        return norm(self.of, f"{self.name}.{name}.{call}", op, run, **options)

    def evaluated(self, make: Make, x: Any, case: Case) -> tuple[Any, ...]:
        """The output in evaluation mode after a training step, with the running statistics of that step."""
        assert self.evaluating
        layer = self.like(make(self.find(), case, {}), x)
        layer(x)
        running = [1 * r for r in self.running(layer)]  # copies: what evaluation does to them must show
        return (self.evaluating(layer)(x), *running)

    def weighted(self, make: Make, x: Any, weight: Any, bias: Any, case: Case) -> Any:
        """The output of a layer that was given this weight and bias."""
        assert self.fill
        layer = self.like(make(self.find(), case, {}), x)
        self.fill(layer, weight, bias)
        return layer(x)

    def trained(self, make: Make, x: Any, case: Case) -> tuple[Any, ...]:
        """The output of the last training step, with the running statistics."""
        layer = self.like(make(self.find(), case, {}), x)
        for _ in range(case.get("steps", 1)):
            y = layer(x)
        return (y, *self.running(layer))

    def dropout(self, name: str, op: str, **rest: Any) -> Dropout:
        """A layer that drops; layers start in training mode."""

        def drop(x: Any, p: float, key: Any) -> Any:
            return getattr(self.find(), name)(p)(x)

        def evaluated(x: Any, p: float) -> Any:
            assert self.evaluating
            return self.evaluating(getattr(self.find(), name)(p))(x)

        if self.evaluating:
            rest.setdefault("evaluated", evaluated)
        return dropout(self.of, f"{self.name}.{name}", op, drop, channels_last=self.channels_last, **rest)


def _sides(case: Case) -> int:
    return 0 if case["layer"] == "linear" else int(case["layer"][-2])


@functools.cache
def _stored(namespace: Namespace, items: str) -> tuple[int, ...]:
    """Built aside, so that the stream of whoever asks draws the same numbers whether the shape is known or not."""
    with namespace.of.chance(0, "float32", "cpu"):
        layer = namespace.fillable(namespace.find(), json.loads(items), {})
    return tuple(int(n) for n in getattr(layer, namespace.weight).shape)


@functools.cache
def _measures(namespace: Namespace, dims: int) -> Measure:
    return namespace.measured(namespace.fillable, ("in_channels",), dims)
