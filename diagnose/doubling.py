"""Operations that do one thing twice, undo each other, or stand where they cut what they should pass."""

from collections.abc import Iterator

from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_KEEPS = 0.5  # share that is dropped at which the noise is as large as the signal
_IDEMPOTENT = frozenset(["relu", "relu6", "hardtanh"])


def doubled(sight: Sight, graph: Graph) -> list[Finding]:
    """One activation twice in a row, a softmax in front of a loss that applies it, a sigmoid likewise."""
    return [
        *_doubled(sight, graph), *_cut_logits(sight), *_linear(sight, graph), *_axes(sight),
        *_each_with_each(sight, graph), *_dropped(sight), *_along_the_batch(sight), *_dealt_anew(sight),
    ]  # fmt: skip


def _each_with_each(sight: Sight, graph: Graph) -> Iterator[Finding]:
    """A mean over errors whose prediction and target were stretched along different axes: (64, 1) beside (64,)."""
    for call in sight.calls:
        a, b = call.options.get("shapes", ((), ()))
        reduced = call.kind == "loss" and call.options.get("reduction", "mean") != "none"
        column = any(x[:-1] == y and x[-1:] == [1] for x, y in ((a, b), (b, a)))
        by_hand = call.op in ("sub", "rsub") and column and _mean_error(call, graph)
        if not (reduced or by_hand) or list(call.options.get("stretched", ())) in (a, b, []):
            continue
        says = f"{call.op} of shapes {tuple(a)} and {tuple(b)} compares each row with every other"
        yield finding("structure.broadcast", "VIOLATES", says, place(call, sight.calls))


def _mean_error(call: Call, graph: Graph) -> bool:
    """Whether squares or moduli of a difference are averaged."""
    error = graph.behind(call.number)
    mean = graph.behind(error.number) if error and error.op in ("pow", "square", "abs", "mul") else None
    return mean is not None and mean.op in ("mean", "sum")


def _dropped(sight: Sight) -> Iterator[Finding]:
    """A dropout whose noise, of variance p / (1 - p) times the second moment, is larger than what it keeps."""
    for call in sight.calls:
        p = call.options.get("p", call.options.get("argument_1"))
        if call.kind == "dropout" and isinstance(p, float) and _KEEPS < p < 1 and call.options.get("training", True):
            says = f"p = {p:g}: noise of {p / (1 - p):.3g} times the second moment, in training alone"
            yield finding(
                "structure.dropout", "NOTE", says, place(call, sight.calls), observed=p / (1 - p), expected=1.0
            )


def _along_the_batch(sight: Sight) -> Iterator[Finding]:
    """A recurrence or attention whose steps are the rows of the batch, where the loss has one label a row."""
    rows = sight.batch_rows
    losses = [c for c in sight.calls if c.kind == "loss" and c.options.get("shape_of_logits", [0])[0] == rows]
    for path, steps, sequences in sight.along if any(c.options.get("labels", rows) == rows for c in losses) else ():
        says = f"reads its input as {steps} steps of {sequences} sequences: it runs along the rows of the batch"
        yield finding("structure.batch", "NOTE", says, path)


def _dealt_anew(sight: Sight) -> Iterator[Finding]:
    """A view that takes the second axis for the first: the numbers of a row come to lie in others."""
    for number, op, before, after in sight.mixed:
        says = f"{op} reads {before}, whose rows lie on the second axis, as {after}: each row has numbers of others"
        yield finding("structure.batch", "VIOLATES", says, place(sight.calls[number], sight.calls))


def _cut_logits(sight: Sight) -> Iterator[Finding]:
    """A loss of logits whose logits come out of an activation or a dropout."""
    for call in sight.calls:
        if call.op not in ("cross_entropy", "binary_cross_entropy_with_logits") or not call.parents:
            continue
        before = sight.calls[call.parents[0]]
        dropped = before.kind == "dropout" and float(before.options.get("p", 0) or 0) > 0
        if dropped or (before.kind == "activation" and before.op != "sigmoid"):
            yield finding(
                "structure.logits", "VIOLATES", f"{before.op} in front of {call.op}", place(before, sight.calls)
            )


def _linear(sight: Sight, graph: Graph) -> Iterator[Finding]:
    """A linear map of a linear map, not narrower between than at its ends: it can do no more than one map."""
    for call in sight.calls:
        behind = graph.behind(call.number)
        if call.op != "linear" or behind is None or behind.op != "linear" or not call.parameters:
            continue
        first, second = (sight.tensors.get(c.parameters[0]) if c.parameters else None for c in (call, behind))
        if first is None or second is None or not (first.trainable and second.trainable):
            continue
        if first.shape[0] >= min(first.shape[1], second.shape[0]):
            says = "nothing between two linear maps: they can do no more than one"
            yield finding("structure.linear", "NOTE", says, call.parameters[0], behind.parameters[0])


def _axes(sight: Sight) -> Iterator[Finding]:
    """A product that sums over an axis along which its softmax weights do not add up to 1."""
    for call in sight.calls:
        off = call.options.get("weights_off")
        if off is not None and off > call.options["weights_rounding"]:
            says = f"softmax weights that add up to 1 +- {off:.2g} along the axis that is summed"
            yield finding("structure.axis", "VIOLATES", says, place(call, sight.calls), expected=1.0, observed=1 + off)


def _doubled(sight: Sight, graph: Graph) -> Iterator[Finding]:
    for call in sight.calls:
        before = _before(call, sight)
        if before is None:
            continue
        places = dict.fromkeys((place(call, sight.calls), place(before, sight.calls)))
        if call.kind == before.kind == "activation" and call.op == before.op:
            outcome = "NOTE" if call.op in _IDEMPOTENT else "VIOLATES"
            yield finding("structure.doubled", outcome, f"{call.op} of {call.op}", *places)
        elif call.kind == before.kind == "softmax":
            yield finding("structure.doubled", "VIOLATES", f"{call.op} of {before.op}", *places)
        elif call.op == "cross_entropy" and before.op in ("softmax", "log_softmax", "sigmoid"):
            outcome = "NOTE" if before.op == "log_softmax" else "VIOLATES"
            yield finding(
                "structure.doubled", outcome, f"{before.op} in front of cross_entropy", place(before, sight.calls)
            )
        elif call.op == "binary_cross_entropy_with_logits" and before.op == "sigmoid":
            yield finding(
                "structure.doubled", "VIOLATES", "sigmoid in front of a loss of logits", place(before, sight.calls)
            )
        elif call.op in ("nll_loss", "kl_div", "ctc_loss") and before.op == "softmax":
            says = f"{call.op} of probabilities, not of logs"
            yield finding("structure.doubled", "VIOLATES", says, place(before, sight.calls))
        elif call.op == "batch_norm" and before.kind == "dropout" and float(before.options.get("p", 0) or 0) > 0:
            yield finding("structure.doubled", "NOTE", "dropout in front of batch norm shifts its variance", *places)


def _before(call: Call, sight: Sight) -> Call | None:
    """The call behind the first input of this one, past dropout."""
    node = call.parents[0] if call.parents else None
    while node is not None:
        before = sight.calls[node]
        if before.kind not in ("view", "dropout") or call.op == "batch_norm":
            return before
        node = before.parents[0] if before.parents else None
    return None
