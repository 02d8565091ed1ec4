"""What a tensor is held to: the distribution that documentation or a law promises, and where fresh draws come from."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.claims.claim import Trial
from varlaw.claims.documented import names, resolve
from varlaw.claims.fans import fans_of, uncounted
from varlaw.evidence.decide import Source
from varlaw.subjects.subject import Case, Sampler, Tensor

_FANS = re.compile(r"\bfan(_in|_out)?\b|^\w+$")


class Promise:
    """One tensor of one sampler with the distribution it is held to, for judges to evaluate in a case."""

    def __init__(self, subject: Sampler, tensor: Tensor, formula: str, preserve: bool = False) -> None:
        self.subject, self.tensor, self.formula = subject, tensor, formula
        self._preserve = preserve  # rescaled so that the layer keeps the second moment

    def law(self, case: Case) -> Any:
        """The distribution in `case`."""
        true, shape = fans_of(self.subject, self.tensor, case)
        try:
            law = resolve(self.formula, case, true, shape)
        except ValueError as error:
            why = uncounted(self.tensor, case) if not true and _FANS.search(self.formula) else ""
            msg = "; ".join(filter(None, [str(error), why]))
            raise ValueError(msg) from error
        if self._preserve:
            assert true is not None
            law = law.scaled(1 / (law.std * math.sqrt(true[0])))
        return law

    def names(self, case: Case) -> dict[str, Any]:
        """What the case and the fans are called in the formula of a deviation."""
        return names(case, *fans_of(self.subject, self.tensor, case))

    def source(self, trial: Trial, convert: Callable[[Any, list[int]], Any] = lambda x, stream: x) -> Source:
        """Fresh tensors of this promise, each passed through `convert` with the name of a stream of its own."""

        def draw(seed: int, count: int) -> Iterator[Any]:
            instances = self.subject.draws(trial.case, trial.dtype, trial.device, seed, count)
            for i, instance in enumerate(instances):
                # The trailing 1 keeps the stream apart from a sampler's own default_rng(seed).
                yield convert(self.of(instance), [seed, i, 1])

        return draw

    def of(self, instance: Mapping[str, Any]) -> Any:
        """Its tensor in an instance; `ValueError` where there is none of its name."""
        if self.tensor.name not in instance:
            msg = f"{self.subject.name} has no tensor {self.tensor.name!r}, but {', '.join(instance) or 'none at all'}"
            raise ValueError(msg)
        return instance[self.tensor.name]
