"""Properties of the implementation, searched over shapes, dtypes and every device that is there."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402 (needs the skip above)

import varlaw.impl.numpy as on_numpy  # noqa: E402
import varlaw.impl.torch as on_torch  # noqa: E402
from varlaw.strategies import gains, shapes  # noqa: E402
from varlaw.subjects.torch.framework import devices  # noqa: E402

from .conftest import BACKENDS, DTYPES, Backend  # noqa: E402

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}  # half a unit, relative
CUT = {"std_of": "parent", "bounds": "sigmas"}
KEYED = {"keyed_uniform": {}, "keyed_normal": {}, "keyed_truncated_normal": CUT}

backends, dtypes = st.sampled_from(BACKENDS), st.sampled_from(DTYPES)
small = shapes(max_size=2**11)
laws, there = st.sampled_from(sorted(KEYED)), st.sampled_from(devices())


@st.composite
def slices(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """A whole, a corner and the sizes of a slice."""
    whole = draw(small)
    corner = tuple(draw(st.integers(0, side - 1)) for side in whole)
    return whole, corner, tuple(draw(st.integers(1, side - first)) for side, first in zip(whole, corner, strict=True))


def place(backend: Backend, device: str) -> dict[str, Any]:
    return {"device": device} if backend.name == "torch" else {}


def values(backend: Backend, shape: tuple[int, ...], dtype: str, size: float = 1.0, seed: int = 0) -> Any:
    """Values that are no sample of anything tested: their spread and signs are all that matters."""
    drawn = np.random.default_rng([seed, *shape]).uniform(-1, 1, shape) * size
    return backend.make(drawn.astype(np.float32), dtype)  # torch rounds a float64 to 16 bits by way of float32


def close(found: np.ndarray, wanted: np.ndarray, dtype: str, units: float) -> bool:
    """Within so many units of rounding of the largest entry, at which sums round, and of the dtype."""
    working = UNIT["float64" if dtype == "float64" else "float32"]
    scale = np.abs(wanted).max(initial=0)
    smallest = {"float16": 2.0**-24}.get(dtype, 2.0**-133)
    return bool(np.all(np.abs(found - wanted) <= (2 * UNIT[dtype] + units * working) * scale + smallest))


@given(slices(), laws, backends, dtypes, there, st.integers(0, 2**64 - 1))
def test_any_slice_of_a_keyed_draw_is_the_slice_of_the_whole(box, law, backend, dtype, device, key):
    whole, corner, shape = box
    address = {"key": key, "name": "w", "dtype": dtype, **KEYED[law], **place(backend, device)}
    everything = backend.wide(getattr(backend, law)(whole, 1.0, **address))
    part = backend.wide(getattr(backend, law)(shape, 1.0, **address, offset=corner, within=whole))
    index = tuple(slice(first, first + side) for first, side in zip(corner, shape, strict=True))
    assert np.array_equal(part, everything[index])


@given(small, laws, gains(), dtypes, there)
def test_keyed_draws_agree_between_backends_and_devices(shape, law, std, dtype, device):
    address = {"key": 3, "name": "w", "dtype": dtype, **KEYED[law]}
    ours = getattr(on_numpy, law)(shape, std, **address).astype(np.float64)
    theirs = getattr(on_torch, law)(shape, std, **address, device=device).double().cpu().numpy()
    assert np.array_equal(ours, theirs) if law == "keyed_uniform" else np.allclose(ours, theirs, 8 * UNIT[dtype], 0)


@given(st.lists(small, min_size=1, max_size=4), backends, dtypes, gains(), st.sampled_from([1.0, 1e-3, 1e3]))
def test_clipping_is_idempotent(leaves, backend, dtype, limit, size):
    grads = [values(backend, shape, dtype, size, seed) for seed, shape in enumerate(leaves)]
    for clip in (
        lambda given: backend.clip_by_global_norm(given, limit)[0],
        lambda given: backend.clip_per_parameter(given, limit)[0],
        lambda given: backend.clip_by_value(given, limit),
        lambda given: backend.clip_adaptive(given, grads, 0.1),
    ):
        once = clip(grads)
        for leaf, first, second in zip(grads, once, clip(once), strict=True):
            assert leaf.dtype == first.dtype
            assert np.array_equal(backend.wide(first), backend.wide(second))


@given(small, backends, dtypes, gains())
def test_clipping_shortens_and_keeps_the_direction(shape, backend, dtype, limit):
    leaf = values(backend, shape, dtype)
    (clipped,), norm = backend.clip_by_global_norm([leaf], limit)
    before, after = backend.wide(leaf), backend.wide(clipped)
    assert math.isclose(float(norm), float(np.linalg.norm(before)), rel_tol=16 * UNIT["float32"])
    assert close(after, before * min(1.0, limit / max(float(norm), 2.0**-1000)), dtype, 16)


def restrided(backend: Backend, x: Any, order: list[int]) -> Any:
    """The same values with their axes in another order of memory."""
    back = np.argsort(order)
    if backend.name == "numpy":
        return np.ascontiguousarray(np.transpose(x, order)).transpose(back)
    return x.permute(order).contiguous().permute(*(int(axis) for axis in back))


@given(shapes(min_rank=2, max_rank=5, max_size=2**10), backends, dtypes, st.data())
def test_norms_do_not_see_the_strides(shape, backend, dtype, data):
    x, ones = values(backend, shape, dtype), values(backend, shape[1:2], dtype)
    other = restrided(backend, x, list(data.draw(st.permutations(range(len(shape))))))
    for norm in (
        lambda v: backend.layer_norm(v),
        lambda v: backend.rms_norm(v),
        lambda v: backend.layer_norm(v, 1, ones, ones),
        lambda v: backend.rms_norm(v, (0, 1)),
        lambda v: backend.group_norm(v, 1, ones, ones),
        lambda v: backend.batch_norm(v, gamma=ones, beta=ones),
        lambda v: backend.layer_norm_backward(x, v, (0, 1)).x,
    ):
        assert np.array_equal(backend.wide(norm(x)), backend.wide(norm(other)))


@given(shapes(min_rank=2, max_rank=4, max_size=2**10), backends, dtypes, st.randoms(use_true_random=False))
def test_norms_follow_a_permutation_of_what_they_do_not_mix(shape, backend, dtype, random):
    """Samples permuted give results permuted; values permuted within a row do so but for rounding."""
    assume(shape[1] > 1)
    wide = backend.wide(values(backend, shape, dtype))
    samples = random.sample(range(shape[0]), shape[0])
    for name in ("layer_norm", "rms_norm", "instance_norm"):
        norm = getattr(backend, name)
        result = backend.wide(norm(backend.make(wide, dtype)))
        assert np.array_equal(backend.wide(norm(backend.make(wide[samples], dtype))), result[samples])
    places = random.sample(range(shape[-1]), shape[-1])
    found = backend.wide(backend.layer_norm(backend.make(wide[..., places], dtype), eps=1.0))
    assert close(found, backend.wide(backend.layer_norm(backend.make(wide, dtype), eps=1.0))[..., places], dtype, 64)


@given(shapes(min_rank=2, max_rank=4, max_size=2**10), dtypes, gains(), there)
def test_numpy_and_torch_agree_within_rounding(shape, dtype, size, device):
    ours, theirs = BACKENDS
    eps = size**2  # so that a row that happens to be constant is not divided by its rounding
    x, g = (values(ours, s, dtype, size, seed) for seed, s in enumerate((shape, shape)))
    y, h = (values(theirs, s, dtype, size, seed).to(device) for seed, s in enumerate((shape, shape)))
    for call in (
        lambda b, v, w: b.layer_norm(v, eps=eps),
        lambda b, v, w: b.rms_norm(v, (0, -1), eps=eps),
        lambda b, v, w: b.group_norm(v, 1, eps=eps),
        lambda b, v, w: b.batch_norm(v, eps=eps),
        lambda b, v, w: b.layer_norm_backward(w, v, eps=eps).x,
        lambda b, v, w: b.weight_standardise(v, eps=eps),
        lambda b, v, w: b.clip_by_global_norm([v, w], size)[0][0],
        lambda b, v, w: b.clip_adaptive([v], [w], 0.5)[0],
    ):
        assert close(theirs.wide(call(theirs, y, h).cpu()), ours.wide(call(ours, x, g)), dtype, 256)


@given(shapes(min_rank=2, max_rank=2, max_size=2**10), dtypes, st.sampled_from(["cuda", "meta"]))
@settings(max_examples=10)  # each traces some three thousand operations
def test_nothing_leaves_its_device(shape, dtype, device):
    """On tensors without values a copy to the host, a branch on a value or a mix of devices is an error."""
    where = {"dtype": dtype, "device": device}
    with FakeTensorMode():
        drawn = [
            on_torch.he_normal(shape, **where, seed=1),
            on_torch.truncated_normal(shape, 1.0, -1, 4, **CUT, **where, seed=1),
            on_torch.orthogonal(shape, **where, seed=1),
            on_torch.sparse(shape, 1.0, 0.5, **where, seed=1),
            *(getattr(on_torch, law)(shape, 1.0, key=1, name="w", **KEYED[law], **where) for law in KEYED),
        ]
        drawn += [on_torch.layer_norm(drawn[0]), on_torch.rms_norm(drawn[0]), on_torch.weight_norm(*_polar(drawn[0]))]
        drawn += on_torch.clip_by_global_norm(drawn[:2], 1.0, nonfinite="skip")[0]
        assert {(tuple(t.shape), str(t.dtype), t.device.type) for t in drawn} == {(shape, f"torch.{dtype}", device)}


def _polar(v: Any) -> tuple[Any, Any]:
    return v, v.new_ones(v.shape[0])
