"""Kinds of bugs that were reported in public, each with its right twin, asked through the doors that users have.

Every faulty one must be found with words that name what is wrong; no right one may be refused.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import varlaw

torch = pytest.importorskip("torch")
nn = torch.nn
R = np.random.default_rng

Found = Any  # a verdict, or verdicts
Door = Callable[[Any], Found]


def norm(kind: str, **options: Any) -> Door:
    return lambda f: varlaw.check_norm(f, kind, **options)


def clip(kind: str = "global_norm", **options: Any) -> Door:
    return lambda f: varlaw.check_clip(f, kind, **options)


def dropout(p: float = 0.3, **options: Any) -> Door:
    return lambda f: varlaw.check_dropout(f, p, **options)


def layer(laws: Any, **options: Any) -> Door:
    return lambda f: varlaw.check_layer(f, laws, **options)


def sampler(law: Any, shape: tuple[int, ...] = (64, 48)) -> Door:
    return lambda f: varlaw.check(f, law, shape=shape)


# -- norms -------------------------------------------------------------------------------------------------------------


def layer_norm(x: Any, eps: float = 1e-5, ddof: int = 0, axis: int = -1, outside: bool = False) -> Any:
    c = x - x.mean(axis, keepdims=True)
    v = (c**2).sum(axis, keepdims=True) / (x.shape[axis] - ddof)
    return c / (v**0.5 + eps) if outside else c / (v + eps) ** 0.5


def rms_norm(x: Any, eps: float = 1e-6, way: str = "right") -> Any:
    m = (x**2).sum(-1, keepdims=True) if way == "sum" else (x**2).mean(-1, keepdims=True)
    if way == "inverted":
        return x * (m + eps) ** 0.5
    return x / (m if way == "rootless" else m + eps) ** (1 if way == "rootless" else 0.5)


def one_pass(x: Any, eps: float = 1e-5, passes: int = 1) -> Any:
    mean = x.mean(-1, keepdims=True)
    v = (x * x).mean(-1, keepdims=True) - mean * mean if passes == 1 else ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / (v.clip(0) + eps) ** 0.5


def group_norm(x: Any, groups: int = 4, eps: float = 1e-5) -> Any:
    y = x.reshape(x.shape[0], groups, -1)
    return ((y - y.mean(-1, keepdims=True)) / (y.var(-1, keepdims=True) + eps) ** 0.5).reshape(x.shape)


def batch_norm(x: Any, ddof: int = 1, momentum: float = 0.1, axes: Any = (0, 2), eps: float = 1e-5) -> Any:
    mean, v = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    n = x.shape[0] * x.shape[2]
    running = 1 - momentum + momentum * v * n / max(n - ddof, 1)
    return (x - mean) / (v + eps) ** 0.5, momentum * mean.ravel(), running.ravel()


def standardised(w: Any, ddof: int = 0, eps: float = 1e-5) -> Any:
    axes = (1, 2, 3)
    return (w - w.mean(axes, keepdims=True)) / (w.var(axes, keepdims=True, ddof=ddof) + eps) ** 0.5


def in_torch(x: Any, detach: str = "", centred: bool = True, eps: float = 1e-5) -> Any:
    mean = x.mean(-1, keepdim=True) if centred else 0 * x[..., :1]
    c = x - (mean.detach() if detach == "mean" else mean)
    sigma = (c.pow(2).mean(-1, keepdim=True) + eps).sqrt()
    return c / (sigma.detach() if detach == "sigma" else sigma)


P = functools.partial
NORMS = [
    ("LayerNorm with n - 1", norm("layer"), P(layer_norm, ddof=1), layer_norm),
    ("eps outside the root", norm("layer", eps=1e-3), P(layer_norm, eps=1e-3, outside=True), P(layer_norm, eps=1e-3)),
    ("LayerNorm over the wrong axis", norm("layer", eps=1e-5), P(layer_norm, axis=1), layer_norm),
    ("no eps at all", norm("layer", eps=1e-5), P(layer_norm, eps=0.0), layer_norm),
    ("RMSNorm multiplies by the root", norm("rms"), P(rms_norm, way="inverted"), rms_norm),
    ("RMSNorm sums, and does not average", norm("rms"), P(rms_norm, way="sum"), rms_norm),
    ("RMSNorm forgets the root", norm("rms"), P(rms_norm, way="rootless"), rms_norm),
    ("RMSNorm takes the mean off", norm("rms"), layer_norm, rms_norm),
    ("variance in one pass", norm("layer", library="numpy"), one_pass, P(one_pass, passes=2)),
    ("GroupNorm with the channels as groups", norm("group", groups=4), P(group_norm, groups=8), group_norm),
    ("BatchNorm per sample", norm("batch", eps=1e-5), lambda x: batch_norm(x, axes=2)[0], lambda x: batch_norm(x)[0]),
    ("running variance without Bessel", norm("batch", eps=1e-5, library="numpy"), P(batch_norm, ddof=0), batch_norm),
    ("momentum the other way round", norm("batch", eps=1e-5, library="numpy", momentum=0.1),
     P(batch_norm, momentum=0.9), batch_norm),
    ("weight standardisation with n - 1", norm("weight", eps=1e-5), P(standardised, ddof=1), standardised),
    ("detached std in LayerNorm", norm("layer", eps=1e-5, gradient=True), P(in_torch, detach="sigma"), in_torch),
    ("detached mean in LayerNorm", norm("layer", eps=1e-5, gradient=True), P(in_torch, detach="mean"), in_torch),
    ("detached rms in RMSNorm", norm("rms", eps=1e-5, gradient=True), P(in_torch, detach="sigma", centred=False),
     P(in_torch, centred=False)),
]  # fmt: skip


# -- clips -------------------------------------------------------------------------------------------------------------


def size(grads: Any) -> float:
    return float(np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads)))


def clipped(grads: Any, limit: float, of: Callable[[Any], float] = size, always: bool = False) -> Any:
    norm = of(grads)
    factor = limit / norm if norm and (always or norm > limit) else 1.0
    return [g * np.asarray(factor, dtype=g.dtype) for g in grads]


def mean_of(batches: Any) -> Any:
    return [sum(leaf) / len(batches) for leaf in zip(*batches, strict=True)]


def adaptive(weights: Any, grads: Any, limit: float, units: bool = True, eps: float = 1e-3) -> Any:
    found = []
    for w, g in zip(weights, grads, strict=True):
        axes = (tuple(range(1, w.ndim)) or (0,)) if units else tuple(range(w.ndim))
        sizes = [np.sqrt((x.astype(np.float64) ** 2).sum(axis=axes, keepdims=True)) for x in (w, g)]
        most = limit * np.maximum(sizes[0], eps)
        found.append((g * np.where(sizes[1] > most, most / sizes[1], 1)).astype(g.dtype))
    return found


CLIPS = [
    ("each tensor by its own norm", clip(), lambda g, c: [clipped([x], c)[0] for x in g], clipped),
    ("the norm is not rooted", clip(), P(clipped, of=lambda g: size(g) ** 2), clipped),
    ("small gradients are scaled up", clip(), P(clipped, always=True), clipped),
    ("norms are added", clip(), P(clipped, of=lambda g: sum(size([x]) for x in g)), clipped),
    ("root of the mean square", clip(), P(clipped, of=lambda g: size(g) / sum(x.size for x in g) ** 0.5), clipped),
    ("the largest entry", clip(), P(clipped, of=lambda g: max(float(np.abs(x).max()) for x in g)), clipped),
    ("values clipped above alone", clip("value"), lambda g, c: [x.clip(None, c) for x in g],
     lambda g, c: [x.clip(-c, c) for x in g]),
    ("each micro-batch is clipped", clip("accumulated"), lambda b, c: mean_of([clipped(g, c) for g in b]),
     lambda b, c: clipped(mean_of(b), c)),
    ("micro-batches are not averaged", clip("accumulated"),
     lambda b, c: clipped([len(b) * g for g in mean_of(b)], c), lambda b, c: clipped(mean_of(b), c)),
    ("AGC by whole tensors", clip("adaptive"), P(adaptive, units=False), adaptive),
    ("AGC without eps", clip("adaptive"), P(adaptive, eps=0.0), adaptive),
]  # fmt: skip


# -- dropout and losses ------------------------------------------------------------------------------------------------


def dropped(x: Any, p: float, seed: int, scale: float | None = None, keep: bool = False, shared: bool = False) -> Any:
    u = R(seed).random(x.shape[1:] if shared else x.shape)
    kept = u < p if keep else u >= p
    return np.where(kept, x * np.float32(1 / (1 - p) if scale is None else scale), 0).astype(x.dtype)


def cross_entropy(logits: Any, labels: Any, way: str = "") -> Any:
    z = logits if way == "unsafe" else logits - logits.max(1, keepdims=True)
    if way == "twice":
        e = np.exp(z)
        z = e / e.sum(1, keepdims=True)
    costs = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), labels]
    total = costs.sum() if way == "sum" else costs.mean()
    return total / np.log(2) if way == "bits" else total


OTHERS = [
    ("inverted dropout divides by p", dropout(), P(dropped, scale=1 / 0.3), dropped),
    ("dropout is not rescaled", dropout(), P(dropped, scale=1.0), dropped),
    ("p is the chance to keep", dropout(), P(dropped, keep=True), dropped),
    ("one mask for the whole batch", dropout(), P(dropped, shared=True), dropped),
    ("the loss is summed", varlaw.check_loss, P(cross_entropy, way="sum"), cross_entropy),
    ("the loss is in bits", varlaw.check_loss, P(cross_entropy, way="bits"), cross_entropy),
    ("softmax is taken twice", varlaw.check_loss, P(cross_entropy, way="twice"), cross_entropy),
    ("exp overflows", varlaw.check_loss, P(cross_entropy, way="unsafe"), cross_entropy),
]  # fmt: skip


# -- layers ------------------------------------------------------------------------------------------------------------


def made(weight: Callable[[Any], Any], module: Callable[[], Any]) -> Callable[[], Any]:
    def build() -> Any:
        one = module()
        with torch.no_grad():
            weight(one.weight)
            one.bias.zero_()
        return one

    return build


class Attention(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, query: str = "", copies: bool = False) -> None:
        super().__init__()
        self.query_weight = nn.Parameter(torch.empty(64, 64))
        if query != "empty":
            nn.init.normal_(self.query_weight, 0, 0.02)
        block = nn.Linear(64, 48)
        nn.init.normal_(block.weight, 0, 0.02)
        nn.init.zeros_(block.bias)
        self.blocks = nn.ModuleList([block])
        for _ in range(2):
            self.blocks.append(copy.deepcopy(block))
            if not copies:
                nn.init.normal_(self.blocks[-1].weight, 0, 0.02)


def packed(separate: bool = True) -> Any:
    one = nn.Linear(64, 192, bias=False)
    for part in one.weight.data.split(64) if separate else [one.weight.data]:
        nn.init.xavier_uniform_(part)
    return one


LAWS = {"query_weight": "Normal(0.02)", "blocks.*.weight": "Normal(0.02)", "*.bias": "Constant(0)"}
HE = {"weight": "he_normal(fan_in)", "bias": "Constant(0)"}
DEPTHWISE = P(nn.Conv2d, 64, 64, 3, groups=64)
TRANSPOSED = P(nn.ConvTranspose2d, 64, 16, 4)
TOKENS = P(nn.Linear, 300, 64)
LAYERS = [
    ("query_weight never initialised", layer(LAWS), P(Attention, query="empty"), Attention),
    ("blocks are copies", layer(LAWS), P(Attention, copies=True), Attention),
    ("packed qkv by Xavier", layer({"weight[*/3]": "glorot_uniform(64, 64)"}), P(packed, separate=False), packed),
    ("depthwise fan_out counts all groups", layer({"weight": "Normal(sqrt(2/fan_out))", "bias": "Constant(0)"}),
     made(P(nn.init.kaiming_normal_, mode="fan_out"), DEPTHWISE),
     made(P(nn.init.normal_, std=(2 / 9) ** 0.5), DEPTHWISE)),
    ("transposed convolution by the wrong fan", layer(HE), made(nn.init.kaiming_normal_, TRANSPOSED),
     made(P(nn.init.normal_, std=(2 / (64 * 16)) ** 0.5), TRANSPOSED)),
    ("a gain for ReLU is forgotten", layer(HE), made(P(nn.init.kaiming_normal_, nonlinearity="linear"), TOKENS),
     made(P(nn.init.kaiming_normal_, nonlinearity="relu"), TOKENS)),
    ("torch's default taken for Kaiming", layer({**HE, "bias": "U(-1/sqrt(300), 1/sqrt(300))"}), TOKENS, None),
    ("no residual scale", layer({"weight": "Normal(0.02/sqrt(2*12))", "bias": "Constant(0)"}),
     made(P(nn.init.normal_, std=0.02), TOKENS), made(P(nn.init.normal_, std=0.02 / 24**0.5), TOKENS)),
    ("forward factor of a third", layer(HE | {"weight": "Uniform(sqrt(3/fan_in))"}, forward=1),
     made(lambda w: nn.init.uniform_(w, -1 / 300**0.5, 1 / 300**0.5), TOKENS),
     made(lambda w: nn.init.uniform_(w, -0.1, 0.1), TOKENS)),
]  # fmt: skip


# -- samplers ----------------------------------------------------------------------------------------------------------


def truncated(shape: Any, seed: int, corrected: bool = True) -> Any:
    from scipy.special import ndtr, ndtri

    low, high = ndtr(-2.0), ndtr(2.0)
    x = ndtri(R(seed).uniform(low, high, shape))
    return 0.02 * x / (0.87962566103423978 if corrected else 1.0)


def noisy(shape: Any, seed: int, root: bool = True) -> Any:
    a, b = (np.sign(e) * abs(e) ** (0.5 if root else 1.0) for e in map(R(seed).normal, (0, 0), (1, 1), shape))
    return np.outer(a, b)


COVARIANCE = [[2.0, 0.9], [0.9, 1.0]]
SAMPLERS = [
    ("truncation is not corrected", sampler(varlaw.TruncatedNormal(0.02 / 0.87962566103423978)),
     P(truncated, corrected=False), truncated),
    ("NoisyNet without the root", sampler(varlaw.FactorisedNoise()), P(noisy, root=False), noisy),
    ("step sizes uniform, not log-uniform", sampler(varlaw.LogUniform(1e-3, 1e-1)),
     lambda s, k: R(k).uniform(1e-3, 1e-1, s), lambda s, k: np.exp(R(k).uniform(np.log(1e-3), np.log(1e-1), s))),
    ("new embeddings without covariance", sampler(varlaw.RowsNormal([0.0, 0.0], COVARIANCE), (64, 2)),
     lambda s, k: R(k).normal(0, [2**0.5, 1], s), lambda s, k: R(k).multivariate_normal([0, 0], COVARIANCE, s[0])),
    ("complex weights of twice the variance", sampler(varlaw.Complex(varlaw.Normal(0.5**0.5))),
     lambda s, k: R(k).normal(size=s) + 1j * R(k + 1).normal(size=s),
     lambda s, k: (R(2 * k).normal(size=s) + 1j * R(2 * k + 1).normal(size=s)) / 2**0.5),
    ("muP by the width, not its root",
     lambda f: varlaw.check_shapes(f, "N(0.02/sqrt(fan_in/64))", [(64, 64), (256, 256)]),
     lambda s, k: R(k).normal(0, 0.02 / (s[1] / 64), s), lambda s, k: R(k).normal(0, 0.02 / (s[1] / 64) ** 0.5, s)),
    ("rows standardised with n - 1", sampler(varlaw.RowsStandardised(1.0)),
     lambda s, k: standardise(s, k, 1), lambda s, k: standardise(s, k, 0)),
]  # fmt: skip


def standardise(shape: Any, seed: int, ddof: int) -> Any:
    x = R(seed).normal(size=shape)
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True, ddof=ddof)


PAIRS = [*NORMS, *CLIPS, *OTHERS, *LAYERS, *SAMPLERS]


def _ok(found: Found) -> bool:
    return bool(found.ok if hasattr(found, "ok") else found.outcome is varlaw.Outcome.CONFORMS)


def _violates(found: Found) -> bool:
    verdicts = found if hasattr(found, "ok") else [found]
    return any(v.outcome is varlaw.Outcome.VIOLATES for v in verdicts)


@pytest.mark.parametrize(("door", "faulty", "right"), [p[1:] for p in PAIRS], ids=[p[0] for p in PAIRS])
def test_a_bug_is_found_and_its_right_twin_is_not_refused(door: Door, faulty: Any, right: Any) -> None:
    assert _violates(door(faulty))
    if right is not None:
        found = door(right)
        assert _ok(found), str(found)


def test_there_are_many() -> None:
    assert len(PAIRS) >= 48
