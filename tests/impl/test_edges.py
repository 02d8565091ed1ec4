"""The ends of every range: the largest and smallest numbers, odd memory, and arguments of the wrong kind."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest

from varlaw.impl.arguments import sizes
from varlaw.impl.truncation import cut, unit_std

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
SIZES = {
    "float64": (1.7e308, 1e200, 1e-200, 1e-300),
    "float32": (3e38, 1e20, 1e-20, 1e-25, 1e-38),
    "float16": (6e4, 1e-4),
    "bfloat16": (3e38, 1e20, 1e-25),
}
EDGES = [(dtype, size) for dtype, sizes_ in SIZES.items() for size in sizes_]
DRAWS = ("uniform", "normal", "keyed_uniform", "keyed_normal")


def spread_rows(backend, dtype, size, length=7):
    values = np.random.default_rng(length).uniform(-1, 1, (2, length))
    values[:, 0] = 1
    return backend.make(values * size, dtype)


def standardised(rows, centred):
    rows = rows / np.abs(rows).max()
    rows = rows - rows.mean(axis=1, keepdims=True) if centred else rows
    return rows / np.sqrt(np.mean(rows * rows, axis=1, keepdims=True))


@pytest.mark.parametrize(("dtype", "size"), EDGES)
@pytest.mark.parametrize("length", [7, 5000])
def test_rows_of_any_size_are_normalised(backend, dtype, size, length):
    x = spread_rows(backend, dtype, size, length)
    working = UNIT["float64" if dtype == "float64" else "float32"]
    for norm, centred in ((backend.layer_norm, True), (backend.rms_norm, False)):
        wanted = standardised(backend.wide(x), centred)
        difference = np.abs(backend.wide(norm(x, eps=0.0)) - wanted)
        assert np.all(difference <= (2 * UNIT[dtype] + 64 * working) * np.maximum(1, np.abs(wanted)))


@pytest.mark.parametrize(("dtype", "size"), EDGES)
def test_constant_rows_of_any_size_give_exactly_beta(backend, dtype, size):
    x, beta = backend.make(np.full((3, 6, 50), size), dtype), backend.make(np.linspace(-1, 1, 6), dtype)
    for eps in (1e-5, 0.0):
        found = backend.wide(backend.batch_norm(x, beta=beta, eps=eps))
        assert np.array_equal(found, np.broadcast_to(backend.wide(beta)[:, None], x.shape))
        assert not backend.wide(backend.layer_norm(x, eps=eps)).any()


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e20), ("bfloat16", 1e20), ("float64", 1e150)])
def test_running_variance_of_squares_beyond_the_range(backend, dtype, size):
    """Squares that float32 cannot hold are right in float64 statistics, and infinite, not small, in float32 ones."""
    x = backend.make(np.random.default_rng(0).uniform(-1, 1, (5, 3, 4)) * size, dtype)
    mean, var = backend.make(np.zeros(3), "float64"), backend.make(np.ones(3), "float64")
    backend.batch_norm(x, mean, var, momentum=1.0)
    wanted = backend.wide(x).var(axis=(0, 2), ddof=1)
    assert np.max(np.abs(backend.wide(var) / wanted - 1)) < 1e-6
    narrow = backend.make(np.ones(3), "float32")
    backend.batch_norm(x, None, narrow, momentum=1.0)
    assert np.isinf(backend.wide(narrow)).all()


def test_evaluation_without_variance_gives_beta(backend):
    x, mean = backend.make(np.full((2, 3), 3.0), "float32"), backend.make(np.full(3, 3.0), "float32")
    still = backend.make(np.zeros(3), "float32")
    assert not backend.wide(backend.batch_norm(x, mean, still, training=False, eps=0.0)).any()
    with pytest.raises(ValueError, match="running_var='-1 for a channel"):
        backend.batch_norm(x, mean, backend.make([0.0, -1.0, 1.0], "float32"), training=False)


def test_autograd_gives_a_constant_row_the_gradient_zero():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    x = torch.full((2, 3), 3.0, requires_grad=True)
    ours.layer_norm(x, eps=0.0).sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize(("dtype", "size"), EDGES)
def test_gradients_of_rows_of_any_size(backend, dtype, size):
    """dx of x is dx of x / size, over size."""
    x, grad = spread_rows(backend, dtype, size, 7), backend.make(np.random.default_rng(0).uniform(-1, 1, (2, 7)), dtype)
    for backward in (backend.layer_norm_backward, backend.rms_norm_backward):
        found = backward(grad, x, eps=0.0)
        plain = backward(grad.astype("float64") if backend.name == "numpy" else grad.double(),
                         backend.make(backend.wide(x) / size, "float64"), eps=0.0)  # fmt: skip
        wanted = backend.wide(plain.x) / size
        if np.abs(wanted).max() < float(SIZES[dtype][0]):
            smallest = {"float16": 2.0**-24}.get(dtype, 2.0**-133)
            assert np.max(np.abs(backend.wide(found.x) - wanted)) <= 64 * UNIT[dtype] * np.abs(wanted).max() + smallest
        assert np.max(np.abs(backend.wide(found.gamma) - backend.wide(plain.gamma))) <= 64 * 2.0**-24


@pytest.mark.parametrize("size", [1e300, 1e200, 1e-200, 1e-300])
def test_weight_norm_of_any_size(backend, size):
    v, g = backend.make(np.array([[3.0, 4.0], [1.0, 0.0]]) * size, "float64"), backend.make([10.0, 2.0], "float64")
    np.testing.assert_array_max_ulp(backend.wide(backend.weight_norm(v, g)), np.array([[6.0, 8.0], [2.0, 0.0]]), 4)
    grad = backend.make([[1.0, 1.0], [1.0, 1.0]], "float64")
    by_v, by_g = backend.weight_norm_backward(grad, v, g)
    np.testing.assert_array_max_ulp(backend.wide(by_g), np.array([1.4, 1.0]), 4)
    assert np.allclose(backend.wide(by_v) * size, [[0.32, -0.24], [0.0, 2.0]], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("law", DRAWS)
def test_draws_at_the_top_of_the_range(backend, law, dtype):
    top = {"float64": 1.79e308, "float32": 3.4e38, "float16": 65504.0, "bfloat16": 3.38e38}[dtype]
    where = {"key": 1, "name": "w"} if law.startswith("keyed") else {"seed": 1}
    drawn = backend.wide(getattr(backend, law)(1000, top, dtype=dtype, **where))
    assert not np.isnan(drawn).any()
    assert np.abs(drawn).max() > top / 2
    assert law.endswith("normal") or np.abs(drawn).max() <= top


@pytest.mark.parametrize("law", ["orthogonal", "delta_orthogonal", "identity", "dirac", "gated_orthogonal"])
def test_a_gain_that_the_dtype_cannot_hold_is_refused(backend, law):
    shape = (4, 4, 3) if law in ("delta_orthogonal", "dirac") else (4, 4)
    given = {} if law in ("identity", "dirac") else {"seed": 1}
    given |= {"gates": 2} if law == "gated_orthogonal" else {}
    with pytest.raises(ValueError, match=r"gain=1e\+300, but should be at most"):
        getattr(backend, law)(shape, gain=1e300, **given)


def test_cuts_beyond_the_numbers_are_refused(backend):
    for std, low, high in ((1e308, -math.inf, math.inf), (1e-307, 13.9, 24.6), (5e-296, 4.6e6, math.inf)):
        with pytest.raises(ValueError, match="but should be"):
            cut(std, low, high, std_of="result", bounds="absolute", where="test")
    found = cut(1e-30, 0.0, 1.0, std_of="result", bounds="absolute", where="test")
    assert found.sigma * unit_std(found.low, found.high) == pytest.approx(1e-30, rel=1e-9)
    with pytest.raises(ValueError, match="low, high"):
        backend.truncated_normal(3, 1.0, 1e100, 2e100, std_of="parent", bounds="sigmas", seed=1)


SPREAD = np.array([1e308, 1e-300, 1e-10, -1e200])


@pytest.mark.parametrize("limit", [1e307, 1e300, 1.0])
def test_clipping_keeps_the_smallest_entries_beside_the_largest(backend, limit):
    leaf = backend.make(SPREAD, "float64")
    wanted = SPREAD * np.longdouble(limit / 1e308)
    for clipped in (backend.clip_by_global_norm([leaf], limit)[0], backend.clip_per_parameter([leaf], limit)[0],
                    backend.clip_adaptive([leaf], [backend.make([limit, 0, 0, 0], "float64")], 1.0)):  # fmt: skip
        assert np.all(np.abs(backend.wide(clipped[0]) - wanted) <= 4e-16 * np.abs(wanted) + 2.0**-1073)


def test_norms_that_cannot_be_written_still_clip(backend):
    """Entries of 1.79e308 have a norm of infinity, and yet a direction."""
    leaf, weight = backend.make(np.full((1, 9), 1.79e308), "float64"), backend.make(np.full((1, 9), 1 / 3), "float64")
    clipped, norm = backend.clip_by_global_norm([leaf], 1.0)
    assert math.isinf(float(norm))
    for found in (clipped[0], backend.clip_adaptive([leaf], [weight], 1.0)[0]):
        np.testing.assert_array_max_ulp(backend.wide(found), np.full((1, 9), 1 / 3), 4)


def test_the_largest_float32_clipped_to_a_limit_near_the_smallest(backend):
    leaf = backend.make([3e38, 1e38], "float32")
    (clipped,), norm = backend.clip_by_global_norm([leaf], 1e-30)
    assert np.allclose(backend.wide(clipped), backend.wide(leaf) / float(norm) * 1e-30, rtol=1e-6)


def test_scalars_stay_arrays_and_infinities_become_the_limit(backend, dtype):
    leaf = backend.make(3.0, dtype)
    for clipped in (
        backend.clip_by_value([leaf], 1.0)[0],
        backend.clip_by_global_norm([leaf], 1.0)[0][0],
        backend.clip_per_parameter([leaf], 1.0)[0][0],
        backend.clip_adaptive([leaf], [backend.make(0.5, dtype)], 2.0)[0],
    ):
        assert type(clipped) is type(leaf)
        assert backend.wide(clipped) == 1.0
    (clipped,) = backend.clip_by_value([backend.make([math.inf, -math.inf], dtype)], 1e5)
    assert np.isfinite(backend.wide(clipped)).all()


def test_weights_that_are_not_finite_are_refused(backend):
    weights = [backend.make([[math.nan, 0.0]], "float32")]
    with pytest.raises(ValueError, match=r"parameters\[0\]"):
        backend.clip_adaptive([backend.make([[3.0, 4.0]], "float32")], weights)


def test_other_byte_orders_hold_the_same_values():
    import varlaw.impl.numpy as ours

    for kind in ("f4", "f8", "f2"):
        swapped, plain = np.empty((40, 30), f">{kind}"), np.empty((40, 30), kind)
        for draw in (
            lambda out: ours.normal((40, 30), 1.0, seed=1, out=out),
            lambda out: ours.keyed_uniform((40, 30), 1.0, key=1, name="w", out=out),
            lambda out: ours.orthogonal((40, 30), seed=1, out=out),
        ):
            assert np.array_equal(draw(swapped), draw(plain))
        assert np.array_equal(ours.layer_norm(swapped), ours.layer_norm(plain))


def test_numpy_memory_that_cannot_hold_the_values_is_refused():
    import varlaw.impl.numpy as ours

    overlapping = np.lib.stride_tricks.as_strided(np.zeros(9, np.float32), (4, 6), (4, 4))
    with pytest.raises(ValueError, match=r"out\.strides"):
        ours.normal((4, 6), 1.0, seed=1, out=overlapping)
    fixed = np.ones(2)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=r"running_var\.flags"):
        ours.batch_norm(np.ones((3, 2)), np.zeros(2), fixed)
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((5, 6)))
    assert np.array_equal(ours.layer_norm(x), ours.layer_norm(np.ascontiguousarray(x)))


def test_torch_memory_that_cannot_hold_the_values_is_refused():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    with pytest.raises(ValueError, match="share memory"):
        ours.zeros((4, 6), out=torch.zeros(1).expand(4, 6))
    with pytest.raises(ValueError, match=r"out\.layout"):
        ours.normal((4, 6), 1.0, seed=1, out=torch.zeros(4, 6).to_sparse())
    with torch.inference_mode():
        inference = torch.zeros(4, 6)
    with pytest.raises(ValueError, match="inference mode"):
        ours.normal((4, 6), 1.0, seed=1, out=inference)
    kept = torch.full((3,), 30.0)
    for clip_ in (ours.clip_by_global_norm_, ours.clip_per_parameter_, ours.clip_by_value_):
        with pytest.raises(ValueError, match=r"grads\[1\]\.stride"):
            clip_([kept, torch.ones(1).expand(4)], 1.0)
        with pytest.raises(TypeError, match=r"grads\[1\]\.layout"):
            clip_([kept, torch.ones(3).to_sparse()], 1.0)
    assert bool((kept == 30).all())


def test_a_default_device_that_is_not_the_gradients_own():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    leaf = torch.ones(2**16)
    with torch.device("meta"):
        (clipped,), norm = ours.clip_by_global_norm([leaf], 1.0)
        assert not ours.layer_norm(torch.ones(2, 3, device="cpu")).any()
    assert float(norm) == pytest.approx(256.0, rel=2.0**-22)
    assert float((clipped * 2**8 - 1).abs().max()) < 2.0**-22


WRONG_NUMBERS = {
    "a truth value": True,
    "NumPy's truth value": np.True_,
    "a number that no float holds": 10**400,
    "a fraction that no float holds": Fraction(10**400),
    "a number too long to print": 10**5000,
    "text": "1",
    "an array": np.ones(2),
    "an array of one": np.ones(1),
    "nothing": None,
    "not a number": math.nan,
}
NUMBERS = {
    "uniform": {"bound": 1.0},
    "normal": {"std": 1.0},
    "constant": {"value": 1.0},
    "he_normal": {"gain": 1.0},
    "variance_scaling": {"scale": 1.0},
    "orthogonal": {"gain": 1.0},
    "sparse": {"std": 1.0, "sparsity": 0.5},
    "siren": {"omega": 30.0},
    "head": {"logit_std": 0.1, "second_moment": 1.0},
}


@pytest.mark.parametrize("wrong", WRONG_NUMBERS.values(), ids=WRONG_NUMBERS.keys())
def test_what_is_no_number_is_refused(backend, wrong):
    more = {"variance_scaling": {"distribution": "normal"}, "siren": {"first": True}}
    for name, arguments in NUMBERS.items():
        function = getattr(backend, name)
        seed = {"seed": 0} if "seed" in inspect.signature(function).parameters else {}
        for argument in arguments:
            with pytest.raises((TypeError, ValueError), match=f"{argument}=.*, but should be") as caught:
                function((4, 6), **seed, **more.get(name, {}), **(arguments | {argument: wrong}))
            assert "\n" not in str(caught.value)
    for clip in (backend.clip_by_global_norm, backend.clip_per_parameter, backend.clip_by_value):
        with pytest.raises((TypeError, ValueError), match=r"limit=.*, but should be"):
            clip([backend.make([1.0], "float32")], wrong)


@pytest.mark.parametrize("wrong", [True, 10**400, 2**63, 1.5, "2", None, -1])
def test_what_is_no_whole_number_is_refused(backend, wrong):
    for call in (
        lambda: backend.he_normal((4, 6, 3), groups=wrong, seed=0),
        lambda: backend.he_normal((4, 6, 3), stride=wrong, seed=0),
        lambda: backend.residual_scaled((4, 6), 0.02, wrong, seed=0),
        lambda: backend.lora((4, 6), wrong, seed=0),
        lambda: backend.lstm_bias(wrong),
        lambda: backend.normal((4, wrong), 1.0, seed=0),
        lambda: backend.group_norm(backend.make(np.ones((2, 4)), "float32"), wrong),
    ):
        with pytest.raises((TypeError, ValueError), match=r"=.*, but should be") as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(2**40, 2**40), (1,) * 65, (0, 2**62), (10**30, 2), "ab", None, {2: 3}])
def test_shapes_that_no_memory_has_are_refused(backend, shape):
    with pytest.raises((TypeError, ValueError), match=r"shape.*=.*, but should be"):
        backend.normal(shape, 1.0, seed=0)
    with pytest.raises((TypeError, ValueError), match=r"shape.*=.*, but should be"):
        backend.fans(shape)
    assert sizes((3, 0), "test") == (3, 0)


@pytest.mark.parametrize("wrong", [[1.0, 2.0], "x", 1.0, np.ones(2, np.complex64), np.ones(2, np.int64)])
def test_tables_that_are_not_float_arrays_are_refused(backend, wrong):
    if isinstance(wrong, np.ndarray) and backend.name == "torch":
        wrong = pytest.importorskip("torch").from_numpy(wrong)
    x, ones = backend.make([[1.0, 2.0], [3.0, 5.0]], "float32"), backend.make([1.0, 1.0], "float32")
    calls = {
        "gamma": lambda: backend.layer_norm(x, gamma=wrong),
        "beta": lambda: backend.group_norm(x, 1, beta=wrong),
        "running_mean": lambda: backend.batch_norm(x, wrong, ones),
        "running_var": lambda: backend.batch_norm(x, ones, wrong, training=False),
        "g": lambda: backend.weight_norm(x, wrong),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=rf"^{name}(\.dtype)?=.*, but should be"):
            call()
    with pytest.raises((TypeError, ValueError), match=r"^grad"):
        backend.weight_norm_backward(wrong, x, ones)
    with pytest.raises(TypeError, match="training='yes'"):
        backend.batch_norm(x, training="yes")


def test_embeddings_that_are_not_finite_are_refused(backend):
    with pytest.raises(ValueError, match="old='1 of 4 not finite'"):
        backend.new_embeddings(backend.make([[math.nan, 1.0], [1.0, 1.0]], "float32"), 2, seed=0)


def test_any_text_is_a_name(backend):
    drawn = {
        backend.wide(backend.keyed_normal(4, 1.0, key=1, name=name)).tobytes()
        for name in ("", "w", "gewicht.ü.重み", "\ud800", "w\x00", "x" * 5000)
    }
    assert len(drawn) == 6


def test_memory_formats_do_not_matter():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    x = torch.randn(2, 6, 4, 5, generator=torch.Generator().manual_seed(0))
    for norm in (ours.batch_norm, ours.instance_norm, lambda v: ours.layer_norm(v, 1), lambda v: ours.rms_norm(v, 1)):
        assert torch.equal(norm(x), norm(x.to(memory_format=torch.channels_last)))
