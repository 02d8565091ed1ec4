"""Draws: what holds for every draw, whatever its law (the laws themselves are decided by the evidence)."""

import math

import numpy as np
import pytest

from varlaw.impl.numpy.backend import NUMPY

from ..each import each

LAWS = {
    "uniform": lambda b, shape, **given: b.uniform(shape, 0.1, **given),
    "normal": lambda b, shape, **given: b.normal(shape, 0.1, **given),
    "truncated": lambda b, shape, **given: b.truncated_normal(shape, 0.1, std_of="parent", bounds="sigmas", **given),
    "tail": lambda b, shape, **given: b.truncated_normal(
        shape, 0.1, 6.0, 7.0, std_of="result", bounds="sigmas", **given
    ),
    "middle": lambda b, shape, **given: b.truncated_normal(
        shape, 0.1, 0.3, 3.5, std_of="parent", bounds="sigmas", **given
    ),
}


@pytest.fixture(params=LAWS.values(), ids=LAWS.keys())
def law(request):
    return request.param


def test_same_seed_same_values_and_another_seed_others(backend, law, dtype):
    first, again, other = (backend.wide(law(backend, (40, 5), seed=seed, dtype=dtype)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_generator_moves_on_and_starts_again(backend, law):
    generator = backend.generator(7)
    first, second = (backend.wide(law(backend, 100, seed=generator)) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, backend.wide(law(backend, 100, seed=backend.generator(7))))


@each("size", [100, 2**16, 2**16 + 1])
def test_a_numpy_generator_draws_one_block_itself(size):
    drawn = NUMPY.normal(size, 2.0, seed=np.random.default_rng(7), dtype="float64")
    assert np.array_equal(drawn, 2.0 * np.random.default_rng(7).standard_normal(size)) == (size <= 2**16)


@each("shape", [(), 7, (0, 3), (3, 0), (2, 3, 4), [2, 2]])
def test_shape_and_dtype(backend, law, dtype, shape):
    drawn = law(backend, shape, seed=1, dtype=dtype)
    assert tuple(drawn.shape) == ((shape,) if isinstance(shape, int) else tuple(shape))
    assert str(drawn.dtype).removeprefix("torch.") == dtype


def test_float32_is_the_default(backend, law):
    assert "float32" in str(law(backend, 2, seed=1).dtype)


def test_out_with_any_strides_gets_the_values_of_a_new_array(backend, law, dtype):
    fresh = law(backend, (30, 40), seed=5, dtype=dtype)
    out = backend.make(np.zeros((40, 60)), dtype)[:, ::2].T
    assert law(backend, (30, 40), seed=5, out=out) is out
    assert np.array_equal(backend.wide(out), backend.wide(fresh))


@each("bound", [0.1, 1 / 3, 0.3, 1.0, 1e-3, 7e-8, 0.0])
def test_uniform_never_leaves_its_rounded_bound(backend, dtype, bound):
    drawn = backend.wide(backend.uniform(20_000, bound, seed=2, dtype=dtype))
    edge = backend.wide(backend.make(bound, dtype))
    assert abs(drawn).max() <= edge


@pytest.mark.parametrize(
    ("low", "high"), [(-2, 2), (-1, 0.5), (6, 7), (-7, -6), (-0.01, 0.02), (2, 2.01), (-3.5, 3), (0, math.inf)]
)
def test_truncated_normal_never_leaves_its_rounded_bounds(backend, dtype, low, high):
    drawn = backend.wide(
        backend.truncated_normal(20_000, 0.1, low, high, std_of="parent", bounds="sigmas", seed=2, dtype=dtype)
    )
    ends = [float(backend.wide(backend.make(0.1 * end, "float32"))) for end in (low, high)]
    ends = (
        [float(backend.wide(backend.make(end, dtype))) for end in ends] if dtype != "float64" else [low / 10, high / 10]
    )
    assert drawn.min() >= ends[0]
    assert drawn.max() <= ends[1]


def test_truncated_normal_from_the_farthest_tail_is_finite_and_varied(backend):
    for low, high in ((37.5, 40.0), (-40.0, -38.0), (1e4, math.inf), (-math.inf, -30.0)):
        drawn = backend.wide(
            backend.truncated_normal(1000, 1.0, low, high, std_of="parent", bounds="sigmas", seed=2, dtype="float64")
        )
        assert np.isfinite(drawn).all()
        assert len(np.unique(drawn)) == 1000
        assert low <= drawn.min() <= drawn.max() <= high


def test_absolute_bounds_and_bounds_in_sigmas_are_the_same_cut(backend):
    given = {"seed": 9, "dtype": "float64", "std_of": "parent"}
    in_sigmas = backend.truncated_normal(500, 0.5, -2.0, 2.0, bounds="sigmas", **given)
    absolute = backend.truncated_normal(500, 0.5, -1.0, 1.0, bounds="absolute", **given)
    assert np.array_equal(backend.wide(in_sigmas), backend.wide(absolute))


def test_result_std_divides_the_parent_by_the_std_of_the_cut(backend):
    given = {"seed": 9, "dtype": "float64", "bounds": "sigmas"}
    parent = backend.wide(backend.truncated_normal(500, 1.0, std_of="parent", **given))
    result = backend.wide(backend.truncated_normal(500, 1.0, std_of="result", **given))
    # 0.8796...: standard deviation of a standard normal within two sigmas
    assert np.max(np.abs(parent / result / 0.87962566103423978 - 1)) < 1e-13


def test_zero_scale_gives_zeros(backend, dtype):
    assert not backend.wide(backend.normal(50, 0.0, seed=1, dtype=dtype)).any()
    assert not backend.wide(backend.uniform(50, 0.0, seed=1, dtype=dtype)).any()


def test_constants(backend, dtype):
    assert (backend.wide(backend.constant((2, 2), 0.5, dtype=dtype)) == 0.5).all()
    assert not backend.wide(backend.zeros((2, 2), dtype=dtype)).any()
    assert backend.wide(backend.constant((), -math.inf, dtype=dtype)) == -math.inf


ERRORS = {
    "negative std": (ValueError, "std=-1.0", lambda b: b.normal(3, -1, seed=0)),
    "NaN std": (ValueError, "std=nan", lambda b: b.normal(3, math.nan, seed=0)),
    "infinite std": (ValueError, "std=inf", lambda b: b.normal(3, math.inf, seed=0)),
    "std as text": (TypeError, "std='1'", lambda b: b.normal(3, "1", seed=0)),
    "NaN bound": (ValueError, "bound=nan", lambda b: b.uniform(3, math.nan, seed=0)),
    "std too large for the dtype": (ValueError, "float16", lambda b: b.normal(3, 1e6, seed=0, dtype="float16")),
    "negative size": (ValueError, r"shape\[1\]=-1", lambda b: b.normal((3, -1), 1.0, seed=0)),
    "fractional size": (TypeError, r"shape\[0\]=1.5", lambda b: b.normal((1.5,), 1.0, seed=0)),
    "integer dtype": (TypeError, "dtype=", lambda b: b.normal(3, 1.0, seed=0, dtype="int32")),
    "unknown dtype": (TypeError, "dtype='float12'", lambda b: b.normal(3, 1.0, seed=0, dtype="float12")),
    "unknown device": (ValueError, "device=", lambda b: b.normal(3, 1.0, seed=0, device="teapot")),
    "no seed": (TypeError, "seed=None", lambda b: b.normal(3, 1.0, seed=None)),
    "boolean seed": (TypeError, "seed=True", lambda b: b.normal(3, 1.0, seed=True)),
    "negative seed": (ValueError, "seed=-1", lambda b: b.normal(3, 1.0, seed=-1)),
    "out of another shape": (
        ValueError,
        "out.shape",
        lambda b: b.normal(3, 1.0, seed=0, out=b.make([0.0], "float32")),
    ),
    "out of another dtype": (
        ValueError,
        "out.dtype",
        lambda b: b.normal(1, 1.0, seed=0, dtype="float64", out=b.make([0.0], "float32")),
    ),
    "out that is no array": (TypeError, "out=", lambda b: b.normal(1, 1.0, seed=0, out=[0.0])),
    "low above high": (
        ValueError,
        "low < high",
        lambda b: b.truncated_normal(3, 1.0, 2.0, -2.0, std_of="parent", bounds="sigmas", seed=0),
    ),
    "NaN low": (
        ValueError,
        "low=nan",
        lambda b: b.truncated_normal(3, 1.0, math.nan, 2.0, std_of="parent", bounds="sigmas", seed=0),
    ),
    "interval at infinity": (
        ValueError,
        "low, high",
        lambda b: b.truncated_normal(3, 1.0, 1e200, math.inf, std_of="parent", bounds="sigmas", seed=0),
    ),
    "std beyond the uniform limit": (
        ValueError,
        "std=",
        lambda b: b.truncated_normal(3, 1.0, -1.0, 1.0, std_of="result", bounds="absolute", seed=0),
    ),
    "unknown std_of": (
        ValueError,
        "std_of='both'",
        lambda b: b.truncated_normal(3, 1.0, std_of="both", bounds="sigmas", seed=0),
    ),
    "value of NaN": (ValueError, "value=nan", lambda b: b.constant(3, math.nan)),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, case):
    kind, words, call = case
    with pytest.raises(kind, match=words) as caught:
        call(backend)
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)


def test_truncated_normal_has_no_silent_choice(backend):
    with pytest.raises(TypeError, match="std_of"):
        backend.truncated_normal(3, 1.0, seed=0, bounds="sigmas")


def test_numpy_values_do_not_depend_on_the_number_of_threads(monkeypatch):
    from varlaw.impl import numpy as ours
    from varlaw.impl.numpy import streams

    shape = 5 * streams.BLOCK + 17
    drawn = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(streams.os, "cpu_count", lambda cores=cores: cores)
        drawn.append(ours.normal(shape, 1.0, seed=4))
    assert np.array_equal(drawn[0], drawn[1])
    assert np.array_equal(drawn[0], drawn[2])


def test_numpy_blocks_are_not_copies_of_each_other():
    from varlaw.impl import numpy as ours
    from varlaw.impl.numpy import streams

    drawn = ours.normal(2 * streams.BLOCK, 1.0, seed=4).reshape(2, -1)
    assert np.sum(drawn[0] == drawn[1]) < 100
