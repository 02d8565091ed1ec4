"""Norms against the definition in float64 on the rounded input, with bounds that follow from the dtype."""

import math

import numpy as np
import pytest

from ..each import each

EPS = 1e-5
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def defined(x, axes, eps=EPS, centred=True):
    """(x - mean) / sqrt(variance + eps) over axes in long double."""
    x = x.astype(np.longdouble)
    if centred:
        x = x - x.mean(axis=axes, keepdims=True)
        x = x - x.mean(axis=axes, keepdims=True)  # what rounding left of a large mean
    return x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)


NORMS = {
    "layer": (lambda b, x, **k: b.layer_norm(x, **k), lambda x: defined(x, -1)),
    "layer over two axes": (lambda b, x, **k: b.layer_norm(x, (1, 2), **k), lambda x: defined(x, (1, 2))),
    "layer over the first axis": (lambda b, x, **k: b.layer_norm(x, 0, **k), lambda x: defined(x, 0)),
    "rms": (lambda b, x, **k: b.rms_norm(x, **k), lambda x: defined(x, -1, centred=False)),
    "batch": (lambda b, x, **k: b.batch_norm(x, **k), lambda x: defined(x, (0, 2))),
    "group": (
        lambda b, x, **k: b.group_norm(x, 3, **k),
        lambda x: defined(x.reshape(x.shape[0], 3, -1), -1).reshape(x.shape),
    ),
    "instance": (lambda b, x, **k: b.instance_norm(x, **k), lambda x: defined(x, -1)),
}


@pytest.fixture(params=NORMS.values(), ids=NORMS.keys())
def norm(request):
    return request.param


def drawn(shape, offset=0.0, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape) + offset


def spread(x):
    """The largest normalised value, by which rounding errors of a result are measured."""
    return math.sqrt(x.size)


@each("offset", [0.0, 100.0, 3e3, 1e6])
@each("shape", [(4, 6, 5), (1, 3, 300), (64, 6, 1)])
def test_definition_holds_whatever_the_mean(backend, norm, dtype, shape, offset):
    compute, law = norm
    x = backend.make(drawn(shape, min(offset, 3e4) if dtype == "float16" else offset), dtype)
    rounded = backend.wide(x)
    got, wanted = backend.wide(compute(backend, x)), law(rounded)
    working = UNIT["float64" if dtype == "float64" else "float32"]
    # two roundings of the result, and sums of up to 2000 terms in the working dtype
    bound = (2 * UNIT[dtype] + 64 * working) * np.maximum(1, np.abs(wanted))
    assert np.all(np.abs(got - wanted) <= bound)


def test_constant_input_gives_exactly_beta(backend, dtype):
    for value in (3.3, 100.1, 1e4, 1e6 if dtype != "float16" else 6e4, -0.1, 0.0):
        x = backend.make(np.full((3, 6, 700), value), dtype)
        beta = backend.make(np.linspace(-1, 1, 6), dtype)
        wanted = np.broadcast_to(backend.wide(beta)[:, None], (3, 6, 700))
        for eps in (EPS, 0.0):
            assert np.array_equal(backend.wide(backend.batch_norm(x, beta=beta, eps=eps)), wanted)
            assert np.array_equal(backend.wide(backend.group_norm(x, 2, beta=beta, eps=eps)), wanted)
            assert np.array_equal(backend.wide(backend.instance_norm(x, beta=beta, eps=eps)), wanted)
            assert not backend.wide(backend.layer_norm(x, eps=eps)).any()


def test_float16_does_not_overflow(backend):
    x = backend.make(np.array([[60000.0, -60000.0, 60000.0, -60000.0]]), "float16")
    for compute in (backend.layer_norm, backend.rms_norm):
        assert np.array_equal(backend.wide(compute(x)), [[1.0, -1.0, 1.0, -1.0]])


def test_long_rows_keep_their_digits(backend):
    x = backend.make(drawn((1, 66_000), 1e4), "float32")
    got, wanted = backend.wide(backend.layer_norm(x)), defined(backend.wide(x), -1)
    assert np.max(np.abs(got - wanted)) <= 64 * 2.0**-24 * np.max(np.abs(wanted))


@pytest.mark.parametrize("length", [3, 256, 1000, 4096, 66_000])
def test_rms_norm_of_a_constant_row_is_its_sign(backend, length):
    """Sums of equal squares round all the same way: a plain float32 sum of 4096 of them is off in the sixth digit."""
    for value in (3.3, -100.1, 1e4, 0.1):
        found = backend.wide(backend.rms_norm(backend.make(np.full((2, length), value), "float32"), eps=1e-12))
        assert np.max(np.abs(found - math.copysign(1, value))) <= 8 * 2.0**-24


def test_affine_is_per_channel_or_per_feature(backend, dtype):
    x = backend.make(drawn((4, 6, 5)), "float64")
    gamma, beta = backend.make(np.arange(1.0, 7), dtype), backend.make(np.arange(6.0), dtype)
    column = (np.arange(1.0, 7)[:, None], np.arange(6.0)[:, None])
    for compute in (
        lambda **k: backend.batch_norm(x, **k),
        lambda **k: backend.group_norm(x, 3, **k),
        lambda **k: backend.instance_norm(x, **k),
        lambda **k: backend.layer_norm(x, 1, **k),
    ):
        plain, scaled = backend.wide(compute()), backend.wide(compute(gamma=gamma, beta=beta))
        np.testing.assert_array_max_ulp(scaled, plain * column[0] + column[1], maxulp=64)


def test_layer_norm_affine_of_two_axes(backend):
    x = backend.make(drawn((4, 6, 5)), "float64")
    gamma = backend.make(drawn((6, 5), seed=1), "float64")
    scaled = backend.wide(backend.layer_norm(x, (1, 2), gamma))
    plain = backend.wide(backend.layer_norm(x, (1, 2)))
    np.testing.assert_array_max_ulp(scaled, plain * backend.wide(gamma), maxulp=4)


def test_strides_of_the_input_do_not_matter(backend, norm, dtype):
    compute, _ = norm
    values = drawn((5, 6, 8))
    plain = compute(backend, backend.make(values[:, :, ::2], dtype))
    strided = compute(backend, backend.make(values, dtype)[:, :, ::2])
    assert np.array_equal(backend.wide(plain), backend.wide(strided))


def test_result_keeps_shape_and_dtype_and_input_keeps_its_values(backend, norm, dtype):
    compute, _ = norm
    values = drawn((5, 6, 4))
    x = backend.make(values, dtype)
    before = backend.wide(x).copy()
    result = compute(backend, x)
    assert result.shape == x.shape
    assert result.dtype == x.dtype
    assert np.array_equal(backend.wide(x), before)


def test_empty_batch(backend):
    x = backend.make(np.zeros((0, 4)), "float32")
    assert tuple(backend.layer_norm(x).shape) == (0, 4)
    assert tuple(backend.group_norm(x, 2).shape) == (0, 4)


def test_one_value_per_group_gives_beta(backend):
    x = backend.make([[3.0, 4.0]], "float32")
    assert not backend.wide(backend.batch_norm(x)).any()
    assert not backend.wide(backend.group_norm(x, 2)).any()


def test_running_statistics_follow_the_stated_convention(backend):
    values = drawn((7, 3, 5), 2.0)
    mean, var = backend.make(np.zeros(3), "float64"), backend.make(np.ones(3), "float64")
    backend.batch_norm(backend.make(values, "float64"), mean, var, momentum=0.25)
    batch_mean = values.mean(axis=(0, 2))
    batch_var = values.var(axis=(0, 2), ddof=1)
    np.testing.assert_array_max_ulp(backend.wide(mean), 0.25 * batch_mean, maxulp=16)
    np.testing.assert_array_max_ulp(backend.wide(var), 0.75 + 0.25 * batch_var, maxulp=16)


def test_evaluation_uses_the_running_statistics_and_leaves_them(backend, dtype):
    x = backend.make(drawn((7, 3, 5)), dtype)
    mean, var = backend.make([1.0, 2.0, 3.0], "float32"), backend.make([4.0, 0.25, 1.0], "float32")
    got = backend.wide(backend.batch_norm(x, mean, var, training=False, eps=0.0))
    wanted = (backend.wide(x) - np.array([1.0, 2.0, 3.0])[:, None]) / np.array([2.0, 0.5, 1.0])[:, None]
    assert np.all(np.abs(got - wanted) <= 4 * max(UNIT[dtype], 0 if dtype == "float64" else 2.0**-24) * 8)
    assert np.array_equal(backend.wide(mean), [1.0, 2.0, 3.0])


def test_matches_torch_functional(norm):
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    F = torch.nn.functional
    x = torch.tensor(drawn((4, 6, 5)))
    gamma, beta = torch.tensor(drawn((6,))), torch.tensor(drawn((6,), seed=1))
    pairs = [
        (ours.batch_norm(x, gamma=gamma, beta=beta), F.batch_norm(x, None, None, gamma, beta, training=True)),
        (ours.group_norm(x, 3, gamma, beta), F.group_norm(x, 3, gamma, beta)),
        (ours.layer_norm(x), F.layer_norm(x, (5,))),
        (ours.rms_norm(x), F.rms_norm(x, (5,), eps=EPS)),
    ]
    for mine, theirs in pairs:
        assert float((mine - theirs).abs().max()) <= 256 * 2.0**-53


ERRORS = {
    "gamma of another size": (ValueError, "gamma.shape", lambda b, x, v: b.layer_norm(x, gamma=v)),
    "beta of another size": (ValueError, "beta.shape", lambda b, x, v: b.batch_norm(x, beta=v)),
    "running mean of another size": (ValueError, "running_mean.shape", lambda b, x, v: b.batch_norm(x, v, v)),
    "no running statistics": (ValueError, "running_mean", lambda b, x, v: b.batch_norm(x, training=False)),
    "negative eps": (ValueError, "eps=-1.0", lambda b, x, v: b.layer_norm(x, eps=-1.0)),
    "NaN eps": (ValueError, "eps=nan", lambda b, x, v: b.rms_norm(x, eps=math.nan)),
    "axis out of range": (ValueError, "axes=5", lambda b, x, v: b.layer_norm(x, 5)),
    "axis twice": (ValueError, "axes=", lambda b, x, v: b.layer_norm(x, (1, -1))),
    "no axis": (ValueError, "axes=", lambda b, x, v: b.layer_norm(x, ())),
    "axis of no kind": (TypeError, "axes=", lambda b, x, v: b.layer_norm(x, "last")),
    "groups do not divide": (ValueError, "groups=3", lambda b, x, v: b.group_norm(x, 3)),
    "zero groups": (ValueError, "groups=0", lambda b, x, v: b.group_norm(x, 0)),
    "vector for channels": (ValueError, "x.shape", lambda b, x, v: b.group_norm(v, 1)),
    "no array": (TypeError, "x=", lambda b, x, v: b.layer_norm([1.0])),
    "negative momentum": (ValueError, "momentum", lambda b, x, v: b.batch_norm(x, momentum=-0.1)),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, case):
    kind, words, call = case
    with pytest.raises(kind, match=words) as caught:
        call(backend, backend.make(drawn((2, 4)), "float32"), backend.make(drawn((3,)), "float32"))
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)


def test_integers_scalars_and_empty_groups_are_refused(backend):
    with pytest.raises(TypeError, match="dtype="):
        backend.layer_norm(np.arange(4) if backend.name == "numpy" else pytest.importorskip("torch").arange(4))
    with pytest.raises(ValueError, match="1 axis"):
        backend.layer_norm(backend.make(1.0, "float32"))
    with pytest.raises(ValueError, match="at least one value"):
        backend.layer_norm(backend.make(np.zeros((3, 0)), "float32"))
    with pytest.raises(ValueError, match="more than one value"):
        backend.batch_norm(
            backend.make([[1.0]], "float32"), backend.make([0.0], "float32"), backend.make([1.0], "float32")
        )


@pytest.mark.parametrize(("kind", "size"), [("float64", 1e200), ("float32", 1e30), ("bfloat16", 1e30)])
def test_squares_may_exceed_the_range(backend, kind, size):
    """Rows of 1e200 are normalised as rows of 1 are: eps is then nothing. Their neighbours notice nothing."""
    row = np.array([3.0, -1.0, 1.0, 1.0])
    x = backend.make([size * row, row], kind)
    for compute, centred in ((backend.layer_norm, True), (backend.rms_norm, False)):
        wanted = defined(np.stack([row, row]), -1, np.array([[0], [EPS]]), centred)
        assert np.max(np.abs(backend.wide(compute(x)) - wanted)) < 8 * UNIT[kind]
