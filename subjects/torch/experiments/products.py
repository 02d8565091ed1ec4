"""Products of random matrices, as torch multiplies and factorises them: chains on one vector, and whole products."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _weights(t: Any, n: int, rows: int, columns: int, variance: float, on: dict[str, Any]) -> Any:
    return variance**0.5 * t.randn(n, rows, columns, **on)


def _chain(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """ln of how much longer or shorter a vector becomes, in the weights' own variance and in 1 / n."""
    size, variance = c["n"], c["variance"]
    x = t.ones(n, size, 1, **on) / size**0.5
    log = t.zeros(n, 1, 1, **on)
    for _ in range(c["factors"]):
        x = t.bmm(_weights(t, n, size, size, variance, on), x)
        norm = t.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        x, log = x / norm, log + norm.log()
    log = log.reshape(n)
    return {"log": log, "drift": 2 * log - c["factors"] * t.tensor(size * variance).log()}


def _frames(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """ln |det| of a product, and the growth of the second of its axes, from the QR factors of single steps."""
    size = c["n"]
    frame = t.eye(size, **on).expand(n, size, size)
    steps = t.zeros(n, size, **on)
    for _ in range(c["factors"]):
        frame, r = t.linalg.qr(t.bmm(_weights(t, n, size, size, c["variance"], on), frame))
        steps = steps + t.diagonal(r, dim1=1, dim2=2).abs().log()
    return {"log det": steps.sum(1), "second": steps[:, 1] / c["factors"]}


def _square(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Powers of the squared length after a few factors."""
    size = c["n"]
    x = t.ones(n, size, 1, **on) / size**0.5
    for _ in range(c["factors"]):
        x = t.bmm(_weights(t, n, size, size, c["variance"], on), x)
    s = x.square().sum((1, 2))
    return {"square": s, "fourth": s**2, "eighth": s**4}


def _stack(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A linear stack of the given widths: ln of its mean square over that of the input."""
    x = t.ones(n, c["widths"][0], 1, **on)
    for width in c["widths"]:
        x = t.bmm(_weights(t, n, width, x.shape[1], 1 / x.shape[1], on), x)
    return {"log": x.square().mean((1, 2)).log()}


def _relu_stack(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """He's stack: powers of |h_L|^2 / |h_0|^2."""
    x = y = t.ones(n, c["width"], 1, **on)
    for _ in range(c["layers"]):
        w = _weights(t, n, c["width"], c["width"], 2 / c["width"], on)
        x, y = t.relu(t.bmm(w, x)), t.bmm(w, y)
    s = x.square().mean((1, 2))
    return {"fourth": s**2, "log": s.log(), "linear log": y.square().mean((1, 2)).log()}


def _relu_layer(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """One layer of He, drawn again where no unit is on, and the share of layers and networks in which none is."""
    tried = t.ones(8 * n, c["width"], 1, **on)
    h = t.relu(t.bmm(_weights(t, 8 * n, c["width"], c["width"], 2 / c["width"], on), tried))
    s = h.square().sum((1, 2)) / c["width"]
    dead = (s == 0).to(on["dtype"])
    second = t.relu(t.bmm(_weights(t, n, c["width"], c["width"], 2 / c["width"], on), h[:n]))
    even = [2 * t.rand(n, c["width"], c["width"], **on) - 1 for _ in range(2)]  # symmetric, and not normal
    third = t.relu(t.bmm(even[0], tried[:n]))
    found = {"gone": second, "dead uniform": third, "gone uniform": t.relu(t.bmm(even[1], third))}
    zeros = {of: (x.square().sum((1, 2)) == 0).to(on["dtype"]) for of, x in found.items()}
    return {"log": s[s > 0][:n].log(), "dead": dead[:n], **zeros}


def _condition(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """ln of the condition number of a product, from the singular values of float64, rescaled at every factor."""
    wide = {**on, "dtype": t.float64}
    m = t.eye(2, **wide).expand(n, 2, 2)
    log_det = t.zeros(n, **wide)
    log = t.zeros(n, **wide)
    for _ in range(c["factors"]):
        w = _weights(t, n, 2, 2, 0.5, wide)
        m = t.bmm(w, m)
        size = t.linalg.matrix_norm(m, keepdim=True)
        m, log = m / size, log + size.log().reshape(n)
        log_det = log_det + t.linalg.slogdet(w).logabsdet
    largest = t.linalg.matrix_norm(m, ord=2).log() + log
    return {"log condition": 2 * largest - log_det}  # of two singular values the smaller is det over the larger


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("bmm(chain)", "chain", _chain),
    experiment("linalg.qr(chain)", "frames", _frames),
    experiment("bmm(few)", "few_factors", _square),
    experiment("bmm(stack)", "linear_stack", _stack),
    experiment("bmm(relu)", "relu_stack", _relu_stack),
    experiment("bmm(relu layer)", "relu_layer", _relu_layer),
    experiment("bmm(2 x 2)", "condition", _condition),
)
