"""A coordinate check: how every layer's output grows with the width of a model, at the start and by training steps.

Each draw builds the model at every width and fits one slope of ln rms against ln width to each layer; draws are
independent, and Student's t over them gives an interval of the mean slope (it takes the slopes of draws as normal). The
slope is held against the law of the parametrisation to within `DELTA`: laws are of infinite width.

* "mup" (Yang et al. 2022, arXiv:2203.03466): hidden layers 0, the output -1/2 at the start or zero weights, and what a
  step changes 0 everywhere;
* "standard" (variance 1/fan_in): 0 everywhere at the start; of steps it has no law.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varlaw.diagnose.records import Slope, Widths
from varlaw.evidence.streams import SALT, Key, check_salt
from varlaw.theory.domain import printable

ALPHA = 1e-3  # of any false VIOLATES in the report
DELTA = 0.1  # of a slope: corrections of finite width
LAWS: dict[str, dict[tuple[str, str], float]] = {
    "mup": {
        ("start", "input"): 0.0, ("start", "hidden"): 0.0, ("start", "output"): -0.5,
        ("step", "input"): 0.0, ("step", "hidden"): 0.0, ("step", "output"): 0.0,
    },
    "standard": {("start", "input"): 0.0, ("start", "hidden"): 0.0, ("start", "output"): 0.0},
}  # fmt: skip


def slopes(
    build: Callable[[int], Any],
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    widths: Sequence[int],
    law: str = "mup",
    optimizer: Callable[[Any], Any] | None = None,
    steps: int = 1,
    redraws: int = 16,
    salt: str = SALT,
    name: str = "model",
) -> Widths:
    """What is seen and found; the arguments are those of `varlaw.check_widths`."""
    _refuse(widths, law, optimizer, loss, steps, redraws)
    check_salt(salt)
    from varlaw.diagnose.torch.coordinates import draw

    key, wide = Key(salt, f"check_widths:{name}"), sorted(widths)

    def drawn(block: int, place: int) -> Any:
        seed = key.at(block=block * len(wide) + place).seed
        return draw(build, wide[place], batch, loss, optimizer, steps, seed)

    draws = [[drawn(block, place) for place in range(len(wide))] for block in range(redraws)]
    names = [n for n in draws[0][0].layers if all(n in d.layers for one in draws for d in one)]
    asked = [(n, when) for n in names for when in ("start", "step")[: 1 + (optimizer is not None)]]
    found = [_slope(n, when, draws, wide, law, ALPHA / len(asked)) for n, when in asked]
    return Widths(name=name, law=law, widths=wide, draws=redraws, steps=steps if optimizer else 0, salt=salt,
                  alpha=ALPHA, delta=DELTA, slopes=found)  # fmt: skip


def _refuse(widths: Any, law: Any, optimizer: Any, loss: Any, steps: Any, redraws: Any) -> None:
    given = list(widths) if isinstance(widths, Sequence) and not isinstance(widths, str) else []
    whole = [w for w in given if isinstance(w, int) and not isinstance(w, bool) and w > 0]
    if len(set(whole)) < 3 or len(whole) != len(given):
        msg = f"widths={printable(widths)}, but should be three or more different whole numbers > 0 [check_widths]"
        raise ValueError(msg)
    if not isinstance(law, str) or law not in LAWS:
        msg = f"law={printable(law)}, but should be one of {', '.join(LAWS)} [check_widths]"
        raise ValueError(msg)
    for value, least, what in ((redraws, 3, "redraws"), (steps, 1, "steps")):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            msg = f"{what}={printable(value)}, but should be a whole number >= {least} [check_widths]"
            raise ValueError(msg)
    if optimizer is not None and loss is None:
        msg = "loss is missing, but steps of an optimizer need one [check_widths]"
        raise ValueError(msg)


def _slope(name: str, when: str, draws: Any, widths: Sequence[int], law: str, alpha: float) -> Slope:
    """The mean slope of one layer over draws, its interval, and what it says of the law."""
    layers = [[d.layers[name] for d in one] for one in draws]
    sizes = np.array([[getattr(layer, when) for layer in one] for one in layers])
    role = role_of([layer.shape for layer in layers[0]], embedding=layers[0][0].embedding)
    expected = LAWS[law].get((when, role))
    shown = [float(np.sqrt(np.mean(sizes[:, i] ** 2))) for i in range(len(widths))]
    if not np.all((sizes > 0) & np.isfinite(sizes)):
        says = "zero at the start" if not sizes.any() else "zero or not finite in some draws"
        return Slope(name=name, when=when, role=role, rms=shown, expected=expected, outcome="NOT_APPLICABLE", says=says)
    x = np.log(widths) - np.mean(np.log(widths))
    each = np.log(sizes) @ x / (x @ x)
    mean, away = float(each.mean()), _away(each, alpha)
    outcome = "NOTE" if expected is None else _outcome(mean - expected, away)
    return Slope(
        name=name, when=when, role=role, rms=shown, slope=mean, low=mean - away, high=mean + away, expected=expected,
        outcome=outcome,
    )  # fmt: skip


def _away(slopes: Any, alpha: float) -> float:
    """Half the width of Student's interval of the mean."""
    from scipy.special import stdtrit

    n = len(slopes)
    return float(stdtrit(n - 1, 1 - alpha / 2) * np.std(slopes, ddof=1) / math.sqrt(n))


def _outcome(off: float, away: float) -> str:
    if abs(off) - away > DELTA:
        return "VIOLATES"
    return "CONFORMS" if abs(off) + away < DELTA else "UNDECIDED"


def role_of(shapes: Sequence[Sequence[int]], *, embedding: bool = False) -> str:
    """The role of a layer by which axes of its weight grow with the width: (out, in), or (in, out) of an embedding.

    >>> role_of([(64, 10), (128, 10)]), role_of([(64, 64), (128, 128)]), role_of([(10, 64), (10, 128)])
    ('input', 'hidden', 'output')
    """
    first, last = ((*s[:2], 1) for s in (shapes[0], shapes[-1]))
    out, into = (1, 0) if embedding else (0, 1)
    grows_out, grows_in = first[out] != last[out], first[into] != last[into]
    if grows_in:
        return "hidden" if grows_out else "output"
    return "input"
