"""Laws of one linear layer y = W x + b: what its weights make of second moments, tails and samples.

The law that everything rests on is about E[x^2], the second moment, never about Var[x]; it needs neither normal
weights nor independent inputs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Interval, Kind, Law, Relation, above, at_least, between
from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.numerics.scaled import product

_FAN = above(0, typical=(1, 65536))
_COUNT = at_least(1, typical=(1, 4096))
_MOMENT = Interval(low=0.0, high=1e150, typical=(1e-3, 1e3))
_KURTOSIS = Interval(low=1.0, high=1e150, typical=(1.0, 9.0))

_WEIGHTS = "weights independent of the input and of the bias, pairwise uncorrelated, mean 0, one variance"
_TORCH = ("torch's defaults: weights and bias U(-1/sqrt(fan_in), 1/sqrt(fan_in))", "inputs independent of the weights")


def _floats(x: Any) -> Floats:
    return np.asarray(x, dtype=np.float64)


def _law(
    name: str,
    title: str,
    quantity: str,
    formula: str,
    rule: Callable[..., Any],
    domain: Domain,
    hypotheses: tuple[str, ...],
    derivation: str,
    statistic: str,
    **more: Any,
) -> Law:
    return Law(
        name=name,
        title=title,
        quantity=quantity,
        formula=formula,
        kind=more.pop("kind", Kind.IN_EXPECTATION),
        domain=domain,
        rule=rule,
        hypotheses=hypotheses,
        derivation=derivation,
        source=more.pop("source", "derived"),
        statistic=statistic,
        **more,
    )


def _equicorrelated(correlation: Any, input_square_sum: Any, input_sum: Any) -> Floats:
    """sum_ij x_i x_j Corr[w_i, w_j]."""
    return _floats((1 - _floats(correlation)) * input_square_sum + _floats(correlation) * _floats(input_sum) ** 2)


_LAWFUL = Relation(  # to rounding: at -1 / (n - 1) and equal inputs the second moment is 0
    "(1 - correlation) * input_square_sum + correlation * input_sum**2 >= 0, as for every lawful correlation",
    lambda variance, correlation, input_square_sum, input_sum: (
        _equicorrelated(correlation, input_square_sum, input_sum) >= -(2.0**-50) * _floats(input_square_sum)
    ),
)

_FLOW = (
    _law(
        "linear.second_moment",
        "Second moment of a linear layer's output",
        "E[y_i^2]",
        "fan_in * variance * input_second_moment + bias_variance",
        lambda fan_in, variance, input_second_moment, bias_variance: (
            product(fan_in, variance, input_second_moment) + bias_variance
        ),
        Domain(fan_in=_FAN, variance=_MOMENT, input_second_moment=_MOMENT, bias_variance=_MOMENT),
        (_WEIGHTS, "bias of mean 0", "input_second_moment: mean of x_j^2 over the fan_in terms; x may be dependent"),
        "E[(sum_j w_j x_j + b)^2] = sum_j Var[w] E[x_j^2] + Var[b]: all cross terms have mean 0.",
        "mean of y^2 over fresh weight draws",
        source="He et al. 2015, arXiv:1502.01852",
        not_to_confuse="fan_in Var[w] Var[x]: wrong by pi/(pi-1) after ReLU, whose outputs have a mean",
    ),
    _law(
        "linear.gradient_second_moment",
        "Second moment of the gradient through a linear layer",
        "E[(W^T d)_j^2]",
        "fan_out * variance * gradient_second_moment",
        lambda fan_out, variance, gradient_second_moment: product(fan_out, variance, gradient_second_moment),
        Domain(fan_out=_FAN, variance=_MOMENT, gradient_second_moment=_MOMENT),
        (_WEIGHTS, "the gradient d is independent of W: exact for one linear layer, an approximation in a network"),
        "The forward law for W^T: sum over the fan_out entries of a column.",
        "mean square of W^T d over fresh weight draws",
    ),
    _law(
        "linear.kurtosis",
        "Kurtosis of a linear layer's output for a fixed input",
        "E[y^4]/E[y^2]^2",
        "3 + (weight_kurtosis - 3) * concentration",
        lambda weight_kurtosis, concentration: 3 + (_floats(weight_kurtosis) - 3) * concentration,
        Domain(
            weight_kurtosis=_KURTOSIS, concentration=Interval(low=0.0, high=1.0, open_low=True, typical=(1e-3, 1.0))
        ),
        ("independent weights of mean 0", "no bias", "concentration = sum x^4/(sum x^2)^2: 1 for a one-hot input"),
        "Fourth cumulants of independent terms add: (kurt - 3) s^4 sum x^4 against s^4 (sum x^2)^2.",
        "sample kurtosis of y over fresh weight draws",
        not_to_confuse="outputs are nearly normal in wide layers: a one-hot input keeps the weights' own law",
    ),
    _law(
        "linear.kurtosis_random_input",
        "Kurtosis of a linear layer's output for independent inputs",
        "E[y^4]/E[y^2]^2",
        "3 + (weight_kurtosis * input_kurtosis - 3) / fan_in",
        lambda weight_kurtosis, input_kurtosis, fan_in: (
            3 + (_floats(weight_kurtosis) * input_kurtosis - 3) / _floats(fan_in)
        ),
        Domain(weight_kurtosis=_KURTOSIS, input_kurtosis=_KURTOSIS, fan_in=at_least(1, typical=(1, 65536))),
        ("weights and inputs independent, identically distributed, of mean 0", "no bias"),
        "The terms w_j x_j are independent given neither, of kurtosis kurt_w kurt_x; cumulants add.",
        "sample kurtosis of y over fresh weights and inputs",
    ),
    _law(
        "linear.equicorrelated_second_moment",
        "Second moment of the output of equally correlated weights",
        "E[y^2]",
        "variance * ((1 - correlation) * input_square_sum + correlation * input_sum**2)",
        lambda variance, correlation, input_square_sum, input_sum: (
            _floats(variance) * np.maximum(_equicorrelated(correlation, input_square_sum, input_sum), 0.0)
        ),
        Domain(
            _LAWFUL,
            variance=_MOMENT,
            correlation=between(-1, 1),
            input_square_sum=_MOMENT,
            input_sum=Interval(low=-1e75, high=1e75, typical=(-30.0, 30.0)),
        ),
        (
            "weights of mean 0 and one variance, every pair with the same correlation, >= -1/(n - 1) for n weights",
            "fixed input",
        ),
        "sum_ij x_i x_j Cov[w_i, w_j].",
        "mean of y^2 over fresh weight draws",
        precision="next to its zero, at negative correlation: absolute error 4e-16 variance input_square_sum",
    ),
    _law(
        "linear.tied_twice",
        "Squared norm through the same square matrix twice",
        "E[|W W x|^2]/|x|^2",
        "1 + (weight_kurtosis - 1) / mpf(width)**2",
        lambda weight_kurtosis, width: 1 + (_floats(weight_kurtosis) - 1) / _floats(width) ** 2,
        Domain(weight_kurtosis=_KURTOSIS, width=_COUNT),
        ("W square, independent entries of mean 0, variance 1/width and one kurtosis", "any fixed x"),
        "Of the W_ij W_jk W_ij' W_j'k' only j = j', k = k' have a mean; i = j = k gives E w^4, not (E w^2)^2.",
        "mean of |W W x|^2/|x|^2 over fresh W",
        not_to_confuse="1, the value for two independent matrices",
    ),
    _law(
        "glorot.forward_factor",
        "Forward factor of Glorot's compromise",
        "E[y^2]/E[x^2] with Var[w] = 2/(fan_in + fan_out)",
        "2 * fan_in / (mpf(fan_in) + fan_out)",
        lambda fan_in, fan_out: 2 / (1 + _floats(fan_out) / _floats(fan_in)),
        Domain(fan_in=_FAN, fan_out=_FAN),
        (_WEIGHTS,),
        "fan_in Var[w].",
        "mean of y^2 over mean of x^2, fresh weight draws",
        source="Glorot & Bengio 2010",
    ),
    _law(
        "he_fan_out.forward_product",
        "Forward second moment of a deep He network with mode fan_out",
        "E[x_L^2]/E[x_0^2], any number of layers",
        "fan_in_first / mpf(fan_out_last)",
        lambda fan_in_first, fan_out_last: _floats(fan_in_first) / _floats(fan_out_last),
        Domain(fan_in_first=_FAN, fan_out_last=_FAN),
        ("dense ReLU layers with Var[w] = 2/fan_out", "zero bias", "fan_out of a layer is fan_in of the next"),
        "Each layer multiplies by fan_in/fan_out; the product telescopes to n_0/n_L.",
        "mean of x_L^2 over mean of x_0^2, fresh weight draws",
        source="He et al. 2015, arXiv:1502.01852",
        not_to_confuse="exponential growth or decay: the widths cancel, whatever the depth",
    ),
)


def _unbiased_spread(kurtosis: Any, samples: Any) -> Any:
    n = _floats(samples)  # (k - 3)/n + 2/(n - 1) = (k - 1)/n + 2/(n (n - 1)), of one sign
    return (_floats(kurtosis) - 1) / n + 2 / n / (n - 1)


_SAMPLING = (
    _law(
        "sampling.mean_square_variance",
        "Sampling variance of a mean square",
        "Var[mean of x^2]/E[x^2]^2, N independent samples",
        "(mpf(kurtosis) - 1) / samples",
        lambda kurtosis, samples: (_floats(kurtosis) - 1) / _floats(samples),
        Domain(kurtosis=_KURTOSIS, samples=_COUNT),
        ("samples independent and identically distributed", "known mean 0"),
        "Var[x^2] = E x^4 - (E x^2)^2, over N.",
        "variance of the mean square over repeated samples",
    ),
    _law(
        "sampling.unbiased_variance_variance",
        "Sampling variance of the unbiased sample variance",
        "Var[s^2]/Var[x]^2, s^2 with N - 1",
        "(mpf(kurtosis) - 3) / samples + mpf(2) / (samples - 1)",
        _unbiased_spread,
        Domain(kurtosis=_KURTOSIS, samples=at_least(2, typical=(2, 4096))),
        ("samples independent and identically distributed",),
        "k-statistics: Var k_2 = kappa_4/N + 2 kappa_2^2/(N-1).",
        "variance of s^2 over repeated samples",
    ),
    _law(
        "sampling.biased_variance_mean",
        "Mean of the biased sample variance",
        "E[mean (x - mean x)^2]/Var[x]",
        "1 - 1 / mpf(samples)",
        lambda samples: (_floats(samples) - 1) / _floats(samples),
        Domain(samples=_COUNT),
        ("samples independent and identically distributed",),
        "The mean takes one degree of freedom.",
        "mean of the biased variance over repeated samples",
    ),
    _law(
        "pseudo_replication.variance",
        "Sampling variance of the mean square output of one weight draw",
        "Var[M], M = mean of (Wx)^2 over outputs and batch, E M = 1",
        "2 * (mpf(fan_in) + fan_out + batch + 1) / (mpf(fan_in) * fan_out * batch)",
        lambda fan_in, fan_out, batch: 2 * _replication(fan_in, fan_out, batch, 1.0),
        Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        ("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        "Given x, M is a quadratic form in W of variance 2/(n B^2) sum K_ab^2, K = X X^T/m; E sum K^2 = B + B(B+1)/m.",
        "variance of M over fresh weights and inputs",
        not_to_confuse="2/(fan_out batch), as if all outputs were independent samples: too small by (n+m+B+1)/m",
    ),
    _law(
        "pseudo_replication.factor",
        "How far outputs of one weight draw are from independent samples",
        "Var[M] / (2/(fan_out batch))",
        "(mpf(fan_in) + fan_out + batch + 1) / fan_in",
        lambda fan_in, fan_out, batch: 1 + (_floats(fan_out) + batch + 1) / _floats(fan_in),
        Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        ("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        "The ratio of the two variances.",
        "variance of M over fresh weights and inputs, times fan_out batch / 2",
    ),
    _law(
        "pseudo_replication.fixed_batch_variance",
        "Sampling variance of the mean square output for a fixed batch",
        "Var[M | X]",
        "2 * gram_square_sum / (mpf(fan_out) * batch**2)",
        lambda gram_square_sum, fan_out, batch: 2 * _floats(gram_square_sum) / (_floats(fan_out) * _floats(batch) ** 2),
        Domain(gram_square_sum=_MOMENT, fan_out=_COUNT, batch=_COUNT),
        ("W of independent N(0, 1/fan_in)", "gram_square_sum = sum over pairs of the batch of (x_a . x_b / fan_in)^2"),
        "M = (1/(nB)) sum_i tr(g_i g_i^T) with rows g_i ~ N(0, K): Var = 2 tr(K^2)/(n B^2).",
        "variance of M over fresh weights",
    ),
)

_TORCH_LAWS = (
    _law(
        "torch_default.linear_map",
        "Second moment through torch's default linear layer",
        "E[y^2] from q = E[x^2]",
        "q / mpf(3) + 1 / (3 * mpf(fan_in))",
        lambda q, fan_in: (_floats(q) + 1 / _floats(fan_in)) / 3,
        Domain(q=_MOMENT, fan_in=_FAN),
        _TORCH,
        "Var[w] = Var[b] = 1/(3 fan_in): the signal falls to a third in every layer.",
        "mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
        not_to_confuse="He initialisation, which keeps the second moment through ReLU",
    ),
    _law(
        "torch_default.relu_map",
        "Second moment through torch's default linear layer after ReLU",
        "E[y^2] from the pre-activation second moment q",
        "q / mpf(6) + 1 / (3 * mpf(fan_in))",
        lambda q, fan_in: _floats(q) / 6 + 1 / (3 * _floats(fan_in)),
        Domain(q=_MOMENT, fan_in=_FAN),
        (*_TORCH, "x = relu(z) with z symmetric, E[z^2] = q"),
        "ReLU halves the second moment, the weights take a third of it.",
        "mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
    ),
    _law(
        "torch_default.linear_fixed_point",
        "Where torch's default linear stack settles",
        "q with q = q/3 + 1/(3 fan_in)",
        "1 / (2 * mpf(fan_in))",
        lambda fan_in: 0.5 / _floats(fan_in),
        Domain(fan_in=_FAN),
        (*_TORCH, "all layers of one width"),
        "Fixed point of torch_default.linear_map: the biases alone carry the signal.",
        "mean of y^2 deep in a stack, fresh weight draws",
    ),
    _law(
        "torch_default.relu_fixed_point",
        "Where torch's default ReLU stack settles",
        "q with q = q/6 + 1/(3 fan_in)",
        "2 / (5 * mpf(fan_in))",
        lambda fan_in: 0.4 / _floats(fan_in),
        Domain(fan_in=_FAN),
        (*_TORCH, "all layers of one width", "pre-activations symmetric"),
        "Fixed point of torch_default.relu_map.",
        "mean of y^2 deep in a stack, fresh weight draws",
    ),
)


def _replication(fan_in: Any, fan_out: Any, batch: Any, one: float) -> Floats:
    m, n, b = _floats(fan_in), _floats(fan_out), _floats(batch)
    return (m + n + b + one) / m / n / b


ENTRIES: tuple[Law, ...] = (*_FLOW, *_SAMPLING, *_TORCH_LAWS)
