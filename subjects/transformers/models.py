"""Whole models of transformers, built tiny from their configuration classes, with what the documentation promises.

The documentation of `initializer_range` (and of `init_std`) is one for all families: the standard deviation for
initializing all weight matrices. So every linear, convolution, embedding and expert matrix promises `Normal(std)`, with
the configuration that owns it; biases and norms promise what torch's modules do. Families that document another scheme
have it in `promises`.
"""

import copy
import fnmatch
import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.modules import default_dtype, norm_gains, parameters, poisoned, tensors
from varlaw.subjects.subject import Array, Case, FirstLoss, Model, Parameter, Role
from varlaw.subjects.transformers import losses
from varlaw.subjects.transformers.families import OVERRIDES
from varlaw.subjects.transformers.framework import TRANSFORMERS, config_class, model_class, quiet
from varlaw.subjects.transformers.promises import PROMISES
from varlaw.subjects.transformers.shrink import rescale, tiny

_RANDOM = ("linear", "conv", "embedding", "table", "recurrent")
ROLES = (*(Role(role=role, documented="Normal(std)") for role in _RANDOM), Role(role="bias", documented="Constant(0)"))


class Family:
    """One model type: how to build it, and what its parameters promise."""

    def __init__(self, model_type: str) -> None:
        self.model_type = model_type
        self.promises = PROMISES.get(model_type, {})

    def config(self, case: Case) -> Any:
        """A fresh configuration: models may change the one they are given."""
        return copy.deepcopy(_config(self.model_type, case["scale"]))

    def model(self, case: Case, dtype: str) -> Any:
        """A fresh model, built as `from_config(..., dtype=...)` builds it."""
        cls = model_class(self.model_type)
        with quiet(), default_dtype(dtype):
            return cls(self.config(case))

    def draws(self, case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        """Fresh models, one after the other from one seed."""
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            for _ in range(count):
                with poisoned():
                    instance = tensors(self.model(case, dtype))
                yield instance

    def parameters(self, case: Case) -> Mapping[str, Parameter]:
        """Every parameter with its role, and the numbers of the configuration that owns it."""
        import torch

        with torch.random.fork_rng(devices=[]):
            found = parameters(self.model(case, "float32"), _names)
        return {name: self._promised(name, p) for name, p in found.items()}

    def _promised(self, name: str, p: Parameter) -> Parameter:
        for pattern, role in self.promises.items():
            if fnmatch.fnmatchcase(name, pattern):
                return replace(p, role=role.role)
        silent = p.role in _RANDOM and "std" not in p.names
        return replace(p, role="undocumented") if silent else p

    def rebuilt(self, case: Case, dtype: str, device: str, seed: int) -> Mapping[str, Array]:
        """Built on the meta device, given memory, then `init_weights`: how a sharded model is initialised."""
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            with poisoned():
                try:
                    with torch.device("meta"):
                        model = self.model(case, dtype)
                except Exception as error:
                    msg = f"it does not build on the meta device ({type(error).__name__})"
                    raise LookupError(msg) from error
                try:
                    model.to_empty(device="cpu")
                    with quiet(), default_dtype(dtype):
                        model.init_weights()
                except (NotImplementedError, AttributeError) as error:
                    msg = f"it cannot be initialised from the meta device ({' '.join(str(error).split())[:120]})"
                    raise LookupError(msg) from error
                return tensors(model)

    def gains(self, case: Case, dtype: str, device: str, seed: int) -> Mapping[str, tuple[float, int]]:
        """The gain of every norm that can be run alone."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return norm_gains(self.model(case, dtype), seed)

    def first_loss(self, case: Case, dtype: str, device: str, seed: int) -> FirstLoss:
        """The model's own loss on random labels."""
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad(), quiet():
            torch.manual_seed(seed)
            return losses.first(self.model(case, dtype))


@functools.lru_cache(maxsize=4)
def _config(model_type: str, scale: float) -> Any:
    """The tiny configuration of a model type; building it takes as long as many a tiny model."""
    config = tiny(config_class(model_type), OVERRIDES.get(model_type, {}))
    rescale(config, scale)
    return config


def _names(model: Any, prefix: str) -> dict[str, Any]:
    """The numbers of the configuration that owns a module: that of the innermost whole model around it."""
    from transformers import PreTrainedModel

    owner, parts, module = model, prefix.split("."), model
    for part in parts if prefix else []:
        module = module._modules[part] if part in module._modules else getattr(module, part)
        owner = module if isinstance(module, PreTrainedModel) else owner
    config = owner.config
    known = {k: v for k, v in vars(config).items() if isinstance(v, int | float) and not k.startswith("_")}
    for std in ("initializer_range", "init_std"):
        if isinstance(known.get(std), float):
            return {**known, "std": known[std]}
    return known


def model(model_type: str) -> Model:
    """The row of one model type."""
    family = Family(model_type)
    others = {role.role: role for role in family.promises.values()}
    roles = (*(r for r in ROLES if r.role not in others), *(r for r in others.values() if r.documented))
    return Model(
        name=f"transformers.{model_type}",
        framework=TRANSFORMERS,
        op="model",
        roles=roles,
        parameters=family.parameters,
        draws=family.draws,
        rebuilt=family.rebuilt,
        gains=family.gains,
        first_loss=family.first_loss,
    )
