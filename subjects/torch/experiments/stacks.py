"""Deep stacks of torch: residual streams and their gradients, signals of tanh and ReLU, batch norm's gradients.

Every run draws its own weights, all runs at once. Gradients are torch's own.
"""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_SETTLED = 8  # layers after which a mean square stands still


def _weights(t: Any, n: int, size: int, variance: float, on: dict[str, Any]) -> Any:
    return (variance / size) ** 0.5 * t.randn(n, size, size, **on)


def _times(t: Any, w: Any, h: Any) -> Any:
    return t.bmm(w, h[..., None])[..., 0]


def _branches(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Streams of He's ReLU blocks of a given gain, plain and divided by the root of their number; drop path."""
    width, layers = c["width"], c["layers"]
    start = t.randn(n, width, **on)

    def branch(h: Any, gain: float) -> Any:
        """E |f(h)|^2 = gain |h|^2, whatever h."""
        return _times(t, _weights(t, n, width, 2 * gain, on), t.relu(_times(t, _weights(t, n, width, 1, on), h)))

    plain, scaled = start, start
    for _ in range(layers):
        plain = plain + branch(plain, c["gain"])
    for _ in range(2 * layers):
        scaled = scaled + branch(scaled, 1.0) / (2 * layers) ** 0.5
    mask = t.nn.functional.dropout(t.ones(n, 1, **on), c["rate"])
    dropped = start + mask * branch(start, c["gain"])
    size = start.square().sum(1)
    return {
        "growth": plain.square().sum(1) / size,
        "scaled": scaled.square().sum(1) / size,
        "dropped": dropped.square().sum(1) / size,
    }


def _spread(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Logs of the mean square of two streams: of linear branches, and of branches of two maps behind a norm."""
    width = c["width"]

    def mapped(h: Any) -> Any:
        return _times(t, _weights(t, n, width, c["gain"], on), h)

    bare, normed = t.ones(n, width, **on), t.randn(n, width, **on)
    for _ in range(c["layers"]):
        bare = bare + mapped(bare)
        normed = normed + mapped(mapped(t.nn.functional.rms_norm(normed, (width,), eps=0.0)))
    return {"log": bare.square().mean(1).log(), "normed log": normed.square().mean(1).log()}


def _normed(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Linear branches behind a norm, and under one: the stream, the norms' divisors, and the gradients of both ends."""
    width, gain = c["width"], c["gain"]

    def norm(h: Any) -> Any:
        return t.nn.functional.rms_norm(h, (width,), eps=0.0)

    x = norm(t.randn(n, width, **on)).requires_grad_()
    end = t.randn(n, width, **on)
    pre, post, divisor = x, x, t.ones(n, **on)
    for _ in range(c["branches"]):
        w = _weights(t, n, width, gain, on)
        pre = pre + _times(t, w, norm(pre))
        raw = post + _times(t, w, post)
        divisor = divisor * raw.detach().square().mean(1).rsqrt()
        post = norm(raw)
    through = [t.autograd.grad((h * end).sum(), x)[0].square().sum(1) for h in (pre, post)]
    size = end.square().sum(1)
    return {
        "stream": pre.detach().square().mean(1),
        "pre gradient": through[0] / size,
        "post gradient": through[1] / size,
        "divisor": divisor,
    }


def _gate(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A real block behind a gate of zero: what it changes, and what reaches its weights."""
    block = t.nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True, **on)
    gate, h = t.zeros((), **on, requires_grad=True), t.randn(2, 5, 16, **on)
    out = h + gate * block(h)
    out.square().sum().backward()
    largest = [p.grad.abs().max() for p in block.parameters()]
    return {"change": (out - h).detach().abs().amax().reshape(1), "gradient": t.stack(largest)}


def _layer(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """One layer of tanh and of a leaky ReLU on two normal inputs, forwards and backwards."""
    size, q, gain = 16, c["q"], c["weight_variance"]
    first, other = t.randn(2, n, size, **on)
    second = c["c"] * first + (1 - c["c"] ** 2) ** 0.5 * other
    w = _weights(t, n, size, 1, on)
    root, bias = gain**0.5, c["bias_variance"] ** 0.5 * t.randn(n, size, **on)
    found: dict[str, Any] = {}
    for name, phi in (("tanh", t.tanh), ("leaky", lambda x: t.nn.functional.leaky_relu(x, c["slope"]))):
        scale = t.full((n, 1), q, **on, requires_grad=True)
        u, v = ((scale.sqrt() * z) for z in (first, second))
        y, z = (root * _times(t, w, phi(x)) + bias for x in (u, v))
        end = t.randn(n, size, **on)
        of_u, of_v = (t.autograd.grad((out * end).sum(), x, retain_graph=True)[0] for out, x in ((y, u), (z, v)))
        (slope,) = t.autograd.grad(y.square().mean(1).sum(), scale)
        sent = end.square().sum(1)
        found |= {
            f"{name} square": y.square().mean(1),
            f"{name} product": (y * z).mean(1),
            f"{name} slope": slope[:, 0],
            f"{name} chi": of_u.square().sum(1) / sent,
            f"{name} shared": (of_u * of_v).sum(1) / sent,
            f"{name} plain": (_times(t, w, phi(u))).square().mean(1),
        }
    return {of: x.detach() for of, x in found.items()}


def _deep(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A stack that has reached its fixed point: with weights and biases of given variances, and with torch's gains."""
    width, found = c["width"], {}
    known = [("given", t.tanh, c["weight_variance"], c["bias_variance"])]
    for name in ("tanh", "sigmoid"):
        known.append((name, getattr(t, name), t.nn.init.calculate_gain(name) ** 2, 0.0))
    for name, phi, gain, bias in known:
        pre = t.randn(n, width, **on)
        for _ in range(_SETTLED):
            last = pre.detach().requires_grad_()
            pre = _times(t, _weights(t, n, width, gain, on), phi(last)) + bias**0.5 * t.randn(n, width, **on)
        end = t.randn(n, width, **on)
        (back,) = t.autograd.grad((pre * end).sum(), last)
        found[f"{name} square"] = pre.detach().square().mean(1)
        found[f"{name} chi"] = back.square().sum(1) / end.square().sum(1)
    return found


def _linear(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A linear stack with biases: how far its second moment is from where it settles, and how gradients fade."""
    width, factor = c["width"], c["factor"]
    x = (2 * t.ones(n, width, **on)).requires_grad_()
    h = x
    for _ in range(c["layers"]):
        h = _times(t, _weights(t, n, width, factor, on), h) + (1 - factor) ** 0.5 * t.randn(n, width, **on)
    end = t.randn(n, width, **on)
    (back,) = t.autograd.grad((h * end).sum(), x)
    left = (h.detach().square().mean(1) - 1) / 3  # it settles at 1, and starts at 4
    return {"left": left, "gradient": back.square().sum(1) / end.square().sum(1)}


def _batch_norm(t: Any, h: Any) -> Any:
    """torch's own, of each run's channels: (runs, channels, batch)."""
    together = h.flatten(0, 1).T  # channels of all runs side by side
    return t.nn.functional.batch_norm(together, None, None, training=True, eps=1e-12).T.unflatten(0, h.shape[:2])


def _explosion(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Gradients of W, batch norm, phi at neighbouring layers, away from both ends of a stack."""
    width, batch, found = c["width"], c["batch"], {}
    for name, phi in (("linear", lambda x: x), ("relu", t.relu), ("tanh", t.tanh)):
        h = t.randn(n, width, batch, **on)
        seen: list[Any] = []
        for _ in range(6):
            h = h.detach().requires_grad_() if not seen else h
            seen.append(h)
            h = phi(_batch_norm(t, t.bmm(_weights(t, n, width, 1, on), h)))
        gradients = t.autograd.grad((h * t.randn_like(h)).sum(), seen[2:4])
        before, after = (g.square().sum((1, 2)) for g in gradients)
        found[name] = before / after
    return found


def _normed_branch(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Gradients through one linear branch behind a batch norm, on a stream that has passed `branches` of them."""
    width, h = c["width"], t.randn(n, c["width"], c["batch"], **on)

    def branch(stream: Any) -> Any:
        return stream + t.bmm(_weights(t, n, width, 1, on), _batch_norm(t, stream))

    for _ in range(c["branches"]):
        h = branch(h)
    h = h.requires_grad_()
    end = t.randn_like(h)
    (back,) = t.autograd.grad((branch(h) * end).sum(), h)
    return {"ratio": back.square().sum((1, 2)) / end.square().sum((1, 2))}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("bmm(residual)", "residual_stream", _branches),
    experiment("nn.functional.rms_norm(spread)", "spread_stream", _spread),
    experiment("nn.functional.rms_norm(residual)", "normed_stream", _normed),
    experiment("nn.TransformerEncoderLayer(gate)", "zero_gate", _gate),
    experiment("tanh(layer)", "mean_field_layer", _layer),
    experiment("nn.init.calculate_gain(deep)", "mean_field_stack", _deep),
    experiment("bmm(linear, biases)", "settling", _linear),
    experiment("nn.functional.batch_norm(branch)", "batch_norm_branch", _normed_branch),
    experiment("nn.functional.batch_norm(depth)", "batch_norm_gradients", _explosion),
)
