"""Keras and TensorFlow: what they promise and keep, and every documented deviation with its number measured again."""

import fnmatch
import importlib.util
import math
import os
from collections.abc import Iterator
from typing import Any

import pytest

from varlaw.claims.verdict import Verdict
from varlaw.rows import layer
from varlaw.subjects import registry
from varlaw.subjects.builders.instances import tensors_of
from varlaw.subjects.keras.framework import backend, version
from varlaw.subjects.subject import Sampler
from varlaw.verify import decision, deviations, plan

SALT = "keras"
os.environ.setdefault(
    "KERAS_BACKEND", backend()
)  # before anything imports Keras, whose own default may not be installed
KEPT = (
    ("init.documented", "keras.layers.Dense.kernel"),
    ("init.documented", "keras.layers.LSTM.lstm_cell.bias.forget"),
    ("init.haar", "keras.layers.SimpleRNN.simple_rnn_cell.recurrent_kernel"),
    ("init.true_fan", "keras.layers.EinsumDense.kernel"),
    ("structure.complete", "keras.layers.MultiHeadAttention"),
    ("structure.distinct", "keras.layers.GroupQueryAttention"),
    ("fan.declared", "keras.layers.DepthwiseConv2D"),
    ("fan.declared", "keras.layers.Conv2DTranspose"),
    ("norm.running_var", "keras.layers.BatchNormalization.call"),
    ("clip.value", "keras.optimizers.Optimizer(clipvalue)"),
    ("dropout.rate", "keras.layers.SpatialDropout2D"),
    ("loss.uniform", "keras.losses.SparseCategoricalCrossentropy"),
)

# Grids of bfloat16 that a battery of 20,000 numbers sees in some cases only.
MARGINAL = ("keras-torch-uniform-layers-bfloat16",)


def _verdicts(claim: str, target: str, dtype: str) -> Iterator[Verdict]:
    prefix = target.partition(".")[0]
    rows = [r for r in registry.subjects(prefix) if fnmatch.fnmatchcase(r.name, _subject(target))]
    for task in plan.tasks(rows, [dtype], "cpu", SALT):
        if fnmatch.fnmatchcase(task.claim, claim) and fnmatch.fnmatchcase(task.target, target):
            yield decision.decide(task, "pr", SALT)


def _subject(target: str) -> str:
    """A glob over subjects from one over targets: the subject's name is a beginning of each."""
    names = [r.name for p in ("keras", "tensorflow") for r in registry.subjects(p)]
    if fnmatch.filter(names, target):
        return target
    known = [n for n in names if target == n or target.startswith(f"{n}.")]
    return max(known, key=len, default="*")


@pytest.mark.parametrize(("claim", "target"), KEPT)
def test_keras_keeps_its_promise(claim: str, target: str) -> None:
    pytest.importorskip("keras")
    verdicts = list(_verdicts(claim, target, "float32"))[:3]
    assert verdicts
    assert {v.state for v in verdicts} <= {"conforms", "deviation"}, [v.detail for v in verdicts]


def _here(row: deviations.Row) -> None:
    """Skips where the row speaks of another backend or version than the one that is here."""
    for module in ("keras", "tensorflow") if row.framework == "tensorflow" else (row.framework, backend()):
        pytest.importorskip(module)
    subject = registry.subjects(row.framework)[0]
    here = subject.framework.version()
    claim, target, dtype = row.claim, row.subject, (row.dtypes or ("float32",))[0]
    if not row.foresees(claim, target, here, dtype):
        pytest.skip(f"speaks of {row.versions} {row.backend}, and here is {here}")


@pytest.mark.parametrize(
    "row",
    [one for r in deviations.rows() if r.framework in ("keras", "tensorflow") for one in r.each()],
    ids=lambda r: f"{r.id}-{r.subject}",
)
def test_the_measured_value_is_seen_again(row: deviations.Row) -> None:
    """In one case at least a second measurement confirmed the deviation, with the number written in the table."""
    _here(row)
    dtype = (row.dtypes or ("float32",))[0]
    met = (v for v in _verdicts(row.claim, row.subject, dtype) if v.deviation and v.deviation.id == row.id)
    if row.statistics == "drawn" or row.id in MARGINAL:
        pytest.skip("met by chance: not with every salt")
    if not row.ratio:
        assert next(met, None), row.id
        return
    foreseen = (math.inf if v.deviation.ratio is None else v.deviation.ratio for v in met if v.deviation)
    assert any(math.isclose(ratio, row.measured, rel_tol=0.01) for ratio in foreseen), row.id


def test_the_version_names_the_backend() -> None:
    pytest.importorskip("keras")
    public, _, local = version().partition("+")
    assert public[:2] == "3."
    assert local == backend()


def test_an_initialiser_draws_the_same_whether_the_shape_of_its_weight_is_known_or_not() -> None:
    pytest.importorskip("keras")
    row = registry.named("keras.initializers.GlorotUniform")
    assert isinstance(row, Sampler)
    case = {"layer": "linear", "in_channels": 37, "out_channels": 5, "kernel_size": 1, "stride": 1, "groups": 1}
    first, again = ([x[""].tolist() for x in row.draws(case, "float32", "cpu", 7, 2)] for _ in range(2))
    assert first == again


def test_seeds_alone_decide_the_draws() -> None:
    pytest.importorskip("keras")
    (dense,) = registry.select(["keras.layers.Dense"])
    assert isinstance(dense, Sampler)
    case = {"in_features": 4, "out_features": 3}
    first, again, other = (
        [instance["kernel"].tolist() for instance in dense.draws(case, "float32", "cpu", seed, 2)] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first[0] != first[1]


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_labels_above_256_are_rounded_by_a_loss_in_bfloat16() -> None:
    """999 becomes 1000, which of 1000 classes is none: an error on torch and TensorFlow, no lawful loss on JAX."""
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    logits, labels = keras.ops.zeros((1, 1000)), keras.ops.convert_to_tensor([999], dtype="int32")
    if backend() != "jax":
        with pytest.raises(Exception, match="1000"):  # torch's IndexError, TensorFlow's InvalidArgumentError
            loss(labels, logits)
    else:
        assert not math.isclose(float(loss(labels, logits)), math.log(1000), rel_tol=0.05)


def test_a_stack_of_keras_layers_counts_the_fans_of_each() -> None:
    keras = pytest.importorskip("keras")

    def build() -> Any:
        return keras.Sequential(
            [
                keras.Input((9, 9, 8)),
                keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(24),
            ]
        )

    names = ["conv2d.kernel", "dense.kernel"]
    assert all(set(names) <= set(tensors_of(build())) for _ in range(2))
    row = layer("mine.stack", build, dict.fromkeys(names, "he_normal(fan_in)"))
    assert [t.measure({}) for t in row.tensors if t.measure] == [(72, 36), (256, 24)]
