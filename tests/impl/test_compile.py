"""torch.compile does not break what it meets: values and gradients stay those of the plain call.

The backend "aot_eager" traces forward and backward as the default one does but needs no C++ compiler.
"""

import pytest

torch = pytest.importorskip("torch")

import varlaw.impl.torch as ours  # noqa: E402 (needs the skip above)

NORMS = {
    "layer": lambda x, g: ours.layer_norm(x, 1, g, g),
    "rms": lambda x, g: ours.rms_norm(x, 1, g),
    "batch": lambda x, g: ours.batch_norm(x, gamma=g, beta=g),
    "group": lambda x, g: ours.group_norm(x, 3, g, g),
    "instance": lambda x, g: ours.instance_norm(x, g, g),
}


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, backend="aot_eager")


@pytest.fixture
def values():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 6, 5, generator=generator), torch.linspace(0.5, 1.5, 6)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_norms(norm, values):
    x, g = values
    plain, traced = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, z = norm(plain, g), torch.compile(norm, backend="aot_eager", fullgraph=True)(traced, g)
    torch._dynamo.reset()
    assert float((y - z).detach().abs().max()) <= 8 * 2.0**-23
    (y * x.flip(0)).sum().backward()
    (z * x.flip(0)).sum().backward()
    assert float((plain.grad - traced.grad).abs().max()) <= 256 * 2.0**-23


def test_initialisers_called_from_compiled_code():
    for call in (
        lambda: ours.he_normal((4, 3), seed=1),
        lambda: ours.truncated_normal((4, 3), 1.0, std_of="parent", bounds="sigmas", seed=1),
        lambda: ours.orthogonal((4, 3), seed=1),
    ):
        assert torch.equal(compiled(call)(), call())


def test_keyed_draws_called_from_compiled_code():
    uniform = lambda: ours.keyed_uniform((4, 3), 1.0, key=1, name="w")  # noqa: E731 (a function to compile)
    normal = lambda: ours.keyed_normal((4, 3), 1.0, key=1, name="w")  # noqa: E731
    assert torch.equal(compiled(uniform)(), uniform())
    assert float((compiled(normal)() / normal() - 1).abs().max()) <= 4 * 2.0**-23


@pytest.mark.parametrize("limit", [0.5, 100.0])
@pytest.mark.parametrize("policy", ["skip", "zero"])
def test_clipping(values, limit, policy):
    x, _ = values

    def clip(a, b):
        clipped, norm = ours.clip_by_global_norm([a, b], limit, nonfinite=policy)
        return clipped[0], clipped[1], norm

    torch._dynamo.reset()
    plain, traced = clip(x, x[0]), torch.compile(clip, backend="aot_eager", fullgraph=True)(x, x[0])
    for mine, theirs in zip(plain, traced, strict=True):
        assert float((mine - theirs).abs().max()) <= 4 * 2.0**-23 * float(mine.abs().max())


@pytest.mark.parametrize("size", [1.0, 1e20, 1e-25])
def test_norms_of_rows_of_any_size(values, size):
    x, g = values[0] * size, values[1]
    for norm in (lambda v: ours.layer_norm(v, 1, g, eps=0.0), lambda v: ours.rms_norm(v, 1, g, eps=0.0)):
        torch._dynamo.reset()
        traced = torch.compile(norm, backend="aot_eager", fullgraph=True)(x)
        assert float((norm(x) - traced).abs().max()) <= 16 * 2.0**-23


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_norms_under_vmap(norm, values):
    x, g = values
    samples = torch.stack([x, 3 * x + 1])
    found = torch.func.vmap(lambda sample: norm(sample, g))(samples)
    assert float((found - torch.stack([norm(sample, g) for sample in samples])).abs().max()) <= 16 * 2.0**-23
