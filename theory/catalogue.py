"""All laws in one ordered, read-only table, built from the modules named here and from nothing else.

>>> LAWS["he_normal.variance"].value(fan_in=200, gain=2.0)
0.02
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, ModuleType

from varlaw.theory.law import Law
from varlaw.theory.laws import (
    activation_laws,
    activation_values,
    adapters,
    attention,
    attention_weights,
    batch_explosion,
    clipped_means,
    clipping,
    complex_weights,
    correlations,
    cut_normals,
    descent,
    distributions,
    dropout,
    edge_of_chaos,
    fans,
    finite_width,
    gains,
    kernels,
    linear,
    loss,
    meanfield,
    norm_gradients,
    norms,
    number_formats,
    optimisers,
    orthogonal_laws,
    positions,
    products,
    random_numbers,
    real_losses,
    recurrent,
    residual,
    residual_draws,
    residual_recipes,
    rounding,
    routers,
    running_statistics,
    sampling,
    scheme_variances,
    sharding,
    simplex,
    spectra,
    structure,
    symmetry,
    torch_default,
)
from varlaw.theory.notebook import laws_as_html

# Every module exports ENTRIES, a tuple of laws; the order here is that of the table and of its pages.
_MODULES = (
    linear,
    sampling,
    torch_default,
    distributions,
    cut_normals,
    random_numbers,
    orthogonal_laws,
    complex_weights,
    fans,
    scheme_variances,
    activation_values,
    activation_laws,
    gains,
    kernels,
    correlations,
    meanfield,
    edge_of_chaos,
    structure,
    residual,
    residual_draws,
    residual_recipes,
    routers,
    norms,
    norm_gradients,
    running_statistics,
    clipping,
    clipped_means,
    simplex,
    number_formats,
    attention,
    attention_weights,
    positions,
    loss,
    real_losses,
    symmetry,
    optimisers,
    descent,
    batch_explosion,
    adapters,
    products,
    finite_width,
    dropout,
    spectra,
    recurrent,
    rounding,
    sharding,
)


class UnknownLaw(KeyError):
    """No law has this name; the text of the error says how to find one."""

    def __str__(self) -> str:
        return f"no law is called {self.args[0]!r}: varlaw laws search finds one by any of its names"


class Catalogue(Mapping[str, Law]):
    """Laws by name, in their order; it prints how many there are of each group."""

    def __init__(self, laws: Iterable[Law]) -> None:
        self._laws: dict[str, Law] = {}
        for law in laws:
            assert law.name not in self._laws, f"two laws are called {law.name}"
            self._laws[law.name] = law

    def __getitem__(self, name: str) -> Law:
        try:
            return self._laws[name]
        except (KeyError, TypeError):  # TypeError: what has no hash
            raise UnknownLaw(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._laws

    def __iter__(self) -> Iterator[str]:
        return iter(self._laws)

    def __len__(self) -> int:
        return len(self._laws)

    def __repr__(self) -> str:
        groups = Counter(name.partition(".")[0] for name in self)
        listed = ", ".join(f"{group} {count}" if count > 1 else group for group, count in groups.items())
        return f"<{len(self)} laws by name, such as {next(iter(self), None)!r}: {listed}>"

    def _repr_html_(self) -> str:
        return laws_as_html(self.values())


GROUPS: Mapping[str, ModuleType] = MappingProxyType({module.__name__.rpartition(".")[2]: module for module in _MODULES})
LAWS: Mapping[str, Law] = Catalogue(law for module in _MODULES for law in module.ENTRIES)
