"""Structured and architecture-bound initialisers: what must hold for every draw."""

import math

import numpy as np
import pytest

from varlaw.impl import scales


def orthogonal_error(matrix):
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return np.max(np.abs(gram - np.eye(len(gram))))


@pytest.mark.parametrize("shape", [(4, 4, 3), (6, 4, 3, 5), (4, 6, 1, 1, 3)])
def test_delta_orthogonal_is_orthogonal_at_the_centre_and_zero_elsewhere(backend, shape):
    w = backend.wide(backend.delta_orthogonal(shape, 1.0, seed=1, dtype="float64"))
    centre = (slice(None), slice(None), *(n // 2 for n in shape[2:]))
    assert orthogonal_error(w[centre]) < 1e-14
    w = w.copy()
    w[centre] = 0
    assert not w.any()


def test_delta_orthogonal_convolution_keeps_the_norm():
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours

    w = ours.delta_orthogonal((8, 8, 3, 3), seed=1, dtype="float64")
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.nn.functional.conv2d(x, w, padding=1)
    assert float(y.norm() / x.norm()) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.99, 1.0])
def test_sparse_counts_its_zeros_in_each_column(backend, dtype, sparsity):
    w = backend.wide(backend.sparse((40, 7), 0.5, sparsity, seed=1, dtype=dtype))
    assert (np.sum(w == 0, axis=0) == math.ceil(sparsity * 40)).all()


def test_sparse_places_differ_between_columns(backend):
    w = backend.wide(backend.sparse((40, 7), 0.5, 0.5, seed=1))
    assert len({tuple(np.flatnonzero(column == 0)) for column in w.T}) == 7


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 2)])
def test_identity(backend, dtype, shape):
    w = backend.wide(backend.identity(shape, 2.0, dtype=dtype))
    assert np.array_equal(w, 2 * np.eye(*shape))


@pytest.mark.parametrize(("shape", "groups"), [((4, 4, 3), 1), ((4, 2, 3, 3), 2), ((6, 2, 3), 2), ((4, 3, 1), 2)])
def test_dirac_copies_channels_as_torch_does(backend, dtype, shape, groups):
    torch = pytest.importorskip("torch")
    w = backend.wide(backend.dirac(shape, groups=groups, dtype=dtype))
    assert np.array_equal(w, torch.nn.init.dirac_(torch.empty(shape), groups).numpy())


def test_gates_are_orthogonal_each_and_differ(backend):
    w = backend.wide(backend.gated_orthogonal((20, 5), 4, seed=1, dtype="float64")).reshape(4, 5, 5)
    assert max(map(orthogonal_error, w)) < 1e-14
    assert min(np.max(np.abs(w[i] - w[j])) for i in range(4) for j in range(i)) > 1e-3


@pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal"])
def test_variance_scaling_is_the_plain_draw_scaled(backend, distribution):
    given = {"seed": 3, "dtype": "float64"}
    w = backend.wide(backend.variance_scaling((6, 4), 2.0, distribution=distribution, mode="fan_out", **given))
    std = math.sqrt(2 / 6)
    plain = {
        "uniform": lambda: backend.uniform((6, 4), math.sqrt(3) * std, **given),
        "normal": lambda: backend.normal((6, 4), std, **given),
        "truncated_normal": lambda: backend.truncated_normal((6, 4), std, std_of="result", bounds="sigmas", **given),
    }[distribution]()
    np.testing.assert_array_max_ulp(w, backend.wide(plain), maxulp=4)


def test_siren_bounds(backend):
    first = backend.wide(backend.siren((500, 4), first=True, seed=1))
    later = backend.wide(backend.siren((500, 4), 10.0, first=False, seed=1))
    assert 0.24 < abs(first).max() <= 0.25
    assert 0.95 * math.sqrt(1.5) / 10 < abs(later).max() <= math.sqrt(1.5) / 10


def test_lora_changes_nothing(backend, dtype):
    a, b = backend.lora((8, 16), 3, seed=1, dtype=dtype)
    assert tuple(a.shape) == (3, 16)
    assert not (backend.wide(b) @ backend.wide(a)).any()
    assert 0 < abs(backend.wide(a)).max() <= 0.25


def test_new_embeddings_are_the_mean(backend, dtype):
    old = backend.make(np.arange(12.0).reshape(4, 3), dtype)
    rows = backend.wide(backend.new_embeddings(old, 2, seed=1))
    assert np.array_equal(rows, np.tile([4.5, 5.5, 6.5], (2, 1)))
    assert backend.new_embeddings(old, 2, seed=1).dtype == old.dtype


def test_new_embeddings_spread_within_the_span_of_the_old(backend):
    """Old rows on a line: draws with their covariance stay on it."""
    old = backend.make(np.outer(np.arange(5.0), [1.0, 2.0, -1.0]), "float64")
    rows = backend.wide(backend.new_embeddings(old, 20, seed=1, spread=1.0))
    assert np.max(np.abs(rows[:, 1] - 2 * rows[:, 0])) < 1e-13
    assert len(np.unique(rows[:, 0])) == 20


def test_forget_biases_add_up(backend):
    bias = backend.wide(backend.lstm_bias(3, 1.0))
    assert bias.tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert backend.wide(backend.lstm_bias(1, 1.0, shares=1)).tolist() == [0, 1, 0, 0]


def test_chrono_biases_remember_from_one_step_to_the_longest(backend):
    for cell, gates in (("lstm", 4), ("gru", 3)):
        bias = 2 * backend.wide(backend.chrono_bias(400, 100, cell=cell, seed=1, dtype="float64")).reshape(gates, 400)
        assert 0 <= bias[1].min() <= bias[1].max() <= math.log(99)
        assert np.array_equal(bias[0], -bias[1] if cell == "lstm" else np.zeros(400))
        assert not bias[2:].any()


def test_head_starts_at_the_loss_of_guessing(backend):
    assert not backend.wide(backend.head((10, 4), seed=1)).any()
    some = backend.wide(backend.head((10, 4), 0.1, seed=1, dtype="float64"))
    assert np.array_equal(some, backend.wide(backend.normal((10, 4), 0.05, seed=1, dtype="float64")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (scales.deepnorm(18).alpha, 36**0.25),
        (scales.deepnorm(18).beta, 144**-0.25),
        (scales.deepnorm(6, part="decoder").alpha, 18**0.25),
        (scales.deepnorm(6, part="decoder").beta, 72**-0.25),
        (scales.deepnorm(6, other=6, part="encoder").alpha, 0.81 * 6 ** (5 / 16)),
        (scales.deepnorm(6, other=6, part="encoder").beta, 0.87 * 6 ** (-5 / 16)),
        (scales.depth_mup(9), 1 / 3),
        (scales.mup_std(0.02, 4096, 256, role="hidden"), 0.005),
        (scales.mup_std(0.02, 4096, 256, role="output"), 0.02),
        (scales.fixup(10, 2), 10**-0.5),
        (scales.fixup(1, 2), 1),
        (scales.t_fixup(6), 0.67 * 6**-0.25),
        (scales.t_fixup(6, part="decoder"), 54**-0.25),
        (scales.layer_scale(18), 0.1),
        (scales.layer_scale(25), 1e-6),
        (scales.residual_std(0.02, 12), 0.02 / math.sqrt(24)),
        (scales.head_std(0.1, 64, 0.25), 0.025),
    ],
)
def test_scales(value, expected):
    assert value == pytest.approx(expected, rel=4e-16)


ERRORS = {
    "even taps": (ValueError, "odd numbers", lambda b: b.delta_orthogonal((4, 4, 2), seed=0)),
    "no taps": (ValueError, "odd numbers", lambda b: b.delta_orthogonal((4, 4), seed=0)),
    "sparsity above one": (ValueError, "sparsity=1.5", lambda b: b.sparse((4, 4), 1.0, 1.5, seed=0)),
    "negative sparsity": (ValueError, "sparsity=-0.1", lambda b: b.sparse((4, 4), 1.0, -0.1, seed=0)),
    "NaN sparsity": (ValueError, "sparsity=nan", lambda b: b.sparse((4, 4), 1.0, math.nan, seed=0)),
    "sparse vector": (ValueError, "2 axes", lambda b: b.sparse((4,), 1.0, 0.5, seed=0)),
    "identity of three axes": (ValueError, "2 axes", lambda b: b.identity((2, 2, 2))),
    "dirac groups": (ValueError, "groups=3", lambda b: b.dirac((4, 4, 3), groups=3)),
    "gates do not divide": (ValueError, "units", lambda b: b.gated_orthogonal((10, 4), 4, seed=0)),
    "unknown distribution": (
        ValueError,
        "distribution=",
        lambda b: b.variance_scaling((4, 4), distribution="cauchy", seed=0),
    ),
    "negative scale": (
        ValueError,
        "scale=-1.0",
        lambda b: b.variance_scaling((4, 4), -1, distribution="uniform", seed=0),
    ),
    "zero omega": (ValueError, "omega=0.0", lambda b: b.siren((4, 4), 0.0, first=True, seed=0)),
    "no inputs": (ValueError, "shape=", lambda b: b.siren((4, 0), first=True, seed=0)),
    "zero rank": (ValueError, "rank=0", lambda b: b.lora((4, 4), 0, seed=0)),
    "no old rows": (
        ValueError,
        "old.shape",
        lambda b: b.new_embeddings(b.make(np.zeros((0, 3)), "float32"), 1, seed=0),
    ),
    "old rows of a list": (TypeError, "old=", lambda b: b.new_embeddings([[1.0]], 1, seed=0)),
    "short memory": (ValueError, "longest=2.0", lambda b: b.chrono_bias(3, 2, cell="gru", seed=0)),
    "unknown cell": (ValueError, "cell='rnn'", lambda b: b.chrono_bias(3, 9, cell="rnn", seed=0)),
    "negative logits": (ValueError, "logit_std", lambda b: b.head((3, 3), -1.0, seed=0)),
    "one weight in a branch": (ValueError, "weights=1", lambda b: scales.fixup(3, 1)),
    "unknown role": (ValueError, "role='bias'", lambda b: scales.mup_std(1.0, 2, 1, role="bias")),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, case):
    kind, words, call = case
    with pytest.raises(kind, match=words) as caught:
        call(backend)
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)
