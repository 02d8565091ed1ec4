"""Is a model well set up, before its first step? From a model or a function that builds it to a `ModelRecord`.

Fresh models are built and looked at, one pass of each is seen, and every statement that the table of signals knows is
asked. One alpha covers the whole report; VIOLATES is said only of what is wrong by law.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from varlaw.diagnose.folding import folded
from varlaw.diagnose.foresight import Foresight, foresight
from varlaw.diagnose.questions import Asked, findings, open_questions
from varlaw.diagnose.records import ModelRecord, Sight, Tensor
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.table import rows
from varlaw.evidence.budget import Policy
from varlaw.evidence.budget import policy as policy_of
from varlaw.evidence.streams import SALT, Key, check_salt
from varlaw.theory.domain import printable

if TYPE_CHECKING:
    import torch

    from varlaw.diagnose.torch.looking import Seen

_ORDER = ("VIOLATES", "UNDECIDED", "NOTE", "NOT_APPLICABLE", "CONFORMS")
_OPEN = 0.05  # passes go on as long as anything would be found at this alpha
_TIMES = 2  # that passes are judged: when they might stop, and when they are all there


class Examined(NamedTuple):
    """The record of a model, the first of the passes behind it, and what theory foresees of that one."""

    record: ModelRecord
    sight: Sight
    ahead: Foresight | None


def examined(
    build: "Callable[[], torch.nn.Module] | torch.nn.Module",
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    expect: Any = None,
    policy: str = "pr",
    redraws: int = 16,
    device: str | None = None,
    salt: str = SALT,
    name: str | None = None,
    foresee: bool = True,
) -> Examined:
    """What is seen and found of a model; the arguments are those of `varlaw.check_model`.

    Without `foresee` the rows lack what theory foresees of them: findings do not need it.
    """
    from varlaw.diagnose.torch.looking import looked

    rule = policy_of(policy)
    check_salt(salt)
    texts: tuple[tuple[str, object], ...] = (("name", name), ("device", device))
    for what, given in texts:
        if given is not None and not isinstance(given, str) and not (what == "device" and hasattr(given, "type")):
            msg = f"{what}={printable(given)}, but should be text [check_model]"
            raise ValueError(msg)
    named = name or _name_of(build)
    key = Key(salt, f"check_model:{named}")

    def undecided(seen: "Seen") -> bool:
        return open_questions(_asked(seen, replace(rule, alpha=_OPEN), expect, key))

    seen = looked(build, batch, loss, redraws, device, key, undecided)
    asked = _asked(seen, replace(rule, alpha=rule.alpha / _TIMES), expect, key)
    found = folded(findings(asked))
    found.sort(key=lambda f: _ORDER.index(f.outcome))
    sight = seen.sights[0]
    ahead = foresight(sight, asked.graph, seen.seconds) if foresee else None
    record = ModelRecord(
        name=named, policy=rule.name, salt=salt, draws=len(seen.sights), alpha=rule.alpha, delta=rule.delta,
        versions={name: version(name) for name in ("varlaw", "torch", "numpy")}, numbers=seen.numbers, findings=found,
        rows=rows(seen.sights, found, ahead), tensors=[_plain(t) for t in sight.tensors.values()],
        blind=sight.blind, loss=sight.loss, loss_law=asked.loss_law,
    )  # fmt: skip
    return Examined(record, sight, ahead)


def _asked(seen: "Seen", rule: Policy, expect: Any, key: Key) -> Asked:
    assert seen.values is not None
    return Asked(seen.sights, seen.written, seen.values, Graph(seen.sights[0].calls), rule, expect, key)


def _plain(tensor: Tensor) -> Tensor:
    """A tensor as JSON can hold it: no gradient where that is not finite."""
    lost = tensor.gradient is not None and tensor.gradient.nonfinite
    return msgspec.structs.replace(tensor, gradient=None) if lost else tensor


def _name_of(build: Any) -> str:
    name = getattr(build, "__qualname__", None) or type(build).__name__
    return str(name).replace("<lambda>", "model").replace("<locals>.", "")
