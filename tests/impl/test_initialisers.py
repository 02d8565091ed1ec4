"""Initialisers: the scale follows from the layer, checked draw by draw against the unscaled draw of the same seed."""

import math

import numpy as np
import pytest

from varlaw.impl.fans import LAYOUTS, Fans, fan_of, fans
from varlaw.theory import layouts

from ..each import each

NAMED = {
    "glorot_uniform": ("uniform", 1.0, "fan_avg"),
    "glorot_normal": ("normal", 1.0, "fan_avg"),
    "he_uniform": ("uniform", math.sqrt(2), "fan_in"),
    "he_normal": ("normal", math.sqrt(2), "fan_in"),
    "lecun_uniform": ("uniform", 1.0, "fan_in"),
    "lecun_normal": ("normal", 1.0, "fan_in"),
}

FANS = [
    ((64, 32), {}, (32, 64)),
    ((64, 32), {"layout": "dense"}, (32, 64)),
    ((64, 32), {"layout": "(in, out)"}, (64, 32)),
    ((64, 32, 3), {"layout": "conv"}, (96, 192)),
    ((64, 32, 3, 5), {}, (480, 960)),
    ((64, 4, 3, 3), {"groups": 8}, (36, 72)),
    ((64, 32, 3, 3), {"stride": 2}, (288, 144)),
    ((64, 32, 3, 3), {"stride": (2, 1)}, (288, 288)),
    ((32, 64, 4, 4), {"layout": "conv_transpose", "stride": 2}, (128, 1024)),
    ((32, 8, 3), {"layout": "conv_transpose", "groups": 4}, (24, 24)),
    ((32, 1, 3, 3), {"layout": "depthwise"}, (9, 9)),
    ((64, 1, 3, 3), {"layout": "depthwise", "groups": 32, "stride": 2}, (9, 4.5)),
    ((1000, 16), {"layout": "embedding"}, (1, 16)),
    ((48, 16), {"layout": "packed_qkv"}, (16, 16)),
    ((8, 64, 32), {"layout": "experts"}, (32, 64)),
    ((2, 8, 64, 32), {"layout": "experts"}, (32, 64)),
    ((8, 64, 32), {"layout": "(experts, in, out)"}, (64, 32)),
    ((2, 8, 64, 32), {"layout": "(experts, in, out)"}, (64, 32)),
    ((1, 196, 16), {"layout": "embedding"}, (1, 16)),
    ((16,), {"layout": "embedding"}, (1, 16)),
    ((2, 3, 4), {"layout": "bilinear"}, (12, 8)),
]


@pytest.mark.parametrize(("shape", "given", "expected"), FANS)
def test_fans(shape, given, expected):
    assert fans(shape, **given) == expected


def test_every_layout_has_a_case():
    assert {given.get("layout", "dense" if len(shape) == 2 else "conv") for shape, given, _ in FANS} == set(LAYOUTS)


MEASURED = (None, "dense", "conv", "conv_transpose", "depthwise")
LINEAR = [case for case in FANS if case[1].get("layout") in MEASURED]


@pytest.mark.parametrize(("shape", "given", "expected"), LINEAR)
def test_fans_are_those_that_the_torch_layer_measures(shape, given, expected):
    """Every weight 1 on an input of ones gives the taps per output; ones sent back give the taps per input."""
    torch = pytest.importorskip("torch")
    layout = given.get("layout", "dense" if len(shape) == 2 else "conv")
    groups, stride = given.get("groups", shape[0] if layout == "depthwise" else 1), given.get("stride", 1)
    weight = torch.ones(shape, dtype=torch.float64)
    if layout == "dense":
        x = torch.ones(1, shape[1], dtype=torch.float64, requires_grad=True)
        y = torch.nn.functional.linear(x, weight)
    else:
        rank, channels = len(shape) - 2, shape[0] if layout == "conv_transpose" else shape[1] * groups
        kind = "conv_transpose" if layout == "conv_transpose" else "conv"
        x = torch.ones(1, channels, *(24,) * rank, dtype=torch.float64, requires_grad=True)
        y = getattr(torch.nn.functional, f"{kind}{rank}d")(x, weight, stride=stride, groups=groups)
    y.sum().backward()
    middle = (slice(None), slice(None)) + (slice(8, 16),) * (x.ndim - 2)
    grad = x.grad[middle]
    assert float(grad.mean()) == pytest.approx(expected[1], rel=1e-12)
    centre = tuple(n // 2 for n in y.shape[2:])
    assert float(y[(0, 0, *centre)].detach()) == pytest.approx(expected[0], rel=1e-12)


IN_THEORY = {
    "dense": "torch.linear",
    "(in, out)": "transformers.conv1d",
    "conv": "torch.conv{taps}d",
    "conv_transpose": "torch.conv_transpose{taps}d",
    "depthwise": "torch.conv{taps}d",
    "bilinear": "torch.bilinear",
    "embedding": "torch.embedding",
    "packed_qkv": "torch.packed_qkv",
    "experts": "torch.experts",
    "(experts, in, out)": "torch.experts_in_out",
}


@pytest.mark.parametrize(("shape", "given", "expected"), FANS)
def test_fans_are_those_of_theory(shape, given, expected):
    """Two tables, written apart; theory keeps one axis of a stack, and knows no lookup without an axis of entries."""
    layout = given.get("layout", "dense" if len(shape) == 2 else "conv")
    name, groups = IN_THEORY[layout].format(taps=len(shape) - 2), given.get("groups", 1)
    if layout in ("experts", "(experts, in, out)"):
        shape = (math.prod(shape[:-2]), *shape[-2:])
    if layout == "embedding":
        shape = (math.prod(shape[:-1]), shape[-1])
    if layout == "depthwise":
        groups = given.get("groups", shape[0])
    assert layouts.fans(name, shape, groups=groups, stride=given.get("stride", 1)) == expected


@pytest.mark.parametrize("name", NAMED)
@each("shape given expected", FANS)
def test_named_initialisers_scale_the_plain_draw(backend, name, shape, given, expected):
    law, gain, mode = NAMED[name]
    std = gain / math.sqrt(fan_of(mode, Fans(*expected), "test"))
    scale = std * math.sqrt(3) if law == "uniform" else std
    drawn = getattr(backend, name)(shape, seed=11, dtype="float64", **given)
    plain = getattr(backend, law)(shape, scale, seed=11, dtype="float64")
    np.testing.assert_array_max_ulp(backend.wide(drawn), backend.wide(plain), maxulp=4)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_mode_and_gain_are_the_callers_to_choose(backend, mode):
    drawn = backend.he_normal((8, 2), seed=1, mode=mode, gain=3.0, dtype="float64")
    std = 3.0 / math.sqrt({"fan_in": 2, "fan_out": 8, "fan_avg": 5}[mode])
    plain = backend.normal((8, 2), std, seed=1, dtype="float64")
    np.testing.assert_array_max_ulp(backend.wide(drawn), backend.wide(plain), maxulp=4)


def test_residual_scaled(backend):
    drawn = backend.wide(backend.residual_scaled((30, 4), 0.02, 12, seed=1, dtype="float64"))
    plain = backend.wide(backend.normal((30, 4), 0.02 / math.sqrt(24), seed=1, dtype="float64"))
    assert np.array_equal(drawn, plain)


@each("shape", [(5, 5), (7, 3), (3, 7), (1, 1), (1, 6), (6, 1), (4, 2, 3), (16, 2, 3)])
@each("gain", [1.0, -0.5, 0.0])
def test_orthogonal_rows_or_columns(backend, dtype, shape, gain):
    q = backend.wide(backend.orthogonal(shape, gain, seed=3, dtype=dtype)).reshape(shape[0], -1)
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    unit = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    bound = 100 * max(q.shape) * unit * gain * gain  # Higham 2002, theorem 19.4, with a generous constant
    assert np.max(np.abs(gram - gain * gain * np.eye(len(gram)))) <= bound


def test_orthogonal_has_no_preferred_sign(backend):
    """P(all 60 signs of Q[0, 0] equal) is 2**-59 for Haar and 1 for plain Householder QR."""
    first = [backend.wide(backend.orthogonal((3, 3), seed=seed))[0, 0] for seed in range(60)]
    assert min(first) < 0 < max(first)


def test_orthogonal_one_by_one_is_a_sign(backend):
    assert {float(backend.wide(backend.orthogonal((1, 1), seed=seed))[0, 0]) for seed in range(60)} == {-1.0, 1.0}


def test_orthogonal_of_nothing_is_nothing(backend):
    assert tuple(backend.orthogonal((0, 3), seed=1).shape) == (0, 3)


@pytest.mark.parametrize("name", [*NAMED, "orthogonal"])
def test_out_is_written_whatever_its_strides(backend, dtype, name):
    fresh = getattr(backend, name)((6, 4), seed=5, dtype=dtype)
    out = backend.make(np.zeros((4, 12)), dtype)[:, ::2].T
    assert getattr(backend, name)((6, 4), seed=5, out=out) is out
    assert np.array_equal(backend.wide(out), backend.wide(fresh))


ERRORS = {
    "a kernel or a stack": (ValueError, "layout=None.*'conv'.*'experts'", lambda b: b.he_normal((8, 48, 64), seed=0)),
    "one axis": (ValueError, "shape=", lambda b: b.he_normal((3,), seed=0)),
    "no axis": (ValueError, "shape=", lambda b: b.he_normal((), seed=0)),
    "six axes": (ValueError, "shape=", lambda b: b.he_normal((1,) * 6, seed=0)),
    "zero fan": (ValueError, "size of zero", lambda b: b.he_normal((3, 0), seed=0)),
    "zero outputs": (ValueError, "size of zero", lambda b: b.glorot_uniform((0, 3), seed=0)),
    "unknown mode": (ValueError, "mode='fan'", lambda b: b.he_normal((3, 3), seed=0, mode="fan")),
    "unknown layout": (ValueError, "layout='hwio'", lambda b: b.he_normal((3, 3), seed=0, layout="hwio")),
    "layout of another rank": (ValueError, "of 2 axes", lambda b: b.he_normal((3, 3, 3), seed=0, layout="dense")),
    "groups do not divide": (ValueError, "groups=2", lambda b: b.he_normal((3, 1, 3), seed=0, groups=2)),
    "groups of a dense layer": (ValueError, "groups", lambda b: b.he_normal((4, 4), seed=0, groups=2)),
    "zero groups": (ValueError, "groups=0", lambda b: b.he_normal((4, 4, 3), seed=0, groups=0)),
    "zero stride": (ValueError, "stride=0", lambda b: b.he_normal((4, 4, 3), seed=0, stride=0)),
    "stride of another rank": (ValueError, "stride=", lambda b: b.he_normal((4, 4, 3), seed=0, stride=(1, 1))),
    "depthwise that is not": (ValueError, "depthwise", lambda b: b.he_normal((4, 2, 3), seed=0, layout="depthwise")),
    "packed that is not": (ValueError, "packed", lambda b: b.he_normal((4, 2), seed=0, layout="packed_qkv")),
    "NaN gain": (ValueError, "gain=nan", lambda b: b.he_normal((4, 4), seed=0, gain=math.nan)),
    "negative gain": (ValueError, "gain=-1.0", lambda b: b.he_normal((4, 4), seed=0, gain=-1)),
    "orthogonal vector": (ValueError, "2 axes", lambda b: b.orthogonal((4,), seed=0)),
    "orthogonal with NaN": (ValueError, "gain=nan", lambda b: b.orthogonal((4, 4), math.nan, seed=0)),
    "no layers": (ValueError, "layers=0", lambda b: b.residual_scaled((4, 4), 0.02, 0, seed=0)),
    "fractional layers": (TypeError, "layers=1.5", lambda b: b.residual_scaled((4, 4), 0.02, 1.5, seed=0)),
    "integer dtype": (TypeError, "dtype=", lambda b: b.orthogonal((4, 4), seed=0, dtype="int64")),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, case):
    kind, words, call = case
    with pytest.raises(kind, match=words) as caught:
        call(backend)
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)


def test_both_backends_have_the_same_names_and_signatures():
    import inspect

    import varlaw.impl.numpy as ours
    import varlaw.impl.torch as theirs

    in_place = {name for name in theirs.__all__ if name.endswith("_")}
    of_models = {"Initialised", "Rule", "initialise"}
    assert set(theirs.__all__) - in_place - of_models == set(ours.__all__)
    for name in ours.__all__:
        if inspect.isfunction(getattr(ours, name)):
            numpy_, torch_ = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
            assert [(p.name, p.kind, p.default) for p in numpy_.parameters.values()] == [
                (p.name, p.kind, p.default) for p in torch_.parameters.values()
            ], name
