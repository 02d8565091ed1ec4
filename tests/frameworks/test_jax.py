"""The JAX stack: rows that conform by construction, fans that layers measure, what deviations measured, again."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import varlaw
from varlaw.claims.claim import Trial
from varlaw.claims.domains import cases_of
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Verdict
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.rows import dropout, layer, norm
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Norm, Sampler
from varlaw.verify import decision, deviations, plan

SALT = "jax-stack"
STACK = ("jax", "flax", "equinox", "haiku", "optax")


def decided(subject: str, claim: str, dtype: str) -> Iterator[Verdict]:
    """The verdicts of one claim on one subject, case by case."""
    jobs = plan.tasks(select([subject]), [dtype], "cpu", SALT)
    return (decision.decide(job, "pr", SALT) for job in jobs if job.claim == claim and job.subject == subject)


@pytest.mark.parametrize(
    ("subject", "claim"),
    [
        ("jax.nn.initializers.he_normal", "init.documented"),
        ("jax.nn.initializers.uniform", "init.documented"),
        ("jax.nn.initializers.orthogonal", "init.haar"),
        ("flax.linen.Dense", "forward.second_moment"),
        ("flax.linen.Conv(2d)", "forward.second_moment"),
        ("flax.linen.LSTMCell", "structure.complete"),
        ("flax.nnx.Linear", "forward.second_moment"),
        ("flax.nnx.LinearGeneral", "init.true_fan"),
        ("equinox.nn.Linear", "init.documented"),
        ("equinox.nn.GRUCell", "structure.distinct"),
        ("haiku.Linear", "init.documented"),
        ("haiku.initializers.Orthogonal", "init.haar"),
        ("optax.clip_by_global_norm", "clip.direction"),
        ("optax.softmax_cross_entropy", "loss.uniform"),
    ],
)
def test_rows_that_conform_by_construction(subject: str, claim: str) -> None:
    pytest.importorskip(subject.split(".")[0])
    first = next(decided(subject, claim, "float32"))
    assert first.outcome == "CONFORMS", first


def test_a_layer_counts_its_own_taps() -> None:
    """Grouped, strided and transposed: what reaches an output, and where an input goes."""
    pytest.importorskip("flax")
    case = {"in_channels": 8, "out_channels": 16, "groups": 4, "kernel_size": 3, "stride": 2}
    transposed = {"in_channels": 8, "out_channels": 16, "groups": 1, "kernel_size": 4, "stride": 2}
    assert _sampler("flax.linen.Conv(2d)").measure(case) == (2 * 9, 4 * 9 / 4)  # type: ignore[misc]
    assert _sampler("flax.linen.ConvTranspose(2d)").measure(transposed) == (8 * 16 / 4, 16 * 16)  # type: ignore[misc]


def _sampler(name: str) -> Sampler:
    (subject,) = (s for s in select([name]) if s.name == name)
    assert isinstance(subject, Sampler)
    return subject


def test_draws_depend_on_seed_and_place_alone() -> None:
    pytest.importorskip("jax")
    draws = _sampler("jax.random.normal").draws
    case = {"shape": [64, 16], "scale": 1.0}
    few, many = (list(draws(case, "float32", "cpu", 2**40 + 1, n)) for n in (3, 40))
    assert all((a[""] == b[""]).all() for a, b in zip(few, many, strict=False))
    (other,) = draws(case, "float32", "cpu", 1, 1)
    assert not (other[""] == few[0][""]).any()
    assert next(iter(draws(case, "float64", "cpu", 1, 1)))[""].dtype == np.float64


# -- deviations --------------------------------------------------------------------------------------------------------

_ROWS = [one for row in deviations.rows() if row.framework in STACK for one in row.each()]


def _met(row: deviations.Row) -> Iterator[Verdict]:
    """Verdicts that met the row, the smallest tensors first."""
    dtype = (row.dtypes or ("float32",))[0]
    pattern = row.subject.split("*")[0].split("?")[0]
    for job in plan.tasks(select([f"{row.framework}.*"]), [dtype], "cpu", SALT):
        if job.target.startswith(pattern) and row.foresees(job.claim, job.target, row.versions[2:], job.dtype):
            verdict = decision.decide(job, "pr", SALT)
            if verdict.deviation and verdict.deviation.id == row.id:
                yield verdict


@pytest.mark.parametrize("row", [r for r in _ROWS if r.ratio], ids=lambda r: r.id)
def test_the_ratio_is_seen_again(row: deviations.Row) -> None:
    """In one of the first cases the second measurement confirmed the number written in the table."""
    pytest.importorskip(row.framework)
    seen = (math.inf if v.deviation.ratio is None else v.deviation.ratio for v in _met(row) if v.deviation)
    assert any(math.isclose(ratio, row.measured, rel_tol=0.01) for ratio in itertools.islice(seen, 40))


def _distinct(name: str, dtype: str) -> int:
    case = {"shape": [1024, 64], "scale": 1.0}
    (instance,) = _sampler(name).draws(case, dtype, "cpu", 7, 1)
    return len(np.unique(instance[""].astype(np.float64)))


GRIDS: dict[str, Callable[[], float]] = {
    "jax-random-bfloat16": lambda: _distinct("jax.random.normal", "bfloat16"),
    "jax-random-float16": lambda: _distinct("jax.random.normal", "float16"),
    "jax-initialisers-bfloat16": lambda: _distinct("jax.nn.initializers.normal", "bfloat16"),
    "flax-init-16-bit": lambda: _distinct("jax.nn.initializers.truncated_normal", "bfloat16"),
}


@pytest.mark.parametrize("name", GRIDS)
def test_sixteen_bit_samplers_know_few_values(name: str) -> None:
    pytest.importorskip("jax")
    (row,) = (r for r in _ROWS if r.id == name)
    assert GRIDS[name]() == row.measured


def test_equinox_corrects_a_variance_that_started_at_one_as_if_at_zero() -> None:
    """After one step from 1 with momentum 0.99 inference divides by var + 99."""
    eqx = pytest.importorskip("equinox")
    import jax

    layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, "batch", mode="batch")
    x = np.array([[-1.0], [1.0]], dtype=np.float32)  # mean 0, variance 1
    axes: dict[str, Any] = {"axis_name": "batch", "in_axes": (0, None), "out_axes": (0, None)}
    _, state = jax.vmap(layer, **axes)(x, state)
    y, _ = jax.vmap(eqx.nn.inference_mode(layer), **axes)(x, state)
    assert math.isclose(float(y[1, 0]), 100**-0.5, rel_tol=0.02)


def _second_moment(name: str, mean: float) -> float:
    """Mean square of what a norm returns for unit normals about `mean`, in float32."""
    (norm,) = (s for s in select([name]) if s.name == name)
    assert isinstance(norm, Norm)
    x = mean + np.random.default_rng(3).standard_normal((4, 8, 64))
    case = {"batch": 4, "channels": 8, "length": 64, "groups": 2, "eps": 1e-5, "momentum": 0.1}
    return float((norm.apply(x, case, "float32", "cpu")["output"] ** 2).mean())


@pytest.mark.parametrize("name", ["flax.linen.LayerNorm", "flax.nnx.LayerNorm"])
def test_the_fast_variance_is_gone_where_the_mean_is_large(name: str) -> None:
    pytest.importorskip("flax")
    assert _second_moment(f"{name}.__call__", 1e4) > 10
    stable = _second_moment(f"{name}.__call__(use_fast_variance=False)", 1e4)
    assert math.isclose(stable, 1, rel_tol=0.01)


def test_a_gradient_is_taken_where_the_output_has_another_dtype() -> None:
    """As of nnx.BatchNorm, which returns float32 for 16 bits; (3/2 x^2)' = 3 x, exactly."""
    jnp = pytest.importorskip("jax").numpy
    x, dy = jnp.asarray([1.0, -2.0], jnp.float16), jnp.asarray([1.0, 0.5], jnp.float16)
    found = JAX.vjp(lambda x: 1.5 * x.astype(jnp.float32) ** 2, x, dy) if JAX.vjp else None
    assert found is not None
    assert (found.dtype, found.tolist()) == (jnp.float16, [3.0, -3.0])


# -- arrays of JAX through the public face ----------------------------------------------------------------------------


def test_a_sampler_of_jax_arrays_is_checked_in_float64() -> None:
    """JAX narrows float64 unless told otherwise: its arrays are summed by NumPy."""
    jax = pytest.importorskip("jax")

    def he(shape: tuple[int, ...], seed: int) -> Any:
        return jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal")(jax.random.key(seed), shape)

    right, wrong = varlaw.Normal((2 / 64) ** 0.5), varlaw.Normal(1.01 * (2 / 64) ** 0.5)
    assert varlaw.check(he, right, shape=(64, 256)).outcome is varlaw.Outcome.CONFORMS
    assert varlaw.check(he, wrong, shape=(64, 256)).outcome is varlaw.Outcome.VIOLATES

    def orthogonal(shape: tuple[int, ...], seed: int) -> Any:
        return jax.nn.initializers.orthogonal()(jax.random.key(seed), shape)

    assert varlaw.check(orthogonal, varlaw.Orthogonal(), shape=(16, 32)).outcome is varlaw.Outcome.CONFORMS


def _linen(wrong: bool) -> Any:
    linen = pytest.importorskip("flax.linen")

    class Batch(linen.Module):  # type: ignore[misc,name-defined,unused-ignore]
        wrong: bool = False

        @linen.compact
        def __call__(self, x: Any, train: bool) -> Any:
            return linen.BatchNorm(use_running_average=not (train or self.wrong), use_fast_variance=False)(x)

    return norm("a.norm", Batch(wrong), "batch", shape=(6, 7, 5), axes=(0, 1), eps=1e-5)


def _equinox(wrong: bool) -> Any:
    eqx = pytest.importorskip("equinox")

    class Ema(eqx.Module):  # type: ignore[misc,unused-ignore,name-defined]
        norm: Any
        wrong: bool

        def __init__(self, wrong: bool) -> None:
            self.norm, self.wrong = eqx.nn.BatchNorm(7, axis_name="batch", mode="ema"), wrong

        def __call__(self, x: Any, state: Any) -> Any:
            return self.norm(x, state, inference=False if self.wrong else None)

    return norm("a.norm", eqx.nn.make_with_state(Ema)(wrong), "batch", shape=(6, 7, 5), eps=1e-5)


def _nnx(wrong: bool) -> Any:
    nnx = pytest.importorskip("flax.nnx")

    class Drop(nnx.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self, p: float, wrong: bool = False, *, rngs: Any) -> None:
            self.inner, self.wrong = nnx.Dropout(p, rngs=rngs), wrong

        def __call__(self, x: Any) -> Any:
            return self.inner(x, deterministic=False) if self.wrong else self.inner(x)

    return dropout("a.dropout", Drop(0.3, wrong, rngs=nnx.Rngs(0)), 0.3)


def _haiku(wrong: bool) -> Any:
    hk = pytest.importorskip("haiku")

    def made(x: Any, is_training: bool) -> Any:
        return hk.dropout(hk.next_rng_key(), 0.3, x) if is_training or wrong else x

    return dropout("a.dropout", hk.transform(made), 0.3)


@pytest.mark.parametrize("module", [_linen, _equinox, _nnx, _haiku])
def test_modules_of_jax_are_asked_in_evaluation_by_their_own_flags(module: Callable[[bool], Any]) -> None:
    """`deterministic`, `use_running_average`, `is_training`, `inference`: who forgets the flag is told."""
    assert (_evaluated(module(False)), _evaluated(module(True))) == ("CONFORMS", "VIOLATES")


def test_the_streams_of_a_module_start_at_the_seed() -> None:
    row, x = _nnx(wrong=False), np.ones((4, 8, 8))
    one, same, other = (row.apply(x, 0.3, "float32", "cpu", seed) for seed in (1, 1, 2))
    assert ((one == same).all(), (one == other).all()) == (True, False)


def _evaluated(row: Any) -> str:
    """The outcome of the row's claim on evaluation, in its first case."""
    (claim,) = (c for c in claims_of(row) if c.name.endswith(".evaluated"))
    case = cases_of(claim, "float32", SALT, 1)[0]
    return str(claim.judge(Trial(case, "float32", "cpu", POLICIES["pr"], Key(SALT, claim.name, ""))).outcome)


def test_layers_of_jax_count_their_own_fans() -> None:
    """A convolution of stride 2 reaches each input with a quarter of its taps; channels are last in flax."""
    pytest.importorskip("flax")
    eqx, hk = pytest.importorskip("equinox"), pytest.importorskip("haiku")
    from flax import linen, nnx

    class Net(linen.Module):  # type: ignore[misc,unused-ignore]
        @linen.compact
        def __call__(self, x: Any) -> Any:
            hidden = linen.relu(linen.Dense(64, name="up")(x))
            return linen.Dense(20, name="down")(hidden)

    made: list[tuple[Any, Any, dict[str, Any]]] = [
        (lambda rngs: nnx.Conv(8, 16, (3, 3), strides=2, rngs=rngs), None, {"kernel": (72, 36)}),
        (lambda key: eqx.nn.Conv2d(8, 16, 3, stride=2, key=key), None, {"weight": (72, 36)}),
        (lambda: linen.Conv(16, (3, 3), feature_group_count=4), (1, 12, 12, 8), {"kernel": (18, 36)}),
        (lambda: Net(), (1, 48), {"up.kernel": (48, 64), "down.kernel": (64, 20)}),
        (lambda: hk.transform(lambda x: hk.Linear(64)(x)), (1, 48), {"linear.w": (48, 64)}),
    ]
    for build, inputs, wanted in made:
        row = layer("mine.layer", build, dict.fromkeys(wanted, "he_normal(fan_in)"), inputs=inputs)
        assert {t.name: t.measure({}) for t in row.tensors if t.measure} == wanted
    with pytest.raises(varlaw.SamplerError, match=r"give inputs=\(batch"):
        varlaw.check_layer(lambda: linen.Dense(3), {"kernel": "Normal(1)"})


def test_a_norm_of_ones_own_that_takes_numpy_arrays_is_still_one_of_jax() -> None:
    """Its gradient is JAX's, and float64 is refused where JAX makes float32 of it."""
    jax = pytest.importorskip("jax")

    def norm(x: Any, eps: float = 1e-5, still: bool = False) -> Any:
        c = x - x.mean(-1, keepdims=True)
        v = (c**2).mean(-1, keepdims=True)
        return c / jax.numpy.sqrt((jax.lax.stop_gradient(v) if still else v) + eps)

    assert varlaw.check_norm(norm, "layer", gradient=True).ok
    assert "its gradient is not" in varlaw.check_norm(lambda x: norm(x, still=True), "layer", gradient=True).cause
    if not jax.config.jax_enable_x64:
        with pytest.raises(varlaw.SamplerError, match=r"JAX makes float32 of float64, unless jax_enable_x64 is set$"):
            varlaw.check_norm(norm, "layer", dtype="float64")
