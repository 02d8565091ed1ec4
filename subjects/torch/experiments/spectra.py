"""Spectra as torch's decompositions find them: of one matrix, of products, of Jacobians of ReLU stacks."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _one(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Eigenvalues of W W^T for W of p x n entries of variance 1/n; of W^T W those that are zero."""
    p, size = c["p"], c["n"]
    w = t.randn(n, p, size, **on) / size**0.5
    values = t.linalg.eigvalsh(t.bmm(w, w.mT))
    tall = w[:32].mT
    within = (values - c["x"]).abs() < c["half"]
    return {
        "low": values[:, 0],
        "high": values[:, -1],
        "cube": values.pow(3).mean(1),
        "square": values.square().mean(1),
        "density": within.to(on["dtype"]).mean(1) / (2 * c["half"]),
        "zero share": 1 - t.linalg.matrix_rank(t.bmm(tall, tall.mT)).double() / size,
    }


def _product(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    width, layers = c["width"], c["layers"]
    gaussian, relu, turned = (t.eye(width, **on).expand(n, width, width) for _ in range(3))
    h = t.randn(n, width, **on)
    g = h
    for _ in range(layers):
        w = t.randn(n, width, width, **on) / width**0.5
        gaussian = t.bmm(w, gaussian)
        h, relu = _through(t, 2**0.5 * w, h, relu)
        q, r = t.linalg.qr(t.randn(n, width, width, **on))
        g, turned = _through(t, 2**0.5 * q * t.diagonal(r, dim1=1, dim2=2).sign()[:, None], g, turned)
    squares = t.linalg.svdvals(gaussian).square()
    spreads = [_spread(t.bmm(m, m.mT)) for m in (gaussian, relu, turned)]
    return {
        "edge": squares[:, 0],
        "square": squares.square().mean(1),
        "variance": spreads[0],
        "relu": spreads[1],
        "turned": spreads[2],
    }


def _through(t: Any, w: Any, h: Any, jacobian: Any) -> tuple[Any, Any]:
    """A ReLU layer, and the Jacobian behind it."""
    pre = t.bmm(w, h[..., None])
    return t.relu(pre)[..., 0], (pre > 0).to(w.dtype) * t.bmm(w, jacobian)


def _spread(gram: Any) -> Any:
    """The variance over the spectrum of a Gram matrix over the squared mean, without its decomposition."""
    mean = gram.diagonal(dim1=1, dim2=2).mean(1)
    return gram.square().sum((1, 2)) / gram.shape[1] / mean.square() - 1


def _orthogonal(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    width = c["width"]
    product = t.eye(width, **on)
    for _ in range(c["layers"]):
        product = t.nn.init.orthogonal_(t.empty(width, width, **on)) @ product
    return {"variance": t.linalg.svdvals(product).square().var(correction=0).reshape(1)}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("linalg.eigvalsh(W W^T)", "spectrum", _one),
    experiment("linalg.svdvals(products)", "product_spectrum", _product),
    experiment("linalg.svdvals(orthogonal)", "orthogonal_spectrum", _orthogonal),
)
