"""tf.random: normal, uniform and truncated normal samplers: stateful, stateless and from a generator."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.arguments import fixed
from varlaw.subjects.rows import sampler
from varlaw.subjects.seeds import of_one, streams, taller
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.tensorflow.framework import TENSORFLOW, floats, tf

Draw = Callable[[Case, str, int, int], Any]

_NO_BFLOAT16 = "StatelessParameterizedTruncatedNormal has no bfloat16 kernel"
_DOCUMENTED = {
    "normal": "Normal(scale)",
    "uniform": "Uniform(scale)",
    "truncated_normal": "TruncatedNormal(scale, -2, 2)",
}


def _arguments(kind: str, case: Case) -> dict[str, Any]:
    if kind == "uniform":
        return {"minval": -case["scale"], "maxval": case["scale"]}
    return {"stddev": case["scale"]}


def _sampler(name: str, kind: str, draw: Draw, **rest: Any) -> Sampler:
    def build(case: Case, dtype: str, seed: int, i: int) -> Mapping[str, Any]:
        return {"": draw(case, dtype, seed, i)}

    return sampler(TENSORFLOW, f"tensorflow.{name}", "shape", build, {"": _DOCUMENTED[kind]}, **rest)


def _stateful(kind: str) -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        return getattr(tf().random, kind)(case["shape"], dtype=dtype, **_arguments(kind, case))

    return _sampler(f"random.{kind}", kind, draw)


def _stateless(kind: str) -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        sample = getattr(tf().random, f"stateless_{kind}")
        return sample(case["shape"], seed=[seed % 2**31, i], dtype=dtype, **_arguments(kind, case))

    return _sampler(f"random.stateless_{kind}", kind, draw)


def _generator(kind: str) -> Sampler:
    """Splits of one generator, one each."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        generator = tf().random.Generator.from_seed(seed)
        generator.skip(2**20 * i)  # numbers, of which no case here draws more
        return getattr(generator, kind)(case["shape"], dtype=dtype, **_arguments(kind, case))

    return _sampler(f"random.Generator.{kind}", kind, draw)


def _initialiser(name: str, kind: str) -> Sampler:
    """TensorFlow's own initialisers, beside those of Keras; they draw from the global seed."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        return getattr(tf(), name)(**_arguments(kind, case))(case["shape"], dtype=dtype)

    return _sampler(name, kind, draw)


def _parameterised() -> Sampler:
    def draw(case: Case, dtype: str, seed: int, i: int) -> Any:
        scale = tf().constant(case["scale"], dtype=dtype)
        return tf().random.stateless_parameterized_truncated_normal(
            case["shape"], seed=[seed % 2**31, i], means=0 * scale, stddevs=scale, minvals=-2 * scale, maxvals=2 * scale
        )

    missing = {"bfloat16": _NO_BFLOAT16}
    name = "random.stateless_parameterized_truncated_normal"
    return _sampler(name, "truncated_normal", draw, unsupported=missing)


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    return floats(tf().random.Generator.from_seed(seed).normal(case["shape"], dtype=dtype))


def _call(draw: Callable[[Case, str, list[int]], Any]) -> Any:
    return lambda case, dtype, device, seed: floats(draw(case, dtype, [seed, 0]))


_OF_ONE_SEED = {
    "normal": ("Normal(1)", _call(lambda c, d, s: tf().random.stateless_normal(c["shape"], s, dtype=d))),
    "uniform": ("Uniform(1)", _call(lambda c, d, s: tf().random.stateless_uniform(c["shape"], s, -1, 1, d))),
    "taller": ("Normal(1)", _call(lambda c, d, s: tf().random.stateless_normal(taller(c), s, dtype=d))),
}


def _reused(name: str, kind: str) -> Sampler:
    """An initialiser that was given a seed, called for two tensors."""

    def draw(case: Case, dtype: str, seed: int, i: int) -> Mapping[str, Any]:
        initialise = getattr(tf(), name)(seed=(seed + i) % 2**31, **_arguments(kind, case))
        return {f"tensor {j}": initialise(case["shape"], dtype=dtype) for j in range(2)}

    tensors = {f"tensor {j}": _DOCUMENTED[kind] for j in range(2)}
    return sampler(TENSORFLOW, f"tensorflow.{name}(reused)", "matrix", draw, tensors)


def _argued(name: str, op: str, documented: str, draw: Draw, **rest: Any) -> Sampler:
    def build(case: Case, dtype: str, seed: int, i: int) -> Mapping[str, Any]:
        return {"": draw(case, dtype, seed, i)}

    return sampler(TENSORFLOW, f"tensorflow.{name}", op, build, {"": documented}, **rest)


def _law(case: Case) -> dict[str, Any]:
    return {"mean": case["mean"], "stddev": case["std"]}


def _any_cut(case: Case, dtype: str, seed: int, i: int) -> Any:
    """Its limits are absolute."""
    ends = {f"{n}vals": case["mean"] + case[end] * case["std"] for n, end in (("min", "low"), ("max", "high"))}
    given = {"means": case["mean"], "stddevs": case["std"], **ends}
    parameters = {name: tf().constant(value, dtype=dtype) for name, value in given.items()}
    return tf().random.stateless_parameterized_truncated_normal(case["shape"], [seed % 2**31, i], **parameters)


_CUT = "TruncatedNormal(std, low, high, mean)"


def _ends(case: Case) -> dict[str, Any]:
    return {"minval": case["low"], "maxval": case["high"]}


_ARGUMENTS: tuple[Sampler, ...] = (
    _argued(
        "random.normal(mean, stddev)", "draw_normal", "Normal(std, mean)",
        lambda c, d, seed, i: tf().random.normal(c["shape"], dtype=d, **_law(c)),
    ),
    _argued(
        "random.uniform(minval, maxval)", "draw_uniform", "UniformRange(low, high)",
        lambda c, d, seed, i: tf().random.uniform(c["shape"], dtype=d, **_ends(c)),
    ),
    _argued(
        "random.truncated_normal(mean, stddev)", "draw_truncated", _CUT,
        lambda c, d, seed, i: tf().random.truncated_normal(c["shape"], dtype=d, **_law(c)),
        cases=fixed(low=-2.0, high=2.0),
    ),
    _argued(
        "random.stateless_parameterized_truncated_normal(minvals, maxvals)", "draw_truncated", _CUT, _any_cut,
        unsupported={"bfloat16": _NO_BFLOAT16},
    ),
    _argued(
        "random_normal_initializer(mean, stddev)", "draw_normal", "Normal(std, mean)",
        lambda c, d, seed, i: tf().random_normal_initializer(**_law(c))(c["shape"], dtype=d),
    ),
    _argued(
        "random_uniform_initializer(minval, maxval)", "draw_uniform", "UniformRange(low, high)",
        lambda c, d, seed, i: tf().random_uniform_initializer(**_ends(c))(c["shape"], dtype=d),
    ),
)  # fmt: skip

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
    of_one(TENSORFLOW, "tensorflow.random(one seed)", _OF_ONE_SEED),
    *_ARGUMENTS,
)
