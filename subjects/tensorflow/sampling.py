"""tf.random: normal, uniform and truncated normal samplers: stateful, stateless and from a generator."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.seeds import streams
from varlaw.subjects.subject import Case, Sampler, Tensor
from varlaw.subjects.tensorflow.framework import TENSORFLOW, drawn, floats, tf

Arguments = Callable[[Case], Mapping[str, Any]]

_DOCUMENTED = {
    "normal": "Normal(scale)",
    "uniform": "Uniform(scale)",
    "truncated_normal": "TruncatedNormal(scale, -2, 2)",
}


def _arguments(kind: str, case: Case) -> dict[str, Any]:
    if kind == "uniform":
        return {"minval": -case["scale"], "maxval": case["scale"]}
    return {"stddev": case["scale"]}


def _sampler(name: str, kind: str, draw: Callable[[Case, str, int, int], Any]) -> Sampler:
    tensors = (Tensor(name="", documented=_DOCUMENTED[kind]),)
    draws = drawn(lambda case, dtype, seed, i: {"": draw(case, dtype, seed, i)})
    return Sampler(name=f"tensorflow.random.{name}", framework=TENSORFLOW, op="shape", tensors=tensors, draws=draws)


def _stateful(kind: str) -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        return getattr(tf().random, kind)(case["shape"], dtype=dtype, **_arguments(kind, case))

    return _sampler(kind, kind, draw)


def _stateless(kind: str) -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        sample = getattr(tf().random, f"stateless_{kind}")
        return sample(case["shape"], seed=[seed % 2**31, i], dtype=dtype, **_arguments(kind, case))

    return _sampler(f"stateless_{kind}", kind, draw)


def _generator(kind: str) -> Sampler:
    """Splits of one generator, one each."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        generator = tf().random.Generator.from_seed(seed)
        generator.skip(2**20 * i)  # numbers, of which no case here draws more
        return getattr(generator, kind)(case["shape"], dtype=dtype, **_arguments(kind, case))

    return _sampler(f"Generator.{kind}", kind, draw)


def _initialiser(name: str, kind: str) -> Sampler:
    """TensorFlow's own initialisers, beside those of Keras; they draw from the global seed."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        return getattr(tf(), name)(**_arguments(kind, case))(case["shape"], dtype=dtype)

    tensors = (Tensor(name="", documented=_DOCUMENTED[kind]),)
    draws = drawn(lambda case, dtype, seed, i: {"": draw(case, dtype, seed, i)})
    return Sampler(name=f"tensorflow.{name}", framework=TENSORFLOW, op="shape", tensors=tensors, draws=draws)


def _parameterised() -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        scale = tf().constant(case["scale"], dtype=dtype)
        return tf().random.stateless_parameterized_truncated_normal(
            case["shape"], seed=[seed % 2**31, i], means=0 * scale, stddevs=scale, minvals=-2 * scale, maxvals=2 * scale
        )

    row = _sampler("stateless_parameterized_truncated_normal", "truncated_normal", draw)
    return replace(row, unsupported={"bfloat16": "StatelessParameterizedTruncatedNormal has no bfloat16 kernel"})


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    return floats(tf().random.Generator.from_seed(seed).normal(case["shape"], dtype=dtype))


def _reused(name: str, kind: str) -> Sampler:
    """An initialiser that was given a seed, called for two tensors."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Mapping[str, Any]:
        initialise = getattr(tf(), name)(seed=(seed + i) % 2**31, **_arguments(kind, case))
        return {f"tensor {j}": initialise(case["shape"], dtype=dtype) for j in range(2)}

    tensors = tuple(Tensor(name=f"tensor {j}", documented=_DOCUMENTED[kind]) for j in range(2))
    label = f"tensorflow.{name}(reused)"
    return Sampler(name=label, framework=TENSORFLOW, op="matrix", tensors=tensors, draws=drawn(draw))


SAMPLERS: tuple[Sampler, ...] = (
    *(_stateful(kind) for kind in _DOCUMENTED),
    *(_stateless(kind) for kind in _DOCUMENTED),
    *(_generator(kind) for kind in _DOCUMENTED),
    _parameterised(),
    _initialiser("random_normal_initializer", "normal"),
    _initialiser("random_uniform_initializer", "uniform"),
    _reused("random_normal_initializer", "normal"),
    _reused("random_uniform_initializer", "uniform"),
    streams(TENSORFLOW, "tensorflow.random.Generator.normal(seeds)", _of_seed),
)
