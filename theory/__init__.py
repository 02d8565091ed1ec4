"""What should be true: analytic laws as data, each with its hypotheses, its exactness and its source."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from varlaw.theory.catalogue import LAWS as LAWS

__all__ = ["LAWS"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: a room that needs one variate need not build the table of laws.
    if name == "LAWS":
        from varlaw.theory.catalogue import LAWS

        return LAWS
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
