"""Laws of one linear layer y = W x + b: what its weights make of second moments, tails and samples.

The law that everything rests on is about E[x^2], the second moment, never about Var[x]; it needs neither normal
weights nor independent inputs.
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, above, at_least, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.scaled import product

_FAN = above(0, typical=(1, 65536))
_COUNT = at_least(1, typical=(1, 4096))
_MOMENT = Interval(low=0.0, high=1e150, typical=(1e-3, 1e3))
_KURTOSIS = Interval(low=1.0, high=1e150, typical=(1.0, 9.0))

_WEIGHTS = "weights independent of the input and of the bias, pairwise uncorrelated, mean 0, one variance"
_TORCH = ("torch's defaults: weights and bias U(-1/sqrt(fan_in), 1/sqrt(fan_in))", "inputs independent of the weights")


_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)


def _equicorrelated(correlation: Any, input_square_sum: Any, input_sum: Any) -> Any:
    """sum_ij x_i x_j Corr[w_i, w_j]."""
    return (1 - correlation) * input_square_sum + correlation * input_sum**2


_LAWFUL = Relation(  # to rounding: at -1 / (n - 1) and equal inputs the second moment is 0
    "(1 - correlation) * input_square_sum + correlation * input_sum**2 >= 0, as for every lawful correlation",
    lambda variance, correlation, input_square_sum, input_sum: (
        _equicorrelated(correlation, input_square_sum, input_sum) >= -(2.0**-50) * input_square_sum
    ),
)

_FLOW = (
    _law(
        name="linear.second_moment",
        title="Second moment of a linear layer's output",
        quantity="E[y_i^2]",
        formula="fan_in * variance * input_second_moment + bias_variance",
        rule=lambda fan_in, variance, input_second_moment, bias_variance: (
            product(fan_in, variance, input_second_moment) + bias_variance
        ),
        domain=Domain(fan_in=_FAN, variance=_MOMENT, input_second_moment=_MOMENT, bias_variance=_MOMENT),
        hypotheses=(
            _WEIGHTS,
            "bias of mean 0",
            "input_second_moment: mean of x_j^2 over the fan_in terms; x may be dependent",
        ),
        derivation="E[(sum_j w_j x_j + b)^2] = sum_j Var[w] E[x_j^2] + Var[b]: all cross terms have mean 0.",
        statistic="mean of y^2 over fresh weight draws",
        source="He et al. 2015, arXiv:1502.01852",
        not_to_confuse="fan_in Var[w] Var[x]: wrong by pi/(pi-1) after ReLU, whose outputs have a mean",
    ),
    _law(
        name="linear.gradient_second_moment",
        title="Second moment of the gradient through a linear layer",
        quantity="E[(W^T d)_j^2]",
        formula="fan_out * variance * gradient_second_moment",
        rule=lambda fan_out, variance, gradient_second_moment: product(fan_out, variance, gradient_second_moment),
        domain=Domain(fan_out=_FAN, variance=_MOMENT, gradient_second_moment=_MOMENT),
        hypotheses=(
            _WEIGHTS,
            "the gradient d is independent of W: exact for one linear layer, an approximation in a network",
        ),
        derivation="The forward law for W^T: sum over the fan_out entries of a column.",
        statistic="mean square of W^T d over fresh weight draws",
    ),
    _law(
        name="linear.kurtosis",
        title="Kurtosis of a linear layer's output for a fixed input",
        quantity="E[y^4]/E[y^2]^2",
        formula="3 + (weight_kurtosis - 3) * concentration",
        rule=lambda weight_kurtosis, concentration: 3 + (weight_kurtosis - 3) * concentration,
        domain=Domain(
            weight_kurtosis=_KURTOSIS, concentration=Interval(low=0.0, high=1.0, open_low=True, typical=(1e-3, 1.0))
        ),
        hypotheses=(
            "independent weights of mean 0",
            "no bias",
            "concentration = sum x^4/(sum x^2)^2: 1 for a one-hot input",
        ),
        derivation="Fourth cumulants of independent terms add: (kurt - 3) s^4 sum x^4 against s^4 (sum x^2)^2.",
        statistic="sample kurtosis of y over fresh weight draws",
        not_to_confuse="outputs are nearly normal in wide layers: a one-hot input keeps the weights' own law",
    ),
    _law(
        name="linear.kurtosis_random_input",
        title="Kurtosis of a linear layer's output for independent inputs",
        quantity="E[y^4]/E[y^2]^2",
        formula="3 + (weight_kurtosis * input_kurtosis - 3) / fan_in",
        rule=lambda weight_kurtosis, input_kurtosis, fan_in: 3 + (weight_kurtosis * input_kurtosis - 3) / fan_in,
        domain=Domain(weight_kurtosis=_KURTOSIS, input_kurtosis=_KURTOSIS, fan_in=at_least(1, typical=(1, 65536))),
        hypotheses=("weights and inputs independent, identically distributed, of mean 0", "no bias"),
        derivation="The terms w_j x_j are independent given neither, of kurtosis kurt_w kurt_x; cumulants add.",
        statistic="sample kurtosis of y over fresh weights and inputs",
    ),
    _law(
        name="linear.equicorrelated_second_moment",
        title="Second moment of the output of equally correlated weights",
        quantity="E[y^2]",
        formula="variance * ((1 - correlation) * input_square_sum + correlation * input_sum**2)",
        rule=lambda variance, correlation, input_square_sum, input_sum: (
            variance * np.maximum(_equicorrelated(correlation, input_square_sum, input_sum), 0.0)
        ),
        domain=Domain(
            _LAWFUL,
            variance=_MOMENT,
            correlation=between(-1, 1),
            input_square_sum=_MOMENT,
            input_sum=Interval(low=-1e75, high=1e75, typical=(-30.0, 30.0)),
        ),
        hypotheses=(
            "weights of mean 0 and one variance, every pair with the same correlation, >= -1/(n - 1) for n weights",
            "fixed input",
        ),
        derivation="sum_ij x_i x_j Cov[w_i, w_j].",
        statistic="mean of y^2 over fresh weight draws",
        precision="next to its zero, at negative correlation: absolute error 4e-16 variance input_square_sum",
    ),
    _law(
        name="linear.tied_twice",
        title="Squared norm through the same square matrix twice",
        quantity="E[|W W x|^2]/|x|^2",
        formula="1 + (weight_kurtosis - 1) / mpf(width)**2",
        rule=lambda weight_kurtosis, width: 1 + (weight_kurtosis - 1) / width**2,
        domain=Domain(weight_kurtosis=_KURTOSIS, width=_COUNT),
        hypotheses=("W square, independent entries of mean 0, variance 1/width and one kurtosis", "any fixed x"),
        derivation=(
            "Of the W_ij W_jk W_ij' W_j'k' only j = j', k = k' have a mean; i = j = k gives E w^4, not (E w^2)^2."
        ),
        statistic="mean of |W W x|^2/|x|^2 over fresh W",
        not_to_confuse="1, the value for two independent matrices",
    ),
    _law(
        name="glorot.forward_factor",
        title="Forward factor of Glorot's compromise",
        quantity="E[y^2]/E[x^2] with Var[w] = 2/(fan_in + fan_out)",
        formula="2 * fan_in / (mpf(fan_in) + fan_out)",
        rule=lambda fan_in, fan_out: 2 / (1 + fan_out / fan_in),
        domain=Domain(fan_in=_FAN, fan_out=_FAN),
        hypotheses=(_WEIGHTS,),
        derivation="fan_in Var[w].",
        statistic="mean of y^2 over mean of x^2, fresh weight draws",
        source="Glorot & Bengio 2010",
    ),
    _law(
        name="he_fan_out.forward_product",
        title="Forward second moment of a deep He network with mode fan_out",
        quantity="E[x_L^2]/E[x_0^2], any number of layers",
        formula="fan_in_first / mpf(fan_out_last)",
        rule=lambda fan_in_first, fan_out_last: fan_in_first / fan_out_last,
        domain=Domain(fan_in_first=_FAN, fan_out_last=_FAN),
        hypotheses=(
            "dense ReLU layers with Var[w] = 2/fan_out",
            "zero bias",
            "fan_out of a layer is fan_in of the next",
        ),
        derivation="Each layer multiplies by fan_in/fan_out; the product telescopes to n_0/n_L.",
        statistic="mean of x_L^2 over mean of x_0^2, fresh weight draws",
        source="He et al. 2015, arXiv:1502.01852",
        not_to_confuse="exponential growth or decay: the widths cancel, whatever the depth",
    ),
)


def _unbiased_spread(kurtosis: Any, samples: Any) -> Any:
    n = samples  # (k - 3)/n + 2/(n - 1) = (k - 1)/n + 2/(n (n - 1)), of one sign
    return (kurtosis - 1) / n + 2 / n / (n - 1)


_SAMPLING = (
    _law(
        name="sampling.mean_square_variance",
        title="Sampling variance of a mean square",
        quantity="Var[mean of x^2]/E[x^2]^2, N independent samples",
        formula="(mpf(kurtosis) - 1) / samples",
        rule=lambda kurtosis, samples: (kurtosis - 1) / samples,
        domain=Domain(kurtosis=_KURTOSIS, samples=_COUNT),
        hypotheses=("samples independent and identically distributed", "known mean 0"),
        derivation="Var[x^2] = E x^4 - (E x^2)^2, over N.",
        statistic="variance of the mean square over repeated samples",
    ),
    _law(
        name="sampling.unbiased_variance_variance",
        title="Sampling variance of the unbiased sample variance",
        quantity="Var[s^2]/Var[x]^2, s^2 with N - 1",
        formula="(mpf(kurtosis) - 3) / samples + mpf(2) / (samples - 1)",
        rule=_unbiased_spread,
        domain=Domain(kurtosis=_KURTOSIS, samples=at_least(2, typical=(2, 4096))),
        hypotheses=("samples independent and identically distributed",),
        derivation="k-statistics: Var k_2 = kappa_4/N + 2 kappa_2^2/(N-1).",
        statistic="variance of s^2 over repeated samples",
    ),
    _law(
        name="sampling.biased_variance_mean",
        title="Mean of the biased sample variance",
        quantity="E[mean (x - mean x)^2]/Var[x]",
        formula="1 - 1 / mpf(samples)",
        rule=lambda samples: (samples - 1) / samples,
        domain=Domain(samples=_COUNT),
        hypotheses=("samples independent and identically distributed",),
        derivation="The mean takes one degree of freedom.",
        statistic="mean of the biased variance over repeated samples",
    ),
    _law(
        name="pseudo_replication.variance",
        title="Sampling variance of the mean square output of one weight draw",
        quantity="Var[M], M = mean of (Wx)^2 over outputs and batch, E M = 1",
        formula="2 * (mpf(fan_in) + fan_out + batch + 1) / (mpf(fan_in) * fan_out * batch)",
        rule=lambda fan_in, fan_out, batch: 2 * _replication(fan_in, fan_out, batch, 1.0),
        domain=Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        derivation=(
            "Given x, M is a quadratic form in W of variance 2/(n B^2) sum K_ab^2, K = X X^T/m; E sum K^2 = B + "
            "B(B+1)/m."
        ),
        statistic="variance of M over fresh weights and inputs",
        not_to_confuse="2/(fan_out batch), as if all outputs were independent samples: too small by (n+m+B+1)/m",
    ),
    _law(
        name="pseudo_replication.factor",
        title="How far outputs of one weight draw are from independent samples",
        quantity="Var[M] / (2/(fan_out batch))",
        formula="(mpf(fan_in) + fan_out + batch + 1) / fan_in",
        rule=lambda fan_in, fan_out, batch: 1 + (fan_out + batch + 1) / fan_in,
        domain=Domain(fan_in=_COUNT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=("W of fan_out x fan_in independent N(0, 1/fan_in)", "batch of independent N(0, 1) inputs"),
        derivation="The ratio of the two variances.",
        statistic="variance of M over fresh weights and inputs, times fan_out batch / 2",
    ),
    _law(
        name="pseudo_replication.fixed_batch_variance",
        title="Sampling variance of the mean square output for a fixed batch",
        quantity="Var[M | X]",
        formula="2 * gram_square_sum / (mpf(fan_out) * batch**2)",
        rule=lambda gram_square_sum, fan_out, batch: 2 * gram_square_sum / (fan_out * batch**2),
        domain=Domain(gram_square_sum=_MOMENT, fan_out=_COUNT, batch=_COUNT),
        hypotheses=(
            "W of independent N(0, 1/fan_in)",
            "gram_square_sum = sum over pairs of the batch of (x_a . x_b / fan_in)^2",
        ),
        derivation="M = (1/(nB)) sum_i tr(g_i g_i^T) with rows g_i ~ N(0, K): Var = 2 tr(K^2)/(n B^2).",
        statistic="variance of M over fresh weights",
    ),
)

_TORCH_LAWS = (
    _law(
        name="torch_default.linear_map",
        title="Second moment through torch's default linear layer",
        quantity="E[y^2] from q = E[x^2]",
        formula="q / mpf(3) + 1 / (3 * mpf(fan_in))",
        rule=lambda q, fan_in: (q + 1 / fan_in) / 3,
        domain=Domain(q=_MOMENT, fan_in=_FAN),
        hypotheses=_TORCH,
        derivation="Var[w] = Var[b] = 1/(3 fan_in): the signal falls to a third in every layer.",
        statistic="mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
        not_to_confuse="He initialisation, which keeps the second moment through ReLU",
    ),
    _law(
        name="torch_default.relu_map",
        title="Second moment through torch's default linear layer after ReLU",
        quantity="E[y^2] from the pre-activation second moment q",
        formula="q / mpf(6) + 1 / (3 * mpf(fan_in))",
        rule=lambda q, fan_in: q / 6 + 1 / (3 * fan_in),
        domain=Domain(q=_MOMENT, fan_in=_FAN),
        hypotheses=(*_TORCH, "x = relu(z) with z symmetric, E[z^2] = q"),
        derivation="ReLU halves the second moment, the weights take a third of it.",
        statistic="mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
    ),
    _law(
        name="torch_default.linear_fixed_point",
        title="Where torch's default linear stack settles",
        quantity="q with q = q/3 + 1/(3 fan_in)",
        formula="1 / (2 * mpf(fan_in))",
        rule=lambda fan_in: 0.5 / fan_in,
        domain=Domain(fan_in=_FAN),
        hypotheses=(*_TORCH, "all layers of one width"),
        derivation="Fixed point of torch_default.linear_map: the biases alone carry the signal.",
        statistic="mean of y^2 deep in a stack, fresh weight draws",
    ),
    _law(
        name="torch_default.relu_fixed_point",
        title="Where torch's default ReLU stack settles",
        quantity="q with q = q/6 + 1/(3 fan_in)",
        formula="2 / (5 * mpf(fan_in))",
        rule=lambda fan_in: 0.4 / fan_in,
        domain=Domain(fan_in=_FAN),
        hypotheses=(*_TORCH, "all layers of one width", "pre-activations symmetric"),
        derivation="Fixed point of torch_default.relu_map.",
        statistic="mean of y^2 deep in a stack, fresh weight draws",
    ),
)


def _replication(fan_in: Any, fan_out: Any, batch: Any, one: float) -> Any:
    m, n, b = fan_in, fan_out, batch
    return (m + n + b + one) / m / n / b


ENTRIES: tuple[Law, ...] = (*_FLOW, *_SAMPLING, *_TORCH_LAWS)
