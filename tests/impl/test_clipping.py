"""Clipping, law by law: identity, limit, direction, idempotence, range, policies."""

import math

import numpy as np
import pytest

from ..each import each

# relative rounding of one product in each dtype, and of a sum of squares in float64
UNIT = {"float64": 2.0**-47, "float32": 2.0**-23, "float16": 2.0**-10.9, "bfloat16": 2.0**-7.9}
LEAVES = {
    "one entry": [(1,)],
    "a scalar": [()],
    "several leaves": [(3, 4), (7,), (2, 2, 2), ()],
    "a thousand leaves": [(3,)] * 1000,
    "more than a block": [(300, 301)],
    "with an empty leaf": [(0, 3), (5,)],
}


def gradients(backend, shapes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [backend.make(rng.standard_normal(shape), dtype) for shape in shapes]


def norm_of(backend, leaves):
    return math.sqrt(math.fsum(float(np.sum(np.square(backend.wide(leaf)))) for leaf in leaves if leaf is not None))


@pytest.fixture(params=LEAVES.values(), ids=LEAVES.keys())
def shapes(request):
    return request.param


# Norms are summed in float64, but for long float32 leaves on torch: those in float32 blocks, to 4 units of it.
ROUNDING = {"float64": 1e-13, "float32": 2.0**-22, "float16": 1e-13, "bfloat16": 1e-13}


def test_global_norm(backend, dtype, shapes):
    leaves = gradients(backend, shapes, dtype)
    assert float(backend.global_norm(leaves)) == pytest.approx(norm_of(backend, leaves), rel=ROUNDING[dtype])


@each("ratio", [1.0, 1 + 1e-12, 2.0, 1e3, math.inf])
def test_identity_at_and_below_the_limit(backend, dtype, shapes, ratio):
    leaves = gradients(backend, shapes, dtype)
    limit = norm_of(backend, leaves) * ratio
    clipped, norm = backend.clip_by_global_norm(leaves, limit)
    assert float(norm) == pytest.approx(norm_of(backend, leaves), rel=ROUNDING[dtype])
    for before, after in zip(leaves, clipped, strict=True):
        assert np.array_equal(backend.wide(before), backend.wide(after))


@each("ratio", [0.98, 0.5, 0.02, 1e-3])
def test_limit_direction_and_idempotence_above_it(backend, dtype, shapes, ratio):
    leaves = gradients(backend, shapes, dtype)
    before = [backend.wide(leaf).copy() for leaf in leaves]
    limit = norm_of(backend, leaves) * ratio
    clipped, norm = backend.clip_by_global_norm(leaves, limit)
    assert float(norm) == pytest.approx(norm_of(backend, leaves), rel=ROUNDING[dtype])
    assert norm_of(backend, clipped) == pytest.approx(limit, rel=UNIT[dtype])
    for old, kept, new in zip(before, leaves, clipped, strict=True):
        assert np.array_equal(old, backend.wide(kept))
        subnormal = 2.0**-25 if dtype == "float16" else 0.0
        assert np.all(np.abs(backend.wide(new) - old * ratio) <= UNIT[dtype] * np.abs(old * ratio) + subnormal)
    again, _ = backend.clip_by_global_norm(clipped, limit)
    for once, twice in zip(clipped, again, strict=True):
        assert np.array_equal(backend.wide(once), backend.wide(twice))


def test_idempotent_over_many_limits(backend, dtype):
    leaves = gradients(backend, [(4, 3), (5,)], dtype)
    for limit in np.random.default_rng(3).uniform(0.05, 3.0, 200):
        clipped, _ = backend.clip_by_global_norm(leaves, limit)
        again, _ = backend.clip_by_global_norm(clipped, limit)
        for once, twice in zip(clipped, again, strict=True):
            assert np.array_equal(backend.wide(once), backend.wide(twice))


RANGES = [
    ("float64", 1e200), ("float64", 1e308), ("float64", 1e-200), ("float64", 1e-320),
    ("float32", 1e30), ("float32", 3e38), ("float32", 1e-30), ("float32", 1e-44),
    ("bfloat16", 1e30), ("bfloat16", 1e-30), ("float16", 60000.0), ("float16", 1e-7),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "size"), RANGES)
def test_no_overflow_and_no_underflow(backend, dtype, size):
    leaves = [backend.make(np.full(9, size), dtype)]
    entry = float(backend.wide(leaves[0])[0])
    norm = float(backend.global_norm(leaves))
    assert norm == pytest.approx(3 * entry, rel=1e-13) or (math.isinf(norm) and math.isinf(3 * entry))
    for limit in (1e-3, 1.0, 1e3):
        clipped, _ = backend.clip_by_global_norm(leaves, limit)
        entries = backend.wide(clipped[0])
        wanted = min(limit / 3, entry)
        assert np.all(np.abs(entries - wanted) <= UNIT[dtype] * wanted)


@pytest.mark.parametrize("limit", [1e-8, 1e-12, 1e-30])
def test_no_epsilon_for_tiny_limits(backend, limit):
    leaves = [backend.make([limit / 2], "float64")]
    assert backend.wide(backend.clip_by_global_norm(leaves, limit)[0][0])[0] == limit / 2
    leaves = [backend.make([3 * limit, 4 * limit], "float64")]
    assert norm_of(backend, backend.clip_by_global_norm(leaves, limit)[0]) == pytest.approx(limit, rel=1e-13)


def test_grouping_does_not_matter(backend):
    whole = np.random.default_rng(1).standard_normal(60)
    together, _ = backend.clip_by_global_norm([backend.make(whole, "float64")], 0.7)
    apart, _ = backend.clip_by_global_norm([backend.make(part, "float64") for part in np.split(whole, 12)], 0.7)
    joined = np.concatenate([backend.wide(leaf) for leaf in apart])
    np.testing.assert_array_max_ulp(backend.wide(together[0]), joined, maxulp=8)


def test_mixed_dtypes_are_one_vector(backend):
    leaves = [backend.make([3.0], "float64"), backend.make([4.0], "bfloat16"), backend.make([12.0], "float32")]
    clipped, norm = backend.clip_by_global_norm(leaves, 6.5)
    assert float(norm) == 13.0
    assert [backend.wide(leaf)[0] for leaf in clipped] == [1.5, 2.0, 6.0]
    assert [leaf.dtype for leaf in clipped] == [leaf.dtype for leaf in leaves]


def test_a_gradient_that_occurs_twice_counts_once(backend):
    leaf = backend.make([3.0, 4.0], "float64")
    clipped, norm = backend.clip_by_global_norm([leaf, None, leaf], 1.0)
    assert float(norm) == 5.0
    assert clipped[1] is None
    assert clipped[0] is clipped[2]
    assert float(backend.global_norm([leaf, leaf])) == 5.0


def test_no_gradient_at_all_has_norm_zero(backend):
    clipped, norm = backend.clip_by_global_norm([None, None], 1.0)
    assert clipped == [None, None]
    assert float(norm) == 0.0


def test_zero_gradients_and_zero_limit(backend, dtype):
    zeros = [backend.make(np.zeros(3), dtype)]
    assert not backend.wide(backend.clip_by_global_norm(zeros, 0.0)[0][0]).any()
    some = [backend.make(np.ones(3), dtype)]
    assert not backend.wide(backend.clip_by_global_norm(some, 0.0)[0][0]).any()


BAD = [math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("bad", BAD)
def test_nonfinite_raise(backend, dtype, bad):
    leaves = [backend.make([1.0], dtype), backend.make([2.0, bad], dtype)]
    with pytest.raises(ValueError, match=r"grads\[1\]"):
        backend.clip_by_global_norm(leaves, 1.0)
    with pytest.raises(ValueError, match=r"grads\[1\]"):
        backend.clip_per_parameter(leaves, 1.0)


@pytest.mark.parametrize("bad", BAD)
def test_nonfinite_zero(backend, dtype, bad):
    leaves = [backend.make([3.0], dtype), backend.make([4.0, bad], dtype)]
    clipped, norm = backend.clip_by_global_norm(leaves, 2.5, nonfinite="zero")
    assert float(norm) == 5.0
    assert backend.wide(clipped[0]).tolist() == [1.5]
    assert backend.wide(clipped[1]).tolist() == [2.0, 0.0]
    assert not np.isfinite(backend.wide(leaves[1])[1])


@pytest.mark.parametrize("bad", BAD)
def test_nonfinite_skip(backend, dtype, bad):
    leaves = [backend.make([3.0], dtype), backend.make([4.0, bad], dtype)]
    clipped, norm = backend.clip_by_global_norm(leaves, 2.5, nonfinite="skip")
    assert not math.isfinite(float(norm))
    for before, after in zip(leaves, clipped, strict=True):
        assert np.array_equal(backend.wide(before), backend.wide(after), equal_nan=True)


def test_by_value_is_a_projection_on_the_box(backend, dtype):
    values = np.array([-3.0, -0.5, 0.25, 1.0, 7.0, math.inf, -math.inf, math.nan])
    (clipped,) = backend.clip_by_value([backend.make(values, dtype)], 1.0)
    assert np.array_equal(backend.wide(clipped), [-1.0, -0.5, 0.25, 1.0, 1.0, 1.0, -1.0, math.nan], equal_nan=True)
    (again,) = backend.clip_by_value([clipped], 1.0)
    assert np.array_equal(backend.wide(again), backend.wide(clipped), equal_nan=True)
    (free,) = backend.clip_by_value([backend.make(values[:5], dtype)], 1e6)
    assert np.array_equal(backend.wide(free), values[:5])


def test_per_parameter_is_a_projection_on_each_ball(backend, dtype):
    leaves = [backend.make([3.0, 4.0], dtype), None, backend.make([0.5], dtype)]
    clipped, norms = backend.clip_per_parameter(leaves, 2.5)
    assert [float(norm) for norm in norms] == [5.0, 0.0, 0.5]
    assert backend.wide(clipped[0]).tolist() == [1.5, 2.0]
    assert clipped[1] is None
    assert np.array_equal(backend.wide(clipped[2]), [0.5])


def test_adaptive_limits_each_unit_by_its_weights(backend):
    grads = backend.make([[3.0, 4.0], [0.03, 0.04], [3.0, 4.0]], "float64")
    weights = backend.make([[6.0, 8.0], [6.0, 8.0], [0.0, 0.0]], "float64")
    (clipped,) = backend.clip_adaptive([grads], [weights], 0.1)
    wanted = np.array([[0.6, 0.8], [0.03, 0.04], [6e-5, 8e-5]])
    np.testing.assert_array_max_ulp(backend.wide(clipped), wanted, maxulp=4)
    (again,) = backend.clip_adaptive([clipped], [weights], 0.1)
    assert np.array_equal(backend.wide(again), backend.wide(clipped))


UNITS = {  # the axes that number the units of a (2, 3, 4) weight
    None: (0,), "conv": (0,), "bilinear": (0,), "conv_transpose": (1,), "depthwise": (0,),
    "experts": (0, 1), "(experts, in, out)": (0, 2), "embedding": (0, 1),
}  # fmt: skip


def test_adaptive_units_follow_the_layout(backend):
    weights = np.ones((2, 3, 4))
    grads = np.random.default_rng(5).standard_normal(weights.shape) + 3
    for layout, kept in UNITS.items():
        axes = tuple({0, 1, 2} - set(kept))
        wanted = grads * 0.5 * np.sqrt(np.sum(weights, axes, keepdims=True) / np.sum(grads**2, axes, keepdims=True))
        given = (backend.make(values, "float64") for values in (grads, weights))
        (clipped,) = backend.clip_adaptive(*([leaf] for leaf in given), 0.5, layout=layout)
        np.testing.assert_array_max_ulp(backend.wide(clipped), wanted, maxulp=8)
    (bias,) = backend.clip_adaptive([backend.make([3.0, 4.0], "float64")], [backend.make([6.0, 8.0], "float64")], 0.1)
    np.testing.assert_array_max_ulp(backend.wide(bias), np.array([0.6, 0.8]), maxulp=4)


ERRORS = {
    "negative limit": (ValueError, "limit=-1.0", lambda b, g: b.clip_by_global_norm([g], -1.0)),
    "NaN limit": (ValueError, "limit=nan", lambda b, g: b.clip_by_global_norm([g], math.nan)),
    "negative value": (ValueError, "limit=-1.0", lambda b, g: b.clip_by_value([g], -1.0)),
    "negative per parameter": (ValueError, "limit=-1.0", lambda b, g: b.clip_per_parameter([g], -1.0)),
    "limit as text": (TypeError, "limit='1'", lambda b, g: b.clip_by_value([g], "1")),
    "no gradients": (ValueError, r"grads=\[\]", lambda b, g: b.clip_by_global_norm([], 1.0)),
    "no gradients for a norm": (ValueError, r"grads=\[\]", lambda b, g: b.global_norm([])),
    "one array": (TypeError, "a sequence of", lambda b, g: b.clip_by_global_norm(g, 1.0)),
    "a number": (TypeError, r"grads\[0\]", lambda b, g: b.clip_by_global_norm([1.0], 1.0)),
    "unknown policy": (ValueError, "nonfinite='drop'", lambda b, g: b.clip_by_global_norm([g], 1.0, nonfinite="drop")),
    "negative ratio": (ValueError, "ratio=-1.0", lambda b, g: b.clip_adaptive([g], [g], -1.0)),
    "NaN floor": (ValueError, "floor=nan", lambda b, g: b.clip_adaptive([g], [g], floor=math.nan)),
    "fewer parameters": (ValueError, r"len\(parameters\)", lambda b, g: b.clip_adaptive([g, g], [g])),
    "parameter of another shape": (
        ValueError,
        r"parameters\[0\].shape",
        lambda b, g: b.clip_adaptive([g], [b.make([1.0], "float32")]),
    ),
    "unknown layout": (ValueError, "layout='oihw'", lambda b, g: b.clip_adaptive([g], [g], layout="oihw")),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, case):
    kind, words, call = case
    with pytest.raises(kind, match=words) as caught:
        call(backend, backend.make([1.0, 2.0], "float32"))
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)


def test_integer_gradients_are_refused(backend):
    whole = np.arange(3) if backend.name == "numpy" else pytest.importorskip("torch").arange(3)
    with pytest.raises(TypeError, match="dtype="):
        backend.clip_by_global_norm([whole], 1.0)


@pytest.mark.parametrize("policy", ["raise", "zero", "skip"])
def test_in_place_variants_do_as_the_others(dtype, policy):
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    values = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    if policy != "raise":
        values[1, 2] = math.nan
    for clip, clip_ in (
        (ours.clip_by_global_norm, ours.clip_by_global_norm_),
        (ours.clip_per_parameter, ours.clip_per_parameter_),
    ):
        strided = values.clone().t()
        (wanted,), _ = clip([strided], 0.5, nonfinite=policy)
        clip_([strided, None, strided], 0.5, nonfinite=policy)
        assert torch.equal(strided.isnan(), wanted.isnan())
        assert torch.equal(strided.nan_to_num(), wanted.nan_to_num())
    (wanted,) = ours.clip_by_value([values], 0.5)
    ours.clip_by_value_([values], 0.5)
    assert torch.equal(values.nan_to_num(), wanted.nan_to_num())


def test_in_place_leaves_everything_whole_when_it_refuses():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    leaves = [torch.tensor([30.0]), torch.tensor([math.nan])]
    for clip_ in (ours.clip_by_global_norm_, ours.clip_per_parameter_):
        with pytest.raises(ValueError, match=r"grads\[1\]"):
            clip_(leaves, 1.0)
        assert leaves[0].item() == 30.0
