"""How an experiment on torch runs: from the seed it is given, without a trace on the user's generators."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Case, Experiment, Floats, Framework
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats

# (torch, case, count, {"dtype": ..., "device": ...}) -> name -> a tensor of `count` numbers
Call = Callable[[Any, Case, int, dict[str, Any]], Mapping[str, Any]]


def experiment(name: str, op: str, call: Call, framework: Framework = TORCH) -> Experiment:
    """The row of an experiment that draws from torch's global generators, as layers do."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        import torch

        ours = [device] if device.startswith("cuda") else []
        with torch.random.fork_rng(devices=ours), torch.enable_grad():
            torch.manual_seed(seed)
            found = call(torch, case, count, {"dtype": dtype_of(dtype), "device": device})
        return {of: floats(torch.as_tensor(x)) for of, x in found.items()}

    return Experiment(name=f"{framework.name}.{name}", framework=framework, op=op, run=run)
