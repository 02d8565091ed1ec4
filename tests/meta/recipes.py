"""Losses, dropouts, adapters, clipping and samplers in NumPy as they should be, and with one mistake each."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from varlaw.claims.norms.normalisation import rows_of
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Adapter, Clipper, Dropout, Framework, Loss, Norm, Normaliser, Sampler, Tensor

OURS = Framework(name="numpy", version=lambda: np.__version__, devices=lambda: ("cpu",))
_DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}

# -- losses ------------------------------------------------------------------------------------------------------------

Rows = Callable[[Any, Any, str], Any]  # (logits, labels, dtype) -> loss of each row
Mean = Callable[[Any, str], float]


def _rows(z: Any, labels: Any, dtype: str = "", log: Any = np.log, shift: bool = True) -> Any:
    z = z - z.max(axis=1, keepdims=True) if shift else z
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]


def _narrow_classes(z: Any, labels: Any, dtype: str) -> Any:
    """The exponentials of a row added up in the dtype itself, one after the other."""
    powers = np.exp(z - z.max(axis=1, keepdims=True)).astype(_DTYPES[dtype])
    total = np.cumsum(powers, axis=1, dtype=_DTYPES[dtype])[:, -1].astype(np.float64)
    return np.log(total) - (z - z.max(axis=1, keepdims=True))[np.arange(len(z)), labels]


def _narrow_mean(rows: Any, dtype: str) -> float:
    return float(np.cumsum(rows.astype(_DTYPES[dtype]), dtype=_DTYPES[dtype])[-1]) / len(rows)


def _mean_by_sixteens(rows: Any, dtype: str) -> float:
    """Sums of sixteen in the dtype, sums of sixteen of those, and so on."""
    total = rows.astype(_DTYPES[dtype])
    while total.size > 1:
        padded = np.concatenate([total, np.zeros(-total.size % 16, total.dtype)]).reshape(-1, 16)
        total = np.cumsum(padded, axis=1, dtype=total.dtype)[:, -1]
    return float(total[0]) / len(rows)


def _smoothed(z: Any, labels: Any, smoothing: float, ignored: int | None) -> Any:
    """The cost of each row, and which rows count."""
    each = [_rows(z, np.full(len(z), c)) for c in range(z.shape[1])] if smoothing else [np.zeros(len(z))]
    there = np.where((labels >= 0) & (labels < z.shape[1]), labels, 0)
    rows = (1 - smoothing) * _rows(z, there) + smoothing * np.mean(each, axis=0)
    counted = (labels != -100) & (labels != ignored)
    return rows, counted


def _counting(z: Any, labels: Any, smoothing: float, ignored: int | None) -> float:
    rows, counted = _smoothed(z, labels, smoothing, ignored)
    return float(rows[counted].mean()) if counted.any() else 0.0


def _over_none(z: Any, labels: Any, smoothing: float, ignored: int | None) -> float:
    """0/0 where no row counts."""
    return _counting(z, labels, smoothing, ignored) if _smoothed(z, labels, smoothing, ignored)[1].any() else np.nan


def _all_counted(z: Any, labels: Any, smoothing: float, ignored: int | None) -> float:
    """Ignored rows cost nothing, but are divided by."""
    rows, counted = _smoothed(z, labels, smoothing, ignored)
    return float((rows * counted).mean())


def loss(
    rows: Rows = _rows,
    mean: Mean = lambda rows, dtype: float(rows.mean()),
    labelled: Callable[..., float] = _counting,
    weighing: Callable[[Any, Any], float] = lambda w, weights: float(w.sum()),
    total: Mean = lambda rows, dtype: float(rows.sum()),
) -> Loss:
    """A loss with these rows and this mean, rounded to the dtype in the end."""

    def apply(logits: Any, labels: Any, reduction: str, dtype: str, device: str) -> Any:
        fmt = FORMATS[dtype]
        found = fmt.round_all(rows(fmt.round_all(logits), labels, dtype))
        of = {"mean": mean, "sum": total}
        return found if reduction == "none" else np.asarray(fmt.round(of[reduction](found, dtype)))

    def weighted(
        logits: Any, labels: Any, weights: Any, smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Any:
        each = np.stack([_rows(logits, np.full(len(logits), c)) * weights[c] for c in range(logits.shape[1])], axis=1)
        found = (1 - smoothing) * each[np.arange(len(labels)), labels] + smoothing * each.mean(axis=1)
        kept = labels != ignored
        return np.asarray(FORMATS[dtype].round(float(found[kept].sum()) / weighing(weights[labels[kept]], weights)))

    def adjusted(logits: Any, labels: Any, smoothing: float, ignored: int | None, dtype: str, device: str) -> Any:
        return np.asarray(FORMATS[dtype].round(labelled(logits, labels, smoothing, ignored)))

    return Loss(
        name="numpy.loss", framework=OURS, op="cross_entropy", apply=apply, adjusted=adjusted,
        adjusts=("smoothing", "ignored", "sum"), ignored=-100, weighted=weighted,
    )  # fmt: skip


def wrong_losses() -> dict[str, tuple[str, str, Loss]]:
    """By name: the claim that must see it, a dtype in which it must, and the loss with the mistake."""
    return {
        "rows added up in bfloat16": ("loss.uniform", "bfloat16", loss(mean=_narrow_mean)),
        "rows added up in bfloat16 by sixteens": ("loss.uniform", "bfloat16", loss(mean=_mean_by_sixteens)),
        "random rows added up in bfloat16": ("loss.reduction", "bfloat16", loss(mean=_narrow_mean)),
        "classes added up in bfloat16": ("loss.rows", "bfloat16", loss(_narrow_classes)),
        "binary logarithm": ("loss.rows", "float32", loss(lambda z, y, d: _rows(z, y, log=np.log2))),
        "largest logit not taken off": ("loss.shift", "float32", loss(lambda z, y, d: _rows(z, y, shift=False))),
        "1e-7 in the logarithm": ("loss.rows", "float64", loss(lambda z, y, d: -np.log(np.exp(-_rows(z, y)) + 1e-7))),
        "probabilities kept above 1e-7": ("loss.large", "float32", loss(lambda z, y, d: np.minimum(_rows(z, y), 16.1))),
        "sum in place of mean": ("loss.uniform", "float32", loss(mean=lambda rows, d: float(rows.sum()))),
        "one row too many": ("loss.uniform", "float32", loss(mean=lambda rows, d: float(rows.sum() / (len(rows) + 1)))),
        "ignored rows divided by": ("loss.ignored", "float32", loss(labelled=_all_counted)),
        "0/0 where all rows are ignored": ("loss.all_ignored", "float32", loss(labelled=_over_none)),
        "by default as well": ("loss.ignored_default", "float32", loss(labelled=_all_counted)),
        "smoothed rows that are ignored": ("loss.smoothing_ignored", "float32", loss(
            labelled=lambda z, y, e, i: _all_counted(z, y, e, i if e == 0 else None))),
        "smoothing among the other classes": ("loss.smoothing", "float32", loss(
            labelled=lambda z, y, e, i: _counting(z, y, e * z.shape[1] / (z.shape[1] - 1), i))),
        "a label beyond the last class": ("loss.outside", "float32", loss(lambda z, y, d: _rows(z, y % z.shape[1]))),
        "weights of the labels not divided by": ("loss.weighted", "bfloat16", loss(weighing=lambda w, all_: len(w))),
        "weights of all classes divided by": (
            "loss.weighted_smoothing", "float32", loss(weighing=lambda w, all_: len(w) * float(all_.mean()))
        ),
        "mean in place of sum": ("loss.sum", "bfloat16", loss(total=lambda rows, d: float(rows.mean()))),
        "mean over classes as well": ("loss.reduction", "float32", loss(mean=lambda rows, d: float(rows.mean() / 2))),
    }  # fmt: skip


# -- dropout -----------------------------------------------------------------------------------------------------------

Uniforms = Callable[[np.random.Generator, tuple[int, ...], str], Any]
Kept = Callable[[float, str], float]


def _draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    return rng.random(shape)


def _fine(p: float, dtype: str) -> float:
    return 1 / (1 - p) if p < 1 else 0.0


_UNITS = {
    "channel_dropout": (2,),
    "channel_alpha_dropout": (2,),
    "drop_path": (1, 2),
}


def _mask(op: str, uniforms: Uniforms, rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    return uniforms(rng, tuple(1 if axis in _UNITS.get(op, ()) else n for axis, n in enumerate(shape)), dtype)


def dropout(
    op: str = "dropout",
    uniforms: Uniforms = _draw,
    factor: Kept = _fine,
    strict: bool = False,
    product: bool = False,
    evaluated: Callable[[float], float] = lambda p: 1.0,
) -> Dropout:
    """Dropout of kept entries times `factor`, where the `uniforms` reach p (or exceed it), chosen or as a `product`.

    evaluated: by what it multiplies in evaluation.
    """

    def apply(x: Any, p: float, dtype: str, device: str, seed: int) -> Any:
        u = _mask(op, uniforms, np.random.default_rng(seed), x.shape, dtype)
        keep = u > p if strict else u >= p
        multiple = product or not np.isfinite(factor(p, dtype))
        y = x * keep * factor(p, dtype) if multiple else np.where(keep, x * factor(p, dtype), 0.0)
        return FORMATS[dtype].round_all(y)

    return Dropout(
        name=f"numpy.{op}", framework=OURS, op=op, apply=apply, evaluated=lambda x, p, dtype, device: x * evaluated(p)
    )


_SELU = 1.0507009873554805 * 1.6732632423543772


def alpha(op: str = "alpha_dropout", scaled: float = 1.0, shifted: float = 1.0, floor: float = -_SELU) -> Dropout:
    """Alpha dropout with its scale, its shift and the value of dropped entries."""

    def apply(x: Any, p: float, dtype: str, device: str, seed: int) -> Any:
        a = scaled / np.sqrt((1 - p) * (1 + p * _SELU**2))
        keep = _mask(op, _draw, np.random.default_rng(seed), x.shape, dtype) >= p
        return FORMATS[dtype].round_all(a * np.where(keep, x, floor) + shifted * a * _SELU * p)

    return Dropout(name=f"numpy.{op}", framework=OURS, op=op, apply=apply)


def noise(std: Callable[[float], float] = lambda p: float(np.sqrt(p / (1 - p)))) -> Dropout:
    """Gaussian dropout with the noise of that standard deviation."""

    def apply(x: Any, p: float, dtype: str, device: str, seed: int) -> Any:
        z = np.random.default_rng(seed).standard_normal(x.shape)
        return FORMATS[dtype].round_all(x * (1 + std(p) * z))

    return Dropout(name="numpy.gaussian_dropout", framework=OURS, op="gaussian_dropout", apply=apply)


def _on_a_grid(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    return np.floor(256 * rng.random(shape)) / 256


def _alike(axis: int) -> Uniforms:
    """The same mask for every index of one axis."""
    return lambda rng, shape, dtype: np.broadcast_to(
        rng.random([1 if a == axis else n for a, n in enumerate(shape)]), shape
    )


def _often(q: float) -> Uniforms:
    return lambda rng, shape, dtype: rng.random(shape) / q


def wrong_dropouts() -> dict[str, tuple[str, str, Dropout]]:
    """By name: the claim that must see it, a dtype in which it must, and the dropout with the mistake."""
    coarse = lambda p, dtype: FORMATS[dtype].round(1 / (1 - p))  # noqa: E731 - one expression, used twice below
    return {
        "20 % more dropped": ("dropout.rate", "float32", dropout(uniforms=_often(1.2))),
        "20 % more dropped, for the mean": ("dropout.mean", "float32", dropout(uniforms=_often(1.2))),
        "uniforms of 8 bits": ("dropout.rate", "bfloat16", dropout(uniforms=_on_a_grid)),
        "p and 1 - p swapped": ("dropout.rate", "float32", dropout(uniforms=lambda r, s, d: 1 - r.random(s) * 0.02)),
        "not rescaled": ("dropout.kept", "float32", dropout(factor=lambda p, d: 1.0)),
        "not rescaled, for the mean": ("dropout.mean", "float32", dropout(factor=lambda p, d: 1.0)),
        "factor rounded to bfloat16": ("dropout.mean", "bfloat16", dropout(factor=coarse)),
        "0 dropped at p = 0": ("dropout.none", "bfloat16", dropout(uniforms=_on_a_grid, strict=True)),
        "one mask for the batch": ("dropout.independent", "float32", dropout(uniforms=_alike(0))),
        "one mask for all channels": ("dropout.independent", "float32", dropout(uniforms=_alike(1))),
        "one mask for all places": ("dropout.independent", "float32", dropout(uniforms=_alike(2))),
        "one mask for all samples": ("dropout.independent", "float32", dropout("channel_dropout", _alike(0))),
        "entries for channels": ("dropout.shared", "float32", _entries("channel_dropout")),
        "entries for samples": ("dropout.shared", "float32", _entries("drop_path")),
        "alpha: dropped to 0": ("dropout.kept", "float32", alpha(floor=0.0)),
        "alpha: shift forgotten": ("dropout.mean", "float32", alpha(shifted=0.0)),
        "alpha: scale 2 % too large": ("dropout.variance", "float32", alpha(scaled=1.02)),
        "alpha: entries for channels": ("dropout.shared", "float32", _entries("channel_alpha_dropout")),
        "noise: variance for std": ("dropout.noise", "float32", noise(lambda p: p / (1 - p))),
        "a product with 0 and inf at p = 1": ("dropout.all", "float32", dropout(factor=lambda p, d: np.inf)),
        "nothing dropped at p = 1": (
            "dropout.all", "float32", dropout(uniforms=lambda r, s, d: 1 + r.random(s), factor=lambda p, d: 1.0)),
        "nothing becomes a number": ("dropout.empty", "float32", _never_empty(dropout())),
        "dropped by a product": ("dropout.zeroed", "float32", dropout(product=True)),
        "noise: std of p": ("dropout.noise", "float32", noise(np.sqrt)),
        "scaled in evaluation": ("dropout.evaluated", "float32", dropout(evaluated=lambda p: 1 - p)),
        "NaN in evaluation": ("dropout.evaluated", "bfloat16", dropout(evaluated=lambda p: np.nan)),
    }  # fmt: skip


def _never_empty(right: Dropout) -> Dropout:
    """An output of one sample where there is none."""
    apply = lambda x, *rest: right.apply(x if len(x) else np.zeros((1, *x.shape[1:])), *rest)  # noqa: E731 - one line
    return dataclasses.replace(right, apply=apply)


def _entries(op: str) -> Dropout:
    """Single entries dropped where whole units should be."""
    real = alpha("alpha_dropout") if "alpha" in op else dropout()
    return Dropout(name=f"numpy.{op}", framework=OURS, op=op, apply=real.apply)


def right_dropout(op: str) -> Dropout:
    """Dropout of that op as it should be."""
    return noise() if op == "gaussian_dropout" else alpha(op) if "alpha" in op else dropout(op)


# -- adapters ----------------------------------------------------------------------------------------------------------


def adapter(change: Callable[[Any, str], Any] = lambda y, dtype: y) -> Adapter:
    """A layer whose output is `change`d by the adapter."""

    def apply(case: Any, dtype: str, device: str, seed: int) -> Any:
        fmt, rng = FORMATS[dtype], np.random.default_rng(seed)
        y = fmt.round_all(
            rng.standard_normal((16, case["in_features"])) @ rng.standard_normal((case["in_features"], 4))
        )
        return y, fmt.round_all(change(y, dtype))

    return Adapter(name="numpy.adapter", framework=OURS, op="adapter", apply=apply)


def wrong_adapters() -> dict[str, tuple[str, str, Adapter]]:
    """By name: the claim that must see it, a dtype in which it must, and the adapter with the mistake."""
    units = lambda y, dtype: y + 2.5 * 2 * FORMATS[dtype].unit * np.abs(y)  # noqa: E731 - one expression, used twice
    return {
        "B small, not zero": ("adapter.identity", "float32", adapter(lambda y, d: y + 1e-6)),
        "one unit off in float32": ("adapter.identity", "float32", adapter(lambda y, d: y * (1 + 2.0**-23))),
        "two units off in bfloat16": ("adapter.identity", "bfloat16", adapter(units)),
        "an output that is not finite": ("adapter.identity", "float32", adapter(lambda y, d: y * np.inf)),
    }


# -- norms and what they are set to ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Normalisation:
    """A norm in float64, rounded once; the mistakes change eps and momentum, or evaluation, weights and gradient."""

    op: str
    eps: Callable[[float], float] = lambda eps: eps
    momentum: Callable[[float], float] = lambda m: m
    default: float = 1e-5
    evaluates: bool = True
    roll: int = 0
    mean: float = 1.0
    scaled: bool = True

    def _parts(self, x: Any, case: Any) -> Any:
        if not x.size:
            msg = "no numbers to normalise"
            raise ValueError(msg)
        rows = rows_of(x, self.op, case)
        centred = rows - rows.mean(axis=1, keepdims=True) if self.op != "rms_norm" else rows
        square = (centred**2).mean(axis=1, keepdims=True) + self.eps(case.get("eps", self.default))
        with np.errstate(invalid="ignore"):
            return rows, centred / np.sqrt(square), np.sqrt(square)

    def _back(self, rows: Any, shape: tuple[int, ...]) -> Any:
        if self.op == "batch_norm":
            return rows.reshape(shape[1], shape[0], shape[2]).transpose(1, 0, 2)
        return rows.reshape(shape)

    def apply(self, x: Any, case: Any, dtype: str, device: str) -> Mapping[str, Any]:
        rows, y, _ = self._parts(x, case)
        m, n = self.momentum(case.get("momentum", 0.1)), rows.shape[1]
        running = {"running_mean": m * rows.mean(axis=1), "running_var": 1 - m + m * rows.var(axis=1) * n / (n - 1)}
        output = FORMATS[dtype].round_all(self._back(y, x.shape))
        return {"output": output} | (running if self.op == "batch_norm" else {})

    def evaluated(self, x: Any, case: Any, dtype: str, device: str) -> Mapping[str, Any]:
        found = dict(self.apply(x, case, dtype, device))
        centre, variance = (found[name][None, :, None] for name in ("running_mean", "running_var"))
        if self.evaluates:
            found["output"] = FORMATS[dtype].round_all((x - centre) / np.sqrt(variance + case["eps"]))
        return found

    def affine(self, x: Any, weight: Any, bias: Any, case: Any, dtype: str, device: str) -> Any:
        y = self._back(self._parts(x, case)[1], x.shape)
        shape = (1, 1, -1) if self.op in ("layer_norm", "rms_norm") else (1, -1, 1)
        shift = 0.0 if self.op == "rms_norm" else bias.reshape(shape)
        return FORMATS[dtype].round_all(y * np.roll(weight, self.roll).reshape(shape) + shift)

    def gradient(self, x: Any, dy: Any, case: Any, dtype: str, device: str) -> Any:
        _, y, sigma = self._parts(x, case)
        g = rows_of(dy, self.op, case)
        centre = self.mean * g.mean(axis=1, keepdims=True) if self.op != "rms_norm" else 0.0
        along = y * (y * g).mean(axis=1, keepdims=True) if self.scaled else 0.0
        return FORMATS[dtype].round_all(self._back((g - centre - along) / sigma, x.shape))


def normalisation(op: str = "batch_norm", **mistakes: Any) -> Norm:
    """That norm, with the mistakes."""
    way = _Normalisation(op, **mistakes)
    return Norm(
        name=f"numpy.{op}", framework=OURS, op=op, apply=way.apply, default=way.apply, documented_eps="1e-5",
        evaluated=way.evaluated if op == "batch_norm" else None, affine=way.affine, gradient=way.gradient,
    )  # fmt: skip


def wrong_norms() -> dict[str, tuple[str, str, Norm]]:
    """By name: the claim that must see it, a dtype in which it must, and the norm with the mistake."""
    return {
        "eps never above 1e-3": ("norm.settings", "float32", normalisation(eps=lambda eps: min(eps, 1e-3))),
        "a momentum of 0 taken for the default": (
            "norm.settings",
            "float32",
            normalisation(momentum=lambda m: m or 0.1),
        ),
        "a momentum of 1 taken for none": ("norm.settings", "float32", normalisation(momentum=lambda m: m % 1)),
        "no default eps": ("norm.default_zeros", "float16", normalisation(default=0.0)),
        "another default eps": ("norm.default_eps", "bfloat16", normalisation(default=1e-3)),
        "evaluation by the batch": ("norm.evaluated", "float32", normalisation(evaluates=False)),
        "the weight of the next channel": ("norm.affine", "bfloat16", normalisation(roll=1)),
        "the weight of the next entry": ("norm.affine", "float32", normalisation("layer_norm", roll=1)),
        "the gradient of the mean forgotten": ("norm.gradient", "bfloat16", normalisation("group_norm", mean=0.0)),
        "the gradient of the scale forgotten": ("norm.gradient", "float16", normalisation("rms_norm", scaled=False)),
    }


# -- clipping at its edges ---------------------------------------------------------------------------------------------


def _norm(leaves: Any, dtype: str) -> float:
    return float(np.sqrt(sum(float((leaf.astype(np.float64) ** 2).sum()) for leaf in leaves)))


def _plain(leaves: Any, dtype: str) -> float:
    """Squares added one after the other in float32."""
    squares = np.concatenate([np.ravel(leaf).astype(np.float32) ** 2 for leaf in leaves])
    return float(np.sqrt(np.cumsum(squares, dtype=np.float32)[-1]))


def _share(limit: float, total: float) -> float:
    return min(1.0, limit / total) if total else 1.0


def _product(limit: float, total: float) -> float:
    """The factor as a product, in which an infinite limit meets 0."""
    return float(np.float64(limit) * np.minimum(1 / np.float64(total), 1 / np.float64(limit)))


def clipping(
    norm: Callable[[Any, str], float] = _norm,
    refuses: bool = True,
    twice: bool = False,
    largest: bool = False,
    share: Callable[[float, float], float] = _share,
) -> Clipper:
    """Clipping by that norm; `refuses` what is not finite and negative limits, or lets them through."""

    def apply(grads: Any, limit: float, dtype: str, device: str) -> Any:
        if refuses and (limit < 0 or not all(np.isfinite(g).all() for g in grads)):
            msg = "a negative limit, or gradients that are not finite"
            raise ValueError(msg)
        leaves = list({id(g): g for g in grads}.values()) if not twice else list(grads)
        total = norm(leaves, dtype) if not largest else max(norm([leaf], dtype) for leaf in leaves)
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = share(limit, total)
        often = {id(g): sum(other is g for other in grads) if twice else 1 for g in grads}
        with np.errstate(invalid="ignore"):
            return [FORMATS[dtype].round_all(g * factor ** often[id(g)]) for g in grads], total

    return Clipper(name="numpy.clip", framework=OURS, op="clip_norm", apply=apply)


def adjustable(
    of_order: Callable[[Any, float], float] = lambda leaves, p: float(np.linalg.norm(np.concatenate(leaves), p)),
    sparse: Callable[[Any], Any] = lambda g: g,
    strict: bool = True,
    gaps: float = 1.0,
    absent: float = 0.0,
) -> Clipper:
    """Clipping by a norm of any order, of sparse leaves as `sparse` counts them, of leaves with gaps and of none."""

    def adjusted(grads: Any, limit: float, more: Mapping[str, Any], dtype: str, device: str) -> Any:
        flat = [np.ravel(sparse(g) if "sparse" in more else g) for g in grads]
        flat += [np.full(3, absent)] if "absent" in more else []
        total = of_order(flat, more.get("order", 2.0)) * (gaps if "strided" in more else 1.0)
        if "strict" in more and strict and not np.isfinite(total):
            msg = "the norm is not finite"
            raise ValueError(msg)
        with np.errstate(invalid="ignore"):
            return [FORMATS[dtype].round_all(g * _share(limit, total)) for g in grads], total

    names = ("order", "strict", "sparse", "strided", "absent")
    return dataclasses.replace(clipping(), adjusted=adjusted, adjusts=names)


def boxing(low: Callable[[float, float], float] = lambda low, high: low, box: Any = None) -> Clipper:
    """Clipping by value into a box, which a negative limit turns inside out unless it is refused."""

    def adjusted(grads: Any, limit: float, more: Mapping[str, Any], dtype: str, device: str) -> Any:
        bottom = low(more.get("low", -limit), limit)
        if not more and not limit >= 0 and box is None:
            msg = "a limit below 0, or none"
            raise ValueError(msg)
        return [(box or np.clip)(g, bottom, limit) for g in grads], None

    apply = lambda grads, limit, dtype, device: adjusted(grads, limit, {}, dtype, device)  # noqa: E731 - one line
    return Clipper(name="numpy.box", framework=OURS, op="clip_value", apply=apply, adjusted=adjusted, adjusts=("low",))


def _leaf_by_leaf(leaves: Any, p: float) -> float:
    return float(np.linalg.norm([np.linalg.norm(leaf, p) for leaf in leaves], p))


def _flattened(clip: Clipper) -> Clipper:
    """A clip that gives every leaf back as a vector, and takes no empty one."""
    apply = lambda grads, *rest: ([np.ravel(g) for g in clip.apply(grads, *rest)[0]], None)  # noqa: E731
    return dataclasses.replace(clip, apply=apply)


def _empty_is_infinite(grads: Any, limit: float, dtype: str, device: str) -> Any:
    spoilt = any(g.size == 0 for g in grads) or not grads
    clipped, norm = clipping().apply(grads, limit, dtype, device)
    return [g * (0.0 if spoilt else 1.0) for g in clipped], np.inf if spoilt else norm


def _dropping_nan(g: Any, low: float, high: float) -> Any:
    return np.fmin(np.fmax(g, low), high)


def wrong_clips() -> dict[str, tuple[str, str, Clipper]]:
    """By name: the claim that must see it, a dtype in which it must, and the clipping with the mistake."""
    empty = dataclasses.replace(clipping(), apply=_empty_is_infinite)
    return {
        "one bad leaf spoils all": ("clip.nonfinite", "float32", clipping(refuses=False)),
        "negative limit turns round": ("clip.negative", "float32", clipping(refuses=False)),
        "multiplied twice": ("clip.duplicates", "float32", clipping(twice=True)),
        "norm of the largest leaf": ("clip.grouping", "float32", clipping(largest=True)),
        "squares added up in a row": ("clip.long", "float32", clipping(_plain)),
        "0 taken for no limit": ("clip.shut", "float32", clipping(share=lambda c, n: _share(c, n) if c else 1.0)),
        "zeros over a limit of 0": ("clip.shut", "float32", clipping(share=_product)),
        "inf times 0": ("clip.open", "float32", clipping(share=_product)),
        "an epsilon that shrinks": ("clip.open", "float32", clipping(share=lambda c, n: n / (n + 1e-3))),
        "a limit of NaN spoils all": (
            "clip.nan_limit", "float32", clipping(share=lambda c, n: float(np.minimum(1.0, c / n)) if n else 1.0)),
        "leaves lose their shape": ("clip.shapes", "float32", _flattened(clipping())),
        "an empty leaf has an infinite norm": ("clip.empty", "float32", empty),
        "no gradient has an infinite norm": ("clip.nothing", "float32", empty),
        "always the norm of order 2": (
            "clip.order", "float32", adjustable(lambda g, p: float(np.linalg.norm(np.concatenate(g))))),
        "the norm of the leaves' norms": ("clip.order_reported", "float32", adjustable(_leaf_by_leaf)),
        "never strict": ("clip.strict", "float32", adjustable(strict=False)),
        "halves of an entry counted apart": ("clip.sparse", "float32", adjustable(sparse=lambda g: np.tile(g / 2, 2))),
        "gaps counted": ("clip.strided", "float32", adjustable(gaps=2.0)),
        "a missing gradient taken for ones": ("clip.absent", "float32", adjustable(absent=1.0)),
        "the lower bound is minus the upper": ("clip.box", "float32", boxing(lambda low, high: -abs(high))),
        "NaN becomes a bound": ("clip.value_nonfinite", "float32", boxing(box=_dropping_nan)),
        "a box turned inside out": ("clip.value_negative", "float32", boxing(box=np.clip)),
    }  # fmt: skip


def normalising(norm: Callable[[Any, str], float] = _norm, epsilon: float = 0.0, zero: float = 1.0) -> Normaliser:
    """Division by that norm plus `epsilon`; by `zero` where it is 0."""

    def apply(x: Any, dtype: str, device: str, seed: int) -> Any:
        with np.errstate(invalid="ignore", over="ignore"):
            return FORMATS[dtype].round_all(x / np.float64(norm([x], dtype) + epsilon or zero))

    return Normaliser(name="numpy.normalise", framework=OURS, op="normalise", apply=apply)


def spectral(steps: int = 500, zero: float = 1.0) -> Normaliser:
    """Division by the largest singular value, after so many steps of power iteration."""

    def apply(x: Any, dtype: str, device: str, seed: int) -> Any:
        v = np.random.default_rng(seed).standard_normal(x.shape[1])
        for _ in range(steps):
            u = x @ v / (np.linalg.norm(x @ v) or 1.0)
            v = x.T @ u / (np.linalg.norm(x.T @ u) or 1.0)
        with np.errstate(invalid="ignore"):
            return FORMATS[dtype].round_all(x / np.float64(u @ x @ v or zero))

    return Normaliser(name="numpy.spectral", framework=OURS, op="spectral", apply=apply)


def _in_float32(leaves: Any, dtype: str) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(sum((leaf.astype(np.float32) ** 2).sum() for leaf in leaves)))


def wrong_normalisings() -> dict[str, tuple[str, str, Normaliser]]:
    """By name: the claim that must see it, a dtype in which it must, and the division with the mistake."""
    return {
        "squares in float32": ("norm.unit", "float32", normalising(_in_float32)),
        "1e-6 added to the norm": ("norm.unit", "float32", normalising(epsilon=1e-6)),
        "0/0": ("norm.unit_zero", "float32", normalising(zero=np.nan)),
        "0/0 of a matrix": ("norm.unit_zero", "float32", spectral(zero=np.nan)),
        "one step of power iteration": ("norm.spectral", "float32", spectral(1)),
        "fifteen steps of power iteration": ("norm.spectral", "float32", spectral(15)),
    }


# -- norms ---------------------------------------------------------------------------------------------------------


def single(found: Callable[[Any, int], Mapping[str, Any]]) -> Norm:
    """Our batch norm, which gives `found(x, channels)` in its place."""
    (ours,) = select(["varlaw.numpy.batch_norm"])
    assert isinstance(ours, Norm)
    return dataclasses.replace(ours, apply=lambda x, case, dtype, device: found(x, case["channels"]))


def wrong_singles() -> dict[str, tuple[str, str, Norm]]:
    """By name: the claim that must see it, a dtype in which it must, and what becomes of a set of one number."""
    as_it_is = single(lambda x, n: {"output": x, "running_mean": np.zeros(n), "running_var": np.ones(n)})
    by_zero = single(lambda x, n: {"output": 0 * x, "running_mean": np.zeros(n), "running_var": np.full(n, np.nan)})
    return {
        "one number left as it is": ("norm.single", "float32", as_it_is),
        "statistics of nothing": ("norm.empty", "float32", by_zero),
        "a variance of one number over n - 1": ("norm.single", "float32", by_zero),
    }


# -- samplers ----------------------------------------------------------------------------------------------------------


def sampler(
    documented: str,
    draw: Callable[[np.random.Generator, tuple[int, ...]], Any],
    claims: Mapping[str, str] | None = None,
) -> Sampler:
    """A sampler of tensors of any shape that should follow `documented`, rounded to the dtype in the end."""

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield {"": (case["scale"] * draw(rng, tuple(case["shape"]))).astype(_DTYPES[dtype])}

    tensor = Tensor(name="", documented=documented, claims=claims or {})
    return Sampler(name="numpy.sampler", framework=OURS, op="shape", tensors=(tensor,), draws=draws)


def wrong_samplers() -> dict[str, tuple[str, str, Sampler]]:
    """By name: the claim that must see it, a dtype in which it must, and the sampler with the mistake."""
    uniform, normal = "Uniform(scale)", "Normal(scale)"
    return {
        "uniforms of 8 bits, from -1 up": ("init.mean", "bfloat16", sampler(uniform, _eight_bits)),
        "a mean of 1 %": ("init.mean", "bfloat16", sampler(normal, lambda r, s: r.standard_normal(s) + 0.01)),
        "another law than its name says": ("init.named", "float32", sampler(
            normal, lambda r, s: r.standard_normal(s), {"init.named": "Normal(2*scale)"})),
        "a mean of 1.5 %": ("init.mean", "float32", sampler(normal, lambda r, s: r.standard_normal(s) + 0.015)),
        "a grid of 256 values": ("init.grid", "bfloat16", sampler(uniform, _eight_bits)),
        "a grid of 0.1": ("init.grid", "float16", sampler(normal, lambda r, s: r.standard_normal(s).round(1))),
        "0.1 % zeros": ("init.grid", "bfloat16", sampler(normal, _some_zeros)),
        "a number where there is none": ("init.empty", "float32", sampler(
            normal, lambda r, s: r.standard_normal([n or 1 for n in s]))),
        "clamped, not truncated": ("init.grid", "float32", sampler(
            "TruncatedNormal(scale, -2, 2)", lambda r, s: np.clip(r.standard_normal(s), -2, 2))),
    }  # fmt: skip


def _some_zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.standard_normal(shape) * (rng.random(shape) > 1e-3)


def _eight_bits(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return np.floor(256 * rng.random(shape)) / 128 - 1


WRONG: dict[str, tuple[str, str, Any]] = {
    **wrong_losses(), **wrong_normalisings(), **wrong_dropouts(), **wrong_adapters(), **wrong_clips(), **wrong_norms(),
    **wrong_singles(), **wrong_samplers(),
}  # fmt: skip
