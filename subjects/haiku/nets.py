"""haiku.nets: whole networks, built tiny, as models: what each parameter promises, and the first loss.

Layers promise what haiku documents of them, a normal law of stddev 1/sqrt(fan_in) before it is cut at two of them;
biases and offsets 0. The last layer of a `ResNet` starts at zero on purpose.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.jax.framework import floats, place, sampler, seeded
from varlaw.subjects.subject import Array, Case, FirstLoss, Model, Parameter, Role, Sampler

Net = Callable[[Any, Any], Any]  # (haiku.nets, input) -> logits

_CLASSES = 10
_WEIGHT = "TruncatedNormal(1/sqrt(fan_in), -2, 2)"
_ROLES = (
    Role(role="linear", documented=_WEIGHT),
    Role(role="conv", documented=_WEIGHT),
    Role(role="bias", documented="Constant(0)"),
)
_IMAGE, _VECTOR = (4, 16, 16, 3), (16, 32)


class _Net:
    """One network on inputs of one shape."""

    def __init__(self, shape: tuple[int, ...], run: Net) -> None:
        self.shape, self.run = shape, run

    @functools.cached_property
    def function(self) -> Any:
        import haiku as hk

        return hk.transform_with_state(lambda x: self.run(hk.nets, x))

    def initial(self, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        """A function of a key that gives all parameters by name."""
        import jax.numpy as jnp

        x = jnp.zeros(self.shape, dtype)
        return lambda key: _named(self.function.init(key, x)[0])

    def parameters(self, case: Case) -> Mapping[str, Parameter]:
        """Roles by name and shape: `w` of two axes is a linear layer's, of more a convolution's."""
        import jax

        shapes = jax.eval_shape(self.initial("float32"), jax.random.key(0))
        return {name: _parameter(name, tuple(x.shape)) for name, x in shapes.items()}

    def draws(self, case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        """Fresh networks."""
        yield from self._drawn(case, dtype, device, seed, count)

    @functools.cached_property
    def _drawn(self) -> Any:
        return seeded(lambda case, dtype: self.initial(dtype))

    def first_loss(self, case: Case, dtype: str, device: str, seed: int) -> FirstLoss:
        """The cross-entropy of the logits on noise, over all labels alike: no chance of the labels is left."""
        import jax
        import numpy as np

        with place(dtype, device):
            x = jax.random.normal(jax.random.key(seed), self.shape, dtype)
            weights, state = self.function.init(jax.random.key(seed + 1), x)
            logits = floats(self.function.apply(weights, state, None, x)[0])
        largest = logits.max(axis=1, keepdims=True)
        costs = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0] - logits.mean(axis=1)
        return FirstLoss(loss=float(costs.mean()), classes=logits.shape[-1], samples=0, logits_std=float(logits.std()))


def _named(weights: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{module.replace('/~', '')}.{n}": x for module, own in weights.items() for n, x in own.items()}


def _parameter(name: str, shape: tuple[int, ...]) -> Parameter:
    last = name.rpartition(".")[2]
    if last != "w":
        return Parameter(role="norm_scale" if last == "scale" else "bias", shape=shape)
    if name == "res_net/logits.w":
        return Parameter(role="vector", shape=shape, intentional="the last layer starts at zero, as its source says")
    fan_in = float(math.prod(shape[:-1]))
    return Parameter(
        role="linear" if len(shape) == 2 else "conv", shape=shape, fan_in=fan_in, fan_out=float(shape[-1]),
        names={"fan_in": fan_in},
    )  # fmt: skip


def _model(name: str, shape: tuple[int, ...], run: Net) -> Model:
    net = _Net(shape, run)
    return Model(
        name=f"haiku.nets.{name}", framework=HAIKU, op="model_once", roles=_ROLES, parameters=net.parameters,
        draws=net.draws, first_loss=net.first_loss,
    )  # fmt: skip


def _resnet(nets: Any, x: Any, *, bottleneck: bool, v2: bool) -> Any:
    widths = {"channels_per_group": (16, 16, 32, 32), "bottleneck": bottleneck, "resnet_v2": v2}
    return nets.ResNet((1, 1, 2, 1), _CLASSES, **widths)(x, is_training=True)


def _quantizer() -> Sampler:
    """Its embeddings, one a column: uniform, of variance 1 over their length."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import haiku as hk
        import jax.numpy as jnp

        sizes = (case["embedding_dim"], case["num_embeddings"])
        function = hk.transform_with_state(lambda x: hk.nets.VectorQuantizer(*sizes, 0.25, dtype)(x, True)["loss"])
        x = jnp.zeros((1, sizes[0]), dtype)
        return lambda key: _named(function.init(key, x)[0])

    name = "vector_quantizer.embeddings"
    return sampler(HAIKU, "haiku.nets.VectorQuantizer", "embedding", build, {name: "Uniform(sqrt(3/embedding_dim))"})


NETS: tuple[Model | Sampler, ...] = (
    _model("MLP", _VECTOR, lambda nets, x: nets.MLP((64, 48, _CLASSES))(x)),
    _model("ResNet", _IMAGE, lambda nets, x: _resnet(nets, x, bottleneck=False, v2=False)),
    _model("ResNet(bottleneck, resnet_v2)", _IMAGE, lambda nets, x: _resnet(nets, x, bottleneck=True, v2=True)),
    _model("MobileNetV1", _IMAGE, lambda nets, x: nets.MobileNetV1((1, 2), (16, 32), _CLASSES)(x, is_training=True)),
    _quantizer(),
)
