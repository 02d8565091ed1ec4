"""Every law of the catalogue has a second, independent route to its number, or says why it has none."""

from varlaw.theory import LAWS
from varlaw.theory.law import Kind

from ..each import each
from . import (  # noqa: F401 - each enters its routes
    routes_layers,
    routes_networks,
    routes_numbers,
    routes_optimisers,
    routes_real_losses,
    routes_units,
    test_activations,
    test_distributions,
    test_kernels,
    test_layouts,
    test_linear,
    test_meanfield,
    test_structure,
    test_truncation,
)
from .routes import ROUTES, TAKEN, Case, agree, cases

# A convention is what a paper or a framework says: nothing but the formula can be held against it.
WITHOUT = {name for name, law in LAWS.items() if law.kind is Kind.CONVENTION}


@each("name", sorted(ROUTES))
def test_second_route(name: str) -> None:
    ours = cases(name)
    assert ours
    assert [case for case in ours if not agree(name, case)] == []


def test_every_law_has_a_second_route_or_is_a_convention() -> None:
    assert LAWS.keys() - ROUTES.keys() - TAKEN - WITHOUT == set()


def test_no_route_leads_nowhere() -> None:
    assert (ROUTES.keys() | TAKEN) - LAWS.keys() == set()


def test_a_wrong_number_would_be_found() -> None:
    assert agree("lora.rank", Case({"rank": 2, "out_features": 5, "in_features": 7}, 2.0))
    assert not agree("lora.rank", Case({"rank": 2, "out_features": 5, "in_features": 7}, 2.0 + 1e-11))
