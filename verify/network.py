"""Signals through anybody's network against the law of its weights, at every depth.

What is decided, and why it is exact although layers depend on each other, is in `varlaw.evidence.layer_signals`.
"""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.claims.documented import resolve
from varlaw.claims.networks import Direction, LawOf, Signals, judged
from varlaw.claims.verdict import Outcome, Verdict, explained
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import SALT, Key, canonical
from varlaw.subjects.subject import LayerSignals
from varlaw.theory.domain import printable
from varlaw.theory.variates import Normal
from varlaw.verify.check import address, policy_for, verdict_of
from varlaw.verify.checked_sampler import drawn


def check_network(
    run: Callable[[int], Sequence[Sequence[Any]] | Mapping[str, Sequence[Any]]],
    law: Normal | LawOf | str | Mapping[str, Any],
    *,
    direction: Direction = "forward",
    bias_std: float = 0.0,
    dtype: str = "float32",
    delta: float = 0.01,
    alpha: float = 1e-12,
    beta: float = 1e-6,
    max_samples: int | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> Verdict:
    """Decide whether signals pass every linear map of a network as the law of its normal weights says.

    run: `run(seed)` initialises the network afresh, sends one input through it, and returns for each linear map its
        `(inputs, outputs)`, vectors of fan_in and fan_out numbers, outputs before the activation; for the direction
        "backward" `(inputs, outputs, output_gradient, input_gradient)`, from a random gradient at the network's end.
        A mapping of names to such tuples gives maps their names.
    law: `Normal(std)` of all weights, a text over the fans ("he_normal(fan_in)"), or a function of fan_in and fan_out
        that gives it; or a mapping of globs over names to such, in which each map must have one.
    bias_std: of normal biases; backwards they do not matter.
    direction: "forward", or "backward" for gradients.
    dtype: the format that the network computes in.
    delta, alpha, beta: error of the std to find, risk of a false alarm and of a miss, as of `check`.
    max_samples: give up, UNDECIDED, after so many scalars.
    salt, name: the address of the evidence; name is the function's own unless given.

    Raises `SamplerError`, a ValueError that names the network, when what it returns is something else, when it ignores
    its seed or does not repeat.

    >>> import numpy as np
    >>> from varlaw.theory.variates import Normal
    >>> def run(seed):
    ...     rng = np.random.default_rng(seed)
    ...     h, passed = rng.normal(size=64), []
    ...     for _ in range(8):
    ...         y = rng.normal(0, (2 / 64) ** 0.5, (64, 64)) @ h
    ...         passed.append((h, y))
    ...         h = np.maximum(y, 0)
    ...     return passed
    >>> check_network(run, Normal((2 / 64) ** 0.5)).outcome
    <Outcome.CONFORMS: 'CONFORMS'>
    """
    given: object = run
    if not callable(given):
        msg = f"run={printable(run)}, but should be a function of a seed [check_network]"
        raise TypeError(msg)
    if direction not in ("forward", "backward"):
        msg = f"direction={printable(direction)}, but should be 'forward' or 'backward' [check_network]"
        raise ValueError(msg)
    if dtype not in FORMATS:
        msg = f"dtype={printable(dtype)}, but should be one of {', '.join(FORMATS)} [check_network]"
        raise ValueError(msg)
    named = address(run, salt, name)
    policy = policy_for(delta, alpha, beta, max_samples)
    key = Key(salt, f"check_network:{named}", canonical({"direction": direction, "law": repr(law)}))

    def networks(seed: int, count: int) -> Iterator[list[LayerSignals]]:
        for i in range(count):
            one = Key("", "network", "", block=i, stage=seed).seed & 0xFFFFFFFF
            found = drawn(lambda _, seed: run(seed), (), one, named)
            if isinstance(found, Mapping):
                signals.names.update(enumerate(found))
                found = list(found.values())
            yield [_signals(layer, named, direction) for layer in _maps(found, named)]

    signals = Signals(
        networks, lambda *fans: Normal(1.0), direction, bias_std,
        law_at=lambda place, *fans: _law_at(law, signals.names.get(place, ""), fans, named),
    )  # fmt: skip
    try:
        finding = judged(signals, policy, key, dtype)
    except SamplerError as error:
        raise SamplerError(str(error).replace("the sampler", named)) from error
    said = repr(law) if isinstance(law, Normal) else law if isinstance(law, str) else "normal weights"
    statement = f"{said} at every depth, {direction}"
    theirs: Mapping[str, Any] = {"direction": direction, "maps": len(signals.maps)}
    return verdict_of(
        finding, subject=named, law="linear.second_moment", statement=statement, dtype=dtype, case=theirs, key=key
    )


def assert_network(run: Any, law: Any, **options: Any) -> Verdict:
    """`check_network`, and an `AssertionError` with the verdict unless the network conforms.

    run, law: as of `check_network`.
    options: its other arguments.
    """
    verdict = check_network(run, law, **options)
    if verdict.outcome is not Outcome.CONFORMS:
        raise AssertionError(explained(verdict))
    return verdict


def _law_at(law: Any, name: str, fans: tuple[int, ...], where: str) -> Normal:
    """The law of one map's weights: its own, by name, where laws go by names."""
    if isinstance(law, Mapping):
        own = next((one for glob, one in law.items() if fnmatch.fnmatchcase(name, glob)), None)
        if own is None:
            msg = f"{where} has a map {name!r} without a law: laws are given for {', '.join(law)}"
            raise SamplerError(msg)
        return _law_at(own, "", fans, where)
    found = resolve(law, {}, (fans[0], fans[1])) if isinstance(law, str) else law(*fans) if callable(law) else law
    if not isinstance(found, Normal):
        msg = f"law={printable(law)} of {name or where}, but should be Normal(std), or give one [check_network]"
        raise SamplerError(msg)
    return found


def _maps(found: Any, name: str) -> Sequence[Any]:
    if isinstance(found, Sequence) and found:
        return found
    got = "no maps" if isinstance(found, Sequence) else type(found).__name__
    msg = f"{name} returns {got}, but should return a sequence of maps"
    raise SamplerError(msg)


def _signals(layer: Any, name: str, direction: Direction) -> LayerSignals:
    wanted = 2 if direction == "forward" else 4
    if not isinstance(layer, Sequence) or len(layer) < wanted:
        got = f"{len(layer)} arrays" if isinstance(layer, Sequence) else type(layer).__name__
        msg = f"{name} returns {got} for a map, but should return {wanted} vectors"
        raise SamplerError(msg)
    vectors = [np.asarray(x, dtype=np.float64) for x in layer[:wanted]]
    for vector, like in zip(vectors, (0, 1, 1, 0), strict=False):
        if vector.ndim != 1 or vector.shape != vectors[like].shape or not vector.size:
            msg = f"{name} returns an array of shape {vector.shape}, but should return vectors of fan_in and fan_out"
            raise SamplerError(msg)
    return LayerSignals(*vectors, *(np.zeros(0),) * (4 - wanted))
