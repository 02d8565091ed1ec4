"""From symptom to remedy: what may cause it, in the order in which to look, and what to try, in the order of trying.

One table for `watch`, `advise`, the reports and the documentation. A cause names the signals that show it; where one of
them was found, that cause moves to the front. A remedy's key is what `advise` tries it by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from varlaw.diagnose.records import Diagnosis, Finding

# Key -> what to try. Rate, initialisation, norm and clipping come before the single layer.
REMEDIES = {
    "exact": "look at the exact findings first: there is nothing to tune before they are gone",
    "replay": "run the step again: the operation that made the first NaN or inf is named",
    "init": "initialise by law",
    "residual": "scale residual branches by 1/sqrt(2 L)",
    "norm": "put a norm there",
    "skip": "add residual connections",
    "forget": "let forget gates keep: a bias of ln(steps - 1)",
    "orthogonal": "an orthogonal recurrence",
    "activation": "take another activation: leaky, or one that does not saturate",
    "rate/2": "rate / 2",
    "rate/10": "rate / 10",
    "rate*3": "rate x 3",
    "warmup": "warm the rate up",
    "batch": "take a larger batch",
    "other_batch": "run it with another batch: is it the data?",
    "clip": "clip by global norm",
    "clip.raise": "raise the limit of clipping, then lower the rate by as much",
    "adam": "lower beta2, raise eps of Adam",
    "eps": "raise the eps of the norm, or normalise queries and keys",
    "qk_norm": "normalise queries and keys of attention",
    "drop_step": "leave out steps whose norm is far beyond all before",
    "float32": "run that layer in float32",
    "decay": "leave norms and biases out of weight decay",
    "loading": "fix what is loaded, detached or left out of the optimiser",
}


@dataclass(frozen=True)
class Cause:
    """What may be behind a symptom, and the signals that show it."""

    says: str
    shown_by: tuple[str, ...] = ()
    place: str = ""  # where the symptom's own signals show it


@dataclass(frozen=True)
class Symptom:
    """One row: the signals by which it is seen, what to look at, causes and remedies (keys of `REMEDIES`) in order."""

    name: str
    says: str
    signals: tuple[str, ...]
    look: str
    causes: tuple[Cause, ...]
    remedies: tuple[str, ...]
    law: str = ""  # where it stands, the symptom is what these signals say of this law, and no other row's


_VANISHING = ("gradient.shrinks", "signal.shrinks", "signal.collapse")

SYMPTOMS = (
    Symptom(
        "nan", "the loss is NaN or inf", ("loss.nan", "number.range"),
        "the first operation that made it, forward or backward; its largest value against the limit of its dtype",
        (
            Cause("overflow in attention, exp or a norm", ("number.range", "unit.saturated", "norm.eps")),
            Cause(
                "rate too large",
                ("update.large", "update.spike", "weight.grows", "loss.grows", "loss.oscillates", "gradient.grows"),
            ),
            Cause("a bad batch", ("gradient.spike", "loss.spike", "batch.size"), place="batch"),
            Cause("norms in eval()", ("mode.eval",)),
            Cause("initialisation", ("init.law", "init.uninitialised", "signal.grows", "signal.residual")),
        ),
        ("replay", "rate/10", "init", "eps", "clip", "float32"),
    ),
    Symptom(
        "oscillates", "the loss oscillates", ("loss.oscillates",),
        "the signs of the differences of the loss, and the update against the weight",
        (
            Cause("rate too large", ("update.large", "loss.grows", "gradient.grows")),
            Cause("noisy batches", ("gradient.spike", "loss.spike")),
            Cause("momentum"),
        ),
        ("rate/2", "warmup", "batch", "norm", "clip"),
    ),
    Symptom(
        "stuck", "the loss is slow from the start", ("loss.stuck", "update.small"),
        "update against weight, updates that are lost, the share of clipped steps, and whether the loss is ln C",
        (
            Cause("rate too small", ("update.small", "update.lost")),
            Cause("clipping binds", ("clip.always",)),
            Cause("an eps beyond the second moments of Adam", ("optimizer.eps",)),
            Cause("zero or symmetric weights", ("init.symmetric", "gradient.zero", "init.uninitialised")),
            Cause(
                "a frozen or stale optimiser",
                ("optimizer.stale", "structure.doubled", "gradient.none", "gradient.kept", "weight.still"),
            ),
            Cause("gradients vanish on the way", (*_VANISHING, "unit.dead", "unit.saturated")),
        ),
        ("exact", "init", "norm", "rate*3", "clip.raise"),
    ),
    Symptom(
        "vanishing", "the gradient of the early layers is near 0", ("gradient.shrinks",),
        "the gain of each layer backwards against its law, saturated units, factors that are zero on purpose",
        (
            Cause("a backward gain below 1", ("signal.shrinks", "init.law", "init.peers")),
            Cause("saturated or dead units", ("unit.saturated", "unit.dead")),
            Cause("the wrong fan", ("init.law",)),
        ),
        ("init", "norm", "skip", "activation"),
    ),
    Symptom(
        "time", "the gradient vanishes or grows through the steps of a recurrence",
        ("gradient.shrinks", "gradient.grows"),
        "the gradient at the first step over that at the last, beside another start of the same layer",
        (
            Cause("forget gates at 0 or below"),
            Cause("recurrent weights far from orthogonal", ("init.law", "init.peers")),
            Cause("saturated gates", ("unit.saturated",)),
        ),
        ("forget", "orthogonal", "init", "clip"), law="recurrent.time_constant",
    ),
    Symptom(
        "spikes", "the norm of the gradient spikes now and then",
        ("gradient.spike", "loss.spike", "gradient.spikes", "loss.spikes", "update.spike"),
        "whether the update's norm or the gradient's is first, the batch, the layer",
        (
            Cause("Adam's beta2 and eps", ("update.spike", "update.large")),
            Cause("a bad batch", ("loss.spike",)),
            Cause("attention logits", ("unit.saturated",)),
        ),
        ("other_batch", "adam", "clip", "qk_norm", "drop_step"),
    ),
    Symptom(
        "grows", "activations or gradients grow", ("signal.grows", "signal.residual", "gradient.grows", "loss.grows"),
        "the gain of each layer against the law of residual streams",
        (
            Cause("rate too large", ("update.large", "loss.oscillates", "weight.grows")),
            Cause("the residual scale is missing", ("signal.residual",)),
            Cause("initialised too large", ("init.law", "init.peers", "loss.start")),
            Cause("a norm is missing"),
            Cause("other data, or eval() in the middle", ("batch.size", "mode.eval")),
        ),
        ("rate/2", "residual", "init", "norm", "clip"),
    ),
    Symptom(
        "collapse", "activations collapse", ("signal.shrinks", "signal.collapse", "unit.dead", "weight.shrinks"),
        "the second moment by layer, and the correlation of different inputs",
        (
            Cause("dead units", ("unit.dead",)),
            Cause("weight decay", ("weight.shrinks",)),
            Cause("the ordered phase: weights too small", ("init.law", "signal.shrinks")),
            Cause("a gain of a norm at 0", ("gradient.zero",)),
        ),
        ("init", "norm", "activation", "decay"),
    ),
    Symptom(
        "decayed", "gains of norms fall", ("weight.shrinks",),
        "rate times decay, summed over the steps", (Cause("weight decay on norms"),), ("decay",),
        law="decay.decoupled",
    ),
    Symptom(
        "nothing", "the gradient is 0 and the loss does not move",
        ("gradient.zero", "gradient.none", "weight.still", "optimizer.stale", "structure.doubled"),
        "weights that are zero or empty, an optimiser that holds other tensors, a graph that is cut",
        (
            Cause("an optimiser that holds other tensors than the model", ("optimizer.stale", "structure.doubled")),
            Cause("empty, zero or meta weights", ("init.uninitialised", "init.symmetric")),
            Cause("a detached graph", ("gradient.none",)),
            Cause("dead units", ("unit.dead",)),
            Cause("a gradient that vanishes on the way", _VANISHING),
        ),
        ("loading", "init"),
    ),
)  # fmt: skip

BY_NAME = {symptom.name: symptom for symptom in SYMPTOMS}
BY_LAW = {symptom.law: symptom for symptom in SYMPTOMS if symptom.law}


def texts(symptom: Symptom) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Its causes and its remedies in words, in order."""
    return tuple(cause.says for cause in symptom.causes), tuple(REMEDIES[key] for key in symptom.remedies)


def diagnoses(findings: Sequence[Finding]) -> list[Diagnosis]:
    """The symptoms that were found, in the order of the table; causes that other findings show come first."""
    wrong = [f for f in findings if f.outcome == "VIOLATES"]
    seen = {f.signal for f in wrong}
    of = {symptom.name: [f for f in wrong if _shows(f, symptom)] for symptom in SYMPTOMS}
    return [_diagnosis(symptom, seen, of[symptom.name]) for symptom in SYMPTOMS if of[symptom.name]]


def _shows(one: Finding, symptom: Symptom) -> bool:
    """Whether a finding is this symptom: by its word, and where a row is about its law, of that row."""
    own = BY_LAW.get(one.law)
    return one.signal in symptom.signals and (symptom is own if own and one.signal in own.signals else not symptom.law)


def _diagnosis(symptom: Symptom, seen: set[str], own: Sequence[Finding]) -> Diagnosis:
    placed = {(f.signal, place) for f in own for place in f.where}
    behind = {
        cause: [s for s in cause.shown_by if s in seen] + [s for s, place in sorted(placed) if place == cause.place]
        for cause in symptom.causes
    }
    ordered = sorted(symptom.causes, key=lambda cause: not behind[cause])  # stable: the table's order otherwise
    return Diagnosis(
        symptom=symptom.name, says=symptom.says, look=symptom.look,
        signals=tuple(s for s in symptom.signals if any(f.signal == s for f in own)),
        hypotheses=tuple(f"{c.says} ({', '.join(behind[c])})" if behind[c] else c.says for c in ordered),
        shown=sum(bool(found) for found in behind.values()),
        remedies=symptom.remedies, advice=texts(symptom)[1],
    )  # fmt: skip
