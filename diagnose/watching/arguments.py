"""What a watch is given, as it is used: optimisers without their wrappers, and a number of steps."""

from typing import Any

from varlaw.theory.domain import printable


def optimizers_of(given: Any) -> list[Any]:
    """One optimiser or several, as a list; `ValueError` for none, or for one without parameters."""
    found = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
    found = [_own(o) for o in found]
    if not found or not all(hasattr(o, "register_step_pre_hook") and hasattr(o, "param_groups") for o in found):
        msg = f"optimizer={printable(given)}, but should be a torch optimiser or a list of them [watch]"
        raise ValueError(msg)
    for optimizer in found:
        if not any(g["params"] for g in optimizer.param_groups):
            msg = f"{type(optimizer).__name__} holds no parameters, but should hold those that are trained [watch]"
            raise ValueError(msg)
    return found


def _own(optimizer: Any) -> Any:
    """The torch optimiser within a wrapper, such as Accelerate's and Lightning's."""
    inner = getattr(optimizer, "optimizer", None)
    return _own(inner) if hasattr(inner, "param_groups") else optimizer


def scalar(loss: Any) -> tuple[Any, str]:
    """The loss, or None and what it is instead of a scalar."""
    if isinstance(loss, (int, float)) or loss is None:
        return loss, ""
    if not hasattr(loss, "shape"):
        return None, f"is of type {type(loss).__name__}"
    shape, kind = tuple(loss.shape), str(loss.dtype)
    if getattr(loss, "is_meta", False):
        return None, "is on the meta device"
    if any(n != 1 for n in shape):
        return None, f"has shape {shape}"
    if "complex" in kind:
        return None, f"is of {kind}"
    return (loss if hasattr(loss, "detach") else float(loss)), ""


def steps_of(every: Any) -> int:
    """A number of steps; `ValueError` for what is none."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        msg = f"every={printable(every)}, but should be a whole number >= 1 [watch]"
        raise ValueError(msg)
    return every
