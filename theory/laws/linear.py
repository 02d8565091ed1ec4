"""Laws of one linear layer y = W x + b: what its weights make of second moments and tails.

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

ENTRIES: tuple[Law, ...] = (
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
