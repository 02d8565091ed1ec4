"""What is no value of a parameter: where a norm belongs and which, idle biases, the limit of clipping, the rate.

A step stands only where a law gives its number, and with the number.
"""

import math

from varlaw.diagnose.advising import activations, norms, precision
from varlaw.diagnose.advising.looking import Look
from varlaw.diagnose.advising.records import Step
from varlaw.diagnose.records import ModelRecord, Sight


def steps_of(look: Look, before: ModelRecord, after: ModelRecord) -> list[Step]:
    """The steps for a model, in the order rate, norm, clip, layer."""
    steps = [*_rate(look.sight)]
    signals = {f.signal for f in after.findings if f.outcome == "VIOLATES"}
    if signals & norms.CURED:
        steps += [*norms.steps(look), *activations.steps(look)]
    steps += _biases(before)
    steps += precision.steps(precision.places(look, before.findings))
    steps += _clip(after)
    return steps


def lasting(sight: Sight, sound: ModelRecord) -> list[Step]:
    """The steps for a model with which nothing is wrong."""
    return [*_rate(sight), *_biases(sound), *_clip(sound)]


def _rate(sight: Sight) -> list[Step]:
    """Adam moves every weight by about its rate: what the output feels grows with fan_in."""
    fans = sorted({s.shape[-1] for s in sight.tensors.values() if not s.buffer and len(s.shape) == 2})
    if not fans:
        return []
    says = (
        f"with Adam the rate of a hidden map goes like 1/fan_in (here {fans[0]} to {fans[-1]}): twice the width, half "
        "the rate"
    )
    return [Step(stage="rate", says=says, source="mup.hidden_learning_rate")]


def _biases(before: ModelRecord) -> list[Step]:
    says = "a norm takes this bias off again: bias=False"
    cancelled = [f for f in before.findings if f.signal == "norm.bias"]
    return [Step(stage="layer", where=f.where, says=says, source="batch_norm.bias_gradient") for f in cancelled]


def _clip(after: ModelRecord) -> list[Step]:
    """Twice the norm of a sound start leaves ordinary steps alone."""
    gradients = [t.gradient for t in after.tensors if t.gradient is not None]
    if not gradients or after.loss is None or any(g.nonfinite for g in gradients):
        return []
    norm = math.sqrt(sum(g.second * g.count for g in gradients))
    if not norm > 0:
        return []
    limit = f"{2 * norm:.2g}"
    says = f"the gradient's norm is {norm:.3g} at the start: clip at {limit}, which ordinary steps do not reach"
    code = f"torch.nn.utils.clip_grad_norm_(model.parameters(), {limit})"
    return [Step(stage="clip", says=says, source="clip.probability", code=code)]
