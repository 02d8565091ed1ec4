"""Laws of weight distributions by a second route: rotations, row sums, quadrature, enumeration."""

import math

import mpmath as mp
import numpy as np
import pytest

from varlaw.theory import LAWS
from varlaw.theory.numerics.quadrature import legendre
from varlaw.theory.variates import HaarEntry, SparseNormal, Uniform, UniformRange

from .routes import takes


@takes("orthogonal.same_line_moment", "orthogonal.other_line_moment", "orthogonal.entry_kurtosis")
def test_plane_rotations_are_haar_in_two_dimensions() -> None:
    # q_11 = cos t, q_12 = -sin t with t uniform; reflections change signs only.
    t = 2 * math.pi * np.arange(64) / 64  # trapezoid: exact for these trigonometric polynomials
    same, other = float(np.mean(np.cos(t) ** 2 * np.sin(t) ** 2)), float(np.mean(np.cos(t) ** 4))
    assert LAWS["orthogonal.same_line_moment"].value(size=2) == pytest.approx(same, rel=1e-14)
    assert LAWS["orthogonal.other_line_moment"].value(size=2) == pytest.approx(other, rel=1e-14)
    assert LAWS["orthogonal.entry_kurtosis"].value(rows=2, cols=2) == pytest.approx(other / 0.25, rel=1e-14)
    assert LAWS["orthogonal.qr_first_entry"].value(size=2) == pytest.approx(-2 / math.pi, rel=1e-15)


@pytest.mark.parametrize("size", [2, 3, 10, 1000])
def test_rows_sum_to_one(size: int) -> None:
    same = LAWS["orthogonal.same_line_moment"].value(size=size)
    other = LAWS["orthogonal.other_line_moment"].value(size=size)
    fourth = LAWS["orthogonal.entry_kurtosis"].value(rows=size, cols=size) / size**2
    assert fourth + (size - 1) * same == pytest.approx(1 / size, rel=1e-14)  # q_11^2 times its own row
    assert same + (size - 1) * other == pytest.approx(1 / size, rel=1e-14)  # q_11^2 times another row


@pytest.mark.parametrize("size", [1, 2, 3, 50, 4096])
@takes("orthogonal.qr_first_entry")
def test_mean_absolute_haar_entry(size: int) -> None:
    if size == 1:
        want = -1.0
    else:  # density of |q| on [0, 1] is proportional to (1 - q^2)^((N-3)/2)
        want = -float(mp.beta(1, (mp.mpf(size) - 1) / 2) / mp.beta(mp.mpf(1) / 2, (mp.mpf(size) - 1) / 2))
    assert LAWS["orthogonal.qr_first_entry"].value(size=size) == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(8, 3), (3, 8), (5, 5)])
@takes("orthogonal.second_moment_factor", "orthogonal.norm_factor", "orthogonal.norm_factor_variance")
def test_norms_through_orthogonal_matrices(fan_in: int, fan_out: int) -> None:
    params = {"fan_in": fan_in, "fan_out": fan_out}
    per_unit = LAWS["orthogonal.second_moment_factor"].value(**params)
    whole = LAWS["orthogonal.norm_factor"].value(**params)
    assert per_unit * fan_out / fan_in == pytest.approx(whole, rel=1e-15)
    # Squares of fan_out entries of a unit vector: variance from the two kinds of fourth moment.
    spread = 0.0
    if fan_out < fan_in:
        same = LAWS["orthogonal.same_line_moment"].value(size=fan_in)
        spread = fan_out * 3 * same + fan_out * (fan_out - 1) * same - (fan_out / fan_in) ** 2
    assert LAWS["orthogonal.norm_factor_variance"].value(**params) == pytest.approx(spread, abs=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 15, 16, 17, 400, 10**6])
@takes("normal_vector.norm_mean", "normal_vector.norm_variance")
def test_lengths_of_gaussian_vectors_by_recurrence(n: int) -> None:
    """E|z_n| E|z_(n+1)| = n, from E|z_1| and E|z_2| on; far out, by that product and the mean's own series."""
    mean, spread = LAWS["normal_vector.norm_mean"], LAWS["normal_vector.norm_variance"]
    assert mean.value(n=n, std=2.0) * mean.value(n=n + 1, std=0.5) == pytest.approx(n, rel=1e-14)
    if n <= 400:
        with mp.workdps(60):
            length = mp.sqrt(2 / mp.pi) if n % 2 else mp.sqrt(mp.pi / 2)
            for k in range(1 if n % 2 else 2, n, 2):
                length = length * (k + 1) / k
            assert mean.value(n=n, std=1.0) == pytest.approx(float(length), rel=1e-14)
            assert spread.value(n=n, std=3.0) == pytest.approx(float(9 * (n - length**2)), rel=1e-13)
    else:
        assert spread.value(n=n, std=1.0) == pytest.approx(0.5 - 1 / (8 * n) - 1 / (16 * n**2), rel=1e-15)


@takes("clipped_normal.variance", "clipped_normal.atoms")
def test_clamping_by_quadrature() -> None:
    u, w = legendre(60)
    for limit in (0.3, 1.0, 2.0, 5.0):
        z = limit * u
        inside = 2 * limit * float(w @ (z * z * np.exp(-z * z / 2))) / math.sqrt(2 * math.pi)
        atoms = LAWS["clipped_normal.atoms"].value(limit=limit)
        assert atoms == pytest.approx(math.erfc(limit / math.sqrt(2)), rel=1e-14)
        want = inside + limit**2 * atoms
        assert LAWS["clipped_normal.variance"].value(limit=limit) == pytest.approx(want, rel=1e-13)
    assert round(LAWS["clipped_normal.variance"].value(limit=2.0), 5) == 0.92054


@pytest.mark.parametrize(
    ("family", "density", "ends"),
    [
        ("uniform", lambda x: 0.5, (-1, 1)),
        ("triangular", lambda x: 1 - abs(x), (-1, 0, 1)),
        ("laplace", lambda x: mp.exp(-abs(x)) / 2, (-mp.inf, 0, mp.inf)),
        ("logistic", lambda x: 1 / (4 * mp.cosh(x / 2) ** 2), (-mp.inf, 0, mp.inf)),
        ("normal", mp.npdf, (-mp.inf, 0, mp.inf)),
        ("arcsine", lambda x: 1 / (mp.pi * mp.sqrt(1 - x * x)), (-1, 0, 1)),
    ],
)
@takes(
    "uniform.kurtosis",
    "triangular.kurtosis",
    "laplace.kurtosis",
    "logistic.kurtosis",
    "normal.kurtosis",
    "arcsine.kurtosis",
)
def test_kurtosis_by_quadrature(family: str, density: object, ends: tuple[object, ...]) -> None:
    second = mp.quad(lambda x: x**2 * density(x), ends)  # type: ignore[operator]
    fourth = mp.quad(lambda x: x**4 * density(x), ends)  # type: ignore[operator]
    # tanh-sinh reaches 1e-8 at the arcsine law's poles, 1e-14 elsewhere
    assert LAWS[f"{family}.kurtosis"].value() == pytest.approx(float(fourth / second**2), rel=1e-7)


@takes(
    "uniform.variance",
    "uniform_range.mean",
    "uniform_range.variance",
    "uniform_range.second_moment",
    "sparse_normal.variance",
    "sparse_normal.kurtosis",
)
def test_laws_agree_with_variates() -> None:
    assert LAWS["uniform.variance"].value(bound=0.3) == pytest.approx(Uniform(0.3).variance, rel=1e-15)
    law = UniformRange(-0.5, 2.0)
    for name in ("mean", "variance", "second_moment"):
        assert LAWS[f"uniform_range.{name}"].value(low=-0.5, high=2.0) == pytest.approx(getattr(law, name), rel=1e-15)
    sparse = SparseNormal(0.2, 0.9)
    assert LAWS["sparse_normal.variance"].value(std=0.2, zeros=0.9) == pytest.approx(sparse.variance, rel=1e-15)
    assert LAWS["sparse_normal.kurtosis"].value(zeros=0.9) == pytest.approx(sparse.kurtosis, rel=1e-15)
    assert LAWS["orthogonal.entry_kurtosis"].value(rows=7, cols=3) == pytest.approx(HaarEntry(7).kurtosis, rel=1e-15)


@takes("torch_sparse.variance")
def test_torch_sparse_counts_whole_zeros() -> None:
    # 3 of 10 rows for sparsity 0.21 to 0.3
    assert LAWS["torch_sparse.variance"].value(rows=10, sparsity=0.25, std=1.0) == pytest.approx(0.7, rel=1e-15)
