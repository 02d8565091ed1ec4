"""Laws about orthogonal matrices, Haar's measure on them, and the convolutions that keep a signal as it is."""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.chi import half_step
from varlaw.theory.numerics.quadrature import Floats

_SIDE = at_least(1, typical=(1, 4096))


_orthogonal = functools.partial(
    Law,
    kind=Kind.IN_EXPECTATION,
    hypotheses=("Q is the Haar (uniform) semi-orthogonal matrix, before any gain",),
)


_ROWS_COLS = Domain(rows=_SIDE, cols=_SIDE)
_N = at_least(2, typical=(2, 4096))
_HAAR = (
    _orthogonal(
        name="orthogonal.entry_variance",
        title="Entry variance of an orthogonal matrix",
        quantity="Var[q_ij]",
        formula="1 / mpf(max(rows, cols))",
        domain=_ROWS_COLS,
        rule=lambda rows, cols: 1 / np.maximum(rows, cols),
        derivation="The short side's vectors have unit norm over max(rows, cols) exchangeable entries.",
        statistic="mean square of the entries, which is fixed for every draw; the entries' law by kurtosis",
    ),
    _orthogonal(
        name="orthogonal.entry_kurtosis",
        title="Entry kurtosis of an orthogonal matrix",
        quantity="E[q^4]/E[q^2]^2",
        formula="3 * mpf(max(rows, cols)) / (max(rows, cols) + 2)",
        domain=_ROWS_COLS,
        rule=lambda rows, cols: 3 / (1 + 2 / np.maximum(rows, cols)),
        derivation="q^2 ~ Beta(1/2, (N-1)/2), N = max(rows, cols): an entry of a uniform unit vector.",
        statistic="sample kurtosis of the entries over fresh draws",
        not_to_confuse="independent normal entries of the same variance: kurtosis 3, and no orthogonality",
    ),
    _orthogonal(
        name="orthogonal.same_line_moment",
        title="Mean product of squares in one row or column of an orthogonal matrix",
        quantity="E[q_1j^2 q_2j^2]",
        formula="1 / (mpf(size) * (size + 2))",
        domain=Domain(size=_N),
        rule=lambda size: 1 / (size * (size + 2)),
        derivation="Two entries of a uniform unit vector of length size: E = (1/N) (1/(N+2)), below (1/N)^2.",
        statistic="mean product of squares of two entries of a line over fresh draws",
    ),
    _orthogonal(
        name="orthogonal.other_line_moment",
        title="Mean product of squares off both row and column of a square orthogonal matrix",
        quantity="E[q_11^2 q_22^2]",
        formula="(size + 1) / (mpf(size) * (size - 1) * (size + 2))",
        domain=Domain(size=_N),
        rule=lambda size: (size + 1) / (size * (size - 1) * (size + 2)),
        derivation="Sum over the second row: E[q_11^2 sum_j q_2j^2] = 1/N fixes it from the same-line moments.",
        statistic="mean product of squares of entries that share no line, over fresh draws",
    ),
    _orthogonal(
        name="orthogonal.second_moment_factor",
        title="Per-unit second moment through an orthogonal matrix",
        quantity="E[(Qx)_i^2] / mean x_j^2, Q of fan_out rows and fan_in columns",
        formula="fan_in / mpf(max(fan_in, fan_out))",
        domain=Domain(fan_in=_SIDE, fan_out=_SIDE),
        rule=lambda fan_in, fan_out: fan_in / np.maximum(fan_in, fan_out),
        derivation="fan_in Var[q]: 1 if wide or square, fan_in/fan_out if tall: |Qx| = |x| spreads over more units.",
        statistic="mean square of the outputs over fresh draws",
        not_to_confuse="isometry |Qx| = |x|: it holds for every draw when tall, where this factor is below 1",
    ),
    _orthogonal(
        name="orthogonal.norm_factor",
        title="Squared norm through an orthogonal matrix",
        quantity="E[|Qx|^2] / |x|^2, Q of fan_out rows and fan_in columns",
        formula="min(1, fan_out / mpf(fan_in))",
        domain=Domain(fan_in=_SIDE, fan_out=_SIDE),
        rule=lambda fan_in, fan_out: np.minimum(1.0, fan_out / fan_in),
        derivation="Tall or square: an isometry. Wide: the squared norm of fan_out entries of a uniform unit vector.",
        statistic="mean squared norm of Qx over fresh draws; exactly 1 for every draw when tall",
        not_to_confuse="orthogonal initialisation preserves norms: not when the layer is wide (fan_in > fan_out)",
    ),
    _orthogonal(
        name="orthogonal.norm_factor_variance",
        title="Spread of the squared norm through a wide orthogonal matrix",
        quantity="Var[|Qx|^2] / |x|^4, Q of fan_out rows and fan_in columns",
        formula="0 if fan_out >= fan_in else 2 * mpf(fan_out) * (fan_in - fan_out) / (mpf(fan_in)**2 * (fan_in + 2))",
        domain=Domain(fan_in=_SIDE, fan_out=_SIDE),
        rule=lambda fan_in, fan_out: _wide_spread(fan_in, fan_out),
        derivation="|Qx|^2/|x|^2 ~ Beta(n/2, (m-n)/2), whose variance is 2 n (m-n)/(m^2 (m+2)).",
        statistic="variance of the squared norm of Qx over fresh draws",
    ),
    _orthogonal(
        name="orthogonal.qr_first_entry",
        title="Mean first entry of QR without sign correction",
        quantity="E[Q_11], Q from LAPACK's QR of a square normal matrix",
        formula="-gamma(mpf(size) / 2) / (sqrt(pi) * gamma((mpf(size) + 1) / 2))",
        domain=Domain(size=_SIDE),
        rule=lambda size: np.asarray(-1 / (math.sqrt(math.pi) * half_step(0.5 * size))),
        derivation=(
            "Householder's first reflection makes the first column -sign(a_11) a/|a|, so Q_11 = -|a_11|/|a| <= 0: "
            "minus the mean absolute entry of a uniform unit vector. Multiplying by sign(diag R) restores Haar."
        ),
        statistic="mean of Q_11 over fresh draws",
        not_to_confuse="0, the value for a Haar matrix: numpy.linalg.qr alone does not give one",
    ),
)


def _wide_spread(fan_in: Any, fan_out: Any) -> Floats:
    m, n = fan_in, fan_out
    return np.where(n >= m, 0.0, 2 * (n / m) * ((m - n) / m) / (m + 2))


_DIRAC = Law(
    name="dirac.second_moment_factor",
    title="Second moment through an identity or Dirac initialisation",
    quantity="E[y^2]/E[x^2], mean over output channels",
    formula="min(channels_in, channels_out) / mpf(channels_out)",
    kind=Kind.IN_EXPECTATION,
    domain=Domain(channels_in=_SIDE, channels_out=_SIDE),
    rule=lambda channels_in, channels_out: np.minimum(channels_in, channels_out) / channels_out,
    hypotheses=("one group", "channels of equal second moment", "stride 1, size-keeping padding"),
    derivation="Output channel i is input channel i while there is one, and 0 beyond.",
    source="torch.nn.init.dirac_, torch.nn.init.eye_",
    statistic="output against input, exactly",
    not_to_confuse="fan_in Var[w]: the weights are not random and not of mean 0, so no fan law applies",
)

_DELTA = Law(
    name="delta_orthogonal.variance",
    title="Mean entry variance of a delta-orthogonal convolution kernel",
    quantity="mean of w^2 over the whole kernel",
    formula="1 / (mpf(max(channels_in, channels_out)) * taps)",
    kind=Kind.EXACT,
    domain=Domain(channels_in=_SIDE, channels_out=_SIDE, taps=at_least(1, typical=(1, 49))),
    rule=lambda channels_in, channels_out, taps: 1 / (np.maximum(channels_in, channels_out) * taps),
    hypotheses=("only the centre tap is non-zero, and it is semi-orthogonal", "taps: product of the kernel's sides"),
    derivation=(
        "One tap of taps holds an orthogonal matrix. With stride 1, channels_out >= channels_in and size-keeping "
        "padding it is an isometry at every position: the centre tap never leaves the image, so borders lose nothing."
    ),
    source="Xiao et al. 2018, arXiv:1806.05393",
    statistic="sum of squares of the kernel, fixed for every draw",
)

ENTRIES: tuple[Law, ...] = (*_HAAR, _DELTA, _DIRAC)
