"""What rounding and coarse uniforms do to the moments of initial weights.

Rounding to a floating-point grid does not add u^2/12: inside a binade it takes as much away, at each binade's lower
edge more, and only on the fixed grid of the subnormal range does Sheppard's rule hold.

>>> from varlaw.theory.laws.rounding import ENTRIES
>>> f"{ {law.name: law for law in ENTRIES}['rounding.normal'].value(dtype='bfloat16', std=1.0):.3e}"
'-2.834e-06'
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, Relation, above, one_of
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.formats import FORMATS
from varlaw.theory.numerics.rounding_moments import normal_change, uniform_change, uniform_change_towards_zero
from varlaw.theory.numerics.scaled import product

_DTYPE = one_of(*(name for name in FORMATS if name != "float64"))
_STD = above(0, typical=(1e-8, 0.25))
_SPACING = above(0, typical=(1e-8, 1.0))
_BITS = Interval(low=1, high=1000, whole=True, typical=(1, 53))
_GRID = ("round to nearest, ties to even", "subnormal numbers kept", "drawn in full precision, then rounded")
_FITS = Relation("40 * std <= largest number of dtype", lambda dtype, std: 40 * std <= FORMATS[dtype].largest)
_INSIDE = Relation(
    "bound <= largest number of dtype", lambda dtype, bound: np.less_equal(bound, FORMATS[dtype].largest)
)
_GRID_FORMULA = "fsum([({0}) for g, low, high in grid(dtype)])"


@functools.partial(np.vectorize, otypes=[np.float64], excluded={"dtype"})
def _normal(std: float, *, dtype: str) -> float:
    return normal_change(dtype, std)


@functools.partial(np.vectorize, otypes=[np.float64], excluded={"dtype"})
def _uniform(bound: float, *, dtype: str) -> float:
    return uniform_change(dtype, bound)


@functools.partial(np.vectorize, otypes=[np.float64], excluded={"dtype"})
def _uniform_towards_zero(bound: float, *, dtype: str) -> float:
    return uniform_change_towards_zero(dtype, bound)


def _zero_share(dtype: str, std: Any) -> Any:
    from scipy.special import erf

    return erf(FORMATS[dtype].smallest / (2 * np.sqrt(2.0) * std))


@functools.partial(np.vectorize, otypes=[np.float64])
def _box_muller_loss(bits: float) -> float:
    """1 + ln(N!/N^N)/N: Stirling's remainder, or the sum itself while N is small."""
    n = float(np.exp2(bits))
    if bits <= 10:
        k = np.arange(1, n + 1)
        return 1 + float(np.sum(np.log(k / n))) / n
    return float(np.log(2 * np.pi * n) / 2 + (1 / 12 - 1 / (360 * n * n)) / n) / n


_change_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)
_CHANGES = (
    _change_law(
        name="rounding.normal",
        title="Rounding a normal draw to a narrow format",
        quantity="E[round(x)^2] / E[x^2] - 1, x ~ N(0, std^2)",
        formula="2 * " + _GRID_FORMULA.format("g**2 * normal_mass(low, high, std)") + " / std**2 - 1",
        domain=Domain(_FITS, dtype=_DTYPE, std=_STD),
        rule=lambda dtype, std: _normal(std, dtype=dtype),
        hypotheses=(
            *_GRID,
            "grid: numbers >= 0 of the format, each with the ends of its cell on the positive half-line",
        ),
        derivation=(
            "The change summed over all cells; inside a segment of equal spacing the first-order parts cancel on paper."
        ),
        statistic="mean of round(x)^2 - x^2 over draws",
        precision="float32: Euler-Maclaurin in place of the sum over its cells, relative error below 1e-12",
        not_to_confuse="+ u^2 / 12, the rule for a grid of fixed step (rounding.fixed_step)",
    ),
    _change_law(
        name="rounding.uniform",
        title="Rounding a uniform draw to a narrow format",
        quantity="E[round(x)^2] / E[x^2] - 1, x ~ U(-bound, bound)",
        formula=(
            "3 * " + _GRID_FORMULA.format("g**2 * max(min(high, bound) - min(low, bound), 0)") + " / bound**3 - 1"
        ),
        domain=Domain(_INSIDE, dtype=_DTYPE, bound=above(0, typical=(1e-4, 1.0))),
        rule=lambda dtype, bound: _uniform(bound, dtype=dtype),
        hypotheses=(
            *_GRID,
            "grid: numbers >= 0 of the format, each with the ends of its cell on the positive half-line",
        ),
        derivation=(
            "Every whole cell of spacing u adds u^3 / 6 to the integral of x^2; the cell that holds the bound is cut."
        ),
        statistic="mean of round(x)^2 - x^2 over draws",
        not_to_confuse="a law with the same sign for every bound: powers of two gain, others may lose",
    ),
    _change_law(
        name="rounding.uniform_towards_zero",
        title="Rounding a uniform draw towards zero",
        quantity="E[cut(x)^2] / E[x^2] - 1, x ~ U(-bound, bound), cut: the largest number of the format up to |x|",
        formula=(
            "3 * fsum([g**2 * max(min(up, bound) - g, 0) for (g, low, high), (up, *_) in pairwise(grid(dtype))]) "
            "/ bound**3 - 1"
        ),
        domain=Domain(_INSIDE, dtype=_DTYPE, bound=above(0, typical=(1e-4, 1.0))),
        rule=lambda dtype, bound: _uniform_towards_zero(bound, dtype=dtype),
        hypotheses=(
            "rounding towards zero",
            *_GRID[1:],
            "grid: numbers >= 0 of the format, each with the ends of its cell on the positive half-line",
        ),
        derivation="A cell of width u above g loses g u^2 + u^3 / 3 of the integral of x^2: first order, of one sign.",
        statistic="mean of cut(x)^2 - x^2 over draws",
        not_to_confuse="rounding.uniform, of second order: bfloat16 loses 5e-3 here at bound 1, and gains 4e-6 there",
    ),
    _change_law(
        name="rounding.zero_share",
        title="Small normal draws that round to zero",
        quantity="P(round(x) = 0), x ~ N(0, std^2)",
        formula="erf(FORMATS[dtype].smallest / (2 * sqrt(2) * std))",
        domain=Domain(dtype=_DTYPE, std=_STD),
        rule=_zero_share,
        hypotheses=_GRID,
        derivation="Everything up to half the smallest positive number rounds to zero.",
        statistic="share of zeros",
    ),
)

_CELLS = (
    Law(
        name="rounding.interior_cell",
        title="One cell of a flat density",
        quantity="E[round(x)^2 - x^2 given the cell]",
        formula="-spacing**2 / 12",
        kind=Kind.IN_EXPECTATION,
        domain=Domain(spacing=_SPACING),
        rule=lambda spacing: -np.square(spacing) / 12,
        hypotheses=("density constant on the cell", "the grid point is the middle of its cell"),
        derivation="The grid point is the conditional mean, so the second moment loses the variance of the cell.",
        statistic="mean of round(x)^2 - x^2 over the cell",
        not_to_confuse="+ spacing^2 / 12",
    ),
    Law(
        name="rounding.binade",
        title="One binade of a flat density, its lower boundary cell included",
        quantity="contribution to E[round(x)^2] - E[x^2]",
        formula="-mpf(13) / 48 * spacing**2 * density * start",
        kind=Kind.ASYMPTOTIC,
        error="O(spacing^3 density)",
        domain=Domain(spacing=_SPACING, density=_SPACING, start=_SPACING),
        rule=lambda spacing, density, start: -13 / 48 * product(spacing, spacing, density, start),
        hypotheses=("binade [start, 2 start)", "density constant on it and just below it"),
        derivation=(
            "The cells lose spacing^2/12 each, start density spacing^2/12 in all; at the lower edge the half-cell "
            "below is half as wide, which loses 3/16 start spacing^2 density more: 1/12 + 3/16 = 13/48."
        ),
        statistic="mean of round(x)^2 - x^2 over the binade",
    ),
    Law(
        name="rounding.fixed_step",
        title="Sheppard's rule: a fixed grid adds u^2 / 12",
        quantity="E[round(x)^2] - E[x^2]",
        formula="spacing**2 / 12",
        kind=Kind.ASYMPTOTIC,
        error="-(4 std^2 + spacing^2 / pi^2) exp(-2 pi^2 (std / spacing)^2) for a normal law of mean 0",
        domain=Domain(spacing=_SPACING),
        rule=lambda spacing: np.square(spacing) / 12,
        hypotheses=(
            "one spacing everywhere (integers, the subnormal range)",
            "smooth density, std of a spacing or more",
        ),
        derivation=(
            "Fourier series of the rounding error e: E[e^2] = spacing^2/12 and E[x e] = 0 up to terms with the "
            "characteristic function at 2 pi / spacing, which the error term writes out."
        ),
        source="Sheppard 1898, Proceedings of the London Mathematical Society 29",
        statistic="mean of round(x)^2 - x^2 over draws",
        not_to_confuse="floating-point grids, whose spacing grows with x",
    ),
)

_source_law = functools.partial(Law, kind=Kind.IN_EXPECTATION, domain=Domain(bits=_BITS))
_SOURCES = (
    _source_law(
        name="rounding.grid_uniform_mean",
        title="Uniforms drawn on a grid of 2^bits points have a mean below 1/2",
        quantity="E[u], u = k / 2^bits, k = 0 .. 2^bits - 1",
        formula="(1 - 2**(-bits)) / 2",
        rule=lambda bits: (1 - np.exp2(-bits)) / 2,
        hypotheses=("k uniform; torch's bfloat16 uniform_ has bits = 8",),
        derivation="mean of k is (2^bits - 1)/2.",
        statistic="mean of the draws",
        not_to_confuse="1/2: draw in float32 and round instead",
    ),
    _source_law(
        name="rounding.grid_uniform_variance",
        title="Variance of uniforms drawn on a grid of 2^bits points",
        quantity="Var[u], u = k / 2^bits, k = 0 .. 2^bits - 1",
        formula="(1 - 4**(-bits)) / 12",
        rule=lambda bits: -np.expm1(-bits * np.log(4.0)) / 12,
        hypotheses=("k uniform",),
        derivation="(N^2 - 1) / 12 for k, N = 2^bits.",
        statistic="variance of the draws",
    ),
    _source_law(
        name="rounding.box_muller_variance",
        title="Box-Muller on coarse uniforms is too narrow",
        quantity="Var[z], z = sqrt(-2 ln u) cos(2 pi v), u = k / 2^bits, k = 1 .. 2^bits",
        formula="(bits * log(2) * 2**bits - loggamma(2**bits + 1)) / 2**bits",
        rule=lambda bits: 1 - _box_muller_loss(bits),
        hypotheses=("u on the grid, v exact",),
        derivation="E[-ln u] = -(1/N) ln(N! / N^N), N = 2^bits; E cos^2 = 1/2.",
        statistic="variance of the draws",
        not_to_confuse="1",
    ),
    _source_law(
        name="rounding.box_muller_loss",
        title="What Box-Muller on coarse uniforms lacks of unit variance",
        quantity="1 - Var[z]",
        formula="1 - (bits * log(2) * 2**bits - loggamma(2**bits + 1)) / 2**bits",
        rule=_box_muller_loss,
        hypotheses=("as rounding.box_muller_variance",),
        derivation="About ln(2 pi N) / (2N).",
        statistic="1 - variance of the draws",
    ),
    _source_law(
        name="rounding.box_muller_range",
        title="Box-Muller on coarse uniforms has no tails",
        quantity="largest possible |z|",
        formula="sqrt(2 * bits * log(2))",
        kind=Kind.BOUND,
        rule=lambda bits: np.sqrt(2 * bits * np.log(2.0)),
        hypotheses=("u >= 2^-bits; torch.randn on a CPU has 24 in float32, 53 in float64",),
        derivation="sqrt(-2 ln u) at the smallest u.",
        statistic="|z| of torch.randn behind a generator whose words are all ones, which reach the smallest u",
    ),
)

ENTRIES: tuple[Law, ...] = (*_CHANGES, *_CELLS, *_SOURCES)
