"""Recurrent gates and matrices: how long a cell remembers when it starts.

>>> from varlaw.theory.laws.recurrent import ENTRIES
>>> round({law.name: law for law in ENTRIES}["recurrent.time_constant"].value(bias=1.0), 4)
3.1922
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law

_BIAS = Interval(low=-700.0, high=700.0, typical=(-5.0, 10.0))
_STEPS = at_least(0, whole=False, typical=(1.0, 1e4))
_GATE = (
    "forget gate sigmoid(b), or a GRU's gate that keeps its state, with zero pre-activation otherwise: at "
    "initialisation, inputs of mean zero",
)


def _log_retention(bias: Any, steps: Any) -> Any:
    return -steps * np.logaddexp(0.0, -bias)


_STEP = 0.25


@functools.partial(np.vectorize, otypes=[np.float64])
def _gate_mean(bias: float, variance: float) -> float:
    from scipy.special import expit, log_ndtr

    std = float(np.sqrt(variance))
    if std <= 1:
        z = np.arange(-14.0, 15.0, _STEP)
        return float(np.sum(np.exp(-z * z / 2) * expit(bias + std * z)) * _STEP / np.sqrt(2 * np.pi))
    x = np.arange(-800.0, 800.0, _STEP)
    logs = -np.abs(x) - 2 * np.log1p(np.exp(-np.abs(x))) + log_ndtr((bias - x) / std)
    top = logs.max()  # at a bias of -700 the terms are near the smallest numbers
    return float(np.exp(top) * np.sum(np.exp(logs - top)) * _STEP)


_law = functools.partial(Law, kind=Kind.EXACT)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="recurrent.retention",
        title="What a forget gate keeps after t steps",
        quantity="share of the cell state",
        formula="(1 + exp(-bias))**(-steps)",
        domain=Domain(bias=_BIAS, steps=_STEPS),
        rule=lambda bias, steps: np.exp(_log_retention(bias, steps)),
        hypotheses=_GATE,
        derivation="f = sigmoid(b) = 1 / (1 + e^-b) each step.",
        statistic="cell state after t steps without input, against a rounding bound",
        not_to_confuse="long memory at b = 1: 0.731^100 is 2.5e-14",
    ),
    _law(
        name="recurrent.log_retention",
        title="What a forget gate keeps after t steps, as a logarithm",
        quantity="ln of the share of the cell state",
        formula="-steps * log(1 + exp(-bias))",
        domain=Domain(bias=_BIAS, steps=_STEPS),
        rule=_log_retention,
        hypotheses=_GATE,
        derivation="The logarithm of recurrent.retention, which underflows.",
        statistic="ln of the cell state after t steps without input",
    ),
    _law(
        name="recurrent.time_constant",
        title="Memory of a forget gate in steps",
        quantity="steps after which 1/e of the cell state is left",
        formula="1 / log(1 + exp(-bias))",
        domain=Domain(bias=_BIAS),
        rule=lambda bias: 1 / np.logaddexp(0.0, -bias),
        hypotheses=_GATE,
        derivation="f^T = 1/e.",
        statistic="decay of the cell state without input",
        not_to_confuse="the sequence length: bias 1 remembers 3.19 steps, bias 0 1.44 steps",
    ),
    _law(
        name="recurrent.gate_mean",
        title="Mean of a biased gate",
        quantity="E[sigmoid(bias + z)], z ~ N(0, variance)",
        formula="quad(lambda z: npdf(z) / (1 + exp(-bias - sqrt(variance) * z)), linspace(-14, 26, 81))",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(bias=_BIAS, variance=Interval(low=0.0, high=100.0, typical=(1e-3, 10.0))),
        rule=_gate_mean,
        hypotheses=("pre-activation N(bias, variance): Gaussian weights and one fixed input, or wide layers",),
        derivation=(
            "Trapezoidal sums, whose error falls as e^(-2 pi strip / step): in z while the sigmoid is wider, and "
            "beyond over a logistic variate in its place, of its density times the normal probability."
        ),
        statistic="mean of the gate over fresh weights",
        not_to_confuse="sigmoid(bias): spread pulls the mean towards 1/2, 0.7311 becomes 0.6967 at bias 1, variance 1",
    ),
    _law(
        name="recurrent.chrono_bias",
        title="Chrono initialisation: the forget bias for a wanted memory",
        quantity="bias",
        formula="log(memory - 1)",
        kind=Kind.CONVENTION,
        domain=Domain(memory=above(1, typical=(2.0, 1e4))),
        rule=lambda memory: np.log(memory - 1),
        hypotheses=(
            "memory T: f = 1 - 1/T",
            "the recipe draws T uniformly in [1, T_max] and sets the input bias to its negative",
        ),
        derivation="sigmoid(ln(T - 1)) = (T - 1)/T.",
        source="Tallec and Ollivier 2018, arXiv:1804.11188",
        statistic="value of the bias, exactly",
    ),
    _law(
        name="recurrent.torch_forget_bias",
        title="torch adds two bias vectors: setting both to b gives 2 b",
        quantity="bias that acts on the gate",
        formula="input_bias + hidden_bias",
        domain=Domain(input_bias=_BIAS, hidden_bias=_BIAS),
        rule=lambda input_bias, hidden_bias: input_bias + hidden_bias,
        hypotheses=(
            "torch.nn.LSTM, GRU and their cells: bias_ih and bias_hh",
            "GRU's new gate uses bias_hh inside the reset",
        ),
        derivation="The gates are sigmoid(W_ih x + b_ih + W_hh h + b_hh).",
        source="torch.nn.LSTM",
        statistic="gate at zero input, against a rounding bound",
    ),
    _law(
        name="recurrent.torch_weight_variance",
        title="torch draws every recurrent parameter from U(+-1/sqrt(hidden))",
        quantity="Var[w], weights and biases alike",
        formula="1 / (3 * hidden)",
        kind=Kind.CONVENTION,
        domain=Domain(hidden=at_least(1, typical=(1, 1e4))),
        rule=lambda hidden: 1 / (3 * hidden),
        hypotheses=(
            "torch.nn.RNN, LSTM, GRU and their cells",
            "input weights too: their fan_in is the input size, not hidden",
        ),
        derivation="a^2 / 3 with a = 1/sqrt(hidden).",
        source="torch.nn.LSTM",
        statistic="variance and largest magnitude of the entries",
    ),
    _law(
        name="recurrent.orthogonal_norm",
        title="An orthogonal recurrence keeps the norm for ever",
        quantity="|W^t x| / |x|",
        formula="1",
        domain=Domain(steps=_STEPS),
        rule=lambda steps: np.ones_like(steps),
        hypotheses=("W square and orthogonal", "no nonlinearity, no bias, no input"),
        derivation="|W x|^2 = x^T W^T W x = |x|^2.",
        source="derived; Saxe et al. 2014, arXiv:1312.6120",
        statistic="ratio of norms after t steps, against a rounding bound",
        not_to_confuse="a Gaussian recurrence of the same variance, whose log norm drifts: products.log_norm_mean",
    ),
)
