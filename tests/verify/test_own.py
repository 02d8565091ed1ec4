"""Anybody's norm, clip, dropout and loss: wrong ones violate with their cause, right ones in NumPy and torch do not."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import varlaw
import varlaw.impl.numpy
from varlaw.verify.own.verdicts import Verdicts

torch = pytest.importorskip("torch")
F = torch.nn.functional


# -- norms -------------------------------------------------------------------------------------------------------------


def layer_norm(x: Any, eps: float = 1e-6) -> Any:
    return (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + eps) ** 0.5


def rms_norm(x: Any, eps: float = 1e-6) -> Any:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


def bessel(x: Any, eps: float = 1e-6) -> Any:
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps)


def spread(x: Any, axes: Any, eps: float = 1e-5) -> Any:
    return (x - x.mean(axes, keepdims=True)) / (x.var(axes, keepdims=True) + eps) ** 0.5


RIGHT_NORMS: tuple[tuple[Any, str, dict[str, Any]], ...] = (
    (layer_norm, "layer", {}),
    (rms_norm, "rms", {}),
    (lambda x: layer_norm(x, 1e-3), "layer", {}),  # eps is measured
    (lambda x: spread(x, (0, 2)), "batch", {}),
    (lambda x: spread(x, (0, 1, 2)), "batch", {"shape": (3, 4, 5, 6), "axes": (0, 1, 2)}),  # channels last
    (lambda x: spread(x, 1), "layer", {"axes": 1}),
    (lambda x: spread(x, (1, 3)), "layer", {"shape": (3, 4, 5, 6), "axes": (1, 3)}),
    (lambda x: F.group_norm(x, 2), "group", {"groups": 2, "eps": 1e-5, "as_": "torch"}),
    (lambda x: F.instance_norm(x), "instance", {"as_": "torch"}),
    (torch.nn.LayerNorm(48), "layer", {"shape": (8, 3, 48)}),
    (torch.nn.BatchNorm2d(6), "batch", {"shape": (4, 6, 5, 5)}),
    (torch.nn.GroupNorm(2, 8), "group", {"shape": (4, 8, 5, 5), "groups": 2, "unpromised": "constant"}),
)


@pytest.mark.parametrize(("f", "kind", "options"), RIGHT_NORMS, ids=range(len(RIGHT_NORMS)))
def test_a_right_norm_conforms(f: Any, kind: str, options: dict[str, Any]) -> None:
    found = varlaw.check_norm(f, kind, **options)
    assert found.ok, found
    assert any(v.outcome == "CONFORMS" for v in found)


def test_only_who_promises_a_careful_algorithm_is_held_to_it() -> None:
    assert "not asked: huge, empty, careful" in str(varlaw.check_norm(layer_norm, "layer", library="numpy"))
    found = varlaw.check_norm(layer_norm, "layer", promises="careful", library="numpy")
    assert {v.claim for v in found.faults} == {"norm.constant"}
    assert "its mean is rounded" in str(found).splitlines()[0]
    assert varlaw.check_norm(varlaw.impl.numpy.layer_norm, "layer", promises="careful", library="numpy").ok


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_a_right_norm_conforms_in_every_dtype(dtype: str) -> None:
    wide = lambda x: F.layer_norm(x, x.shape[-1:], eps=1e-5)  # noqa: E731
    assert varlaw.check_norm(wide, "layer", dtype=dtype, library="torch", unpromised="constant").ok


WRONG_NORMS: tuple[tuple[Any, str, dict[str, Any], str], ...] = (
    (bessel, "layer", {}, "layer norm off by exactly 7/8 in sets of 8: the variance has n - 1"),
    (bessel, "layer", {}, "eps stands outside the root"),
    (lambda x: spread(x, 1) * (3 / 4) ** 0.5, "layer", {"axes": 1}, ""),
    (lambda x: x / torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6), "rms", {"eps": 1e-6}, "is multiplied by the"),
    (lambda x: layer_norm(x), "rms", {}, "the mean is taken off"),
    (rms_norm, "layer", {}, "the mean is not taken off"),
    (lambda x: x - x.mean(-1, keepdims=True), "layer", {"eps": 1e-5}, "is not divided by its standard deviation"),
    (lambda x: spread(x, -1, 0.0), "layer", {"eps": 1e-5}, "eps is missing"),
    (lambda x: spread(x, (1, 2)), "instance", {"eps": 1e-5}, "statistics are taken over axes 1, 2"),
    (torch.nn.BatchNorm2d(6), "instance", {"shape": (4, 6, 5, 5)}, "statistics are taken over axes 0, 2, 3"),
    (lambda x: F.group_norm(x, 4), "group", {"groups": 2, "shape": (4, 8, 9), "eps": 1e-5}, "taken in 4 groups"),
    (lambda x: F.instance_norm(x), "instance", {"eps": 1e-5}, "as when the variance is taken as E x^2 - (E x)^2"),
)


@pytest.mark.parametrize(("f", "kind", "options", "cause"), WRONG_NORMS, ids=range(len(WRONG_NORMS)))
def test_a_wrong_norm_violates_with_its_cause(f: Any, kind: str, options: dict[str, Any], cause: str) -> None:
    found = varlaw.check_norm(f, kind, **options)
    assert not found.ok
    assert cause in str(found).splitlines()[0]


# -- clipping ----------------------------------------------------------------------------------------------------------


def norm_of(grads: Sequence[Any]) -> float:
    return float(sum(float((g.astype(np.float64) ** 2).sum()) for g in grads) ** 0.5)


def by(norm: Callable[[Sequence[Any]], float]) -> Callable[..., list[Any]]:
    """Clipping of all leaves by one norm."""

    def clip(grads: Sequence[Any], limit: float) -> list[Any]:
        factor = min(1.0, limit / (norm(grads) or limit)) if limit else 0.0
        return [g * factor for g in grads]

    return clip


def each(grads: Sequence[Any], limit: float) -> list[Any]:
    return [g * min(1.0, limit / (norm_of([g]) or limit)) for g in grads]


def scaled(grads: Sequence[Any], limit: float) -> list[Any]:
    norm = norm_of(grads) or limit
    return [g * (limit / norm) for g in grads]


def in_place(grads: Any, limit: float) -> float:
    norm = norm_of(grads)
    for g in grads:
        g *= min(1.0, limit / norm) if norm else 1.0
    return norm


def torchs(parameters: Any, limit: float) -> None:
    torch.nn.utils.clip_grad_norm_(parameters, limit)


RIGHT_CLIPS: tuple[tuple[Any, str, dict[str, Any]], ...] = (
    (by(norm_of), "global_norm", {}),
    (each, "per_parameter", {}),
    (in_place, "global_norm", {"promises": ("huge", "tiny")}),
    (lambda grads, limit: (by(norm_of)(grads, limit), norm_of(grads)), "global_norm", {}),
    (
        lambda grads, limit: [g.clip(-limit, limit) for g in grads],
        "value",
        {"promises": ("zero_limit", "infinite_limit", "nonfinite")},
    ),
    (torchs, "global_norm", {"as_": "torch"}),
    (torch.nn.utils.clip_grad_norm_, "global_norm", {"as_": "torch"}),
    (torch.nn.utils.clip_grad_value_, "value", {"as_": "torch.nn.utils.clip_grad_value_"}),
)


@pytest.mark.parametrize(("f", "kind", "options"), RIGHT_CLIPS, ids=range(len(RIGHT_CLIPS)))
def test_a_right_clip_conforms(f: Any, kind: str, options: dict[str, Any]) -> None:
    found = varlaw.check_clip(f, kind, **options)
    assert found.ok, found


WRONG_CLIPS: tuple[tuple[Any, str, str], ...] = (
    (each, "global_norm", "every leaf is clipped by its own norm"),
    (by(norm_of), "per_parameter", "all leaves are clipped by the norm of all"),
    (by(lambda grads: norm_of(grads) ** 2), "global_norm", "the factor is limit/|g|^2"),
    (by(lambda grads: sum(norm_of([x]) for x in grads)), "global_norm", "the norms of the leaves are added"),
    (by(lambda grads: max(float(abs(x).max()) for x in grads)), "global_norm", "the norm is the largest |entry|"),
    (scaled, "global_norm", "are scaled up to it"),
    (lambda grads, c: grads, "global_norm", "nothing is clipped"),
    (lambda grads, c: [g.clip(None, c) for g in grads], "value", "values are clipped above alone"),
    (torchs, "global_norm", "the factor is limit/(norm + 1e-6), as torch's is (as_='torch')"),
)


@pytest.mark.parametrize(("f", "kind", "cause"), WRONG_CLIPS, ids=range(len(WRONG_CLIPS)))
def test_a_wrong_clip_violates_with_its_cause(f: Any, kind: str, cause: str) -> None:
    found = varlaw.check_clip(f, kind)
    assert not found.ok
    assert cause in str(found).splitlines()[0]


def test_extremes_are_asked_where_they_are_promised() -> None:
    clip = by(norm_of)
    assert "not asked: huge, tiny, zero_limit" in str(varlaw.check_clip(clip))
    found = varlaw.check_clip(clip, promises="all", unpromised="nonfinite")
    assert {v.claim for v in found.faults} == {"clip.negative"}
    assert "clip.nonfinite" not in {v.claim for v in found}


# -- dropout -----------------------------------------------------------------------------------------------------------


def dropping(scale: Callable[[float], float], share: Callable[[float], float] = lambda p: p) -> Callable[..., Any]:
    def dropout(x: Any, p: float, seed: int) -> Any:
        kept = np.random.default_rng(seed).random(x.shape) >= share(p)
        return np.where(kept, x * x.dtype.type(scale(p)), 0)

    return dropout


def torch_dropout(x: Any, p: float, seed: int) -> Any:
    torch.manual_seed(seed)
    return F.dropout(x, p)


def torch_channels(x: Any, p: float, seed: int) -> Any:
    torch.manual_seed(seed)
    return F.dropout1d(x, p)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_a_right_dropout_conforms(p: float) -> None:
    assert varlaw.check_dropout(dropping(lambda p: 1 / (1 - p)), p).ok
    assert varlaw.check_dropout(torch_dropout, p, as_="torch").ok
    assert varlaw.check_dropout(torch_channels, p, kind="channel_dropout").ok


@pytest.mark.parametrize(
    ("f", "cause"),
    [
        (dropping(lambda p: 1 / max(p, 1e-9)), "what is kept is multiplied by 1/p = 3.333, but should be by 1/(1 - p)"),
        (dropping(lambda p: 1.0), "what is kept is multiplied by 1, but"),
        (dropping(lambda p: 1 / (1 - p), lambda p: 1 - p), "p is taken for the chance to keep"),
        (lambda x, p, seed: dropping(lambda p: 1 / (1 - p))(x, p, 0), "the mask does not depend on the seed"),
    ],
)
def test_a_wrong_dropout_violates_with_its_cause(f: Any, cause: str) -> None:
    found = varlaw.check_dropout(f, 0.3)
    assert not found.ok
    assert cause in str(found).splitlines()[0]


def test_a_channel_that_is_not_dropped_whole_violates() -> None:
    found = varlaw.check_dropout(torch_dropout, 0.3, kind="channel_dropout")
    assert "dropout.shared" in {v.claim for v in found.faults}


# -- losses ------------------------------------------------------------------------------------------------------------


def cross_entropy(z: Any, labels: Any) -> Any:
    z = z - z.max(1, keepdims=True)
    return (np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), labels]).mean()


def test_a_right_loss_conforms() -> None:
    assert varlaw.check_loss(cross_entropy).ok
    assert varlaw.check_loss(F.cross_entropy, promises="all").ok
    assert varlaw.check_loss(F.cross_entropy, as_="torch", dtype="bfloat16").ok


@pytest.mark.parametrize(
    ("f", "cause"),
    [
        (lambda z, y: F.cross_entropy(z, y, reduction="sum"), "the rows are added, and not averaged"),
        (lambda z, y: F.cross_entropy(z.softmax(-1), y), "softmax is taken twice"),
        (lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1), "labels are smoothed by 0.1"),
        (lambda z, y: cross_entropy(z, y) / np.log(2), "the logarithm is to base 2"),
        (lambda z, y: -cross_entropy(z, y), "the sign is wrong"),
        (lambda z, y: (np.log(np.exp(z).sum(1)) - z[range(len(z)), y]).mean(), "large logits alone go wrong"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_loss_violates_with_its_cause(f: Any, cause: str) -> None:
    found = varlaw.check_loss(f)
    assert not found.ok
    assert cause in str(found).splitlines()[0]


# -- bad input, and how it fails ---------------------------------------------------------------------------------------


def cut(x: Any, *_: Any) -> Any:
    return x[:1]


def raises(*_: Any) -> Any:
    msg = "no\nsuch luck"
    raise RuntimeError(msg)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: varlaw.check_norm(cut, "layer"), r"^cut returns an array of shape \(1, 4, 8\), but should return an"),
        (
            lambda: varlaw.check_norm(raises, "layer", library="numpy"),
            "^raises raises RuntimeError on .*: no such luck$",
        ),
        (lambda: varlaw.check_clip(cut), "^cut returns 1 arrays for 3$"),
        (lambda: varlaw.check_clip(lambda grads, limit: "x", name="mine"), "^mine returns str, but should return one"),
        (lambda: varlaw.check_dropout(cut), "^cut returns an array of shape"),
        (lambda: varlaw.check_loss(lambda z, y: z, name="mine"), "^mine returns an array of shape .* one number$"),
    ],
)
def test_what_breaks_the_contract_is_named_in_one_line(ask: Callable[[], Verdicts], words: str) -> None:
    with pytest.raises(varlaw.SamplerError, match=words) as caught:
        ask()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: varlaw.check_norm(layer_norm, "laier"), "kind='laier', but should be one of layer, rms"),
        (lambda: varlaw.check_norm(layer_norm, "group"), "groups=None, but should be a whole number"),
        (lambda: varlaw.check_norm(layer_norm, "layer", axes=5), "axes holds 5"),
        (lambda: varlaw.check_norm(layer_norm, "layer", axes=(1, 2)), "should be given with shape="),
        (lambda: varlaw.check_norm(layer_norm, "layer", shape=(0,)), r"shape=\(0,\), but should be"),
        (lambda: varlaw.check_norm(layer_norm, "layer", eps=-1), "eps=-1, but should be a number >= 0"),
        (lambda: varlaw.check_norm(layer_norm, "layer", unpromised="hug"), "unpromised='hug', but should be 'all' or"),
        (lambda: varlaw.check_norm(layer_norm, "layer", as_="torch", shape=(4, 8)), "as_='torch' with a shape"),
        (lambda: varlaw.check_clip(cut, as_="torch.nn.Linear"), "as_='torch.nn.Linear', but should be the name of a"),
        (lambda: varlaw.check_clip(cut, dtype="int8"), "dtype='int8', but should be one of"),
        (lambda: varlaw.check_dropout(cut, 1.0), "p=1.0, but should be a number > 0 and < 1"),
        (lambda: varlaw.check_norm(layer_norm, "layer", groups=2), "groups=2 of a layer norm, but only a group norm"),
        (lambda: varlaw.check_norm(layer_norm, "layer", momentum=()), r"momentum=\(\), but should be a number"),
        (lambda: varlaw.check_norm(layer_norm, "layer", bessel=math.nan), "bessel=nan, but should be True or False"),
        (lambda: varlaw.check_norm(layer_norm, "layer", evaluate="x"), "evaluate='x', but should be a function of"),
        (lambda: varlaw.check_norm(layer_norm, "layer", gradient=3), "gradient=3, but should be a function of"),
        (lambda: varlaw.check_norm(layer_norm, "layer", eps=10**400), "eps=1.* but should be a number >= 0"),
        (lambda: varlaw.check_norm(layer_norm, "layer", promises=3j), "promises=3j, but should be 'all' or some of"),
        (lambda: varlaw.check_norm(layer_norm, "layer", unpromised=[[]]), r"unpromised=\[\[\]\], but should be 'all'"),
        (lambda: varlaw.check_clip(cut, order=7), "order=7, but should be text"),
        (lambda: varlaw.check_dropout(cut, 0.3, evaluate="x"), "evaluate='x', but should be a function of"),
        (lambda: varlaw.check_loss(F.cross_entropy, smoothing=math.nan), "smoothing=nan, but should be text"),
        (lambda: varlaw.check_loss(F.cross_entropy, ignored=b"x"), "ignored=b'x', but should be text"),
    ],
)
def test_bad_arguments_are_told_what_to_be(ask: Callable[[], Verdicts], words: str) -> None:
    if "as_='torch.nn.Linear'" in words:
        ask = lambda: varlaw.check_clip(in_place, as_="torch.nn.Linear")  # noqa: E731
    with pytest.raises((TypeError, ValueError), match=words.replace("(4", r"\(4")) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_the_twins_fail_with_what_is_wrong() -> None:
    assert varlaw.assert_norm(layer_norm, "layer").ok
    with pytest.raises(AssertionError, match="off by exactly 7/8"):
        varlaw.assert_norm(bessel, "layer")
    with pytest.raises(AssertionError, match="every leaf is clipped by its own norm"):
        varlaw.assert_clip(each)
    with pytest.raises(AssertionError, match="multiplied by 1, but"):
        varlaw.assert_dropout(dropping(lambda p: 1.0))
    with pytest.raises(AssertionError, match="the rows are added"):
        varlaw.assert_loss(lambda z, y: F.cross_entropy(z, y, reduction="sum"))


def test_the_same_call_gives_the_same_verdicts_in_any_order() -> None:
    first = varlaw.check_dropout(dropping(lambda p: 1 / (1 - p)), 0.3, name="mine")
    assert first == varlaw.check_dropout(dropping(lambda p: 1 / (1 - p)), 0.3, name="mine")
    assert first != varlaw.check_dropout(dropping(lambda p: 1 / (1 - p)), 0.3, name="mine", salt="another")


def test_the_fixture_fails_with_what_is_wrong(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import numpy as np

        def norm(x, eps=1e-6, ddof=0):
            return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True, ddof=ddof) + eps)

        def clip(grads, limit):
            size = np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads))
            return [g * (limit / size) if size > limit else g for g in grads]

        def drop(x, p, seed):
            return np.where(np.random.default_rng(seed).random(x.shape) < p, 0, x / np.float32(1 - p))

        def test_right(law):
            law.norm(norm, "layer")
            law.clip(clip)
            law.dropout(drop)

        def test_wrong(law):
            law.norm(lambda x: norm(x, ddof=1), "layer", eps=1e-6)

        def test_broken(law):
            law.loss(lambda logits, labels: logits)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "ignore")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*layer norm off by exactly 7/8 in sets of 8*", "*should return one number*"])
    result.stdout.fnmatch_lines(["3 CONFORMS, 1 VIOLATES; chance of any false alarm*"])
    assert "Traceback" not in result.stdout.str()
