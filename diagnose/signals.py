"""The words of findings: what each says, of which kind it is, what may cause it, and what to try, in order.

The words are public and stable; a new one is a row here.
"""

from dataclasses import dataclass
from typing import Any

from varlaw.diagnose.records import Finding, Kind
from varlaw.diagnose.symptoms import BY_LAW, BY_NAME, REMEDIES, texts


@dataclass(frozen=True)
class Signal:
    """One word: `says` completes "the model ...", hypotheses and remedies are in the order in which to look and try."""

    name: str
    says: str
    kind: Kind
    law: str = ""
    hypotheses: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


def _try(*keys: str) -> tuple[str, ...]:
    return tuple(REMEDIES[key] for key in keys)


_INIT = _try("init")


def _while_training(name: str, says: str, kind: Kind, symptom: str) -> Signal:
    return Signal(name, says, kind, "", *texts(BY_NAME[symptom]))


TABLE = (
    Signal(
        "init.uninitialised", "holds memory that nobody wrote, NaN or inf", Kind.EXACT, "parameters.coverage",
        ("torch.empty without an initialiser", "left on the meta device", "to_empty() without reset"),
        ("write its values in the constructor", *_INIT),
    ),
    Signal(
        "init.unset", "has a parameter that the author's initialisation passed over", Kind.LAW, "parameters.coverage",
        ("an isinstance() test that misses the class", "created after model.apply(...)", "a name that does not match"),
        ("add the missing case", *_INIT),
    ),
    Signal(
        "init.law", "has a parameter that does not follow the law expected of it", Kind.LAW, "",
        ("fans swapped", "gain of another activation", "a depth factor that was not applied", "truncation"),
        _INIT,
    ),
    Signal(
        "init.peers", "has a parameter unlike its peers of the same role", Kind.LAW, "parameters.coverage",
        ("one layer written by hand", "a depth factor on some only", "a loop that ends one too early"),
        ("give all peers one rule", *_INIT),
    ),
    Signal(
        "init.copied", "has tensors that hold the same or correlated numbers", Kind.EXACT, "parameters.coincidence",
        ("copy.deepcopy of an initialised layer", "one seed set before each layer", "a generator that is reset"),
        ("initialise after copying", "draw from one stream"),
    ),
    Signal(
        "init.symmetric", "has units that start and learn alike", Kind.EXACT, "symmetry.distinct_units",
        ("constant weights", "one row repeated"),
        ("draw the weights at random", *_INIT),
    ),
    Signal(
        "signal.grows", "makes its signal grow with depth", Kind.LAW, "linear.second_moment",
        ("gain above that of the activation", "fan_out taken for fan_in", "no norm", "residual scale missing"),
        _try("init", "residual", "norm"),
    ),
    Signal(
        "signal.shrinks", "makes its signal vanish with depth", Kind.LAW, "linear.second_moment",
        ("gain below that of the activation", "torch's default of a third in a deep net", "no norm"),
        _try("init", "norm", "skip"),
    ),
    Signal(
        "gradient.grows", "makes its gradient grow towards the input", Kind.LAW, "linear.gradient_second_moment",
        (
            "backward gain above 1", "recurrence over many steps", "no norm",
            "batch norm behind an average: it amplifies what little differs",
        ),
        _try("init", "norm", "clip"),
    ),
    Signal(
        "gradient.shrinks", "makes its gradient vanish towards the input", Kind.LAW, "linear.gradient_second_moment",
        ("backward gain below 1", "saturated units", "wrong fan"),
        _try("init", "norm", "skip", "activation"),
    ),
    Signal(
        "signal.residual", "has a residual stream that grows exponentially with depth", Kind.LAW, "residual.growth",
        ("no 1/sqrt(2 L) on the branches and no norm in them", "the branch starts at the stream's own size"),
        (*_try("residual"), "start the last map of each branch at zero", "norm before each branch"),
    ),
    Signal(
        "signal.collapse", "makes different inputs the same", Kind.LAW, "meanfield.correlation_map",
        ("ordered phase: weights too small beside biases", "dead or saturated units", "a norm over the wrong axis"),
        ("initialise at the edge of chaos", *_try("norm")),
    ),
    Signal(
        "unit.dead", "has more dead units than its law foresees", Kind.LEVEL, "relu.second_moment",
        ("negative biases", "inputs far from zero", "a constant offset"),
        ("start biases at zero", *_try("init", "activation")),
    ),
    Signal(
        "unit.saturated", "has saturated units", Kind.LEVEL, "",
        ("gain too large", "inputs that are not normalised", "attention without 1/sqrt(width)"),
        (*_INIT, "normalise the input", *_try("norm")),
    ),
    Signal(
        "loss.start", "starts with a loss that its own law forbids", Kind.LAW, "loss.random_logits",
        ("a head that is too large", "a sum for the mean", "softmax before the loss", "wrong number of classes"),
        ("scale the head: logits of variance 1 or less", "read the options of the loss"),
    ),
    Signal(
        "structure.unregistered", "uses trainable parameters that it does not have", Kind.EXACT, "",
        ("layers in a plain list or dict", "a layer made in forward()", "a module kept from registration"),
        ("nn.ModuleList or nn.ModuleDict", "create it in the constructor"),
    ),
    Signal(
        "structure.axis", "weighs by a softmax over another axis than that which is summed", Kind.EXACT, "",
        ("dim of softmax counts the batch or the queries", "a transpose too many"),
        ("softmax over the keys: dim=-1",),
    ),
    Signal(
        "structure.batch", "runs along the rows of the batch, or deals them anew", Kind.EXACT, "",
        ("batch_first is False by default, and the batch is first", "a view in place of a transpose"),
        ("batch_first=True", "a transpose in front"),
    ),
    Signal(
        "structure.logits", "cuts its logits in front of the loss", Kind.EXACT, "",
        ("the last activation or dropout of a loop over layers", "an output layer of another task"),
        ("end with the linear map",),
    ),
    Signal(
        "structure.linear", "has two linear maps that are one", Kind.EXACT, "",
        ("the activation between them was forgotten",),
        ("put an activation between them, or leave one out",),
    ),
    Signal(
        "gradient.none", "has a trainable parameter that gets no gradient", Kind.EXACT, "",
        ("no operation uses it", "detach() or no_grad() on the way", "an operation without a gradient"),
        ("use it, or freeze it", "remove the cut"),
    ),
    Signal(
        "gradient.zero", "has a trainable parameter whose gradient is exactly zero", Kind.EXACT, "",
        ("dead units", "underflow", "a zero factor that gets no gradient itself", "a mask that hides it"),
        (*_INIT, "look at the zero factor"),
    ),
    Signal(
        "norm.bias", "has a bias that the following norm cancels", Kind.EXACT, "batch_norm.bias_gradient",
        ("bias=True before a norm",),
        ("bias=False: it learns nothing",),
    ),
    Signal(
        "norm.eps", "has a norm whose eps is of the size of the variance", Kind.LAW, "norm.shortfall",
        ("a signal that has vanished before the norm", "eps in the wrong unit"),
        (*_INIT, "a smaller eps"),
    ),
    Signal(
        "norm.degenerate", "has a norm over a single value", Kind.EXACT, "",
        ("batch of one", "1 x 1 maps", "as many groups as channels"),
        ("more values in a set", "another norm"),
    ),
    Signal(
        "norm.statistics", "has a norm whose running statistics do not follow the batches", Kind.EXACT, "",
        (
            "momentum as the share that is kept, where torch's is the share of the last batch",
            "momentum 0 for frozen", "eval() before anything was learnt",
        ),
        ("momentum 0.1, torch's default", "eval() for a norm that is to stand still"),
    ),
    Signal(
        "number.range", "leaves the range of its number format", Kind.EXACT, "",
        ("a norm or a softmax in 16 bits", "gain too large"),
        _try("float32", "init"),
    ),
    Signal(
        "number.lost", "has initial values or positions that their number format loses", Kind.EXACT, "",
        (
            "a std below the smallest numbers of the format", "noise around 1 in bfloat16", "cast before it was scaled",
            "positions counted in 16 bits",
        ),
        ("that parameter in float32", "a larger std", "draw in float32 what is added to it"),
    ),
    Signal(
        "adapter.active", "has an adapter that is not the identity at the start", Kind.EXACT, "",
        ("both factors drawn at random",),
        ("start the second factor at zero",),
    ),
    Signal(
        "embedding.new", "has new rows outside the distribution of the old ones", Kind.LAW, "",
        ("rows added with another default",),
        ("draw new rows with the mean and variance of the old ones",),
    ),
    Signal(
        "structure.doubled", "does one thing twice", Kind.EXACT, "",
        ("an activation inside the module and outside it", "softmax before a loss that applies it"),
        ("remove one of the two",),
    ),
    Signal(
        "structure.broadcast", "compares each row with every other row", Kind.EXACT, "",
        ("a prediction of shape (n, 1) beside a target of shape (n,)",),
        ("give both one shape: squeeze(-1), or unsqueeze(-1) on the target",),
    ),
    Signal(
        "structure.dropout", "drops more of its signal than it keeps", Kind.EXACT, "dropout.variance",
        ("the share that is kept given for the share that is dropped",), ("p = 0.1 to 0.5",),
    ),
    # -- while training: causes and remedies are those of the symptom --------------------------------------------------
    _while_training("loss.nan", "made a number that is not finite", Kind.EXACT, "nan"),
    _while_training("loss.stuck", "has not learnt since the start", Kind.CHANGE, "stuck"),
    _while_training("loss.oscillates", "has a loss that changes side too often", Kind.CHANGE, "oscillates"),
    _while_training("loss.grows", "has a loss that rises", Kind.CHANGE, "grows"),
    _while_training("loss.spike", "had a loss far beyond all before", Kind.CHANGE, "spikes"),
    _while_training("loss.spikes", "has a loss that spikes again and again", Kind.CHANGE, "spikes"),
    _while_training("gradient.spike", "had a gradient far beyond all before", Kind.CHANGE, "spikes"),
    _while_training("gradient.spikes", "has a gradient that spikes again and again", Kind.CHANGE, "spikes"),
    Signal(
        "gradient.kept", "never clears its gradients", Kind.EXACT, "",
        ("zero_grad() is missing or before the wrong step",), ("call optimizer.zero_grad() after each step",),
    ),
    Signal(
        "gradient.scaled", "sums the gradients of several passes without dividing the loss by their number", Kind.LEVEL,
        "", ("accumulation without loss / passes",), ("divide each pass's loss by the number of passes",),
    ),
    Signal(
        "gradient.cleared", "clears gradients that no step has used", Kind.EXACT, "",
        ("zero_grad() inside of the loop over the passes of a step",),
        ("call zero_grad() once, before the first pass",),
    ),
    Signal(
        "mode.eval", "is trained in eval() after it was trained in train()", Kind.EXACT, "",
        ("an evaluation that does not call train() at its end",), ("call model.train() before each epoch",),
    ),
    Signal(
        "batch.repeats", "gets one and the same batch from some step on", Kind.EXACT, "",
        ("a loader that is not advanced", "an iterator made anew at each step, without shuffling"),
        ("draw the next batch at each step",),
    ),
    Signal(
        "batch.size", "gets inputs of another size than before", Kind.EXACT, "",
        ("data of another source that are not normalised", "normalised twice, or no more"),
        ("normalise by the same mean and deviation as before",),
    ),
    Signal(
        "weight.grows", "has weights that at least double", Kind.CHANGE, "",
        ("no weight decay on scale-invariant weights", "rate too large"), ("weight decay", *_try("rate/2")),
    ),
    Signal(
        "loss.unbounded", "has a loss that falls without an end", Kind.EXACT, "",
        ("the wrong sign of a term", "a variance that may go to 0", "a term without a bound"),
        ("look at each term of the loss: which one falls below 0?", "bound that term"),
    ),
    Signal(
        "weight.outside", "has weights that something else than the optimiser moves", Kind.EXACT, "",
        ("a stale copy that is loaded back (average, best step)", "weights that are scaled, cut or pruned by hand"),
        ("load copies into another model", "put the weights back before the next step"),
    ),
    Signal(
        "weight.shrinks", "has weights that at least halve", Kind.CHANGE, "",
        ("weight decay too strong", "weight decay added to the gradient of Adam"), ("less weight decay", "AdamW"),
    ),
    Signal(
        "weight.still", "has parameters that never move", Kind.EXACT, "",
        ("left out of the optimiser", "frozen on purpose", "no gradient reaches them"),
        ("give them to the optimiser, or freeze them with requires_grad_(False)",),
    ),
    Signal(
        "optimizer.stale", "is not moved by its optimiser", Kind.EXACT, "",
        ("the optimiser was made before the parameters were replaced", "the model was copied or loaded anew after it"),
        ("make the optimiser after the model is final",),
    ),
    Signal(
        "optimizer.eps", "is moved by updates that an eps makes small", Kind.EXACT, "",
        ("an eps far above the gradients: Adam is then SGD, at a rate of rate / eps",),
        ("the default of 1e-8", "a rate that is larger by as much"),
    ),
    Signal(
        "update.large", "has updates that grow", Kind.CHANGE, "",
        ("rate", "second moments of Adam that are stale"), _try("warmup", "rate/2", "adam"),
    ),
    _while_training("update.spike", "had an update far beyond all before", Kind.CHANGE, "spikes"),
    _while_training("update.small", "has updates too small to move it", Kind.LEVEL, "stuck"),
    Signal(
        "update.lost", "loses its updates in rounding", Kind.LEVEL, "",
        ("weights in 16 bits without a master copy", "rate too small"),
        ("master weights in float32", "stochastic rounding"),
    ),
    Signal(
        "clip.always", "clips nearly every step", Kind.LEVEL, "clip.probability",
        ("a limit below the usual norm",), _try("clip.raise"),
    ),
)  # fmt: skip

SIGNALS = {signal.name: signal for signal in TABLE}


def finding(name: str, outcome: str, says: str, *where: str, **numbers: Any) -> Finding:
    """A finding of the signal `name`, with the table's law unless `numbers` has its own, hypotheses and remedies.

    Where the table of symptoms has a row about that law, they are that row's.
    """
    row, of_law = SIGNALS[name], BY_LAW.get(numbers.get("law", ""))
    own = of_law is not None and name in of_law.signals
    hypotheses, remedies = texts(of_law) if of_law and own else (row.hypotheses, row.remedies)
    defaults = {"law": row.law, "hypotheses": hypotheses, "remedies": remedies}
    return Finding(signal=name, where=where, outcome=outcome, kind=row.kind.value, says=says, **{**defaults, **numbers})
