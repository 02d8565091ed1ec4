"""Residual streams: how the second moment grows through h + f(h), and what the usual branch scalings make of it.

When the last linear map of each branch is zero-mean and independent of the stream, the cross term vanishes and second
moments add exactly. What is left is bookkeeping, and the popular summary of it ("1/sqrt(2L) keeps the variance at one")
is off by a factor between 2 and e.

>>> from varlaw.theory.laws.residual import ENTRIES
>>> {law.name: law for law in ENTRIES}["residual.scaled_growth"].value(layers=1)
2.25
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least
from varlaw.theory.law import Kind, Law

_LAYERS = at_least(1, typical=(1, 1e4))
_DEPTH = at_least(0, typical=(1, 1e6))
_GAIN = at_least(0, whole=False, typical=(1e-6, 2.0))
_MOMENT = at_least(0, whole=False, typical=(1e-4, 1e4))
_STD = at_least(0, whole=False, typical=(1e-4, 1.0))
_ADDS = "the branch's last linear map has zero mean and is independent of the stream"


def _power_growth(branch_gain: Any, branches: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.exp(branches * np.log1p(branch_gain))


def _scaled_growth(layers: Any) -> Any:
    branches = 2 * layers
    return _power_growth(1 / branches, branches)


_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
ENTRIES: tuple[Law, ...] = (
    _law(
        name="residual.growth",
        title="Homogeneous branches multiply the second moment by (1 + s) each",
        quantity="E|h_L|^2 / E|h_0|^2",
        formula="(1 + branch_gain)**branches",
        domain=Domain(branch_gain=_GAIN, branches=_DEPTH),
        rule=_power_growth,
        hypotheses=(_ADDS, "E[|f(h)|^2 given h] = s |h|^2, e.g. a He-initialised ReLU block"),
        derivation="E|h + f|^2 = E|h|^2 + 2 E<h, f> + E|f|^2 with E[f given h] = 0.",
        statistic="mean of |h_L|^2 / |h_0|^2 over fresh weights",
    ),
    _law(
        name="residual.scaled_growth",
        title="2L unit branches scaled by 1/sqrt(2L) multiply the second moment by up to e",
        quantity="E|h_out|^2 / E|h_in|^2",
        formula="(1 + 1 / (2 * layers))**(2 * layers)",
        domain=Domain(layers=_LAYERS),
        rule=_scaled_growth,
        hypotheses=(
            _ADDS,
            "2L homogeneous branches of unit gain, no norm inside",
            "each branch multiplied by 1/sqrt(2L)",
        ),
        derivation="Each branch multiplies by 1 + 1/(2L): 2.25 at L = 1, e in the limit.",
        statistic="mean of |h_out|^2 / |h_in|^2 over fresh weights",
        not_to_confuse="1: the scaling bounds the growth, it does not remove it",
    ),
    _law(
        name="residual.prenorm_growth",
        title="Behind a norm every branch adds the same amount: linear growth",
        quantity="E h^2 after the given number of branches",
        formula="second_moment + branches * branch_variance",
        domain=Domain(second_moment=_MOMENT, branches=_DEPTH, branch_variance=_MOMENT),
        rule=lambda second_moment, branches, branch_variance: second_moment + branches * branch_variance,
        hypotheses=(_ADDS, "the branch begins with a norm, so that E f^2 = branch_variance whatever the stream"),
        derivation=(
            "E(h + f)^2 = E h^2 + E f^2. With branch_variance v / (2L) over 2L branches: q0 + v, so 2 for q0 = v = 1."
        ),
        statistic="mean of h^2 over fresh weights",
        not_to_confuse="exponential growth, which homogeneous branches without a norm show",
    ),
    _law(
        name="residual.gpt2_std",
        title="GPT-2 draws residual projections with std / sqrt(2L)",
        quantity="standard deviation of c_proj weights",
        formula="std / sqrt(2 * layers)",
        kind=Kind.CONVENTION,
        domain=Domain(std=_STD, layers=_LAYERS),
        rule=lambda std, layers: std / np.sqrt(2 * layers),
        hypotheses=(
            "layers counts transformer blocks; each has two residual branches (attention, feed-forward)",
            "std = 0.02",
        ),
        derivation="N = 2L residual branches, each projection scaled by 1/sqrt(N) at initialisation only.",
        source="Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
        statistic="standard deviation of the entries",
        not_to_confuse="std / sqrt(L), and a multiplier in the forward pass, which would act during training too",
    ),
    _law(
        name="residual.prenorm_gradient",
        title="Gradients through a pre-norm stack grow linearly with depth, not exponentially",
        quantity="E|dL/dh_0|^2 / E|dL/dh_L|^2",
        formula="1 + branches * branch_variance / second_moment",
        domain=Domain(second_moment=above(0, typical=(1e-4, 1e4)), branches=_DEPTH, branch_variance=_MOMENT),
        rule=lambda second_moment, branches, branch_variance: 1 + branches * branch_variance / second_moment,
        hypotheses=(_ADDS, "equal forward and backward gain of the branch behind the norm", "infinite width"),
        derivation="prod over l of (1 + v / (q0 + l v)), l = 0 .. L-1, telescopes to (q0 + L v) / q0.",
        statistic="mean squared gradient ratio over fresh weights",
    ),
    _law(
        name="residual.droppath_second_moment",
        title="Dropping whole branches (stochastic depth) inflates the second moment",
        quantity="E h'^2 after one branch kept with probability 1 - rate and divided by it",
        formula="second_moment + branch_variance / (1 - rate)",
        domain=Domain(
            second_moment=_MOMENT,
            branch_variance=_MOMENT,
            rate=Interval(low=0.0, high=1.0, open_high=True, typical=(0.0, 0.9)),
        ),
        rule=lambda second_moment, branch_variance, rate: second_moment + branch_variance / (1 - rate),
        hypotheses=(_ADDS, "branch kept as a whole with probability 1 - rate, then divided by 1 - rate"),
        derivation="E[(b f / (1-p))^2] = (1-p) E f^2 / (1-p)^2.",
        source="derived; Huang et al. 2016, arXiv:1603.09382",
        statistic="mean of h'^2 over fresh weights and masks",
    ),
    _law(
        name="residual.postnorm_identity_path",
        title="The identity path through a post-norm stack shrinks exponentially",
        quantity="amplitude of the gradient along the identity path alone",
        formula="(1 + branch_gain)**(-branches / 2)",
        domain=Domain(branch_gain=_GAIN, branches=_DEPTH),
        rule=lambda branch_gain, branches: _power_growth(branch_gain, branches * -0.5),
        hypotheses=(_ADDS, "h' = norm(h + f(h)), E|f|^2 = s |h|^2 with unit |h|", "infinite width"),
        derivation="Each norm divides by sqrt(1 + s).",
        source="derived; Xiong et al. 2020, arXiv:2002.04745",
        statistic="product of the divisors of the norms",
        not_to_confuse="residual.postnorm_gradient: the whole gradient, with the branches, does not shrink",
    ),
    _law(
        name="residual.postnorm_gradient",
        title="The whole gradient of a post-norm stack of linear branches keeps its mean square",
        quantity="E|dL/dh_0|^2 / E|dL/dh_L|^2",
        formula="((1 + branch_gain) / (1 + branch_gain))**branches",
        kind=Kind.ASYMPTOTIC,
        error="O(branches / width), a loss, from the direction that each norm projects out",
        domain=Domain(branch_gain=_GAIN, branches=_DEPTH),
        rule=lambda branch_gain, branches: np.ones(np.broadcast(branch_gain, branches).shape),
        hypotheses=(_ADDS, "linear branches: equal forward and backward gain s", "infinite width"),
        derivation="Branch and identity multiply the mean square by 1 + s, the norm divides it by 1 + s.",
        statistic="mean squared gradient ratio over fresh weights",
        not_to_confuse="2^-L, the square of the identity path at s = 1",
    ),
    _law(
        name="residual.prenorm_last_gradient_bound",
        title="Pre-norm shrinks the last layer's weight gradient by the root of the depth",
        quantity="order of an upper bound on |last weight gradient|, pre-norm over post-norm",
        formula="1 / sqrt(layers)",
        kind=Kind.ASYMPTOTIC,
        error="a constant factor; orders of two upper bounds, which bound no ratio of the gradients",
        domain=Domain(layers=_LAYERS),
        rule=lambda layers: 1 / np.sqrt(layers),
        hypotheses=(
            "Glorot weights, uniform attention, ReLU feed-forward blocks",
            "each upper bound up to a constant of its own",
        ),
        derivation=(
            "O(d sqrt(ln d)) for post-norm against O(d sqrt(ln d / L)) for pre-norm, whose last norm divides by "
            "sqrt(L)."
        ),
        source="Xiong et al. 2020, arXiv:2002.04745, Theorem 1",
        statistic="norm of the last feed-forward layer's gradient at two depths",
        unmeasured="orders of two upper bounds, each up to a constant that nobody states: no number can break it",
    ),
    _law(
        name="residual.zero_gate_change",
        title="A residual branch behind a zero gate leaves its input untouched",
        quantity="max |h_out - h_in|",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda: 0.0,
        hypotheses=(
            "h_out = h + a f(h) with a = 0 (ReZero, SkipInit), or a zero last linear map (Fixup)",
            "f(h) finite",
        ),
        derivation="h + 0 f(h) = h. The gate's own gradient <dL/dh_out, f(h)> is non-zero in general: it learns.",
        source="derived; Bachlechner et al. 2020, arXiv:2003.04887; De and Smith 2020, arXiv:2002.10444",
        statistic="max |h_out - h_in|, which must be 0",
    ),
    _law(
        name="residual.zero_gate_branch_gradient",
        title="The weights behind a zero gate have gradient zero, at the first step only",
        quantity="max |dL/d(branch weights)| at step 0",
        formula="0",
        kind=Kind.EXACT,
        rule=lambda: 0.0,
        hypotheses=("h_out = h + a f(h) with a = 0",),
        derivation="dL/dw = a <dL/dh_out, df/dw>; after one step a is no longer 0.",
        statistic="max |gradient| of the branch weights, which must be 0",
        not_to_confuse="a branch that can never learn: two zeros in a row (a = 0 and f = 0) would be stuck",
    ),
)
