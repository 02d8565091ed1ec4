"""A second, independent route for the laws of whole networks: attention, loss, products, spectra, rounding, shards ...

Draws count with the error that an asymptotic law states.
"""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from varlaw.theory import LAWS
from varlaw.theory.activations.rows.rectifiers import SELU_ALPHA, SELU_LAMBDA

from .routes import DRAWS, SIGMAS, Case, route


@route("attention.logit_variance", "attention.scaled_logit_variance", "attention.tied_logit_mean")
def dot_products(rng: np.random.Generator) -> list[Case]:
    q, k = rng.uniform(-3, 3, size=(DRAWS, 12)), rng.laplace(0, 0.5, size=(DRAWS, 12))
    both = {"query_variance": 3.0, "key_variance": 0.5}
    dot = (q * k).sum(axis=1)
    return [
        Case({"d": 12, **both}, dot**2, draws=True),
        Case(both, dot**2 / 12, draws=True),
        Case({"d": 12, "variance": 3.0}, (q * q).sum(axis=1) / math.sqrt(12), draws=True),
    ]


@route("attention.logit_kurtosis")
def logit_kurtosis(rng: np.random.Generator) -> list[Case]:
    q, k = rng.normal(size=(2, 50 * DRAWS, 6))
    return [Case({"d": 6}, (q * k).sum(axis=1) ** 4 / 36, draws=True)]


@route("attention.cosine_variance", "attention.normalised_logit_variance")
def cosines(rng: np.random.Generator) -> list[Case]:
    q, k = rng.normal(size=(2, DRAWS, 7)) ** 3  # not spherical: only one of the two has to be
    k = rng.normal(size=(DRAWS, 7))
    cosine = (q * k).sum(axis=1) / np.linalg.norm(q, axis=1) / np.linalg.norm(k, axis=1)
    return [Case({"d": 7}, cosine**2, draws=True), Case({"d": 7}, (7 * cosine) ** 2, draws=True)]


@route("attention.aligned_logit")
def aligned(rng: np.random.Generator) -> list[Case]:
    q = rng.normal(size=48)
    q /= np.sqrt((q**2).mean())
    return [Case({"d": 48}, q @ q / math.sqrt(48))]


def softmax(rng: np.random.Generator, n: int, std: float, draws: int = DRAWS) -> tuple[Any, Any]:
    x = rng.normal(0, std, size=(draws, n))
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return x, e / e.sum(axis=1, keepdims=True)


def pair_mean(function: Callable[[Any], Any], std: float) -> float:
    """n = 2: the probability of one of two is sigmoid of a normal difference of standard deviation sqrt(2) std."""
    with mp.workdps(30):
        s = mp.sqrt(2) * std
        cuts = [-12, -5, -2, -mp.mpf("0.5"), 0, mp.mpf("0.5"), 2, 5, 12]
        return float(mp.quad(lambda z: function(1 / (1 + mp.exp(s * z))) * mp.npdf(z), cuts))


def entropy(p: Any) -> Any:
    return -sum(q * mp.log(q) for q in (p, 1 - p) if q > 0)


@route("attention.weight_square", "attention.entropy", "attention.output_second_moment")
def softmax_means(rng: np.random.Generator) -> list[Case]:
    cases = []
    for std in (1e-3, 1.0, 10.0):
        square = pair_mean(lambda p: p * p + (1 - p) ** 2, std)
        case = {"n": 2, "std": std}
        cases += [
            Case(case, square),
            Case(case, pair_mean(entropy, std)),
            Case({**case, "value_variance": 3.0}, 3 * square),
        ]
    for n, std in ((9, 0.8), (300, 2.0)):
        _, p = softmax(rng, n, std)
        square = (p**2).sum(axis=1)
        case = {"n": n, "std": std}
        cases += [
            Case(case, square, draws=True),
            Case(case, -(p * np.log(p)).sum(axis=1), draws=True),
            Case({**case, "value_variance": 3.0}, 3 * square, draws=True),
        ]
    return cases


@route("attention.weight_square_small", "attention.entropy_small")
def small_logits(rng: np.random.Generator) -> list[Case]:
    case = {"n": 2, "std": 0.03}
    return [
        Case(case, pair_mean(lambda p: p * p + (1 - p) ** 2, 0.03), absolute=0.03**4),
        Case(case, pair_mean(entropy, 0.03), absolute=0.03**4),
    ]


@route("attention.weight_square_long", "attention.entropy_long")
def long_context(rng: np.random.Generator) -> list[Case]:
    n = 20000
    _, p = softmax(rng, n, 1.0, 300)
    return [
        Case({"std": 1.0}, n * (p**2).sum(axis=1), draws=True, absolute=100 / n),
        Case({"std": 1.0}, -(p * np.log(p)).sum(axis=1) - math.log(n), draws=True, absolute=100 / n),
    ]


@route("attention.uniform_causal_second_moment")
def causal(rng: np.random.Generator) -> list[Case]:
    return [Case({"length": n}, float(sum(Fraction(1, t) for t in range(1, n + 1)) / n)) for n in (1, 2, 50, 1000)]


@route("loss.zero_logits", "loss.zero_logits_gradient")
def zero_logits(rng: np.random.Generator) -> list[Case]:
    p = np.full(7, 1 / 7)
    smooth = 0.9 * np.eye(7)[2] + 0.1 / 7
    return [Case({"classes": 7}, -(smooth @ np.log(p))), Case({"classes": 7}, ((p - np.eye(7)[2]) ** 2).sum())]


@route("loss.random_logits", "loss.random_logits_excess", "loss.random_logits_gradient", "loss.random_logits_quartic")
def random_logits(rng: np.random.Generator) -> list[Case]:
    cases = []
    for c, std in ((10, 1.0), (500, 1.0)):
        _, p = softmax(rng, c, std, 5 * DRAWS)
        loss = -np.log(p[:, 0])
        gradient = ((p - np.eye(c)[0]) ** 2).sum(axis=1)
        case = {"classes": c, "std": std}
        cases += [
            Case(case, loss, draws=True),
            Case(case, loss - math.log(c), draws=True),
            Case(case, gradient, draws=True),
            Case(case, loss, draws=True, absolute=std**6 / c),
        ]
    with mp.workdps(30):  # two classes: ln(1 + e^d), d normal; small logits keep their digits
        for std in (1e-4, 0.5):
            s = mp.sqrt(2) * std
            excess = mp.quad(lambda z, s=s: mp.log(mp.cosh(s * z / 2)) * mp.npdf(z), mp.linspace(-12, 12, 13))
            case = {"classes": 2, "std": std}
            cases += [
                Case(case, float(excess + mp.log(2))),
                Case(case, float(excess)),
                Case(case, pair_mean(lambda p: 2 * p * p, std)),
                Case(case, float(excess + mp.log(2)), absolute=std**6),
            ]
    return cases


def train(rng: np.random.Generator, weights: list[Any], phi: str, steps: int) -> tuple[list[Any], Any]:
    """Full-batch gradient descent of a one-hidden-layer net; returns parameters and the largest gradients."""
    x, labels = rng.normal(size=(5, 40)), np.eye(3)[rng.integers(0, 3, 40)].T
    w1, b1, w2, b2 = (w.copy() for w in weights)
    largest = np.zeros(4)
    for _ in range(steps):
        z = w1 @ x + b1
        h = {"tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z))}[phi]
        slope = {"tanh": 1 - h**2, "sigmoid": h * (1 - h)}[phi]
        logits = w2 @ h + b2
        p = np.exp(logits - logits.max(axis=0))
        d = (p / p.sum(axis=0) - labels) / 40
        back = (w2.T @ d) * slope
        gradients = [back @ x.T, back.sum(axis=1, keepdims=True), d @ h.T, d.sum(axis=1, keepdims=True)]
        largest = np.maximum(largest, [np.abs(g).max() for g in gradients])
        w1, b1, w2, b2 = (w - 0.5 * g for w, g in zip((w1, b1, w2, b2), gradients, strict=True))
    return [w1, b1, w2, b2], largest


def zeros(value: float = 0.0) -> list[Any]:
    return [np.full(s, value) for s in ((6, 5), (6, 1), (3, 6), (3, 1))]


@route("symmetry.distinct_units", "zeros.hidden_gradient", "zeros.sigmoid_hidden_rank")
def training(rng: np.random.Generator) -> list[Case]:
    constant, _ = train(rng, zeros(0.3), "tanh", 30)
    _, largest = train(rng, zeros(), "tanh", 30)
    assert largest[3] > 0.01  # the last bias does move
    sigmoid, _ = train(rng, zeros(), "sigmoid", 30)
    assert np.abs(sigmoid[0]).max() > 1e-4  # it has moved, unlike above
    return [
        Case({}, len(np.unique(constant[0].round(12), axis=0))),
        Case({}, largest[:3].max()),
        Case({}, np.linalg.matrix_rank(sigmoid[0])),
    ]


@route("zeros.last_bias_gradient")
def last_bias(rng: np.random.Generator) -> list[Case]:
    return [Case({"classes": 4}, ((np.full(4, 0.25) - np.eye(4)[1]) ** 2).sum())]


@route("zeros.learned_gate_gradient", "zeros.two_gates_gradient")
def gates(rng: np.random.Generator) -> list[Case]:
    step, f, w = 1e-200, 1.7, 0.0
    gate = ((1j * step) * f).imag / step / f
    both = max(abs(((1j * step) * math.tanh(w)).imag), abs((0.0 * np.tanh(w + 1j * step)).imag)) / step
    return [Case({}, gate), Case({}, both)]


def explosion(rng: np.random.Generator, phi: str, batch: int) -> Any:
    """Log-free rate per layer of mean squared gradients through a deep net with batch norm, over fresh nets."""
    width, depth, draws = 160, 9, 60
    ends = np.empty((draws, 2))
    for draw in range(draws):
        h, pulls = rng.normal(size=(width, batch)), []
        for _ in range(depth):
            w = rng.normal(0, 1 / math.sqrt(width), size=(width, width))
            z = w @ h
            s = z.std(axis=1, keepdims=True)
            y = (z - z.mean(axis=1, keepdims=True)) / s
            h = np.maximum(y, 0) if phi == "relu" else y
            pulls.append((w, y, s))
        g, sizes = rng.normal(size=h.shape), []
        for w, y, s in reversed(pulls):
            d = g * (y > 0) if phi == "relu" else g
            d = (d - d.mean(axis=1, keepdims=True) - y * (y * d).mean(axis=1, keepdims=True)) / s
            g = w.T @ d
            sizes.append((g**2).sum())
        ends[draw] = sizes[2], sizes[-2]  # the first layer's input is no activation
    return (ends[:, 1] / ends[:, 0]) ** (1 / 5)


@route("batch_norm.linear_explosion", "batch_norm.relu_explosion")
def explosions(rng: np.random.Generator) -> list[Case]:
    # The stated error O(batch / width), and the concavity of the fifth root of a spread of about 0.1.
    allowed = {"draws": True, "absolute": 0.08}
    linear = Case({"batch": 8}, explosion(rng, "identity", 8), **allowed)
    relu = Case({"batch": 8}, explosion(rng, "relu", 8), **allowed)
    limits = [Case({"batch": b}, x) for b, x in ((2, 0.0), (10**9, 1.0))]
    wide = [Case({"batch": 2}, 0.0), Case({"batch": 10**9}, math.pi / (math.pi - 1))]
    return [linear, relu, *(c._replace(tolerance=1e-8) for pair in zip(limits, wide, strict=True) for c in pair)]


@route("batch_norm.explosion")
def general_explosion(rng: np.random.Generator) -> list[Case]:
    names = ("identity", "relu", "tanh", "erf")
    assert all(LAWS["batch_norm.explosion"].value(activation=n) >= 1 - 1e-15 for n in ("gelu", "selu", *names))
    rates = [1.0, math.pi / (math.pi - 1), None, 4 / (math.pi * math.sqrt(5)) / (2 / math.pi * math.asin(2 / 3))]
    z = rng.normal(size=200 * DRAWS)
    rates[2] = ((1 - np.tanh(z) ** 2) ** 2).mean() / np.tanh(z).var()
    return [
        Case({"activation": n}, r, tolerance=0.02 if n == "tanh" else 1e-12) for n, r in zip(names, rates, strict=True)
    ]


@route("batch_norm.residual_explosion")
def residual_explosion(rng: np.random.Generator) -> list[Case]:
    variance, product = 1.0, 1.0
    for _ in range(40):
        product *= 1 + 1.4 / variance
        variance += 1.0
    law = LAWS["batch_norm.residual_explosion"]
    return [
        Case({"rate": 1.4, "branches": 39}, product / math.prod(law.value(rate=1.4, branches=b) for b in range(39)))
    ]


def lora(rng: np.random.Generator, scale: float) -> Any:
    a, b = rng.normal(0, 0.5, size=(DRAWS, 4, 10)), rng.uniform(-1, 1, size=(DRAWS, 6, 4))
    x = np.ones(10)
    return ((scale * np.einsum("dor,dri,i->do", b, a, x)) ** 2).sum(axis=1) / 10


@route("lora.second_moment", "lora.rank_stable_second_moment")
def lora_second_moment(rng: np.random.Generator) -> list[Case]:
    params = {"alpha": 8.0, "rank": 4, "out_features": 6, "variance_a": 0.25, "variance_b": 1 / 3}
    return [Case(params, lora(rng, 8 / 4), draws=True), Case(params, lora(rng, 8 / 2), draws=True)]


@route("lora.initial_change", "lora.gradient_a")
def lora_start(rng: np.random.Generator) -> list[Case]:
    a, b, w, x, g = (
        rng.normal(size=(3, 8)),
        np.zeros((5, 3)),
        rng.normal(size=(5, 8)),
        rng.normal(size=8),
        rng.normal(size=5),
    )
    return [Case({}, np.abs(w @ x + 2 * b @ (a @ x) - w @ x).max()), Case({}, np.abs(np.outer(2 * b.T @ g, x)).max())]


@route("lora.gradient_b")
def lora_gradient(rng: np.random.Generator) -> list[Case]:
    a, x, g = rng.normal(0, 0.5, size=(DRAWS, 4, 10)), rng.normal(size=10), rng.normal(size=6)
    gradient = 2.0 * g[:, None] * (a @ x)[:, None, :]
    got = (gradient**2).sum(axis=(1, 2)) / (g @ g) / (x @ x)
    return [Case({"alpha": 8.0, "rank": 4, "variance_a": 0.25}, got, draws=True)]


@route("lora.rank")
def lora_rank(rng: np.random.Generator) -> list[Case]:
    return [
        Case(
            {"rank": r, "out_features": 6, "in_features": 9},
            np.linalg.matrix_rank(rng.normal(size=(6, r)) @ rng.normal(size=(r, 9))),
        )
        for r in (2, 8)
    ]


@route("positions.alibi")
def alibi(rng: np.random.Generator) -> list[Case]:
    """The sequence itself, from its start, as its authors' code multiplies it up."""
    cases = []
    for heads in (4, 8, 16):
        start = 2 ** (-(2 ** -(math.log2(heads) - 3)))
        slopes = [start * start**i for i in range(heads)]
        cases += [Case({"head": h, "heads": heads, "distance": 7}, 7 * slopes[h - 1]) for h in (1, 3, heads)]
    return cases


@route("positions.sinusoidal_square_norm", "positions.sinusoidal_product")
def positions(rng: np.random.Generator) -> list[Case]:
    """The table itself, from complex powers: a row is the real and imaginary parts of e^(i t w)."""
    cases = []
    for dim, base, start, distance in ((2, 1e4, 3, 5), (64, 1e4, 17, 1), (512, 1e4, 900, 60), (96, 500.0, 0, 11)):
        with mp.workdps(30):
            steps = [mp.mpf(base) ** (-mp.mpf(2 * i) / dim) for i in range(dim // 2)]
            near, far = ([mp.expj(t * w) for w in steps] for t in (start, start + distance))
            norm = mp.fsum(z.real**2 + z.imag**2 for z in near)
            product = mp.fsum((a * mp.conj(b)).real for a, b in zip(near, far, strict=True))
        cases += [
            Case({"dim": dim}, float(norm)),
            Case(
                {"dim": dim, "distance": distance, "base": base}, float(product), absolute=1e-15 * dim * (1 + distance)
            ),
        ]
    return cases


@route("new_tokens.mean_logit")
def mean_logit(rng: np.random.Generator) -> list[Case]:
    """The product of the mean row with a hidden state, in exact fractions."""
    rows, h = rng.integers(-9, 9, (50, 8)), rng.integers(-9, 9, 8)
    mean = [Fraction(int(column.sum()), 50) for column in rows.T]
    logit = sum((m * int(x) for m, x in zip(mean, h, strict=True)), Fraction(0))
    return [Case({"logits": (rows @ h).astype(float)}, float(logit))]


@route("new_tokens.mean_kl", "new_tokens.zero_share")
def new_tokens(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shift in (0.0, -30.0, 900.0):
        z = rng.normal(0, 2, 50) + shift
        for new, name in ((z.mean(), "kl"), (0.0, "share")):
            with mp.workdps(40):
                old, grown = [mp.exp(mp.mpf(v)) for v in z], 3 * mp.exp(mp.mpf(new))
                total = mp.fsum(old)
                share = grown / (grown + total)
                cases.append(Case({"logits": z, "count": 3}, float(-mp.log(1 - share) if name == "kl" else share)))
    return cases


@route("new_tokens.mean_kl_bound")
def kl_bound(rng: np.random.Generator) -> list[Case]:
    equal = np.log1p(3 * np.exp(0.7) / (50 * np.exp(0.7)))
    spread = rng.normal(0, 2, 50)
    assert LAWS["new_tokens.mean_kl"].value(logits=spread, count=3) < LAWS["new_tokens.mean_kl_bound"].value(
        count=3, vocabulary=50
    )
    return [Case({"count": 3, "vocabulary": 50}, equal)]


@route("products.linear_log_variance_leading")
def leading_term(rng: np.random.Generator) -> list[Case]:
    """The whole sum of trigammas, by their series sum 1 / (n/2 + j)^2, less its first term."""
    with mp.workdps(30):
        return [
            Case({"width": n, "layers": k}, float(k * mp.zeta(2, mp.mpf(n) / 2)), absolute=k * (2 / n**2 + 3 / n**3))
            for n, k in ((16, 1), (64, 10), (1000, 100))
        ]


def product_norms(rng: np.random.Generator, n: int, factors: int, std: float) -> Any:
    x = np.tile(np.eye(n)[0], (DRAWS, 1))
    for _ in range(factors):
        x = np.einsum("dij,dj->di", rng.normal(0, std, size=(DRAWS, n, n)), x)
    return np.log((x**2).sum(axis=1))


@route(
    "products.log_norm_mean", "products.log_norm_variance", "products.log_norm_drift", "products.linear_log_variance"
)
def log_norms(rng: np.random.Generator) -> list[Case]:
    n, k = 4, 6
    logs = product_norms(rng, n, k, 1.5)
    centred = (logs - logs.mean()) ** 2 * DRAWS / (DRAWS - 1)
    return [
        Case({"n": n, "factors": k, "variance": 2.25}, logs / 2, draws=True),
        Case({"n": n, "factors": k}, centred / 4, draws=True),
        Case({"n": n, "factors": k}, logs - k * math.log(2.25 * n), draws=True),
        Case({"widths": [n] * k}, centred, draws=True),
    ]


@route("products.lyapunov_exponent", "products.log_det_mean", "products.log_condition")
def lyapunov(rng: np.random.Generator) -> list[Case]:
    n, steps = 4, 6000
    q, logs = np.eye(n), np.empty((steps, n))
    dets = np.empty(steps)
    for step in range(steps):
        w = rng.normal(size=(n, n))
        q, r = np.linalg.qr(w @ q)
        logs[step] = np.log(np.abs(np.diag(r)))
        dets[step] = np.linalg.slogdet(w)[1]
    cases = []
    for index in (1, 2, 4):
        cases += [
            Case({"n": n, "index": index, "variance": 1.0}, logs[:, index - 1], draws=True),
            Case({"n": n, "factors": 1, "variance": 1.0}, dets, draws=True),
            Case({"n": n, "factors": 1}, logs[:, 0] - logs[:, -1], draws=True),
        ]
    return cases


@route("products.log_rms", "products.linear_fourth_moment", "products.linear_eighth_moment")
def moments(rng: np.random.Generator) -> list[Case]:
    n = 8
    squares = rng.chisquare(n, size=(400 * DRAWS, 2)).prod(axis=1) / n**2  # two layers of variance 1/n
    exact = Fraction(n + 2, n) ** 2, Fraction((n + 2) * (n + 4) * (n + 6), n**3) ** 2
    sixteenth = Fraction(math.prod(n + 2 * k for k in range(8)), n**8) ** 2
    error = math.sqrt((sixteenth / exact[1] ** 2 - 1) / len(squares))  # of the mean, relative
    assert abs((squares**4).mean() / float(exact[1]) - 1) <= 6 * error
    return [
        Case({"n": n, "factors": 2, "variance": 3.0 / n}, math.log(3.0)),
        Case({"width": n, "layers": 2}, squares**2, draws=True),
        Case({"width": n, "layers": 2}, float(exact[1])),
    ]


def relu_layers(rng: np.random.Generator, n: int, layers: int, draws: int) -> Any:
    h = np.tile(np.eye(n)[0] * 1.0, (draws, 1))
    for _ in range(layers):
        h = np.maximum(np.einsum("dij,dj->di", rng.normal(0, math.sqrt(2 / n), size=(draws, n, n)), h), 0)
    return (h**2).sum(axis=1)


@route("products.relu_fourth_moment", "products.dead_network", "products.dead_layer")
def relu_nets(rng: np.random.Generator) -> list[Case]:
    one, deep = relu_layers(rng, 4, 1, 10 * DRAWS), relu_layers(rng, 4, 10, DRAWS)
    return [
        Case({"width": 4, "layers": 1}, one**2, draws=True),
        Case({"widths": [4] * 10}, 1.0 * (deep == 0), draws=True),
        Case({"width": 4}, 1.0 * (one == 0), draws=True),
    ]


@route("products.relu_log_mean_alive", "products.relu_log_variance_alive", "products.relu_log_variance")
def relu_logs(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n in (3, 40):
        squares = relu_layers(rng, n, 1, 3 * DRAWS)
        logs = np.log(squares[squares > 0])
        spread = (logs - logs.mean()) ** 2
        cases += [
            Case({"width": n}, logs, draws=True),
            Case({"width": n}, spread, draws=True),
            Case({"widths": [n]}, spread, draws=True, absolute=20 / n**2),
        ]
    return cases


@route("products.linear_log_mean")
def linear_log_mean(rng: np.random.Generator) -> list[Case]:
    logs = sum(np.log(rng.chisquare(n, DRAWS) / n) for n in (3, 10, 40))
    return [Case({"widths": [3, 10, 40]}, logs, draws=True)]


@route("products.relu_log_mean")
def relu_log_mean(rng: np.random.Generator) -> list[Case]:
    assert (relu_layers(rng, 3, 4, DRAWS) == 0).any()
    assert LAWS["products.relu_log_mean"].value(widths=[3] * 4) == -math.inf
    return [Case({"widths": [3] * 4}, -math.inf)]


@route("dropout.mean", "dropout.second_moment", "dropout.variance", "dropout.variance_shift")
def dropout(rng: np.random.Generator) -> list[Case]:
    x = rng.normal(0.5, 2, 5 * DRAWS)
    y = x * (rng.random(5 * DRAWS) >= 0.3) / 0.7
    return [
        Case({"mean": 0.5, "rate": 0.3}, y, draws=True),
        Case({"second_moment": 4.25, "rate": 0.3}, y**2, draws=True),
        Case({"variance": 4.0, "mean": 0.5, "rate": 0.3}, (y - 0.5) ** 2, draws=True),
        Case({"rate": 0.3}, y**2 / 4.25, draws=True),
    ]


@route("alpha_dropout.scale", "alpha_dropout.shift", "alpha_dropout.mean", "alpha_dropout.variance")
def alpha_dropout(rng: np.random.Generator) -> list[Case]:
    alpha, keep = -SELU_LAMBDA * SELU_ALPHA, 0.8
    a = (keep + alpha**2 * keep * (1 - keep)) ** -0.5
    b = -a * (1 - keep) * alpha
    x = rng.normal(0.4, 1.3, 5 * DRAWS)
    y = a * np.where(rng.random(5 * DRAWS) < keep, x, alpha) + b
    mean = LAWS["alpha_dropout.mean"].value(mean=0.4, rate=0.2)
    return [
        Case({"rate": 0.2}, a),
        Case({"rate": 0.2}, b),
        Case({"mean": 0.4, "rate": 0.2}, y, draws=True),
        Case({"variance": 1.69, "mean": 0.4, "rate": 0.2}, (y - mean) ** 2, draws=True),
    ]


def integral(ratio: float, power: int) -> float:
    """Moment of the Marchenko-Pastur density by the substitution x = middle + radius cos t."""
    low, high = (LAWS[f"marchenko_pastur.{w}"].value(ratio=ratio) for w in ("low", "high"))
    t = (np.arange(2000) + 0.5) * math.pi / 2000
    x = (low + high) / 2 + (high - low) / 2 * np.cos(t)
    density = LAWS["marchenko_pastur.density"].value(x=x, ratio=ratio)
    return float((density * x**power * np.sin(t)).sum() * (high - low) / 2 * math.pi / 2000)


@route("marchenko_pastur.moment", "marchenko_pastur.density", "marchenko_pastur.atom")
def marchenko_pastur(rng: np.random.Generator) -> list[Case]:
    cases = []
    for ratio in (0.3, 2.5):
        atom = 1 - integral(ratio, 0)
        middle = 1.0 + ratio  # density times x there, from the semicircle in the root variable
        cases += [
            Case({"order": 3, "ratio": ratio}, integral(ratio, 3)),
            Case({"x": middle, "ratio": ratio}, 2 * math.sqrt(ratio) / (2 * math.pi * ratio * middle)),
            Case({"ratio": ratio}, atom, absolute=1e-9),
        ]
    return cases


@route("marchenko_pastur.low", "marchenko_pastur.high")
def edges(rng: np.random.Generator) -> list[Case]:
    p, n = 400, 1000
    w = rng.normal(0, 1 / math.sqrt(n), size=(p, n))
    values = np.linalg.eigvalsh(w @ w.T)
    allowed = 6 * p ** (-2 / 3)
    return [Case({"ratio": p / n}, values[0], absolute=allowed), Case({"ratio": p / n}, values[-1], absolute=allowed)]


@route("spectra.second_moment")
def second_spectral_moment(rng: np.random.Generator) -> list[Case]:
    w = rng.choice([-1.0, 1.0], size=(DRAWS, 3, 5)) * rng.exponential(1, size=(DRAWS, 3, 5)) / math.sqrt(2 * 5)
    gram = np.einsum("dij,dkj->dik", w, w)
    return [Case({"p": 3, "n": 5, "kurtosis": 6.0}, (gram**2).sum(axis=(1, 2)) / 3, draws=True)]


@route("fuss_catalan.moment", "fuss_catalan.variance", "fuss_catalan.edge")
def fuss_catalan(rng: np.random.Generator) -> list[Case]:
    """The generating function solves w = 1 + z w^(L+1): coefficients by iteration, edge by its singularity."""
    cases = []
    for layers in (1, 3):
        series = [Fraction(1)] + [Fraction(0)] * 5
        for _ in range(6):
            power = [Fraction(1)] + [Fraction(0)] * 5
            for _ in range(layers + 1):
                power = [sum((power[i] * series[k - i] for i in range(k + 1)), Fraction(0)) for k in range(6)]
            series = [Fraction(1), *power[:5]]
        w = 1 + 1 / layers  # dz/dw = 0 for z = (w - 1) w^-(L+1)
        cases += [
            Case({"order": 5, "layers": layers}, float(series[5])),
            Case({"layers": layers}, float(series[2] - 1)),
            Case({"layers": layers}, w ** (layers + 1) / (w - 1)),
        ]
    return cases


def relu_spectrum(rng: np.random.Generator, layers: int, orthogonal: bool) -> float:
    width = 300
    j = np.eye(width)
    for _ in range(layers):
        w = rng.normal(size=(width, width)) * math.sqrt(2 / width)
        w = math.sqrt(2) * np.linalg.qr(w)[0] if orthogonal else w
        j = (w @ j) * (rng.random((width, 1)) < 0.5)
    squares = np.linalg.svd(j, compute_uv=False) ** 2
    return float((squares**2).mean() / squares.mean() ** 2 - 1)


@route("spectra.relu_gaussian_variance", "spectra.relu_orthogonal_variance", "spectra.orthogonal_linear_variance")
def relu_spectra(rng: np.random.Generator) -> list[Case]:
    j = np.linalg.qr(rng.normal(size=(60, 60)))[0] @ np.linalg.qr(rng.normal(size=(60, 60)))[0]
    return [
        Case({"layers": 2}, relu_spectrum(rng, 2, False), absolute=0.4),  # the stated error O(1/width), with its spread
        Case({"layers": 2}, relu_spectrum(rng, 2, True), absolute=0.2),
        Case({"layers": 2}, (np.linalg.svd(j, compute_uv=False) ** 2).var(), absolute=1e-14),
    ]


@route("recurrent.retention", "recurrent.log_retention", "recurrent.time_constant", "recurrent.torch_forget_bias")
def gate(rng: np.random.Generator) -> list[Case]:
    f = 1 / (1 + math.exp(-1.3))
    kept = math.prod([f] * 20)
    case = {"bias": 1.3, "steps": 20}
    return [
        Case(case, kept),
        Case(case, math.log(kept)),
        Case({"bias": 1.3}, -1 / math.log(f)),
        Case({"input_bias": 1.0, "hidden_bias": 1.0}, 2.0),
    ]


@route("recurrent.gate_mean")
def gate_mean(rng: np.random.Generator) -> list[Case]:
    """Gauss-Hermite sums for narrow spreads; for wide ones 1 - the value at the other sign, and draws."""
    z, w = np.polynomial.hermite_e.hermegauss(120)
    narrow = [
        Case({"bias": b, "variance": q}, float(w @ (1 / (1 + np.exp(-b - math.sqrt(q) * z)))) / math.sqrt(2 * math.pi))
        for b, q in ((1.0, 0.0), (1.0, 0.3), (-2.0, 1.0), (5.0, 1.0))
    ]
    law = LAWS["recurrent.gate_mean"]
    mirrored = [
        Case({"bias": b, "variance": q}, 1 - law.value(bias=-b, variance=q)) for b, q in ((0.0, 50.0), (3.0, 9.0))
    ]
    drawn = 1 / (1 + np.exp(-1.5 - 3.0 * rng.normal(size=10 * DRAWS)))
    return [*narrow, *mirrored, Case({"bias": 1.5, "variance": 9.0}, drawn, draws=True)]


@route("recurrent.orthogonal_norm")
def orthogonal(rng: np.random.Generator) -> list[Case]:
    w, x = np.linalg.qr(rng.normal(size=(20, 20)))[0], rng.normal(size=20)
    return [Case({"steps": 50}, np.linalg.norm(np.linalg.matrix_power(w, 50) @ x) / np.linalg.norm(x))]


def float16_numbers() -> Any:
    values = np.arange(2**15, dtype=np.uint16).view(np.float16).astype(np.float64)
    return np.unique(values[np.isfinite(values)])


@route("rounding.normal", "rounding.uniform", "rounding.zero_share")
def rounding(rng: np.random.Generator) -> list[Case]:
    """All numbers of float16 from their bit patterns, each weighed by the mass of its cell at 40 digits."""
    grid, cases = float16_numbers(), []
    for scale in (1.0, 1e-6):
        with mp.workdps(40):
            ends = [(mp.mpf(a) + mp.mpf(b)) / 2 / scale for a, b in itertools.pairwise(grid)]
            normal, uniform, low, cut = mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(0)
            for g, end in zip(grid, ends, strict=False):
                if end > 14:
                    break
                high = mp.erf(end / mp.sqrt(2)) / 2
                normal += (mp.mpf(g) / scale) ** 2 * (high - low)
                uniform += (mp.mpf(g) / scale) ** 2 * max(min(end, 1) - cut, 0)
                low, cut = high, min(end, mp.mpf(1))
            change, growth = 2 * normal - 1, 3 * uniform - 1
            zero = mp.erf(ends[0] / mp.sqrt(2))
        cases += [
            Case({"dtype": "float16", "std": scale}, float(change)),
            Case({"dtype": "float16", "bound": scale}, float(growth)),
            Case({"dtype": "float16", "std": scale}, float(zero)),
        ]
    return cases


@route("rounding.uniform_towards_zero")
def cut_uniforms(rng: np.random.Generator) -> list[Case]:
    """Every number of float16 in exact fractions; the bound may cut a cell."""
    numbers = [Fraction(float(x)) for x in float16_numbers()]
    cases = []
    for bound in (1.0, 0.3, 2.0**-24, 3e-7, 1000.5):
        edge, kept = Fraction(bound), Fraction(0)
        for g, up in itertools.pairwise(numbers):
            kept += g**2 * max(min(up, edge) - g, Fraction(0))
        cases.append(Case({"dtype": "float16", "bound": bound}, float(3 * kept / edge**3 - 1)))
    return cases


@route("rounding.interior_cell", "rounding.binade", "rounding.fixed_step")
def cells(rng: np.random.Generator) -> list[Case]:
    u, count, density = Fraction(1, 64), 64, Fraction(1, 3)
    cell = (Fraction(5) ** 2) * u - ((5 + u / 2) ** 3 - (5 - u / 2) ** 3) / 3
    grid = [1 + j * u for j in range(count)]  # the binade [1, 2), its last upper half-cell left to the next one
    total = Fraction(0)
    for j, g in enumerate(grid):
        low, high = g - (u / 4 if j == 0 else u / 2), g + u / 2
        total += density * (g**2 * (high - low) - (high**3 - low**3) / 3)
    with mp.workdps(30):
        step = mp.mpf(1) / 2
        fixed = (
            mp.nsum(lambda k: (k * step) ** 2 * (mp.ncdf((k + 0.5) * step) - mp.ncdf((k - 0.5) * step)), [-60, 60]) - 1
        )
    return [
        Case({"spacing": float(u)}, float(cell / u)),
        Case(
            {"spacing": float(u), "density": float(density), "start": 1.0}, float(total), absolute=float(u**3 * density)
        ),
        Case({"spacing": 0.5}, float(fixed), absolute=1e-12),
    ]


@route(
    "rounding.grid_uniform_mean",
    "rounding.grid_uniform_variance",
    "rounding.box_muller_variance",
    "rounding.box_muller_loss",
)
def coarse(rng: np.random.Generator) -> list[Case]:
    cases = []
    for bits in (1, 8, 14):
        n = 2**bits
        k = np.arange(n)
        with mp.workdps(30):
            variance = -mp.fsum(mp.log(mp.mpf(int(i) + 1) / n) for i in k) / n
        cases += [
            Case({"bits": bits}, float(Fraction(n - 1, 2 * n))),
            Case({"bits": bits}, float(Fraction(n * n - 1, 12 * n * n))),
            Case({"bits": bits}, float(variance)),
            Case({"bits": bits}, float(1 - variance)),
        ]
    return cases


@route("rounding.box_muller_range")
def box_muller_range(rng: np.random.Generator) -> list[Case]:
    return [Case({"bits": b}, math.sqrt(-2 * math.log(2.0**-b))) for b in (8, 24)]


@route("shards.identical_rank", "shards.local_fan_ratio")
def shards(rng: np.random.Generator) -> list[Case]:
    w = np.tile(rng.normal(size=(4, 30)), (3, 1))
    return [
        Case({"out_features": 12, "in_features": 30, "shards": 3}, np.linalg.matrix_rank(w)),
        Case({"shards": 4}, (2 / (512 / 4)) / (2 / 512)),
    ]


@route("shards.row_parallel_ratio")
def row_parallel(rng: np.random.Generator) -> list[Case]:
    cases = []
    for r in (0.0, 0.6, 1.0):
        common, own = rng.normal(size=(DRAWS, 1, 8)), rng.normal(size=(DRAWS, 3, 8))
        x = math.sqrt(r) * common + math.sqrt(1 - r) * own
        w = rng.normal(size=(DRAWS, 8))
        y = np.einsum("di,dsi->d", w, x)
        cases.append(Case({"shards": 3, "input_correlation": r}, y**2 / 24, draws=True))
    return cases


@route("shards.correlation_std")
def correlation(rng: np.random.Generator) -> list[Case]:
    a, b = rng.normal(size=(10 * DRAWS, 9)), rng.exponential(size=(10 * DRAWS, 9))
    r = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert abs((r**2).mean() - 1 / 9) < SIGMAS * (r**2).std() / math.sqrt(len(r))
    return [Case({"samples": 9}, math.sqrt((r**2).mean()), tolerance=SIGMAS * (r**2).std() / math.sqrt(len(r)) * 9)]
