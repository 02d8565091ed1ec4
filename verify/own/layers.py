"""`check_layer`: a user's whole layer, each of its parameters against a law of its own, and those without one named."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Outcome, Verdict
from varlaw.claims.weights import initialisation
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.state import float64
from varlaw.evidence.streams import SALT, Key, canonical
from varlaw.subjects.builders.instances import is_keras, is_torch
from varlaw.subjects.builders.layers import layer
from varlaw.subjects.builders.parts import matches
from varlaw.subjects.subject import Array, Case, Draws, Sampler, Tensor
from varlaw.theory.domain import printable
from varlaw.verify.check import address, policy_for
from varlaw.verify.decision import judged
from varlaw.verify.own.asking import one_of, told
from varlaw.verify.own.verdicts import Verdicts, asserting

_ASKED_OF_MANY = ("init.pooled",)  # claims on several cases, where a check has one
_OF_MANY_DRAWS = ("structure.uncorrelated", "init.haar")  # claims that one draw says nothing of
_KEPT = 1 << 26  # numbers of instances that are kept for the next claim
_FEWEST, _PIECES = 16, 512  # numbers in a piece of a tensor of which there is one draw; pieces, about
_NAMED = 5


def check_layer(
    layer_or_factory: Any,
    laws: Mapping[str, Any] | str,
    *,
    inputs: Any = None,
    apply: Any = None,
    forward: float | Mapping[str, float] | None = None,
    backward: float | Mapping[str, float] | None = None,
    unpromised: Any = (),
    dtype: str = "float32",
    delta: float = 0.05,
    alpha: float = 1e-12,
    beta: float = 1e-6,
    salt: str = SALT,
    name: str | None = None,
) -> Verdicts:
    """Decide whether each parameter of a layer follows its law, and which were forgotten.

    layer_or_factory: a function without arguments that returns a fresh layer, seeds are set for it (a torch module, a
        Keras, flax or haiku layer, a mapping or object that holds arrays), or one layer, of whose one draw all is said.
    laws: parameter -> law, `varlaw.Normal(0.02)` or a text such as "he_normal(fan_in)", over the fans that the layer
        counts itself; names may be globs, "qkv.weight[0/3]" is the first third of a packed matrix, "qkv.weight[:64]"
        its first 64 rows. A parameter without a law violates.
    inputs: the shape that the layer takes; needed where it runs on no input of the shape that its weight suggests.
    apply: `apply(arrays, x)` computes a layer that is nothing but arrays, so that it counts its fans.
    forward, backward: what the layer multiplies the mean square of its inputs (of gradients) by, of all weights or by
        name: 1 keeps it, 2 before a ReLU. Decided as Var w times the fan that is counted, which is exact.
    unpromised: globs of parameters that promise nothing, whatever glob of `laws` names them too.
    dtype: the format of the parameters.
    delta, alpha, beta: error of a std to find, risk of a false alarm and of a miss, as of `check`.
    salt, name: the address of the evidence; name is the layer's own unless given.

    >>> import numpy as np
    >>> def make(rng): return {"weight": rng.normal(0, 0.02, (64, 48)), "bias": np.zeros(64)}
    >>> check_layer(make, {"weight": "Normal(0.02)", "bias": "Constant(0)"}, dtype="float64").ok
    True
    >>> check_layer(make, {"weight": "Normal(0.02)"}, dtype="float64").cause
    'structure.complete: without a law: bias'
    """
    one_of(dtype, FORMATS, "dtype", "check_layer")
    if apply is not None and not callable(apply):
        msg = f"apply={printable(apply)}, but should be a function of (arrays, x) [check_layer]"
        raise TypeError(msg)
    policy = policy_for(delta, alpha, beta, None)
    build, whole = _factory(layer_or_factory)
    shown = address(layer_or_factory, salt, _name(layer_or_factory) if name is None else name)
    row = _row(shown, build, laws, inputs, apply, dtype)
    left_out = (unpromised,) if isinstance(unpromised, str) else tuple(unpromised)
    asked = [t for t in row.tensors if not any(matches(t.name, glob) for glob in left_out)]
    row = replace(row, tensors=tuple(_passed(row, t, forward, backward) for t in asked))
    row = replace(row, draws=_without(row.draws, left_out, row) if whole is None else _once(row.draws, left_out, row))
    verdicts = tuple(_asked(row, shown, dtype, salt, policy, once=whole is not None))
    result = Verdicts(shown, "layer", verdicts, unpromised=left_out)
    return replace(result, cause=_cause(result))


def _factory(given: Any) -> tuple[Callable[..., Any], Any]:
    """What makes the layer, and the one layer that it gives if that is all there is."""
    if is_torch(given) or is_keras(given) or not callable(given):
        return (lambda: given), given
    return given, None


def _name(given: Any) -> str:
    return str(getattr(given, "__qualname__", type(given).__name__))


def _row(name: str, build: Callable[..., Any], laws: Any, inputs: Any, apply: Any, dtype: str) -> Sampler:
    """The row; `SamplerError` in one line where the factory raises or returns nothing with tensors."""
    try:
        row = layer(name, build, laws, inputs=inputs, apply=apply, dtypes=(dtype,))
        (first,) = row.draws({}, dtype, "cpu", 0, 1)
    except (Exception, SystemExit) as error:  # whatever a user's factory raises is said in its name
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        msg = f"{name} makes no layer: {text}"
        raise SamplerError(msg) from error
    kinds = {str(x.dtype).removeprefix("torch.") for x in first.values()} & set(FORMATS)
    if kinds and dtype not in kinds:
        msg = f"{name} holds {', '.join(sorted(kinds))}, but is asked in {dtype}: give dtype={sorted(kinds)[0]!r}"
        raise SamplerError(msg)
    return row


def _passed(row: Sampler, tensor: Tensor, forward: Any, backward: Any) -> Tensor:
    """The tensor with the claims on what it does to second moments, forward and backward."""
    more = dict(tensor.claims)
    for way, wanted, fan in (("forward", forward, "fan_in"), ("backward", backward, "fan_out")):
        factor = _of(wanted, tensor)
        if factor is not None:
            more[f"{way}.second_moment"] = f"scaled({tensor.documented}, sqrt({factor!r}/{fan}))"
    return replace(tensor, claims=more)


def _of(wanted: Any, tensor: Tensor) -> float | None:
    """What is wanted of one tensor: by its name, or of every one that has fans."""
    if isinstance(wanted, Mapping):
        return next((f for glob, f in wanted.items() if matches(tensor.name, glob)), None)
    return wanted if wanted is not None and _measured(tensor) else None


def _measured(tensor: Tensor) -> bool:
    try:
        return tensor.measure is not None and tensor.measure({}) is not None
    except LookupError:
        return False


def _cause(found: Verdicts) -> str:
    """What is wrong in a line: each fault with its numbers."""
    said: dict[str, str] = {}
    for v in found.faults:
        where = v.subject.removeprefix(f"{found.subject}.")
        words = v.detail if v.claim.startswith("structure.") or v.outcome is not Outcome.VIOLATES else _numbers(v)
        said.setdefault(where if v.claim.startswith("init.") else f"{where}, {v.claim}", words)
    texts = [f"{where.removeprefix(f'{found.subject}, ')}: {words}" for where, words in said.items()]
    return "; ".join(texts[:_NAMED]) + (f"; and {len(texts) - _NAMED} more" if len(texts) > _NAMED else "")


def _numbers(v: Verdict) -> str:
    ratio = "" if v.ratio is None else f"{v.quantity} x{v.ratio:.4g} of "
    seen = f"it is {v.observed:.4g}" if v.ratio is None and v.observed is not None else ""
    return ", ".join(filter(None, [f"{ratio}{v.statement}", v.likely or v.detail or seen]))


# -- asking ------------------------------------------------------------------------------------------------------------


def _asked(row: Sampler, name: str, dtype: str, salt: str, policy: Policy, *, once: bool) -> Iterator[Verdict]:
    """The verdict of each claim; all claims look at the same instances, so each is built once."""
    key = Key(salt, f"check_layer:{name}", canonical({"dtype": dtype}))
    claims = [c for c in claims_of(row) if c.name not in _ASKED_OF_MANY and c.target == name]
    for tensor in row.tensors:
        whole = replace(row, tensors=(tensor,))
        mine, rule = _pieces(whole, tensor, dtype, policy) if once else (whole, policy)
        for claim in initialisation.claims(mine):
            if not once or claim.name not in _OF_MANY_DRAWS:
                yield _verdict(claim, Trial({}, dtype, "cpu", rule, key))
    for claim in claims:
        if not once or claim.name not in _OF_MANY_DRAWS:
            yield _verdict(claim, Trial({}, dtype, "cpu", policy, key))


def _verdict(claim: Claim, trial: Trial) -> Verdict:
    if trial.policy.max_tensors == 0:
        finding = Finding(outcome=Outcome.UNDECIDED, quantity="std", detail="one draw of it is too few numbers")
        return told(claim, claim.target, trial, finding)
    finding = judged(claim, trial)
    if finding.outcome is Outcome.VIOLATES and finding.explained:
        finding = finding.explained(finding)
    return told(claim, claim.target, trial, finding)


def _without(draws: Draws, globs: tuple[str, ...], row: Sampler) -> Draws:
    """Instances without what promises nothing, kept while there is room."""
    kept: dict[tuple[int, int], Mapping[str, Array]] = {}
    numbers = [0]

    def again(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        fresh: Iterator[Mapping[str, Array]] | None = None
        for i in range(count):
            if (seed, i) not in kept:
                if fresh is None:
                    fresh = _from(draws(case, dtype, device, seed, count), i)
                found = _cut(next(fresh), globs, row)
                numbers[0] += sum(math.prod(x.shape) for x in found.values())
                if numbers[0] > _KEPT:
                    yield found
                    continue
                kept[seed, i] = found
            elif fresh is not None:
                next(fresh)
            yield kept[seed, i]

    return again


def _from(instances: Iterator[Mapping[str, Array]], start: int) -> Iterator[Mapping[str, Array]]:
    for _ in range(start):
        next(instances)
    return instances


def _cut(instance: Mapping[str, Array], globs: tuple[str, ...], row: Sampler) -> Mapping[str, Array]:
    mine = {t.name for t in row.tensors}
    return {n: x for n, x in instance.items() if n in mine or not any(matches(n, g) for g in globs)}


# -- one draw ----------------------------------------------------------------------------------------------------------


def _once(draws: Draws, globs: tuple[str, ...], row: Sampler) -> Draws:
    """The one instance that there is."""

    def same(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        yield from (_cut(x, globs, row) for x in draws(case, dtype, device, seed, 1))

    return same


@dataclass
class _Pieces:
    """One tensor in pieces, each handed out under one address: entries that are independent are so in pieces, too."""

    pieces: list[Any]
    given: dict[tuple[int, int], int] = field(default_factory=dict)

    def draws(self, tensor: str) -> Draws:
        def draw(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
            for i in range(count):
                place = self.given.setdefault((seed, i), len(self.given) % len(self.pieces))
                yield {tensor: self.pieces[place]}

        return draw


def _pieces(row: Sampler, tensor: Tensor, dtype: str, policy: Policy) -> tuple[Sampler, Policy]:
    """The tensor's entries as many small tensors, and a decision that ends with them; what is exact is taken whole."""
    (instance,) = row.draws({}, dtype, "cpu", 0, 1)
    if tensor.documented.startswith(("Constant", "Identity", "Dirac", "Orthogonal")) or tensor.name not in instance:
        return row, replace(policy, min_tensors=1)
    x = np.ravel(float64(instance[tensor.name]))
    size = max(_FEWEST, x.size // _PIECES)
    cut = [x[i : i + size] for i in range(0, x.size - size + 1, size)]
    if len(cut) < 8:
        return row, replace(policy, max_tensors=0)
    rule = replace(policy, max_samples=size * (len(cut) - 2), min_scalars=0)
    return replace(row, draws=_Pieces(cut).draws(tensor.name)), rule


assert_layer = asserting(check_layer)
