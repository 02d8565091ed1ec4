"""Hand-derived gradients against autograd, differences of the forward pass, and the laws they must obey."""

import numpy as np
import pytest

EPS = 1e-3
NORMS = {
    "layer": (
        lambda b, x, g: b.layer_norm(x, (1, 2), g, eps=EPS),
        lambda b, d, x, g: b.layer_norm_backward(d, x, (1, 2), g, eps=EPS),
        (6, 5),
    ),
    "layer first": (
        lambda b, x, g: b.layer_norm(x, 0, g, eps=EPS),
        lambda b, d, x, g: b.layer_norm_backward(d, x, 0, g, eps=EPS),
        (4,),
    ),
    "rms": (
        lambda b, x, g: b.rms_norm(x, -1, g, eps=EPS),
        lambda b, d, x, g: b.rms_norm_backward(d, x, -1, g, eps=EPS),
        (5,),
    ),
    "batch": (
        lambda b, x, g: b.batch_norm(x, gamma=g, eps=EPS),
        lambda b, d, x, g: b.batch_norm_backward(d, x, g, eps=EPS),
        (6,),
    ),
    "group": (
        lambda b, x, g: b.group_norm(x, 3, g, eps=EPS),
        lambda b, d, x, g: b.group_norm_backward(d, x, 3, g, eps=EPS),
        (6,),
    ),
    "instance": (
        lambda b, x, g: b.instance_norm(x, g, eps=EPS),
        lambda b, d, x, g: b.instance_norm_backward(d, x, g, eps=EPS),
        (6,),
    ),
}


@pytest.fixture(params=NORMS.values(), ids=NORMS.keys())
def norm(request):
    return request.param


def drawn(shape, seed):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def test_gradients_are_those_of_autograd(backend, norm):
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as theirs

    forward, backward, sizes = norm
    values, gamma, grad = drawn((4, 6, 5), 1), drawn(sizes, 2), drawn((4, 6, 5), 3)
    x, g = torch.tensor(values, requires_grad=True), torch.tensor(gamma, requires_grad=True)
    forward(theirs, x, g).backward(torch.tensor(grad))
    found = backward(backend, *(backend.make(part, "float64") for part in (grad, values, gamma)))
    scale = np.abs(grad).sum()  # an error in one term of a sum is at most an ulp of all of it
    assert np.max(np.abs(backend.wide(found.x) - x.grad.numpy())) <= 64 * 2.0**-53 * scale
    assert np.max(np.abs(backend.wide(found.gamma) - g.grad.numpy())) <= 64 * 2.0**-53 * scale


def test_gradients_are_the_limit_of_differences(backend, norm):
    forward, backward, sizes = norm
    values, gamma, grad = drawn((4, 6, 5), 1), drawn(sizes, 2), drawn((4, 6, 5), 3)
    direction, step = drawn((4, 6, 5), 4), 1e-5
    g = backend.make(gamma, "float64")
    ahead, behind = (
        backend.wide(forward(backend, backend.make(values + s * direction, "float64"), g)) for s in (step, -step)
    )
    slope = np.sum(grad * (ahead - behind)) / (2 * step)
    found = backward(backend, backend.make(grad, "float64"), backend.make(values, "float64"), g)
    # central differences err by step**2 and by rounding / step, each times the size of the sum
    assert abs(np.sum(backend.wide(found.x) * direction) - slope) <= (100 * step**2 + 1e-15 / step) * np.abs(grad).sum()


def test_laws_of_the_jacobian(backend):
    """Orthogonal to ones always, and to x itself where eps is zero (scale invariance)."""
    values, grad = drawn((7, 12), 1), drawn((7, 12), 2)
    x, d = backend.make(values, "float64"), backend.make(grad, "float64")
    found = backend.wide(backend.layer_norm_backward(d, x, eps=0.0).x)
    assert np.max(np.abs(found.sum(axis=1))) < 1e-13
    assert np.max(np.abs((found * values).sum(axis=1))) < 1e-13
    rms = backend.wide(backend.rms_norm_backward(d, x, eps=0.0).x)
    assert np.max(np.abs((rms * values).sum(axis=1))) < 1e-13
    leak = backend.wide(backend.rms_norm_backward(d, x, eps=1.0).x)
    assert np.min(np.abs((leak * values).sum(axis=1))) > 1e-6


def test_a_bias_before_batch_norm_gets_no_gradient(backend):
    d, x = backend.make(drawn((9, 3), 1), "float64"), backend.make(drawn((9, 3), 2), "float64")
    assert np.max(np.abs(backend.wide(backend.batch_norm_backward(d, x).x).sum(axis=0))) < 1e-14


def test_result_dtype_and_constant_rows(backend, dtype):
    x, d = backend.make(np.full((2, 4), 3.3), dtype), backend.make(np.ones((2, 4)), dtype)
    found = backend.layer_norm_backward(d, x, eps=0.0)
    assert found.x.dtype == x.dtype
    assert not backend.wide(found.x).any()


def test_mismatched_gradient_is_refused(backend):
    x = backend.make(drawn((2, 4), 1), "float64")
    with pytest.raises(ValueError, match=r"grad\.shape"):
        backend.layer_norm_backward(backend.make(drawn((2, 3), 1), "float64"), x)
    with pytest.raises(ValueError, match=r"gamma\.shape"):
        backend.layer_norm_backward(x, x, gamma=backend.make([1.0], "float64"))


def test_weight_norm_and_its_gradient(backend):
    torch = pytest.importorskip("torch")
    v, g, grad = drawn((5, 3, 2), 1), drawn((5,), 2), drawn((5, 3, 2), 3)
    tv, tg = torch.tensor(v, requires_grad=True), torch.tensor(g, requires_grad=True)
    w = torch._weight_norm(tv, tg.reshape(5, 1, 1), 0)
    w.backward(torch.tensor(grad))
    ours = [backend.make(part, "float64") for part in (grad, v, g)]
    assert np.max(np.abs(backend.wide(backend.weight_norm(*ours[1:])) - w.detach().numpy())) < 1e-15 * 8
    by_v, by_g = backend.weight_norm_backward(*ours)
    assert np.max(np.abs(backend.wide(by_v) - tv.grad.numpy())) < 1e-14
    assert np.max(np.abs(backend.wide(by_g) - tg.grad.numpy())) < 1e-14
    assert np.max(np.abs(np.sum(backend.wide(by_v) * v, axis=(1, 2)))) < 1e-14


@pytest.mark.parametrize("by_fan_in", [False, True])
def test_weight_standardisation_and_its_gradient(backend, by_fan_in):
    torch = pytest.importorskip("torch")
    w, grad = drawn((5, 3, 2), 1), drawn((5, 3, 2), 2)
    found = backend.wide(backend.weight_standardise(backend.make(w, "float64"), by_fan_in=by_fan_in))
    assert np.max(np.abs(found.mean(axis=(1, 2)))) < 1e-15
    assert np.max(np.abs(found.var(axis=(1, 2)) * (6 if by_fan_in else 1) - 1)) < 1e-14
    x = torch.tensor(w, requires_grad=True)
    flat = x.reshape(5, -1)
    centred = flat - flat.mean(1, keepdim=True)
    standard = centred / centred.square().mean(1, keepdim=True).sqrt() / (6**0.5 if by_fan_in else 1)
    standard.reshape(5, 3, 2).backward(torch.tensor(grad))
    ours = [backend.make(part, "float64") for part in (grad, w)]
    by_w = backend.wide(backend.weight_standardise_backward(*ours, by_fan_in=by_fan_in))
    assert np.max(np.abs(by_w - x.grad.numpy())) < 1e-13


def test_units_of_zeros_and_wrong_shapes_are_refused(backend):
    ones, zeros = backend.make(np.ones((2, 3)), "float64"), backend.make(np.zeros((2, 3)), "float64")
    with pytest.raises(ValueError, match="unit 0 of zeros"):
        backend.weight_norm(zeros, backend.make(np.ones(2), "float64"))
    with pytest.raises(ValueError, match=r"g\.shape"):
        backend.weight_norm(ones, backend.make(np.ones(3), "float64"))
    with pytest.raises(ValueError, match=r"w\.shape"):
        backend.weight_standardise(backend.make(np.ones(3), "float64"))
