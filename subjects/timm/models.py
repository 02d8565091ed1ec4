"""One small classifier of every architecture of timm, with what its initialiser is documented to do."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.modules import norm_gains, parameters, poisoned, tensors
from varlaw.subjects.subject import Array, Case, FirstLoss, Model, Parameter, Role
from varlaw.subjects.timm.architectures import PROMISES, UNSUPPORTED, VARIANTS, ZERO_LAST
from varlaw.subjects.timm.framework import TIMM, build, timm

_RANDOM = ("linear", "conv", "embedding", "table", "recurrent")


class Architecture:
    """One architecture: its variant, how it is made smaller, and what its parameters promise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.variant, self.fields = VARIANTS[name]
        self.promises = PROMISES.get(name, {})

    def model(self, dtype: str) -> Any:
        """A fresh classifier."""
        return build(self.variant, dict(self.fields), dtype)

    def draws(self, case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        """Fresh classifiers, one after the other from one seed."""
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            for _ in range(count):
                with poisoned():
                    instance = tensors(self.model(dtype))
                yield instance

    def parameters(self, case: Case) -> Mapping[str, Parameter]:
        """Every parameter with its role; what no documentation speaks of is "undocumented"."""
        import torch

        with torch.random.fork_rng(devices=[]):
            found = parameters(self.model("float32"), lambda model, prefix: {})
        return {n: p if self._promised(p) else replace(p, role="undocumented") for n, p in found.items()}

    def _promised(self, p: Parameter) -> bool:
        return p.role in self.promises or p.role not in _RANDOM

    def rebuilt(self, case: Case, dtype: str, device: str, seed: int) -> Mapping[str, Array]:
        """Built on the meta device, the state loaded, buffers by `reinit_non_persistent_buffers`: how timm says to."""
        import torch

        helper = getattr(timm().models._manipulate, "reinit_non_persistent_buffers", None)
        if helper is None:
            msg = "this version has no reinit_non_persistent_buffers"
            raise LookupError(msg)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            state = self.model(dtype).state_dict()
            with poisoned():
                model = self._without_memory(dtype)
                model.to_empty(device="cpu")
                model.load_state_dict(state)
                helper(model)
                return tensors(model)

    def _without_memory(self, dtype: str) -> Any:
        import torch

        try:
            with torch.device("meta"):
                return self.model(dtype)
        except Exception as error:
            msg = f"it does not build on the meta device ({type(error).__name__})"
            raise LookupError(msg) from error

    def gains(self, case: Case, dtype: str, device: str, seed: int) -> Mapping[str, tuple[float, int]]:
        """The gain of every norm that can be run alone."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = norm_gains(self.model(dtype), seed)
        return {n: seen for n, seen in found.items() if seen[0] or self.name not in ZERO_LAST}

    def first_loss(self, case: Case, dtype: str, device: str, seed: int) -> FirstLoss:
        """The cross-entropy of the logits on noise, over all labels alike: no chance of the labels is left."""
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            model = self.model(dtype).train()  # batch norms have no statistics of their own yet
            if not model.num_classes:  # found out before its tokens are attended to: 2 GB of them in one architecture
                msg = "it has no classification head"
                raise LookupError(msg)
            size = model.default_cfg.get("input_size", (3, 224, 224))
            side = self.fields.get("img_size", size[-1])
            try:
                logits = model(torch.randn(4, size[0], side, side, dtype=getattr(torch, dtype))).double()
            except (RuntimeError, AssertionError) as error:
                msg = f"it does not run on random images ({' '.join(str(error).split())[:120]})"
                raise LookupError(msg) from error
        if logits.ndim != 2:
            msg = "it has no classification head"
            raise LookupError(msg)
        loss = (torch.logsumexp(logits, -1) - logits.mean(-1)).mean()
        return FirstLoss(loss=float(loss), classes=logits.shape[-1], samples=0, logits_std=float(logits.std()))


def model(name: str) -> Model:
    """The row of one architecture."""
    architecture = Architecture(name)
    roles = tuple(Role(role=role, documented=law) for role, law in architecture.promises.items())
    return Model(
        name=f"timm.{name}",
        framework=TIMM,
        op="model_once",
        roles=roles,
        parameters=architecture.parameters,
        draws=architecture.draws,
        rebuilt=architecture.rebuilt,
        gains=architecture.gains,
        first_loss=architecture.first_loss,
        unsupported=UNSUPPORTED.get(name, {}),
    )
