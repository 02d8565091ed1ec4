"""`model`: somebody's whole model, its parameters' laws by globs of their names; what no glob matches has no law."""

import fnmatch
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from varlaw.subjects import modules
from varlaw.subjects.builders.frameworks import framework_of
from varlaw.subjects.builders.instances import Build, Source, is_torch, made, seeded, tensors_of
from varlaw.subjects.builders.texts import text_of
from varlaw.subjects.subject import UNPROMISED, Array, Case, Model, Parameter, Role


def model(
    name: str,
    build: Build,
    laws: Mapping[str, Any],
    *,
    cases: Sequence[Case] = ({},),
    dtypes: Sequence[str] = ("float32",),
) -> Model:
    """A row for the model that `build(**case)` makes: all parameters that a glob matches are looked at together.

    name: under which it is verified, such as "mylib.Encoder".
    build: returns a torch module; it is called a few times only, so small sizes are enough.
    cases: the arguments of `build`, by name, each of them a case.
    dtypes: in which it is asked.
    laws: glob over parameter names -> law; the first that matches counts. Texts speak of the case and of fan_in and
        fan_out, which are known for the layers of torch, or of shape_fan_in and shape_fan_out.
    """
    texts = {glob: text_of(law) for glob, law in laws.items()}
    given = tuple(dict(case) for case in cases)

    @functools.cache
    def parameters_of(case: str) -> Mapping[str, Parameter]:
        here = json.loads(case)
        with seeded(0, dtypes[0], "cpu"):
            return {n: _promised(n, p, texts) for n, p in _parameters(made(build, here, 0)).items()}

    framework = framework_of(name)
    return Model(
        name=name, framework=framework, op="model",
        roles=tuple(Role(role=glob, documented=law) for glob, law in texts.items()),
        parameters=lambda case: parameters_of(json.dumps(case)), draws=framework.draws(Source(build, _tensors)),
        cases=lambda claim, usual, dtype: given, dtypes=tuple(dtypes),
    )  # fmt: skip


def _promised(name: str, parameter: Parameter, texts: Mapping[str, str]) -> Parameter:
    """The parameter in the role of the first glob that matches it."""
    if parameter.role == "buffer":
        return parameter
    glob = next((glob for glob in texts if fnmatch.fnmatchcase(name, glob)), UNPROMISED)
    constant = texts.get(glob, "").startswith("Constant")
    return replace(parameter, role=glob, intentional="its law says so" if constant else "")


def _parameters(thing: Any) -> dict[str, Parameter]:
    if is_torch(thing):
        return modules.parameters(thing, lambda model, name: {})
    found = tensors_of(thing)
    if not found:
        msg = f"{type(thing).__name__} holds no parameters"
        raise ValueError(msg)
    return {n: Parameter(role="", shape=tuple(x.shape)) for n, x in found.items()}


def _tensors(thing: Any, case: Case) -> Mapping[str, Array]:
    return modules.tensors(thing) if is_torch(thing) else tensors_of(thing)
