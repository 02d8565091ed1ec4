"""A second, independent route for the laws of residual streams, norms, running statistics, clipping and formats.

Derivatives are complex steps, exact to rounding.
"""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import mpmath as mp
import numpy as np
from scipy import optimize

from varlaw.theory import LAWS
from varlaw.theory.numerics.formats import FORMATS

from .routes import DRAWS, Case, route


@route("complex.variance", "truncated_complex.variance")
def complex_weights(rng: np.random.Generator) -> list[Case]:
    w = rng.normal(size=20 * DRAWS) * 0.5 + 1j * rng.normal(size=20 * DRAWS) * 1.2
    z = (rng.normal(size=20 * DRAWS) + 1j * rng.normal(size=20 * DRAWS)) / math.sqrt(2)
    return [
        Case({"real_variance": 0.25, "imaginary_variance": 1.44}, np.abs(w) ** 2, draws=True),
        Case({"cut": 2.0}, np.abs(z[np.abs(z) <= 2]) ** 2, draws=True),
    ]


@route("residual.growth")
def growth(rng: np.random.Generator) -> list[Case]:
    n, gain, branches = 24, 0.5, 4
    h = rng.normal(size=(DRAWS, n))
    start = (h**2).sum(axis=1)
    for _ in range(branches):
        w = rng.normal(0, np.sqrt(gain / n), size=(DRAWS, n, n))
        h = h + np.einsum("dij,dj->di", w, h)
    return [Case({"branch_gain": gain, "branches": branches}, (h**2).sum(axis=1) / start, draws=True)]


@route("residual.scaled_growth")
def scaled_growth(rng: np.random.Generator) -> list[Case]:
    return [Case({"layers": n}, float(Fraction(2 * n + 1, 2 * n) ** (2 * n))) for n in (1, 2, 12, 96)]


@route("residual.prenorm_growth")
def prenorm_growth(rng: np.random.Generator) -> list[Case]:
    n, v = 24, 0.7
    h = rng.normal(size=(DRAWS, n))
    h *= np.sqrt(2 * n / (h**2).sum(axis=1, keepdims=True))
    for _ in range(3):
        x = h / np.sqrt((h**2).mean(axis=1, keepdims=True))
        h = h + np.einsum("dij,dj->di", rng.normal(0, np.sqrt(v / n), size=(DRAWS, n, n)), x)
    return [Case({"second_moment": 2.0, "branches": 3, "branch_variance": v}, (h**2).mean(axis=1), draws=True)]


@route("residual.prenorm_gradient")
def prenorm_gradient(rng: np.random.Generator) -> list[Case]:
    q0, v = 0.8, 0.3
    product = np.prod([1 + v / (q0 + depth * v) for depth in range(50)])
    return [Case({"second_moment": q0, "branches": 50, "branch_variance": v}, product)]


@route("residual.droppath_second_moment")
def droppath(rng: np.random.Generator) -> list[Case]:
    h, f = rng.normal(0, 2, DRAWS), rng.normal(0, 1.5, DRAWS)
    kept = (rng.random(DRAWS) >= 0.3) / 0.7
    return [Case({"second_moment": 4.0, "branch_variance": 2.25, "rate": 0.3}, (h + kept * f) ** 2, draws=True)]


@route("residual.postnorm_identity_path")
def postnorm_identity(rng: np.random.Generator) -> list[Case]:
    return [Case({"branch_gain": 1.0, "branches": 24}, 2.0**-12), Case({"branch_gain": 0.25, "branches": 2}, 0.8)]


@route("residual.postnorm_gradient")
def postnorm_gradient(rng: np.random.Generator) -> list[Case]:
    n, depth, draws = 128, 3, 400
    ratios = np.empty(draws)
    for d in range(draws):
        h, g = rng.normal(size=n), rng.normal(size=n)
        layers = []
        for _ in range(depth):
            w = rng.normal(0, np.sqrt(1 / n), size=(n, n))
            x = h + w @ h
            scale = np.sqrt((x**2).mean())
            h = x / scale
            layers.append((w, h, scale))
        end = g @ g
        for w, y, scale in reversed(layers):
            g = (g - y * (y @ g) / n) / scale
            g = g + w.T @ g
        ratios[d] = g @ g / end
    return [Case({"branch_gain": 1.0, "branches": depth}, ratios, draws=True, absolute=2 * depth / n)]


@route("residual.prenorm_last_gradient_bound")
def last_gradient(rng: np.random.Generator) -> list[Case]:
    """The final norm of a pre-norm stack divides by the root of the second moment that L unit branches leave."""
    return [Case({"layers": n}, 1 / math.sqrt(sum([1.0] * n))) for n in (1, 9, 96)]


def _centred(x: Any) -> Any:
    """Squares whose mean is the variance."""
    return (x - x.mean()) ** 2 * len(x) / (len(x) - 1)


@route("residual.linear_log_variance")
def linear_spread(rng: np.random.Generator) -> list[Case]:
    n, gain, branches = 40, 0.8, 3
    h = np.ones((DRAWS, n))
    for _ in range(branches):
        h = h + np.einsum("dij,dj->di", rng.normal(0, np.sqrt(gain / n), size=(DRAWS, n, n)), h)
    case = {"branch_gain": gain, "branches": branches, "width": n}
    return [Case(case, _centred(np.log((h**2).sum(axis=1))), draws=True, absolute=4 * branches / n**2)]


@route("residual.prenorm_log_variance")
def prenorm_spread(rng: np.random.Generator) -> list[Case]:
    """Branches that read squares of m normal numbers: a mean square of variance 2 g^2 / m."""
    n, m, gain, branches = 60, 20, 0.9, 4
    h = rng.normal(size=(20 * DRAWS, n))
    for _ in range(branches):
        size = gain * rng.chisquare(m, size=(20 * DRAWS, 1)) / m
        h = h + np.sqrt(size) * rng.normal(size=(20 * DRAWS, n))
    case = {"second_moment": 1.0, "branches": branches, "branch_variance": gain, "branch_spread": 2 * gain**2 / m}
    x = _centred(np.log((h**2).mean(axis=1)))
    return [Case({**case, "width": n}, x, draws=True, absolute=8 / n**2)]


def _walk(rng: np.random.Generator, steps: int, shape: tuple[int, ...]) -> Any:
    """The recursion h = max(h + z, 0)."""
    h = np.zeros(shape)
    for _ in range(steps):
        h = np.maximum(h + rng.normal(size=shape), 0)
    return h


@route("residual.relu_stream_mean", "residual.relu_stream_second_moment", "residual.relu_stream_zeros")
def reflected_walk(rng: np.random.Generator) -> list[Case]:
    found = []
    for steps in (1, 2, 9):
        h = _walk(rng, steps, (50 * DRAWS,))
        found += [Case({"steps": steps}, x, draws=True) for x in (h, h**2, (h == 0).astype(float))]
    return found


@route("residual.relu_block_gradient")
def relu_block_gradient(rng: np.random.Generator) -> list[Case]:
    """One block of a wide layer and a large batch, differentiated by hand."""
    size, steps, ratios = 300, 4, []
    for _ in range(12):
        h = _walk(rng, steps - 1, (size, size))  # (batch, channels)
        w = rng.normal(size=(2, size, size)) / math.sqrt(size)
        y1, s1 = _normed(h @ w[0])
        y2, s2 = _normed(np.maximum(y1, 0) @ w[1])
        end = rng.normal(size=(size, size))
        on = end * (h + y2 > 0)
        back = _through(on, y2, s2) @ w[1].T * (y1 > 0)
        ratios.append(((on + _through(back, y1, s1) @ w[0].T) ** 2).sum() / (end**2).sum())
    return [Case({"steps": steps, "hidden": 1}, np.array(ratios), draws=True, absolute=0.05)]


def _normed(x: Any) -> tuple[Any, Any]:
    std = x.std(axis=0)
    return (x - x.mean(axis=0)) / std, std


def _through(g: Any, y: Any, std: Any) -> Any:
    """A gradient behind a batch norm, in front of it."""
    return (g - g.mean(axis=0) - y * (g * y).mean(axis=0)) / std


@route("residual.zero_gate_change", "residual.zero_gate_branch_gradient")
def zero_gate(rng: np.random.Generator) -> list[Case]:
    h, w, g = rng.normal(size=9), rng.normal(size=(9, 9)), rng.normal(size=9)
    change = np.abs(h + 0.0 * np.tanh(w @ h) - h).max()
    step = 1e-200
    weights = [
        (g @ (h + 0.0 * np.tanh((w + 1j * step * (np.arange(81) == k).reshape(9, 9)) @ h))).imag / step
        for k in range(81)
    ]
    return [Case({}, change), Case({}, np.abs(weights).max())]


def normalise(x: Any, eps: float, axis: int = -1) -> Any:
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=axis, keepdims=True) + eps)


@route("layer_norm.mean", "batch_norm.mean", "group_norm.mean", "instance_norm.mean")
def norm_means(rng: np.random.Generator) -> list[Case]:
    y = normalise(rng.normal(3, 2, size=(50, 60)), 1e-5)
    return [Case({}, np.abs(y.mean(axis=-1)).max(), absolute=1e-14)] * 4


@route(
    "layer_norm.second_moment", "batch_norm.second_moment", "group_norm.second_moment", "instance_norm.second_moment"
)
def norm_second_moments(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(size=60)
    cases = []
    for scale, eps in ((1.0, 1e-5), (1e-3, 1e-5), (1e4, 0.5)):
        y = normalise(scale * x, eps)
        cases += [Case({"variance": (scale * x).var(), "eps": eps}, (y**2).mean())] * 4
    return cases


@route("rms_norm.second_moment")
def rms_second_moment(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(2, 1, size=60)
    y = x / np.sqrt((x**2).mean() + 0.3)
    return [Case({"mean_square": (x**2).mean(), "eps": 0.3}, (y**2).mean())]


@route("norm.shortfall")
def shortfall(rng: np.random.Generator) -> list[Case]:
    cases = [(3.0, 1e-5), (1e12, 1e-8), (0.0, 1e-5)]
    return [Case({"variance": v, "eps": e}, float(1 - Fraction(v) / (Fraction(v) + Fraction(e)))) for v, e in cases]


@route("norm.constant_input")
def constant_input(rng: np.random.Generator) -> list[Case]:
    return [Case({}, np.abs(normalise(np.full(64, c), 1e-5)).max()) for c in (0.0, 3.0, 2.0**40)]


@route("norm.range")
def norm_range(rng: np.random.Generator) -> list[Case]:
    cases = [Case({"n": n}, normalise(np.eye(n)[0], 0.0).max()) for n in (2, 5, 300)]
    worst = np.abs(normalise(rng.standard_cauchy(size=(500, 7)), 0.0)).max()
    assert worst <= LAWS["norm.range"].value(n=7)
    return [*cases, Case({"n": 1}, 0.0)]


@route("rms_norm.range")
def rms_range(rng: np.random.Generator) -> list[Case]:
    return [Case({"n": n}, (np.eye(n)[0] / np.sqrt((np.eye(n)[0] ** 2).mean())).max()) for n in (1, 2, 300)]


@route("norm.kurtosis", "norm.correlation", "norm.relu_mean")
def finite_group(rng: np.random.Generator) -> list[Case]:
    y = normalise(rng.normal(size=(40 * DRAWS, 6)), 0.0)
    return [Case({"n": 6}, draws, draws=True) for draws in (y[:, 0] ** 4, y[:, 0] * y[:, 1], np.maximum(y[:, 0], 0))]


@route("rms_norm.kurtosis")
def rms_kurtosis(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(size=(40 * DRAWS, 5))
    return [Case({"n": 5}, (x[:, 0] ** 2 / (x**2).mean(axis=1)) ** 2, draws=True)]


@route("norm.inverse_variance_mean", "norm.inverse_std_mean")
def inverse_scale(rng: np.random.Generator) -> list[Case]:
    v = rng.normal(size=(20 * DRAWS, 14)).var(axis=1)
    return [Case({"n": 14}, 1 / v, draws=True), Case({"n": 14}, 1 / np.sqrt(v), draws=True)]


def jacobian(function: Callable[[Any], Any], x: Any) -> Any:
    step = 1e-200
    return np.stack([function(x + 1j * step * e).imag / step for e in np.eye(len(x))], axis=1)


@route("norm.jacobian_frobenius", "norm.jacobian_leak", "norm.gradient_sum")
def norm_jacobian(rng: np.random.Generator) -> list[Case]:
    x, eps = rng.normal(size=9), 0.2
    j = jacobian(lambda z: normalise(z, eps), x)
    y = normalise(x, eps)
    params = {"variance": x.var(), "eps": eps}
    return [
        Case({"n": 9, **params}, (j**2).sum()),
        Case(params, y @ j @ y / (y @ y)),
        Case({}, np.abs(j.sum(axis=0)).max() + np.abs(j - j.T).max(), absolute=1e-14),
    ]


@route("rms_norm.jacobian_frobenius")
def rms_jacobian(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(size=9)
    j = jacobian(lambda z: z / np.sqrt((z**2).mean() + 0.2), x)
    return [Case({"n": 9, "mean_square": (x**2).mean(), "eps": 0.2}, (j**2).sum())]


@route("weight_norm.gradient_ratio")
def weight_norm(rng: np.random.Generator) -> list[Case]:
    v, g = rng.normal(size=9), rng.normal(size=9)
    got = g @ jacobian(lambda z: 1.7 * z / np.sqrt((z**2).sum()), v)
    projected = g - v * (v @ g) / (v @ v)
    return [Case({"gain": 1.7, "norm": np.linalg.norm(v)}, np.linalg.norm(got) / np.linalg.norm(projected))]


@route("scale_invariance.gradient_ratio")
def scale_invariance(rng: np.random.Generator) -> list[Case]:
    w, g = rng.normal(size=9), rng.normal(size=9)

    def size(c: float) -> Any:
        return np.linalg.norm(g @ jacobian(lambda z: np.tanh(normalise(z, 0.0)), c * w))

    return [Case({"factor": 3.0}, size(3.0) / size(1.0))]


@route("scale_invariance.norm_growth")
def norm_growth(rng: np.random.Generator) -> list[Case]:
    w, g = rng.normal(size=9), rng.normal(size=9)
    g -= w * (w @ g) / (w @ w)
    after = w - 0.3 * g
    return [Case({"learning_rate": 0.3, "gradient": np.linalg.norm(g)}, after @ after - w @ w)]


@route("scale_invariance.equilibrium_norm")
def equilibrium(rng: np.random.Generator) -> list[Case]:
    rate, decay, gradient, square = 0.3, 0.02, 1.4, 1.0
    for _ in range(20000):
        square = (1 - rate * decay) ** 2 * square + rate**2 * gradient**2 / square
    return [Case({"learning_rate": rate, "decay": decay, "gradient": gradient}, np.sqrt(square))]


@route("batch_norm.bias_gradient")
def bias_gradient(rng: np.random.Generator) -> list[Case]:
    x, g, step = rng.normal(size=30), rng.normal(size=30), 1e-200
    return [Case({}, abs((g @ np.tanh(normalise(x + 1j * step, 1e-5))).imag / step), absolute=1e-14)]


@route("batch_norm.running_mean", "batch_norm.running_variance")
def running(rng: np.random.Generator) -> list[Case]:
    r = 1.0
    for _ in range(7):
        r = 0.8 * r + 0.2 * 5.0
    return [
        Case({"t": 7, "momentum": 0.2, "start": 1.0, "mean": 5.0}, r),
        Case({"t": 7, "momentum": 0.2, "start": 1.0, "variance": 5.0}, r),
    ]


def runs(rng: np.random.Generator, ddof: int) -> tuple[Any, Any]:
    mean, variance = np.zeros(DRAWS), np.ones(DRAWS)
    for _ in range(6):
        x = rng.uniform(-np.sqrt(6), np.sqrt(6), size=(DRAWS, 5))  # variance 2, kurtosis 9/5
        mean = 0.7 * mean + 0.3 * x.mean(axis=1)
        variance = 0.7 * variance + 0.3 * x.var(axis=1, ddof=ddof)
    return mean, variance


@route("batch_norm.running_variance_biased")
def running_biased(rng: np.random.Generator) -> list[Case]:
    params = {"t": 6, "momentum": 0.3, "start": 1.0, "variance": 2.0, "batch": 5}
    return [Case(params, runs(rng, 0)[1], draws=True)]


@route("batch_norm.running_mean_variance", "batch_norm.running_variance_variance")
def running_spread(rng: np.random.Generator) -> list[Case]:
    mean, variance = runs(rng, 1)
    params = {"t": 6, "momentum": 0.3, "variance": 2.0, "batch": 5}
    squared = [(v - v.mean()) ** 2 * DRAWS / (DRAWS - 1) for v in (mean, variance)]
    return [Case(params, squared[0], draws=True), Case({**params, "kurtosis": 1.8}, squared[1], draws=True)]


@route("clip.norm", "clip.factor", "clip.norm_eps", "clip.per_parameter")
def clip_rules(rng: np.random.Generator) -> list[Case]:
    cases = []
    for scale in (0.01, 1.0, 40.0):
        g = scale * rng.normal(size=20)
        size = np.linalg.norm(g)
        nearest = g if size <= 1.5 else 1.5 * g / size  # the point of the ball next to g
        variant = np.linalg.norm(g * min(1.0, 1.5 / (size + 0.1)))
        case = {"norm": size, "limit": 1.5}
        cases += [
            Case(case, np.linalg.norm(nearest)),
            Case(case, nearest[0] / g[0]),
            Case({**case, "eps": 0.1}, variant),
            Case(case, np.linalg.norm(nearest)),
        ]
    return cases


@route("clip.eps_slope", "clip.normalised_norm")
def clip_slopes(rng: np.random.Generator) -> list[Case]:
    cases = []
    for size in (0.2, 1.45, 30.0):
        step = 1e-200
        slope = ((size + 1j * step) * (1.5 / (size + 1j * step + 0.1) if size + 0.1 > 1.5 else 1.0)).imag / step
        g = rng.normal(size=5)
        rescaled = 1.5 * (size * g / np.linalg.norm(g)) / size
        case = {"norm": size, "limit": 1.5}
        cases += [Case({**case, "eps": 0.1}, slope), Case(case, np.linalg.norm(rescaled))]
    return cases


@route("clip.value")
def clip_value(rng: np.random.Generator) -> list[Case]:
    return [Case({"x": x, "limit": 0.5}, float(np.median([-0.5, x, 0.5]))) for x in (-3.0, -0.5, 0.1, 7.0)]


def nearest_on_simplex(x: Any) -> Any:
    """Of the points that are nearest for a given support, and lie on the simplex of sum 2, the nearest to x."""
    supports = (np.array(chosen, bool) for chosen in itertools.product((0, 1), repeat=len(x)) if any(chosen))
    points = (np.where(at, x - (x[at].sum() - 2.0) / at.sum(), 0.0) for at in supports)
    return min((p for p in points if p.min() >= 0), key=lambda p: float(((p - x) ** 2).sum()))


@route("simplex.sum")
def simplex_sum(rng: np.random.Generator) -> list[Case]:
    return [Case({"scale": 2.0}, float(nearest_on_simplex(rng.normal(size=6)).sum()))]


@route("simplex.entry")
def simplex_entry(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(size=6)
    above = lambda at: np.maximum(x - at, 0.0).sum() - 2.0  # noqa: E731
    threshold = float(optimize.brentq(above, x.min() - 2.0, x.max(), xtol=1e-15))
    return [
        Case({"x": float(v), "threshold": threshold}, float(p)) for v, p in zip(x, nearest_on_simplex(x), strict=True)
    ]


@route("clip.per_parameter_global")
def clip_global(rng: np.random.Generator) -> list[Case]:
    return [Case({"parameters": 49, "limit": 0.3}, np.linalg.norm([np.linalg.norm([0.3, 0.0])] * 49))]


def chi_mean_of(function: Callable[[Any], Any], n: int, limit: float) -> float:
    """E function(|z|) by quadrature over the chi density, cut at the limit."""
    with mp.workdps(30):
        log_c = mp.log(2) * (1 - mp.mpf(n) / 2) - mp.loggamma(mp.mpf(n) / 2)
        middle, width = mp.sqrt(max(n - 1, 0)), mp.mpf(1)
        cuts = sorted({0, mp.mpf(limit), *(max(0, middle + k * width) for k in (-12, -6, -3, -1, 0, 1, 3, 6, 12, 40))})
        return float(
            mp.quad(lambda r: function(r) * mp.exp(log_c + (n - 1) * mp.log(r) - r * r / 2) if r > 0 else 0, cuts)
        )


GAUSSIAN = [(1, 0.7), (2, 3.0), (3, 0.1), (50, 7.5), (1000, 31.0), (10**6, 1001.5)]


def gaussian(function: Callable[[Any, Any], Any], shift: Callable[[float], float] = float) -> list[Case]:
    return [
        Case({"n": n, "limit": t}, shift(chi_mean_of(lambda r, t=t: function(r, mp.mpf(t)), n, t))) for n, t in GAUSSIAN
    ]


@route("clip.probability")
def clip_probability(rng: np.random.Generator) -> list[Case]:
    return gaussian(lambda r, t: mp.mpf(r > t))


@route("clip.log_probability")
def clip_log_probability(rng: np.random.Generator) -> list[Case]:
    far = [Case({"n": 2, "limit": 100.0}, -5000.0), Case({"n": 4, "limit": 60.0}, -1800.0 + np.log1p(1800.0))]
    return far + [c._replace(tolerance=1e-11) for c in gaussian(lambda r, t: mp.mpf(r > t), lambda p: float(np.log(p)))]


@route("clip.coefficient_mean")
def clip_coefficient(rng: np.random.Generator) -> list[Case]:
    return gaussian(lambda r, t: min(1, t / r) if r > 0 else 1)


@route("clip.second_moment")
def clip_second_moment(rng: np.random.Generator) -> list[Case]:
    return gaussian(lambda r, t: min(r, t) ** 2)


@route("clip.norm_mean")
def clip_norm_mean(rng: np.random.Generator) -> list[Case]:
    return gaussian(lambda r, t: min(r, t))


@route("clip.two_point_mean")
def clip_two_point(rng: np.random.Generator) -> list[Case]:
    g = np.where(rng.random(DRAWS) < 0.1, 9.0, -1.0)
    return [Case({"high": 9.0, "low": -1.0, "share": 0.1, "limit": 1.5}, np.clip(g, -1.5, 1.5), draws=True)]


def info(name: str) -> tuple[Any, Any]:
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    return dtype, ml_dtypes.finfo(dtype) if name not in ("float64", "float32", "float16") else np.finfo(dtype)


@route("dtype.largest", "dtype.smallest", "dtype.smallest_normal", "dtype.unit_roundoff")
def dtype_facts(rng: np.random.Generator) -> list[Case]:
    facts = [(name, info(name)[1]) for name in FORMATS]
    return [
        Case({"dtype": name}, float(value))
        for name, f in facts
        for value in (f.max, f.smallest_subnormal, f.smallest_normal, f.eps / 2)
    ]


@route("dtype.square_overflow", "dtype.square_underflow")
def dtype_squares(rng: np.random.Generator) -> list[Case]:
    """The thresholds squared, exactly; and float16's own arithmetic on both sides."""
    with np.errstate(over="ignore", under="ignore"):
        assert np.isfinite(np.float16(255.875) ** 2)
        assert np.isinf(np.float16(256.0) ** 2)
        assert np.float16(1.7262e-4) ** 2 == 0
        assert np.float16(1.7272e-4) ** 2 > 0
    cases = []
    for name, f in FORMATS.items():
        with mp.workdps(40):
            half_unit = mp.ldexp(1, f.top - f.bits)
            cases += [
                Case({"dtype": name}, float(mp.sqrt(mp.mpf(f.largest) + half_unit))),
                Case({"dtype": name}, float(mp.sqrt(mp.mpf(f.smallest) / 2))),
            ]
    return cases


@route("attention.weight_ratio_chosen", "attention.weight_ratio_capped", "attention.blind_weight")
def _chosen_query(rng: np.random.Generator) -> list[Case]:
    """Two keys, by the softmax in full: a scale with a bias, a cap; and one key that goes to -inf."""
    logits, scale, bias, cap = rng.standard_normal(2), 0.7, 0.4, 1.5
    given = {"logit": float(logits[1]), "first": float(logits[0]), "scale": scale}
    chosen, capped = np.exp(scale * logits + [0, bias]), np.exp(cap * np.tanh(scale * logits / cap))
    # Beside a key of logit 0 that is not counted, so that the sum is never empty.
    blind = float(np.exp(-np.inf) / (np.exp(-np.inf) + 1.0))
    return [
        Case({**given, "bias": bias}, float(chosen[1] / chosen.sum() / (chosen[0] / chosen.sum()))),
        Case({**given, "cap": cap}, float(capped[1] / capped.sum() / (capped[0] / capped.sum()))),
        Case({}, blind),
    ]


@route("router.balanced_loss")
def _balanced(rng: np.random.Generator) -> list[Case]:
    """Tokens one by one, each sent to `k` experts in turn."""
    n, k, tokens = 6, 2, 12
    counts = np.zeros(n)
    for token in range(tokens):
        counts[[(token * k + i) % n for i in range(k)]] += 1
    return [Case({"top_k": k}, float(n * np.sum(counts / tokens * np.full(n, 1 / n))))]


@route("router.z_loss")
def _router_z(rng: np.random.Generator) -> list[Case]:
    return [Case({"experts": 5, "shift": 0.3}, float(np.log(np.sum(np.exp(np.full(5, 0.3)))) ** 2))]


@route("attention.weight_ratio", "attention.weight_sum", "attention.masked_weight")
def _one_query(rng: np.random.Generator) -> list[Case]:
    """Of three keys, the last one hidden: their weights by the softmax in full."""
    logits = rng.standard_normal(3)
    weights = np.exp([logits[0] / 2, logits[1] / 2, -np.inf])
    weights /= weights.sum()
    ratio = Case({"logit": float(logits[1]), "first": float(logits[0]), "d": 4}, float(weights[1] / weights[0]))
    return [ratio, Case({}, float(weights.sum())), Case({}, float(weights[2]))]
