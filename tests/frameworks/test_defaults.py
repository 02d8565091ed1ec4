"""What a constructor chooses: eps is measured on the layer itself, for the defaults that baselines record."""

import warnings

import pytest

from varlaw.evidence.streams import Key
from varlaw.identify.baseline.facts import measured
from varlaw.subjects.registry import named

# As each documentation states them.
DEFAULT_EPS = {
    "torch.nn.LayerNorm.forward": 1e-5,
    "flax.linen.LayerNorm.__call__": 1e-6,
    "equinox.nn.LayerNorm.__call__": 1e-5,
    "haiku.LayerNorm.__call__": 1e-5,
    "jax.nn.standardize": 1e-5,
    "keras.layers.BatchNormalization.call": 1e-3,
    "keras.ops.layer_normalization": 1e-7,
    "tensorflow.compat.v1.nn.fused_batch_norm": 1e-3,
    "mlx.nn.LayerNorm.forward": 1e-5,
    "paddle.nn.BatchNorm1D.forward": 1e-5,
    "tinygrad.nn.LayerNorm.forward": 1e-5,
}


@pytest.mark.parametrize("name", DEFAULT_EPS)
def test_the_eps_that_a_constructor_chooses_is_measured(name: str) -> None:
    pytest.importorskip(name.partition(".")[0])
    row = named(name)
    assert row
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {fact.name: fact.value for fact in measured(row, Key("test", name))}
    eps = DEFAULT_EPS[name]
    assert f"{float(found['default.eps']):.1e}" == f"{eps:.1e}"  # a default has one digit; two are recorded
