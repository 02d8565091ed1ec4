"""What an editor, another process and another backend see of the public functions."""

import inspect
import pickle
import re

import pytest

import varlaw.impl.numpy as on_numpy
import varlaw.impl.torch as on_torch
from varlaw.impl.backend import Backend

MODULES = [on_numpy, on_torch]


def functions(module):
    found = {name: getattr(module, name) for name in module.__all__}
    return {name: thing for name, thing in found.items() if callable(thing) and not isinstance(thing, type)}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_argument_is_explained_where_an_editor_shows_it(module):
    for name, function in functions(module).items():
        lines = re.findall(r"^\s*([\w, ]+): ", inspect.getdoc(function), re.MULTILINE)
        explained = {word for line in lines for word in line.split(", ")}
        assert set(inspect.signature(function).parameters) <= explained, name


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_public_functions_travel_by_name(module):
    for function in functions(module).values():
        assert pickle.loads(pickle.dumps(function)) == function


def test_backends_take_the_same_arguments():
    ours, theirs = functions(on_numpy), functions(on_torch)
    for name in ours.keys() & theirs.keys():
        mine, other = (inspect.signature(f[name]).parameters.values() for f in (ours, theirs))
        assert [(p.name, p.kind, p.default) for p in mine] == [(p.name, p.kind, p.default) for p in other], name
    assert ours.keys() <= theirs.keys()


def test_a_backend_supplies_all_that_the_rules_need():
    with pytest.raises(TypeError, match="abstract"):
        Backend()
    assert not on_numpy.NUMPY.__abstractmethods__
    assert not on_torch.TORCH.__abstractmethods__
