"""Laws of the linear layer, by exact enumeration of small layers with few-valued or Gauss-Hermite weights."""

import itertools
import math

import numpy as np
import pytest

from varlaw.theory import LAWS

from .routes import takes

# A law with three values: 0 with probability 1/2, +-sqrt 2 with 1/4 each: variance 1, kurtosis 2.
VALUES, CHANCES, KURTOSIS = (0.0, math.sqrt(2), -math.sqrt(2)), (0.5, 0.25, 0.25), 2.0


def mean_over(count: int, statistic: object) -> float:
    """Exact mean of statistic(weights) over `count` independent three-valued weights."""
    total = 0.0
    for index in itertools.product(range(3), repeat=count):
        chance = math.prod(CHANCES[i] for i in index)
        total += chance * statistic(np.array([VALUES[i] for i in index]))  # type: ignore[operator]
    return total


X = np.array([1.0, -2.0, 0.5])


@takes("linear.second_moment")
def test_second_moment() -> None:
    got = mean_over(3, lambda w: (w @ X) ** 2)
    want = LAWS["linear.second_moment"].value(
        fan_in=3, variance=1.0, input_second_moment=float(X @ X) / 3, bias_variance=0.0
    )
    assert got == pytest.approx(want, rel=1e-14)


@takes("linear.kurtosis")
def test_kurtosis() -> None:
    got = mean_over(3, lambda w: (w @ X) ** 4) / mean_over(3, lambda w: (w @ X) ** 2) ** 2
    share = float((X**4).sum() / (X @ X) ** 2)
    want = LAWS["linear.kurtosis"].value(weight_kurtosis=KURTOSIS, concentration=share)
    assert got == pytest.approx(want, rel=1e-14)
    one_hot = LAWS["linear.kurtosis"].value(weight_kurtosis=KURTOSIS, concentration=1.0)
    assert one_hot == KURTOSIS


@takes("linear.kurtosis_random_input")
def test_kurtosis_with_random_inputs() -> None:
    fourth = mean_over(4, lambda v: (v[:2] @ v[2:]) ** 4)
    second = mean_over(4, lambda v: (v[:2] @ v[2:]) ** 2)
    want = LAWS["linear.kurtosis_random_input"].value(weight_kurtosis=KURTOSIS, input_kurtosis=KURTOSIS, fan_in=2)
    assert fourth / second**2 == pytest.approx(want, rel=1e-14)


@takes("linear.tied_twice")
def test_the_same_matrix_twice() -> None:
    x = np.array([0.3, -1.7])

    def grown(v: np.ndarray) -> float:
        w = v.reshape(2, 2) / math.sqrt(2)
        return float(np.sum((w @ w @ x) ** 2) / (x @ x))

    want = LAWS["linear.tied_twice"].value(weight_kurtosis=KURTOSIS, width=2)
    assert mean_over(4, grown) == pytest.approx(want, rel=1e-14)


@takes("linear.equicorrelated_second_moment")
def test_equal_correlations() -> None:
    """w_i = sqrt(r) s + sqrt(1-r) e_i has correlation r."""
    r = 0.3
    got = mean_over(4, lambda v: ((math.sqrt(r) * v[3] + math.sqrt(1 - r) * v[:3]) @ X) ** 2)
    want = LAWS["linear.equicorrelated_second_moment"].value(
        variance=1.0, correlation=r, input_square_sum=float(X @ X), input_sum=float(X.sum())
    )
    assert got == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("n", [2, 3, 4, 17])
def test_equal_correlations_down_to_the_smallest(n: int) -> None:
    """Weights less their mean have correlation -1/(n-1), and none can have less: their sum is 0."""
    law = LAWS["linear.equicorrelated_second_moment"]
    spread = np.eye(n) - 1 / n
    x = np.linspace(-1.0, 2.0, n)
    want = float(x @ spread @ x) * n / (n - 1)
    sums = {"input_square_sum": float(x @ x), "input_sum": float(x.sum())}
    assert law.value(variance=1.0, correlation=-1 / (n - 1), **sums) == pytest.approx(want, rel=1e-14)
    ones = {"input_square_sum": float(n), "input_sum": float(n)}
    assert law.value(variance=1.0, correlation=-1 / (n - 1), **ones) <= n * 2.0**-50
    with pytest.raises(ValueError, match="as for every lawful correlation"):
        law.value(
            variance=1.0, correlation=-1.001 / (n - 1) if n > 2 else -0.9, **(ones | {"input_sum": n + 0.5 * (n == 2)})
        )


@takes("sampling.mean_square_variance", "sampling.unbiased_variance_variance", "sampling.biased_variance_mean")
def test_sampling_laws() -> None:
    n = 4
    square = mean_over(n, lambda v: float(np.mean(v**2)) ** 2) - 1
    assert square == pytest.approx(LAWS["sampling.mean_square_variance"].value(kurtosis=KURTOSIS, samples=n), rel=1e-13)
    unbiased = mean_over(n, lambda v: float(np.var(v, ddof=1)) ** 2) - 1
    want = LAWS["sampling.unbiased_variance_variance"].value(kurtosis=KURTOSIS, samples=n)
    assert unbiased == pytest.approx(want, rel=1e-13)
    biased = mean_over(n, lambda v: float(np.var(v)))
    assert biased == pytest.approx(LAWS["sampling.biased_variance_mean"].value(samples=n), rel=1e-14)


@pytest.mark.parametrize(("m", "n", "batch"), [(1, 1, 1), (2, 1, 2), (1, 2, 2), (2, 2, 1), (3, 1, 1)])
@takes("pseudo_replication.variance", "pseudo_replication.factor")
def test_pseudo_replication(m: int, n: int, batch: int) -> None:
    """M^2 has degree 4 in each normal variable: three Gauss-Hermite nodes per variable are exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    count = n * m + m * batch
    first = second = 0.0
    for index in itertools.product(range(3), repeat=count):
        v = nodes[list(index)]
        chance = float(np.prod(weights[list(index)]))
        y = (v[: n * m].reshape(n, m) / math.sqrt(m)) @ v[n * m :].reshape(m, batch)
        mean_square = float(np.mean(y**2))
        first, second = first + chance * mean_square, second + chance * mean_square**2
    params = {"fan_in": m, "fan_out": n, "batch": batch}
    assert first == pytest.approx(1.0, rel=1e-13)
    assert second - 1 == pytest.approx(LAWS["pseudo_replication.variance"].value(**params), rel=1e-12)
    naive = 2 / (n * batch)
    want = LAWS["pseudo_replication.variance"].value(**params) / naive
    assert LAWS["pseudo_replication.factor"].value(**params) == pytest.approx(want, rel=1e-14)


@takes("pseudo_replication.fixed_batch_variance")
def test_fixed_batch() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    x = np.array([[1.0, -0.5], [2.0, 0.25]])  # fan_in x batch
    moments = np.zeros(2)
    for index in itertools.product(range(3), repeat=4):
        w = nodes[list(index)].reshape(2, 2) / math.sqrt(2)
        mean_square = float(np.mean((w @ x) ** 2))
        moments += float(np.prod(weights[list(index)])) * np.array([mean_square, mean_square**2])
    gram = float(np.sum((x.T @ x / 2) ** 2))
    want = LAWS["pseudo_replication.fixed_batch_variance"].value(gram_square_sum=gram, fan_out=2, batch=2)
    assert moments[1] - moments[0] ** 2 == pytest.approx(want, rel=1e-12)


@takes("torch_default.linear_fixed_point", "torch_default.relu_fixed_point")
def test_torch_fixed_points() -> None:
    for which in ("linear", "relu"):
        q = LAWS[f"torch_default.{which}_fixed_point"].value(fan_in=48)
        assert LAWS[f"torch_default.{which}_map"].value(q=q, fan_in=48) == pytest.approx(q, rel=1e-15)


@takes("he_fan_out.forward_product")
def test_he_fan_out_telescopes() -> None:
    widths = [30, 500, 7, 64]
    product = math.prod(a / b for a, b in itertools.pairwise(widths))
    want = LAWS["he_fan_out.forward_product"].value(fan_in_first=widths[0], fan_out_last=widths[-1])
    assert product == pytest.approx(want, rel=1e-15)
