"""Every torch path keeps its data where it is: shown on fake CUDA and meta tensors, which have no values to read.

Under `FakeTensorMode` any copy to the host, any branch on a value and any mixing of devices is an error.
"""

import math

import pytest

torch = pytest.importorskip("torch")

from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode  # noqa: E402 (needs the skip above)

import varlaw.impl.torch as ours  # noqa: E402

from ..each import each  # noqa: E402

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
INITIALISERS = {
    "uniform": lambda **k: ours.uniform((4, 6), 0.1, **k),
    "normal": lambda **k: ours.normal((4, 6), 0.1, **k),
    "truncated near": lambda **k: ours.truncated_normal((4, 6), 0.1, std_of="parent", bounds="sigmas", **k),
    "truncated wide": lambda **k: ours.truncated_normal((4, 6), 0.1, -4, 4, std_of="result", bounds="sigmas", **k),
    "truncated far": lambda **k: ours.truncated_normal((4, 6), 0.1, 6, 7, std_of="parent", bounds="absolute", **k),
    "glorot_uniform": lambda **k: ours.glorot_uniform((4, 6), **k),
    "he_normal": lambda **k: ours.he_normal((4, 6), **k),
    "orthogonal": lambda **k: ours.orthogonal((4, 6), **k),
    "orthogonal tall": lambda **k: ours.orthogonal((6, 4), 2.0, **k),
    "residual_scaled": lambda **k: ours.residual_scaled((4, 6), 0.02, 3, **k),
    "variance_scaling": lambda **k: ours.variance_scaling((4, 6), distribution="truncated_normal", **k),
    "delta_orthogonal": lambda **k: ours.delta_orthogonal((4, 6, 3), **k),
    "sparse": lambda **k: ours.sparse((4, 6), 0.1, 0.5, **k),
    "gated_orthogonal": lambda **k: ours.gated_orthogonal((4, 6), 2, **k),
    "siren": lambda **k: ours.siren((4, 6), first=True, **k),
    "chrono_bias": lambda **k: ours.chrono_bias(6, 20, cell="lstm", **k),
    "head": lambda **k: ours.head((4, 6), 0.1, **k),
    "lstm_bias": lambda seed, **k: ours.lstm_bias(6, **k),
    "identity": lambda seed, **k: ours.identity((4, 6), **k),
    "dirac": lambda seed, **k: ours.dirac((4, 6, 3), **k),
    "constant": lambda seed, **k: ours.constant((4, 6), 0.5, **k),
    "zeros": lambda seed, **k: ours.zeros((4, 6), **k),
}
NORMS = {
    "layer": lambda x, g: ours.layer_norm(x, 1, g, g),
    "rms": lambda x, g: ours.rms_norm(x, 1, g),
    "batch": lambda x, g: ours.batch_norm(x, g.clone(), g.clone(), g, g),  # it writes into its running statistics
    "batch evaluated": lambda x, g: ours.batch_norm(x, g, g, g, g, training=False),
    "group": lambda x, g: ours.group_norm(x, 3, g, g),
    "instance": lambda x, g: ours.instance_norm(x, g, g),
}


@pytest.fixture(params=DTYPES, ids=str)
def dtype(request):
    return request.param


@each("device", ["cuda", "cuda:1", "meta"])
@each("draw", INITIALISERS)
def test_initialisers_stay_on_the_device(draw, dtype, device):
    with FakeTensorMode():
        drawn = draw(seed=1, dtype=dtype, device=device)
        assert isinstance(drawn, FakeTensor)
        assert drawn.device.type == device.split(":")[0]
        assert drawn.dtype == dtype
        out = torch.empty(6, 4, dtype=dtype, device=device).t() if drawn.shape == (4, 6) else None
        if out is not None:
            assert draw(seed=1, out=out) is out


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_norms_stay_on_the_device(norm, dtype):
    with FakeTensorMode():
        x = torch.empty(4, 6, 5, dtype=dtype, device="cuda")
        y = norm(x, torch.empty(6, dtype=dtype, device="cuda"))
        assert (y.device, y.dtype, y.shape) == (x.device, dtype, x.shape)


@pytest.mark.parametrize("policy", ["zero", "skip"])
def test_clipping_stays_on_the_device(dtype, policy):
    with FakeTensorMode():
        leaves = [torch.empty(4, 6, dtype=dtype, device="cuda"), None, torch.empty(3, device="cuda")]
        clipped, norm = ours.clip_by_global_norm(leaves, 1.0, nonfinite=policy)
        assert norm.device.type == clipped[0].device.type == "cuda"
        assert clipped[0].dtype == dtype
        assert ours.clip_by_global_norm_(leaves, 1.0, nonfinite=policy).device.type == "cuda"
        assert ours.clip_per_parameter(leaves, 1.0, nonfinite=policy)[0][0].device.type == "cuda"
        ours.clip_per_parameter_(leaves, 1.0, nonfinite=policy)
        ours.clip_by_value_(leaves, 1.0)
        assert ours.clip_by_value(leaves, 1.0)[2].device.type == "cuda"
        assert ours.global_norm(leaves).device.type == "cuda"
        assert ours.clip_adaptive(leaves, leaves, nonfinite=policy)[0].device.type == "cuda"


def test_leaves_on_several_devices_have_one_norm():
    with FakeTensorMode():
        leaves = [torch.empty(3, device="cuda:0"), torch.empty(4, device="cuda:1"), torch.empty(5, dtype=torch.float64)]
        clipped, norm = ours.clip_by_global_norm(leaves, 1.0, nonfinite="skip")
        assert [leaf.device for leaf in clipped] == [leaf.device for leaf in leaves]
        assert norm.device == leaves[0].device


def test_the_proof_would_notice_a_wait():
    with FakeTensorMode(), pytest.raises(Exception, match="_local_scalar_dense"):
        bool(torch.empty(3, device="cuda").sum() > 0)


def test_refusing_non_finite_gradients_waits_and_says_so():
    with FakeTensorMode(), pytest.raises(Exception, match="_local_scalar_dense"):
        ours.clip_by_global_norm([torch.empty(3, device="cuda")], 1.0, nonfinite="raise")


def test_meta_tensors_are_filled_with_nothing(dtype):
    for draw in INITIALISERS.values():
        drawn = draw(seed=1, dtype=dtype, device="meta")
        assert drawn.is_meta


@pytest.mark.parametrize("draw", INITIALISERS.values(), ids=INITIALISERS.keys())
def test_autograd_records_nothing(draw, dtype):
    shape = draw(seed=1, dtype=dtype).shape
    parameter = torch.nn.Parameter(torch.zeros(shape, dtype=dtype))
    assert draw(seed=1, out=parameter) is parameter
    assert parameter.requires_grad
    assert parameter.grad_fn is None
    assert parameter.is_leaf
    assert not draw(seed=1, dtype=dtype).requires_grad


def test_clipping_records_nothing():
    leaf = torch.full((3,), 2.0, requires_grad=True)
    for clipped in (
        ours.clip_by_global_norm([leaf], 1.0)[0][0],
        ours.clip_by_value([leaf], 1.0)[0],
        ours.clip_per_parameter([leaf], 1.0)[0][0],
        ours.clip_adaptive([leaf], [leaf])[0],
    ):
        assert clipped.grad_fn is None
    assert not ours.global_norm([leaf]).requires_grad


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_norms_are_differentiable(norm):
    x = torch.randn(4, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    g = torch.linspace(0.5, 1.5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: norm(x, g), (x,))


def test_a_generator_decides_the_device_and_may_not_contradict_it():
    generator = torch.Generator().manual_seed(3)
    assert ours.normal(3, 1.0, seed=generator).device.type == "cpu"
    with FakeTensorMode(), pytest.raises(ValueError, match=r"seed\.device"):
        ours.normal(3, 1.0, seed=generator, device="cuda")


def test_a_device_that_is_not_there_is_refused_in_one_line():
    if torch.cuda.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(ValueError, match="device='cuda'") as caught:
        ours.normal(3, 1.0, seed=1, device="cuda")
    assert "\n" not in str(caught.value)


def test_the_default_device_is_honoured():
    with torch.device("meta"):
        assert ours.normal(3, 1.0, seed=1).is_meta


def test_nan_is_not_an_initial_value_of_anything_drawn(dtype):
    for name in ("uniform", "normal", "truncated near", "truncated wide", "truncated far"):
        assert torch.isfinite(INITIALISERS[name](seed=1, dtype=dtype)).all(), name
    assert math.isfinite(float(ours.constant((), 1.0)))
