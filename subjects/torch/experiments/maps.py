"""Linear maps of torch on inputs of many kinds: moments of the outputs beyond the second moment of one map."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 16  # independent maps behind one number


def _uniform(t: Any, shape: tuple[int, ...], variance: float, on: dict[str, Any]) -> Any:
    bound = (3 * variance) ** 0.5
    return t.empty(shape, **on).uniform_(-bound, bound)


def _one_output(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """One unit of uniform weights of variance 1 / fan_in, on an input of falling entries and on random signs."""
    fan_in = c["fan_in"]
    w = _uniform(t, (n * _INNER, fan_in), 1 / fan_in, on)
    fixed = falling(t, c, on)
    signs = 2.0 * t.empty(n * _INNER, fan_in, **on).bernoulli_(0.5) - 1
    common = c["correlation"] ** 0.5 * t.randn(n * _INNER, 1, **on)
    alike = (1 - c["correlation"]) ** 0.5 * t.randn(n * _INNER, fan_in, **on) + common
    found = {
        "fourth": (t.mv(w, fixed) / fixed.square().sum().div(fan_in).sqrt()).pow(4),
        "random fourth": (w * signs).sum(1).pow(4),
        "alike": t.mv(alike, fixed).square() * c["variance"],
    }
    return {of: x.reshape(n, _INNER).mean(1) for of, x in found.items()}


def falling(t: Any, c: Case, on: dict[str, Any]) -> Any:
    """The input 1, 1/2, ..., 1/fan_in."""
    return 1 / t.arange(1, c["fan_in"] + 1, device=on["device"]).to(on["dtype"])


def _square(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """One matrix used twice."""
    w = _uniform(t, (n, c["width"], c["width"]), 1 / c["width"], on)
    x = t.randn(n, c["width"], 1, **on)
    y = t.bmm(w, t.bmm(w, x))
    return {"twice": y.square().sum((1, 2)) / x.square().sum((1, 2))}


def _layers(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """torch's own rules on real layers: Glorot, He by fan_out through ReLUs, and Linear's default."""
    init, linear = t.nn.init, t.nn.functional.linear
    narrow, wide = c["fan_in"], c["fan_out"]
    ones = t.ones(narrow, **on)
    # Rows of a weight are independent: outputs of any number of layers are as many as they have rows.
    rows = [init.xavier_uniform_(t.empty(wide, narrow, **on)) for _ in range(-(-n * _INNER // wide))]
    y = linear(ones, t.cat(rows))[: n * _INNER].reshape(n, _INNER)
    first = t.stack([init.kaiming_normal_(t.empty(wide, narrow, **on), mode="fan_out") for _ in range(n)])
    second = t.stack([init.kaiming_normal_(t.empty(wide, wide, **on), mode="fan_out") for _ in range(n)])
    h = t.relu(t.bmm(first, ones.expand(n, narrow)[..., None]))
    h = t.relu(t.bmm(second, h))
    return {"glorot": y.square().mean(1), "product": h.square().mean((1, 2))}


def _default(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """nn.Linear as it starts, once and deep in a stack, with and without ReLUs."""
    width = c["fan_in"]
    x = (3**0.5 * c["q"] ** 0.5) * (2 * t.rand(n, width, **on) - 1)
    many = t.nn.Linear(width, n, **on)
    once = t.addmv(many.bias, many.weight, x[0] / x[0].square().mean().sqrt() * c["q"] ** 0.5)
    halved = t.addmv(many.bias, many.weight, t.relu(_signed(t, c, on)))
    z = c["q"] ** 0.5 * t.randn(n, width, **on)
    normal = (many.weight * t.relu(z)).sum(1) + many.bias
    found = {"linear": once.square(), "relu": halved.square(), "weight": many.weight.square().mean(1)}
    found["relu normal"] = normal.square()
    for name, phi in (("deep linear", None), ("deep relu", t.relu)):
        h = x
        for _ in range(12):
            layer = t.nn.Linear(width, n * width, **on)  # n layers at once: each unit draws from its own fan_in
            w, b = layer.weight.reshape(n, width, width), layer.bias.reshape(n, width, 1)
            pre = t.baddbmm(b, w, h[..., None])[..., 0]
            h = phi(pre) if phi else pre
        found[name] = pre.square().mean(1)
    return {of: x.detach() for of, x in found.items()}


def _signed(t: Any, c: Case, on: dict[str, Any]) -> Any:
    """Pre-activations of second moment q, as many above 0 as below."""
    signs = t.ones(c["fan_in"], **on)
    signs[::2] = -1
    return c["q"] ** 0.5 * signs


def _batch(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """The mean square over outputs and a batch, of fresh inputs and of one fixed batch."""
    fan_in, fan_out, batch = c["fan_in"], c["fan_out"], c["batch"]
    w = t.randn(n, fan_out, fan_in, **on) / fan_in**0.5
    x = t.randn(n, fan_in, batch, **on)
    fixed = fixed_batch(t, c, on).expand(n, fan_in, batch)
    return {"fresh": t.bmm(w, x).square().mean((1, 2)), "fixed": t.bmm(w, fixed).square().mean((1, 2))}


def fixed_batch(t: Any, c: Case, on: dict[str, Any]) -> Any:
    """A batch of inputs of ones, the first of which is twice as large."""
    x = t.ones(c["fan_in"], c["batch"], **on)
    x[:, 0] = 2
    return x


def _lookup(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """An embedding's lookup, and the packed projection of attention against separate ones."""
    table = t.nn.Embedding(n, c["width"], **on)
    rows = table(t.arange(n, device=on["device"]))
    d = c["width"]
    packed = t.nn.init.xavier_uniform_(t.empty(3 * d, d, **on))
    return {"lookup": rows.square().mean(1).detach(), "packed": packed.square().flatten()[:n] * d}


def _readout(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Logits of a model that is wider than its base: output weights of the base's variance, and a multiplier."""
    base, ratio = 16, c["width_ratio"]
    w = t.randn(n, base * ratio, **on) / base**0.5
    return {"square": (w.sum(1) / ratio).square()}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("mv(one output)", "one_output", _one_output),
    experiment("bmm(tied)", "tied", _square),
    experiment("nn.init.kaiming_normal_(fan_out)", "layers", _layers),
    experiment("nn.Linear(default)", "default_linear", _default),
    experiment("bmm(batch)", "batch_of_inputs", _batch),
    experiment("nn.Embedding(lookup)", "lookup", _lookup),
    experiment("Tensor.sum(readout)", "readout", _readout),
)
