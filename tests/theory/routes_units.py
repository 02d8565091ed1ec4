"""A second, independent route for the laws of weights, fans, activations, kernels and gains.

Small layers are drawn or counted. Means over one normal variate are Gauss-Hermite sums of entire functions; means over
two of them, for functions that are homogeneous, are integrals over the angle alone.
"""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from varlaw.theory import LAWS
from varlaw.theory.laws.schemes import glorot_uniform

from .routes import DRAWS, Case, route

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
X = np.array([1.0, -2.0, 0.5, 3.0, 0.25])
SCALES = (2.0, 2.0, 2 / 3)  # of the arc-cosine kernels, which are 1 at c = 1
TWO = {"q1": 0.5, "q2": 0.8, "c": -0.3}


def one(f: Callable[[Any], Any], q: float = 1.0) -> float:
    """E f(z), z ~ N(0, q)."""
    return float(WEIGHTS @ f(math.sqrt(q) * NODES))


def two(f: Callable[[Any], Any], q1: float, q2: float, c: float) -> float:
    """E f(u) f(v) for normal u, v of these variances and correlation c."""
    x, y = NODES[:, None], NODES[None, :]
    v = math.sqrt(q2) * (c * x + math.sqrt(1 - c * c) * y)
    return float(WEIGHTS @ (f(math.sqrt(q1) * x) * f(v)) @ WEIGHTS)


def around(f: Callable[[Any], Any], degree: int, c: float) -> float:
    """E f(u) f(v) at unit variance and correlation c: a mean over angles times E r^(2 degree) for f homogeneous."""
    t, quarter = mp.acos(c), mp.pi / 2
    jumps = [(kink + mp.pi) % (2 * mp.pi) - mp.pi for kink in (-quarter, quarter, t - quarter, t + quarter)]
    mean = mp.quad(lambda a: f(mp.cos(a)) * f(mp.cos(a - t)), sorted([-mp.pi, *jumps, mp.pi])) / (2 * mp.pi)
    return float(mean * 2**degree * mp.factorial(degree))


@route("linear.gradient_second_moment")
def linear_gradient(rng: np.random.Generator) -> list[Case]:
    w = rng.normal(0, math.sqrt(0.3), size=(DRAWS, 5))
    return [Case({"fan_out": 5, "variance": 0.3, "gradient_second_moment": np.mean(X**2)}, (w @ X) ** 2, draws=True)]


@route("glorot.forward_factor")
def glorot(rng: np.random.Generator) -> list[Case]:
    w = rng.normal(0, math.sqrt(2 / (5 + 11)), size=(DRAWS, 5))
    return [Case({"fan_in": 5, "fan_out": 11}, (w @ X) ** 2 / np.mean(X**2), draws=True)]


@route("torch_default.linear_map", "torch_default.relu_map")
def torch_default(rng: np.random.Generator) -> list[Case]:
    bound = 1 / math.sqrt(5)
    w, b = rng.uniform(-bound, bound, size=(DRAWS, 5)), rng.uniform(-bound, bound, size=DRAWS)
    z = rng.normal(0, 1.5, size=(DRAWS, 5))
    behind = (w * np.maximum(z, 0)).sum(axis=1) + b
    return [
        Case({"q": np.mean(X**2), "fan_in": 5}, (w @ X + b) ** 2, draws=True),
        Case({"q": 2.25, "fan_in": 5}, behind**2, draws=True),
    ]


@route("normal.variance", "rademacher.variance", "rademacher.kurtosis", "sparse_sign.kurtosis")
def distributions(rng: np.random.Generator) -> list[Case]:
    sparse = {Fraction(0): Fraction(3, 4), Fraction(2): Fraction(1, 8), Fraction(-2): Fraction(1, 8)}  # density 1/4
    second, fourth = (sum(p * x**k for x, p in sparse.items()) for k in (2, 4))
    return [
        Case({"std": 0.7}, one(lambda z: (0.7 * z) ** 2)),
        Case({"scale": 0.3}, np.mean(np.array([0.3, -0.3]) ** 2)),
        Case({}, np.mean(np.array([0.3, -0.3]) ** 4) / np.mean(np.array([0.3, -0.3]) ** 2) ** 2),
        Case({"density": 0.25}, float(fourth / second**2)),
    ]


@route("truncated_normal.second_moment", "truncated_normal.needless_correction")
def truncated(rng: np.random.Generator) -> list[Case]:
    cases = []
    for low, high in ((-2.0, 2.0), (-0.5, 1.25)):
        mass, mean, second = (mp.quad(lambda x, k=k: x**k * mp.npdf(x), [low, high]) for k in range(3))
        cases += [
            Case({"low": low, "high": high}, float(second / mass)),
            Case({"low": low, "high": high}, float(1 / (second / mass - (mean / mass) ** 2))),
        ]
    return cases


@route("orthogonal.entry_variance", "delta_orthogonal.variance", "dirac.second_moment_factor")
def orthogonal(rng: np.random.Generator) -> list[Case]:
    cases = []
    for rows, cols in ((6, 4), (3, 7), (5, 5)):
        q, _ = np.linalg.qr(rng.normal(size=(max(rows, cols), min(rows, cols))))
        kernel = np.zeros((3, 3, *q.shape))
        kernel[1, 1] = q
        cases += [
            Case({"rows": rows, "cols": cols}, np.mean(q**2)),
            Case({"channels_in": cols, "channels_out": rows, "taps": 9}, np.mean(kernel**2)),
            Case({"channels_in": cols, "channels_out": rows}, np.mean((np.eye(rows, cols) ** 2).sum(axis=1))),
        ]
    return cases


@route("conv.shape_fan_out_excess")
def shape_excess(rng: np.random.Generator) -> list[Case]:
    """A circular convolution over 12 positions, its connections counted one by one."""
    inputs, outputs, kernel, positions, cases = 6, 4, 3, 12, []
    for groups, stride in itertools.product((1, 2), (1, 2, 3)):
        wires = sum(
            i * groups // inputs == o * groups // outputs
            for o, i, _, _ in itertools.product(
                range(outputs), range(inputs), range(kernel), range(0, positions, stride)
            )
        )
        cases.append(Case({"groups": groups, "strides": stride}, outputs * kernel / (wires / (inputs * positions))))
    return cases


@route("packed_qkv.xavier_factor")
def packed(rng: np.random.Generator) -> list[Case]:
    alone = glorot_uniform(8, 8).variance
    return [Case({"blocks": k}, glorot_uniform(8, 8 * k).variance / alone) for k in (1, 3)]


@route("embedding.second_moment", "average_pool.second_moment_factor", "average_pool.correlated_factor")
def lookups(rng: np.random.Generator) -> list[Case]:
    table = rng.normal(0, 0.2, size=(DRAWS, 7))
    x = rng.uniform(-math.sqrt(3), math.sqrt(3), size=(DRAWS, 5))
    alike = math.sqrt(0.3) * x[:, :1] + math.sqrt(0.7) * x[:, 1:]
    return [
        Case({"variance": 0.04}, (np.eye(7)[rng.integers(7, size=DRAWS)] * table).sum(axis=1) ** 2, draws=True),
        Case({"taps": 5}, x.mean(axis=1) ** 2, draws=True),
        Case({"taps": 4, "correlation": 0.3}, alike.mean(axis=1) ** 2, draws=True),
    ]


@route("relu.second_moment", "relu.variance", "relu.kurtosis")
def relu(rng: np.random.Generator) -> list[Case]:
    """Of a Laplace law by draws; of the normal law by integrals over the half line."""
    laplace = np.maximum(rng.laplace(0, 0.5, size=10 * DRAWS), 0)
    mean = mp.quad(lambda z: z * mp.npdf(z), [0, mp.inf])
    central = {k: mp.quad(lambda z, k=k: (z - mean) ** k * mp.npdf(z), [0, 2, mp.inf]) + mean**k / 2 for k in (2, 4)}
    return [
        Case({"q": 0.5}, laplace**2, draws=True),
        Case({"q": 3.0}, float(3 * central[2])),
        Case({}, float(central[4] / central[2] ** 2)),
    ]


@route("glu.second_moment", "glu.value_derivative_second_moment", "glu.gate_derivative_second_moment")
def gated(rng: np.random.Generator) -> list[Case]:
    a, b = rng.normal(0, 1.2, size=(2, 10 * DRAWS))
    at = {"activation": "sin", "q": 1.44}
    slope_a = np.imag((a + 1e-30j) * np.sin(b)) / 1e-30
    slope_b = np.imag(a * np.sin(b + 1e-30j)) / 1e-30
    return [Case(at, got**2, draws=True) for got in (a * np.sin(b), slope_a, slope_b)]


@route("activation.forward_gain", "activation.backward_gain", "activation.chi", "gain.ratio")
def gains(rng: np.random.Generator) -> list[Case]:
    cases = []
    for q in (0.25, 1.0):
        second, slope = one(lambda z: np.sin(z) ** 2, q), one(lambda z: np.cos(z) ** 2, q)
        numbers = (math.sqrt(q / second), 1 / math.sqrt(slope), q * slope / second, math.sqrt(second / (q * slope)))
        cases += [Case({"activation": "sin", "q": q}, number) for number in numbers]
    return cases


@route("gain.leaky_relu")
def leaky_gain(rng: np.random.Generator) -> list[Case]:
    """Of the symmetric law on -1 and 1."""
    return [Case({"slope": a}, 1 / math.sqrt(np.mean(np.array([1.0, -a]) ** 2))) for a in (0.0, 0.2, -3.0)]


@route("gain.selu_alpha", "gain.selu_lambda", "gain.selu_variance_slope")
def selu(rng: np.random.Generator) -> list[Case]:
    below = {k: mp.quad(lambda z, k=k: mp.expm1(z) ** k * mp.npdf(z), [-mp.inf, -4, 0]) for k in (1, 2)}
    alpha = mp.quad(lambda z: z * mp.npdf(z), [0, mp.inf]) / -below[1]
    second, step = LAWS["activation.second_moment"], 1e-4
    ahead, behind = (second.value(activation="selu", q=1 + h) for h in (step, -step))
    return [
        Case({}, float(alpha)),
        Case({}, float(1 / mp.sqrt(mp.mpf(1) / 2 + alpha**2 * below[2]))),
        Case({}, (ahead - behind) / (2 * step), tolerance=1e-7),
    ]


@route("kernel.k0", "kernel.k1", "kernel.k2", "kernel.one_minus_k0", "kernel.one_minus_k1", "kernel.one_minus_k2")
def kernels(rng: np.random.Generator) -> list[Case]:
    cases = []
    for c in (-0.75, 0.0, 0.5):
        numbers = [scale * around(lambda x, n=n: x**n if x > 0 else 0, n, c) for n, scale in enumerate(SCALES)]
        cases += [Case({"c": c}, k, absolute=1e-15) for k in numbers]
        cases += [Case({"one_minus_c": 1 - c}, 1 - k) for k in numbers]
    return cases


@route(
    "correlation.relu", "correlation.abs", "correlation.leaky_relu", "correlation.one_minus_leaky_relu",
    "correlation.relu_product",
)  # fmt: skip
def homogeneous(rng: np.random.Generator) -> list[Case]:
    cases = []
    for c in (-0.75, 0.0, 0.5):
        relu = around(lambda x: max(x, 0), 1, c)
        leaky = around(lambda x: max(x, x / 4), 1, c) / (17 / 32)
        cases += [
            Case({"c": c}, 2 * relu),
            Case({"c": c}, around(abs, 1, c)),
            Case({"c": c, "slope": 0.25}, leaky, absolute=1e-15),
            Case({"one_minus_c": 1 - c, "slope": 0.25}, 1 - leaky),
            Case({"q1": 0.25, "q2": 4.0, "c": c}, relu),
        ]
    return cases


@route("correlation.erf_product", "correlation.sin_product", "correlation.gelu_product")
def smooth(rng: np.random.Generator) -> list[Case]:
    from scipy.special import erf, ndtr

    functions = (erf, np.sin, lambda x: x * ndtr(x))
    return [Case(TWO, two(f, **TWO), tolerance=1e-9) for f in functions]


@route("meanfield.variance_map", "meanfield.chi")
def maps(rng: np.random.Generator) -> list[Case]:
    at = {"activation": "sin", "q": 0.8, "weight_variance": 1.7}
    return [
        Case(at | {"bias_variance": 0.1}, 1.7 * one(lambda z: np.sin(z) ** 2, 0.8) + 0.1),
        Case(at, 1.7 * one(lambda z: np.cos(z) ** 2, 0.8)),
    ]
