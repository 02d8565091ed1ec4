"""The same promises on a real CUDA device: values stay there, keyed ones are those of the CPU, clips keep their law."""

import pytest

torch = pytest.importorskip("torch")

import varlaw.impl.torch as ours  # noqa: E402 (needs the skip above)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]
CUT = {"std_of": "parent", "bounds": "sigmas"}
UNIT = {torch.float64: 2.0**-52, torch.float32: 2.0**-23, torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}


@pytest.fixture(params=UNIT, ids=str)
def dtype(request):
    return request.param


def test_seeded_draws_repeat_and_stay(dtype):
    for draw in (
        lambda: ours.uniform(1000, 0.1, seed=1, dtype=dtype, device="cuda"),
        lambda: ours.normal(1000, 0.1, seed=1, dtype=dtype, device="cuda"),
        lambda: ours.truncated_normal(1000, 0.1, seed=1, dtype=dtype, device="cuda", **CUT),
        lambda: ours.orthogonal((30, 20), seed=1, dtype=dtype, device="cuda"),
    ):
        first = draw()
        assert first.is_cuda
        assert torch.equal(first, draw())


def test_keyed_values_are_those_of_the_cpu(dtype):
    address = {"key": 3, "name": "w", "offset": (5, 2), "within": (90, 31), "dtype": dtype}
    there, here = (ours.keyed_uniform((60, 20), 0.1, device=device, **address) for device in ("cuda", "cpu"))
    assert torch.equal(there.cpu(), here)
    for draw in (ours.keyed_normal, lambda *a, **k: ours.keyed_truncated_normal(*a, **CUT, **k)):
        there, here = (draw((60, 20), 0.1, device=device, **address).cpu().double() for device in ("cuda", "cpu"))
        assert bool(((there - here).abs() <= 4 * UNIT[dtype] * here.abs()).all())


def test_no_call_waits_for_the_device(dtype):
    x, g = torch.ones(4, 6, 5, dtype=dtype, device="cuda"), torch.ones(6, dtype=dtype, device="cuda")
    generator = torch.Generator("cuda").manual_seed(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        ours.he_normal((8, 8), seed=generator, dtype=dtype)
        ours.truncated_normal((8, 8), 0.1, seed=generator, dtype=dtype, **CUT)
        ours.layer_norm(x)
        ours.batch_norm(x, gamma=g)
        ours.clip_by_global_norm_([x, g], 1.0, nonfinite="skip")
        ours.clip_by_global_norm([x, g], 1.0, nonfinite="zero")
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_clip_reaches_the_limit_and_stays(dtype):
    leaf = torch.randn(1000, generator=torch.Generator("cuda").manual_seed(0), device="cuda").to(dtype)
    clipped, norm = ours.clip_by_global_norm([leaf], 1.0)
    assert norm.is_cuda
    assert abs(float(ours.global_norm(clipped)) - 1) <= UNIT[dtype]
    assert torch.equal(ours.clip_by_global_norm(clipped, 1.0)[0][0], clipped[0])
