"""What the author meant: a law for each parameter, from globs, rules or the name of a recipe, and its verdict.

Fans are those of the operation that uses a parameter, as the pass saw it, so that no class or layout is guessed.
"""

import dataclasses
import fnmatch
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.documented import resolve
from varlaw.diagnose import orthogonal
from varlaw.diagnose.orthogonal import Orthogonal
from varlaw.diagnose.parameters import Values
from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import Decision, decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.theory.layouts import fans, shape_fans
from varlaw.theory.variates import Constant, Normal, TruncatedNormal, Uniform, UniformRange

Law = Any
Laws = Mapping[str, Law]  # glob of names -> a variate, or a text as "he_normal(fan_in)"


@dataclass(frozen=True)
class Unasked:
    """What is promised of a parameter and cannot be held against it here."""

    why: str


_CHUNK, _CHUNKS = 1024, 16  # entries of one tensor of the decision at most, and tensors at least
_FEWEST = 64

_LAYOUT = {
    "linear": "torch.linear",
    "embedding": "torch.embedding",
    "bilinear": "torch.bilinear",
    **{f"conv{d}d": f"torch.conv{d}d" for d in (1, 2, 3)},
    **{f"conv_transpose{d}d": f"torch.conv_transpose{d}d" for d in (1, 2, 3)},
}
_GATES = {"lstm": 4, "lstm_cell": 4, "gru": 3, "gru_cell": 3}  # maps that one weight holds, one below the other


def fans_of(name: str, shape: tuple[int, ...], sight: Sight, graph: Graph) -> tuple[float, float] | None:
    """(fan_in, fan_out) of a parameter by the operation that uses it; None for vectors and what no operation uses."""
    if len(shape) < 2:
        return None
    for number in graph.users().get(name, []):
        call = sight.calls[number]
        if call.op in ("matmul", "mm", "addmm", "bmm", "baddbmm"):
            return float(shape[-2]), float(shape[-1])
        if layout := _LAYOUT.get(call.op):
            found = fans(layout, shape, groups=_groups(call), stride=_stride(call))
            return found.fan_in, found.fan_out / _packed(name, sight)
        if call.op in _GATES:
            return float(shape[1]), shape[0] / _GATES[call.op]
    found = shape_fans(shape)
    return found.fan_in, found.fan_out


def _packed(name: str, sight: Sight) -> int:
    """How many maps one weight holds, one below the other, where the class of its module says so."""
    return 3 if sight.tensors[name].module == "MultiheadAttention" and name.endswith("in_proj_weight") else 1


def _groups(call: Call) -> int:
    place = "argument_7" if call.op.startswith("conv_transpose") else "argument_6"
    place = "argument_6" if call.op.startswith("conv_transpose") else place
    return int(call.options.get("groups", call.options.get(place, 1)) or 1)


def _stride(call: Call) -> Any:
    return call.options.get("stride", call.options.get("argument_3", 1)) if call.op.startswith("conv") else 1


def laws_of(
    expect: Laws, names: Mapping[str, tuple[int, ...]], sight: Sight, graph: Graph
) -> dict[str, tuple[str, Law]]:
    """The law of each parameter that a glob matches, the first one; `ValueError` for a glob without a match."""
    given = dict(expect)
    unused = [glob for glob in given if not fnmatch.filter(names, glob)]
    if unused:
        msg = f"expect={unused[0]!r} matches no parameter of the model [check_model]"
        raise ValueError(msg)
    found = {}
    for name, shape in names.items():
        glob = next((g for g in given if fnmatch.fnmatchcase(name, g)), None)
        if glob is not None:
            found[name] = _law(given[glob], name, shape, sight, graph)
    return found


_CONSTANTS = {"zeros": "Constant(0.0)", "ones": "Constant(1.0)"}


def _law(given: Any, name: str, shape: tuple[int, ...], sight: Sight, graph: Graph) -> tuple[str, Law]:
    if isinstance(given, (Unasked, Orthogonal)) or hasattr(given, "variance"):
        return _brief(given), given
    if not isinstance(given, str):
        msg = f"expect={given!r} for {name} is no law; write 'he_normal(fan_in)' or varlaw.Normal(0.02) [check_model]"
        raise TypeError(msg)
    gain = orthogonal.named(given)
    try:
        if gain is not None:
            return given, Orthogonal(resolve(f"Constant({gain})", {}, None).value)
        return given, resolve(_CONSTANTS.get(given, given), {}, fans_of(name, shape, sight, graph), _of_shape(shape))
    except Exception as error:  # whatever the text says that no law is
        hint = "write 'he_normal(fan_in)', 'orthogonal', 'zeros' or varlaw.Normal(0.02)"
        msg = f"expect={given!r} for {name} is no law: {error}; {hint} [check_model]"
        raise ValueError(msg) from error


def _brief(law: Any) -> str:
    """A law object as its author would write it: four digits, and no mean of 0."""
    if not dataclasses.is_dataclass(law):
        return repr(law)
    fields = [(f.name, getattr(law, f.name)) for f in dataclasses.fields(law) if f.init]
    shown = [f"{v:.4g}" if isinstance(v, float) else repr(v) for name, v in fields if (name, v) != ("mean", 0.0)]
    return f"{type(law).__name__}({', '.join(shown)})"


def _of_shape(shape: tuple[int, ...]) -> tuple[float, float] | None:
    if len(shape) < 2:
        return None
    found = shape_fans(shape)
    return found.fan_in, found.fan_out


def judged(
    laws: Mapping[str, tuple[str, Law]],
    values: Values,
    dtypes: Mapping[str, str],
    policy: Policy,
    key: Key,
    defaults: frozenset[str],
) -> Iterator[Finding]:
    """Every parameter against its law; one that kept the default of its layer is `init.unset`."""
    rule = replace(policy, alpha=policy.alpha / max(1, len(laws)), min_tensors=1, min_scalars=0)
    for name, (text, law) in laws.items():
        draws = [values.first[name], *(d[name] for d in values.draws if name in d)]
        word = "init.unset" if name in defaults else "init.law"
        one = _one(name, text, law, draws, dtypes[name], rule, key, word)
        if one is not None:
            yield one


def _one(
    name: str, text: str, law: Law, draws: Sequence[NDArray[Any]], dtype: str, policy: Policy, key: Key, word: str
) -> Finding | None:
    if isinstance(law, Constant):
        expected = FORMATS[dtype].round(law.value)
        bad = sum(int((x != expected).sum()) for x in draws)
        if not bad:
            return None
        rms = math.sqrt(float(np.mean([np.mean(np.square(x.astype(np.float64))) for x in draws])))
        says = f"{bad} of {sum(x.size for x in draws)} entries are not {law.value:g}"
        return finding(word, "VIOLATES", says, name, law=text, expected=law.value, observed=rms)
    if isinstance(law, Orthogonal):
        return orthogonal.judged(name, text, law, draws, dtype, word)
    if isinstance(law, Unasked):
        return finding(word, "NOT_APPLICABLE", law.why, name, law=text)
    if not isinstance(law, (Normal, Uniform, UniformRange, TruncatedNormal)):
        return finding(word, "NOT_APPLICABLE", f"no test for {text} on one tensor", name, law=text)
    flat = np.concatenate([np.ravel(x).astype(np.float64) for x in draws])
    if not np.ptp(flat):
        return finding(
            word,
            "VIOLATES",
            f"all entries are {flat[0]:g}",
            name,
            law=text,
            expected=law.std,
            observed=abs(float(flat[0])),
            ratio=abs(float(flat[0])) / law.std,
        )
    if flat.size < _FEWEST:
        says = f"{flat.size} numbers are too few to decide on {text}"
        return finding(word, "UNDECIDED", says, name, law=text, samples=flat.size)
    walk = _Walk(flat - law.mean)
    rule = replace(policy, max_tensors=len(walk.chunks))
    decision = decide(_centred(law), walk, rule, key, dtype="float64", mutants=_mutants(law), shape=False)
    return _told(name, text, law, decision, policy, word)


def _centred(law: Law) -> Law:
    if isinstance(law, UniformRange):
        return Uniform.with_std(law.std)
    return Normal(law.std) if isinstance(law, Normal) and law.mean else law


def _mutants(law: Law) -> dict[str, Law]:
    """Factors that people get wrong."""
    factors = {
        "sqrt(2) missing": 2**-0.5,
        "sqrt(2) twice": 2**0.5,
        "variance given as std": law.std,
        "torch's default third": 3**-0.5,
    }
    return {words: law.scaled(f) for words, f in factors.items() if f != 1}


def _told(name: str, text: str, law: Law, d: Decision, policy: Policy, word: str) -> Finding | None:
    std = math.sqrt(d.state.squares / d.state.n) if d.state.n else d.ratio
    numbers: dict[str, Any] = {
        "law": text, "expected": law.std, "observed": law.std * std, "ratio": std, "samples": d.state.n,
        "interval": tuple(x if math.isfinite(x) else None for x in d.interval),
        "alpha": policy.alpha, "beta": policy.beta,
    }  # fmt: skip
    if d.outcome == "VIOLATES":
        why = f"; most likely {d.likely}" if d.likely else f"; {d.detail}" if d.detail else ""
        return finding(word, "VIOLATES", f"std x{std:.4g} of {text} = {law.std:.4g}{why}", name, **numbers)
    if d.outcome == "UNDECIDED" and (d.certified is None or d.certified > 0.5):
        return finding(word, "UNDECIDED", f"too few draws to decide: {d.state.n} numbers", name, **numbers)
    return None


class _Walk:
    """Entries in chunks, as a source of tensors: a new seed takes the next ones, a known seed the same again."""

    def __init__(self, flat: NDArray[np.float64]) -> None:
        size = min(_CHUNK, max(1, flat.size // _CHUNKS))
        self.chunks = [flat[i : i + size] for i in range(0, flat.size, size)]
        self._starts: dict[int, int] = {}
        self._next = 0

    def __call__(self, seed: int, count: int) -> Iterable[NDArray[np.float64]]:
        start = self._starts.setdefault(seed, self._next)
        self._next = max(self._next, start + count)
        return (self.chunks[i % len(self.chunks)] for i in range(start, start + count))


Recipe = Callable[[Sight, Graph], dict[str, Law]]
