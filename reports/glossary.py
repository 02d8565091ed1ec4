"""What the words of a report mean to somebody who never saw one: families of claims, kinds of change, what to do."""

import math
from typing import Final

# What a reader can do about each state.
ADVICE: Final = {
    "VIOLATES": "run its replay line to see it again, bit for bit; fix the subject, or document it where it is meant",
    "error": "read the message; install or fix what is missing, and run again",
    "undecided": "nothing is wrong so far; a larger case or another policy gives it more draws",
    "deviation": "known and confirmed: follow the link before relying on this subject",
    "conforms": "nothing",
    "not applicable": "nothing",
}
# The first word of a claim -> what claims of that family ask, in the words of somebody who never saw one.
FAMILIES: Final = {
    "init": "weights and biases start with the distribution, the scale and the mean that are documented",
    "forward": "a fresh layer keeps the size of the signal: its second moment goes through unchanged",
    "fan": "the number of inputs that feed an output, counted as the layer itself counts them",
    "structure": "nothing is forgotten, drawn twice, correlated, or drawn behind the back of the seed",
    "gain": "the constant that makes up for what an activation takes from the signal",
    "norm": "what normalisation layers make of mean and variance, and what they remember of it",
    "clip": "what gradient clipping makes of norms, limits, infinities and long gradients",
    "random": "random numbers that are no weights: their range, law, values and independence",
    "dropout": "the share dropped, the factor that makes up for it, and independence",
    "loss": "what a loss costs before anything is learnt: ln C for C classes",
    "adapter": "a fresh adapter changes nothing",
    "network": "signals through a whole network, at every depth",
    "law": "a law of the catalogue, measured on what a framework computes from random input",
    "model": "a whole model starts as its configuration says",
    "shards": "tensors in pieces start as they would whole, and the pieces are unrelated",
    "deviations": "every documented deviation that should have been met was met",
}
# Kinds of change between two versions.
CHANGES: Final = {
    "moved": "another law, or another scale of it",
    "constant": "a constant measured by what it does, such as an eps, has another value",
    "failed": "could be looked at before, and no longer can",
    "vanished": "is no longer there",
    "appeared": "was not there before",
    "recovered": "could not be looked at before, and now can",
}


def nats(chance: float) -> str:
    """The natural log of 1 / chance, which evidence must exceed; "" for a chance of none.

    >>> nats(1e-12)
    '27.6'
    """
    return f"{-math.log(chance):.1f}" if chance > 0 else ""
