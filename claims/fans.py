"""The fans of a subject's weight in a case: the true ones, measured on the layer where it can be, and its shape's."""

from collections.abc import Mapping
from typing import Any

from varlaw.subjects.subject import Sampler, Tensor
from varlaw.theory.layouts import fans, shape_fans

Pair = tuple[float, float]


def fans_of(subject: Sampler, tensor: Tensor, case: Mapping[str, Any]) -> tuple[Pair | None, Pair | None]:
    """(true fans, fans read off the shape), each None where the tensor has none."""
    of_shape = tensor.shape or subject.shape
    shape = of_shape(case) if of_shape else None
    return _true(subject, tensor, case, shape), _of_shape(shape)


def uncounted(tensor: Tensor, case: Mapping[str, Any]) -> str:
    """Why the tensor's fans cannot be counted; "" where nobody says."""
    try:
        if tensor.measure:
            tensor.measure(case)
    except LookupError as error:
        return str(error)
    return ""


def whole_fans(tensor: Tensor, case: Mapping[str, Any]) -> dict[str, float]:
    """The true fans of what the tensor is a part of, as whole_fan_in and whole_fan_out, where they are known."""
    try:
        return dict(zip(("whole_fan_in", "whole_fan_out"), tensor.whole(case), strict=True)) if tensor.whole else {}
    except LookupError:
        return {}


def declared(layout: str, shape: tuple[int, ...], case: Mapping[str, Any]) -> Pair:
    """True fans by the declared meaning of the weight's axes."""
    found = fans(layout, shape, groups=case.get("groups", 1), stride=case.get("stride", 1))
    return found.fan_in, found.fan_out


def _true(subject: Sampler, tensor: Tensor, case: Mapping[str, Any], shape: tuple[int, ...] | None) -> Pair | None:
    if tensor.measure:
        try:
            return tensor.measure(case)
        except LookupError:
            return None
    if subject.measure:
        return subject.measure(case)
    if tensor.layout and shape:
        return declared(tensor.layout.format(**case), shape, case)  # "torch.{layer}" where the case names the layer
    return None


def _of_shape(shape: tuple[int, ...] | None) -> Pair | None:
    if shape is None or len(shape) < 2:
        return None
    found = shape_fans(shape)
    return found.fan_in, found.fan_out
