"""Where the first number that is not finite came from: the last step, run again with the weights it had.

The arguments of the model's last call are kept by reference; its weights from before the step are the recorder's copy.
"""

from typing import Any, NamedTuple

import torch

from varlaw.diagnose.records import Sight
from varlaw.diagnose.torch.eye import Eye


class _Call(NamedTuple):
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    state: torch.Tensor  # of the generator, before the call


class LastCall:
    """Keeps the arguments of the model's last call and the state of the generators before it."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._present: _Call | None = None
        self._closed: _Call | None = None

    def attach(self) -> Any:
        """Puts the hook on the model; the handle takes it off."""
        return self._model.register_forward_pre_hook(self._keep, with_kwargs=True)

    def _keep(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._present = _Call(args, kwargs, torch.get_rng_state())

    def close(self) -> None:
        """The step is over: its last call is the one that can be run again."""
        self._closed = self._present

    def replayed(self, weights: dict[str, torch.Tensor]) -> Sight | None:
        """One forward pass of the kept call with other weights, seen; None where it cannot be repeated."""
        if self._closed is None:
            return None
        model, call = self._model, self._closed
        stack: list[torch.nn.Module] = []
        paths = {module: name for name, module in model.named_modules()}
        eye = Eye(lambda: iter(model.named_parameters(remove_duplicate=False)), lambda: _path(stack, paths))
        handles = [m.register_forward_pre_hook(lambda mod, _: stack.append(mod)) for m in model.modules()]
        handles += [m.register_forward_hook(lambda *_: _left(stack)) for m in model.modules()]
        before = torch.get_rng_state()
        try:
            torch.set_rng_state(call.state)
            eye.enter((call.args, call.kwargs))
            with torch.no_grad(), torch.compiler.set_stance("force_eager"), eye:
                torch.func.functional_call(model, weights, call.args, call.kwargs)
        except Exception:  # a call that cannot be repeated tells nothing
            return None
        finally:
            torch.set_rng_state(before)
            for handle in handles:
                handle.remove()
        eye.meter.read()
        return Sight(calls=eye.calls, tensors={}, blind=eye.blind)


def _left(stack: list[torch.nn.Module]) -> None:
    if stack:
        stack.pop()


def _path(stack: list[torch.nn.Module], paths: dict[torch.nn.Module, str]) -> str:
    return paths.get(stack[-1], "") if stack else ""
