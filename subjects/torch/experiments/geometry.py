"""Convolutions and pools of torch on ones: how many taps reach each output, and what torch's own helper says of it."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _fans(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """True fan_out away from the border, by the vector-Jacobian product of ones, and torch's by the shape."""
    length, period = 12 * c["kernel"] * c["stride"], c["stride"]
    found: dict[str, Any] = {}
    for name, kind in (("conv", t.nn.Conv1d), ("transpose", t.nn.ConvTranspose1d)):
        layer = kind(c["channels_in"], c["channels_out"], c["kernel"], c["stride"], groups=c["groups"], **on)
        t.nn.init.ones_(layer.weight)
        x = t.ones(1, c["channels_in"], length, **on, requires_grad=True)
        layer(x).sum().backward()
        middle = slice(length // 2, length // 2 + period)
        found[f"{name} fan_out"] = x.grad[..., middle].mean().reshape(1)
        shaped = t.tensor(t.nn.init._calculate_fan_in_and_fan_out(layer.weight), device=on["device"])
        found |= {f"{name} shape fan_in": shaped[:1], f"{name} shape fan_out": shaped[1:]}
    return {**found, "excess": found["conv shape fan_out"] / found["conv fan_out"].detach()}


def _taps(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Outputs of single-channel layers of ones on ones, position by position."""
    x, w = t.ones(1, 1, c["size"], **on), t.ones(1, 1, c["kernel"], **on)
    f, odd = t.nn.functional, t.ones(1, 1, 2 * c["kernel"] + 1, **on)
    fits = c["size"] + 2 * c["padding"] > c["dilation"] * (c["kernel"] - 1)  # else torch has no output
    padded = f.conv1d(x, w, stride=c["stride"], padding=c["padding"], dilation=c["dilation"]) if fits else None
    raised = f.conv_transpose1d(x, w, stride=c["stride"], padding=c["padding"], dilation=c["dilation"])
    whole = f.conv_transpose1d(x, w, stride=c["stride"], dilation=c["dilation"])
    plain = f.conv_transpose1d(t.ones(1, 1, 8 * c["kernel"], **on), w, stride=c["stride"])[0, 0]
    start = 4 * c["kernel"] * c["stride"]
    inside = plain[start : start + 2 * c["stride"]]
    same = f.conv1d(x, odd, padding="same")
    found = {} if padded is None else {"padded": padded[0, 0], "padded position": t.arange(padded.shape[-1])}
    return found | {
        "raised": raised[0, 0],
        "raised position": t.arange(raised.shape[-1]),
        "inside": inside,
        "inside position": t.arange(start, start + 2 * c["stride"]),
        "mean raised": whole.mean().reshape(1),
        "mean same": same.mean().reshape(1),
    }


def _kept(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A Dirac kernel on channels of ones: the mean square over output channels."""
    w = t.nn.init.dirac_(t.empty(c["channels_out"], c["channels_in"], 3, **on))
    y = t.nn.functional.conv1d(t.ones(1, c["channels_in"], 9, **on), w, padding="same")
    return {"mean square": y.square().mean((1, 2))}


def _pools(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    windows = 16
    x = t.randn(n, 1, windows * c["taps"], **on)
    common = c["correlation"] ** 0.5 * t.randn(n, 1, windows, **on).repeat_interleave(c["taps"], 2)
    alike = common + (1 - c["correlation"]) ** 0.5 * x
    pool = t.nn.functional.avg_pool1d
    return {
        "apart": pool(x, c["taps"]).square().mean((1, 2)),
        "alike": pool(alike, c["taps"]).square().mean((1, 2)),
    }


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.init._calculate_fan_in_and_fan_out(conv)", "conv_fans", _fans),
    experiment("nn.functional.conv1d(taps)", "taps", _taps),
    experiment("nn.init.dirac_(channels)", "dirac_channels", _kept),
    experiment("nn.functional.avg_pool1d(moments)", "average_pool", _pools),
)
